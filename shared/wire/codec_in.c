/*
 * The generated types into messages.  This is where bytes of a stranger become
 * values that the rest of the program trusts, so each field passes one of the
 * take_ functions below; none is copied by a plain assignment unless any value
 * of its type will do.
 */
#include "config.h"

#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/utf8.h"
#include "dsync.pb-c.h"
#include "wire/codec.h"

struct in {
	struct pool *pool;
	enum msg_kind kind;	/* of the message that is being decoded */
	struct err *err;
};

static int
bad(struct in *in, const char *what)
{
	return err_set(in->err, ERR_PROTO, "%s: bad %s",
	    msg_kind_name(in->kind), what);
}

/* Zeroed memory for n items, NULL and in->err: above the budget. */
static void *
room(struct in *in, size_t n, size_t size)
{
	void *p = pool_calloc(in->pool, n, size);

	if (p == NULL)
		err_set(in->err, ERR_PROTO, "%s: takes too much memory",
		    msg_kind_name(in->kind));
	return p;
}

/* The bytes with a final NUL; whether they hold another is checked later. */
static char *
copy_str(struct in *in, ProtobufCBinaryData bytes)
{
	char *str = room(in, bytes.len + 1, 1);

	if (str != NULL && bytes.len > 0)
		memcpy(str, bytes.data, bytes.len);
	return str;
}

static int
take_u32(struct in *in, uint32_t value, uint32_t min, uint32_t max,
    uint32_t *value_r, const char *what)
{
	if (value < min || value > max)
		return bad(in, what);
	*value_r = value;
	return 0;
}

/* A number that is never 0: a UID, a request, an operation. */
static int
take_number(struct in *in, uint32_t value, uint32_t *value_r, const char *what)
{
	return take_u32(in, value, 1, UINT32_MAX, value_r, what);
}

static int
take_u64(struct in *in, uint64_t value, uint64_t max, uint64_t *value_r,
    const char *what)
{
	if (value > max)
		return bad(in, what);
	*value_r = value;
	return 0;
}

static int
take_stamp(struct in *in, uint64_t value, uint64_t *value_r)
{
	return take_u64(in, value, STAMP_MAX, value_r, "stamp");
}

static int
take_received(struct in *in, int64_t value, int64_t *value_r)
{
	if (value < RECEIVED_MIN || value > RECEIVED_MAX)
		return bad(in, "received date");
	*value_r = value;
	return 0;
}

/* A GUID, id or mark, or none. */
static int
take_guid0(struct in *in, ProtobufCBinaryData bytes, struct guid128 *guid_r,
    const char *what)
{
	if (bytes.len != 0 && bytes.len != GUID_SIZE)
		return bad(in, what);
	memset(guid_r, 0, sizeof(*guid_r));
	if (bytes.len == GUID_SIZE)
		memcpy(guid_r->b, bytes.data, GUID_SIZE);
	return 0;
}

static int
take_guid(struct in *in, ProtobufCBinaryData bytes, struct guid128 *guid_r,
    const char *what)
{
	if (take_guid0(in, bytes, guid_r, what) == -1)
		return -1;
	return guid_is_zero(guid_r) ? bad(in, what) : 0;
}

/* Up to max of them, none of them zero; *guids_r borrows from the pool. */
static int
take_guids(struct in *in, ProtobufCBinaryData bytes, size_t max,
    struct guid128 **guids_r, size_t *count_r, const char *what)
{
	size_t count = bytes.len / GUID_SIZE;

	if (bytes.len % GUID_SIZE != 0 || count > max)
		return bad(in, what);
	/* A struct guid128 is bytes: any address is aligned for it. */
	*guids_r = count == 0 ? NULL : (struct guid128 *)bytes.data;
	*count_r = count;
	for (size_t i = 0; i < count; i++) {
		if (guid_is_zero(&(*guids_r)[i]))
			return bad(in, what);
	}
	return 0;
}

/* The birth marks of one instance. */
static int
take_marks(struct in *in, ProtobufCBinaryData bytes, struct guid128 **marks_r,
    size_t *count_r)
{
	if (take_guids(in, bytes, MARKS_MAX, marks_r, count_r, "marks") == -1)
		return -1;
	if (*count_r == 0)
		return bad(in, "marks");
	for (size_t i = 1; i < *count_r; i++) {
		if (guid_cmp(&(*marks_r)[i - 1], &(*marks_r)[i]) >= 0)
			return bad(in, "order of marks");
	}
	return 0;
}

