/* Records that introduce and change extensions. */
#include "config.h"

#include <string.h>

#include "store/index/index_int.h"

/* As an introduction wants it: never smaller if it says so. */
static int
resize_ext(struct data *data, struct ext *ext, uint32_t header_size,
    uint16_t record_size, bool shrink, struct err *err)
{
	if (header_size > INDEX_HEADERS_MAX)
		return bad_log(err, "an extension's header that is too large");
	if ((header_size > ext->header_size || shrink) &&
	    data_ext_resize_header(data, ext, header_size, err) == -1)
		return -1;
	if ((record_size > ext->record_size || shrink) &&
	    data_ext_resize_record(data, ext, record_size, err) == -1)
		return -1;
	return 0;
}

/* The extension meant by an introduction, new or known. */
static struct ext *
introduced(struct data *data, const struct record *rec, bool *new_r,
    struct err *err)
{
	const char *name = (const char *)rec->body + REC_INTRO_SIZE;
	uint32_t id = get32(rec->body);
	size_t len = get16(rec->body + 18), n;

	*new_r = false;
	if (len > rec->len - REC_INTRO_SIZE) {
		bad_log(err, "an extension name beyond its record");
		return NULL;
	}
	if (id == EXT_ID_NONE) {
		n = data_ext_find(data, name, len);
		if (n == SIZE_MAX) {
			*new_r = true;
			return data_ext_add(data, name, len, err);
		}
	} else if (len == 0 && id < data->exts.n) {
		n = id;
	} else {
		bad_log(err, "an unknown extension");
		return NULL;
	}
	return &data->exts.v[n];
}

int
apply_ext_intro(struct data *data, const struct record *rec, struct err *err)
{
	uint32_t reset_id = get32(rec->body + 4);
	uint32_t header_size = get32(rec->body + 8);
	uint16_t record_size = get16(rec->body + 12);
	uint16_t align = get16(rec->body + 14);
	bool shrink = (get16(rec->body + 16) & INTRO_NO_SHRINK) == 0, new;
	struct ext *ext = introduced(data, rec, &new, err);

	if (ext == NULL)
		return -1;
	if (strcmp(ext->name, EXT_KEYWORDS) == 0)
		return bad_log(err, "an introduction of keywords");
	if ((record_size == 0 && header_size == 0) || (record_size > 0 &&
	    align != 1 && align != 2 && align != 4 && align != 8))
		return bad_log(err, "a wrong introduction");
	if (strcmp(ext->name, EXT_MODSEQ) == 0 && (record_size < 8 ||
	    (!new && ext->record_size < 8)))
		return bad_log(err, "modseqs of wrong size");
	if (new) {
		if (strcmp(ext->name, EXT_MODSEQ) == 0)
			data->modseq_fresh = true;
		ext->reset_id = reset_id;
		ext->record_align = record_size > 0 ? align : 1;
	}
	data->cur_ext = (size_t)(ext - data->exts.v);
	data->cur_record_size = record_size;
	data->cur_ignored = ext->reset_id != reset_id;
	if (data->cur_ignored)
		return 0;
	if (record_size > ext->record_size || shrink)
		ext->record_align = record_size > 0 ? align : 1;
	return resize_ext(data, ext, header_size, record_size, shrink, err);
}

/* NULL with *err: an update of no extension. */
static struct ext *
current(struct data *data, struct err *err)
{
	if (data->cur_ext == SIZE_MAX) {
		bad_log(err, "an update of an unknown extension");
		return NULL;
	}
	return &data->exts.v[data->cur_ext];
}

int
apply_ext_reset(struct data *data, const struct record *rec, struct err *err)
{
	struct ext *ext = current(data, err);

	if (ext == NULL)
		return -1;
	ext->reset_id = get32(rec->body);
	data->cur_ignored = false;
	if (rec->body[4] != 0)
		return 0;
	if (ext->header_size > 0)
		memset(ext->header, 0, ext->header_size);
	if (ext->stride > 0 && data->count > 0)
		memset(ext->records, 0, data->count * ext->stride);
	return 0;
}

