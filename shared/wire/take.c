/*
 * Each function checks one kind of field completely; none leaves a check to
 * its caller.  What it gives lies in the pool.
 */
#include "config.h"

#include <string.h>

#include "base/digest.h"
#include "base/utf8.h"
#include "wire/limits.h"
#include "wire/take.h"

int
take_bad(struct taker *in, const char *what)
{
	return err_set(in->err, ERR_PROTO, "%s: bad %s",
	    msg_kind_name(in->kind), what);
}

void *
take_room(struct taker *in, size_t n, size_t size)
{
	void *p = pool_calloc(in->pool, n, size);

	if (p == NULL)
		err_set(in->err, ERR_PROTO, "%s: takes too much memory",
		    msg_kind_name(in->kind));
	return p;
}

/* The bytes with a final NUL; whether they hold another is checked later. */
static char *
copy_str(struct taker *in, ProtobufCBinaryData bytes)
{
	char *str = take_room(in, bytes.len + 1, 1);

	if (str != NULL && bytes.len > 0)
		memcpy(str, bytes.data, bytes.len);
	return str;
}

int
take_u32(struct taker *in, uint32_t value, uint32_t min, uint32_t max,
    uint32_t *value_r, const char *what)
{
	if (value < min || value > max)
		return take_bad(in, what);
	*value_r = value;
	return 0;
}

int
take_number(struct taker *in, uint32_t value, uint32_t *value_r,
    const char *what)
{
	return take_u32(in, value, 1, UINT32_MAX, value_r, what);
}

int
take_u64(struct taker *in, uint64_t value, uint64_t max, uint64_t *value_r,
    const char *what)
{
	if (value > max)
		return take_bad(in, what);
	*value_r = value;
	return 0;
}

int
take_stamp(struct taker *in, uint64_t value, uint64_t *value_r)
{
	return take_u64(in, value, STAMP_MAX, value_r, "stamp");
}

int
take_received(struct taker *in, int64_t value, int64_t *value_r)
{
	if (value < RECEIVED_MIN || value > RECEIVED_MAX)
		return take_bad(in, "received date");
	*value_r = value;
	return 0;
}

int
take_guid0(struct taker *in, ProtobufCBinaryData bytes, struct guid128 *guid_r,
    const char *what)
{
	if (bytes.len != 0 && bytes.len != GUID_SIZE)
		return take_bad(in, what);
	memset(guid_r, 0, sizeof(*guid_r));
	if (bytes.len == GUID_SIZE)
		memcpy(guid_r->b, bytes.data, GUID_SIZE);
	return 0;
}

int
take_guid(struct taker *in, ProtobufCBinaryData bytes, struct guid128 *guid_r,
    const char *what)
{
	if (take_guid0(in, bytes, guid_r, what) == -1)
		return -1;
	return guid_is_zero(guid_r) ? take_bad(in, what) : 0;
}

int
take_guids(struct taker *in, ProtobufCBinaryData bytes, size_t max,
    struct guid128 **guids_r, size_t *count_r, const char *what)
{
	size_t count = bytes.len / GUID_SIZE;

	if (bytes.len % GUID_SIZE != 0 || count > max)
		return take_bad(in, what);
	/* A struct guid128 is bytes: any address is aligned for it. */
	*guids_r = count == 0 ? NULL : (struct guid128 *)bytes.data;
	*count_r = count;
	for (size_t i = 0; i < count; i++) {
		if (guid_is_zero(&(*guids_r)[i]))
			return take_bad(in, what);
	}
	return 0;
}

int
take_marks(struct taker *in, ProtobufCBinaryData bytes,
    struct guid128 **marks_r, size_t *count_r)
{
	if (take_guids(in, bytes, MARKS_MAX, marks_r, count_r, "marks") == -1)
		return -1;
	if (*count_r == 0)
		return take_bad(in, "marks");
	for (size_t i = 1; i < *count_r; i++) {
		if (guid_cmp(&(*marks_r)[i - 1], &(*marks_r)[i]) >= 0)
			return take_bad(in, "order of marks");
	}
	return 0;
}

int
take_digest(struct taker *in, ProtobufCBinaryData bytes,
    const uint8_t **digest_r)
{
	if (bytes.len != 0 && bytes.len != DIGEST_SIZE)
		return take_bad(in, "digest");
	*digest_r = bytes.len == 0 ? NULL : bytes.data;
	return 0;
}