static int
take_digest(struct in *in, ProtobufCBinaryData bytes, const uint8_t **digest_r)
{
	if (bytes.len != 0 && bytes.len != DIGEST_SIZE)
		return bad(in, "digest");
	*digest_r = bytes.len == 0 ? NULL : bytes.data;
	return 0;
}

static int
take_name(struct in *in, ProtobufCBinaryData bytes, const char **name_r)
{
	char *name;

	if (bytes.len == 0 || bytes.len > NAME_MAX_BYTES ||
	    !name_valid((const char *)bytes.data, bytes.len))
		return bad(in, "name");
	if ((name = copy_str(in, bytes)) == NULL)
		return -1;
	*name_r = name;
	return 0;
}

static int
take_names(struct in *in, size_t count, const ProtobufCBinaryData *bytes,
    const char ***names_r, size_t *count_r)
{
	const char **names;
	size_t total = 0;

	if (count > FILTERS_MAX)
		return bad(in, "number of names");
	if ((names = room(in, count, sizeof(*names))) == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (take_name(in, bytes[i], &names[i]) == -1)
			return -1;
		total += bytes[i].len;
	}
	if (total > FILTER_BYTES_MAX)
		return bad(in, "length of names");
	*names_r = names;
	*count_r = count;
	return 0;
}

/*
 * Text for people: whatever could move a cursor or is no UTF-8 becomes '?',
 * byte by byte.  Doing so again changes nothing.
 */
static int
take_text(struct in *in, ProtobufCBinaryData bytes, size_t max,
    const char **text_r)
{
	uint32_t c;
	char *text;
	size_t n;

	if (bytes.len > max)
		return bad(in, "length of a text");
	if ((text = copy_str(in, bytes)) == NULL)
		return -1;
	for (size_t i = 0; i < bytes.len; i += n) {
		n = utf8_next(bytes.data + i, bytes.len - i, &c);
		if (n != 0 && c >= 0x20 && (c < 0x7f || c > 0x9f))
			continue;
		n = n == 0 ? 1 : n;
		memset(text + i, '?', n);
	}
	*text_r = text;
	return 0;
}

static int
take_guid_text(struct in *in, ProtobufCBinaryData bytes, const char **guid_r)
{
	char *guid;

	if (bytes.len == 0 || bytes.len > GUID_TEXT_MAX ||
	    !guid_text_valid((const char *)bytes.data, bytes.len))
		return bad(in, "message GUID");
	if ((guid = copy_str(in, bytes)) == NULL)
		return -1;
	*guid_r = guid;
	return 0;
}

/* The GUID of a message, as 16 bytes or as text. */
static int
take_message_guid(struct in *in, ProtobufCBinaryData hex,
    ProtobufCBinaryData text, const char **guid_r)
{
	char *guid;

	if (hex.len == 0)
		return take_guid_text(in, text, guid_r);
	if (hex.len != GUID_SIZE || text.len != 0)
		return bad(in, "message GUID");
	if ((guid = room(in, GUID_HEX_SIZE, 1)) == NULL)
		return -1;
	hex_format(guid, hex.data, GUID_SIZE);
	*guid_r = guid;
	return 0;
}

static int
take_uidl(struct in *in, ProtobufCBinaryData bytes, const char **uidl_r)
{
	char *uidl;

	if (bytes.len == 0)
		return 0;
	if (bytes.len > POP3_UIDL_MAX)
		return bad(in, "POP3 UIDL");
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f)
			return bad(in, "POP3 UIDL");
	}
	if ((uidl = copy_str(in, bytes)) == NULL)
		return -1;
	*uidl_r = uidl;
	return 0;
}

static int
take_keyword(struct in *in, const Dsync__Keyword *pb, struct keyword *keyword_r)
{
	char *name;

	if (!keyword_valid((const char *)pb->name.data, pb->name.len))
		return bad(in, "keyword");
	if ((name = copy_str(in, pb->name)) == NULL)
		return -1;
	keyword_r->name = name;
	keyword_r->set = !pb->cleared;
	return take_stamp(in, pb->stamp, &keyword_r->stamp);
}

