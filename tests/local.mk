# Programs need Check; without it only the scripts and fuzz targets run.
LINK_CHECK = $(CHECK_LIBS)
AM_CPPFLAGS += $(CHECK_CFLAGS)
EXTRA_DIST += %D%/support/unit.h %D%/support/tempdir.h \
	%D%/support/certs.h %D%/support/index_fixture.h \
	%D%/support/msg_random.h %D%/support/rng.h \
	%D%/support/tree_fixture.h
# Random messages that a peer could send.
msg_sources = %D%/support/msg_random.c %D%/support/msg_equal.c \
	%D%/support/rng.c
include %D%/support/local.mk
include %D%/unit/local.mk
include %D%/contract/local.mk
include %D%/merge/local.mk
include %D%/pair/local.mk
include %D%/scenario/local.mk
include %D%/fuzz/local.mk
include %D%/lint/local.mk
include %D%/bench/local.mk

# Makers and readers of mail stores for the demonstration and scenarios.
dist_noinst_SCRIPTS += %D%/support/make-maildir.sh
dist_noinst_SCRIPTS += %D%/support/list-maildir.sh
# What other programs print, for tests that read it.
EXTRA_DIST += %D%/data
