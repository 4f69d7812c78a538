/* Records of a log: where they end, and whether their bodies make sense. */
#include "config.h"

#include <string.h>

#include "model/flags.h"
#include "store/index/index_int.h"

#define LOG_HEADER_MIN	24U	/* bytes; of old files */
#define FLAG_ENTRY	12U	/* bytes of a flag-update's entry */

int
bad_log(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "the index log has %s", what);
}

int
log_header_parse(struct log_header *header, const uint8_t *buf, size_t len,
    struct err *err)
{
	uint8_t full[INDEX_LOG_HEADER] = { 0 };
	size_t size;

	if (len < LOG_HEADER_MIN)
		return bad_log(err, "no complete header");
	size = get16(buf + 2);
	if (buf[0] != LOG_MAJOR)
		return err_set(err, ERR_CORRUPT,
		    "the index log has version %u, known is %u", buf[0],
		    LOG_MAJOR);
	if (size < LOG_HEADER_MIN || size > len)
		return bad_log(err, "a header of wrong size");
	memcpy(full, buf, size < sizeof(full) ? size : sizeof(full));
	if (buf[1] >= 2 && full[32] != 1)
		return bad_log(err, "another byte order");
	*header = (struct log_header){
		.minor = buf[1], .size = (uint16_t)size,
		.indexid = get32(full + 4), .seq = get32(full + 8),
		.prev_seq = get32(full + 12), .prev_offset = get32(full + 16),
		.modseq = get64(full + 24),
	};
	if (size % 4 != 0)
		return bad_log(err, "a header of wrong size");
	if (header->indexid == 0)
		return err_set(err, ERR_CORRUPT,
		    "the index was marked as damaged");
	return 0;
}

void
record_size_put(uint8_t *p, uint32_t size)
{
	size /= 4;
	for (int i = 3; i >= 0; i--) {
		p[i] = (uint8_t)(0x80 | (size & 0x7f));
		size >>= 7;
	}
}

/* 0: a byte of it is not written yet. */
static uint32_t
record_size_get(const uint8_t *p)
{
	uint32_t size = 0;

	for (int i = 0; i < 4; i++) {
		if ((p[i] & 0x80) == 0)
			return 0;
		size = size << 7 | (p[i] & 0x7f);
	}
	return size * 4;
}

int
record_decode(struct record *record, const uint8_t *buf, size_t len,
    uint64_t avail, size_t *need_r, struct err *err)
{
	uint32_t type, size;

	*need_r = REC_HEADER_SIZE;
	if (len < REC_HEADER_SIZE)
		return avail < REC_HEADER_SIZE ? 0 : 2;
	/* All zero is what the file system shows of bytes to come. */
	if (get32(buf) == 0 || (size = record_size_get(buf)) == 0)
		return 0;
	if (size <= REC_HEADER_SIZE)
		return bad_log(err, "a record without content");
	if (size > INDEX_RECORD_MAX)
		return bad_log(err, "a record that is too large");
	if (size > avail)
		return 0;
	*need_r = size;
	if (size > len)
		return 2;
	type = get32(buf + 4);
	*record = (struct record){
		.type = type & REC_TYPE_MASK,
		.external = (type & REC_EXTERNAL) != 0,
		.size = size, .body = buf + REC_HEADER_SIZE,
		.len = size - REC_HEADER_SIZE,
	};
	if ((record->type & REC_EXPUNGE_BITS) == REC_EXPUNGE_BITS)
		record->type &= ~REC_EXPUNGE_BITS;
	else if (record->type == REC_EXPUNGE ||
	    record->type == REC_EXPUNGE_GUID)
		return bad_log(err, "an expunge without its mark");
	return 1;
}

/* Entries of so many bytes that begin with uid1, uid2, rising. */
static int
check_ranges(const uint8_t *p, size_t len, size_t entry, struct err *err)
{
	uint32_t last = 0;

	if (len % entry != 0)
		return bad_log(err, "a record of wrong size");
	for (; len > 0; p += entry, len -= entry) {
		uint32_t uid1 = get32(p), uid2 = get32(p + 4);

		if (uid1 <= last || uid1 > uid2)
			return bad_log(err, "a wrong range of UIDs");
		last = uid2;
	}
	return 0;
}

static int
check_fixed(const struct record *rec, size_t entry, struct err *err)
{
	return rec->len % entry == 0 ? 0 :
	    bad_log(err, "a record of wrong size");
}

