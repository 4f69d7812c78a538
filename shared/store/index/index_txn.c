/*
 * Transactions are made as the bytes that will be written.  A record's size is
 * put right with each entry, so that the bytes are complete at any time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "store/index/index_int.h"

#define TXN_MAX		(256U << 20)	/* bytes of one transaction */
#define RECORD_FULL	(1U << 20)	/* bytes; then a new one begins */

struct index_txn *
index_txn_begin(struct index *index)
{
	struct index_txn *txn = mem_alloc(sizeof(*txn));

	*txn = (struct index_txn){ .index = index,
	    .next_uid = index->data.st.next_uid };
	strbuf_init(&txn->buf, TXN_MAX);
	if (!index->locked && index->data.st.log_seq != 0)
		txn_wrong(txn, "the index is not locked");
	return txn;
}

void
index_txn_abort(struct index_txn **txnp)
{
	struct index_txn *txn = *txnp;

	if (txn == NULL)
		return;
	*txnp = NULL;
	strbuf_deinit(&txn->buf);
	free(txn->keyword);
	free(txn->ext);
	free(txn);
}

bool
index_txn_is_empty(const struct index_txn *txn)
{
	return txn->records == 0;
}

void
txn_wrong(struct index_txn *txn, const char *what)
{
	if (txn->wrong == NULL)
		txn->wrong = what;
}

void
txn_record(struct index_txn *txn, uint32_t type, bool join)
{
	uint8_t head[REC_HEADER_SIZE];

	if (!txn->internal)
		type |= REC_EXTERNAL;
	if (join && txn->last_type == type &&
	    txn->buf.len - txn->last < RECORD_FULL)
		return;
	txn->last = txn->buf.len;
	txn->last_type = type;
	txn->last_uid = 0;
	txn->records++;
	record_size_put(head, REC_HEADER_SIZE);
	put32(head + 4, type);
	strbuf_add(&txn->buf, head, sizeof(head));
}

void
txn_add(struct index_txn *txn, const void *data, size_t len)
{
	static const uint8_t zero[4];

	strbuf_add(&txn->buf, data, len);
	strbuf_add(&txn->buf, zero, align_to(len, 4) - len);
	if (txn->buf.failed)
		return;
	record_size_put((uint8_t *)txn->buf.data + txn->last,
	    (uint32_t)(txn->buf.len - txn->last));
}

void
index_txn_internal(struct index_txn *txn, bool internal)
{
	txn->internal = internal;
}

void
index_txn_append(struct index_txn *txn, uint32_t uid, uint8_t flags)
{
	uint8_t entry[8] = { 0 };

	if (uid < txn->next_uid || uid == UINT32_MAX) {
		txn_wrong(txn, "an append needs a UID above all others");
		return;
	}
	txn->next_uid = uid + 1;
	txn_record(txn, REC_APPEND, true);
	put32(entry, uid);
	entry[4] = flags;
	txn_add(txn, entry, sizeof(entry));
}

void
index_txn_expunge(struct index_txn *txn, uint32_t uid,
    const struct guid128 *guid)
{
	uint8_t entry[20] = { 0 };

	txn_record(txn, REC_EXPUNGE_GUID | REC_EXPUNGE_BITS, true);
	put32(entry, uid);
	if (guid != NULL)
		memcpy(entry + 4, guid->b, GUID_SIZE);
	txn_add(txn, entry, sizeof(entry));
}

/* Ranges of one record rise. */
static bool
range_ok(struct index_txn *txn, uint32_t uid1, uint32_t uid2)
{
	if (uid1 > 0 && uid1 <= uid2)
		return true;
	txn_wrong(txn, "a range of UIDs is wrong");
	return false;
}

void
index_txn_flags(struct index_txn *txn, uint32_t uid1, uint32_t uid2,
    uint8_t add, uint8_t remove)
{
	uint8_t entry[12] = { 0 };

	if (!range_ok(txn, uid1, uid2))
		return;
	txn_record(txn, REC_FLAGS, uid1 > txn->last_uid);
	put32(entry, uid1);
	put32(entry + 4, uid2);
	entry[8] = add;
	entry[9] = remove;
	txn_add(txn, entry, sizeof(entry));
	txn->last_uid = uid2;
}

