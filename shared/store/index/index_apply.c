/* The records of a log, applied to what is known. */
#include "config.h"

#include <string.h>

#include "model/flags.h"
#include "store/index/index_int.h"

/* Its modseq is the one behind this record. */
static void
touch(struct data *data, size_t pos)
{
	if (data->modseq_ext != SIZE_MAX)
		put64(data_record(data, data->modseq_ext, pos), data->modseq);
}

static int
apply_append(struct data *data, const struct record *rec, struct err *err)
{
	for (size_t at = 0; at < rec->len; at += 8) {
		uint32_t uid = get32(rec->body + at);
		struct slot *slot;

		if (uid == 0 || uid == UINT32_MAX ||
		    uid < get32(data->header + HDR_NEXT_UID))
			return bad_log(err, "an append with an old UID");
		if ((slot = data_add(data, uid, err)) == NULL)
			return -1;
		slot->flags = rec->body[at + 4];
		put32(data->header + HDR_NEXT_UID, uid + 1);
		touch(data, data->count - 1);
	}
	return 0;
}

static void
expunge(struct data *data, uint32_t uid1, uint32_t uid2)
{
	for (size_t pos = data_seek(data, uid1);
	    pos < data->count && data->slots[pos].uid <= uid2; pos++) {
		data->dead += !data->slots[pos].dead;
		data->slots[pos].dead = true;
	}
}

static void
apply_expunge(struct data *data, const struct record *rec)
{
	if (!rec->external)
		return;
	if (rec->type == REC_EXPUNGE) {
		for (size_t at = 0; at < rec->len; at += 8)
			expunge(data, get32(rec->body + at),
			    get32(rec->body + at + 4));
		return;
	}
	for (size_t at = 0; at < rec->len; at += 20) {
		uint32_t uid = get32(rec->body + at);

		expunge(data, uid, uid);
	}
}

static void
apply_flags(struct data *data, const struct record *rec)
{
	for (size_t at = 0; at < rec->len; at += 12) {
		const uint8_t *p = rec->body + at;
		uint32_t uid2 = get32(p + 4);
		bool counts = ((p[8] | p[9]) & FLAGS_ALL) != 0 || p[10] != 0;

		for (size_t pos = data_seek(data, get32(p));
		    pos < data->count && data->slots[pos].uid <= uid2;
		    pos++) {
			data->slots[pos].flags = (uint8_t)
			    ((data->slots[pos].flags & ~p[9]) | p[8]);
			if (counts)
				touch(data, pos);
		}
	}
}

static int
apply_keyword(struct data *data, const struct record *rec, struct err *err)
{
	size_t name = get16(rec->body + 2), n;
	size_t at = align_to(4 + name, 4);
	bool remove = rec->body[0] == 1;

	n = data_keyword(data, (const char *)rec->body + 4, name, err);
	if (n == SIZE_MAX)
		return -1;
	for (; at < rec->len; at += 8) {
		uint32_t uid2 = get32(rec->body + at + 4);

		for (size_t pos = data_seek(data, get32(rec->body + at));
		    pos < data->count && data->slots[pos].uid <= uid2;
		    pos++) {
			uint8_t *bits = data_record(data, data->keyword_ext,
			    pos);

			if (remove)
				bits[n / 8] &= (uint8_t)~(1U << n % 8);
			else
				bits[n / 8] |= (uint8_t)(1U << n % 8);
			touch(data, pos);
		}
	}
	return 0;
}

static void
apply_keyword_reset(struct data *data, const struct record *rec)
{
	for (size_t at = 0; at < rec->len; at += 8) {
		uint32_t uid2 = get32(rec->body + at + 4);

		for (size_t pos = data_seek(data, get32(rec->body + at));
		    pos < data->count && data->slots[pos].uid <= uid2;
		    pos++) {
			if (data->keyword_ext != SIZE_MAX)
				memset(data_record(data, data->keyword_ext,
				    pos), 0, data->exts.v[data->
				    keyword_ext].stride);
			touch(data, pos);
		}
	}
}