/* The first header of the modseqs gives one to all messages there are. */
static void
enable_modseqs(struct data *data)
{
	for (size_t i = 0; i < data->count; i++) {
		uint8_t *p = data_record(data, data->modseq_ext, i);

		if (get64(p) < data->modseq)
			put64(p, data->modseq);
	}
	data->modseq_fresh = false;
}

int
apply_ext_header(struct data *data, const struct record *rec,
    struct err *err)
{
	bool wide = rec->type == REC_EXT_HEADER32;
	struct ext *ext = current(data, err);
	size_t at = 0, head = wide ? 8 : 4;

	if (ext == NULL)
		return -1;
	if (data->cur_ext == data->modseq_ext && data->modseq_fresh)
		enable_modseqs(data);
	while (!data->cur_ignored && at < rec->len) {
		const uint8_t *p = rec->body + at;
		uint64_t offset = wide ? get32(p) : get16(p);
		uint64_t size = wide ? get32(p + 4) : get16(p + 2);

		if (offset + size > ext->header_size)
			return bad_log(err,
			    "an update outside an extension's header");
		if (size > 0)
			memcpy(ext->header + offset, p + head, (size_t)size);
		at = align_to(at + head + (size_t)size, 4);
	}
	return 0;
}

/* Its bytes for the message of this UID, or NULL. */
static uint8_t *
record_of(struct data *data, uint32_t uid)
{
	size_t pos = data_seek(data, uid);

	if (pos == data->count || data->slots[pos].uid != uid)
		return NULL;
	return data_record(data, data->cur_ext, pos);
}

int
apply_ext_record(struct data *data, const struct record *rec,
    struct err *err)
{
	struct ext *ext = current(data, err);
	size_t entry = 4 + align_to(data->cur_record_size, 4), size;

	if (ext == NULL)
		return -1;
	size = data->cur_record_size;
	if (size == 0 || rec->len % entry != 0)
		return bad_log(err, "an extension record of wrong size");
	if (size > ext->record_size)
		size = ext->record_size;
	for (size_t at = 0; !data->cur_ignored && at < rec->len;
	    at += entry) {
		uint8_t *to = record_of(data, get32(rec->body + at));

		if (to != NULL && size > 0)
			memcpy(to, rec->body + at + 4, size);
	}
	return 0;
}

/* Add to a little endian number of size bytes; false: out of its range. */
static bool
increase(uint8_t *p, size_t size, int32_t diff)
{
	uint64_t v = 0, max, new;

	for (size_t i = size; i > 0; i--)
		v = v << 8 | p[i - 1];
	max = size == 8 ? UINT64_MAX : (1ULL << size * 8) - 1;
	if (diff < 0) {
		if (v < (uint64_t)-(int64_t)diff)
			return false;
		new = v - (uint64_t)-(int64_t)diff;
	} else {
		if (max - v < (uint64_t)diff)
			return false;
		new = v + (uint64_t)diff;
	}
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(new >> i * 8);
	return true;
}

int
apply_ext_inc(struct data *data, const struct record *rec, struct err *err)
{
	struct ext *ext = current(data, err);
	size_t size;

	if (ext == NULL)
		return -1;
	size = ext->record_size;
	if (!data->cur_ignored && size != 1 && size != 2 && size != 4 &&
	    size != 8)
		return bad_log(err, "an increase of what is no number");
	for (size_t at = 0; !data->cur_ignored && at < rec->len; at += 8) {
		uint8_t *p = record_of(data, get32(rec->body + at));

		if (p != NULL && !increase(p, size,
		    (int32_t)get32(rec->body + at + 4)))
			return bad_log(err, "an increase out of range");
	}
	return 0;
}
