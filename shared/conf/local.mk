# Options, configuration files and their help.
noinst_LIBRARIES += %D%/libconf.a
%C%_libconf_a_SOURCES =
%C%_libconf_a_SOURCES += %D%/conf.c %D%/conf.h
%C%_libconf_a_SOURCES += %D%/conf_args.c %D%/conf_args.h
%C%_libconf_a_SOURCES += %D%/conf_file.c %D%/conf_file.h
%C%_libconf_a_SOURCES += %D%/conf_line.c %D%/conf_line.h
%C%_libconf_a_SOURCES += %D%/conf_print.c %D%/conf_print.h
%C%_libconf_a_SOURCES += %D%/conf_value.c %D%/conf_value.h
%C%_libconf_a_SOURCES += %D%/doveconf.c %D%/doveconf.h
%C%_libconf_a_SOURCES += %D%/doveconf_run.c
%C%_libconf_a_SOURCES += %D%/optdef.h %D%/optrows.h
