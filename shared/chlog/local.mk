# What changed since the last run.
noinst_LIBRARIES += %D%/libchlog.a
%C%_libchlog_a_SOURCES =
