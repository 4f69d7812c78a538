# The program dsync.
include %D%/brain/local.mk

# bin_PROGRAMS += %D%/dsync
# %C%_dsync_SOURCES = %D%/main.c
# %C%_dsync_LDADD = $(LINK_ALL)
# dist_man_MANS += %D%/dsync.1 %D%/dsync.conf.5
