#include "config.h"

#include <string.h>

#include "base/array.h"
#include "store/store.h"
#include "store/store_settings.h"

const struct store_settings store_settings_default = {
	.lock_method = STORE_LOCK_FCNTL,
	.fsync = STORE_FSYNC_OPTIMIZED,
	.mail_max_lock_timeout = 0,
	.dotlock_use_excl = true,
	.mailbox_list_index = true,
	.mail_save_crlf = false,
	.mdbox_rotate_size = 10U * 1024U * 1024U,
	.mdbox_rotate_interval = 0,
	.mbox_read_locks = { { STORE_LOCK_FCNTL }, 1 },
	.mbox_write_locks = { { STORE_LOCK_DOTLOCK, STORE_LOCK_FCNTL }, 2 },
	.mbox_lock_timeout = 5 * 60,
	.mbox_dotlock_change_timeout = 2 * 60,
	.mbox_lazy_writes = true,
	.mbox_md5 = STORE_MBOX_MD5_APOP3D,
	.zlib_save = STORE_COMPRESS_NONE,
	.zlib_save_level = 0,
};

static const struct {
	const char *word;
	enum store_lock lock;
} lock_words[] = {
	{ "fcntl", STORE_LOCK_FCNTL },
	{ "flock", STORE_LOCK_FLOCK },
	{ "dotlock", STORE_LOCK_DOTLOCK },
	{ "dotlock_try", STORE_LOCK_DOTLOCK_TRY },
	{ "lockf", STORE_LOCK_LOCKF },
};

const struct store_settings *
store_settings_get(const struct store_options *opts)
{
	return opts->settings != NULL ? opts->settings :
	    &store_settings_default;
}

unsigned int
store_settings_lock_timeout(const struct store_options *opts)
{
	unsigned int most = store_settings_get(opts)->mail_max_lock_timeout;

	return most != 0 && most < opts->lock_timeout ? most :
	    opts->lock_timeout;
}

static int
add_lock(struct store_locks *locks, const char *word, size_t len,
    struct err *err)
{
	size_t i;

	for (i = 0; i < nitems(lock_words); i++) {
		if (strlen(lock_words[i].word) == len &&
		    strncmp(lock_words[i].word, word, len) == 0)
			break;
	}
	if (i == nitems(lock_words))
		return err_set(err, ERR_CONFIG, "%.*s is no lock: dotlock, "
		    "dotlock_try, fcntl, flock and lockf are known",
		    (int)(len < 40 ? len : 40), word);
	for (size_t k = 0; k < locks->n; k++) {
		if (locks->v[k] == lock_words[i].lock)
			return err_set(err, ERR_CONFIG, "the lock %s stands "
			    "there twice", lock_words[i].word);
	}
	locks->v[locks->n++] = lock_words[i].lock;
	return 0;
}

int
store_locks_parse(struct store_locks *locks_r, const char *text,
    struct err *err)
{
	struct store_locks locks = { .n = 0 };
	size_t len;

	for (text += strspn(text, " \t"); *text != '\0';
	    text += len, text += strspn(text, " \t")) {
		len = strcspn(text, " \t");
		if (add_lock(&locks, text, len, err) == -1)
			return -1;
	}
	if (locks.n == 0)
		return err_set(err, ERR_CONFIG, "no lock is named");
	*locks_r = locks;
	return 0;
}
