#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "dsync.pb-c.h"
#include "wire/codec.h"
#include "wire/put.h"

struct codec_out {
	Dsync__Envelope env;
};

/* The generated and our own enumerations are one. */
_Static_assert((int)DSYNC__ROLE__ROLE_DESTINATION == (int)ROLE_DESTINATION &&
    (int)DSYNC__ACCESS__ACCESS_READ_WRITE == (int)ACCESS_READ_WRITE &&
    (int)DSYNC__ERR_CODE__ERR_REFUSED == (int)ERR_REFUSED &&
    (int)DSYNC__RESULT_STATUS__RESULT_OTHER_MODSEQ ==
    (int)RESULT_OTHER_MODSEQ,
    "enumerations");

static void *
put_nothing(struct putter *out, const struct msg *msg)
{
	Dsync__Nothing *pb;

	(void)msg;
	PUT_NEW(pb, dsync__nothing);
	return pb;
}

static void *
put_hello(struct putter *out, const struct msg *msg)
{
	const struct msg_hello *m = &msg->u.hello;
	Dsync__Hello *pb;

	PUT_NEW(pb, dsync__hello);
	pb->version_min = m->version_min;
	pb->version_max = m->version_max;
	pb->features = m->features;
	pb->required = m->required;
	pb->software = put_text(m->software, SOFTWARE_MAX);
	pb->clock = m->clock_ms;
	pb->run = put_guid(&m->run);
	pb->peer = put_guid(&m->peer);
	pb->label = put_text(m->label, LABEL_MAX);
	pb->scope = put_guid(&m->scope);
	put_positions(out, m->positions, m->position_count, &pb->n_positions,
	    &pb->positions);
	pb->begin = m->begin;
	pb->role = (Dsync__Role)m->role;
	pb->full = m->full;
	pb->dry_run = m->dry_run;
	put_strings(out, m->names, m->name_count, FILTERS_MAX,
	    FILTER_BYTES_MAX, &pb->n_names, &pb->names);
	put_strings(out, m->masks, m->mask_count, FILTERS_MAX,
	    FILTER_BYTES_MAX, &pb->n_masks, &pb->masks);
	pb->alt_char = (unsigned char)m->alt_char;
	return pb;
}

static void *
put_welcome(struct putter *out, const struct msg *msg)
{
	const struct msg_welcome *m = &msg->u.welcome;
	Dsync__Welcome *pb;

	PUT_NEW(pb, dsync__welcome);
	pb->version = m->version;
	pb->features = m->features;
	pb->software = put_text(m->software, SOFTWARE_MAX);
	pb->clock = m->clock_ms;
	pb->store = put_guid(&m->store);
	pb->caps = m->caps;
	pb->access = (Dsync__Access)m->access;
	put_positions(out, m->positions, m->position_count, &pb->n_positions,
	    &pb->positions);
	pb->last_peer = put_guid(&m->last_peer);
	pb->last_peer_messages = put_u64(m->last_peer_messages, COUNT_MAX);
	return pb;
}

static void *
put_begin(struct putter *out, const struct msg *msg)
{
	Dsync__Begin *pb;

	PUT_NEW(pb, dsync__begin);
	pb->peer = put_guid(&msg->u.begin.peer);
	pb->base_run = put_guid(&msg->u.begin.base);
	return pb;
}

static void *
put_view(struct putter *out, const struct msg *msg)
{
	const struct msg_view *m = &msg->u.view;
	Dsync__View *pb;

	PUT_NEW(pb, dsync__view);
	pb->base_run = put_guid(&m->base);
	pb->seq = put_u64(m->seq, SEQ_MAX);
	pb->messages = put_u64(m->messages, COUNT_MAX);
	pb->mailboxes = put_u64(m->mailboxes, COUNT_MAX);
	pb->inbox_messages = put_u64(m->inbox_messages, COUNT_MAX);
	pb->attributes_begun = m->attributes_begun;
	return pb;
}

static void *
put_mailbox(struct putter *out, const struct msg *msg)
{
	return put_box(out, &msg->u.mailbox);
}

