#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/guid.h"
#include "store/maildir/file_name.h"

static const char capitals[] = "DFPRST";
#define CAPITALS 6U

static const struct {
	uint32_t letter;
	flags_t flag;
} flag_letters[] = {
	{ LETTER_DRAFT, FLAG_DRAFT },
	{ LETTER_FLAGGED, FLAG_FLAGGED },
	{ LETTER_ANSWERED, FLAG_ANSWERED },
	{ LETTER_SEEN, FLAG_SEEN },
	{ LETTER_DELETED, FLAG_DELETED },
};
#define FLAG_LETTERS (sizeof(flag_letters) / sizeof(flag_letters[0]))

/* The bit of a letter; 0 if it is none we know. */
static uint32_t
letter_bit(char c)
{
	const char *p;

	if (c >= 'a' && c <= 'z')
		return 1U << (c - 'a');
	if (c != '\0' && (p = strchr(capitals, c)) != NULL)
		return LETTER_DRAFT << (p - capitals);
	return 0;
}

static size_t
letters_write(char *out, uint32_t letters)
{
	size_t len = 0;

	for (unsigned int i = 0; i < CAPITALS; i++) {
		if (letters & (LETTER_DRAFT << i))
			out[len++] = capitals[i];
	}
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		if (letters & (1U << i))
			out[len++] = (char)('a' + i);
	}
	return len;
}

bool
file_name_parse(struct file_name *out, const char *name)
{
	char plain[FILE_KEYWORDS + CAPITALS + 1];
	const char *info = strchr(name, ':'), *p;
	uint32_t bit;
	size_t len;

	*out = (struct file_name){ .base_len = info == NULL ? strlen(name) :
	    (size_t)(info - name) };
	if (name[0] == '.' || out->base_len == 0 ||
	    strpbrk(name, "\r\n") != NULL)
		return false;
	if (info == NULL)
		return true;
	if (strncmp(info, ":2,", 3) != 0) {
		out->odd = true;
		return true;
	}
	out->has_info = true;
	for (p = info + 3; *p != '\0' && *p != ','; p++) {
		if ((bit = letter_bit(*p)) == 0)
			out->odd = true;
		out->letters |= bit;
	}
	len = letters_write(plain, out->letters);
	if (strlen(info + 3) != len || memcmp(info + 3, plain, len) != 0)
		out->odd = true;
	return true;
}

/* ",X=<decimal>" that ends at the next ',' or the end. */
static bool
size_field(const char *p, const char *end, uint64_t *out)
{
	uint64_t n = 0;

	if (p == end)
		return false;
	for (; p < end && *p != ','; p++) {
		if (*p < '0' || *p > '9' || n > UINT64_MAX / 10 - 1)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	*out = n;
	return true;
}

void
file_name_sizes(struct file_sizes *out, const char *base, size_t len)
{
	const char *end = base + len;

	*out = (struct file_sizes){ .has_size = false };
	for (const char *p = base; p + 3 < end; p++) {
		if (p[0] != ',' || p[2] != '=')
			continue;
		if (p[1] == 'S' && !out->has_size)
			out->has_size = size_field(p + 3, end, &out->size);
		if (p[1] == 'W' && !out->has_vsize)
			out->has_vsize = size_field(p + 3, end, &out->vsize);
	}
}

bool
file_name_format(char out[static FILE_NAME_MAX + 1], const char *base,
    size_t base_len, bool info, uint32_t letters)
{
	char text[FILE_KEYWORDS + CAPITALS + 1];
	size_t len = letters_write(text, letters);

	if (base_len + (info ? 3 + len : 0) > FILE_NAME_MAX)
		return false;
	memcpy(out, base, base_len);
	if (info) {
		memcpy(out + base_len, ":2,", 3);
		memcpy(out + base_len + 3, text, len);
		base_len += 3 + len;
	}
	out[base_len] = '\0';
	return true;
}

static int
char_cmp(const void *a, const void *b)
{
	return (int)*(const unsigned char *)a - (int)*(const unsigned char *)b;
}

bool
file_name_change(char out[static FILE_NAME_MAX + 1], const char *old_name,
    uint32_t letters)
{
	char text[FILE_NAME_MAX + FILE_KEYWORDS + CAPITALS + 1];
	struct file_name old;
	const char *p;
	size_t len, tail;

	if (strlen(old_name) > FILE_NAME_MAX ||
	    !file_name_parse(&old, old_name))
		return false;
	if (!old.odd || !old.has_info)
		return file_name_format(out, old_name, old.base_len, true,
		    letters);
	len = letters_write(text, letters);
	for (p = old_name + old.base_len + 3; *p != '\0' && *p != ','; p++) {
		if (letter_bit(*p) == 0)
			text[len++] = *p;
	}
	qsort(text, len, 1, char_cmp);
	tail = strlen(p);
	if (old.base_len + 3 + len + tail > FILE_NAME_MAX)
		return false;
	memcpy(out, old_name, old.base_len + 3);
	memcpy(out + old.base_len + 3, text, len);
	memcpy(out + old.base_len + 3 + len, p, tail + 1);
	return true;
}

flags_t
file_letters_flags(uint32_t letters)
{
	flags_t flags = 0;

	for (size_t i = 0; i < FLAG_LETTERS; i++) {
		if (letters & flag_letters[i].letter)
			flags |= flag_letters[i].flag;
	}
	return flags;
}

uint32_t
file_flags_letters(flags_t flags)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < FLAG_LETTERS; i++) {
		if (flags & flag_letters[i].flag)
			letters |= flag_letters[i].letter;
	}
	return letters;
}

/* Digits as a number; too large a one counts as the largest. */
static const char *
number(const char *p, uint64_t *out)
{
	*out = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (*out > UINT64_MAX / 10 - 1)
			*out = UINT64_MAX / 10 - 1;
		*out = *out * 10 + (uint64_t)(*p - '0');
	}
	return p;
}

static void
base_numbers(const char *base, uint64_t *secs, uint64_t *usecs)
{
	const char *p = number(base, secs);

	*usecs = 0;
	if (p[0] == '.' && p[1] == 'M')
		number(p + 2, usecs);
}

int
file_base_cmp(const char *a, const char *b)
{
	uint64_t a_secs, a_usecs, b_secs, b_usecs;

	base_numbers(a, &a_secs, &a_usecs);
	base_numbers(b, &b_secs, &b_usecs);
	if (a_secs != b_secs)
		return a_secs < b_secs ? -1 : 1;
	if (a_usecs != b_usecs)
		return a_usecs < b_usecs ? -1 : 1;
	return strcmp(a, b);
}

bool
file_base_usable(const char *guid, uint64_t size, uint64_t vsize)
{
	struct file_sizes sizes;
	const char *p = guid;
	size_t len = strlen(guid);

	if (len > FILE_BASE_MAX || !guid_text_valid(guid, len) ||
	    strpbrk(guid, ":/") != NULL)
		return false;
	while (*p >= '0' && *p <= '9')
		p++;
	if (p == guid || p[0] != '.' || p[1] == '\0')
		return false;
	file_name_sizes(&sizes, guid, len);
	return (!sizes.has_size || sizes.size == size) &&
	    (!sizes.has_vsize || sizes.vsize == vsize);
}
