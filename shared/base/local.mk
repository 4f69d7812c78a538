# Layer 0: includes nothing of ours.
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES =
%C%_libbase_a_SOURCES += %D%/arena.h
%C%_libbase_a_SOURCES += %D%/array.h
%C%_libbase_a_SOURCES += %D%/clock.h
%C%_libbase_a_SOURCES += %D%/digest.h
%C%_libbase_a_SOURCES += %D%/err.h
%C%_libbase_a_SOURCES += %D%/io.h
%C%_libbase_a_SOURCES += %D%/strbuf.h
