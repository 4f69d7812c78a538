/* A snapshot of what is known. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/flags.h"
#include "store/index/index_int.h"

#define KEYWORDS_SPARE	128U	/* bytes left for more names */

struct layout {
	uint16_t offset[INDEX_EXTS_MAX], size[INDEX_EXTS_MAX];
	uint32_t record_size;
};

static uint16_t
ext_size(const struct data *data, size_t n)
{
	if (n == data->keyword_ext)
		return (uint16_t)((data->keywords.n + 7) / 8);
	return data->exts.v[n].record_size;
}

/*
 * Fields are put where they are aligned, the widest that fits first, so that
 * little is lost between them.
 */
static void
make_layout(const struct data *data, struct layout *layout)
{
	bool placed[INDEX_EXTS_MAX] = { false };
	size_t left = 0, offset = 5, widest = 4;

	memset(layout, 0, sizeof(*layout));
	for (size_t i = 0; i < data->exts.n; i++) {
		layout->size[i] = ext_size(data, i);
		left += layout->size[i] > 0;
	}
	while (left > 0) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < data->exts.n; i++) {
			uint16_t align = data->exts.v[i].record_align;

			if (placed[i] || layout->size[i] == 0 ||
			    offset % align != 0)
				continue;
			if (best == SIZE_MAX ||
			    align > data->exts.v[best].record_align)
				best = i;
		}
		if (best == SIZE_MAX) {
			offset++;
			continue;
		}
		layout->offset[best] = (uint16_t)offset;
		offset += layout->size[best];
		if (data->exts.v[best].record_align > widest)
			widest = data->exts.v[best].record_align;
		placed[best] = true;
		left--;
	}
	layout->record_size = (uint32_t)align_to(offset, widest);
}

static void
pad(struct strbuf *out, size_t to)
{
	static const uint8_t zero[8];

	strbuf_add(out, zero, align_to(out->len, to) - out->len);
}

static void
add_keywords(const struct data *data, struct strbuf *out)
{
	static const uint8_t spare[KEYWORDS_SPARE];
	uint8_t bytes[8] = { 0 };
	size_t at = 0;

	put32(bytes, (uint32_t)data->keywords.n);
	strbuf_add(out, bytes, 4);
	put32(bytes, 0);
	for (size_t i = 0; i < data->keywords.n; i++) {
		put32(bytes + 4, (uint32_t)at);
		strbuf_add(out, bytes, 8);
		at += strlen(data->keywords.v[i]) + 1;
	}
	for (size_t i = 0; i < data->keywords.n; i++)
		strbuf_add(out, data->keywords.v[i],
		    strlen(data->keywords.v[i]) + 1);
	strbuf_add(out, spare, sizeof(spare));
}

static void
add_ext(const struct data *data, const struct layout *layout, size_t n,
    struct strbuf *out)
{
	const struct ext *ext = &data->exts.v[n];
	uint8_t head[16], modseq[16];
	struct strbuf header;

	strbuf_init(&header, INDEX_HEADERS_MAX);
	if (n == data->keyword_ext)
		add_keywords(data, &header);
	else if (ext->header_size > 0)
		strbuf_add(&header, ext->header, ext->header_size);
	if (n == data->modseq_ext && header.len >= sizeof(modseq)) {
		put64(modseq, data->st.highestmodseq);
		put32(modseq + 8, data->st.log_seq);
		put32(modseq + 12, data->st.log_offset);
		memcpy(header.data, modseq, sizeof(modseq));
	}
	put32(head, (uint32_t)header.len);
	put32(head + 4, ext->reset_id);
	put16(head + 8, layout->offset[n]);
	put16(head + 10, layout->size[n]);
	put16(head + 12, ext->record_align);
	put16(head + 14, (uint16_t)strlen(ext->name));
	strbuf_add(out, head, sizeof(head));
	strbuf_adds(out, ext->name);
	pad(out, 8);
	strbuf_add(out, header.data, header.len);
	pad(out, 8);
	strbuf_deinit(&header);
}

/* Counts and the lowest UIDs, which no log record keeps. */
static void
fill_header(const struct data *data, uint8_t *header)
{
	uint32_t seen = 0, deleted = 0, next = data->st.next_uid;
	uint32_t unseen_uid = next, deleted_uid = next;

	for (size_t i = data->count; i > 0; i--) {
		const struct slot *slot = &data->slots[i - 1];

		if (slot->flags & FLAG_SEEN)
			seen++;
		else
			unseen_uid = slot->uid;
		if (slot->flags & FLAG_DELETED) {
			deleted++;
			deleted_uid = slot->uid;
		}
	}
	header[0] = SNAP_MAJOR;
	header[1] = SNAP_MINOR;
	put16(header + 2, INDEX_HEADER_SIZE);
	put32(header + HDR_COUNT, (uint32_t)data->count);
	put32(header + HDR_SEEN, seen);
	put32(header + HDR_DELETED, deleted);
	put32(header + HDR_FIRST_UNSEEN, unseen_uid);
	put32(header + HDR_FIRST_DELETED, deleted_uid);
	put32(header + HDR_LOG_SEQ, data->st.log_seq);
	put32(header + HDR_LOG_TAIL, data->st.log_tail);
	put32(header + HDR_LOG_HEAD, data->st.log_offset);
	if (get32(header + HDR_FIRST_RECENT) == 0)
		put32(header + HDR_FIRST_RECENT, 1);
	if (get32(header + HDR_FIRST_RECENT) > next)
		put32(header + HDR_FIRST_RECENT, next);
}

void
snap_format(struct strbuf *out, struct data *data)
{
	uint8_t header[INDEX_HEADER_SIZE], *record;
	struct layout layout;

	make_layout(data, &layout);
	memcpy(header, data->header, sizeof(header));
	fill_header(data, header);
	put32(header + 8, layout.record_size);
	strbuf_add(out, header, sizeof(header));
	for (size_t i = 0; i < data->exts.n; i++)
		add_ext(data, &layout, i, out);
	if (out->failed)
		return;
	put32((uint8_t *)out->data + 4, (uint32_t)out->len);
	record = mem_alloc(layout.record_size);
	for (size_t pos = 0; pos < data->count; pos++) {
		memset(record, 0, layout.record_size);
		put32(record, data->slots[pos].uid);
		record[4] = data->slots[pos].flags;
		for (size_t i = 0; i < data->exts.n; i++) {
			if (layout.size[i] > 0)
				memcpy(record + layout.offset[i],
				    data_record(data, i, pos),
				    layout.size[i]);
		}
		strbuf_add(out, record, layout.record_size);
	}
	free(record);
}
