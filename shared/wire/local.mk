# Frames, and messages to and from their bytes.
noinst_LIBRARIES += %D%/libwire.a
%C%_libwire_a_SOURCES =
