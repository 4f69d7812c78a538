/*
 * One batch of every kind of operation, and a failure at each of its calls
 * and steps in turn: an error, or the end of the process.  Whatever happens,
 * each message is as before or as after, none is lost, none is doubled, no
 * expunge comes before the appends, and the same batch planned anew ends in
 * the same mailbox.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/contract/fixture.h"

#define OTHER		"Other"
#define BODY_NEW	"a new body\n"
#define NEW_1		"1000000100.M1P1.host,S=11,W=12"
#define NEW_2		"00112233445566778899aabbccddeeff"
#define COPIED		"1000000000.M5P1.host"
#define CHANGED		"changed"
#define RENUMBERED	"renumbered"
#define EXPUNGED	"expunged"
#define KEPT		"1000000000.M9P1.host"

enum fault { GONE, NOSPACE, IO, FAULTS };
static const int errnos[FAULTS] = { 0, ENOSPC, EIO };

enum tag { T_NEW_1 = 1, T_NEW_2, T_COPY, T_FLAGS, T_UID, T_EXPUNGE, T_STATUS,
    T_END };

static struct fixture fx;

/* Layouts of one driver differ little: for them one kind of failure does. */
static bool
worth_it(int driver, enum fault fault)
{
	return driver < PLAIN_DRIVERS || fault == GONE;
}

static const char *
body_of(const char *guid)
{
	return strcmp(guid, NEW_1) == 0 || strcmp(guid, NEW_2) == 0 ?
	    BODY_NEW : guid;
}

static void
prepare_world(int driver)
{
	static const char *const guids[] = { CHANGED, RENUMBERED, EXPUNGED,
	    KEPT };

	struct mailbox_status status = { .highestmodseq = 40 };
	struct err err = ERR_INIT;

	fixture_init(&fx, driver);
	fixture_open(&fx);
	fixture_create(&fx, OTHER);
	for (uint64_t i = 0; i < nitems(guids); i++)
		fixture_prepare(&fx, fx.box, 0, guids[i], guids[i], i);
	/* Modseqs are kept, where they can be. */
	if (driver < PLAIN_DRIVERS)
		ck_assert_int_eq(fx.store->driver->set_status(fx.box,
		    &status, nitems(guids), &err), 0);
	fixture_flush(&fx);
	fixture_close(&fx);
}

/* What is in the two mailboxes; both lists are to be freed. */
struct view {
	struct seen_list inbox, other;
	struct mailbox_status status;
};

static void
look(struct view *view)
{
	struct mailbox *box = fixture_box(&fx, OTHER);
	struct err err = ERR_INIT;
	char *text;

	view->inbox = fixture_scan(&fx, fx.box);
	view->other = fixture_scan(&fx, box);
	view->status = fixture_status(&fx, fx.box);
	for (size_t i = 0; i < view->inbox.v.n; i++) {
		fixture_expect_body(&fx, fx.box, view->inbox.v.v[i].uid,
		    view->inbox.v.v[i].guid,
		    body_of(view->inbox.v.v[i].guid));
		ck_assert_uint_lt(view->inbox.v.v[i].uid,
		    view->status.uidnext);
		ck_assert_uint_eq(seen_count(&view->inbox,
		    view->inbox.v.v[i].guid), 1);
	}
	for (size_t i = 0; i < view->other.v.n; i++) {
		ck_assert_uint_eq(seen_count(&view->other,
		    view->other.v.v[i].guid), 1);
		text = fixture_read(&fx, box, view->other.v.v[i].uid,
		    view->other.v.v[i].guid, NULL);
		ck_assert_ptr_nonnull(text);
		ck_assert_str_eq(text, strcmp(view->other.v.v[i].guid,
		    COPIED) == 0 ? KEPT : BODY_NEW);
		free(text);
	}
	(void)err;
	fx.store->driver->mailbox_close(&box);
}

static void
view_free(struct view *view)
{
	seen_free(&view->inbox);
	seen_free(&view->other);
}

