/*
 * Records can't give a message a modseq below their own.  So for an index that
 * nobody knows yet, what they say is put into a snapshot, with the modseqs as
 * they are wanted, and the log is empty.  That it has a predecessor, which
 * never was, makes a reader take the snapshot.
 */
#include "config.h"

#include <stdlib.h>

#include "store/index/index_int.h"

struct exact {
	uint32_t uid;
	uint64_t modseq;
};
ARRAY_TYPE(exacts, struct exact);

static uint64_t
modseq_at(const struct data *data, size_t pos)
{
	return data->modseq_ext == SIZE_MAX ? 0 :
	    get64(data_record(data, data->modseq_ext, pos));
}

/* What the transaction says, but never below what is there already. */
static void
collect(const struct index_txn *txn, const struct data *data,
    struct exacts *out, bool *expunges)
{
	const uint8_t *p = (const uint8_t *)txn->buf.data;
	struct err ignored = ERR_INIT;
	size_t at = 0, need, pos;
	struct record rec;

	for (; record_decode(&rec, p + at, txn->buf.len - at,
	    txn->buf.len - at, &need, &ignored) == 1; at += rec.size) {
		*expunges = *expunges || rec.type == REC_EXPUNGE_GUID;
		for (size_t i = 0; rec.type == REC_MODSEQ && i < rec.len;
		    i += 12) {
			uint32_t uid = get32(rec.body + i);
			uint64_t modseq = get64(rec.body + i + 4);

			if (uid == 0)
				continue;
			pos = data_seek(data, uid);
			if (pos < data->count && data->slots[pos].uid == uid &&
			    modseq_at(data, pos) > modseq)
				modseq = modseq_at(data, pos);
			*ARRAY_ADD(out) = (struct exact){ uid, modseq };
		}
	}
}

/* The modseqs, and M, which is the highest of them. */
static void
set_exact(const struct index_txn *txn, struct data *data,
    const struct exacts *exacts, uint64_t at_least)
{
	for (size_t i = 0; i < exacts->n; i++) {
		size_t pos = data_seek(data, exacts->v[i].uid);

		if (pos < data->count &&
		    data->slots[pos].uid == exacts->v[i].uid)
			put64(data_record(data, data->modseq_ext, pos),
			    exacts->v[i].modseq);
	}
	data->modseq = at_least > 0 ? at_least : 1;
	if (txn->highest > data->modseq)
		data->modseq = txn->highest;
	for (size_t pos = 0; pos < data->count; pos++) {
		if (!data->slots[pos].dead &&
		    modseq_at(data, pos) > data->modseq)
			data->modseq = modseq_at(data, pos);
	}
	for (size_t pos = 0; data->modseq_ext != SIZE_MAX &&
	    pos < data->count; pos++) {
		if (modseq_at(data, pos) == 0)
			put64(data_record(data, data->modseq_ext, pos),
			    data->modseq);
	}
}

int
index_make_exact(const struct index_txn *txn, struct data *data,
    struct log_header *log, struct strbuf *snap, struct err *err)
{
	struct exacts exacts = { 0 };
	bool expunges = false;
	uint64_t before = data->count > 0 || data->made_exact ?
	    data->modseq : txn->initial_modseq;
	size_t used, need;

	collect(txn, data, &exacts, &expunges);
	if (data_log_feed(data, (const uint8_t *)txn->buf.data, txn->buf.len,
	    txn->buf.len, &used, &need, err) == -1) {
		ARRAY_FREE(&exacts);
		return -1;
	}
	set_exact(txn, data, &exacts, before + expunges);
	ARRAY_FREE(&exacts);
	log->prev_seq = EXACT_PREV_SEQ;
	log->prev_offset = INDEX_LOG_HEADER;
	log->modseq = data->modseq;
	put32(data->header + HDR_INDEXID, log->indexid);
	put32(data->header + HDR_LOG_TAIL, log->size);
	data->st.log_seq = log->seq;
	data->st.log_offset = data->st.log_tail = log->size;
	data->raised_end = log->size;
	data_finish(data);
	snap_format(snap, data);
	if (snap->failed)
		return err_set(err, ERR_REFUSED, "the index is too large");
	return 0;
}
