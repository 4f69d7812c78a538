# Log lines and progress events.
noinst_LIBRARIES += %D%/liblog.a
%C%_liblog_a_SOURCES =
