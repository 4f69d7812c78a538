# The generated codec; generated files stay in the build tree.
LINK_PROTO = %D%/libproto.a $(PROTOBUF_C_LIBS)
noinst_LIBRARIES += %D%/libproto.a
nodist_%C%_libproto_a_SOURCES = %D%/dsync.pb-c.c %D%/dsync.pb-c.h
# The generator's output is not ours to warn about.
%C%_libproto_a_CFLAGS = $(HARDEN_CFLAGS) $(SANITIZE_FLAGS) $(FUZZ_CFLAGS)
BUILT_SOURCES += %D%/dsync.pb-c.h
CLEANFILES += %D%/dsync.pb-c.c %D%/dsync.pb-c.h
EXTRA_DIST += %D%/dsync.proto
dist_man_MANS += %D%/dsync-protocol.7
dist_man_MANS += %D%/dsync-merge.7

%D%/dsync.pb-c.h: %D%/dsync.pb-c.c
%D%/dsync.pb-c.c: $(srcdir)/%D%/dsync.proto
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	$(PROTOC_C) --proto_path=$(srcdir)/%D% --c_out=%D% \
	    $(srcdir)/%D%/dsync.proto
