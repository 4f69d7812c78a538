#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "model/mail_filter.h"

#define NUMBER_MAX	100000	/* larger widths and offsets are as good */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
parse_number(const char *p, unsigned int *n_r)
{
	unsigned int n = 0;

	for (; is_digit(*p); p++) {
		n = n * 10 + (unsigned int)(*p - '0');
		if (n > NUMBER_MAX)
			n = NUMBER_MAX;
	}
	*n_r = n;
	return p;
}

/* [-][0]width, [-]offset.width, then letters. */
const char *
mail_modifiers_parse(struct mail_modifiers *mod, const char *text)
{
	const char *p = text;
	unsigned int first;
	bool negative;

	*mod = (struct mail_modifiers){ .count = 0 };
	negative = p[0] == '-' && is_digit(p[1]);
	if (negative)
		p++;
	mod->zeros = *p == '0';
	p = parse_number(p, &first);
	mod->width = first;
	if (*p == '.' && is_digit(p[1])) {
		mod->offset = negative ? -(int)first : (int)first;
		p = parse_number(p + 1, &mod->width);
		mod->zeros = false;
	}
	while (*p != '\0' && strchr("LURTHNMX", *p) != NULL &&
	    mod->count < sizeof(mod->letters))
		mod->letters[mod->count++] = *p++;
	return p;
}

static void
set(struct strbuf *value, const char *data, size_t len)
{
	strbuf_reset(value);
	strbuf_add(value, data, len);
}

static void
set_hex(struct strbuf *value, const void *data, size_t len)
{
	char hex[2 * DIGEST_SIZE + 1];

	hex_format(hex, data, len);
	set(value, hex, 2 * len);
}

static void
change_case(struct strbuf *value, bool upper)
{
	char from = upper ? 'a' : 'A';

	for (size_t i = 0; i < value->len; i++) {
		if (value->data[i] >= from && value->data[i] < from + 26)
			value->data[i] ^= 0x20;
	}
}

static void
reverse(struct strbuf *value)
{
	for (size_t i = 0, k = value->len; i + 1 < k--; i++) {
		char c = value->data[i];

		value->data[i] = value->data[k];
		value->data[k] = c;
	}
}

static void
trim(struct strbuf *value)
{
	size_t begin = 0, end = value->len;

	while (begin < end && strchr(" \t", value->data[begin]) != NULL)
		begin++;
	while (end > begin && strchr(" \t", value->data[end - 1]) != NULL)
		end--;
	strbuf_consume(value, begin);
	value->len = end - begin;
	value->data[value->len] = '\0';
}

/* Keep width bytes (0: all) from offset on; below 0 it counts from the end. */
static void
cut(struct strbuf *value, int offset, unsigned int width)
{
	size_t skip = (size_t)abs(offset);

	if (offset < 0)
		skip = skip < value->len ? value->len - skip : 0;
	if (skip > value->len)
		skip = value->len;
	strbuf_consume(value, skip);
	if (width > 0 && value->len > width) {
		value->len = width;
		value->data[width] = '\0';
	}
}

/*
 * Two hashes that spread users over directories.  Width is their modulus and
 * offset the least number of digits: "%2.256Nu" is 00 to ff.
 */
static uint32_t
old_hash(const struct strbuf *value)
{
	uint32_t hash = 0, high;

	for (size_t i = 0; i < value->len; i++) {
		hash = (hash << 4) + (unsigned char)value->data[i];
		high = hash & 0xf0000000U;
		if (high != 0)
			hash = (hash ^ (high >> 24)) ^ high;
	}
	return hash;
}

static uint32_t
new_hash(const struct strbuf *value)
{
	uint8_t md5[DIGEST_MD5_SIZE];

	digest_md5(value->data, value->len, md5);
	return (uint32_t)md5[4] << 24 | (uint32_t)md5[5] << 16 |
	    (uint32_t)md5[6] << 8 | md5[7];
}