void
index_txn_keyword(struct index_txn *txn, const char *name, bool set,
    uint32_t uid1, uint32_t uid2)
{
	size_t len = strlen(name);
	uint8_t entry[8], head[4];
	bool join;

	if (!range_ok(txn, uid1, uid2))
		return;
	if (len == 0 || len > UINT16_MAX) {
		txn_wrong(txn, "a keyword has no proper name");
		return;
	}
	join = txn->keyword != NULL && txn->keyword_set == set &&
	    strcasecmp(txn->keyword, name) == 0 && uid1 > txn->last_uid;
	txn_record(txn, REC_KEYWORD, join);
	if (txn->buf.len - txn->last == REC_HEADER_SIZE) {
		head[0] = set ? 0 : 1;
		head[1] = 0;
		put16(head + 2, (uint16_t)len);
		strbuf_add(&txn->buf, head, sizeof(head));
		txn_add(txn, name, len);
		free(txn->keyword);
		txn->keyword = mem_strdup(name);
		txn->keyword_set = set;
	}
	put32(entry, uid1);
	put32(entry + 4, uid2);
	txn_add(txn, entry, sizeof(entry));
	txn->last_uid = uid2;
}

void
index_txn_keywords_reset(struct index_txn *txn, uint32_t uid1, uint32_t uid2)
{
	uint8_t entry[8];

	if (!range_ok(txn, uid1, uid2))
		return;
	txn_record(txn, REC_KEYWORD_RESET, uid1 > txn->last_uid);
	put32(entry, uid1);
	put32(entry + 4, uid2);
	txn_add(txn, entry, sizeof(entry));
	txn->last_uid = uid2;
}

void
index_txn_header(struct index_txn *txn, uint16_t offset, const void *data,
    uint16_t size)
{
	uint8_t head[4];

	if (offset + size > (int)INDEX_HEADER_SIZE) {
		txn_wrong(txn, "an update outside the header");
		return;
	}
	txn_record(txn, REC_HEADER, true);
	put16(head, offset);
	put16(head + 2, size);
	strbuf_add(&txn->buf, head, sizeof(head));
	txn_add(txn, data, size);
}

static void
header32(struct index_txn *txn, uint16_t offset, uint32_t value)
{
	uint8_t bytes[4];

	put32(bytes, value);
	index_txn_header(txn, offset, bytes, sizeof(bytes));
}

void
index_txn_uidvalidity(struct index_txn *txn, uint32_t uidvalidity)
{
	header32(txn, HDR_UIDVALIDITY, uidvalidity);
}

void
index_txn_next_uid(struct index_txn *txn, uint32_t next_uid)
{
	header32(txn, HDR_NEXT_UID, next_uid);
	if (next_uid > txn->next_uid)
		txn->next_uid = next_uid;
}

void
index_txn_first_recent(struct index_txn *txn, uint32_t uid)
{
	header32(txn, HDR_FIRST_RECENT, uid);
}

void
index_txn_deleted(struct index_txn *txn, bool deleted)
{
	static const uint8_t zero[4];

	txn_record(txn, deleted ? REC_DELETED : REC_UNDELETED, false);
	txn_add(txn, zero, sizeof(zero));
}

void
index_txn_tail(struct index_txn *txn)
{
	txn->tail = true;
}

void
index_txn_remake(struct index_txn *txn)
{
	txn->remake = true;
}

void
index_txn_restart(struct index_txn *txn)
{
	txn->restart = true;
	txn->next_uid = 1;
	txn->initial_modseq = txn->index->data.st.highestmodseq;
}

void
index_txn_replace(struct index_txn *txn)
{
	txn->replace = true;
	txn->next_uid = 1;
	txn->initial_modseq = txn->index->data.st.highestmodseq;
	if (!txn->index->locked)
		txn_wrong(txn, "the index is not locked");
}

void
index_txn_create_as(struct index_txn *txn, uint32_t indexid,
    uint64_t highestmodseq)
{
	txn->indexid = indexid;
	txn->initial_modseq = highestmodseq;
}
