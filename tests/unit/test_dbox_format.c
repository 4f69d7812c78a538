/* The bytes of dbox mail files: as Dovecot writes them, cut, and flipped. */
#include "config.h"

#include <string.h>

#include "store/dbox/dbox_format.h"
#include "store/store.h"
#include "tests/support/unit.h"

#define FILE_LINE	"2 M1e C6b02adf2\n"
#define GUID		"0123456789abcdef0123456789abcdef"
#define META		"\n\001\003\nR6b02adf2\nV87\nPuidl-1\nO7\nG" GUID \
			"\nBINBOX\n\n"

START_TEST(a_file_header_of_dovecot_is_understood)
{
	struct dbox_file_header header;
	struct err err = ERR_INIT;

	ck_assert_int_eq(dbox_file_header_parse(&header, FILE_LINE "x", 17,
	    &err), 0);
	ck_assert_uint_eq(header.len, 16);
	ck_assert_uint_eq(header.message_header, 30);
	ck_assert_uint_eq(header.created, 0x6b02adf2);
	for (size_t n = 0; n < 16; n++)
		ck_assert_int_eq(dbox_file_header_parse(&header, FILE_LINE,
		    n, &err), 1);
}
END_TEST

START_TEST(unknown_fields_of_a_file_header_are_left_alone)
{
	struct dbox_file_header header;
	struct err err = ERR_INIT;
	const char *line = "2 M1e Xnew C1 \n";

	ck_assert_int_eq(dbox_file_header_parse(&header, line, strlen(line),
	    &err), 0);
	ck_assert_uint_eq(header.created, 1);
}
END_TEST

START_TEST(a_file_header_that_is_none_is_corrupt)
{
	static const char *const lines[] = { "\n", "2\n", "3 M1e C1\n",
	    "2 C1\n", "2 M1d C1\n", "2 Mzz C1\n", "2 Mffff C1\n",
	    "2 M1e Cx\n", "From x\n" };
	struct dbox_file_header header;
	char longer[DBOX_FILE_HEADER_MAX];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err err = ERR_INIT;

		ck_assert_int_eq(dbox_file_header_parse(&header, lines[i],
		    strlen(lines[i]), &err), -1);
		ck_assert_int_eq(err.code, ERR_CORRUPT);
	}
	memset(longer, 'x', sizeof(longer));
	for (int i = 0; i < 1; i++) {
		struct err err = ERR_INIT;

		ck_assert_int_eq(dbox_file_header_parse(&header, longer,
		    sizeof(longer), &err), -1);
	}
}
END_TEST

START_TEST(a_message_header_comes_back)
{
	static const uint64_t sizes[] = { 0, 1, 128, 65536, 1ULL << 40 };
	char header[DBOX_MESSAGE_HEADER];
	struct err err = ERR_INIT;
	uint64_t size;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		dbox_message_header_format(header, sizes[i]);
		ck_assert_int_eq(dbox_message_header_parse(&size, header,
		    sizeof(header), &err), 0);
		ck_assert_uint_eq(size, sizes[i]);
	}
	dbox_message_header_format(header, 0x80);
	ck_assert_mem_eq(header, "\001\002N          0000000000000080\n", 30);
	dbox_message_header_format(header, (1ULL << 40) + 1);
	ck_assert_int_eq(dbox_message_header_parse(&size, header, 30, &err),
	    -1);
	ck_assert_int_eq(dbox_message_header_parse(&size, header, 29, &err),
	    -1);
}
END_TEST

START_TEST(metadata_of_dovecot_are_understood)
{
	struct dbox_meta meta;
	struct err err = ERR_INIT;
	size_t len = sizeof(META) - 1;

	ck_assert_int_eq(dbox_meta_parse(&meta, META "rest", len + 4, &err),
	    0);
	ck_assert_uint_eq(meta.len, len);
	ck_assert_str_eq(meta.guid, GUID);
	ck_assert_int_eq(meta.received, 0x6b02adf2);
	ck_assert(meta.has_vsize && meta.vsize == 0x87);
	ck_assert(!meta.has_real_size && !meta.external);
	ck_assert_str_eq(meta.pop3_uidl, "uidl-1");
	ck_assert_uint_eq(meta.pop3_order, 7);
	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(dbox_meta_parse(&meta, META, n, &err), 1);
}
END_TEST

