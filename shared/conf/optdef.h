/*
 * optdef.h - one option: its names, type, field and help
 *
 * One table per program feeds the command line, the configuration file, the
 * help and the dump of effective settings:
 *
 *	static const struct optdef optdefs[] = {
 *		{ .name = "lock_timeout", .type = OPT_SECONDS,
 *		  .flags = OPT_LIMIT, .offset = FIELD(lock_timeout),
 *		  .arg = "TIME", .value = "60s",
 *		  .help = "how long to wait for a mailbox lock" },
 */
#ifndef CONF_OPTDEF_H
#define CONF_OPTDEF_H

#include <stddef.h>
#include <stdint.h>

#define OPT_LIST_MAX	4096U		/* items of one list */
#define OPT_VALUE_MAX	65536U		/* bytes of one value */

/* What names in a file, sections and keys of maps consist of. */
#define OPT_NAME_CHARS	"abcdefghijklmnopqrstuvwxyz" \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.@:+"

/* A list of strings, works with the macros of base/array.h. */
struct opt_list {
	char **v;
	size_t n, cap;
};

enum opt_type {
	OPT_BOOL,	/* bool; on the command line without an argument */
	OPT_UINT,	/* unsigned int */
	OPT_SIZE,	/* uint64_t, bytes; "10M", "1 GiB" */
	OPT_SECONDS,	/* unsigned int; "90", "90s", "2 mins", "1h", "7d" */
	OPT_STRING,	/* char *, owned by the settings; NULL if never set */
	OPT_ENUM,	/* int: index in words */
	OPT_LIST,	/* struct opt_list: each use adds an item */
	OPT_MAP,	/* struct opt_list of "key=value"; a section of a file */
	OPT_SETTING,	/* no field: "name=value" sets any option of a file */
};

#define OPT_LIMIT	0x01u	/* a limit: 0 is an error, never "none" */
#define OPT_ARGS_ONLY	0x02u	/* not in a file */
#define OPT_FILE_ONLY	0x04u	/* not on the command line, but with -o */
#define OPT_SECRET	0x08u	/* its value is not printed */

struct optdef {
	const char *name;	/* "a_b": --a-b on the command line, a_b = in
				   a file; "sec/key": in a section there */
	char letter;		/* -l, or 0 */
	enum opt_type type;
	unsigned int flags;	/* OPT_* above */
	size_t offset;		/* of the field in the settings struct */
	const char *arg;	/* placeholder in the help, NULL for OPT_BOOL */
	const char *help;	/* one line, no full stop */
	const char *value;	/* default, as in a file; NULL: 0, no, NULL */
	uint64_t min, max;	/* of a number; max 0: what the field holds */
	const char *const *words;	/* of OPT_ENUM, NULL at the end */
};

#endif
