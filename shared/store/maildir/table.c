/*
 * Open addressing, filled to 5/6 at most and grown by half, so that a large
 * table is not mostly air.  The slot is the high part of hash * size, which
 * needs no power of two.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "store/maildir/table.h"

#define TABLE_FIRST	64U
#define HASH_BITS	(~0x7fU)	/* of bits: all but ENTRY_* */

struct odd_name {
	char *name;
	uint32_t letters;
};

struct table {
	struct table_entry *slots;
	size_t cap, n;
	uint64_t key[2];
	ARRAY(struct odd_name) odd;
};

static uint64_t
rotl(uint64_t x, unsigned int b)
{
	return (x << b) | (x >> (64 - b));
}

static void
sip_rounds(uint64_t v[4], unsigned int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

/* SipHash-1-3 with 128 bits of output, of which 64 + 25 are used. */
static void
hash_base(const struct table *table, const char *base, size_t len,
    uint64_t *hash_r, uint32_t *bits_r)
{
	uint64_t v[4] = {
		table->key[0] ^ 0x736f6d6570736575ULL,
		table->key[1] ^ 0x646f72616e646f6dULL ^ 0xee,
		table->key[0] ^ 0x6c7967656e657261ULL,
		table->key[1] ^ 0x7465646279746573ULL,
	};
	uint64_t word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, base + i, 8);
		v[3] ^= word;
		sip_rounds(v, 1);
		v[0] ^= word;
	}
	word = (uint64_t)len << 56;
	for (size_t k = 0; i + k < len; k++)
		word |= (uint64_t)(uint8_t)base[i + k] << (8 * k);
	v[3] ^= word;
	sip_rounds(v, 1);
	v[0] ^= word;
	v[2] ^= 0xee;
	sip_rounds(v, 3);
	*hash_r = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	sip_rounds(v, 3);
	/* One bit is always set, so that a slot in use is not all zero. */
	*bits_r = ((uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]) & HASH_BITS) | 0x80U;
}

struct table *
table_new(void)
{
	struct table *table = mem_alloc(sizeof(*table));

	random_bytes(table->key, sizeof(table->key));
	table->cap = TABLE_FIRST;
	table->slots = mem_calloc(table->cap, sizeof(*table->slots));
	return table;
}

static void
odd_free(struct table *table)
{
	for (size_t i = 0; i < table->odd.n; i++)
		free(table->odd.v[i].name);
	ARRAY_FREE(&table->odd);
}

void
table_free(struct table **tablep)
{
	struct table *table = *tablep;

	if (table == NULL)
		return;
	odd_free(table);
	free(table->slots);
	free(table);
	*tablep = NULL;
}

static size_t
slot_of(const struct table *table, uint64_t hash)
{
	return (size_t)(((unsigned __int128)hash * table->cap) >> 64);
}

/* The slot of this hash, or the free one where it belongs. */
static struct table_entry *
probe(struct table *table, uint64_t hash, uint32_t bits)
{
	size_t i = slot_of(table, hash);
	struct table_entry *entry;

	for (;; i = i + 1 == table->cap ? 0 : i + 1) {
		entry = &table->slots[i];
		if (entry->bits == 0 || (entry->hash == hash &&
		    (entry->bits & HASH_BITS) == bits))
			return entry;
	}
}

static void
resize(struct table *table, size_t cap)
{
	struct table_entry *old = table->slots;
	size_t old_cap = table->cap;

	table->slots = mem_calloc(cap, sizeof(*table->slots));
	table->cap = cap;
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].bits != 0)
			*probe(table, old[i].hash, old[i].bits & HASH_BITS) =
			    old[i];
	}
	free(old);
}

void
table_reserve(struct table *table, size_t n)
{
	size_t cap = n + n / 4 + 1;

	if (cap > table->cap)
		resize(table, cap);
}

