/* msg */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "model/msg.h"
#include "tests/support/unit.h"

static struct keyword keywords[] = {
	{ "Alpha", 5, true }, { "beta", 6, false }, { "gamma", 7, true },
};
static struct guid128 marks[] = { { { 1 } }, { { 2 } } };

static struct msg_message
record(void)
{
	struct msg_message m = { .uid = 7, .guid = "abc" };

	m.marks = marks;
	m.mark_count = 2;
	m.flags.flags = FLAG_SEEN;
	m.flags.keywords = keywords;
	m.flags.keyword_count = 3;
	m.received = RECEIVED_NONE;
	return m;
}

/* Is the digest of these two the same? */
static bool
same(const struct msg_message *a, const struct msg_message *b)
{
	uint8_t x[DIGEST_SIZE], y[DIGEST_SIZE];
	struct digest_ctx *ctx = digest_new();

	msg_set_digest_add(ctx, a);
	digest_final(ctx, x);
	msg_set_digest_add(ctx, b);
	digest_final(ctx, y);
	digest_free(&ctx);
	return memcmp(x, y, DIGEST_SIZE) == 0;
}

START_TEST(set_digest_is_blind_to_stamps_and_spelling)
{
	struct keyword other[] = {
		{ "ALPHA", 50, true }, { "Gamma", 70, true },
	};
	struct msg_message a = record(), b = record();

	b.flags.keywords = other;
	b.flags.keyword_count = 2;
	b.flags.stamps[0] = 99;
	b.is_new = b.held = true;
	b.received = 5;
	ck_assert(same(&a, &b));
}
END_TEST

START_TEST(set_digest_sees_all_else)
{
	struct keyword other[] = { { "Alpha", 5, true }, { "beta", 6, true },
	    { "gamma", 7, true } };
	struct msg_message a = record(), b;
	char guid[GUID_TEXT_MAX + 1];

	b = record();
	b.uid = 8;
	ck_assert(!same(&a, &b));
	b = record();
	b.guid = "abd";
	ck_assert(!same(&a, &b));
	b = record();
	b.flags.flags = FLAG_SEEN | FLAG_DRAFT;
	ck_assert(!same(&a, &b));
	b = record();
	b.flags.keywords = other;
	ck_assert(!same(&a, &b));
	b = record();
	b.mark_count = 1;
	ck_assert(!same(&a, &b));
	b = record();
	b.modseq = 1ULL << 32;
	ck_assert(!same(&a, &b));
	/* More than the pieces are gathered in. */
	memset(guid, 'g', sizeof(guid));
	guid[GUID_TEXT_MAX] = '\0';
	b = record();
	b.guid = guid;
	ck_assert(same(&b, &b));
	ck_assert(!same(&a, &b));
}
END_TEST

START_TEST(marks_are_sorted_without_doubles)
{
	struct guid128 v[] = { { { 3 } }, { { 1 } }, { { 3 } }, { { 2 } },
	    { { 1 } } };

	ck_assert_uint_eq(marks_normalise(v, 5), 3);
	for (uint8_t i = 0; i < 3; i++)
		ck_assert_uint_eq(v[i].b[0], i + 1);
	ck_assert_uint_eq(marks_normalise(v, 1), 1);
	ck_assert_uint_eq(marks_normalise(v, 0), 0);
	ck_assert_uint_eq(marks_normalise(NULL, 0), 0);
	ck_assert(marks_have(v, 3, &(struct guid128){ { 2 } }));
	ck_assert(!marks_have(v, 3, &(struct guid128){ { 4 } }));
	ck_assert(!marks_have(NULL, 0, &(struct guid128){ { 4 } }));
}
END_TEST

START_TEST(copy_of_a_record_is_whole)
{
	struct arena *arena = arena_new(65536);
	uint8_t digest[DIGEST_SIZE] = { 42 };
	char guid[] = "a-guid", uidl[] = "a-uidl";
	struct msg_message m = record(), copy;

	m.guid = guid;
	m.pop3_uidl = uidl;
	m.digest = digest;
	copy = msg_message_dup(arena, &m);
	guid[0] = uidl[0] = 'b';
	digest[0] = 0;
	ck_assert_str_eq(copy.guid, "a-guid");
	ck_assert_str_eq(copy.pop3_uidl, "a-uidl");
	ck_assert_uint_eq(copy.digest[0], 42);
	ck_assert_ptr_ne(copy.marks, marks);
	ck_assert_mem_eq(copy.marks, marks, sizeof(marks));
	ck_assert(mail_flags_identical(&copy.flags, &m.flags));
	ck_assert_uint_eq(copy.uid, 7);
	arena_free(&arena);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
	for (int kind = 1; kind < MSG_KIND_COUNT; kind++)
		ck_assert_str_ne(msg_kind_name((enum msg_kind)kind), "message");
	ck_assert_str_eq(msg_kind_name(MSG_KIND_COUNT), "message");
	ck_assert_str_eq(msg_kind_name(MSG_OP_SAVE), "OP_SAVE");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "msg");

	tcase_add_test(tcase, set_digest_is_blind_to_stamps_and_spelling);
	tcase_add_test(tcase, set_digest_sees_all_else);
	tcase_add_test(tcase, marks_are_sorted_without_doubles);
	tcase_add_test(tcase, copy_of_a_record_is_whole);
	tcase_add_test(tcase, every_kind_has_a_name);
	return unit_run(suite);
}