static void *
put_mailbox_gone(struct putter *out, const struct msg *msg)
{
	const struct msg_mailbox_gone *m = &msg->u.mailbox_gone;
	Dsync__MailboxGone *pb;

	PUT_NEW(pb, dsync__mailbox_gone);
	pb->guid = put_guid(&m->guid);
	pb->name = put_str(m->name);
	pb->stamp = put_stamp(m->stamp);
	pb->is_new = m->is_new;
	return pb;
}

static void *
put_subscription(struct putter *out, const struct msg *msg)
{
	return put_sub(out, &msg->u.subscription);
}

static void *
put_msg_attribute(struct putter *out, const struct msg *msg)
{
	return put_attribute(out, &msg->u.attribute);
}

static void *
put_messages(struct putter *out, const struct msg *msg)
{
	Dsync__Messages *pb;

	PUT_NEW(pb, dsync__messages);
	pb->mailbox = put_guid(&msg->u.messages.mailbox);
	pb->request = msg->u.messages.request;
	return pb;
}

static void *
put_messages_end(struct putter *out, const struct msg *msg)
{
	Dsync__MessagesEnd *pb;

	PUT_NEW(pb, dsync__messages_end);
	pb->more = msg->u.messages_end.more;
	return pb;
}

static void *
put_message(struct putter *out, const struct msg *msg)
{
	return put_record(out, &msg->u.message);
}

static void *
put_gone(struct putter *out, const struct msg *msg)
{
	const struct msg_gone *m = &msg->u.gone;
	Dsync__Gone *pb;

	PUT_NEW(pb, dsync__gone);
	pb->uid = m->uid;
	put_message_guid(out, m->guid, &pb->guid_hex, &pb->guid_text);
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->is_new = m->is_new;
	return pb;
}

static int
range_cmp(const void *a, const void *b)
{
	uint32_t x = ((const struct uid_range *)a)->first;
	uint32_t y = ((const struct uid_range *)b)->first;

	return (x > y) - (x < y);
}

/* Ranges in order, those that touch made one. */
static void
put_ranges(struct putter *out, const struct msg_list *m, Dsync__List *pb)
{
	size_t count = put_count(out, m->range_count, LIST_RANGES_MAX), n = 0;
	struct uid_range *ranges;

	if (count == 0)
		return;
	ranges = put_alloc(out, count, sizeof(*ranges));
	memcpy(ranges, m->ranges, count * sizeof(*ranges));
	qsort(ranges, count, sizeof(*ranges), range_cmp);
	pb->ranges = put_alloc(out, 2 * count, sizeof(*pb->ranges));
	for (size_t i = 0; i < count; i++) {
		if (n > 0 && ranges[i].first - 1 <= pb->ranges[n - 1]) {
			if (ranges[i].last > pb->ranges[n - 1])
				pb->ranges[n - 1] = ranges[i].last;
			continue;
		}
		pb->ranges[n++] = ranges[i].first;
		pb->ranges[n++] = ranges[i].last;
	}
	pb->n_ranges = n;
}

static void *
put_list(struct putter *out, const struct msg *msg)
{
	const struct msg_list *m = &msg->u.list;
	Dsync__List *pb;

	PUT_NEW(pb, dsync__list);
	pb->request = m->request;
	pb->mailbox = put_guid(&m->mailbox);
	pb->after_uid = m->after_uid;
	pb->max = m->max;
	pb->digests = m->digests;
	pb->tombstones = m->tombstones;
	pb->sizes = m->sizes;
	put_ranges(out, m, pb);
	pb->marks = put_guids(out, m->marks, m->mark_count, LIST_MARKS_MAX);
	return pb;
}