static int
check_keyword(const struct record *rec, struct err *err)
{
	size_t name, start;

	if (rec->len < 4)
		return bad_log(err, "a keyword record of wrong size");
	name = get16(rec->body + 2);
	start = align_to(4 + name, 4);
	if (name == 0 || rec->body[0] > 1 || start >= rec->len)
		return bad_log(err, "a wrong keyword record");
	return check_ranges(rec->body + start, rec->len - start, 8, err);
}

/* Entries of offset, size, data; wide: each of 32 bits. */
static int
check_patches(const struct record *rec, bool wide, struct err *err)
{
	size_t head = wide ? 8 : 4, at = 0;

	while (at < rec->len) {
		uint64_t size;

		if (rec->len - at < head)
			return bad_log(err, "a header update of wrong size");
		size = wide ? get32(rec->body + at + 4) :
		    get16(rec->body + at + 2);
		if (size > rec->len - at - head)
			return bad_log(err, "a header update of wrong size");
		at = align_to(at + head + (size_t)size, 4);
	}
	return 0;
}

int
record_check(const struct record *rec, struct err *err)
{
	switch (rec->type) {
	case REC_EXPUNGE:
	case REC_KEYWORD_RESET:
		return check_ranges(rec->body, rec->len, 8, err);
	case REC_FLAGS:
		return check_ranges(rec->body, rec->len, FLAG_ENTRY, err);
	case REC_APPEND:
	case REC_EXT_INC:
		return check_fixed(rec, 8, err);
	case REC_HEADER:
	case REC_EXT_HEADER:
		return check_patches(rec, false, err);
	case REC_EXT_HEADER32:
		return check_patches(rec, true, err);
	case REC_EXT_INTRO:
		return rec->len >= REC_INTRO_SIZE ? 0 :
		    bad_log(err, "an introduction of wrong size");
	case REC_EXT_RESET:
		return rec->len >= 8 ? 0 :
		    bad_log(err, "a reset of wrong size");
	case REC_KEYWORD:
		return check_keyword(rec, err);
	case REC_EXPUNGE_GUID:
		return check_fixed(rec, 20, err);
	case REC_MODSEQ:
		return check_fixed(rec, 12, err);
	case REC_BOUNDARY:
		return rec->len >= 4 ? 0 :
		    bad_log(err, "a boundary of wrong size");
	case REC_EXT_RECORD:
	case REC_DELETED:
	case REC_UNDELETED:
	case REC_ATTRIBUTE:
		return 0;
	}
	return err_set(err, ERR_CORRUPT,
	    "the index log has a record of unknown type 0x%x", rec->type);
}

static bool
flags_count(const struct record *rec)
{
	for (size_t at = 0; at + FLAG_ENTRY <= rec->len; at += FLAG_ENTRY) {
		const uint8_t *p = rec->body + at;

		if (((p[8] | p[9]) & FLAGS_ALL) != 0 || p[10] != 0)
			return true;
	}
	return false;
}

/* ModSeqs were not counted in old logs before the extension appeared. */
static uint64_t
modseq_introduced(const struct record *rec)
{
	size_t len = strlen(EXT_MODSEQ);

	return get16(rec->body + 18) == len &&
	    rec->len >= REC_INTRO_SIZE + len &&
	    memcmp(rec->body + REC_INTRO_SIZE, EXT_MODSEQ, len) == 0;
}

uint64_t
record_modseq(const struct record *rec, uint8_t minor, uint64_t modseq)
{
	bool one = false;

	if (modseq == 0)
		return rec->type == REC_EXT_INTRO ? modseq_introduced(rec) : 0;
	switch (rec->type) {
	case REC_EXPUNGE:
	case REC_EXPUNGE_GUID:
		one = rec->external;
		break;
	case REC_APPEND:
	case REC_KEYWORD:
	case REC_KEYWORD_RESET:
	case REC_ATTRIBUTE:
		one = true;
		break;
	case REC_FLAGS:
		one = minor < 3 || flags_count(rec);
		break;
	case REC_MODSEQ:
		for (size_t at = 0; at + 12 <= rec->len; at += 12) {
			uint64_t value = get64(rec->body + at + 4);

			if (value > modseq)
				modseq = value;
		}
		break;
	}
	return modseq + one;
}
