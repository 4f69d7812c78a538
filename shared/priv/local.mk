# Giving up privileges and talking across them.
noinst_LIBRARIES += %D%/libpriv.a
%C%_libpriv_a_SOURCES =
%C%_libpriv_a_SOURCES += %D%/account.c %D%/account.h
%C%_libpriv_a_SOURCES += %D%/auth_reply.c %D%/auth_reply.h
%C%_libpriv_a_SOURCES += %D%/auth_userdb.c %D%/auth_userdb.h
%C%_libpriv_a_SOURCES += %D%/channel.c %D%/channel.h
%C%_libpriv_a_SOURCES += %D%/drop.c %D%/drop.h
%C%_libpriv_a_SOURCES += %D%/sandbox.h
%C%_libpriv_a_SOURCES += %D%/sandbox_landlock.c %D%/sandbox_seccomp.c
