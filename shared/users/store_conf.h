/*
 * store_conf.h - settings that a mail format asks for, as options of a file
 *
 * Both programs take them, under Dovecot's names: each has the rows in its
 * table and a struct store_conf among its settings.
 */
#ifndef USERS_STORE_CONF_H
#define USERS_STORE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/optdef.h"
#include "store/store_settings.h"

struct store_conf {
	/* Fields of the table. */
	int lock_method, fsync, mbox_md5, zlib_save;
	unsigned int mail_max_lock_timeout;
	unsigned int mdbox_rotate_interval;
	unsigned int mbox_lock_timeout, mbox_dotlock_change_timeout;
	unsigned int zlib_save_level;
	uint64_t mdbox_rotate_size;
	bool dotlock_use_excl, mailbox_list_index, mail_save_crlf;
	bool mbox_lazy_writes;
	char *mbox_read_locks, *mbox_write_locks;

	/* Made from them by store_conf_resolve; what stores are handed. */
	struct store_settings settings;
};

extern const char *const store_conf_lock_words[];
extern const char *const store_conf_fsync_words[];
extern const char *const store_conf_md5_words[];
extern const char *const store_conf_save_words[];

/* Fill settings.  ERR_CONFIG: a list of locks that is none. */
int store_conf_resolve(struct store_conf *conf, struct err *err);

#define STORE_CONF_ROW(base, name_, field, type_)			\
	.name = (name_), .type = (type_), .flags = OPT_FILE_ONLY,	\
	.offset = (base) + offsetof(struct store_conf, field)

/* The rows of a table; base is the offset of its struct store_conf. */
#define STORE_CONF_ROWS(base)						\
	{ STORE_CONF_ROW(base, "lock_method", lock_method, OPT_ENUM),	\
	  .arg = "fcntl|flock|dotlock", .value = "fcntl",		\
	  .words = store_conf_lock_words,				\
	  .help = "how index files are locked" },			\
	{ STORE_CONF_ROW(base, "mail_fsync", fsync, OPT_ENUM),		\
	  .arg = "optimized|always|never", .value = "optimized",	\
	  .words = store_conf_fsync_words,				\
	  .help = "taken over from Dovecot; what is promised is durable" }, \
	{ STORE_CONF_ROW(base, "mail_max_lock_timeout",			\
	  mail_max_lock_timeout, OPT_SECONDS), .arg = "TIME",		\
	  .value = "0", .max = 7U * 86400U,				\
	  .help = "most to wait for a lock; 0: lock_timeout alone" },	\
	{ STORE_CONF_ROW(base, "dotlock_use_excl", dotlock_use_excl,	\
	  OPT_BOOL), .value = "yes",					\
	  .help = "make lock files with O_EXCL, not by link" },		\
	{ STORE_CONF_ROW(base, "mailbox_list_index",			\
	  mailbox_list_index, OPT_BOOL), .value = "yes",		\
	  .help = "the store has an index of its mailboxes" },		\
	{ STORE_CONF_ROW(base, "mail_save_crlf", mail_save_crlf,	\
	  OPT_BOOL), .value = "no",					\
	  .help = "new messages are stored with CRLF" },		\
	{ STORE_CONF_ROW(base, "mdbox_rotate_size", mdbox_rotate_size,	\
	  OPT_SIZE), .arg = "SIZE", .value = "10M", .min = 1,		\
	  .max = 1ULL << 40,						\
	  .help = "size at which mdbox begins another file" },		\
	{ STORE_CONF_ROW(base, "mdbox_rotate_interval",			\
	  mdbox_rotate_interval, OPT_SECONDS), .arg = "TIME",		\
	  .value = "0",							\
	  .help = "age at which mdbox begins another file; 0: none" },	\
	{ STORE_CONF_ROW(base, "mbox_read_locks", mbox_read_locks,	\
	  OPT_STRING), .arg = "LOCKS", .value = "fcntl",		\
	  .help = "locks for reading an mbox, in their order" },	\
	{ STORE_CONF_ROW(base, "mbox_write_locks", mbox_write_locks,	\
	  OPT_STRING), .arg = "LOCKS", .value = "dotlock fcntl",	\
	  .help = "locks for writing an mbox, in their order" },	\
	{ STORE_CONF_ROW(base, "mbox_lock_timeout", mbox_lock_timeout,	\
	  OPT_SECONDS), .arg = "TIME", .value = "5 mins", .min = 1,	\
	  .max = 86400U,						\
	  .help = "how long to wait for the locks of an mbox" },	\
	{ STORE_CONF_ROW(base, "mbox_dotlock_change_timeout",		\
	  mbox_dotlock_change_timeout, OPT_SECONDS), .arg = "TIME",	\
	  .value = "2 mins", .min = 1, .max = 86400U,			\
	  .help = "a lock file of an unchanged mbox is stale then" },	\
	{ STORE_CONF_ROW(base, "mbox_lazy_writes", mbox_lazy_writes,	\
	  OPT_BOOL), .value = "yes",					\
	  .help = "headers of an mbox may be written later" },		\
	{ STORE_CONF_ROW(base, "mbox_md5", mbox_md5, OPT_ENUM),		\
	  .arg = "apop3d|all", .value = "apop3d",			\
	  .words = store_conf_md5_words,				\
	  .help = "which headers tell messages of an mbox apart" },	\
	{ STORE_CONF_ROW(base, "zlib_save", zlib_save, OPT_ENUM),	\
	  .arg = "METHOD", .value = "none",				\
	  .words = store_conf_save_words,				\
	  .help = "how new messages are compressed" },			\
	{ STORE_CONF_ROW(base, "zlib_save_level", zlib_save_level,	\
	  OPT_UINT), .arg = "LEVEL", .value = "0", .max = 22,		\
	  .help = "how much they are; 0: the method's default" }

#endif