/* end: the offset in the log behind this record. */
static int
apply_header(struct data *data, const struct record *rec, uint64_t end,
    struct err *err)
{
	for (size_t at = 0; at < rec->len; ) {
		size_t offset = get16(rec->body + at);
		size_t size = get16(rec->body + at + 2);
		uint32_t next_uid = get32(data->header + HDR_NEXT_UID), tail;

		if (offset + size > INDEX_HEADER_SIZE)
			return bad_log(err, "an update outside the header");
		memcpy(data->header + offset, rec->body + at + 4, size);
		if (get32(data->header + HDR_NEXT_UID) < next_uid)
			put32(data->header + HDR_NEXT_UID, next_uid);
		tail = get32(data->header + HDR_LOG_TAIL);
		if (offset <= HDR_LOG_TAIL && offset + size > HDR_LOG_TAIL) {
			if (tail > end)
				return bad_log(err, "a tail beyond its end");
			if (tail > data->st.log_tail)
				data->st.log_tail = tail;
		}
		at = align_to(at + 4 + size, 4);
	}
	return 0;
}

static int
apply_modseq(struct data *data, const struct record *rec, struct err *err)
{
	for (size_t at = 0; at < rec->len; at += 12) {
		uint32_t uid = get32(rec->body + at);
		uint64_t value = get64(rec->body + at + 4);
		size_t pos;
		uint8_t *have;

		if (uid == 0)
			continue;
		if (data->modseq_ext == SIZE_MAX)
			return bad_log(err, "modseqs that nobody introduced");
		pos = data_seek(data, uid);
		if (pos == data->count || data->slots[pos].uid != uid)
			continue;
		have = data_record(data, data->modseq_ext, pos);
		if (get64(have) < value)
			put64(have, value);
	}
	return 0;
}

static int
apply_record(struct data *data, const struct record *rec, uint64_t end,
    struct err *err)
{
	switch (rec->type) {
	case REC_APPEND:
		return apply_append(data, rec, err);
	case REC_EXPUNGE:
	case REC_EXPUNGE_GUID:
		apply_expunge(data, rec);
		return 0;
	case REC_FLAGS:
		apply_flags(data, rec);
		return 0;
	case REC_KEYWORD:
		return apply_keyword(data, rec, err);
	case REC_KEYWORD_RESET:
		apply_keyword_reset(data, rec);
		return 0;
	case REC_HEADER:
		return apply_header(data, rec, end, err);
	case REC_MODSEQ:
		return apply_modseq(data, rec, err);
	case REC_EXT_INTRO:
		return apply_ext_intro(data, rec, err);
	case REC_EXT_RESET:
		return apply_ext_reset(data, rec, err);
	case REC_EXT_HEADER:
	case REC_EXT_HEADER32:
		return apply_ext_header(data, rec, err);
	case REC_EXT_RECORD:
		return apply_ext_record(data, rec, err);
	case REC_EXT_INC:
		return apply_ext_inc(data, rec, err);
	case REC_DELETED:
	case REC_UNDELETED:
		data->st.deleted = rec->type == REC_DELETED;
		return 0;
	}
	return 0;
}

/* A request for each range of this record, not done before the tail says. */
static int
remember(struct data *data, const struct record *rec, uint64_t end,
    struct err *err)
{
	size_t at = 0, entry = 8;
	enum index_request kind;

	switch (rec->type) {
	case REC_EXPUNGE:
		kind = INDEX_EXPUNGE;
		break;
	case REC_EXPUNGE_GUID:
		kind = INDEX_EXPUNGE;
		entry = 20;
		break;
	case REC_FLAGS:
		kind = INDEX_FLAGS;
		entry = 12;
		break;
	case REC_KEYWORD:
		kind = INDEX_KEYWORD;
		at = align_to(4U + get16(rec->body + 2), 4);
		break;
	case REC_KEYWORD_RESET:
		kind = INDEX_KEYWORDS_RESET;
		break;
	case REC_APPEND:
		kind = INDEX_APPEND;
		break;
	default:
		return 0;
	}
	for (; at < rec->len; at += entry) {
		uint32_t uid1 = get32(rec->body + at);
		bool one = rec->type == REC_EXPUNGE_GUID ||
		    rec->type == REC_APPEND;

		if (data->pending.n >= INDEX_PENDING_MAX)
			return bad_log(err, "too many pending requests");
		*ARRAY_ADD(&data->pending) = (struct index_pending){
			.kind = kind, .uid1 = uid1,
			.uid2 = one ? uid1 : get32(rec->body + at + 4),
			.seq = data->st.log_seq, .offset = (uint32_t)end,
		};
	}
	return 0;
}

