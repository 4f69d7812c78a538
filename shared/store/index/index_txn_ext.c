/* Records about extensions: each group begins with its introduction. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/index/index_int.h"

static const struct index_ext_want modseq_ext = {
	.name = EXT_MODSEQ, .header_size = 16, .record_size = 8,
	.record_align = 8,
};

static void
add_intro(struct index_txn *txn, const struct index_ext_want *want)
{
	const struct data *data = &txn->index->data;
	size_t len = strlen(want->name), n;
	uint8_t body[REC_INTRO_SIZE];
	uint16_t align = want->record_align;

	n = data_ext_find(data, want->name, len);
	if (len == 0 || len > INDEX_EXT_NAME_MAX ||
	    strcmp(want->name, EXT_KEYWORDS) == 0 ||
	    (want->header_size == 0 && want->record_size == 0)) {
		txn_wrong(txn, "an extension is wrong");
		return;
	}
	if (n != SIZE_MAX && data->exts.v[n].record_size > 0 &&
	    data->exts.v[n].record_size >= want->record_size)
		align = data->exts.v[n].record_align;
	put32(body, EXT_ID_NONE);
	put32(body + 4, n == SIZE_MAX ? 0 : data->exts.v[n].reset_id);
	put32(body + 8, want->header_size);
	put16(body + 12, want->record_size);
	put16(body + 14, want->record_size > 0 && align == 0 ? 1 : align);
	put16(body + 16, INTRO_NO_SHRINK);
	put16(body + 18, (uint16_t)len);
	txn_record(txn, REC_EXT_INTRO, false);
	strbuf_add(&txn->buf, body, sizeof(body));
	txn_add(txn, want->name, len);
	free(txn->ext);
	txn->ext = mem_strdup(want->name);
}

void
txn_ext_intro(struct index_txn *txn, const struct index_ext_want *want)
{
	if (txn->ext == NULL || strcmp(txn->ext, want->name) != 0)
		add_intro(txn, want);
}

void
index_txn_ext(struct index_txn *txn, const struct index_ext_want *ext)
{
	txn_ext_intro(txn, ext);
}

void
index_txn_ext_header(struct index_txn *txn, const struct index_ext_want *ext,
    uint32_t offset, const void *data, uint32_t size)
{
	bool wide = offset > UINT16_MAX || size > UINT16_MAX;
	uint8_t head[8];

	if (offset > ext->header_size || size > ext->header_size - offset) {
		txn_wrong(txn, "an update outside an extension's header");
		return;
	}
	txn_ext_intro(txn, ext);
	if (wide) {
		put32(head, offset);
		put32(head + 4, size);
		txn_record(txn, REC_EXT_HEADER32, false);
		strbuf_add(&txn->buf, head, 8);
	} else {
		put16(head, (uint16_t)offset);
		put16(head + 2, (uint16_t)size);
		txn_record(txn, REC_EXT_HEADER, false);
		strbuf_add(&txn->buf, head, 4);
	}
	txn_add(txn, data, size);
}

void
index_txn_ext_record(struct index_txn *txn, const struct index_ext_want *ext,
    uint32_t uid, const void *data)
{
	uint8_t head[4];

	if (ext->record_size == 0) {
		txn_wrong(txn, "an extension has no records");
		return;
	}
	txn_ext_intro(txn, ext);
	txn_record(txn, REC_EXT_RECORD, true);
	put32(head, uid);
	strbuf_add(&txn->buf, head, sizeof(head));
	txn_add(txn, data, ext->record_size);
}

void
index_txn_ext_increase(struct index_txn *txn,
    const struct index_ext_want *ext, uint32_t uid, int32_t diff)
{
	uint8_t entry[8];

	txn_ext_intro(txn, ext);
	txn_record(txn, REC_EXT_INC, true);
	put32(entry, uid);
	put32(entry + 4, (uint32_t)diff);
	txn_add(txn, entry, sizeof(entry));
}

/* What the highest modseq is behind the records made so far. */
static uint64_t
running_modseq(const struct index_txn *txn)
{
	const uint8_t *p = (const uint8_t *)txn->buf.data;
	uint64_t modseq = txn->index->data.modseq;
	size_t at = 0, need;
	struct record rec;
	struct err ignored = ERR_INIT;

	while (record_decode(&rec, p + at, txn->buf.len - at,
	    txn->buf.len - at, &need, &ignored) == 1) {
		modseq = record_modseq(&rec, txn->index->data.log_minor,
		    modseq);
		at += rec.size;
	}
	return modseq;
}

void
index_txn_modseq(struct index_txn *txn, uint32_t uid, uint64_t modseq)
{
	uint8_t entry[12], header[16] = { 0 };

	if (!txn->modseqs) {
		txn->modseqs = true;
		if (txn->replace || (txn->index->data.st.exists &&
		    !txn->restart &&
		    txn->index->data.modseq_ext == SIZE_MAX)) {
			/* All messages get this one, as when Dovecot does. */
			put64(header, running_modseq(txn));
			index_txn_ext_header(txn, &modseq_ext, 0, header,
			    sizeof(header));
		} else {
			txn_ext_intro(txn, &modseq_ext);
		}
	}
	if (modseq > txn->highest)
		txn->highest = modseq;
	txn->of_messages |= uid != 0;
	txn_record(txn, REC_MODSEQ, true);
	put32(entry, uid);
	put64(entry + 4, modseq);
	txn_add(txn, entry, sizeof(entry));
}
