/*
 * The generated types into messages.  This is where bytes of a stranger become
 * values that the rest of the program trusts, so each field passes one of the
 * functions of take.h; none is copied by a plain assignment unless any value
 * of its type will do.
 */
#include "config.h"

#include <string.h>

#include "base/array.h"
#include "dsync.pb-c.h"
#include "wire/codec.h"
#include "wire/take.h"

static int
take_nothing(struct taker *in, const void *from, struct msg *msg)
{
	(void)in;
	(void)from;
	(void)msg;
	return 0;
}

static int
take_hello(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_hello *m = &msg->u.hello;
	const Dsync__Hello *pb = from;
	uint32_t role = 0, alt = '_';

	if (take_number(in, pb->version_min, &m->version_min,
	    "version") == -1 ||
	    take_u32(in, pb->version_max, m->version_min, UINT32_MAX,
	    &m->version_max, "version") == -1 ||
	    take_text(in, pb->software, SOFTWARE_MAX, &m->software) == -1 ||
	    take_guid(in, pb->run, &m->run, "run") == -1 ||
	    take_guid0(in, pb->peer, &m->peer, "peer") == -1 ||
	    take_text(in, pb->label, LABEL_MAX, &m->label) == -1 ||
	    take_guid0(in, pb->scope, &m->scope, "scope") == -1 ||
	    take_positions(in, pb->n_positions, pb->positions, &m->positions,
	    &m->position_count) == -1 ||
	    take_u32(in, (uint32_t)pb->role, 0, ROLE_DESTINATION, &role,
	    "role") == -1 ||
	    take_names(in, pb->n_names, pb->names, &m->names,
	    &m->name_count) == -1 ||
	    take_names(in, pb->n_masks, pb->masks, &m->masks,
	    &m->mask_count) == -1)
		return -1;
	if (pb->alt_char != 0 && take_u32(in, pb->alt_char, 0x21, 0x7e, &alt,
	    "character for names") == -1)
		return -1;
	m->features = pb->features;
	m->required = pb->required;
	m->clock_ms = pb->clock;
	m->begin = pb->begin;
	m->role = (enum run_role)role;
	m->full = pb->full;
	m->dry_run = pb->dry_run;
	m->alt_char = (char)alt;
	return 0;
}

static int
take_welcome(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_welcome *m = &msg->u.welcome;
	const Dsync__Welcome *pb = from;
	uint32_t access = 0;

	if (take_number(in, pb->version, &m->version, "version") == -1 ||
	    take_text(in, pb->software, SOFTWARE_MAX, &m->software) == -1 ||
	    take_guid(in, pb->store, &m->store, "store id") == -1 ||
	    take_u32(in, (uint32_t)pb->access, 0, ACCESS_READ_WRITE, &access,
	    "access") == -1 ||
	    take_positions(in, pb->n_positions, pb->positions, &m->positions,
	    &m->position_count) == -1 ||
	    take_guid0(in, pb->last_peer, &m->last_peer, "peer") == -1 ||
	    take_u64(in, pb->last_peer_messages, COUNT_MAX,
	    &m->last_peer_messages, "number of messages") == -1)
		return -1;
	m->features = pb->features;
	m->clock_ms = pb->clock;
	m->caps = pb->caps;
	m->access = (enum peer_access)access;
	return 0;
}

static int
take_begin(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Begin *pb = from;

	if (take_guid(in, pb->peer, &msg->u.begin.peer, "peer") == -1)
		return -1;
	return take_guid0(in, pb->base_run, &msg->u.begin.base, "base");
}

static int
take_view(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_view *m = &msg->u.view;
	const Dsync__View *pb = from;

	m->attributes_begun = pb->attributes_begun;
	if (take_guid0(in, pb->base_run, &m->base, "base") == -1 ||
	    take_u64(in, pb->seq, SEQ_MAX, &m->seq, "seq") == -1 ||
	    take_u64(in, pb->messages, COUNT_MAX, &m->messages,
	    "number of messages") == -1 ||
	    take_u64(in, pb->mailboxes, COUNT_MAX, &m->mailboxes,
	    "number of mailboxes") == -1)
		return -1;
	return take_u64(in, pb->inbox_messages, COUNT_MAX, &m->inbox_messages,
	    "number of messages");
}

