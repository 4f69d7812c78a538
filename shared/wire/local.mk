# Frames, and messages to and from their bytes.
noinst_LIBRARIES += %D%/libwire.a
%C%_libwire_a_SOURCES =
%C%_libwire_a_SOURCES += %D%/codec.h %D%/codec_in.c %D%/codec_out.c
%C%_libwire_a_SOURCES += %D%/frame.c %D%/frame.h
%C%_libwire_a_SOURCES += %D%/limits.h
%C%_libwire_a_SOURCES += %D%/link.c %D%/link.h
%C%_libwire_a_SOURCES += %D%/pool.c %D%/pool.h
%C%_libwire_a_SOURCES += %D%/put.c %D%/put.h
%C%_libwire_a_SOURCES += %D%/take.c %D%/take.h
%C%_libwire_a_SOURCES += %D%/zchunk.c %D%/zchunk.h
