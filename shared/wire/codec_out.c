/*
 * Messages into the generated types.  Nothing of a message is copied but what
 * has another form there: the generated structs borrow its strings, and are
 * packed into the output before anyone can change them.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "dsync.pb-c.h"
#include "wire/codec.h"

struct codec_out {
	Dsync__Envelope env;
	struct pool *pool;
	bool failed;		/* a count was above its limit */
};

/* The generated and our own enumerations are one. */
_Static_assert((int)DSYNC__ROLE__ROLE_DESTINATION == (int)ROLE_DESTINATION &&
    (int)DSYNC__ACCESS__ACCESS_READ_WRITE == (int)ACCESS_READ_WRITE &&
    (int)DSYNC__ERR_CODE__ERR_REFUSED == (int)ERR_REFUSED &&
    (int)DSYNC__RESULT_STATUS__RESULT_FAILED == (int)RESULT_FAILED,
    "enumerations");

/* All counts are limited before, so it fits into the budget. */
static void *
need(struct codec_out *out, size_t n, size_t size)
{
	void *p = pool_calloc(out->pool, n, size);

	if (p == NULL)
		mem_fatal("out of memory for a message");
	return p;
}

/* A new generated struct of this type, such as dsync__hello. */
#define NEW(var, type)							\
	do {								\
		(var) = need(out, 1, sizeof(*(var)));			\
		type##__init(var);					\
	} while (0)

static size_t
put_count(struct codec_out *out, size_t count, size_t max)
{
	if (count <= max)
		return count;
	out->failed = true;
	return 0;
}

static ProtobufCBinaryData
put_bytes(const void *data, size_t len)
{
	return (ProtobufCBinaryData){ .len = len,
	    .data = (uint8_t *)(uintptr_t)data };
}

static ProtobufCBinaryData
put_guid(const struct guid128 *guid)
{
	return put_bytes(guid->b, guid_is_zero(guid) ? 0 : GUID_SIZE);
}

static ProtobufCBinaryData
put_guids(struct codec_out *out, const struct guid128 *guids, size_t count,
    size_t max)
{
	return put_bytes(guids, put_count(out, count, max) * GUID_SIZE);
}

/* Sorted and without doubles, as the other side wants to see them. */
static ProtobufCBinaryData
put_marks(struct codec_out *out, const struct guid128 *marks, size_t count)
{
	struct guid128 *sorted;
	size_t i = 1;

	count = put_count(out, count, MARKS_MAX);
	while (i < count && guid_cmp(&marks[i - 1], &marks[i]) < 0)
		i++;
	if (i >= count)
		return put_bytes(marks, count * GUID_SIZE);
	sorted = need(out, count, sizeof(*sorted));
	memcpy(sorted, marks, count * sizeof(*sorted));
	count = marks_normalise(sorted, count);
	return put_bytes(sorted, count * GUID_SIZE);
}

static ProtobufCBinaryData
put_digest(const uint8_t *digest)
{
	return put_bytes(digest, digest == NULL ? 0 : DIGEST_SIZE);
}

static ProtobufCBinaryData
put_str(const char *str)
{
	return put_bytes(str, str == NULL ? 0 : strlen(str));
}

