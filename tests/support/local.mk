# Helpers of several tests.
noinst_PROGRAMS += %D%/storectl
%C%_storectl_LDADD = $(LINK_STORE)
noinst_PROGRAMS += %D%/indexctl
%C%_indexctl_LDADD = $(LINK_STORE)
# The network side of a client alone, for scenarios.
noinst_PROGRAMS += %D%/probe
%C%_probe_LDADD = client/libclient.a $(LINK_NET)
# A mail client and a bad line, for scenarios.
noinst_PROGRAMS += %D%/imapctl
%C%_imapctl_SOURCES = %D%/imapctl.c %D%/imap.c %D%/imap.h
%C%_imapctl_SOURCES += %D%/resync.c %D%/resync.h
%C%_imapctl_LDADD = $(LINK_BASE)
noinst_PROGRAMS += %D%/cutproxy
%C%_cutproxy_LDADD = $(LINK_BASE)
