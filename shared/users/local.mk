# Users and settings of a mail host, for both programs.
noinst_LIBRARIES += %D%/libusers.a
%C%_libusers_a_SOURCES =
%C%_libusers_a_SOURCES += %D%/store_conf.c %D%/store_conf.h
