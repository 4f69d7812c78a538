# The program dsync-server.
# sbin_PROGRAMS += %D%/dsync-server
# %C%_dsync_server_SOURCES = %D%/main.c
# %C%_dsync_server_LDADD = $(LINK_ALL)
dist_man_MANS += %D%/dsync-server.8 %D%/dsync-server.conf.5
