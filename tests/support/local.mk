# Helpers of several tests.
noinst_PROGRAMS += %D%/storectl
%C%_storectl_LDADD = $(LINK_STORE)