/* Does it only raise HIGHESTMODSEQ? */
static bool
is_raise(const struct record *rec)
{
	size_t at = 0;

	switch (rec->type) {
	case REC_BOUNDARY:
	case REC_EXT_INTRO:
		return true;
	case REC_MODSEQ:
		while (at < rec->len && get32(rec->body + at) == 0)
			at += 12;
		return at >= rec->len;
	}
	return false;
}

/* One record at st.log_offset. */
static int
take_record(struct data *data, const struct record *rec, struct err *err)
{
	uint32_t start = data->st.log_offset;
	uint64_t end = (uint64_t)start + rec->size;
	bool counted = data->st.log_seq == data->head_seq &&
	    start < data->head;

	if (end >= INDEX_LOG_MAX)
		return bad_log(err, "too many bytes");
	if (record_check(rec, err) == -1)
		return -1;
	data->modseq = record_modseq(rec, data->log_minor, data->modseq);
	/* That it is deleted is in no snapshot. */
	if ((!counted || rec->type == REC_DELETED ||
	    rec->type == REC_UNDELETED) &&
	    apply_record(data, rec, end, err) == -1)
		return -1;
	if (!rec->external && end > data->st.log_tail &&
	    remember(data, rec, end, err) == -1)
		return -1;
	/* Nothing is to be done for what was done already. */
	if (rec->external && start == data->st.log_tail)
		data->st.log_tail = (uint32_t)end;
	data->st.log_offset = (uint32_t)end;
	if (data->raised_end == start && is_raise(rec))
		data->raised_end = (uint32_t)end;
	return 0;
}

void
data_log_begin(struct data *data, const struct log_header *header)
{
	data->st.exists = true;
	data->st.log_seq = header->seq;
	data->st.log_offset = data->raised_end = header->size;
	data->log_minor = header->minor;
	if (data->head_seq != header->seq || data->head < header->size)
		data->st.log_tail = header->size;
	else
		data->st.log_tail = get32(data->header + HDR_LOG_TAIL);
	if (data->st.log_tail < header->size)
		data->st.log_tail = header->size;
	data->modseq = header->modseq;
	/* Dovecot's own first log has no predecessor. */
	data->made_exact = header->prev_seq + 1 == header->seq &&
	    header->prev_seq == EXACT_PREV_SEQ &&
	    header->prev_offset == INDEX_LOG_HEADER &&
	    header->size == INDEX_LOG_HEADER &&
	    data->head_seq == header->seq && data->head == header->size;
	put32(data->header + HDR_INDEXID, header->indexid);
	data->cur_ext = SIZE_MAX;
}

int
data_log_feed(struct data *data, const uint8_t *buf, size_t len,
    uint64_t avail, size_t *used_r, size_t *need_r, struct err *err)
{
	size_t used = 0, need = 0;
	struct record rec;
	int r;

	while ((r = record_decode(&rec, buf + used, len - used, avail - used,
	    &need, err)) == 1) {
		/* A transaction counts when all of it is there. */
		if (rec.type == REC_BOUNDARY && rec.len >= 4) {
			uint32_t size = get32(rec.body);

			if (size < rec.size)
				return bad_log(err, "a boundary of wrong size");
			if (size > avail - used) {
				r = 0;
				break;
			}
		}
		if (take_record(data, &rec, err) == -1)
			return -1;
		used += rec.size;
	}
	if (r == -1)
		return -1;
	*used_r = used;
	*need_r = r == 2 ? need : 0;
	return 0;
}