/* Prepare what is still to be done; the code of the first failure. */
static enum err_code
prepare_batch(struct view *view, struct mailbox *box)
{
	const char *keywords[] = { "new" };
	struct mail_info info = { .guid = NEW_1, .flags = FLAG_SEEN,
	    .modseq = fx.variant < PLAIN_DRIVERS ? 50 : 0,
	    .keywords = keywords, .keyword_count = 1, .received = 5 };
	struct mailbox_status status = { .uidnext = 100,
	    .highestmodseq = fx.variant < PLAIN_DRIVERS ? 90 : 0 };
	const struct store_driver *d = fx.store->driver;
	const struct seen *seen;
	struct mail_info was = { .uid = 0 };
	struct err err = ERR_INIT;
	enum err_code code;

	if (seen_guid(&view->inbox, NEW_1) == NULL && (code =
	    fixture_try_append(&fx, fx.box, &info, BODY_NEW, T_NEW_1)) != 0)
		return code;
	info.guid = NEW_2;
	info.uid = 50;
	if (seen_guid(&view->other, NEW_2) == NULL && (code =
	    fixture_try_append(&fx, box, &info, BODY_NEW, T_NEW_2)) != 0)
		return code;
	info.guid = COPIED;
	info.uid = 40;
	info.received = RECEIVED;
	seen = seen_guid(&view->inbox, KEPT);
	if (seen_guid(&view->other, COPIED) == NULL && d->copy(box, &info,
	    fx.box, seen->uid, KEPT, T_COPY, &err) == -1)
		return err.code;
	seen = seen_guid(&view->inbox, CHANGED);
	was.uid = seen->uid;
	was.guid = CHANGED;
	if (seen->flags == 0 && d->set_flags(fx.box, &was, FLAG_FLAGGED,
	    keywords, 1, info.modseq, T_FLAGS, &err) == -1)
		return err.code;
	seen = seen_guid(&view->inbox, RENUMBERED);
	if (seen->uid < 60 && d->set_uid(fx.box, seen->uid, RENUMBERED, 60,
	    0, T_UID, &err) == -1)
		return err.code;
	seen = seen_guid(&view->inbox, EXPUNGED);
	if (seen != NULL && d->expunge(fx.box, seen->uid, EXPUNGED,
	    T_EXPUNGE, &err) == -1)
		return err.code;
	if (view->status.uidnext < 100 && d->set_status(fx.box, &status,
	    T_STATUS, &err) == -1)
		return err.code;
	return ERR_NONE;
}

/* Between: each message as before or as after. */
static void
check_between(const struct view *view, enum err_code flushed)
{
	const struct seen *seen;

	ck_assert_ptr_nonnull(seen_guid(&view->inbox, KEPT));
	seen = seen_guid(&view->inbox, CHANGED);
	ck_assert_ptr_nonnull(seen);
	ck_assert((seen->flags == 0 && seen->keywords[0] == '\0') ||
	    (seen->flags == FLAG_FLAGGED &&
	    strcmp(seen->keywords, "new") == 0));
	if (fx.answers[T_FLAGS].times == 1 &&
	    fx.answers[T_FLAGS].code == ERR_NONE)
		ck_assert_uint_eq(seen->flags, FLAG_FLAGGED);
	seen = seen_guid(&view->inbox, RENUMBERED);
	ck_assert_ptr_nonnull(seen);
	ck_assert(seen->uid == 2 || seen->uid >= 60);
	if (fx.answers[T_UID].times == 1 &&
	    fx.answers[T_UID].code == ERR_NONE)
		ck_assert_uint_eq(seen->uid, fx.answers[T_UID].uid);
	/* P9: the expunge is behind all that was to be added. */
	if (seen_guid(&view->inbox, EXPUNGED) == NULL &&
	    flushed != ERR_NONE) {
		ck_assert_ptr_nonnull(seen_guid(&view->inbox, NEW_1));
		ck_assert_ptr_nonnull(seen_guid(&view->other, NEW_2));
		ck_assert_ptr_nonnull(seen_guid(&view->other, COPIED));
	}
	seen = seen_guid(&view->inbox, NEW_1);
	if (seen != NULL) {
		ck_assert_uint_eq(seen->flags, FLAG_SEEN);
		ck_assert_str_eq(seen->keywords, "new");
	}
	if (fx.answers[T_NEW_1].times == 1 &&
	    fx.answers[T_NEW_1].code == ERR_NONE)
		ck_assert_ptr_nonnull(seen);
	else if (fx.answers[T_NEW_1].times == 1)
		ck_assert_ptr_null(seen);
	seen = seen_guid(&view->other, NEW_2);
	if (seen != NULL)
		ck_assert_str_eq(seen->keywords, "new");
}

static void
check_end(const struct view *view)
{
	ck_assert_uint_eq(view->inbox.v.n, 4);
	ck_assert_uint_eq(view->other.v.n, 2);
	ck_assert_ptr_null(seen_guid(&view->inbox, EXPUNGED));
	ck_assert_uint_eq(seen_guid(&view->inbox, CHANGED)->flags,
	    FLAG_FLAGGED);
	ck_assert_uint_ge(seen_guid(&view->inbox, RENUMBERED)->uid, 60);
	ck_assert_uint_ge(view->status.uidnext, 100);
	ck_assert_ptr_nonnull(seen_guid(&view->other, COPIED));
}