static void *
put_have(struct putter *out, const struct msg *msg)
{
	const struct msg_have *m = &msg->u.have;
	Dsync__Have *pb;

	PUT_NEW(pb, dsync__have);
	pb->request = m->request;
	put_strings(out, m->guids, m->guid_count, HAVE_MAX,
	    HAVE_MAX * GUID_TEXT_MAX, &pb->n_guids, &pb->guids);
	if (m->sizes == NULL || pb->n_guids != m->guid_count)
		return pb;
	pb->sizes = put_alloc(out, m->guid_count, sizeof(*pb->sizes));
	memcpy(pb->sizes, m->sizes, m->guid_count * sizeof(*pb->sizes));
	pb->n_sizes = m->guid_count;
	if (m->digests != NULL && m->guid_count <= HAVE_TEXTS_MAX)
		pb->digests = put_bytes(m->digests,
		    m->guid_count * DIGEST_SIZE);
	return pb;
}

static void *
put_have_reply(struct putter *out, const struct msg *msg)
{
	const struct msg_have_reply *m = &msg->u.have_reply;
	Dsync__HaveReply *pb;

	PUT_NEW(pb, dsync__have_reply);
	pb->request = m->request;
	pb->bits = put_bytes(m->bits,
	    put_count(out, m->bits_len, HAVE_BITS_MAX));
	if (m->same_size_len == m->bits_len)
		pb->same_size = put_bytes(m->same_size, pb->bits.len);
	return pb;
}

static void *
put_get(struct putter *out, const struct msg *msg)
{
	const struct msg_get *m = &msg->u.get;
	Dsync__Get *pb;

	PUT_NEW(pb, dsync__get);
	pb->request = m->request;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	put_message_guid(out, m->guid, &pb->guid_hex, &pb->guid_text);
	return pb;
}

static void *
put_body(struct putter *out, const struct msg *msg)
{
	Dsync__Body *pb;

	PUT_NEW(pb, dsync__body);
	pb->request = msg->u.body.request;
	pb->size = msg->u.body.size;
	pb->received = put_received(msg->u.body.received);
	pb->saved = msg->u.body.saved;
	return pb;
}

static void *
put_get_failed(struct putter *out, const struct msg *msg)
{
	Dsync__GetFailed *pb;

	PUT_NEW(pb, dsync__get_failed);
	pb->request = msg->u.get_failed.request;
	pb->code = (Dsync__ErrCode)msg->u.get_failed.code;
	pb->text = put_text(msg->u.get_failed.text, TEXT_MAX);
	return pb;
}

static void *
put_body_end(struct putter *out, const struct msg *msg)
{
	const struct msg_body_end *m = &msg->u.body_end;
	Dsync__BodyEnd *pb;

	PUT_NEW(pb, dsync__body_end);
	pb->failed = m->failed;
	pb->digest = put_digest(m->failed ? NULL : m->digest);
	return pb;
}

static void *
put_op_mailbox(struct putter *out, const struct msg *msg)
{
	const struct msg_op_mailbox *m = &msg->u.op_mailbox;
	Dsync__OpMailbox *pb;

	PUT_NEW(pb, dsync__op_mailbox);
	pb->op = m->op;
	pb->create = m->create;
	pb->recreate = m->recreate;
	pb->temporary = m->temporary;
	pb->mailbox = put_box(out, &m->box);
	pb->new_guid = put_guid(&m->new_guid);
	pb->vanished = m->vanished;
	pb->n_vanished = m->vanished_count;
	return pb;
}

static void *
put_op_mailbox_delete(struct putter *out, const struct msg *msg)
{
	const struct msg_op_mailbox_delete *m = &msg->u.op_mailbox_delete;
	Dsync__OpMailboxDelete *pb;

	PUT_NEW(pb, dsync__op_mailbox_delete);
	pb->op = m->op;
	pb->guid = put_guid(&m->guid);
	pb->stamp = put_stamp(m->stamp);
	return pb;
}

static void *
put_op_subscribe(struct putter *out, const struct msg *msg)
{
	Dsync__OpSubscribe *pb;

	PUT_NEW(pb, dsync__op_subscribe);
	pb->op = msg->u.op_subscribe.op;
	pb->subscription = put_sub(out, &msg->u.op_subscribe.sub);
	return pb;
}

