/*
 * test_store_conf.c - settings that a mail format asks for
 */
#include "config.h"

#include <check.h>
#include <string.h>

#include "base/array.h"
#include "conf/conf.h"
#include "store/store.h"
#include "tests/support/unit.h"
#include "users/store_conf.h"

struct settings {
	int before;
	struct store_conf store;
};

static const struct optdef optdefs[] = {
	STORE_CONF_ROWS(offsetof(struct settings, store)),
};

static struct settings set;
static struct conf conf;

static void
setup(void)
{
	memset(&set, 0, sizeof(set));
	conf_init(&conf, optdefs, nitems(optdefs), &set);
}

static void
teardown(void)
{
	conf_deinit(&conf);
}

static void
ck_locks_eq(const struct store_locks *a, const struct store_locks *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		ck_assert_int_eq((int)a->v[i], (int)b->v[i]);
}

START_TEST(the_table_has_the_defaults_of_a_store_without_settings)
{
	const struct store_settings *a = &set.store.settings,
	    *b = &store_settings_default;
	struct err err = ERR_INIT;

	ck_assert_int_eq(store_conf_resolve(&set.store, &err), 0);
	ck_assert_int_eq((int)a->lock_method, (int)b->lock_method);
	ck_assert_int_eq((int)a->fsync, (int)b->fsync);
	ck_assert_uint_eq(a->mail_max_lock_timeout, b->mail_max_lock_timeout);
	ck_assert(a->dotlock_use_excl == b->dotlock_use_excl);
	ck_assert(a->mailbox_list_index == b->mailbox_list_index);
	ck_assert(a->mail_save_crlf == b->mail_save_crlf);
	ck_assert_uint_eq(a->mdbox_rotate_size, b->mdbox_rotate_size);
	ck_assert_uint_eq(a->mdbox_rotate_interval, b->mdbox_rotate_interval);
	ck_locks_eq(&a->mbox_read_locks, &b->mbox_read_locks);
	ck_locks_eq(&a->mbox_write_locks, &b->mbox_write_locks);
	ck_assert_uint_eq(a->mbox_lock_timeout, b->mbox_lock_timeout);
	ck_assert_uint_eq(a->mbox_dotlock_change_timeout,
	    b->mbox_dotlock_change_timeout);
	ck_assert(a->mbox_lazy_writes == b->mbox_lazy_writes);
	ck_assert_int_eq((int)a->mbox_md5, (int)b->mbox_md5);
	ck_assert_int_eq((int)a->zlib_save, (int)b->zlib_save);
	ck_assert_uint_eq(a->zlib_save_level, b->zlib_save_level);
}
END_TEST

static const struct {
	const char *name, *value;
} given[] = {
	{ "lock_method", "dotlock" }, { "mail_fsync", "never" },
	{ "mail_max_lock_timeout", "7" }, { "dotlock_use_excl", "no" },
	{ "mdbox_rotate_size", "2M" }, { "mdbox_rotate_interval", "1d" },
	{ "mbox_read_locks", "flock lockf" },
	{ "mbox_write_locks", " dotlock_try  fcntl" },
	{ "mbox_md5", "all" }, { "zlib_save", "zstd" },
	{ "zlib_save_level", "3" },
};

START_TEST(each_word_means_what_its_name_says)
{
	const struct store_settings *s = &set.store.settings;
	const struct store_options opts = { .lock_timeout = 60,
	    .settings = s };
	struct err err = ERR_INIT;

	for (size_t i = 0; i < nitems(given); i++)
		ck_assert_int_eq(conf_set(&conf, given[i].name,
		    given[i].value, CONF_ARGS, &err), 0);
	ck_assert_int_eq(store_conf_resolve(&set.store, &err), 0);
	ck_assert_int_eq((int)s->lock_method, STORE_LOCK_DOTLOCK);
	ck_assert_int_eq((int)s->fsync, STORE_FSYNC_NEVER);
	ck_assert(!s->dotlock_use_excl);
	ck_assert_uint_eq(s->mdbox_rotate_size, 2U << 20);
	ck_assert_uint_eq(s->mdbox_rotate_interval, 86400);
	ck_assert_uint_eq(s->mbox_read_locks.n, 2);
	ck_assert_int_eq((int)s->mbox_read_locks.v[0], STORE_LOCK_FLOCK);
	ck_assert_int_eq((int)s->mbox_read_locks.v[1], STORE_LOCK_LOCKF);
	ck_assert_int_eq((int)s->mbox_write_locks.v[0],
	    STORE_LOCK_DOTLOCK_TRY);
	ck_assert_int_eq((int)s->mbox_write_locks.v[1], STORE_LOCK_FCNTL);
	ck_assert_int_eq((int)s->mbox_md5, STORE_MBOX_MD5_ALL);
	ck_assert_int_eq((int)s->zlib_save, STORE_COMPRESS_ZSTD);
	ck_assert_uint_eq(s->zlib_save_level, 3);
	ck_assert_ptr_eq(store_settings_get(&opts), s);
	ck_assert_uint_eq(store_settings_lock_timeout(&opts), 7);
}
END_TEST

static const char *const bad_locks[] = {
	"", " ", "fcntl,dotlock", "FCNTL", "fcntl fcntl", "fcntl-", "none",
};

START_TEST(a_list_of_locks_holds_each_known_word_once)
{
	struct store_locks locks = { .n = 99 };
	struct err err = ERR_INIT;

	ck_assert_int_eq(store_locks_parse(&locks, bad_locks[_i], &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_uint_eq(locks.n, 99);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(conf_set(&conf, "mbox_read_locks", bad_locks[_i],
	    CONF_FILE, &err), 0);
	ck_assert_int_eq(store_conf_resolve(&set.store, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "mbox_read_locks"));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "store_conf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
	    the_table_has_the_defaults_of_a_store_without_settings);
	tcase_add_test(tcase, each_word_means_what_its_name_says);
	tcase_add_loop_test(tcase, a_list_of_locks_holds_each_known_word_once,
	    0, (int)nitems(bad_locks));
	return unit_run(suite);
}
