/*
 * Messages are an array by UID; each extension has a column of its own beside
 * it, so that one that grows moves nothing else.  A message expunged while
 * a log is read is only marked, and all marked ones go at the end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/flags.h"
#include "store/index/index_int.h"
#include "store/store.h"

#define SLOTS_FIRST	64U

void
data_init(struct data *data)
{
	*data = (struct data){
		.modseq_ext = SIZE_MAX, .keyword_ext = SIZE_MAX,
		.cur_ext = SIZE_MAX, .modseq = 1, .log_minor = LOG_MINOR,
	};
	data->header[0] = SNAP_MAJOR;
	data->header[1] = SNAP_MINOR;
	put16(data->header + 2, INDEX_HEADER_SIZE);
	data->header[12] = 1;
	put32(data->header + HDR_NEXT_UID, 1);
	put32(data->header + HDR_FIRST_RECENT, 1);
	put32(data->header + HDR_LOG2_TIME, UINT32_MAX);
	data_finish(data);
}

void
data_deinit(struct data *data)
{
	for (size_t i = 0; i < data->exts.n; i++) {
		free(data->exts.v[i].name);
		free(data->exts.v[i].header);
		free(data->exts.v[i].records);
	}
	for (size_t i = 0; i < data->keywords.n; i++)
		free(data->keywords.v[i]);
	ARRAY_FREE(&data->exts);
	ARRAY_FREE(&data->keywords);
	ARRAY_FREE(&data->pending);
	free(data->slots);
	data->slots = NULL;
	data->count = data->cap = 0;
}

/* Would cap messages of this width (and extra bytes) be too much? */
static int
check_memory(const struct data *data, size_t cap, size_t extra,
    struct err *err)
{
	size_t width = sizeof(struct slot) + extra;

	for (size_t i = 0; i < data->exts.n; i++)
		width += data->exts.v[i].stride;
	if (cap > STORE_MESSAGES_MAX * 2U || cap > INDEX_MEMORY_MAX / width)
		return err_set(err, ERR_CORRUPT,
		    "the index would need too much memory");
	return 0;
}

static void *
resize(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size > 0 ? size : 1);

	if (p == NULL)
		mem_fatal("out of memory");
	return p;
}

static int
data_grow(struct data *data, struct err *err)
{
	size_t cap = data->cap == 0 ? SLOTS_FIRST : data->cap * 2;

	if (check_memory(data, cap, 0, err) == -1)
		return -1;
	data->slots = resize(data->slots, cap, sizeof(struct slot));
	for (size_t i = 0; i < data->exts.n; i++) {
		struct ext *ext = &data->exts.v[i];

		if (ext->stride > 0)
			ext->records = resize(ext->records, cap, ext->stride);
	}
	data->cap = cap;
	return 0;
}

struct slot *
data_add(struct data *data, uint32_t uid, struct err *err)
{
	struct slot *slot;

	if (data->count == data->cap && data_grow(data, err) == -1)
		return NULL;
	for (size_t i = 0; i < data->exts.n; i++) {
		if (data->exts.v[i].stride > 0)
			memset(data_record(data, i, data->count), 0,
			    data->exts.v[i].stride);
	}
	slot = &data->slots[data->count++];
	*slot = (struct slot){ .uid = uid };
	return slot;
}