int
take_name(struct taker *in, ProtobufCBinaryData bytes, const char **name_r)
{
	char *name;

	if (bytes.len == 0 || bytes.len > NAME_MAX_BYTES ||
	    !name_valid((const char *)bytes.data, bytes.len))
		return take_bad(in, "name");
	if ((name = copy_str(in, bytes)) == NULL)
		return -1;
	*name_r = name;
	return 0;
}

int
take_names(struct taker *in, size_t count, const ProtobufCBinaryData *bytes,
    const char ***names_r, size_t *count_r)
{
	const char **names;
	size_t total = 0;

	if (count > FILTERS_MAX)
		return take_bad(in, "number of names");
	if ((names = take_room(in, count, sizeof(*names))) == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (take_name(in, bytes[i], &names[i]) == -1)
			return -1;
		total += bytes[i].len;
	}
	if (total > FILTER_BYTES_MAX)
		return take_bad(in, "length of names");
	*names_r = names;
	*count_r = count;
	return 0;
}

/*
 * Text for people: whatever could move a cursor or is no UTF-8 becomes '?',
 * byte by byte.  Doing so again changes nothing.
 */
int
take_text(struct taker *in, ProtobufCBinaryData bytes, size_t max,
    const char **text_r)
{
	uint32_t c;
	char *text;
	size_t n;

	if (bytes.len > max)
		return take_bad(in, "length of a text");
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

int
take_guid_text(struct taker *in, ProtobufCBinaryData bytes, const char **guid_r)
{
	char *guid;

	if (bytes.len == 0 || bytes.len > GUID_TEXT_MAX ||
	    !guid_text_valid((const char *)bytes.data, bytes.len))
		return take_bad(in, "message GUID");
	if ((guid = copy_str(in, bytes)) == NULL)
		return -1;
	*guid_r = guid;
	return 0;
}

int
take_message_guid(struct taker *in, ProtobufCBinaryData hex,
    ProtobufCBinaryData text, const char **guid_r)
{
	char *guid;

	if (hex.len == 0)
		return take_guid_text(in, text, guid_r);
	if (hex.len != GUID_SIZE || text.len != 0)
		return take_bad(in, "message GUID");
	if ((guid = take_room(in, GUID_HEX_SIZE, 1)) == NULL)
		return -1;
	hex_format(guid, hex.data, GUID_SIZE);
	*guid_r = guid;
	return 0;
}

static int
take_uidl(struct taker *in, ProtobufCBinaryData bytes, const char **uidl_r)
{
	char *uidl;

	if (bytes.len == 0)
		return 0;
	if (bytes.len > POP3_UIDL_MAX)
		return take_bad(in, "POP3 UIDL");
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] < 0x20 || bytes.data[i] == 0x7f)
			return take_bad(in, "POP3 UIDL");
	}
	if ((uidl = copy_str(in, bytes)) == NULL)
		return -1;
	*uidl_r = uidl;
	return 0;
}

static int
take_keyword(struct taker *in, const Dsync__Keyword *pb,
    struct keyword *keyword_r)
{
	char *name;

	if (!keyword_valid((const char *)pb->name.data, pb->name.len))
		return take_bad(in, "keyword");
	if ((name = copy_str(in, pb->name)) == NULL)
		return -1;
	keyword_r->name = name;
	keyword_r->set = !pb->cleared;
	return take_stamp(in, pb->stamp, &keyword_r->stamp);
}

int
take_flags(struct taker *in, const Dsync__Flags *pb, struct mail_flags *mf_r)
{
	struct keyword *keywords;
	size_t n = 0;

	if (pb == NULL)
		return 0;
	if ((pb->flags | pb->stamped) & ~FLAGS_ALL)
		return take_bad(in, "flags");
	mf_r->flags = (flags_t)pb->flags;
	for (unsigned int i = 0; i < FLAG_COUNT; i++) {
		if ((pb->stamped & 1U << i) == 0)
			continue;
		if (n == pb->n_stamps || pb->stamps[n] == 0 ||
		    take_stamp(in, pb->stamps[n++], &mf_r->stamps[i]) == -1)
			return take_bad(in, "stamps");
	}
	if (n != pb->n_stamps)
		return take_bad(in, "number of stamps");
	if (pb->n_keywords > KEYWORDS_MAX)
		return take_bad(in, "number of keywords");
	if (pb->n_keywords == 0)
		return 0;
	keywords = take_room(in, pb->n_keywords, sizeof(*keywords));
	if (keywords == NULL)
		return -1;
	for (size_t i = 0; i < pb->n_keywords; i++) {
		if (take_keyword(in, pb->keywords[i], &keywords[i]) == -1)
			return -1;
		if (i > 0 && keyword_cmp(keywords[i - 1].name,
		    keywords[i].name) >= 0)
			return take_bad(in, "order of keywords");
	}
	mf_r->keywords = keywords;
	mf_r->keyword_count = pb->n_keywords;
	return 0;
}