static int
take_mailbox(struct taker *in, const void *from, struct msg *msg)
{
	return take_box(in, from, 1, &msg->u.mailbox);
}

static int
take_mailbox_gone(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_mailbox_gone *m = &msg->u.mailbox_gone;
	const Dsync__MailboxGone *pb = from;

	m->is_new = pb->is_new;
	if (take_guid(in, pb->guid, &m->guid, "mailbox GUID") == -1 ||
	    take_name(in, pb->name, &m->name) == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

static int
take_subscription(struct taker *in, const void *from, struct msg *msg)
{
	return take_sub(in, from, &msg->u.subscription);
}

static int
take_msg_attribute(struct taker *in, const void *from, struct msg *msg)
{
	return take_attribute(in, from, &msg->u.attribute);
}

static int
take_messages(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Messages *pb = from;

	msg->u.messages.request = pb->request;
	return take_guid(in, pb->mailbox, &msg->u.messages.mailbox,
	    "mailbox GUID");
}

static int
take_messages_end(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__MessagesEnd *pb = from;

	(void)in;
	msg->u.messages_end.more = pb->more;
	return 0;
}

static int
take_message(struct taker *in, const void *from, struct msg *msg)
{
	return take_record(in, from, 1, &msg->u.message);
}

static int
take_gone(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_gone *m = &msg->u.gone;
	const Dsync__Gone *pb = from;

	m->is_new = pb->is_new;
	if (take_number(in, pb->uid, &m->uid, "UID") == -1 ||
	    take_message_guid(in, pb->guid_hex, pb->guid_text, &m->guid) == -1)
		return -1;
	return take_marks(in, pb->marks, &m->marks, &m->mark_count);
}

/* UID ranges, given as pairs of numbers. */
static int
take_ranges(struct taker *in, const Dsync__List *pb, struct msg_list *m)
{
	size_t count = pb->n_ranges / 2;
	uint32_t last = 0;

	if (pb->n_ranges % 2 != 0 || count > LIST_RANGES_MAX)
		return take_bad(in, "number of ranges");
	if (count == 0)
		return 0;
	if ((m->ranges = take_room(in, count, sizeof(*m->ranges))) == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		m->ranges[i].first = pb->ranges[2 * i];
		m->ranges[i].last = pb->ranges[2 * i + 1];
		if (m->ranges[i].first <= last ||
		    m->ranges[i].last < m->ranges[i].first)
			return take_bad(in, "range");
		last = m->ranges[i].last;
	}
	m->range_count = count;
	return 0;
}

static int
take_list(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_list *m = &msg->u.list;
	const Dsync__List *pb = from;

	m->after_uid = pb->after_uid;
	m->max = pb->max;
	m->digests = pb->digests;
	m->sizes = pb->sizes;
	m->tombstones = pb->tombstones;
	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_ranges(in, pb, m) == -1)
		return -1;
	return take_guids(in, pb->marks, LIST_MARKS_MAX, &m->marks,
	    &m->mark_count, "marks");
}

static int
take_have_texts(struct taker *in, const Dsync__Have *pb, struct msg_have *m)
{
	if (pb->n_sizes != 0 && pb->n_sizes != pb->n_guids)
		return take_bad(in, "number of sizes");
	for (size_t i = 0; i < pb->n_sizes; i++)
		if (pb->sizes[i] > BODY_SIZE_MAX)
			return take_bad(in, "size");
	m->sizes = pb->n_sizes > 0 ? pb->sizes : NULL;
	if (pb->digests.len == 0)
		return 0;
	if (pb->n_sizes == 0 || pb->n_guids > HAVE_TEXTS_MAX ||
	    pb->digests.len != pb->n_guids * DIGEST_SIZE)
		return take_bad(in, "number of digests");
	m->digests = pb->digests.data;
	return 0;
}

static int
take_have(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_have *m = &msg->u.have;
	const Dsync__Have *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1)
		return -1;
	if (pb->n_guids > HAVE_MAX)
		return take_bad(in, "number of GUIDs");
	if ((m->guids = take_room(in, pb->n_guids, sizeof(*m->guids))) == NULL)
		return -1;
	for (size_t i = 0; i < pb->n_guids; i++) {
		if (take_guid_text(in, pb->guids[i], &m->guids[i]) == -1)
			return -1;
	}
	m->guid_count = pb->n_guids;
	return take_have_texts(in, pb, m);
}