/* Text for people, cut between two characters if it is too long. */
static ProtobufCBinaryData
put_text(const char *text, size_t max)
{
	size_t len = text == NULL ? 0 : strnlen(text, max + 1);

	if (len > max) {
		len = max;
		while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	return put_bytes(text, len);
}

static uint64_t
put_stamp(uint64_t stamp)
{
	return stamp < STAMP_MAX ? stamp : STAMP_MAX;
}

static uint64_t
put_u64(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static int64_t
put_received(int64_t received)
{
	if (received < RECEIVED_MIN)
		return RECEIVED_MIN;
	return received < RECEIVED_MAX ? received : RECEIVED_MAX;
}

/*
 * Most GUIDs are 32 hexadecimal digits, and half as long as bytes.  Upper case
 * would come back as lower case, so it stays text.
 */
static void
put_message_guid(struct codec_out *out, const char *guid,
    ProtobufCBinaryData *hex_r, ProtobufCBinaryData *text_r)
{
	struct guid128 *raw;
	size_t len = strlen(guid);

	if (len == 2 * GUID_SIZE && strpbrk(guid, "ABCDEF") == NULL) {
		raw = need(out, 1, sizeof(*raw));
		if (guid_parse(raw, guid, len)) {
			*hex_r = put_bytes(raw->b, GUID_SIZE);
			return;
		}
	}
	*text_r = put_bytes(guid, len);
}

static void
put_strings(struct codec_out *out, const char **strs, size_t count, size_t max,
    size_t bytes_max, size_t *n_r, ProtobufCBinaryData **v_r)
{
	size_t bytes = 0;

	count = put_count(out, count, max);
	*v_r = need(out, count, sizeof(**v_r));
	for (size_t i = 0; i < count; i++) {
		(*v_r)[i] = put_str(strs[i]);
		bytes += (*v_r)[i].len;
	}
	if (bytes > bytes_max)
		out->failed = true;
	*n_r = count;
}

static void
put_keywords(struct codec_out *out, const struct mail_flags *mf,
    Dsync__Flags *flags)
{
	size_t count = put_count(out, mf->keyword_count, KEYWORDS_MAX);
	Dsync__Keyword *keywords;

	if (count == 0)
		return;
	keywords = need(out, count, sizeof(*keywords));
	flags->keywords = need(out, count, sizeof(*flags->keywords));
	flags->n_keywords = count;
	for (size_t i = 0; i < count; i++) {
		dsync__keyword__init(&keywords[i]);
		keywords[i].name = put_str(mf->keywords[i].name);
		keywords[i].stamp = put_stamp(mf->keywords[i].stamp);
		keywords[i].cleared = !mf->keywords[i].set;
		flags->keywords[i] = &keywords[i];
	}
}

/* NULL if there is nothing to tell. */
static Dsync__Flags *
put_flags(struct codec_out *out, const struct mail_flags *mf)
{
	Dsync__Flags *flags;
	uint64_t stamps[FLAG_COUNT];
	uint32_t stamped = 0;
	size_t n = 0;

	for (unsigned int i = 0; i < FLAG_COUNT; i++) {
		if (mf->stamps[i] == 0)
			continue;
		stamped |= 1U << i;
		stamps[n++] = put_stamp(mf->stamps[i]);
	}
	if (mf->flags == 0 && n == 0 && mf->keyword_count == 0)
		return NULL;
	NEW(flags, dsync__flags);
	flags->flags = mf->flags;
	flags->stamped = stamped;
	if (n > 0) {
		flags->stamps = need(out, n, sizeof(*stamps));
		memcpy(flags->stamps, stamps, n * sizeof(*stamps));
		flags->n_stamps = n;
	}
	put_keywords(out, mf, flags);
	return flags;
}

static Dsync__Message *
put_record(struct codec_out *out, const struct msg_message *m)
{
	Dsync__Message *pb;

	NEW(pb, dsync__message);
	pb->uid = m->uid;
	put_message_guid(out, m->guid, &pb->guid_hex, &pb->guid_text);
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->flags = put_flags(out, &m->flags);
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	pb->is_new = m->is_new;
	pb->held = m->held;
	pb->digest = put_digest(m->digest);
	if (m->received != RECEIVED_NONE) {
		pb->received_known_case =
		    DSYNC__MESSAGE__RECEIVED_KNOWN_RECEIVED;
		pb->received = put_received(m->received);
	}
	pb->pop3_uidl = put_str(m->pop3_uidl);
	/* One that cannot be said in POP3 is none; a new one is made there. */
	if (pb->pop3_uidl.len > POP3_UIDL_MAX)
		pb->pop3_uidl.len = 0;
	for (size_t i = 0; i < pb->pop3_uidl.len; i++) {
		if (pb->pop3_uidl.data[i] < 0x20 ||
		    pb->pop3_uidl.data[i] == 0x7f)
			pb->pop3_uidl.len = 0;
	}
	pb->pop3_order = m->pop3_order;
	return pb;
}

static Dsync__Mailbox *
put_box(struct codec_out *out, const struct msg_mailbox *m)
{
	Dsync__Mailbox *pb;

	NEW(pb, dsync__mailbox);
	pb->guid = put_guid(&m->guid);
	pb->name = put_str(m->name);
	pb->directory = !m->selectable;
	pb->is_new = m->is_new;
	pb->tree_changed = m->tree_changed;
	pb->uidvalidity_changed = m->uidvalidity_changed;
	pb->exist_stamp = put_stamp(m->exist_stamp);
	pb->parent_stamp = put_stamp(m->parent_stamp);
	pb->last_stamp = put_stamp(m->last_stamp);
	pb->uidvalidity = m->uidvalidity;
	pb->uidnext = m->uidnext;
	pb->highestmodseq = put_u64(m->highestmodseq, MODSEQ_MAX);
	pb->messages = put_u64(m->messages, COUNT_MAX);
	pb->aliases = put_guids(out, m->aliases, m->alias_count, ALIASES_MAX);
	pb->set_digest = put_digest(m->set_digest);
	return pb;
}

static Dsync__Subscription *
put_sub(struct codec_out *out, const struct msg_subscription *m)
{
	Dsync__Subscription *pb;

	NEW(pb, dsync__subscription);
	pb->name = put_str(m->name);
	pb->on = m->on;
	pb->stamp = put_stamp(m->stamp);
	return pb;
}

static void
put_positions(struct codec_out *out, const struct msg_position *positions,
    size_t count, size_t *n_r, Dsync__Position ***v_r)
{
	count = put_count(out, count, POSITIONS_MAX);
	*v_r = need(out, count, sizeof(**v_r));
	for (size_t i = 0; i < count; i++) {
		NEW((*v_r)[i], dsync__position);
		(*v_r)[i]->peer = put_guid(&positions[i].peer);
		(*v_r)[i]->run = put_guid(&positions[i].run);
		(*v_r)[i]->scope = put_guid(&positions[i].scope);
	}
	*n_r = count;
}

static void *
put_nothing(struct codec_out *out, const struct msg *msg)
{
	Dsync__Nothing *pb;

	(void)msg;
	NEW(pb, dsync__nothing);
	return pb;
}

static void *
put_hello(struct codec_out *out, const struct msg *msg)
{
	const struct msg_hello *m = &msg->u.hello;
	Dsync__Hello *pb;

	NEW(pb, dsync__hello);
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
put_welcome(struct codec_out *out, const struct msg *msg)
{
	const struct msg_welcome *m = &msg->u.welcome;
	Dsync__Welcome *pb;

	NEW(pb, dsync__welcome);
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
put_begin(struct codec_out *out, const struct msg *msg)
{
	Dsync__Begin *pb;

	NEW(pb, dsync__begin);
	pb->peer = put_guid(&msg->u.begin.peer);
	pb->base_run = put_guid(&msg->u.begin.base);
	return pb;
}

static void *
put_view(struct codec_out *out, const struct msg *msg)
{
	const struct msg_view *m = &msg->u.view;
	Dsync__View *pb;

	NEW(pb, dsync__view);
	pb->base_run = put_guid(&m->base);
	pb->seq = put_u64(m->seq, SEQ_MAX);
	pb->messages = put_u64(m->messages, COUNT_MAX);
	pb->mailboxes = put_u64(m->mailboxes, COUNT_MAX);
	pb->inbox_messages = put_u64(m->inbox_messages, COUNT_MAX);
	return pb;
}

static void *
put_mailbox(struct codec_out *out, const struct msg *msg)
{
	return put_box(out, &msg->u.mailbox);
}

static void *
put_mailbox_gone(struct codec_out *out, const struct msg *msg)
{
	const struct msg_mailbox_gone *m = &msg->u.mailbox_gone;
	Dsync__MailboxGone *pb;

	NEW(pb, dsync__mailbox_gone);
	pb->guid = put_guid(&m->guid);
	pb->name = put_str(m->name);
	pb->stamp = put_stamp(m->stamp);
	pb->is_new = m->is_new;
	return pb;
}

static void *
put_subscription(struct codec_out *out, const struct msg *msg)
{
	return put_sub(out, &msg->u.subscription);
}

static void *
put_messages(struct codec_out *out, const struct msg *msg)
{
	Dsync__Messages *pb;

	NEW(pb, dsync__messages);
	pb->mailbox = put_guid(&msg->u.messages.mailbox);
	pb->request = msg->u.messages.request;
	return pb;
}

static void *
put_messages_end(struct codec_out *out, const struct msg *msg)
{
	Dsync__MessagesEnd *pb;

	NEW(pb, dsync__messages_end);
	pb->more = msg->u.messages_end.more;
	return pb;
}

static void *
put_message(struct codec_out *out, const struct msg *msg)
{
	return put_record(out, &msg->u.message);
}

static void *
put_gone(struct codec_out *out, const struct msg *msg)
{
	const struct msg_gone *m = &msg->u.gone;
	Dsync__Gone *pb;

	NEW(pb, dsync__gone);
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
put_ranges(struct codec_out *out, const struct msg_list *m, Dsync__List *pb)
{
	size_t count = put_count(out, m->range_count, LIST_RANGES_MAX), n = 0;
	struct uid_range *ranges;

	if (count == 0)
		return;
	ranges = need(out, count, sizeof(*ranges));
	memcpy(ranges, m->ranges, count * sizeof(*ranges));
	qsort(ranges, count, sizeof(*ranges), range_cmp);
	pb->ranges = need(out, 2 * count, sizeof(*pb->ranges));
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
put_list(struct codec_out *out, const struct msg *msg)
{
	const struct msg_list *m = &msg->u.list;
	Dsync__List *pb;

	NEW(pb, dsync__list);
	pb->request = m->request;
	pb->mailbox = put_guid(&m->mailbox);
	pb->after_uid = m->after_uid;
	pb->max = m->max;
	pb->digests = m->digests;
	pb->tombstones = m->tombstones;
	put_ranges(out, m, pb);
	pb->marks = put_guids(out, m->marks, m->mark_count, LIST_MARKS_MAX);
	return pb;
}

static void *
put_have(struct codec_out *out, const struct msg *msg)
{
	const struct msg_have *m = &msg->u.have;
	Dsync__Have *pb;

	NEW(pb, dsync__have);
	pb->request = m->request;
	put_strings(out, m->guids, m->guid_count, HAVE_MAX,
	    HAVE_MAX * GUID_TEXT_MAX, &pb->n_guids, &pb->guids);
	return pb;
}

static void *
put_have_reply(struct codec_out *out, const struct msg *msg)
{
	const struct msg_have_reply *m = &msg->u.have_reply;
	Dsync__HaveReply *pb;

	NEW(pb, dsync__have_reply);
	pb->request = m->request;
	pb->bits = put_bytes(m->bits,
	    put_count(out, m->bits_len, HAVE_BITS_MAX));
	return pb;
}

static void *
put_get(struct codec_out *out, const struct msg *msg)
{
	const struct msg_get *m = &msg->u.get;
	Dsync__Get *pb;

	NEW(pb, dsync__get);
	pb->request = m->request;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	put_message_guid(out, m->guid, &pb->guid_hex, &pb->guid_text);
	return pb;
}

static void *
put_body(struct codec_out *out, const struct msg *msg)
{
	Dsync__Body *pb;

	NEW(pb, dsync__body);
	pb->request = msg->u.body.request;
	pb->size = msg->u.body.size;
	pb->received = put_received(msg->u.body.received);
	return pb;
}

static void *
put_get_failed(struct codec_out *out, const struct msg *msg)
{
	Dsync__GetFailed *pb;

	NEW(pb, dsync__get_failed);
	pb->request = msg->u.get_failed.request;
	pb->code = (Dsync__ErrCode)msg->u.get_failed.code;
	pb->text = put_text(msg->u.get_failed.text, TEXT_MAX);
	return pb;
}

static void *
put_body_end(struct codec_out *out, const struct msg *msg)
{
	const struct msg_body_end *m = &msg->u.body_end;
	Dsync__BodyEnd *pb;

	NEW(pb, dsync__body_end);
	pb->failed = m->failed;
	pb->digest = put_digest(m->failed ? NULL : m->digest);
	return pb;
}

static void *
put_op_mailbox(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_mailbox *m = &msg->u.op_mailbox;
	Dsync__OpMailbox *pb;

	NEW(pb, dsync__op_mailbox);
	pb->op = m->op;
	pb->create = m->create;
	pb->recreate = m->recreate;
	pb->temporary = m->temporary;
	pb->mailbox = put_box(out, &m->box);
	pb->new_guid = put_guid(&m->new_guid);
	return pb;
}

static void *
put_op_mailbox_delete(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_mailbox_delete *m = &msg->u.op_mailbox_delete;
	Dsync__OpMailboxDelete *pb;

	NEW(pb, dsync__op_mailbox_delete);
	pb->op = m->op;
	pb->guid = put_guid(&m->guid);
	pb->stamp = put_stamp(m->stamp);
	return pb;
}

static void *
put_op_subscribe(struct codec_out *out, const struct msg *msg)
{
	Dsync__OpSubscribe *pb;

	NEW(pb, dsync__op_subscribe);
	pb->op = msg->u.op_subscribe.op;
	pb->subscription = put_sub(out, &msg->u.op_subscribe.sub);
	return pb;
}

static void *
put_op_save(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_save *m = &msg->u.op_save;
	Dsync__OpSave *pb;

	NEW(pb, dsync__op_save);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->message = put_record(out, &m->message);
	pb->size = m->size;
	return pb;
}

static void *
put_op_copy(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_copy *m = &msg->u.op_copy;
	Dsync__OpCopy *pb;

	NEW(pb, dsync__op_copy);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->message = put_record(out, &m->message);
	return pb;
}

static void *
put_op_flags(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_flags *m = &msg->u.op_flags;
	Dsync__OpFlags *pb;

	NEW(pb, dsync__op_flags);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->flags = put_flags(out, &m->flags);
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	return pb;
}

static void *
put_op_expunge(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_expunge *m = &msg->u.op_expunge;
	Dsync__OpExpunge *pb;

	NEW(pb, dsync__op_expunge);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->no_tombstone = m->no_tombstone;
	return pb;
}

static void *
put_op_set_uid(struct codec_out *out, const struct msg *msg)
{
	const struct msg_op_set_uid *m = &msg->u.op_set_uid;
	Dsync__OpSetUid *pb;

	NEW(pb, dsync__op_set_uid);
	pb->op = m->op;
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->mark = put_guid(&m->mark);
	pb->new_uid = m->new_uid;
	return pb;
}

static void *
put_flush(struct codec_out *out, const struct msg *msg)
{
	Dsync__Flush *pb;

	NEW(pb, dsync__flush);
	pb->op = msg->u.flush.op;
	return pb;
}

static void *
put_result(struct codec_out *out, const struct msg *msg)
{
	const struct msg_result *m = &msg->u.result;
	Dsync__Result *pb;

	NEW(pb, dsync__result);
	pb->op = m->op;
	pb->status = (Dsync__ResultStatus)m->status;
	pb->uid = m->status == RESULT_OTHER_UID ? m->uid : 0;
	pb->code = (Dsync__ErrCode)m->code;
	pb->text = put_text(m->text, TEXT_MAX);
	return pb;
}

static void *
put_done(struct codec_out *out, const struct msg *msg)
{
	Dsync__Done *pb;

	NEW(pb, dsync__done);
	pb->op = msg->u.done.op;
	return pb;
}

static void *
put_pending(struct codec_out *out, const struct msg *msg)
{
	const struct msg_pending *m = &msg->u.pending;
	Dsync__Pending *pb;

	NEW(pb, dsync__pending);
	pb->mailbox = put_guid(&m->mailbox);
	pb->uid = m->uid;
	pb->mark = put_guid(&m->mark);
	if (guid_is_zero(&m->mailbox))
		pb->text = put_str(m->text);
	else
		pb->text = put_text(m->text, TEXT_MAX);
	return pb;
}

static void *
put_commit(struct codec_out *out, const struct msg *msg)
{
	Dsync__Commit *pb;

	NEW(pb, dsync__commit);
	pb->peer = put_guid(&msg->u.commit.peer);
	pb->scope = put_guid(&msg->u.commit.scope);
	pb->peer_messages = put_u64(msg->u.commit.peer_messages, COUNT_MAX);
	return pb;
}

static void *
put_committed(struct codec_out *out, const struct msg *msg)
{
	Dsync__Committed *pb;

	NEW(pb, dsync__committed);
	pb->pending = msg->u.committed.pending;
	return pb;
}

static void *
put_error(struct codec_out *out, const struct msg *msg)
{
	Dsync__Error *pb;

	NEW(pb, dsync__error);
	pb->code = (Dsync__ErrCode)msg->u.error.code;
	pb->text = put_text(msg->u.error.text, TEXT_MAX);
	return pb;
}

#define ROW(kind, put) [MSG_##kind] = { DSYNC__ENVELOPE__KIND_##kind, put }

static const struct put_row {
	Dsync__Envelope__KindCase tag;
	void *(*put)(struct codec_out *out, const struct msg *msg);
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
	ROW(OP_SAVE, put_op_save),
	ROW(OP_COPY, put_op_copy),
	ROW(OP_FLAGS, put_op_flags),
	ROW(OP_EXPUNGE, put_op_expunge),
	ROW(OP_SET_UID, put_op_set_uid),
	ROW(FLUSH, put_flush),
	ROW(COMMIT, put_commit),
	ROW(BYE, put_nothing),
	ROW(WELCOME, put_welcome),
	ROW(VIEW, put_view),
	ROW(MAILBOX, put_mailbox),
	ROW(MAILBOX_GONE, put_mailbox_gone),
	ROW(SUBSCRIPTION, put_subscription),
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
	size_t len;

	assert((size_t)msg->kind < nitems(put_rows));
	row = &put_rows[msg->kind];
	assert(row->put != NULL);
	pool_reset(pool);
	if ((out = pool_calloc(pool, 1, sizeof(*out))) == NULL)
		mem_fatal("out of memory for a message");
	out->pool = pool;
	dsync__envelope__init(&out->env);
	out->env.kind_case = row->tag;
	/* All members of the union are pointers to a struct. */
	out->env.bye = row->put(out, msg);
	if (out->failed)
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