static void
spread(struct strbuf *value, uint32_t hash, struct mail_modifiers *mod)
{
	char text[64];
	int digits = mod->offset < 0 ? 0 : mod->offset;

	if (mod->width > 0)
		hash %= mod->width;
	if (digits > 32)
		digits = 32;
	snprintf(text, sizeof(text), "%0*x", digits, hash);
	set(value, text, strlen(text));
	mod->width = 0;
	mod->offset = 0;
}

static bool
apply_letter(char letter, struct mail_modifiers *mod, struct strbuf *value)
{
	uint8_t md5[DIGEST_MD5_SIZE];
	char text[32];

	switch (letter) {
	case 'L':
	case 'U':
		change_case(value, letter == 'U');
		return true;
	case 'R':
		reverse(value);
		return true;
	case 'T':
		trim(value);
		return true;
	case 'H':
		spread(value, old_hash(value), mod);
		return true;
	case 'N':
		spread(value, new_hash(value), mod);
		return true;
	case 'M':
		digest_md5(value->data, value->len, md5);
		set_hex(value, md5, sizeof(md5));
		return true;
	case 'X':
		snprintf(text, sizeof(text), "%llx",
		    strtoull(value->data, NULL, 10));
		set(value, text, strlen(text));
		return true;
	}
	return false;
}

bool
mail_modifiers_apply(const struct mail_modifiers *mod, struct strbuf *value)
{
	struct mail_modifiers left = *mod;
	char *copy;
	size_t len;

	for (size_t i = 0; i < mod->count; i++) {
		if (!apply_letter(mod->letters[i], &left, value))
			return false;
	}
	if (!left.zeros) {
		cut(value, left.offset, left.width);
		return true;
	}
	len = value->len;
	if (len >= left.width)
		return true;
	copy = mem_strndup(value->data, len);
	strbuf_reset(value);
	for (size_t i = len; i < left.width; i++)
		strbuf_addc(value, '0');
	strbuf_add(value, copy, len);
	free(copy);
	return true;
}

/* "a" or "a, b", each with or without '-'; the count, or -1. */
static int
parse_numbers(const char *args, int n_r[static 2])
{
	unsigned int n;
	bool negative;

	for (int i = 0; i < 2; i++) {
		args += strspn(args, " ");
		negative = *args == '-';
		if (negative)
			args++;
		if (!is_digit(*args))
			return -1;
		args = parse_number(args, &n);
		n_r[i] = negative ? -(int)n : (int)n;
		args += strspn(args, " ");
		if (*args == '\0')
			return i + 1;
		if (*args++ != ',')
			return -1;
	}
	return -1;
}

static bool
filter_case(const char *args, struct strbuf *value, bool *binary)
{
	(void)binary;
	change_case(value, false);
	return args[0] == '\0';
}

static bool
filter_upper(const char *args, struct strbuf *value, bool *binary)
{
	(void)binary;
	change_case(value, true);
	return args[0] == '\0';
}

static bool
filter_reverse(const char *args, struct strbuf *value, bool *binary)
{
	(void)binary;
	reverse(value);
	return args[0] == '\0';
}

static bool
filter_username(const char *args, struct strbuf *value, bool *binary)
{
	const char *at = memchr(value->data, '@', value->len);

	(void)binary;
	if (at != NULL)
		cut(value, 0, (unsigned int)(at - value->data));
	if (at == value->data)
		strbuf_reset(value);
	return args[0] == '\0';
}

static bool
filter_domain(const char *args, struct strbuf *value, bool *binary)
{
	const char *at = memchr(value->data, '@', value->len);

	(void)binary;
	if (at == NULL)
		strbuf_reset(value);
	else
		strbuf_consume(value, (size_t)(at - value->data) + 1);
	return args[0] == '\0';
}

static bool
filter_domain_last(const char *args, struct strbuf *value, bool *binary)
{
	const char *at = memrchr(value->data, '@', value->len);

	(void)binary;
	if (at == NULL)
		strbuf_reset(value);
	else
		strbuf_consume(value, (size_t)(at - value->data) + 1);
	return args[0] == '\0';
}