static int
take_have_reply(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_have_reply *m = &msg->u.have_reply;
	const Dsync__HaveReply *pb = from;

	if (pb->bits.len > HAVE_BITS_MAX || (pb->same_size.len != 0 &&
	    pb->same_size.len != pb->bits.len))
		return take_bad(in, "number of bits");
	m->same_size = pb->same_size.len > 0 ? pb->same_size.data : NULL;
	m->same_size_len = pb->same_size.len;
	m->bits = pb->bits.data;
	m->bits_len = pb->bits.len;
	return take_number(in, pb->request, &m->request, "request");
}

static int
take_get(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_get *m = &msg->u.get;
	const Dsync__Get *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1)
		return -1;
	return take_message_guid(in, pb->guid_hex, pb->guid_text, &m->guid);
}

static int
take_body(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_body *m = &msg->u.body;
	const Dsync__Body *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_u64(in, pb->size, BODY_SIZE_MAX, &m->size, "size") == -1)
		return -1;
	m->saved = pb->saved;
	return take_received(in, pb->received, &m->received);
}

static int
take_get_failed(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_get_failed *m = &msg->u.get_failed;
	const Dsync__GetFailed *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_code(in, (uint32_t)pb->code, 1, &m->code) == -1)
		return -1;
	return take_text(in, pb->text, TEXT_MAX, &m->text);
}

static int
take_body_end(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_body_end *m = &msg->u.body_end;
	const Dsync__BodyEnd *pb = from;

	m->failed = pb->failed;
	if (take_digest(in, pb->digest, &m->digest) == -1)
		return -1;
	return m->failed == (m->digest == NULL) ? 0 : take_bad(in, "digest");
}

static int
take_vanished(struct taker *in, const Dsync__OpMailbox *pb,
    struct msg_op_mailbox *m)
{
	uint32_t last = 0;

	if (pb->n_vanished > VANISHED_MAX)
		return take_bad(in, "number of vanished UIDs");
	if (pb->n_vanished == 0)
		return 0;
	m->vanished = take_room(in, pb->n_vanished, sizeof(*m->vanished));
	if (m->vanished == NULL)
		return -1;
	for (size_t i = 0; i < pb->n_vanished; i++) {
		if (pb->vanished[i] <= last)
			return take_bad(in, "vanished UID");
		m->vanished[i] = last = pb->vanished[i];
	}
	m->vanished_count = pb->n_vanished;
	return 0;
}

static int
take_op_mailbox(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_mailbox *m = &msg->u.op_mailbox;
	const Dsync__OpMailbox *pb = from;

	m->create = pb->create;
	m->recreate = pb->recreate;
	m->temporary = pb->temporary;
	if (m->recreate && !m->create)
		return take_bad(in, "recreate without create");
	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_box(in, pb->mailbox, 0, &m->box) == -1 ||
	    take_vanished(in, pb, m) == -1)
		return -1;
	return take_guid0(in, pb->new_guid, &m->new_guid, "mailbox GUID");
}

static int
take_op_mailbox_delete(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_mailbox_delete *m = &msg->u.op_mailbox_delete;
	const Dsync__OpMailboxDelete *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->guid, &m->guid, "mailbox GUID") == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

static int
take_op_subscribe(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_subscribe *m = &msg->u.op_subscribe;
	const Dsync__OpSubscribe *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1)
		return -1;
	return take_sub(in, pb->subscription, &m->sub);
}

static int
take_op_attribute(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_attribute *m = &msg->u.op_attribute;
	const Dsync__OpAttribute *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1)
		return -1;
	return take_attribute(in, pb->attribute, &m->a);
}

