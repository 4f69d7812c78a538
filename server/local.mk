# The program dsync-server.
noinst_LIBRARIES += %D%/libserver.a
%C%_libserver_a_SOURCES =
%C%_libserver_a_SOURCES += %D%/admin.c %D%/admin.h
%C%_libserver_a_SOURCES += %D%/auth.c %D%/auth.h
%C%_libserver_a_SOURCES += %D%/listen.c %D%/listen.h
%C%_libserver_a_SOURCES += %D%/log_setup.c %D%/log_setup.h
%C%_libserver_a_SOURCES += %D%/monitor.c %D%/monitor.h %D%/request.h
%C%_libserver_a_SOURCES += %D%/net_main.c %D%/net_main.h
%C%_libserver_a_SOURCES += %D%/optdefs.c
%C%_libserver_a_SOURCES += %D%/relay.c %D%/relay.h
%C%_libserver_a_SOURCES += %D%/settings.c %D%/settings.h
%C%_libserver_a_SOURCES += %D%/slots.c %D%/slots.h
%C%_libserver_a_SOURCES += %D%/store_main.c %D%/store_main.h
%C%_libserver_a_SOURCES += %D%/user.c %D%/user.h

sbin_PROGRAMS += %D%/dsync-server
%C%_dsync_server_SOURCES = %D%/main.c
%C%_dsync_server_LDADD = %D%/libserver.a $(LINK_ALL)
dist_man_MANS += %D%/dsync-server.8 %D%/dsync-server.conf.5