size_t
data_seek(const struct data *data, uint32_t uid)
{
	size_t low = 0, high = data->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (data->slots[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
data_ext_find(const struct data *data, const char *name, size_t len)
{
	for (size_t i = 0; i < data->exts.n; i++) {
		if (strlen(data->exts.v[i].name) == len &&
		    memcmp(data->exts.v[i].name, name, len) == 0)
			return i;
	}
	return SIZE_MAX;
}

struct ext *
data_ext_add(struct data *data, const char *name, size_t len,
    struct err *err)
{
	struct ext *ext;

	if (data->exts.n >= INDEX_EXTS_MAX) {
		err_set(err, ERR_CORRUPT, "the index has too many extensions");
		return NULL;
	}
	if (len == 0 || len > INDEX_EXT_NAME_MAX ||
	    memchr(name, '\0', len) != NULL) {
		err_set(err, ERR_CORRUPT, "an extension has a bad name");
		return NULL;
	}
	ext = ARRAY_ADD(&data->exts);
	*ext = (struct ext){ .name = mem_strndup(name, len),
	    .record_align = 1 };
	if (strcmp(ext->name, EXT_MODSEQ) == 0)
		data->modseq_ext = data->exts.n - 1;
	if (strcmp(ext->name, EXT_KEYWORDS) == 0)
		data->keyword_ext = data->exts.n - 1;
	return ext;
}

int
data_ext_resize_header(struct data *data, struct ext *ext, uint32_t size,
    struct err *err)
{
	uint32_t cap = size;

	if (size > ext->header_cap) {
		/* Some are made longer by each of many changes. */
		if (ext->header_cap > 0 && size < ext->header_cap * 2ULL &&
		    ext->header_cap < INDEX_HEADERS_MAX)
			cap = ext->header_cap * 2;
		if (data->headers_bytes + (cap - ext->header_cap) >
		    2 * INDEX_HEADERS_MAX)
			return err_set(err, ERR_CORRUPT,
			    "the headers of the index are too large");
		data->headers_bytes += cap - ext->header_cap;
		ext->header = resize(ext->header, cap, 1);
		ext->header_cap = cap;
	}
	if (size > ext->header_size)
		memset(ext->header + ext->header_size, 0,
		    size - ext->header_size);
	ext->header_size = size;
	return 0;
}

int
data_ext_resize_record(struct data *data, struct ext *ext, uint16_t size,
    struct err *err)
{
	size_t old = ext->stride, stride = size;
	uint8_t *records;

	if (size <= old) {
		/* What is hidden now must be zero if it is shown again. */
		for (size_t i = 0; size < ext->record_size && i < data->count;
		    i++)
			memset(ext->records + i * old + size, 0,
			    (size_t)(ext->record_size - size));
		ext->record_size = size;
		return 0;
	}
	if (check_memory(data, data->cap > 0 ? data->cap : SLOTS_FIRST,
	    stride - old, err) == -1)
		return -1;
	records = mem_calloc(data->cap > 0 ? data->cap : 1, stride);
	for (size_t i = 0; old > 0 && i < data->count; i++)
		memcpy(records + i * stride, ext->records + i * old, old);
	free(ext->records);
	ext->records = records;
	ext->stride = stride;
	ext->record_size = size;
	return 0;
}

size_t
data_keyword_find(const struct data *data, const char *name, size_t len)
{
	for (size_t i = 0; i < data->keywords.n; i++) {
		const char *have = data->keywords.v[i];
		size_t at = 0;

		while (at < len && have[at] != '\0') {
			unsigned char a = (unsigned char)have[at];
			unsigned char b = (unsigned char)name[at];

			if (a >= 'A' && a <= 'Z')
				a = (unsigned char)(a | 0x20);
			if (b >= 'A' && b <= 'Z')
				b = (unsigned char)(b | 0x20);
			if (a != b)
				break;
			at++;
		}
		if (at == len && have[at] == '\0')
			return i;
	}
	return SIZE_MAX;
}

size_t
data_keyword(struct data *data, const char *name, size_t len,
    struct err *err)
{
	size_t n = data_keyword_find(data, name, len), bytes;
	struct ext *ext;

	if (n != SIZE_MAX)
		return n;
	if (len == 0 || memchr(name, '\0', len) != NULL ||
	    data->keywords.n >= INDEX_KEYWORDS_MAX) {
		err_set(err, ERR_CORRUPT,
		    "the index has a bad keyword or too many");
		return SIZE_MAX;
	}
	if (data->keyword_ext == SIZE_MAX && data_ext_add(data, EXT_KEYWORDS,
	    strlen(EXT_KEYWORDS), err) == NULL)
		return SIZE_MAX;
	ext = &data->exts.v[data->keyword_ext];
	for (bytes = ext->stride > 0 ? ext->stride : 1;
	    bytes * 8 <= data->keywords.n; )
		bytes *= 2;
	if (bytes > ext->stride && data_ext_resize_record(data, ext,
	    (uint16_t)bytes, err) == -1)
		return SIZE_MAX;
	*ARRAY_ADD(&data->keywords) = mem_strndup(name, len);
	return data->keywords.n - 1;
}

/* Drop the dead slots from the array and all columns. */
static void
data_compact(struct data *data)
{
	size_t to = 0;

	for (size_t from = 0; from < data->count; from++) {
		if (data->slots[from].dead)
			continue;
		if (from != to) {
			data->slots[to] = data->slots[from];
			for (size_t i = 0; i < data->exts.n; i++) {
				size_t stride = data->exts.v[i].stride;

				if (stride > 0)
					memcpy(data_record(data, i, to),
					    data_record(data, i, from),
					    stride);
			}
		}
		to++;
	}
	data->count = to;
	data->dead = 0;
}

/* Forget the requests that the tail has passed, mark the others' messages. */
static void
data_pending(struct data *data)
{
	size_t to = 0;

	if (data->pending.n == 0)
		return;
	for (size_t i = 0; i < data->count; i++)
		data->slots[i].pending = 0;
	for (size_t i = 0; i < data->pending.n; i++) {
		struct index_pending p = data->pending.v[i];

		if (p.seq != data->st.log_seq ||
		    p.offset <= data->st.log_tail)
			continue;
		data->pending.v[to++] = p;
		for (size_t pos = data_seek(data, p.uid1);
		    pos < data->count && data->slots[pos].uid <= p.uid2;
		    pos++)
			data->slots[pos].pending |= (uint8_t)(1U << p.kind);
	}
	data->pending.n = to;
}

void
data_finish(struct data *data)
{
	const uint8_t *header = data->header;
	struct index_state *st = &data->st;

	if (data->dead > 0)
		data_compact(data);
	data_pending(data);
	st->indexid = get32(header + HDR_INDEXID);
	st->uidvalidity = get32(header + HDR_UIDVALIDITY);
	st->next_uid = get32(header + HDR_NEXT_UID);
	st->first_recent = get32(header + HDR_FIRST_RECENT);
	st->flags = get32(header + HDR_FLAGS);
	st->pristine = data->made_exact &&
	    st->log_offset == data->raised_end;
	st->has_modseqs = data->modseq_ext != SIZE_MAX;
	st->highestmodseq = data->modseq > 0 ? data->modseq : 1;
	st->count = data->count;
	st->keyword_count = data->keywords.n;
	st->ext_count = data->exts.n;
	st->pending_count = data->pending.n;
}
