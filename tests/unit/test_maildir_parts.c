/* The parts of the Maildir driver that work on values. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "store/files/subscriptions.h"
#include "store/maildir/file_name.h"
#include "store/maildir/keywords.h"
#include "store/maildir/table.h"
#include "store/maildir/uidlist.h"
#include "tests/support/unit.h"

static int
header_parse(struct uidlist_header *header, const char *line)
{
	struct err err = ERR_INIT;

	return uidlist_header_parse(header, line, strlen(line), &err);
}

static int
record_parse(struct uidlist_record *rec, const char *line)
{
	struct err err = ERR_INIT;

	return uidlist_record_parse(rec, 3, line, strlen(line), &err);
}

START_TEST(a_uidlist_header_is_read_and_its_unknown_fields_are_kept)
{
	struct uidlist_header header;
	struct strbuf text;
	char hex[GUID_HEX_SIZE];

	ck_assert_int_eq(header_parse(&header, "3 V1234567890 N500 "
	    "G0102030405060708090a0b0c0d0e0f10 P%08Xu%08Xv X1"), 0);
	ck_assert_uint_eq(header.version, 3);
	ck_assert_uint_eq(header.uidvalidity, 1234567890);
	ck_assert_uint_eq(header.uidnext, 500);
	guid_format(&header.guid, hex);
	ck_assert_str_eq(hex, "0102030405060708090a0b0c0d0e0f10");
	strbuf_init(&text, UIDLIST_HEADER_MAX);
	uidlist_header_format(&text, &header);
	ck_assert_str_eq(text.data, "3 V1234567890 N500 "
	    "G0102030405060708090a0b0c0d0e0f10 P%08Xu%08Xv X1\n");
	strbuf_deinit(&text);
}
END_TEST

START_TEST(a_uidlist_header_of_version_1_is_read)
{
	struct uidlist_header header;

	ck_assert_int_eq(header_parse(&header, "1 1234567890 500"), 0);
	ck_assert_uint_eq(header.version, 1);
	ck_assert_uint_eq(header.uidvalidity, 1234567890);
	ck_assert_uint_eq(header.uidnext, 500);
	ck_assert(guid_is_zero(&header.guid));
}
END_TEST

START_TEST(a_uidlist_header_without_what_it_needs_is_broken)
{
	static const char *const bad[] = { "", "3", "3 V1", "3 N1", "3 V0 N1",
	    "3 V1 N0", "2 V1 N1", "33 V1 N1", "3 V4294967296 N1",
	    "3 V1 N4294967296", "3 V-1 N1", "3 V1x N1", "1", "1 5", "1 0 5",
	    "1 5 0", "x" };
	struct uidlist_header header;

	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_int_eq(header_parse(&header, bad[i]), -1);
}
END_TEST

START_TEST(a_uidlist_record_is_taken_apart)
{
	char guid[GUID_TEXT_MAX + 1];
	struct uidlist_record rec;
	const char *value;
	size_t len;

	ck_assert_int_eq(record_parse(&rec, "9 Gabc W24 Ppop O7 :1.M1.h,S=2"),
	    0);
	ck_assert_uint_eq(rec.uid, 9);
	ck_assert_uint_eq(rec.base_len, 10);
	ck_assert_mem_eq(rec.base, "1.M1.h,S=2", 10);
	ck_assert(uidlist_field(rec.fields, rec.fields_len, 'O', &value,
	    &len) && len == 1 && value[0] == '7');
	ck_assert(!uidlist_field(rec.fields, rec.fields_len, 'S', &value,
	    &len));
	uidlist_guid(&rec, guid);
	ck_assert_str_eq(guid, "abc");
	/* Without a G the base is the GUID, sizes included. */
	ck_assert_int_eq(record_parse(&rec, "9 :1.M1.h,S=2:2,S"), 0);
	uidlist_guid(&rec, guid);
	ck_assert_str_eq(guid, "1.M1.h,S=2");
	/* No valid GUID text: the 128-bit form that Dovecot computes. */
	ck_assert_int_eq(record_parse(&rec, "9 :a b"), 0);
	uidlist_guid(&rec, guid);
	ck_assert_str_eq(guid, "04122a707f849f2c12bdd9de71b41929");
}
END_TEST

START_TEST(a_uidlist_record_that_is_none_is_refused)
{
	static const char *const bad[] = { "", "5", "5 ", "x :a", "0 :a",
	    "4294967296 :a", "5 Gx", "5 Gx ", "5 :", "5 ::2,S", "5 :a/b",
	    "5 a", "-1 :a", " :a" };
	struct uidlist_record rec;

	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_msg(record_parse(&rec, bad[i]) == -1, "%s",
		    bad[i]);
}
END_TEST

