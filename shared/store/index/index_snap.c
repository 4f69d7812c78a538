/* The snapshot: its headers at once, its records in pieces. */
#include "config.h"

#include <string.h>

#include "store/index/index_int.h"

#define EXT_HEADER_SIZE	16U	/* bytes before the name */
#define RECORD_MIN	8U	/* UID, flags, to a multiple of 4 */

static int
bad_snap(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "the index has %s", what);
}

uint32_t
snap_header_size(const uint8_t *buf, size_t len, struct err *err)
{
	uint32_t base, size;

	if (len < INDEX_HEADER_SIZE) {
		bad_snap(err, "no complete header");
		return 0;
	}
	if (buf[0] != SNAP_MAJOR) {
		err_set(err, ERR_CORRUPT,
		    "the index has version %u, known is %u", buf[0],
		    SNAP_MAJOR);
		return 0;
	}
	base = get16(buf + 2);
	size = get32(buf + 4);
	if (buf[12] != 1) {
		bad_snap(err, "another byte order");
		return 0;
	}
	if (base < INDEX_HEADER_SIZE || size < base ||
	    size > INDEX_HEADERS_MAX) {
		bad_snap(err, "headers of wrong size");
		return 0;
	}
	return size;
}

/* Names in the header of the extension "keywords". */
static int
parse_keywords(struct data *data, const uint8_t *p, size_t len,
    struct err *err)
{
	size_t count, names;

	if (len == 0)
		return 0;
	if (len < 4)
		return bad_snap(err, "a wrong list of keywords");
	count = get32(p);
	if (count > INDEX_KEYWORDS_MAX || 4 + count * 8 > len)
		return bad_snap(err, "a wrong list of keywords");
	names = 4 + count * 8;
	for (size_t i = 0; i < count; i++) {
		size_t at = get32(p + 4 + i * 8 + 4), n;
		const uint8_t *end;

		if (at >= len - names)
			return bad_snap(err, "a keyword outside its list");
		at += names;
		if ((end = memchr(p + at, '\0', len - at)) == NULL)
			return bad_snap(err, "a keyword without end");
		n = data_keyword(data, (const char *)p + at,
		    (size_t)(end - p) - at, err);
		if (n == SIZE_MAX)
			return -1;
		if (n != i)
			return bad_snap(err, "a keyword twice");
	}
	return 0;
}

/* What an extension says of the records. */
struct ext_head {
	uint32_t header_size, reset_id;
	uint16_t offset, size, align, name_size;
};

static int
check_field(const struct ext_head *head, uint32_t record_size,
    struct err *err)
{
	if (head->size == 0)
		return 0;
	if (head->align != 1 && head->align != 2 && head->align != 4 &&
	    head->align != 8)
		return bad_snap(err, "an extension of wrong alignment");
	if (head->offset < 5 || head->offset > record_size ||
	    head->size > record_size - head->offset)
		return bad_snap(err, "an extension outside its records");
	return 0;
}

static int
take_ext(struct snap *snap, struct data *data, const struct ext_head *head,
    const uint8_t *name, const uint8_t *body, struct err *err)
{
	struct snap_field field = { data->exts.n, head->offset, head->size };
	struct ext *ext;

	if (data_ext_find(data, (const char *)name, head->name_size) !=
	    SIZE_MAX)
		return bad_snap(err, "an extension twice");
	ext = data_ext_add(data, (const char *)name, head->name_size, err);
	if (ext == NULL || check_field(head, snap->record_size, err) == -1)
		return -1;
	ext->reset_id = head->reset_id;
	if (strcmp(ext->name, EXT_KEYWORDS) == 0) {
		snap->keywords = field;
		return parse_keywords(data, body, head->header_size, err);
	}
	if (strcmp(ext->name, EXT_MODSEQ) == 0 && head->size < 8)
		return bad_snap(err, "modseqs of wrong size");
	ext->record_align = head->size > 0 ? head->align : 1;
	if (data_ext_resize_header(data, ext, head->header_size, err) == -1 ||
	    data_ext_resize_record(data, ext, head->size, err) == -1)
		return -1;
	if (head->header_size > 0)
		memcpy(ext->header, body, head->header_size);
	if (head->size > 0)
		*ARRAY_ADD(&snap->fields) = field;
	return 0;
}

