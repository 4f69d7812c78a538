# The store's side of a run.
noinst_LIBRARIES += %D%/libsession.a
%C%_libsession_a_SOURCES =
%C%_libsession_a_SOURCES += %D%/apply.c
%C%_libsession_a_SOURCES += %D%/apply_tree.c
%C%_libsession_a_SOURCES += %D%/batch.c
%C%_libsession_a_SOURCES += %D%/body.c
%C%_libsession_a_SOURCES += %D%/budget.c
%C%_libsession_a_SOURCES += %D%/confine.c %D%/confine.h
%C%_libsession_a_SOURCES += %D%/identity.c %D%/pairlock.c
%C%_libsession_a_SOURCES += %D%/scan.c
%C%_libsession_a_SOURCES += %D%/scan_mails.c
%C%_libsession_a_SOURCES += %D%/serve.c
%C%_libsession_a_SOURCES += %D%/session.c %D%/session.h
%C%_libsession_a_SOURCES += %D%/session_int.h
%C%_libsession_a_SOURCES += %D%/session_main.c
%C%_libsession_a_SOURCES += %D%/stream.c
