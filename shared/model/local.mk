# Layer 1: the nouns, values without I/O.
noinst_LIBRARIES += %D%/libmodel.a
%C%_libmodel_a_SOURCES =
%C%_libmodel_a_SOURCES += %D%/attribute.c %D%/attribute.h
%C%_libmodel_a_SOURCES += %D%/flags.c %D%/flags.h
%C%_libmodel_a_SOURCES += %D%/guid.c %D%/guid.h
%C%_libmodel_a_SOURCES += %D%/mail_expand.c
%C%_libmodel_a_SOURCES += %D%/mail_filter.c %D%/mail_filter.h
%C%_libmodel_a_SOURCES += %D%/mail_location.c %D%/mail_location.h
%C%_libmodel_a_SOURCES += %D%/mailbox_name.c %D%/mailbox_name.h
%C%_libmodel_a_SOURCES += %D%/msg.c %D%/msg.h
%C%_libmodel_a_SOURCES += %D%/mutf7.c
