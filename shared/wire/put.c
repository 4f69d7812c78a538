/*
 * Nothing is copied but what has another form in the generated types: they
 * borrow the strings of the message, and are packed before anyone can change
 * them.
 */
#include "config.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "wire/limits.h"
#include "wire/put.h"

void *
put_alloc(struct putter *out, size_t n, size_t size)
{
	void *p = pool_calloc(out->pool, n, size);

	if (p == NULL)
		mem_fatal("out of memory for a message");
	return p;
}

size_t
put_count(struct putter *out, size_t count, size_t max)
{
	if (count <= max)
		return count;
	out->failed = true;
	return 0;
}

ProtobufCBinaryData
put_bytes(const void *data, size_t len)
{
	return (ProtobufCBinaryData){ .len = len,
	    .data = (uint8_t *)(uintptr_t)data };
}

ProtobufCBinaryData
put_guid(const struct guid128 *guid)
{
	return put_bytes(guid->b, guid_is_zero(guid) ? 0 : GUID_SIZE);
}

ProtobufCBinaryData
put_guids(struct putter *out, const struct guid128 *guids, size_t count,
    size_t max)
{
	return put_bytes(guids, put_count(out, count, max) * GUID_SIZE);
}

ProtobufCBinaryData
put_marks(struct putter *out, const struct guid128 *marks, size_t count)
{
	struct guid128 *sorted;
	size_t i = 1;

	count = put_count(out, count, MARKS_MAX);
	while (i < count && guid_cmp(&marks[i - 1], &marks[i]) < 0)
		i++;
	if (i >= count)
		return put_bytes(marks, count * GUID_SIZE);
	sorted = put_alloc(out, count, sizeof(*sorted));
	memcpy(sorted, marks, count * sizeof(*sorted));
	count = marks_normalise(sorted, count);
	return put_bytes(sorted, count * GUID_SIZE);
}

ProtobufCBinaryData
put_digest(const uint8_t *digest)
{
	return put_bytes(digest, digest == NULL ? 0 : DIGEST_SIZE);
}

ProtobufCBinaryData
put_str(const char *str)
{
	return put_bytes(str, str == NULL ? 0 : strlen(str));
}

ProtobufCBinaryData
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

uint64_t
put_stamp(uint64_t stamp)
{
	return stamp < STAMP_MAX ? stamp : STAMP_MAX;
}

uint64_t
put_u64(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

int64_t
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
void
put_message_guid(struct putter *out, const char *guid,
    ProtobufCBinaryData *hex_r, ProtobufCBinaryData *text_r)
{
	struct guid128 *raw;
	size_t len = strlen(guid);

	if (len == 2 * GUID_SIZE && strpbrk(guid, "ABCDEF") == NULL) {
		raw = put_alloc(out, 1, sizeof(*raw));
		if (guid_parse(raw, guid, len)) {
			*hex_r = put_bytes(raw->b, GUID_SIZE);
			return;
		}
	}
	*text_r = put_bytes(guid, len);
}

void
put_strings(struct putter *out, const char **strs, size_t count, size_t max,
    size_t bytes_max, size_t *n_r, ProtobufCBinaryData **v_r)
{
	size_t bytes = 0;

	count = put_count(out, count, max);
	*v_r = put_alloc(out, count, sizeof(**v_r));
	for (size_t i = 0; i < count; i++) {
		(*v_r)[i] = put_str(strs[i]);
		bytes += (*v_r)[i].len;
	}
	if (bytes > bytes_max)
		out->failed = true;
	*n_r = count;
}

static void
put_keywords(struct putter *out, const struct mail_flags *mf,
    Dsync__Flags *flags)
{
	size_t count = put_count(out, mf->keyword_count, KEYWORDS_MAX);
	Dsync__Keyword *keywords;

	if (count == 0)
		return;
	keywords = put_alloc(out, count, sizeof(*keywords));
	flags->keywords = put_alloc(out, count, sizeof(*flags->keywords));
	flags->n_keywords = count;
	for (size_t i = 0; i < count; i++) {
		dsync__keyword__init(&keywords[i]);
		keywords[i].name = put_str(mf->keywords[i].name);
		keywords[i].stamp = put_stamp(mf->keywords[i].stamp);
		keywords[i].cleared = !mf->keywords[i].set;
		flags->keywords[i] = &keywords[i];
	}
}

Dsync__Flags *
put_flags(struct putter *out, const struct mail_flags *mf)
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
	PUT_NEW(flags, dsync__flags);
	flags->flags = mf->flags;
	flags->stamped = stamped;
	if (n > 0) {
		flags->stamps = put_alloc(out, n, sizeof(*stamps));
		memcpy(flags->stamps, stamps, n * sizeof(*stamps));
		flags->n_stamps = n;
	}
	put_keywords(out, mf, flags);
	return flags;
}

Dsync__Message *
put_record(struct putter *out, const struct msg_message *m)
{
	Dsync__Message *pb;

	PUT_NEW(pb, dsync__message);
	pb->uid = m->uid;
	put_message_guid(out, m->guid, &pb->guid_hex, &pb->guid_text);
	pb->marks = put_marks(out, m->marks, m->mark_count);
	pb->flags = put_flags(out, &m->flags);
	pb->modseq = put_u64(m->modseq, MODSEQ_MAX);
	pb->is_new = m->is_new;
	pb->held = m->held;
	pb->moved = m->moved;
	pb->saved = m->saved;
	pb->digest = put_digest(m->digest);
	pb->size = put_u64(m->size, BODY_SIZE_MAX);
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

Dsync__Mailbox *
put_box(struct putter *out, const struct msg_mailbox *m)
{
	Dsync__Mailbox *pb;

	PUT_NEW(pb, dsync__mailbox);
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

Dsync__Subscription *
put_sub(struct putter *out, const struct msg_subscription *m)
{
	Dsync__Subscription *pb;

	PUT_NEW(pb, dsync__subscription);
	pb->name = put_str(m->name);
	pb->on = m->on;
	pb->stamp = put_stamp(m->stamp);
	return pb;
}

Dsync__Attribute *
put_attribute(struct putter *out, const struct msg_attribute *m)
{
	Dsync__Attribute *pb;

	PUT_NEW(pb, dsync__attribute);
	pb->mailbox = put_guid(&m->mailbox);
	pb->key = put_str(m->key);
	pb->gone = m->value == NULL;
	pb->value = put_bytes(m->value, put_count(out, pb->gone ? 0 :
	    m->len, ATTRIBUTE_VALUE_MAX));
	pb->stamp = put_stamp(m->stamp);
	return pb;
}

void
put_positions(struct putter *out, const struct msg_position *positions,
    size_t count, size_t *n_r, Dsync__Position ***v_r)
{
	count = put_count(out, count, POSITIONS_MAX);
	*v_r = put_alloc(out, count, sizeof(**v_r));
	for (size_t i = 0; i < count; i++) {
		PUT_NEW((*v_r)[i], dsync__position);
		(*v_r)[i]->peer = put_guid(&positions[i].peer);
		(*v_r)[i]->run = put_guid(&positions[i].run);
		(*v_r)[i]->scope = put_guid(&positions[i].scope);
	}
	*n_r = count;
}