struct table_entry *
table_find(struct table *table, const char *base, size_t len)
{
	struct table_entry *entry;
	uint64_t hash;
	uint32_t bits;

	hash_base(table, base, len, &hash, &bits);
	entry = probe(table, hash, bits);
	return entry->bits == 0 ? NULL : entry;
}

struct table_entry *
table_add(struct table *table, const char *base, size_t len)
{
	struct table_entry *entry;
	uint64_t hash;
	uint32_t bits;

	if (table->n >= table->cap / 6 * 5)
		resize(table, table->cap + table->cap / 2);
	hash_base(table, base, len, &hash, &bits);
	entry = probe(table, hash, bits);
	if (entry->bits == 0) {
		*entry = (struct table_entry){ .hash = hash, .bits = bits };
		table->n++;
	}
	return entry;
}

void
table_set_file(struct table *table, struct table_entry *entry,
    unsigned int where, const char *name, const struct file_name *parsed)
{
	bool was_odd = (entry->bits & ENTRY_ODD) != 0;
	struct odd_name *odd;

	entry->bits &= ~(ENTRY_FILE | ENTRY_INFO | ENTRY_ODD);
	entry->bits |= where | (parsed->has_info ? ENTRY_INFO : 0) |
	    (parsed->odd ? ENTRY_ODD : 0);
	if (!parsed->odd) {
		/* A name kept beside from before stays unused. */
		entry->letters = parsed->letters;
		return;
	}
	if (was_odd) {
		odd = &table->odd.v[entry->letters];
	} else {
		odd = ARRAY_ADD(&table->odd);
		entry->letters = (uint32_t)(table->odd.n - 1);
	}
	free(odd->name);
	odd->name = mem_strdup(name);
	odd->letters = parsed->letters;
}

uint32_t
table_entry_letters(const struct table *table,
    const struct table_entry *entry)
{
	return entry->bits & ENTRY_ODD ?
	    table->odd.v[entry->letters].letters : entry->letters;
}

bool
table_file_name(const struct table *table, const struct table_entry *entry,
    const char *base, size_t len, char out[static FILE_NAME_MAX + 1])
{
	const char *name;

	if ((entry->bits & ENTRY_FILE) == 0)
		return false;
	if ((entry->bits & ENTRY_ODD) == 0)
		return file_name_format(out, base, len,
		    (entry->bits & ENTRY_INFO) != 0, entry->letters);
	name = table->odd.v[entry->letters].name;
	memcpy(out, name, strlen(name) + 1);
	return true;
}

void
table_clear(struct table *table, uint32_t bits)
{
	for (size_t i = 0; i < table->cap; i++)
		table->slots[i].bits &= ~bits;
}

void
table_next_pass(struct table *table)
{
	uint32_t *bits;

	for (size_t i = 0; i < table->cap; i++) {
		bits = &table->slots[i].bits;
		if (*bits & ENTRY_FILE) {
			*bits &= ~ENTRY_WAS;
			*bits |= (*bits & ENTRY_FILE) * ENTRY_WAS_NEW;
			*bits &= ~ENTRY_FILE;
		}
	}
}

void
table_merge_passes(struct table *table)
{
	uint32_t *bits;

	for (size_t i = 0; i < table->cap; i++) {
		bits = &table->slots[i].bits;
		if ((*bits & ENTRY_FILE) == 0)
			*bits |= (*bits & ENTRY_WAS) / ENTRY_WAS_NEW;
		*bits &= ~ENTRY_WAS;
	}
}

size_t
table_count(const struct table *table, uint32_t mask, uint32_t value)
{
	size_t n = 0;

	for (size_t i = 0; i < table->cap; i++) {
		if (table->slots[i].bits != 0 &&
		    (table->slots[i].bits & mask) == value)
			n++;
	}
	return n;
}

uint32_t
table_letters(const struct table *table)
{
	uint32_t letters = 0;

	for (size_t i = 0; i < table->cap; i++) {
		if (table->slots[i].bits & ENTRY_FILE)
			letters |= table_entry_letters(table,
			    &table->slots[i]);
	}
	return letters;
}