static void *
put_op_attribute(struct putter *out, const struct msg *msg)
{
	Dsync__OpAttribute *pb;

	PUT_NEW(pb, dsync__op_attribute);
	pb->op = msg->u.op_attribute.op;
	pb->attribute = put_attribute(out, &msg->u.op_attribute.a);
	return pb;
}

static void *
put_op_save(struct putter *out, const struct msg *msg)
{
	const struct msg_op_save *m = &msg->u.op_save;
	Dsync__OpSave *pb;

	PUT_NEW(pb, dsync__op_save);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->message = put_record(out, &m->message);
	pb->size = m->size;
	return pb;
}

static void *
put_op_copy(struct putter *out, const struct msg *msg)
{
	const struct msg_op_copy *m = &msg->u.op_copy;
	Dsync__OpCopy *pb;

	PUT_NEW(pb, dsync__op_copy);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->message = put_record(out, &m->message);
	return pb;
}

static void *
put_op_flags(struct putter *out, const struct msg *msg)
{
	const struct msg_op_flags *m = &msg->u.op_flags;
	Dsync__OpFlags *pb;

	PUT_NEW(pb, dsync__op_flags);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->flags = put_flags(out, &m->flags);
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	return pb;
}

static void *
put_op_expunge(struct putter *out, const struct msg *msg)
{
	const struct msg_op_expunge *m = &msg->u.op_expunge;
	Dsync__OpExpunge *pb;

	PUT_NEW(pb, dsync__op_expunge);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->no_tombstone = m->no_tombstone;
	if (m->guid != NULL)
		pb->guid = put_text(m->guid, GUID_TEXT_MAX);
	return pb;
}

static void *
put_op_set_uid(struct putter *out, const struct msg *msg)
{
	const struct msg_op_set_uid *m = &msg->u.op_set_uid;
	Dsync__OpSetUid *pb;

	PUT_NEW(pb, dsync__op_set_uid);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->mark = put_guid(&m->mark);
	pb->new_uid = m->new_uid;
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	return pb;
}

static void *
put_op_modseq(struct putter *out, const struct msg *msg)
{
	const struct msg_op_modseq *m = &msg->u.op_modseq;
	Dsync__OpModseq *pb;

	PUT_NEW(pb, dsync__op_modseq);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->mark = put_guid(&m->mark);
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	return pb;
}

static void *
put_flush(struct putter *out, const struct msg *msg)
{
	Dsync__Flush *pb;

	PUT_NEW(pb, dsync__flush);
	pb->op = msg->u.flush.op;
	return pb;
}

static void *
put_result(struct putter *out, const struct msg *msg)
{
	const struct msg_result *m = &msg->u.result;
	Dsync__Result *pb;

	PUT_NEW(pb, dsync__result);
	pb->op = m->op;
	pb->status = (Dsync__ResultStatus)m->status;
	pb->uid = m->status == RESULT_OTHER_UID ? m->uid : 0;
	if (m->status == RESULT_OTHER_MODSEQ)
		pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	pb->code = (Dsync__ErrCode)m->code;
	pb->text = put_text(m->text, TEXT_MAX);
	return pb;
}

static void *
put_done(struct putter *out, const struct msg *msg)
{
	Dsync__Done *pb;

	PUT_NEW(pb, dsync__done);
	pb->op = msg->u.done.op;
	return pb;
}

static void *
put_pending(struct putter *out, const struct msg *msg)
{
	const struct msg_pending *m = &msg->u.pending;
	Dsync__Pending *pb;

	PUT_NEW(pb, dsync__pending);
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->mark = put_guid(&m->mark);
	pb->left_out = m->left_out;
	if (guid_is_zero(&m->mailbox))
		pb->text = put_str(m->text);
	else
		pb->text = put_text(m->text, TEXT_MAX);
	return pb;
}

static void *
put_commit(struct putter *out, const struct msg *msg)
{
	Dsync__Commit *pb;

	PUT_NEW(pb, dsync__commit);
	pb->peer = put_guid(&msg->u.commit.peer);
	pb->scope = put_guid(&msg->u.commit.scope);
	pb->peer_messages = put_u64(msg->u.commit.peer_messages, COUNT_MAX);
	pb->prune = msg->u.commit.prune;
	return pb;
}

