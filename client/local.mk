# The program dsync.
include %D%/brain/local.mk

# What can be tested without starting the program.
noinst_LIBRARIES += %D%/libclient.a
%C%_libclient_a_SOURCES =
%C%_libclient_a_SOURCES += %D%/all.c %D%/all.h
%C%_libclient_a_SOURCES += %D%/connect.c %D%/connect.h
%C%_libclient_a_SOURCES += %D%/endpoint.c %D%/endpoint.h
%C%_libclient_a_SOURCES += %D%/enrol.c %D%/enrol.h
%C%_libclient_a_SOURCES += %D%/line.c %D%/line.h
%C%_libclient_a_SOURCES += %D%/location.c %D%/location.h
%C%_libclient_a_SOURCES += %D%/optdefs.c
%C%_libclient_a_SOURCES += %D%/progress.c %D%/progress.h
%C%_libclient_a_SOURCES += %D%/report.c %D%/report.h
%C%_libclient_a_SOURCES += %D%/run.c %D%/run.h
%C%_libclient_a_SOURCES += %D%/stats.c %D%/stats.h
%C%_libclient_a_SOURCES += %D%/settings.c %D%/settings.h
%C%_libclient_a_SOURCES += %D%/sync.c %D%/sync.h
%C%_libclient_a_SOURCES += %D%/user.c %D%/user.h

bin_PROGRAMS += %D%/dsync
%C%_dsync_SOURCES = %D%/main.c
%C%_dsync_LDADD = %D%/libclient.a $(LINK_ALL)
dist_man_MANS += %D%/dsync.1 %D%/dsync.conf.5
