#include "config.h"

#include "users/store_conf.h"

/* Each in the order of its enum in store/store_settings.h. */
const char *const store_conf_lock_words[] = {
	"fcntl", "flock", "dotlock", NULL,
};
const char *const store_conf_fsync_words[] = {
	"optimized", "always", "never", NULL,
};
const char *const store_conf_md5_words[] = {
	"apop3d", "all", NULL,
};
const char *const store_conf_save_words[] = {
	"none", "gz", "deflate", "bz2", "xz", "lz4", "zstd", NULL,
};

int
store_conf_resolve(struct store_conf *conf, struct err *err)
{
	struct store_settings set = {
		.lock_method = (enum store_lock)conf->lock_method,
		.fsync = (enum store_fsync)conf->fsync,
		.mail_max_lock_timeout = conf->mail_max_lock_timeout,
		.dotlock_use_excl = conf->dotlock_use_excl,
		.mailbox_list_index = conf->mailbox_list_index,
		.mail_save_crlf = conf->mail_save_crlf,
		.mdbox_rotate_size = conf->mdbox_rotate_size,
		.mdbox_rotate_interval = conf->mdbox_rotate_interval,
		.mbox_lock_timeout = conf->mbox_lock_timeout,
		.mbox_dotlock_change_timeout =
		    conf->mbox_dotlock_change_timeout,
		.mbox_lazy_writes = conf->mbox_lazy_writes,
		.mbox_md5 = (enum store_mbox_md5)conf->mbox_md5,
		.zlib_save = (enum store_compress)conf->zlib_save,
		.zlib_save_level = conf->zlib_save_level,
	};

	if (store_locks_parse(&set.mbox_read_locks, conf->mbox_read_locks,
	    err) == -1)
		return err_prefix(err, "mbox_read_locks");
	if (store_locks_parse(&set.mbox_write_locks, conf->mbox_write_locks,
	    err) == -1)
		return err_prefix(err, "mbox_write_locks");
	conf->settings = set;
	return 0;
}