static int
take_flags(struct in *in, const Dsync__Flags *pb, struct mail_flags *mf_r)
{
	struct keyword *keywords;
	size_t n = 0;

	if (pb == NULL)
		return 0;
	if ((pb->flags | pb->stamped) & ~FLAGS_ALL)
		return bad(in, "flags");
	mf_r->flags = (flags_t)pb->flags;
	for (unsigned int i = 0; i < FLAG_COUNT; i++) {
		if ((pb->stamped & 1U << i) == 0)
			continue;
		if (n == pb->n_stamps || pb->stamps[n] == 0 ||
		    take_stamp(in, pb->stamps[n++], &mf_r->stamps[i]) == -1)
			return bad(in, "stamps");
	}
	if (n != pb->n_stamps)
		return bad(in, "number of stamps");
	if (pb->n_keywords > KEYWORDS_MAX)
		return bad(in, "number of keywords");
	if (pb->n_keywords == 0)
		return 0;
	keywords = room(in, pb->n_keywords, sizeof(*keywords));
	if (keywords == NULL)
		return -1;
	for (size_t i = 0; i < pb->n_keywords; i++) {
		if (take_keyword(in, pb->keywords[i], &keywords[i]) == -1)
			return -1;
		if (i > 0 && keyword_cmp(keywords[i - 1].name,
		    keywords[i].name) >= 0)
			return bad(in, "order of keywords");
	}
	mf_r->keywords = keywords;
	mf_r->keyword_count = pb->n_keywords;
	return 0;
}

/* A message record; uid_min: 0 if the UID may be left to the store. */
static int
take_record(struct in *in, const Dsync__Message *pb, uint32_t uid_min,
    struct msg_message *m)
{
	if (pb == NULL)
		return bad(in, "message");
	m->received = RECEIVED_NONE;
	if (pb->received_known_case ==
	    DSYNC__MESSAGE__RECEIVED_KNOWN_RECEIVED &&
	    take_received(in, pb->received, &m->received) == -1)
		return -1;
	m->is_new = pb->is_new;
	m->held = pb->held;
	m->pop3_order = pb->pop3_order;
	if (take_u32(in, pb->uid, uid_min, UINT32_MAX, &m->uid, "UID") == -1 ||
	    take_message_guid(in, pb->guid_hex, pb->guid_text,
	    &m->guid) == -1 ||
	    take_marks(in, pb->marks, &m->marks, &m->mark_count) == -1 ||
	    take_flags(in, pb->flags, &m->flags) == -1 ||
	    take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq") == -1 ||
	    take_digest(in, pb->digest, &m->digest) == -1)
		return -1;
	return take_uidl(in, pb->pop3_uidl, &m->pop3_uidl);
}

static int
take_box(struct in *in, const Dsync__Mailbox *pb, struct msg_mailbox *m)
{
	uint32_t min;

	if (pb == NULL)
		return bad(in, "mailbox");
	m->selectable = !pb->directory;
	m->is_new = pb->is_new;
	m->tree_changed = pb->tree_changed;
	m->uidvalidity_changed = pb->uidvalidity_changed;
	min = m->selectable ? 1 : 0;
	if (take_guid(in, pb->guid, &m->guid, "mailbox GUID") == -1 ||
	    take_name(in, pb->name, &m->name) == -1 ||
	    take_stamp(in, pb->exist_stamp, &m->exist_stamp) == -1 ||
	    take_stamp(in, pb->parent_stamp, &m->parent_stamp) == -1 ||
	    take_stamp(in, pb->last_stamp, &m->last_stamp) == -1 ||
	    take_u32(in, pb->uidvalidity, min, UINT32_MAX, &m->uidvalidity,
	    "UIDVALIDITY") == -1 ||
	    take_u32(in, pb->uidnext, min, UINT32_MAX, &m->uidnext,
	    "UIDNEXT") == -1 ||
	    take_u64(in, pb->highestmodseq, MODSEQ_MAX, &m->highestmodseq,
	    "HIGHESTMODSEQ") == -1 ||
	    take_u64(in, pb->messages, COUNT_MAX, &m->messages,
	    "number of messages") == -1 ||
	    take_guids(in, pb->aliases, ALIASES_MAX, &m->aliases,
	    &m->alias_count, "aliases") == -1)
		return -1;
	return take_digest(in, pb->set_digest, &m->set_digest);
}