static int
parse_exts(struct snap *snap, struct data *data, const uint8_t *buf,
    size_t at, size_t len, struct err *err)
{
	while (at < len) {
		struct ext_head head;
		size_t name, body;

		if (len - at < EXT_HEADER_SIZE)
			return bad_snap(err, "extensions of wrong size");
		head = (struct ext_head){
			.header_size = get32(buf + at),
			.reset_id = get32(buf + at + 4),
			.offset = get16(buf + at + 8),
			.size = get16(buf + at + 10),
			.align = get16(buf + at + 12),
			.name_size = get16(buf + at + 14),
		};
		name = at + EXT_HEADER_SIZE;
		body = align_to(name + head.name_size, 8);
		if (body > len || head.header_size > len - body)
			return bad_snap(err, "extensions of wrong size");
		if (take_ext(snap, data, &head, buf + name, buf + body,
		    err) == -1)
			return -1;
		at = align_to(body + head.header_size, 8);
	}
	return 0;
}

int
snap_headers_parse(struct snap *snap, struct data *data, const uint8_t *buf,
    size_t len, uint64_t size, struct err *err)
{
	*snap = (struct snap){
		.header_size = get32(buf + 4), .record_size = get32(buf + 8),
		.count = get32(buf + HDR_COUNT),
	};
	memcpy(data->header, buf, INDEX_HEADER_SIZE);
	if (get32(buf + HDR_INDEXID) == 0)
		return err_set(err, ERR_CORRUPT,
		    "the index was marked as damaged");
	if (snap->record_size < RECORD_MIN || snap->record_size % 4 != 0 ||
	    snap->record_size > UINT16_MAX)
		return bad_snap(err, "records of wrong size");
	if ((uint64_t)snap->count * snap->record_size > size - len)
		return bad_snap(err, "fewer records than it says");
	if (get32(buf + HDR_NEXT_UID) == 0 ||
	    get32(buf + HDR_LOG_TAIL) > get32(buf + HDR_LOG_HEAD))
		return bad_snap(err, "a wrong header");
	data->st.exists = true;
	data->head = get32(buf + HDR_LOG_HEAD);
	data->head_seq = get32(buf + HDR_LOG_SEQ);
	return parse_exts(snap, data, buf, align_to(get16(buf + 2), 8), len,
	    err);
}

static void
take_keywords(const struct snap *snap, struct data *data, size_t pos,
    const uint8_t *p)
{
	size_t stride = data->exts.v[data->keyword_ext].stride;
	size_t size = snap->keywords.size, n = data->keywords.n;
	uint8_t *to = data_record(data, data->keyword_ext, pos);

	if (size > (n + 7) / 8)
		size = (n + 7) / 8;
	if (size > stride)
		size = stride;
	if (size == 0)
		return;
	memcpy(to, p + snap->keywords.offset, size);
	/* Bits without a name mean nothing. */
	if (size * 8 > n)
		to[size - 1] &= (uint8_t)((1U << (n % 8)) - 1);
}

int
snap_records_parse(const struct snap *snap, struct data *data,
    const uint8_t *buf, size_t n, struct err *err)
{
	uint32_t next_uid = get32(data->header + HDR_NEXT_UID);
	uint32_t last = data->count > 0 ?
	    data->slots[data->count - 1].uid : 0;

	for (; n > 0; n--, buf += snap->record_size) {
		uint32_t uid = get32(buf);
		struct slot *slot;

		if (uid <= last || uid >= next_uid)
			return bad_snap(err, "UIDs out of order");
		if ((slot = data_add(data, uid, err)) == NULL)
			return -1;
		slot->flags = buf[4];
		last = uid;
		for (size_t i = 0; i < snap->fields.n; i++) {
			const struct snap_field *f = &snap->fields.v[i];

			memcpy(data_record(data, f->ext, data->count - 1),
			    buf + f->offset, f->size);
		}
		if (snap->keywords.size > 0)
			take_keywords(snap, data, data->count - 1, buf);
	}
	return 0;
}

void
snap_deinit(struct snap *snap)
{
	ARRAY_FREE(&snap->fields);
}
