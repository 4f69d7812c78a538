/* What a caller may rely on about mailboxes, for every driver. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "tests/contract/fixture.h"

#define SEP "\x1f"

static struct fixture fx;

START_TEST(a_new_store_has_an_inbox)
{
	struct mailbox_status status;

	fixture_begin(&fx, _i);
	ck_assert(fixture_has(&fx, "INBOX"));
	status = fixture_status(&fx, fx.box);
	ck_assert(!guid_is_zero(&status.guid));
	ck_assert_uint_ne(status.uidvalidity, 0);
	ck_assert_uint_eq(status.uidnext, 1);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_root_that_is_missing_is_an_error)
{
	struct mail_location loc = { .path = (char *)(uintptr_t)
	    "/nonexistent/mail" };
	struct store_options opts = { .hostname = "h" };
	struct store *store;
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	loc.driver = (char *)(uintptr_t)fx.driver->name;
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(an_unknown_key_or_driver_is_a_config_error)
{
	struct mail_location loc = { .key_count = 1 };
	struct store_options opts = { .hostname = "h" };
	struct store *store;
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	loc.driver = (char *)(uintptr_t)fx.driver->name;
	loc.path = fx.path;
	loc.keys[0].key = (char *)(uintptr_t)"NOSUCH";
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	loc.key_count = 0;
	loc.driver = (char *)(uintptr_t)"nosuch";
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_null(store_driver_find("nosuch"));
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_created_mailbox_is_as_it_was_asked_for)
{
	struct mailbox_status wanted = { .uidvalidity = 42, .uidnext = 77 };
	struct mailbox_status status;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	memset(wanted.guid.b, 0x5a, GUID_SIZE);
	ck_assert_int_eq(fx.store->driver->mailbox_create(fx.store,
	    "Work" SEP "2024", true, &wanted, &err), 0);
	fixture_reopen(&fx);
	ck_assert(fixture_has(&fx, "Work" SEP "2024"));
	box = fixture_box(&fx, "Work" SEP "2024");
	status = fixture_status(&fx, box);
	ck_assert(guid_eq(&status.guid, &wanted.guid));
	ck_assert_uint_eq(status.uidvalidity, 42);
	ck_assert_uint_eq(status.uidnext, 77);
	fx.store->driver->mailbox_close(&box);
	ck_assert_int_eq(fx.store->driver->mailbox_create(fx.store,
	    "Work" SEP "2024", true, &wanted, &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(fx.store->driver->mailbox_create(fx.store, "INBOX",
	    true, &wanted, &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(created_mailboxes_differ_in_guid_and_uidvalidity)
{
	struct mailbox_status a, b;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	fixture_create(&fx, "A");
	fixture_create(&fx, "B");
	box = fixture_box(&fx, "A");
	a = fixture_status(&fx, box);
	fx.store->driver->mailbox_close(&box);
	box = fixture_box(&fx, "B");
	b = fixture_status(&fx, box);
	fx.store->driver->mailbox_close(&box);
	ck_assert(!guid_eq(&a.guid, &b.guid));
	ck_assert_uint_ne(a.uidvalidity, b.uidvalidity);
	fixture_deinit(&fx);
}
END_TEST

static uint32_t
create_again(const char *name, uint32_t uidvalidity)
{
	struct mailbox_status status = { .uidvalidity = uidvalidity };
	struct err err = ERR_INIT;
	struct mailbox *box;

	ck_assert_int_eq(fx.store->driver->mailbox_create(fx.store, name,
	    true, &status, &err), 0);
	box = fixture_box(&fx, name);
	status = fixture_status(&fx, box);
	fx.store->driver->mailbox_close(&box);
	ck_assert_int_eq(fx.store->driver->mailbox_remove(fx.store, name,
	    &err), 0);
	return status.uidvalidity;
}

/* A mail client keeps what it knows by name and UIDVALIDITY. */
START_TEST(a_new_mailbox_is_never_taken_for_one_that_is_gone)
{
	struct mailbox_status other = { .uidvalidity = 4100000000 };
	uint32_t last;

	fixture_begin(&fx, _i);
	ck_assert_uint_eq(create_again("A", 4000000000), 4000000000);
	ck_assert_uint_gt(create_again("A", 0), 4000000000);
	fixture_reopen(&fx);
	ck_assert_uint_eq(create_again("A", 4000100000), 4000100000);
	last = create_again("A", 0);
	ck_assert_uint_gt(last, 4000100000);
	ck_assert_uint_gt(create_again("A", 0), last);
	/* As well as a mailbox that takes one over. */
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &other, 1, NULL),
	    0);
	fixture_flush(&fx);
	ck_assert_uint_gt(create_again("A", 0), other.uidvalidity);
	/* Of those at the end of all numbers some are to be left. */
	ck_assert_uint_eq(create_again("A", UINT32_MAX), UINT32_MAX);
	ck_assert_uint_lt(create_again("A", 0), UINT32_MAX);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_mere_directory_is_made_where_the_driver_can)
{
	struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;
	struct mailbox *box;
	int r;

	fixture_begin(&fx, _i);
	r = fx.store->driver->mailbox_create(fx.store, "Dir", false, &status,
	    &err);
	if (fx.driver->caps & STORE_CAP_DIRECTORIES) {
		ck_assert_int_eq(r, 0);
		ck_assert(fixture_has(&fx, "Dir"));
		ck_assert_int_eq(fx.store->driver->mailbox_open(fx.store,
		    "Dir", &box, &err), -1);
		ck_assert_int_eq(err.code, ERR_NOTFOUND);
		/* It may become a mailbox. */
		fixture_create(&fx, "Dir");
	} else {
		ck_assert_int_eq(r, -1);
		ck_assert_int_eq(err.code, ERR_REFUSED);
		ck_assert(!fixture_has(&fx, "Dir"));
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_rename_moves_this_mailbox_alone)
{
	const struct store_driver *d;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_create(&fx, "A");
	fixture_create(&fx, "A" SEP "child");
	fixture_create(&fx, "C");
	box = fixture_box(&fx, "A");
	fixture_prepare(&fx, box, 0, "g", "x", 1);
	fixture_flush(&fx);
	d->mailbox_close(&box);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "A", "B" SEP "b",
	    &err), 0);
	ck_assert(!fixture_has(&fx, "A"));
	ck_assert(fixture_has(&fx, "A" SEP "child"));
	box = fixture_box(&fx, "B" SEP "b");
	fixture_expect_body(&fx, box, 1, "g", "x");
	d->mailbox_close(&box);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "A", "D", &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "C", "A" SEP "child",
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "INBOX", "D", &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "C", "INBOX", &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	/* Into what is its own directory, in some formats, and back. */
	ck_assert_int_eq(d->mailbox_rename(fx.store, "C", "C" SEP "c", &err),
	    0);
	ck_assert(!fixture_has(&fx, "C") && fixture_has(&fx, "C" SEP "c"));
	ck_assert_int_eq(d->mailbox_rename(fx.store, "C" SEP "c", "C", &err),
	    0);
	ck_assert(fixture_has(&fx, "C") && !fixture_has(&fx, "C" SEP "c"));
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_mailbox_stays_open_through_its_rename)
{
	struct err err = ERR_INIT;
	struct mailbox *box;
	struct store_token token;

	fixture_begin(&fx, _i);
	fixture_create(&fx, "A");
	box = fixture_box(&fx, "A");
	fixture_prepare(&fx, box, 0, "g", "x", 1);
	ck_assert_int_eq(fx.store->driver->mailbox_rename(fx.store, "A", "B",
	    &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_expect_body(&fx, box, 1, "g", "x");
	ck_assert_int_eq(fx.store->driver->token(box, &token, &err), 0);
	fx.store->driver->mailbox_close(&box);
	fixture_deinit(&fx);
}
END_TEST

/* Whatever is listed, directories as well, but for INBOX. */
static int
count_others(const struct store_listing *listing, void *arg, struct err *err)
{
	(void)err;
	*(size_t *)arg += !name_is_inbox(listing->name);
	return 0;
}

START_TEST(no_directory_outlives_the_mailboxes_in_it)
{
	const struct store_driver *d;
	struct err err = ERR_INIT;
	size_t n = 0;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_create(&fx, "A" SEP "b");
	fixture_create(&fx, "A" SEP "b" SEP "c");
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A" SEP "b", &err), 0);
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A" SEP "b" SEP "c",
	    &err), 0);
	fixture_create(&fx, "D" SEP "e");
	ck_assert_int_eq(d->mailbox_rename(fx.store, "D" SEP "e", "F",
	    &err), 0);
	ck_assert_int_eq(d->list(fx.store, count_others, &n, &err), 0);
	ck_assert_uint_eq(n, 1);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(only_an_empty_mailbox_is_removed)
{
	const struct store_driver *d;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_create(&fx, "A");
	fixture_create(&fx, "A" SEP "child");
	box = fixture_box(&fx, "A");
	fixture_prepare(&fx, box, 0, "g", "x", 1);
	fixture_flush(&fx);
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A", &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	fixture_expect_body(&fx, box, 1, "g", "x");
	fixture_expunge(&fx, box, 1, "g", 1);
	fixture_flush(&fx);
	d->mailbox_close(&box);
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A", &err), 0);
	ck_assert(!fixture_has(&fx, "A"));
	ck_assert(fixture_has(&fx, "A" SEP "child"));
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A", &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(d->mailbox_remove(fx.store, "INBOX", &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	ck_assert_int_eq(d->mailbox_open(fx.store, "A", &box, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	/* The name is free again. */
	fixture_create(&fx, "A");
	fixture_deinit(&fx);
}
END_TEST

static const char *const names[] = {
	"A", "INBOX" SEP "x", "Gr\xc3\xbc\xc3\x9f" "e" SEP "\xe2\x98\x83",
	"a&b", "&-", "~x", "a.b", "a/b", "..", "." SEP "..", "../x", "/etc",
	"cur", "new", "tmp", "dovecot.index", "x:2,S", "%", "*", "a b", " ",
	"inbox", "Inbox" SEP "low", "x" SEP "y" SEP "z", "-n", "\"", "\\",
};

START_TEST(a_mapped_name_can_be_created_and_comes_back)
{
	char mapped[NAME_MAX_BYTES], again[NAME_MAX_BYTES];
	const struct store_driver *d;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	if (fx.world != NULL)
		memory_world_forbid(fx.world, "./~");
	d = fx.store->driver;
	for (size_t i = 0; i < nitems(names); i++) {
		ck_assert_int_eq(d->map_name(fx.store, names[i], mapped,
		    sizeof(mapped), &err), 0);
		ck_assert_int_eq(d->map_name(fx.store, mapped, again,
		    sizeof(again), &err), 0);
		ck_assert_str_eq(mapped, again);
		if (!fixture_has(&fx, mapped))
			fixture_create(&fx, mapped);
		ck_assert_msg(fixture_has(&fx, mapped), "%s", mapped);
		box = fixture_box(&fx, mapped);
		d->mailbox_close(&box);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_name_that_is_none_is_refused)
{
	static const char *const bad[] = { "", SEP, "a" SEP, SEP "a",
	    "a" SEP SEP "b", "a\nb", "a\x7f", "\xff", "\xc0\x80" };
	struct mailbox_status status = { .uidnext = 0 };
	char mapped[NAME_MAX_BYTES], longer[2000];
	const struct store_driver *d;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	for (size_t i = 0; i < nitems(bad); i++) {
		ck_assert_int_eq(d->map_name(fx.store, bad[i], mapped,
		    sizeof(mapped), &err), -1);
		ck_assert_int_eq(err.code, ERR_REFUSED);
		ck_assert_int_eq(d->mailbox_create(fx.store, bad[i], true,
		    &status, &err), -1);
		ck_assert_int_eq(err.code, ERR_REFUSED);
		ck_assert_int_eq(d->mailbox_open(fx.store, bad[i], &box,
		    &err), -1);
		ck_assert_int_eq(d->subscribe(fx.store, bad[i], true, &err),
		    -1);
	}
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(d->map_name(fx.store, longer, mapped,
	    sizeof(mapped), &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	fixture_deinit(&fx);
}
END_TEST

struct names_seen {
	size_t n;
	char text[1000];
};

static int
add_name(const char *name, void *arg, struct err *err)
{
	struct names_seen *seen = arg;

	(void)err;
	seen->n++;
	strcat(seen->text, name);
	strcat(seen->text, "|");
	return 0;
}

START_TEST(subscriptions_are_kept_in_their_order)
{
	const struct store_driver *d;
	struct names_seen seen = { .n = 0 };
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	ck_assert_int_eq(d->subscribe(fx.store, "b", true, &err), 0);
	ck_assert_int_eq(d->subscribe(fx.store, "no such", true, &err), 0);
	ck_assert_int_eq(d->subscribe(fx.store, "INBOX", true, &err), 0);
	ck_assert_int_eq(d->subscribe(fx.store, "b" SEP "\xc3\xa9", true,
	    &err), 0);
	ck_assert_int_eq(d->subscribe(fx.store, "b", true, &err), 0);
	fixture_reopen(&fx);
	ck_assert_int_eq(d->subscriptions(fx.store, add_name, &seen, &err),
	    0);
	ck_assert_str_eq(seen.text, "b|no such|INBOX|b" SEP "\xc3\xa9|");
	ck_assert_int_eq(d->subscribe(fx.store, "no such", false, &err), 0);
	ck_assert_int_eq(d->subscribe(fx.store, "never", false, &err), 0);
	seen = (struct names_seen){ .n = 0 };
	ck_assert_int_eq(d->subscriptions(fx.store, add_name, &seen, &err),
	    0);
	ck_assert_str_eq(seen.text, "b|INBOX|b" SEP "\xc3\xa9|");
	fixture_deinit(&fx);
}
END_TEST

/* Equal bytes prove that nothing changed, if the older one was settled. */
static bool
proves_unchanged(const struct store_token *older,
    const struct store_token *newer)
{
	return older->settled && older->len == newer->len &&
	    memcmp(older->data, newer->data, older->len) == 0;
}

static struct store_token
token_of(struct mailbox *box)
{
	struct store_token token;
	struct err err = ERR_INIT;

	ck_assert_int_eq(box->store->driver->token(box, &token, &err), 0);
	ck_assert_uint_le(token.len, STORE_TOKEN_MAX);
	return token;
}

static struct store_token
tree_of(struct store *store)
{
	struct store_token token;
	struct err err = ERR_INIT;

	ck_assert_int_eq(store->driver->tree_token(store, &token, &err), 0);
	return token;
}

START_TEST(a_token_changes_with_each_change_of_the_mailbox)
{
	struct store_token older, newer;
	struct mailbox_status status = { .uidnext = 99 };
	struct err err = ERR_INIT;
	struct fixture other;

	fixture_begin(&fx, _i);
	if (fx.world != NULL)
		memory_world_coarse(fx.world, true);
	fixture_other(&other, &fx);
	for (int change = 0; change < 5; change++) {
		older = token_of(fx.box);
		switch (change) {
		case 0:
			fixture_append(&other, "g", "x");
			break;
		case 1:
			fixture_set_flags(&other, other.box, 1, "g", 0,
			    FLAG_SEEN, 1);
			break;
		case 2:
			ck_assert_int_eq(other.driver->set_uid(other.box, 1,
			    "g", 5, 0, 1, &err), 0);
			break;
		case 3:
			fixture_expunge(&other, other.box, 5, "g", 1);
			break;
		case 4:
			ck_assert_int_eq(other.driver->set_status(other.box,
			    &status, 1, &err), 0);
			break;
		}
		fixture_flush(&other);
		newer = token_of(fx.box);
		ck_assert(!proves_unchanged(&older, &newer));
	}
	fixture_close(&other);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_token_stays_while_nothing_changes)
{
	struct store_token older, newer;
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, "g", "x");
	/* Tomorrow the file times are old enough. */
	clock_set(clock_now_ms() + 86400000);
	older = token_of(fx.box);
	ck_assert(older.settled);
	list = fixture_scan(&fx, fx.box);
	seen_free(&list);
	fixture_expect_body(&fx, fx.box, 1, "g", "x");
	fixture_reopen(&fx);
	newer = token_of(fx.box);
	ck_assert(proves_unchanged(&older, &newer));
	older = tree_of(fx.store);
	fixture_reopen(&fx);
	newer = tree_of(fx.store);
	ck_assert(proves_unchanged(&older, &newer));
	fixture_deinit(&fx);
}
END_TEST

static struct store_token listed_token;

static int
keep_token(const struct store_listing *listing, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	if (strcmp(listing->name, "A") == 0)
		listed_token = listing->token;
	return 0;
}

START_TEST(the_list_gives_the_token_of_the_mailbox)
{
	struct store_token token;
	struct err err = ERR_INIT;
	struct mailbox *box;

	fixture_begin(&fx, _i);
	fixture_create(&fx, "A");
	box = fixture_box(&fx, "A");
	fixture_prepare(&fx, box, 0, "g", "x", 1);
	fixture_flush(&fx);
	ck_assert_int_eq(fx.store->driver->list(fx.store, keep_token, NULL,
	    &err), 0);
	token = token_of(box);
	ck_assert_uint_eq(token.len, listed_token.len);
	ck_assert_mem_eq(token.data, listed_token.data, token.len);
	fx.store->driver->mailbox_close(&box);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(the_tree_token_changes_with_each_change_of_the_tree)
{
	const struct store_driver *d;
	struct store_token older, newer;
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	for (int change = 0; change < 5; change++) {
		older = tree_of(fx.store);
		switch (change) {
		case 0:
			fixture_create(&fx, "A");
			break;
		case 1:
			d->mailbox_rename(fx.store, "A", "B", &err);
			break;
		case 2:
			d->subscribe(fx.store, "B", true, &err);
			break;
		case 3:
			d->subscribe(fx.store, "B", false, &err);
			break;
		case 4:
			d->mailbox_remove(fx.store, "B", &err);
			break;
		}
		newer = tree_of(fx.store);
		ck_assert(!proves_unchanged(&older, &newer));
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_read_only_store_is_never_written)
{
	struct mailbox_status status = { .uidnext = 0 };
	struct mail_info info = { .uid = 1, .guid = "g",
	    .received = RECEIVED };
	const struct store_driver *d;
	struct mail_writer *writer;
	struct store_token before, after;
	struct err err = ERR_INIT;
	struct seen_list list;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_append(&fx, "g", "x");
	fixture_create(&fx, "A");
	before = token_of(fx.box);
	fixture_close(&fx);
	fx.readonly = true;
	fixture_open(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].uid, 1);
	seen_free(&list);
	fixture_expect_body(&fx, fx.box, 1, "g", "x");
	ck_assert_int_eq(d->append_begin(fx.box, &info, &writer, &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	ck_assert_int_eq(d->copy(fx.box, &info, fx.box, 1, "g", 1, &err),
	    -1);
	ck_assert_int_eq(d->set_flags(fx.box, &info, 1, NULL, 0, 0, 1,
	    &err),
	    -1);
	ck_assert_int_eq(d->set_uid(fx.box, 1, "g", 5, 0, 1, &err), -1);
	ck_assert_int_eq(d->expunge(fx.box, 1, "g", 1, &err), -1);
	ck_assert_int_eq(d->set_status(fx.box, &status, 1, &err), -1);
	ck_assert_int_eq(d->mailbox_create(fx.store, "B", true, &status,
	    &err), -1);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "A", "B", &err), -1);
	ck_assert_int_eq(d->mailbox_remove(fx.store, "A", &err), -1);
	ck_assert_int_eq(d->subscribe(fx.store, "A", true, &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	after = token_of(fx.box);
	ck_assert_mem_eq(before.data, after.data, before.len);
	fixture_deinit(&fx);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "tree");

#define TEST(name) tcase_add_loop_test(tc, name, 0, DRIVERS)
	TEST(a_new_store_has_an_inbox);
	TEST(a_root_that_is_missing_is_an_error);
	TEST(an_unknown_key_or_driver_is_a_config_error);
	TEST(a_created_mailbox_is_as_it_was_asked_for);
	TEST(created_mailboxes_differ_in_guid_and_uidvalidity);
	TEST(a_new_mailbox_is_never_taken_for_one_that_is_gone);
	TEST(a_mere_directory_is_made_where_the_driver_can);
	TEST(a_rename_moves_this_mailbox_alone);
	TEST(a_mailbox_stays_open_through_its_rename);
	TEST(no_directory_outlives_the_mailboxes_in_it);
	TEST(only_an_empty_mailbox_is_removed);
	TEST(a_mapped_name_can_be_created_and_comes_back);
	TEST(a_name_that_is_none_is_refused);
	TEST(subscriptions_are_kept_in_their_order);
	TEST(a_token_changes_with_each_change_of_the_mailbox);
	TEST(a_token_stays_while_nothing_changes);
	TEST(the_list_gives_the_token_of_the_mailbox);
	TEST(the_tree_token_changes_with_each_change_of_the_tree);
	TEST(a_read_only_store_is_never_written);
	return unit_run(suite);
}