static int
take_sub(struct in *in, const Dsync__Subscription *pb,
    struct msg_subscription *m)
{
	if (pb == NULL)
		return bad(in, "subscription");
	m->on = pb->on;
	if (take_name(in, pb->name, &m->name) == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

static int
take_positions(struct in *in, size_t count, Dsync__Position **pb,
    struct msg_position **positions_r, size_t *count_r)
{
	struct msg_position *positions;

	if (count > POSITIONS_MAX)
		return bad(in, "number of positions");
	if ((positions = room(in, count, sizeof(*positions))) == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (take_guid(in, pb[i]->peer, &positions[i].peer,
		    "position") == -1 ||
		    take_guid(in, pb[i]->run, &positions[i].run,
		    "position") == -1 ||
		    take_guid0(in, pb[i]->scope, &positions[i].scope,
		    "position") == -1)
			return -1;
	}
	*positions_r = positions;
	*count_r = count;
	return 0;
}

static int
take_code(struct in *in, uint32_t value, uint32_t min, enum err_code *code_r)
{
	uint32_t code = 0;

	if (take_u32(in, value, min, ERR_REFUSED, &code, "error code") == -1)
		return -1;
	*code_r = (enum err_code)code;
	return 0;
}

static int
take_nothing(struct in *in, const void *from, struct msg *msg)
{
	(void)in;
	(void)from;
	(void)msg;
	return 0;
}

static int
take_hello(struct in *in, const void *from, struct msg *msg)
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
take_welcome(struct in *in, const void *from, struct msg *msg)
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
take_begin(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Begin *pb = from;

	if (take_guid(in, pb->peer, &msg->u.begin.peer, "peer") == -1)
		return -1;
	return take_guid0(in, pb->base_run, &msg->u.begin.base, "base");
}

static int
take_view(struct in *in, const void *from, struct msg *msg)
{
	struct msg_view *m = &msg->u.view;
	const Dsync__View *pb = from;

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
take_mailbox(struct in *in, const void *from, struct msg *msg)
{
	return take_box(in, from, &msg->u.mailbox);
}

static int
take_mailbox_gone(struct in *in, const void *from, struct msg *msg)
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
take_subscription(struct in *in, const void *from, struct msg *msg)
{
	return take_sub(in, from, &msg->u.subscription);
}

static int
take_messages(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Messages *pb = from;

	msg->u.messages.request = pb->request;
	return take_guid(in, pb->mailbox, &msg->u.messages.mailbox,
	    "mailbox GUID");
}

static int
take_messages_end(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__MessagesEnd *pb = from;

	(void)in;
	msg->u.messages_end.more = pb->more;
	return 0;
}

static int
take_message(struct in *in, const void *from, struct msg *msg)
{
	return take_record(in, from, 1, &msg->u.message);
}

static int
take_gone(struct in *in, const void *from, struct msg *msg)
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
take_ranges(struct in *in, const Dsync__List *pb, struct msg_list *m)
{
	size_t count = pb->n_ranges / 2;
	uint32_t last = 0;

	if (pb->n_ranges % 2 != 0 || count > LIST_RANGES_MAX)
		return bad(in, "number of ranges");
	if (count == 0)
		return 0;
	if ((m->ranges = room(in, count, sizeof(*m->ranges))) == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		m->ranges[i].first = pb->ranges[2 * i];
		m->ranges[i].last = pb->ranges[2 * i + 1];
		if (m->ranges[i].first <= last ||
		    m->ranges[i].last < m->ranges[i].first)
			return bad(in, "range");
		last = m->ranges[i].last;
	}
	m->range_count = count;
	return 0;
}

static int
take_list(struct in *in, const void *from, struct msg *msg)
{
	struct msg_list *m = &msg->u.list;
	const Dsync__List *pb = from;

	m->after_uid = pb->after_uid;
	m->max = pb->max;
	m->digests = pb->digests;
	m->tombstones = pb->tombstones;
	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_ranges(in, pb, m) == -1)
		return -1;
	return take_guids(in, pb->marks, LIST_MARKS_MAX, &m->marks,
	    &m->mark_count, "marks");
}

static int
take_have(struct in *in, const void *from, struct msg *msg)
{
	struct msg_have *m = &msg->u.have;
	const Dsync__Have *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1)
		return -1;
	if (pb->n_guids > HAVE_MAX)
		return bad(in, "number of GUIDs");
	if ((m->guids = room(in, pb->n_guids, sizeof(*m->guids))) == NULL)
		return -1;
	for (size_t i = 0; i < pb->n_guids; i++) {
		if (take_guid_text(in, pb->guids[i], &m->guids[i]) == -1)
			return -1;
	}
	m->guid_count = pb->n_guids;
	return 0;
}

static int
take_have_reply(struct in *in, const void *from, struct msg *msg)
{
	struct msg_have_reply *m = &msg->u.have_reply;
	const Dsync__HaveReply *pb = from;

	if (pb->bits.len > HAVE_BITS_MAX)
		return bad(in, "number of bits");
	m->bits = pb->bits.data;
	m->bits_len = pb->bits.len;
	return take_number(in, pb->request, &m->request, "request");
}

static int
take_get(struct in *in, const void *from, struct msg *msg)
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
take_body(struct in *in, const void *from, struct msg *msg)
{
	struct msg_body *m = &msg->u.body;
	const Dsync__Body *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_u64(in, pb->size, BODY_SIZE_MAX, &m->size, "size") == -1)
		return -1;
	return take_received(in, pb->received, &m->received);
}

