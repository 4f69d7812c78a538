# What the sources must keep to.
dist_check_SCRIPTS += %D%/headers.sh
dist_check_SCRIPTS += %D%/layers.sh
dist_check_SCRIPTS += %D%/manuals.sh
dist_check_SCRIPTS += %D%/rules.sh
dist_check_SCRIPTS += %D%/text.sh
dist_check_SCRIPTS += %D%/dist.sh

# What would be in the tarball, for dist.sh.
check_DATA = %D%/distfiles
CLEANFILES += %D%/distfiles %D%/distfiles.missing
%D%/distfiles: Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	printf '%s\n' $(DISTFILES) | $(SED) 's,^$(srcdir)/,,' > $@
