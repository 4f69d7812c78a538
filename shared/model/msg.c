#include "config.h"

#include <sys/endian.h>

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "model/msg.h"

static const char *const kind_names[MSG_KIND_COUNT] = {
	[MSG_HELLO] = "HELLO",
	[MSG_BEGIN] = "BEGIN",
	[MSG_LIST] = "LIST",
	[MSG_TREE] = "TREE",
	[MSG_HAVE] = "HAVE",
	[MSG_GET] = "GET",
	[MSG_OP_MAILBOX] = "OP_MAILBOX",
	[MSG_OP_MAILBOX_DELETE] = "OP_MAILBOX_DELETE",
	[MSG_OP_SUBSCRIBE] = "OP_SUBSCRIBE",
	[MSG_OP_SAVE] = "OP_SAVE",
	[MSG_OP_COPY] = "OP_COPY",
	[MSG_OP_FLAGS] = "OP_FLAGS",
	[MSG_OP_EXPUNGE] = "OP_EXPUNGE",
	[MSG_OP_SET_UID] = "OP_SET_UID",
	[MSG_OP_MODSEQ] = "OP_MODSEQ",
	[MSG_OP_ATTRIBUTE] = "OP_ATTRIBUTE",
	[MSG_FLUSH] = "FLUSH",
	[MSG_COMMIT] = "COMMIT",
	[MSG_BYE] = "BYE",
	[MSG_WELCOME] = "WELCOME",
	[MSG_VIEW] = "VIEW",
	[MSG_MAILBOX] = "MAILBOX",
	[MSG_MAILBOX_GONE] = "MAILBOX_GONE",
	[MSG_SUBSCRIPTION] = "SUBSCRIPTION",
	[MSG_ATTRIBUTE] = "ATTRIBUTE",
	[MSG_TREE_END] = "TREE_END",
	[MSG_MESSAGES] = "MESSAGES",
	[MSG_MESSAGE] = "MESSAGE",
	[MSG_GONE] = "GONE",
	[MSG_MESSAGES_END] = "MESSAGES_END",
	[MSG_VIEW_END] = "VIEW_END",
	[MSG_HAVE_REPLY] = "HAVE_REPLY",
	[MSG_BODY] = "BODY",
	[MSG_GET_FAILED] = "GET_FAILED",
	[MSG_RESULT] = "RESULT",
	[MSG_DONE] = "DONE",
	[MSG_COMMITTED] = "COMMITTED",
	[MSG_PENDING] = "PENDING",
	[MSG_BODY_CHUNK] = "BODY_CHUNK",
	[MSG_BODY_END] = "BODY_END",
	[MSG_ERROR] = "ERROR",
};

const char *
msg_kind_name(enum msg_kind kind)
{
	if ((size_t)kind >= nitems(kind_names) || kind_names[kind] == NULL)
		return "message";
	return kind_names[kind];
}

/* Small pieces for a digest, gathered so that it is fed large ones. */
struct gather {
	struct digest_ctx *ctx;
	size_t len;
	uint8_t buf[512];
};

static void
gather_flush(struct gather *g)
{
	digest_update(g->ctx, g->buf, g->len);
	g->len = 0;
}

static void
gather_add(struct gather *g, const void *data, size_t len)
{
	if (len > sizeof(g->buf) - g->len)
		gather_flush(g);
	if (len > sizeof(g->buf)) {
		digest_update(g->ctx, data, len);
		return;
	}
	memcpy(g->buf + g->len, data, len);
	g->len += len;
}

static void
gather_u32(struct gather *g, size_t value)
{
	uint8_t raw[4];

	be32enc(raw, (uint32_t)value);
	gather_add(g, raw, sizeof(raw));
}

static void
gather_u64(struct gather *g, uint64_t value)
{
	gather_u32(g, (uint32_t)(value >> 32));
	gather_u32(g, (uint32_t)value);
}

/* A keyword in lower case, so that its spelling does not count. */
static void
gather_keyword(struct gather *g, const char *name)
{
	size_t len = strnlen(name, KEYWORD_MAX);
	char lower[KEYWORD_MAX];

	for (size_t i = 0; i < len; i++) {
		lower[i] = name[i];
		if (name[i] >= 'A' && name[i] <= 'Z')
			lower[i] = (char)(name[i] - 'A' + 'a');
	}
	gather_u32(g, len);
	gather_add(g, lower, len);
}

/*
 * Each part has its length or count in front: no two different records feed
 * the same bytes.
 */
void
msg_set_digest_add(struct digest_ctx *ctx, const struct msg_message *m)
{
	struct gather g = { .ctx = ctx };
	size_t guid_len = strlen(m->guid), set = 0;

	gather_u32(&g, m->uid);
	gather_u32(&g, guid_len);
	gather_add(&g, m->guid, guid_len);
	gather_u32(&g, m->flags.flags & FLAGS_ALL);
	for (size_t i = 0; i < m->flags.keyword_count; i++)
		set += m->flags.keywords[i].set ? 1 : 0;
	gather_u32(&g, set);
	for (size_t i = 0; i < m->flags.keyword_count; i++) {
		if (m->flags.keywords[i].set)
			gather_keyword(&g, m->flags.keywords[i].name);
	}
	gather_u32(&g, m->mark_count);
	for (size_t i = 0; i < m->mark_count; i++)
		gather_add(&g, m->marks[i].b, GUID_SIZE);
	gather_u64(&g, m->modseq);
	gather_flush(&g);
}

struct msg_message
msg_message_dup(struct arena *arena, const struct msg_message *m)
{
	struct msg_message copy = *m;

	copy.guid = arena_strdup(arena, m->guid);
	copy.marks = arena_memdup(arena, m->marks,
	    m->mark_count * sizeof(*m->marks));
	copy.flags = mail_flags_dup(arena, &m->flags);
	if (m->digest != NULL)
		copy.digest = arena_memdup(arena, m->digest, DIGEST_SIZE);
	if (m->pop3_uidl != NULL)
		copy.pop3_uidl = arena_strdup(arena, m->pop3_uidl);
	return copy;
}

static int
mark_cmp(const void *a, const void *b)
{
	return guid_cmp(a, b);
}

size_t
marks_normalise(struct guid128 *marks, size_t count)
{
	size_t n = 1;

	if (count < 2)
		return count;
	qsort(marks, count, sizeof(*marks), mark_cmp);
	for (size_t i = 1; i < count; i++) {
		if (guid_cmp(&marks[n - 1], &marks[i]) != 0)
			marks[n++] = marks[i];
	}
	return n;
}

bool
marks_have(const struct guid128 *marks, size_t count,
    const struct guid128 *mark)
{
	for (size_t i = 0; i < count; i++) {
		if (guid_eq(&marks[i], mark))
			return true;
	}
	return false;
}

bool
marks_sorted_have(const struct guid128 *marks, size_t count,
    const struct guid128 *mark)
{
	return count > 0 &&
	    bsearch(mark, marks, count, sizeof(*marks), mark_cmp) != NULL;
}
