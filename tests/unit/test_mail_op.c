/* Changes that wait for their flush. */
#include "config.h"

#include <string.h>

#include "store/files/mail_op.h"
#include "tests/support/unit.h"

struct own_op {
	MAIL_OP;
	int fd;
};

START_TEST(an_append_is_copied_with_all_it_is_given)
{
	char guid[] = "g1", word[] = "work", uidl[] = "u1";
	const char *keywords[] = { "$Label1", word };
	struct mail_info info = { .uid = 7, .guid = guid,
	    .flags = FLAG_SEEN | FLAG_DRAFT, .keywords = keywords,
	    .keyword_count = 2, .modseq = 99, .received = 1234567890,
	    .pop3_uidl = uidl, .pop3_order = 3 };
	struct own_op op = { .tag = 5, .fd = 4 };

	mail_op_append(&op.common, &info);
	/* The caller's memory is his. */
	memset(guid, 'x', sizeof(guid) - 1);
	memset(word, 'x', sizeof(word) - 1);
	memset(uidl, 'x', sizeof(uidl) - 1);
	ck_assert_int_eq(op.kind, OP_APPEND);
	ck_assert_uint_eq(op.tag, 5);
	ck_assert_int_eq(op.fd, 4);
	ck_assert_uint_eq(op.uid, 7);
	ck_assert_str_eq(op.guid, "g1");
	ck_assert_uint_eq(op.flags, FLAG_SEEN | FLAG_DRAFT);
	ck_assert_uint_eq(op.keyword_count, 2);
	ck_assert_str_eq(op.keywords[0], "$Label1");
	ck_assert_str_eq(op.keywords[1], "work");
	ck_assert_uint_eq(op.modseq, 99);
	ck_assert_int_eq(op.received, 1234567890);
	ck_assert_str_eq(op.pop3_uidl, "u1");
	ck_assert_uint_eq(op.pop3_order, 3);
	mail_op_deinit(&op.common);
}
END_TEST

START_TEST(an_append_may_leave_guid_and_uidl_to_the_driver)
{
	struct mail_info info = { .received = 1 };
	struct own_op op = { .fd = -1 };

	mail_op_append(&op.common, &info);
	ck_assert_ptr_null(op.guid);
	ck_assert_ptr_null(op.pop3_uidl);
	ck_assert_uint_eq(op.keyword_count, 0);
	mail_op_deinit(&op.common);
}
END_TEST

START_TEST(flags_have_what_was_and_what_is_wanted)
{
	const char *was_words[] = { "old" }, *words[] = { "a", "b" };
	struct mail_info was = { .uid = 3, .guid = "g", .flags = FLAG_SEEN,
	    .keywords = was_words, .keyword_count = 1 };
	struct own_op op = { .fd = -1 };

	mail_op_flags(&op.common, &was, FLAG_FLAGGED, words, 2, 17);
	ck_assert_int_eq(op.kind, OP_FLAGS);
	ck_assert_uint_eq(op.uid, 3);
	ck_assert_str_eq(op.guid, "g");
	ck_assert_uint_eq(op.was_flags, FLAG_SEEN);
	ck_assert_uint_eq(op.was_count, 1);
	ck_assert_str_eq(op.was_keywords[0], "old");
	ck_assert_uint_eq(op.flags, FLAG_FLAGGED);
	ck_assert_uint_eq(op.keyword_count, 2);
	ck_assert_str_eq(op.keywords[1], "b");
	ck_assert_uint_eq(op.modseq, 17);
	mail_op_deinit(&op.common);
}
END_TEST

START_TEST(a_new_uid_names_the_old_one)
{
	struct own_op op = { .fd = -1 };

	mail_op_uid(&op.common, 4, "g", 40, 6);
	ck_assert_int_eq(op.kind, OP_UID);
	ck_assert_uint_eq(op.from_uid, 4);
	ck_assert_uint_eq(op.uid, 40);
	ck_assert_str_eq(op.guid, "g");
	ck_assert_uint_eq(op.modseq, 6);
	mail_op_deinit(&op.common);
}
END_TEST

START_TEST(an_expunge_and_a_status_are_what_they_say)
{
	struct mailbox_status status = { .uidvalidity = 12, .uidnext = 9 };
	struct own_op op = { .fd = -1 }, other = { .fd = -1 };

	mail_op_expunge(&op.common, 4, "g");
	ck_assert_int_eq(op.kind, OP_EXPUNGE);
	ck_assert_uint_eq(op.uid, 4);
	ck_assert_str_eq(op.guid, "g");
	mail_op_status(&other.common, &status);
	ck_assert_int_eq(other.kind, OP_STATUS);
	ck_assert_uint_eq(other.status.uidvalidity, 12);
	ck_assert_uint_eq(other.status.uidnext, 9);
	mail_op_deinit(&op.common);
	mail_op_deinit(&other.common);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "mail_op");

	tcase_add_test(tc, an_append_is_copied_with_all_it_is_given);
	tcase_add_test(tc, an_append_may_leave_guid_and_uidl_to_the_driver);
	tcase_add_test(tc, flags_have_what_was_and_what_is_wanted);
	tcase_add_test(tc, a_new_uid_names_the_old_one);
	tcase_add_test(tc, an_expunge_and_a_status_are_what_they_say);
	return unit_run(suite);
}
