/* Attributes of mailboxes (T15). */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "model/attribute.h"
#include "tests/contract/fixture.h"

static struct fixture fx;

static int
on_attribute(const struct store_attribute *a, void *arg, struct err *err)
{
	struct strbuf *text = arg;
	char hex[GUID_HEX_SIZE];

	(void)err;
	ck_assert(!a->failed);
	guid_format(&a->mailbox, hex);
	strbuf_addf(text, "%s%s=", hex, a->key);
	strbuf_add(text, a->value, a->len);
	strbuf_addc(text, '\n');
	return 0;
}

/* Is this one there, and how many are there in all? */
static void
expect(const struct guid128 *mailbox, const char *key, const char *value,
    unsigned int count)
{
	const struct store_driver *d = fx.store->driver;
	struct err err = ERR_INIT;
	char line[400], hex[GUID_HEX_SIZE];
	struct strbuf text;
	unsigned int n = 0;

	strbuf_init(&text, 1U << 20);
	if (d->attributes(fx.store, on_attribute, &text, &err) == -1)
		ck_assert_int_eq(err.code, ERR_NOTFOUND);
	for (const char *p = text.data; *p != '\0'; p++)
		n += *p == '\n';
	ck_assert_uint_eq(n, count);
	guid_format(mailbox, hex);
	snprintf(line, sizeof(line), "%s%s=%s\n", hex, key,
	    value != NULL ? value : "");
	ck_assert((strstr(text.data, line) != NULL) == (value != NULL));
	strbuf_deinit(&text);
}

static struct store_attribute
attribute(const struct guid128 *mailbox, const char *key, const char *value)
{
	return (struct store_attribute){ .mailbox = *mailbox, .key = key,
	    .value = (const uint8_t *)value,
	    .len = value != NULL ? strlen(value) : 0, .failure = ERR_INIT };
}

START_TEST(attributes_hang_on_the_guid_of_their_mailbox)
{
	const struct store_driver *d;
	struct store_attribute list[3];
	struct mailbox_status inbox, other;
	struct mailbox *box;
	struct err err = ERR_INIT;

	fixture_init(&fx, _i);
	fixture_open(&fx);
	fixture_create(&fx, "A");
	box = fixture_box(&fx, "A");
	inbox = fixture_status(&fx, fx.box);
	other = fixture_status(&fx, box);
	d = fx.store->driver;
	d->mailbox_close(&box);
	ck_assert(d->keeps_attributes(fx.store));
	expect(&inbox.guid, "/private/comment", NULL, 0);
	list[0] = attribute(&inbox.guid, "/private/comment", "i");
	list[1] = attribute(&other.guid, "/private/comment", "");
	list[2] = attribute(&other.guid, "/shared/comment", "s");
	ck_assert_int_eq(d->set_attributes(fx.store, list, 3, &err), 0);
	fixture_reopen(&fx);
	d = fx.store->driver;
	expect(&inbox.guid, "/private/comment", "i", 3);
	expect(&other.guid, "/private/comment", "", 3);
	ck_assert_int_eq(d->mailbox_rename(fx.store, "A", "B", &err), 0);
	expect(&other.guid, "/shared/comment", "s", 3);
	list[0] = attribute(&inbox.guid, "/private/comment", "j");
	list[1] = attribute(&other.guid, "/private/comment", NULL);
	list[2] = attribute(&other.guid, "/private/never", NULL);
	ck_assert_int_eq(d->set_attributes(fx.store, list, 3, &err), 0);
	expect(&inbox.guid, "/private/comment", "j", 2);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(what_is_not_as_expected_stays_as_it_is)
{
	const struct store_driver *d;
	struct store_attribute list[4];
	struct guid128 guid;
	struct err err = ERR_INIT;

	fixture_init(&fx, _i);
	fixture_open(&fx);
	d = fx.store->driver;
	guid = fixture_status(&fx, fx.box).guid;
	list[0] = attribute(&guid, "/private/a", "1");
	list[1] = attribute(&guid, "/private/b", "1");
	ck_assert_int_eq(d->set_attributes(fx.store, list, 2, &err), 0);
	list[0] = attribute(&guid, "/private/a", "2");
	list[1] = attribute(&guid, "/private/b", "2");
	list[2] = attribute(&guid, "/private/c", "2");
	list[3] = attribute(&guid, "/private/d", NULL);
	for (size_t i = 0; i < 4; i++) {
		list[i].expect = true;
		list[i].was = (const uint8_t *)"1";
		list[i].was_len = 1;
	}
	list[1].was = NULL;
	ck_assert_int_eq(d->set_attributes(fx.store, list, 4, &err), 0);
	ck_assert(!list[0].failed && list[1].failed && list[2].failed);
	ck_assert(!list[3].failed);	/* gone already, as it is to be */
	ck_assert_int_eq(list[1].failure.code, ERR_STALE);
	expect(&guid, "/private/a", "2", 2);
	expect(&guid, "/private/b", "1", 2);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(what_is_no_attribute_is_refused_by_itself)
{
	const struct store_driver *d;
	struct store_attribute list[4];
	struct guid128 guid;
	struct err err = ERR_INIT;
	static char longer[ATTRIBUTE_VALUE_MAX + 2];

	fixture_init(&fx, _i);
	fixture_open(&fx);
	d = fx.store->driver;
	guid = fixture_status(&fx, fx.box).guid;
	memset(longer, 'x', sizeof(longer) - 1);
	list[0] = attribute(&guid, "/private/bad*", "1");
	list[1] = attribute(&guid, "/private/good", "2");
	list[2] = attribute(&guid, "/private/long", longer);
	list[3] = attribute(&guid,
	    "/private/vendor/vendor.dovecot/pvt/imap-urlauth", "secret");
	ck_assert_int_eq(d->set_attributes(fx.store, list, 4, &err), 0);
	ck_assert(list[0].failed && !list[1].failed && list[2].failed &&
	    list[3].failed);
	ck_assert_int_eq(list[0].failure.code, ERR_REFUSED);
	ck_assert_int_eq(list[2].failure.code, ERR_REFUSED);
	expect(&guid, "/private/good", "2", 1);
	fx.readonly = true;
	fixture_reopen(&fx);
	d = fx.store->driver;
	expect(&guid, "/private/good", "2", 1);
	list[0] = attribute(&guid, "/private/good", "3");
	ck_assert_int_eq(d->set_attributes(fx.store, list, 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	expect(&guid, "/private/good", "2", 1);
	fixture_deinit(&fx);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "attributes");

	tcase_add_loop_test(tc, attributes_hang_on_the_guid_of_their_mailbox,
	    0, DRIVERS);
	tcase_add_loop_test(tc, what_is_not_as_expected_stays_as_it_is, 0,
	    DRIVERS);
	tcase_add_loop_test(tc, what_is_no_attribute_is_refused_by_itself, 0,
	    DRIVERS);
	return unit_run(suite);
}