START_TEST(keyword_letters_are_names_of_the_file)
{
	static const char text[] = "0 $Forwarded\n2 work\n25 Apple\n";
	const char *names[FILE_KEYWORDS];
	struct keyword_map map;
	struct strbuf out;

	keyword_map_init(&map);
	keyword_map_parse(&map, text, strlen(text));
	ck_assert_uint_eq(keyword_map_names(&map, 1U | 4U | 1U << 25, names),
	    3);
	ck_assert_str_eq(names[0], "$Forwarded");
	ck_assert_str_eq(names[1], "Apple");
	ck_assert_str_eq(names[2], "work");
	ck_assert_uint_eq(keyword_map_names(&map, 2U, names), 1);
	ck_assert_str_eq(names[0], "unknown-1");
	ck_assert_int_eq(keyword_map_find(&map, "WORK"), 2);
	ck_assert_int_eq(keyword_map_find(&map, "unknown-1"), 1);
	ck_assert_int_eq(keyword_map_find(&map, "none"), -1);
	/* The last is taken, so a gap is, but not one that files use. */
	ck_assert_int_eq(keyword_map_add(&map, "new", 2U), 3);
	strbuf_init(&out, KEYWORDS_FILE_MAX);
	keyword_map_format(&map, &out);
	ck_assert_str_eq(out.data, "0 $Forwarded\n2 work\n3 new\n25 Apple\n");
	strbuf_deinit(&out);
	keyword_map_deinit(&map);
}
END_TEST

START_TEST(a_mailbox_has_26_keywords)
{
	struct keyword_map map;
	char name[16];

	keyword_map_init(&map);
	for (int i = 0; i < 26; i++) {
		snprintf(name, sizeof(name), "k%d", i);
		ck_assert_int_eq(keyword_map_add(&map, name, 0), i);
	}
	ck_assert_int_eq(keyword_map_add(&map, "more", 0), -1);
	keyword_map_deinit(&map);
}
END_TEST

static void
check_subscriptions(const char *text, const char *names, const char *added)
{
	struct subscriptions subs;
	struct strbuf out;

	subscriptions_parse(&subs, false, '.', text, strlen(text));
	strbuf_init(&out, SUBSCRIPTIONS_MAX);
	for (size_t i = 0; i < subs.lines.n; i++) {
		strbuf_adds(&out, subs.lines.v[i].name != NULL ?
		    subs.lines.v[i].name : "?");
		strbuf_addc(&out, '|');
	}
	ck_assert_str_eq(out.data, names);
	strbuf_reset(&out);
	ck_assert(subscriptions_set(&subs, "x\x1f\xc3\xa9", true));
	subscriptions_format(&subs, &out);
	ck_assert_str_eq(out.data, added);
	subscriptions_deinit(&subs);
	strbuf_deinit(&out);
}

START_TEST(subscriptions_of_both_versions_are_read_and_kept)
{
	check_subscriptions("INBOX\nWork.2024\nbad&\n",
	    "INBOX|Work\x1f" "2024|?|",
	    "INBOX\nWork.2024\nbad&\nx.&AOk-\n");
	check_subscriptions("V\t2\n\nINBOX\nWork\t2024\nGr&APw-n\n",
	    "INBOX|Work\x1f" "2024|Gr\xc3\xbcn|",
	    "V\t2\n\nINBOX\nWork\t2024\nGr&APw-n\nx\t&AOk-\n");
	check_subscriptions("", "", "V\t2\n\nx\t&AOk-\n");
}
END_TEST

START_TEST(a_file_name_is_base_and_letters)
{
	struct file_name parsed;
	char out[FILE_NAME_MAX + 1];

	ck_assert(file_name_parse(&parsed, "1.M1.h,S=2:2,FSab"));
	ck_assert_uint_eq(parsed.base_len, 10);
	ck_assert_uint_eq(parsed.letters,
	    LETTER_FLAGGED | LETTER_SEEN | 1U | 2U);
	ck_assert(parsed.has_info && !parsed.odd);
	ck_assert(file_name_change(out, "1.M1.h,S=2:2,FSab",
	    LETTER_DRAFT | LETTER_DELETED | 4U));
	ck_assert_str_eq(out, "1.M1.h,S=2:2,DTc");
	ck_assert(file_name_parse(&parsed, "1.M1.h"));
	ck_assert(!parsed.has_info && !parsed.odd && parsed.letters == 0);
	ck_assert(file_name_change(out, "1.M1.h", 0));
	ck_assert_str_eq(out, "1.M1.h:2,");
	ck_assert(!file_name_parse(&parsed, ".hidden"));
	ck_assert(!file_name_parse(&parsed, ":2,S"));
	ck_assert(!file_name_parse(&parsed, "a\nb:2,S"));
}
END_TEST

START_TEST(letters_that_we_do_not_know_are_kept)
{
	struct file_name parsed;
	char out[FILE_NAME_MAX + 1];

	ck_assert(file_name_parse(&parsed, "a:2,SFX,more"));
	ck_assert(parsed.odd);
	ck_assert_uint_eq(parsed.letters, LETTER_SEEN | LETTER_FLAGGED);
	ck_assert(file_name_change(out, "a:2,SFX,more", LETTER_DELETED));
	ck_assert_str_eq(out, "a:2,TX,more");
}
END_TEST