static int
take_op_save(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_save *m = &msg->u.op_save;
	const Dsync__OpSave *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_record(in, pb->message, 0, &m->message) == -1 ||
	    take_u64(in, pb->size, BODY_SIZE_MAX, &m->size, "size") == -1)
		return -1;
	return m->message.received == RECEIVED_NONE ?
	    take_bad(in, "received date") : 0;
}

static int
take_op_copy(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_copy *m = &msg->u.op_copy;
	const Dsync__OpCopy *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1)
		return -1;
	return take_record(in, pb->message, 0, &m->message);
}

static int
take_op_flags(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_flags *m = &msg->u.op_flags;
	const Dsync__OpFlags *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1 ||
	    take_marks(in, pb->marks, &m->marks, &m->mark_count) == -1 ||
	    take_flags(in, pb->flags, &m->flags) == -1)
		return -1;
	return take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq");
}

static int
take_op_expunge(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_expunge *m = &msg->u.op_expunge;
	const Dsync__OpExpunge *pb = from;

	m->no_tombstone = pb->no_tombstone;
	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1)
		return -1;
	m->guid = "";
	if (pb->guid.len > 0 &&
	    take_guid_text(in, pb->guid, &m->guid) == -1)
		return -1;
	return take_marks(in, pb->marks, &m->marks, &m->mark_count);
}

static int
take_op_set_uid(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_set_uid *m = &msg->u.op_set_uid;
	const Dsync__OpSetUid *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1 ||
	    take_guid(in, pb->mark, &m->mark, "mark") == -1)
		return -1;
	if (take_number(in, pb->new_uid, &m->new_uid, "UID") == -1)
		return -1;
	return take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq");
}

static int
take_op_modseq(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_op_modseq *m = &msg->u.op_modseq;
	const Dsync__OpModseq *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1 ||
	    take_guid(in, pb->mark, &m->mark, "mark") == -1 ||
	    take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq") == -1)
		return -1;
	return m->modseq != 0 ? 0 : take_bad(in, "modseq");
}

static int
take_flush(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Flush *pb = from;

	return take_number(in, pb->op, &msg->u.flush.op, "operation number");
}

static int
take_result(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_result *m = &msg->u.result;
	const Dsync__Result *pb = from;
	uint32_t status = 0;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_u32(in, (uint32_t)pb->status, RESULT_OTHER_UID,
	    RESULT_OTHER_MODSEQ, &status, "status") == -1 ||
	    take_code(in, (uint32_t)pb->code, 0, &m->code) == -1 ||
	    take_text(in, pb->text, TEXT_MAX, &m->text) == -1)
		return -1;
	m->status = (enum result_status)status;
	m->uid = pb->uid;
	if (take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq") == -1)
		return -1;
	if ((m->status == RESULT_OTHER_MODSEQ) != (m->modseq != 0))
		return take_bad(in, "modseq");
	return (m->status == RESULT_OTHER_UID) == (m->uid != 0) ? 0 :
	    take_bad(in, "UID");
}

static int
take_done(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Done *pb = from;

	return take_number(in, pb->op, &msg->u.done.op, "operation number");
}

