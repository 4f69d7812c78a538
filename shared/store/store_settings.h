/*
 * store_settings.h - what the host's mail settings ask of who writes a store
 *
 * These are Dovecot's settings of the same names, in 2.3's spelling: all
 * programs that write one store have to agree on how it is locked and laid
 * out.  Drivers read them through store_settings_get; a value of theirs is
 * plain, so a struct may be copied.
 */
#ifndef STORE_STORE_SETTINGS_H
#define STORE_STORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store_options;

/* lock_method, and the words of mbox_read_locks and mbox_write_locks. */
enum store_lock {
	STORE_LOCK_FCNTL,
	STORE_LOCK_FLOCK,
	STORE_LOCK_DOTLOCK,
	STORE_LOCK_DOTLOCK_TRY,	/* mbox: go on where no file can be made */
	STORE_LOCK_LOCKF,	/* mbox */
};

#define STORE_LOCKS_MAX	5U

/* Locks in the order in which they are taken. */
struct store_locks {
	enum store_lock v[STORE_LOCKS_MAX];
	size_t n;
};

/* mail_fsync.  How durable flush is does not depend on it. */
enum store_fsync {
	STORE_FSYNC_OPTIMIZED,
	STORE_FSYNC_ALWAYS,
	STORE_FSYNC_NEVER,
};

/* zlib_save: how bodies of new messages are compressed. */
enum store_compress {
	STORE_COMPRESS_NONE,
	STORE_COMPRESS_GZ,
	STORE_COMPRESS_DEFLATE,
	STORE_COMPRESS_BZ2,
	STORE_COMPRESS_XZ,
	STORE_COMPRESS_LZ4,
	STORE_COMPRESS_ZSTD,
};

/* mbox_md5: which header fields make up the MD5 that POP3 UIDLs rest on. */
enum store_mbox_md5 {
	STORE_MBOX_MD5_APOP3D,
	STORE_MBOX_MD5_ALL,
};

struct store_settings {
	enum store_lock lock_method;	/* of index files: FCNTL, FLOCK or
					   DOTLOCK */
	enum store_fsync fsync;
	unsigned int mail_max_lock_timeout; /* seconds; 0: no limit but
					   lock_timeout of the options */
	bool dotlock_use_excl;		/* O_EXCL rather than link(2) */
	bool mailbox_list_index;	/* a list index is kept */
	bool mail_save_crlf;		/* new messages get CRLF line ends */
	uint64_t mdbox_rotate_size;	/* bytes, at least 1 */
	unsigned int mdbox_rotate_interval; /* seconds; 0: by size only */
	struct store_locks mbox_read_locks, mbox_write_locks;
	unsigned int mbox_lock_timeout;	/* seconds */
	unsigned int mbox_dotlock_change_timeout; /* seconds without a change
					   after which a dotlock is stale */
	bool mbox_lazy_writes;
	enum store_mbox_md5 mbox_md5;
	enum store_compress zlib_save;
	unsigned int zlib_save_level;	/* 0: the method's own default */
	/* How Dovecot's users see names of this store; borrowed. */
	const char *namespace_prefix;	/* NULL: none */
	char namespace_separator;	/* 0: the store's own */
};

/* Those of a Dovecot whose configuration says nothing. */
extern const struct store_settings store_settings_default;

/* The settings of opts, which are the default ones if it names none. */
const struct store_settings *store_settings_get(
    const struct store_options *opts);

/*
 * Seconds to wait for a lock of the store: lock_timeout of opts, or
 * mail_max_lock_timeout if that is less.
 */
unsigned int store_settings_lock_timeout(const struct store_options *opts);

/*
 * Parse words separated by blanks: dotlock, dotlock_try, fcntl, flock, lockf.
 * ERR_CONFIG: another word, one twice, or none.
 */
int store_locks_parse(struct store_locks *locks_r, const char *text,
    struct err *err);

#endif