START_TEST(new_files_are_ordered_as_dovecot_orders_them)
{
	static const char *const sorted[] = { "5.M9P1.h", "1000.M2P1.h",
	    "1000.M10P1.a", "1000.M10P1.b", "2000.x", "2000.y" };

	for (size_t i = 0; i < nitems(sorted); i++) {
		for (size_t k = 0; k < nitems(sorted); k++) {
			int r = file_base_cmp(sorted[i], sorted[k]);

			ck_assert((r < 0) == (i < k) && (r > 0) == (i > k));
		}
	}
}
END_TEST

START_TEST(a_guid_is_a_base_only_if_what_it_says_is_true)
{
	ck_assert(file_base_usable("1000.M1P1.h,S=5,W=6", 5, 6));
	ck_assert(file_base_usable("1000.M1P1.h", 5, 6));
	ck_assert(!file_base_usable("1000.M1P1.h,S=4,W=6", 5, 6));
	ck_assert(!file_base_usable("1000.M1P1.h,S=5,W=5", 5, 6));
	ck_assert(!file_base_usable("1000.M1P1.h/x", 5, 6));
	ck_assert(!file_base_usable("1000.M1P1.h:2,S", 5, 6));
	ck_assert(!file_base_usable("00112233445566778899aabbccddeeff", 5, 6));
	ck_assert(!file_base_usable(".hidden", 5, 6));
	ck_assert(!file_base_usable("..", 5, 6));
	ck_assert(!file_base_usable("", 5, 6));
}
END_TEST

START_TEST(a_table_finds_each_of_many_names)
{
	struct table *table = table_new();
	struct file_name parsed;
	char name[64], back[FILE_NAME_MAX + 1];
	struct table_entry *entry;

	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u.M%u.h:2,%s", i, i * 7,
		    i % 3 == 0 ? "S" : i % 3 == 1 ? "FTa" : "SFX");
		ck_assert(file_name_parse(&parsed, name));
		entry = table_add(table, name, parsed.base_len);
		table_set_file(table, entry, ENTRY_CUR, name, &parsed);
	}
	ck_assert_uint_eq(table_count(table, ENTRY_CUR, ENTRY_CUR), 5000);
	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%u.M%u.h:2,%s", i, i * 7,
		    i % 3 == 0 ? "S" : i % 3 == 1 ? "FTa" : "SFX");
		file_name_parse(&parsed, name);
		entry = table_find(table, name, parsed.base_len);
		ck_assert_ptr_nonnull(entry);
		ck_assert(table_file_name(table, entry, name,
		    parsed.base_len, back));
		ck_assert_str_eq(back, name);
	}
	ck_assert_ptr_null(table_find(table, "x", 1));
	ck_assert_uint_eq(table_letters(table),
	    LETTER_SEEN | LETTER_FLAGGED | LETTER_DELETED | 1U);
	table_free(&table);
}
END_TEST

START_TEST(a_file_seen_in_any_pass_is_there_unless_the_last_is_sure)
{
	struct table *table = table_new();
	struct file_name parsed;

	file_name_parse(&parsed, "a:2,S");
	table_set_file(table, table_add(table, "a", 1), ENTRY_CUR, "a:2,S",
	    &parsed);
	table_next_pass(table);
	ck_assert_uint_eq(table_count(table, ENTRY_FILE, 0), 1);
	table_merge_passes(table);
	ck_assert_uint_eq(table_count(table, ENTRY_CUR, ENTRY_CUR), 1);
	table_next_pass(table);
	table_clear(table, ENTRY_WAS);
	table_merge_passes(table);
	ck_assert_uint_eq(table_count(table, ENTRY_FILE, 0), 1);
	table_free(&table);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir parts");

	tcase_add_test(tc,
	    a_uidlist_header_is_read_and_its_unknown_fields_are_kept);
	tcase_add_test(tc, a_uidlist_header_of_version_1_is_read);
	tcase_add_test(tc, a_uidlist_header_without_what_it_needs_is_broken);
	tcase_add_test(tc, a_uidlist_record_is_taken_apart);
	tcase_add_test(tc, a_uidlist_record_that_is_none_is_refused);
	tcase_add_test(tc, keyword_letters_are_names_of_the_file);
	tcase_add_test(tc, a_mailbox_has_26_keywords);
	tcase_add_test(tc, subscriptions_of_both_versions_are_read_and_kept);
	tcase_add_test(tc, a_file_name_is_base_and_letters);
	tcase_add_test(tc, letters_that_we_do_not_know_are_kept);
	tcase_add_test(tc, new_files_are_ordered_as_dovecot_orders_them);
	tcase_add_test(tc, a_guid_is_a_base_only_if_what_it_says_is_true);
	tcase_add_test(tc, a_table_finds_each_of_many_names);
	tcase_add_test(tc,
	    a_file_seen_in_any_pass_is_there_unless_the_last_is_sure);
	return unit_run(suite);
}