static int
take_get_failed(struct in *in, const void *from, struct msg *msg)
{
	struct msg_get_failed *m = &msg->u.get_failed;
	const Dsync__GetFailed *pb = from;

	if (take_number(in, pb->request, &m->request, "request") == -1 ||
	    take_code(in, (uint32_t)pb->code, 1, &m->code) == -1)
		return -1;
	return take_text(in, pb->text, TEXT_MAX, &m->text);
}

static int
take_body_end(struct in *in, const void *from, struct msg *msg)
{
	struct msg_body_end *m = &msg->u.body_end;
	const Dsync__BodyEnd *pb = from;

	m->failed = pb->failed;
	if (take_digest(in, pb->digest, &m->digest) == -1)
		return -1;
	return m->failed == (m->digest == NULL) ? 0 : bad(in, "digest");
}

static int
take_op_mailbox(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_mailbox *m = &msg->u.op_mailbox;
	const Dsync__OpMailbox *pb = from;

	m->create = pb->create;
	m->recreate = pb->recreate;
	m->temporary = pb->temporary;
	if (m->recreate && !m->create)
		return bad(in, "recreate without create");
	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_box(in, pb->mailbox, &m->box) == -1)
		return -1;
	return take_guid0(in, pb->new_guid, &m->new_guid, "mailbox GUID");
}

static int
take_op_mailbox_delete(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_mailbox_delete *m = &msg->u.op_mailbox_delete;
	const Dsync__OpMailboxDelete *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->guid, &m->guid, "mailbox GUID") == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

static int
take_op_subscribe(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_subscribe *m = &msg->u.op_subscribe;
	const Dsync__OpSubscribe *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1)
		return -1;
	return take_sub(in, pb->subscription, &m->sub);
}

static int
take_op_save(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_save *m = &msg->u.op_save;
	const Dsync__OpSave *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_record(in, pb->message, 0, &m->message) == -1 ||
	    take_u64(in, pb->size, BODY_SIZE_MAX, &m->size, "size") == -1)
		return -1;
	return m->message.received == RECEIVED_NONE ?
	    bad(in, "received date") : 0;
}

static int
take_op_copy(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_copy *m = &msg->u.op_copy;
	const Dsync__OpCopy *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1)
		return -1;
	return take_record(in, pb->message, 0, &m->message);
}

static int
take_op_flags(struct in *in, const void *from, struct msg *msg)
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
take_op_expunge(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_expunge *m = &msg->u.op_expunge;
	const Dsync__OpExpunge *pb = from;

	m->no_tombstone = pb->no_tombstone;
	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1)
		return -1;
	return take_marks(in, pb->marks, &m->marks, &m->mark_count);
}