int
take_record(struct taker *in, const Dsync__Message *pb, uint32_t uid_min,
    struct msg_message *m)
{
	if (pb == NULL)
		return take_bad(in, "message");
	m->received = RECEIVED_NONE;
	if (pb->received_known_case ==
	    DSYNC__MESSAGE__RECEIVED_KNOWN_RECEIVED &&
	    take_received(in, pb->received, &m->received) == -1)
		return -1;
	m->is_new = pb->is_new;
	m->held = pb->held;
	m->moved = pb->moved;
	m->pop3_order = pb->pop3_order;
	m->saved = pb->saved;
	if (take_u32(in, pb->uid, uid_min, UINT32_MAX, &m->uid, "UID") == -1 ||
	    take_message_guid(in, pb->guid_hex, pb->guid_text,
	    &m->guid) == -1 ||
	    take_marks(in, pb->marks, &m->marks, &m->mark_count) == -1 ||
	    take_flags(in, pb->flags, &m->flags) == -1 ||
	    take_u64(in, pb->modseq, MODSEQ_MAX, &m->modseq, "modseq") == -1 ||
	    take_digest(in, pb->digest, &m->digest) == -1 ||
	    take_u64(in, pb->size, BODY_SIZE_MAX, &m->size, "size") == -1)
		return -1;
	return take_uidl(in, pb->pop3_uidl, &m->pop3_uidl);
}

int
take_box(struct taker *in, const Dsync__Mailbox *pb, uint32_t uid_min,
    struct msg_mailbox *m)
{
	uint32_t min;

	if (pb == NULL)
		return take_bad(in, "mailbox");
	m->selectable = !pb->directory;
	m->is_new = pb->is_new;
	m->tree_changed = pb->tree_changed;
	m->uidvalidity_changed = pb->uidvalidity_changed;
	min = m->selectable ? uid_min : 0;
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

int
take_sub(struct taker *in, const Dsync__Subscription *pb,
    struct msg_subscription *m)
{
	if (pb == NULL)
		return take_bad(in, "subscription");
	m->on = pb->on;
	if (take_name(in, pb->name, &m->name) == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

int
take_attribute(struct taker *in, const Dsync__Attribute *pb,
    struct msg_attribute *m)
{
	static const uint8_t empty[1];

	if (pb == NULL || pb->value.len > ATTRIBUTE_VALUE_MAX ||
	    (pb->gone && pb->value.len > 0) || (pb->value.len > 0 &&
	    memchr(pb->value.data, '\0', pb->value.len) != NULL))
		return take_bad(in, "attribute");
	if (pb->key.len == 0 || pb->key.len > ATTRIBUTE_KEY_MAX)
		return take_bad(in, "name of an attribute");
	if ((m->key = copy_str(in, pb->key)) == NULL)
		return -1;
	if (!attribute_key_valid(m->key, pb->key.len))
		return take_bad(in, "name of an attribute");
	m->len = pb->value.len;
	m->value = pb->gone ? NULL : m->len == 0 ? empty : pb->value.data;
	if (take_guid(in, pb->mailbox, &m->mailbox, "mailbox GUID") == -1)
		return -1;
	return take_stamp(in, pb->stamp, &m->stamp);
}

int
take_positions(struct taker *in, size_t count, Dsync__Position **pb,
    struct msg_position **positions_r, size_t *count_r)
{
	struct msg_position *positions;

	if (count > POSITIONS_MAX)
		return take_bad(in, "number of positions");
	if ((positions = take_room(in, count, sizeof(*positions))) == NULL)
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

int
take_code(struct taker *in, uint32_t value, uint32_t min, enum err_code *code_r)
{
	uint32_t code = 0;

	if (take_u32(in, value, min, ERR_REFUSED, &code, "error code") == -1)
		return -1;
	*code_r = (enum err_code)code;
	return 0;
}