static bool
filter_substr(const char *args, struct strbuf *value, bool *binary)
{
	int n[2] = { 0, 0 }, count = parse_numbers(args, n);

	(void)binary;
	if (count == -1 || (count == 2 && n[1] < 0))
		return false;
	cut(value, n[0], (unsigned int)n[1]);
	if (count == 2 && n[1] == 0)
		strbuf_reset(value);
	return true;
}

static bool
filter_truncate(const char *args, struct strbuf *value, bool *binary)
{
	int n[2];

	(void)binary;
	if (parse_numbers(args, n) != 1 || n[0] < 0)
		return false;
	cut(value, 0, (unsigned int)n[0]);
	if (n[0] == 0)
		strbuf_reset(value);
	return true;
}

static bool
filter_md5(const char *args, struct strbuf *value, bool *binary)
{
	uint8_t out[DIGEST_MD5_SIZE];

	digest_md5(value->data, value->len, out);
	set(value, (const char *)out, sizeof(out));
	*binary = true;
	return args[0] == '\0';
}

static bool
filter_sha1(const char *args, struct strbuf *value, bool *binary)
{
	uint8_t out[DIGEST_SHA1_SIZE];

	digest_sha1(value->data, value->len, out);
	set(value, (const char *)out, sizeof(out));
	*binary = true;
	return args[0] == '\0';
}

static bool
filter_sha256(const char *args, struct strbuf *value, bool *binary)
{
	uint8_t out[DIGEST_SIZE];

	digest_sha256(value->data, value->len, out);
	set(value, (const char *)out, sizeof(out));
	*binary = true;
	return args[0] == '\0';
}

static bool
filter_hexlify(const char *args, struct strbuf *value, bool *binary)
{
	char *hex = mem_alloc(2 * value->len + 1);
	size_t len = value->len;

	hex_format(hex, value->data, len);
	set(value, hex, 2 * len);
	free(hex);
	*binary = false;
	return args[0] == '\0';
}

/* 'text' in place of an empty value. */
static bool
filter_default(const char *args, struct strbuf *value, bool *binary)
{
	size_t len = strlen(args);

	(void)binary;
	if (len < 2 || (args[0] != '\'' && args[0] != '"') ||
	    args[len - 1] != args[0] || strchr(args, '\\') != NULL)
		return false;
	if (value->len == 0)
		set(value, args + 1, len - 2);
	return true;
}

static const struct {
	const char *name;
	bool (*apply)(const char *args, struct strbuf *value, bool *binary);
} filters[] = {
	{ "lower", filter_case },
	{ "upper", filter_upper },
	{ "reverse", filter_reverse },
	{ "username", filter_username },
	{ "domain", filter_domain },
	{ "domain_first", filter_domain },
	{ "domain_last", filter_domain_last },
	{ "substr", filter_substr },
	{ "truncate", filter_truncate },
	{ "md5", filter_md5 },
	{ "sha1", filter_sha1 },
	{ "sha256", filter_sha256 },
	{ "hexlify", filter_hexlify },
	{ "default", filter_default },
};

int
mail_filter_apply(const char *name, const char *args, struct strbuf *value,
    bool *binary, struct err *err)
{
	for (size_t i = 0; i < nitems(filters); i++) {
		if (strcmp(filters[i].name, name) != 0)
			continue;
		if (!filters[i].apply(args, value, binary))
			return err_set(err, ERR_CONFIG, "the filter %s does "
			    "not take (%.40s) here", name, args);
		return 0;
	}
	return err_set(err, ERR_CONFIG, "the filter %.40s is not known here",
	    name);
}

bool
mail_filter_hash(const char *name, struct strbuf *value)
{
	bool binary = false;

	if (strcmp(name, "md5") == 0)
		(void)filter_md5("", value, &binary);
	else if (strcmp(name, "sha1") == 0)
		(void)filter_sha1("", value, &binary);
	else if (strcmp(name, "sha256") == 0)
		(void)filter_sha256("", value, &binary);
	else
		return false;
	return filter_hexlify("", value, &binary);
}