/* The batch with a failure at one place; false: the place is behind its end. */
static bool
run_once(int driver, enum fault fault, unsigned long at)
{
	struct failing_plan plan = { .fail_at = at, .errnum = errnos[fault] };
	enum err_code flushed = ERR_TEMP;
	struct view view;
	struct mailbox *box = NULL;
	struct err err = ERR_INIT;

	prepare_world(driver);
	fixture_open(&fx);
	look(&view);
	fixture_close(&fx);
	memset(fx.answers, 0, sizeof(fx.answers));
	fx.plan = &plan;
	if (fixture_try_open(&fx) == ERR_NONE &&
	    fx.store->driver->mailbox_open(fx.store, OTHER, &box,
	    &err) == 0 && prepare_batch(&view, box) == ERR_NONE)
		flushed = fixture_try_flush(&fx);
	if (flushed == ERR_NONE) {
		for (uint64_t tag = T_NEW_1; tag < T_END; tag++)
			ck_assert_uint_eq(fx.answers[tag].times, 1);
	}
	if (box != NULL)
		fx.store->driver->mailbox_close(&box);
	fixture_close(&fx);
	view_free(&view);
	fx.plan = NULL;

	fixture_open(&fx);
	look(&view);
	check_between(&view, flushed);
	box = fixture_box(&fx, OTHER);
	ck_assert_int_eq(prepare_batch(&view, box), ERR_NONE);
	fixture_flush(&fx);
	fx.store->driver->mailbox_close(&box);
	view_free(&view);
	fixture_reopen(&fx);
	look(&view);
	check_end(&view);
	view_free(&view);
	fixture_deinit(&fx);
	return plan.count >= at;
}

START_TEST(a_batch_survives_a_failure_at_each_call)
{
	int driver = _i % DRIVERS;
	enum fault fault = (enum fault)(_i / DRIVERS);
	unsigned long at = 1;

	if (!worth_it(driver, fault))
		return;
	while (run_once(driver, fault, at))
		at++;
	/* It is a batch of some size. */
	ck_assert_uint_gt(at, 20);
}
END_TEST

/* The same for what works on the tree. */
static enum err_code
tree_steps(void)
{
	struct mailbox_status status = { .uidvalidity = 7, .uidnext = 3 };
	const struct store_driver *d = fx.store->driver;
	struct err err = ERR_INIT;

	memset(status.guid.b, 9, GUID_SIZE);
	if (!fixture_has_mailbox(&fx, "B") && !fixture_has_mailbox(&fx, "A") &&
	    d->mailbox_create(fx.store, "A", true, &status, &err) == -1)
		return err.code;
	if (!fixture_has_mailbox(&fx, "B") &&
	    d->mailbox_rename(fx.store, "A", "B", &err) == -1)
		return err.code;
	if (d->subscribe(fx.store, "B", true, &err) == -1)
		return err.code;
	if (fixture_has_mailbox(&fx, OTHER) &&
	    d->mailbox_remove(fx.store, OTHER, &err) == -1)
		return err.code;
	return ERR_NONE;
}

static enum err_code
tree_steps_failing(struct failing_plan *plan)
{
	const struct store_driver *d;
	struct err err = ERR_INIT;
	struct mailbox_status status = { .uidvalidity = 7, .uidnext = 3 };

	fx.plan = plan;
	memset(status.guid.b, 9, GUID_SIZE);
	if (fixture_try_open(&fx) != ERR_NONE)
		return ERR_TEMP;
	d = fx.store->driver;
	if (d->mailbox_create(fx.store, "A", true, &status, &err) == -1 ||
	    d->mailbox_rename(fx.store, "A", "B", &err) == -1 ||
	    d->subscribe(fx.store, "B", true, &err) == -1 ||
	    d->mailbox_remove(fx.store, OTHER, &err) == -1)
		return err.code;
	return ERR_NONE;
}

static int
is_b(const char *name, void *arg, struct err *err)
{
	(void)err;
	*(int *)arg += strcmp(name, "B") == 0;
	return 0;
}

START_TEST(the_tree_survives_a_failure_at_each_call)
{
	int driver = _i % DRIVERS, subscribed;
	struct failing_plan plan;
	struct mailbox_status status;
	struct mailbox *box;
	struct err err = ERR_INIT;
	unsigned long at = 0;

	if (!worth_it(driver, (enum fault)(_i / DRIVERS)))
		return;
	do {
		plan = (struct failing_plan){ .fail_at = ++at,
		    .errnum = errnos[_i / DRIVERS] };
		prepare_world(driver);
		tree_steps_failing(&plan);
		fixture_close(&fx);
		fx.plan = NULL;
		fixture_open(&fx);
		ck_assert_int_eq(tree_steps(), ERR_NONE);
		ck_assert(fixture_has_mailbox(&fx, "B") &&
		    !fixture_has_mailbox(&fx, "A") &&
		    !fixture_has_mailbox(&fx, OTHER) &&
		    fixture_has_mailbox(&fx, "INBOX"));
		box = fixture_box(&fx, "B");
		status = fixture_status(&fx, box);
		ck_assert_uint_eq(status.uidvalidity, 7);
		ck_assert_uint_eq(status.uidnext, 3);
		ck_assert_uint_eq(status.guid.b[0], 9);
		fx.store->driver->mailbox_close(&box);
		subscribed = 0;
		ck_assert_int_eq(fx.store->driver->subscriptions(fx.store,
		    is_b, &subscribed, &err), 0);
		ck_assert_int_eq(subscribed, 1);
		fixture_deinit(&fx);
	} while (plan.count >= at);
}
END_TEST

