# The driver interface and one folder per driver.
noinst_LIBRARIES += %D%/libstore.a
%C%_libstore_a_SOURCES =
%C%_libstore_a_SOURCES += %D%/registry.c %D%/store.h
%C%_libstore_a_SOURCES += %D%/failing/failing.c %D%/failing/failing.h
%C%_libstore_a_SOURCES += %D%/memory/memory.h %D%/memory/memory_int.h
%C%_libstore_a_SOURCES += %D%/memory/memory_box.c
%C%_libstore_a_SOURCES += %D%/memory/memory_client.c
%C%_libstore_a_SOURCES += %D%/memory/memory_flush.c
%C%_libstore_a_SOURCES += %D%/memory/memory_store.c
%C%_libstore_a_SOURCES += %D%/memory/memory_world.c
