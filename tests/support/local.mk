# Helpers of several tests.
noinst_PROGRAMS += %D%/storectl
%C%_storectl_LDADD = $(LINK_STORE)
# The network side of a client alone, for scenarios.
noinst_PROGRAMS += %D%/probe
%C%_probe_LDADD = client/libclient.a $(LINK_NET)