START_TEST(metadata_with_any_bit_flipped_do_no_harm)
{
	char bytes[sizeof(META)];
	struct dbox_meta meta;

	for (size_t bit = 0; bit < 8 * (sizeof(META) - 1); bit++) {
		struct err err = ERR_INIT;
		int r;

		memcpy(bytes, META, sizeof(META));
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		r = dbox_meta_parse(&meta, bytes, sizeof(META) - 1, &err);
		ck_assert(r == 0 || r == 1 || err.code == ERR_CORRUPT);
		if (r == 0)
			ck_assert_uint_le(meta.len, sizeof(META) - 1);
	}
}
END_TEST

START_TEST(metadata_that_do_not_end_are_corrupt)
{
	static char bytes[DBOX_META_MAX + 10];
	struct dbox_meta meta;
	struct err err = ERR_INIT;

	memcpy(bytes, "\n\001\003\nQ", 5);
	memset(bytes + 5, 'x', sizeof(bytes) - 5);
	ck_assert_int_eq(dbox_meta_parse(&meta, bytes, sizeof(bytes), &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
}
END_TEST

START_TEST(written_metadata_come_back)
{
	static const int64_t dates[] = { 0, -1, 4294967296, -1000000 };
	struct dbox_meta meta = { .guid = "a guid", .vsize = 5,
	    .has_vsize = true, .has_real_size = true, .real_size = 4,
	    .pop3_uidl = "u", .pop3_order = 4294967295U }, again;
	struct err err = ERR_INIT;
	struct strbuf text;

	strcpy(meta.guid, "1000000001.M1P1.host,S=5");
	strbuf_init(&text, DBOX_META_MAX);
	for (size_t i = 0; i < 4; i++) {
		meta.received = dates[i];
		strbuf_reset(&text);
		dbox_meta_format(&text, &meta, i % 2 == 0 ? "Work" : NULL);
		ck_assert_int_eq(dbox_meta_parse(&again, text.data, text.len,
		    &err), 0);
		ck_assert_uint_eq(again.len, text.len);
		ck_assert_str_eq(again.guid, meta.guid);
		ck_assert_int_eq(again.received, dates[i]);
		ck_assert_uint_eq(again.real_size, 4);
		ck_assert_uint_eq(again.pop3_order, 4294967295U);
		ck_assert_str_eq(again.pop3_uidl, "u");
	}
	strbuf_deinit(&text);
}
END_TEST

START_TEST(the_last_metadata_are_found_from_the_end)
{
	const char text[] = "body" META "more" META;
	const char *found = dbox_meta_find_last(text, sizeof(text) - 1);

	ck_assert_ptr_eq(found, text + 4 + sizeof(META) - 1 + 4);
	ck_assert_ptr_null(dbox_meta_find_last("no metadata\n", 12));
	ck_assert_ptr_null(dbox_meta_find_last("\n", 1));
	ck_assert_ptr_null(dbox_meta_find_last("", 0));
}
END_TEST

START_TEST(an_index_holds_sixteen_bytes_of_any_guid)
{
	struct guid128 hex = dbox_guid128(GUID);
	struct guid128 text = dbox_guid128("plain");
	static const uint8_t first[4] = { 0x01, 0x23, 0x45, 0x67 };

	ck_assert_mem_eq(hex.b, first, sizeof(first));
	ck_assert(!guid_is_zero(&text) && !guid_eq(&hex, &text));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "dbox_format");

	tcase_add_test(tc, a_file_header_of_dovecot_is_understood);
	tcase_add_test(tc, unknown_fields_of_a_file_header_are_left_alone);
	tcase_add_test(tc, a_file_header_that_is_none_is_corrupt);
	tcase_add_test(tc, a_message_header_comes_back);
	tcase_add_test(tc, metadata_of_dovecot_are_understood);
	tcase_add_test(tc, metadata_with_any_bit_flipped_do_no_harm);
	tcase_add_test(tc, metadata_that_do_not_end_are_corrupt);
	tcase_add_test(tc, written_metadata_come_back);
	tcase_add_test(tc, the_last_metadata_are_found_from_the_end);
	tcase_add_test(tc, an_index_holds_sixteen_bytes_of_any_guid);
	return unit_run(suite);
}
