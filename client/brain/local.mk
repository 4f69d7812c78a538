# The merge: messages in, messages out, no I/O.
noinst_LIBRARIES += %D%/libbrain.a
%C%_libbrain_a_SOURCES =