static void *
put_committed(struct putter *out, const struct msg *msg)
{
	Dsync__Committed *pb;

	PUT_NEW(pb, dsync__committed);
	pb->pending = msg->u.committed.pending;
	return pb;
}

static void *
put_error(struct putter *out, const struct msg *msg)
{
	Dsync__Error *pb;

	PUT_NEW(pb, dsync__error);
	pb->code = (Dsync__ErrCode)msg->u.error.code;
	pb->text = put_text(msg->u.error.text, TEXT_MAX);
	return pb;
}

#define ROW(kind, put) [MSG_##kind] = { DSYNC__ENVELOPE__KIND_##kind, put }

static const struct put_row {
	Dsync__Envelope__KindCase tag;
	void *(*put)(struct putter *out, const struct msg *msg);
} put_rows[MSG_KIND_COUNT] = {
	ROW(HELLO, put_hello),
	ROW(BEGIN, put_begin),
	ROW(LIST, put_list),
	ROW(TREE, put_nothing),
	ROW(HAVE, put_have),
	ROW(GET, put_get),
	ROW(OP_MAILBOX, put_op_mailbox),
	ROW(OP_MAILBOX_DELETE, put_op_mailbox_delete),
	ROW(OP_SUBSCRIBE, put_op_subscribe),
	ROW(OP_ATTRIBUTE, put_op_attribute),
	ROW(OP_SAVE, put_op_save),
	ROW(OP_COPY, put_op_copy),
	ROW(OP_FLAGS, put_op_flags),
	ROW(OP_EXPUNGE, put_op_expunge),
	ROW(OP_SET_UID, put_op_set_uid),
	ROW(OP_MODSEQ, put_op_modseq),
	ROW(FLUSH, put_flush),
	ROW(COMMIT, put_commit),
	ROW(BYE, put_nothing),
	ROW(WELCOME, put_welcome),
	ROW(VIEW, put_view),
	ROW(MAILBOX, put_mailbox),
	ROW(MAILBOX_GONE, put_mailbox_gone),
	ROW(SUBSCRIPTION, put_subscription),
	ROW(ATTRIBUTE, put_msg_attribute),
	ROW(TREE_END, put_nothing),
	ROW(MESSAGES, put_messages),
	ROW(MESSAGE, put_message),
	ROW(GONE, put_gone),
	ROW(MESSAGES_END, put_messages_end),
	ROW(VIEW_END, put_nothing),
	ROW(HAVE_REPLY, put_have_reply),
	ROW(BODY, put_body),
	ROW(GET_FAILED, put_get_failed),
	ROW(RESULT, put_result),
	ROW(DONE, put_done),
	ROW(COMMITTED, put_committed),
	ROW(PENDING, put_pending),
	ROW(BODY_END, put_body_end),
	ROW(ERROR, put_error),
};

struct codec_out *
codec_encode(struct pool *pool, const struct msg *msg, size_t *len_r)
{
	const struct put_row *row;
	struct codec_out *out;
	struct putter putter = { .pool = pool };
	size_t len;

	assert((size_t)msg->kind < nitems(put_rows));
	row = &put_rows[msg->kind];
	assert(row->put != NULL);
	pool_reset(pool);
	out = put_alloc(&putter, 1, sizeof(*out));
	dsync__envelope__init(&out->env);
	out->env.kind_case = row->tag;
	/* All members of the union are pointers to a struct. */
	out->env.bye = row->put(&putter, msg);
	if (putter.failed)
		return NULL;
	len = dsync__envelope__get_packed_size(&out->env);
	if (len == 0 || len > FRAME_PAYLOAD_MAX)
		return NULL;
	*len_r = len;
	return out;
}

void
codec_pack(const struct codec_out *out, uint8_t *dest)
{
	dsync__envelope__pack(&out->env, dest);
}
