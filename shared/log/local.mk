# Log lines and progress events.
noinst_LIBRARIES += %D%/liblog.a
%C%_liblog_a_SOURCES =
%C%_liblog_a_SOURCES += %D%/log.c %D%/log.h
%C%_liblog_a_SOURCES += %D%/log_format.c %D%/log_format.h