static int
take_pending(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_pending *m = &msg->u.pending;
	const Dsync__Pending *pb = from;

	m->uid = pb->uid;
	m->left_out = pb->left_out != 0;
	if (take_guid0(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_guid0(in, pb->mark, &m->mark, "mark") == -1)
		return -1;
	if (guid_is_zero(&m->mailbox))
		return take_name(in, pb->text, &m->text);
	return take_text(in, pb->text, TEXT_MAX, &m->text);
}

static int
take_commit(struct taker *in, const void *from, struct msg *msg)
{
	struct msg_commit *m = &msg->u.commit;
	const Dsync__Commit *pb = from;

	if (take_guid(in, pb->peer, &m->peer, "peer") == -1 ||
	    take_guid0(in, pb->scope, &m->scope, "scope") == -1)
		return -1;
	m->prune = pb->prune != 0;
	return take_u64(in, pb->peer_messages, COUNT_MAX, &m->peer_messages,
	    "number of messages");
}

static int
take_committed(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Committed *pb = from;

	(void)in;
	msg->u.committed.pending = pb->pending;
	return 0;
}

static int
take_error(struct taker *in, const void *from, struct msg *msg)
{
	const Dsync__Error *pb = from;

	if (take_code(in, (uint32_t)pb->code, 1, &msg->u.error.code) == -1)
		return -1;
	return take_text(in, pb->text, TEXT_MAX, &msg->u.error.text);
}

#define ROW(kind, take) [DSYNC__ENVELOPE__KIND_##kind] = { MSG_##kind, take }

static const struct take_row {
	enum msg_kind kind;
	int (*take)(struct taker *in, const void *from, struct msg *msg);
} take_rows[] = {
	ROW(MESSAGE, take_message),
	ROW(GONE, take_gone),
	ROW(OP_FLAGS, take_op_flags),
	ROW(OP_COPY, take_op_copy),
	ROW(OP_SAVE, take_op_save),
	ROW(OP_EXPUNGE, take_op_expunge),
	ROW(OP_SET_UID, take_op_set_uid),
	ROW(OP_MODSEQ, take_op_modseq),
	ROW(GET, take_get),
	ROW(BODY, take_body),
	ROW(BODY_END, take_body_end),
	ROW(RESULT, take_result),
	ROW(DONE, take_done),
	ROW(MESSAGES, take_messages),
	ROW(MESSAGES_END, take_messages_end),
	ROW(MAILBOX, take_mailbox),
	ROW(HELLO, take_hello),
	ROW(WELCOME, take_welcome),
	ROW(BEGIN, take_begin),
	ROW(VIEW, take_view),
	ROW(VIEW_END, take_nothing),
	ROW(MAILBOX_GONE, take_mailbox_gone),
	ROW(SUBSCRIPTION, take_subscription),
	ROW(ATTRIBUTE, take_msg_attribute),
	ROW(TREE, take_nothing),
	ROW(TREE_END, take_nothing),
	ROW(LIST, take_list),
	ROW(HAVE, take_have),
	ROW(HAVE_REPLY, take_have_reply),
	ROW(GET_FAILED, take_get_failed),
	ROW(OP_MAILBOX, take_op_mailbox),
	ROW(OP_MAILBOX_DELETE, take_op_mailbox_delete),
	ROW(OP_SUBSCRIBE, take_op_subscribe),
	ROW(OP_ATTRIBUTE, take_op_attribute),
	ROW(FLUSH, take_flush),
	ROW(PENDING, take_pending),
	ROW(COMMIT, take_commit),
	ROW(COMMITTED, take_committed),
	ROW(BYE, take_nothing),
	ROW(ERROR, take_error),
};

static void *
budget_alloc(void *pool, size_t size)
{
	return pool_alloc(pool, size);
}

/* The pool is emptied as a whole. */
static void
budget_free(void *pool, void *p)
{
	(void)pool;
	(void)p;
}

int
codec_decode(struct pool *pool, struct slice payload, struct msg *msg_r,
    struct err *err)
{
	ProtobufCAllocator allocator = { budget_alloc, budget_free, pool };
	struct taker in = { .pool = pool, .err = err };
	const struct take_row *row;
	Dsync__Envelope *env;

	pool_reset(pool);
	env = dsync__envelope__unpack(&allocator, payload.len, payload.data);
	if (env == NULL)
		return err_set(err, ERR_PROTO,
		    "frame of %zu bytes is no message", payload.len);
	if ((size_t)env->kind_case >= nitems(take_rows) ||
	    take_rows[env->kind_case].take == NULL || env->bye == NULL)
		return err_set(err, ERR_PROTO, "message of an unknown kind");
	row = &take_rows[env->kind_case];
	in.kind = row->kind;
	memset(msg_r, 0, sizeof(*msg_r));
	msg_r->kind = row->kind;
	/* All members of the union are pointers to a struct. */
	return row->take(&in, env->bye, msg_r);
}
