/*
 * user_conf.h - where users are looked up, as options of a file
 *
 * Both programs have these rows in their tables and a struct user_conf among
 * their settings.
 */
#ifndef USERS_USER_CONF_H
#define USERS_USER_CONF_H

#include <stddef.h>

#include "conf/optdef.h"

struct user_conf {
	char *auth_socket_path;	/* of Dovecot's auth-userdb; NULL or "": none */
	char *passwd_file;	/* may hold %-variables; NULL or "": none */
	char *mail_uid, *mail_gid;	/* of users that have none; NULL, "" */
	char *mail_home;	/* the same; with %-variables */
	char *mail_access_groups; /* for all users; NULL, "" or "a, b" */
	char *mail_privileged_group; /* for those with an mbox; NULL, "" */
	unsigned int first_valid_uid, last_valid_uid; /* last 0: none */
	unsigned int userdb_timeout;	/* seconds */
};

#define USER_CONF_ROW(base, name_, field, type_)			\
	.name = (name_), .type = (type_),				\
	.offset = (base) + offsetof(struct user_conf, field)

/* The rows of a table; base is the offset of its struct user_conf. */
#define USER_CONF_ROWS(base)						\
	{ USER_CONF_ROW(base, "auth_socket_path", auth_socket_path,	\
	  OPT_STRING), .flags = OPT_FILE_ONLY, .arg = "SOCKET",		\
	  .help = "where a running Dovecot looks users up" },		\
	{ USER_CONF_ROW(base, "passwd_file", passwd_file, OPT_STRING),	\
	  .flags = OPT_FILE_ONLY, .arg = "FILE",			\
	  .help = "where users are looked up" },			\
	{ USER_CONF_ROW(base, "mail_uid", mail_uid, OPT_STRING),	\
	  .flags = OPT_FILE_ONLY, .arg = "UID",				\
	  .help = "uid of users whose entry has none" },		\
	{ USER_CONF_ROW(base, "mail_gid", mail_gid, OPT_STRING),	\
	  .flags = OPT_FILE_ONLY, .arg = "GID",				\
	  .help = "gid of users whose entry has none" },		\
	{ USER_CONF_ROW(base, "mail_home", mail_home, OPT_STRING),	\
	  .flags = OPT_FILE_ONLY, .arg = "DIRECTORY",			\
	  .help = "home of users whose entry has none" },		\
	{ USER_CONF_ROW(base, "mail_access_groups", mail_access_groups,	\
	  OPT_STRING), .flags = OPT_FILE_ONLY, .arg = "GROUPS",		\
	  .help = "groups that root gives to each user" },		\
	{ USER_CONF_ROW(base, "mail_privileged_group",			\
	  mail_privileged_group, OPT_STRING), .flags = OPT_FILE_ONLY,	\
	  .arg = "GROUP",						\
	  .help = "group that root gives to users with an mbox" },	\
	{ USER_CONF_ROW(base, "first_valid_uid", first_valid_uid,	\
	  OPT_UINT), .flags = OPT_FILE_ONLY | OPT_LIMIT, .arg = "UID",	\
	  .value = "500", .min = 1, .max = 0xfffffffeU,			\
	  .help = "users below this uid have no mail here" },		\
	{ USER_CONF_ROW(base, "last_valid_uid", last_valid_uid,		\
	  OPT_UINT), .flags = OPT_FILE_ONLY, .arg = "UID",		\
	  .value = "0", .max = 0xfffffffeU,				\
	  .help = "nor do users above this one; 0: no end" },		\
	{ USER_CONF_ROW(base, "userdb_timeout", userdb_timeout,		\
	  OPT_SECONDS), .flags = OPT_FILE_ONLY | OPT_LIMIT,		\
	  .arg = "TIME", .value = "10s", .min = 1, .max = 3600,		\
	  .help = "how long a user database may take" }

#endif
