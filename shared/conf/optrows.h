/*
 * optrows.h - the options that both programs have, each a row of a table
 *
 * field is the offset of the option's field.
 */
#ifndef CONF_OPTROWS_H
#define CONF_OPTROWS_H

#include "conf/optdef.h"

#define OPTROW_WEEK	(7U * 86400U)	/* seconds */

#define OPTROW_CONFIG(field)						\
	{ .name = "config", .letter = 'c', .type = OPT_STRING,		\
	  .flags = OPT_ARGS_ONLY, .offset = (field), .arg = "FILE",	\
	  .help = "read settings from this file only" }
#define OPTROW_SET							\
	{ .name = "set", .letter = 'o', .type = OPT_SETTING,		\
	  .flags = OPT_ARGS_ONLY, .arg = "SETTING=VALUE",		\
	  .help = "override a setting of the file" }
#define OPTROW_VERSION(field)						\
	{ .name = "version", .type = OPT_BOOL, .flags = OPT_ARGS_ONLY,	\
	  .offset = (field), .help = "print the version" }
#define OPTROW_HELP(field)						\
	{ .name = "help", .letter = 'h', .type = OPT_BOOL,		\
	  .flags = OPT_ARGS_ONLY, .offset = (field),			\
	  .help = "print this help" }
#define OPTROW_STATE_DIR(field)						\
	{ .name = "state_dir", .type = OPT_STRING,			\
	  .flags = OPT_FILE_ONLY, .offset = (field), .arg = "DIRECTORY",\
	  .help = "where change logs are kept instead of the store" }
#define OPTROW_HOSTNAME(field)						\
	{ .name = "hostname", .type = OPT_STRING,			\
	  .flags = OPT_FILE_ONLY, .offset = (field), .arg = "NAME",	\
	  .help = "name of this host" }
/* A time; value_ is the text of its default. */
#define OPTROW_TIMEOUT(name_, field, value_, help_)			\
	{ .name = (name_), .type = OPT_SECONDS,				\
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = (field),	\
	  .arg = "TIME", .value = (value_), .min = 1,			\
	  .max = OPTROW_WEEK, .help = (help_) }
#define OPTROW_LOCK_TIMEOUT(field)					\
	OPTROW_TIMEOUT("lock_timeout", field, "60s",			\
	    "how long to wait for a lock of a mail format")

#endif