#define TOGETHER	6U	/* more than are made durable one by one */

/* Make those that are not there, and subscribe to all; false: it failed. */
static bool
make_together(bool all)
{
	static const char *const names[TOGETHER] = { "Box0", "Box1",
	    "Box2", "Box3", "Box4", "Box5" };
	const struct store_driver *d = fx.store->driver;
	struct store_creation boxes[TOGETHER];
	struct store_subscription subs[TOGETHER];
	struct err err = ERR_INIT;
	size_t n = 0;
	bool good = true;

	memset(boxes, 0, sizeof(boxes));
	memset(subs, 0, sizeof(subs));
	for (size_t i = 0; i < TOGETHER; i++) {
		subs[i].name = names[i];
		subs[i].on = true;
		if (!all && fixture_has_mailbox(&fx, names[i]))
			continue;
		boxes[n].name = names[i];
		boxes[n].status.uidvalidity = 7;
		memset(boxes[n++].status.guid.b, (int)i + 1, GUID_SIZE);
	}
	if (d->mailboxes_create(fx.store, boxes, n, &err) == -1 ||
	    d->subscribe_all(fx.store, subs, TOGETHER, &err) == -1)
		return false;
	for (size_t i = 0; i < n; i++)
		good = good && !boxes[i].failed;
	for (size_t i = 0; i < TOGETHER; i++)
		good = good && !subs[i].failed;
	return good;
}

static int
count_subscription(const char *name, void *arg, struct err *err)
{
	(void)err;
	*(unsigned int *)arg += strncmp(name, "Box", 3) == 0;
	return 0;
}

/* Each is there with its GUID, or not at all. */
static unsigned int
count_together(void)
{
	struct mailbox_status status;
	struct mailbox *box;
	unsigned int n = 0;
	char name[] = "Box0";

	for (unsigned int i = 0; i < TOGETHER; i++) {
		name[3] = (char)('0' + i);
		if (!fixture_has_mailbox(&fx, name))
			continue;
		box = fixture_box(&fx, name);
		status = fixture_status(&fx, box);
		ck_assert_uint_eq(status.uidvalidity, 7);
		ck_assert_uint_eq(status.guid.b[0], i + 1);
		fx.store->driver->mailbox_close(&box);
		n++;
	}
	return n;
}

START_TEST(mailboxes_made_together_are_whole_at_each_failure)
{
	struct failing_plan plan;
	struct err err = ERR_INIT;
	unsigned long at = 0;
	unsigned int subscribed, n;
	bool made;

	if (!worth_it(_i % DRIVERS, (enum fault)(_i / DRIVERS)))
		return;
	do {
		plan = (struct failing_plan){ .fail_at = ++at,
		    .errnum = errnos[_i / DRIVERS] };
		fixture_init(&fx, _i % DRIVERS);
		fixture_open(&fx);
		if (fx.store->driver->mailboxes_create == NULL) {
			fixture_deinit(&fx);
			return;
		}
		fixture_close(&fx);
		fx.plan = &plan;
		made = fixture_try_open(&fx) == ERR_NONE &&
		    make_together(true);
		fixture_close(&fx);
		fx.plan = NULL;
		fixture_open(&fx);
		n = count_together();
		ck_assert(!made || n == TOGETHER);
		ck_assert(make_together(false));
		ck_assert_uint_eq(count_together(), TOGETHER);
		subscribed = 0;
		ck_assert_int_eq(fx.store->driver->subscriptions(fx.store,
		    count_subscription, &subscribed, &err), 0);
		ck_assert_uint_eq(subscribed, TOGETHER);
		fixture_deinit(&fx);
	} while (plan.count >= at);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "faults");

	tcase_set_timeout(tc, 300.0);
	/* Steps are counted here, and a disk takes long for thousands. */
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	tcase_add_loop_test(tc, a_batch_survives_a_failure_at_each_call, 0,
	    DRIVERS * FAULTS);
	tcase_add_loop_test(tc, the_tree_survives_a_failure_at_each_call, 0,
	    DRIVERS * FAULTS);
	tcase_add_loop_test(tc,
	    mailboxes_made_together_are_whole_at_each_failure, 0,
	    DRIVERS * FAULTS);
	return unit_run(suite);
}