static int
take_op_set_uid(struct in *in, const void *from, struct msg *msg)
{
	struct msg_op_set_uid *m = &msg->u.op_set_uid;
	const Dsync__OpSetUid *pb = from;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_number(in, pb->uid, &m->uid, "UID") == -1 ||
	    take_guid(in, pb->mark, &m->mark, "mark") == -1)
		return -1;
	return take_number(in, pb->new_uid, &m->new_uid, "UID");
}

static int
take_flush(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Flush *pb = from;

	return take_number(in, pb->op, &msg->u.flush.op, "operation number");
}

static int
take_result(struct in *in, const void *from, struct msg *msg)
{
	struct msg_result *m = &msg->u.result;
	const Dsync__Result *pb = from;
	uint32_t status = 0;

	if (take_number(in, pb->op, &m->op, "operation number") == -1 ||
	    take_u32(in, (uint32_t)pb->status, RESULT_OTHER_UID, RESULT_FAILED,
	    &status, "status") == -1 ||
	    take_code(in, (uint32_t)pb->code, 0, &m->code) == -1 ||
	    take_text(in, pb->text, TEXT_MAX, &m->text) == -1)
		return -1;
	m->status = (enum result_status)status;
	m->uid = pb->uid;
	return (m->status == RESULT_OTHER_UID) == (m->uid != 0) ? 0 :
	    bad(in, "UID");
}

static int
take_done(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Done *pb = from;

	return take_number(in, pb->op, &msg->u.done.op, "operation number");
}

static int
take_pending(struct in *in, const void *from, struct msg *msg)
{
	struct msg_pending *m = &msg->u.pending;
	const Dsync__Pending *pb = from;

	m->uid = pb->uid;
	if (take_guid0(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1 ||
	    take_guid0(in, pb->mark, &m->mark, "mark") == -1)
		return -1;
	if (guid_is_zero(&m->mailbox))
		return take_name(in, pb->text, &m->text);
	return take_text(in, pb->text, TEXT_MAX, &m->text);
}

static int
take_commit(struct in *in, const void *from, struct msg *msg)
{
	struct msg_commit *m = &msg->u.commit;
	const Dsync__Commit *pb = from;

	if (take_guid(in, pb->peer, &m->peer, "peer") == -1 ||
	    take_guid0(in, pb->scope, &m->scope, "scope") == -1)
		return -1;
	return take_u64(in, pb->peer_messages, COUNT_MAX, &m->peer_messages,
	    "number of messages");
}

static int
take_committed(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Committed *pb = from;

	(void)in;
	msg->u.committed.pending = pb->pending;
	return 0;
}

static int
take_error(struct in *in, const void *from, struct msg *msg)
{
	const Dsync__Error *pb = from;

	if (take_code(in, (uint32_t)pb->code, 1, &msg->u.error.code) == -1)
		return -1;
	return take_text(in, pb->text, TEXT_MAX, &msg->u.error.text);
}

#define ROW(kind, take) [DSYNC__ENVELOPE__KIND_##kind] = { MSG_##kind, take }

static const struct take_row {
	enum msg_kind kind;
	int (*take)(struct in *in, const void *from, struct msg *msg);
} take_rows[] = {
	ROW(MESSAGE, take_message),
	ROW(GONE, take_gone),
	ROW(OP_FLAGS, take_op_flags),
	ROW(OP_COPY, take_op_copy),
	ROW(OP_SAVE, take_op_save),
	ROW(OP_EXPUNGE, take_op_expunge),
	ROW(OP_SET_UID, take_op_set_uid),
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
	ROW(TREE, take_nothing),
	ROW(TREE_END, take_nothing),
	ROW(LIST, take_list),
	ROW(HAVE, take_have),
	ROW(HAVE_REPLY, take_have_reply),
	ROW(GET_FAILED, take_get_failed),
	ROW(OP_MAILBOX, take_op_mailbox),
	ROW(OP_MAILBOX_DELETE, take_op_mailbox_delete),
	ROW(OP_SUBSCRIBE, take_op_subscribe),
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
	struct in in = { pool, 0, err };
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
