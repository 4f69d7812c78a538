# Users and settings of a mail host, for both programs.
noinst_LIBRARIES += %D%/libusers.a
%C%_libusers_a_SOURCES =
%C%_libusers_a_SOURCES += %D%/dovecot.c %D%/dovecot.h
%C%_libusers_a_SOURCES += %D%/namespaces.c %D%/namespaces.h
%C%_libusers_a_SOURCES += %D%/store_conf.c %D%/store_conf.h
%C%_libusers_a_SOURCES += %D%/passwd_file.c %D%/passwd_file.h
%C%_libusers_a_SOURCES += %D%/user_conf.h
%C%_libusers_a_SOURCES += %D%/userdb.c %D%/userdb.h
%C%_libusers_a_SOURCES += %D%/mail_conf.c %D%/mail_conf.h
