# Layer 0: includes nothing of ours.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES =
%C%_libbase_a_SOURCES += %D%/arena.c %D%/arena.h
%C%_libbase_a_SOURCES += %D%/array.c %D%/array.h
%C%_libbase_a_SOURCES += %D%/clock.c %D%/clock.h
%C%_libbase_a_SOURCES += %D%/digest.c %D%/digest.h
%C%_libbase_a_SOURCES += %D%/err.c %D%/err.h
%C%_libbase_a_SOURCES += %D%/io.c %D%/io.h
%C%_libbase_a_SOURCES += %D%/mem.c %D%/mem.h
%C%_libbase_a_SOURCES += %D%/strbuf.c %D%/strbuf.h
%C%_libbase_a_SOURCES += %D%/utf8.c %D%/utf8.h
