# Options, configuration files and their help.
noinst_LIBRARIES += %D%/libconf.a
%C%_libconf_a_SOURCES =
