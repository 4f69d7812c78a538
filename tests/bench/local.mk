# Not part of make check: what it measures depends on what else runs.
EXTRA_PROGRAMS += %D%/raw
%C%_raw_LDADD = $(LINK_BASE)
dist_noinst_SCRIPTS += %D%/bench.sh %D%/growth.sh
EXTRA_DIST += %D%/growth.awk
CLEANFILES += %D%/raw

.PHONY: bench
bench: client/dsync$(EXEEXT) server/dsync-server$(EXEEXT) %D%/raw$(EXEEXT)
	@builddir='$(builddir)' $(SHELL) $(srcdir)/%D%/bench.sh
