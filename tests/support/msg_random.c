#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "model/mailbox_name.h"
#include "tests/support/msg_random.h"
#include "wire/limits.h"

static bool
chance(struct rng *rng, uint32_t n)
{
	return rng_below(rng, n) == 0;
}

/* 0, small, any or max. */
static uint64_t
number(struct rng *rng, uint64_t max)
{
	switch (rng_below(rng, 4)) {
	case 0:
		return 0;
	case 1:
		return rng_u64(rng) % 200 % (max + (max < UINT64_MAX));
	case 2:
		return max;
	}
	return max == UINT64_MAX ? rng_u64(rng) : rng_u64(rng) % (max + 1);
}

static uint32_t
number1(struct rng *rng)
{
	uint32_t n = (uint32_t)number(rng, UINT32_MAX);

	return n == 0 ? 1 : n;
}

/* Mostly few, now and then as many as there may be. */
static size_t
count(struct rng *rng, uint32_t max)
{
	if (chance(rng, 12))
		return max;
	return rng_below(rng, max < 6 ? max + 1 : 6);
}

static struct guid128
guid(struct rng *rng)
{
	struct guid128 g;

	do {
		for (size_t i = 0; i < GUID_SIZE; i++)
			g.b[i] = (uint8_t)rng_u64(rng);
	} while (guid_is_zero(&g));
	return g;
}

static struct guid128
guid0(struct rng *rng)
{
	return chance(rng, 3) ? (struct guid128){ { 0 } } : guid(rng);
}

static struct guid128 *
guids(struct arena *arena, struct rng *rng, size_t n)
{
	struct guid128 *g;

	if (n == 0)
		return NULL;
	g = arena_calloc(arena, n, sizeof(*g));
	for (size_t i = 0; i < n; i++)
		g[i] = guid(rng);
	return g;
}

static struct guid128 *
marks(struct arena *arena, struct rng *rng, size_t *count_r)
{
	struct guid128 *g;

	*count_r = count(rng, MARKS_MAX);
	if (*count_r == 0)
		*count_r = 1;
	g = guids(arena, rng, *count_r);
	*count_r = marks_normalise(g, *count_r);
	return g;
}

static const uint8_t *
digest(struct arena *arena, struct rng *rng)
{
	uint8_t *d = arena_alloc(arena, DIGEST_SIZE);

	for (size_t i = 0; i < DIGEST_SIZE; i++)
		d[i] = (uint8_t)rng_u64(rng);
	return d;
}

static const uint8_t *
digest0(struct arena *arena, struct rng *rng)
{
	return chance(rng, 2) ? NULL : digest(arena, rng);
}

/* len characters of these. */
static char *
chars(struct arena *arena, struct rng *rng, size_t len, const char *of)
{
	char *str = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		str[i] = of[rng_below(rng, (uint32_t)strlen(of))];
	return str;
}

static const char *
text(struct arena *arena, struct rng *rng, uint32_t max)
{
	return chars(arena, rng, count(rng, max), "abc XYZ%/\"\\.,:");
}

static const char *
name(struct arena *arena, struct rng *rng)
{
	static const char *const names[] = {
		"INBOX", "Work\x1fplan", "Entw\xc3\xbcrfe", "a/b",
		"x\x1fy\x1fz", "\xe6\x97\xa5\xe6\x9c\xac", "..", "~root",
	};

	if (!chance(rng, 10))
		return names[rng_below(rng, nitems(names))];
	return chars(arena, rng, NAME_PART_MAX, "abcdef");
}

static const char *
message_guid(struct arena *arena, struct rng *rng)
{
	switch (rng_below(rng, 4)) {
	case 0:
		return chars(arena, rng, 1 + rng_below(rng, GUID_TEXT_MAX),
		    "abcXYZ0123.,=_-\xc3");
	case 1:
		return chars(arena, rng, 32, "0123456789ABCDEF");
	}
	return chars(arena, rng, 32, "0123456789abcdef");
}

static int
keyword_sort(const void *a, const void *b)
{
	return keyword_cmp(((const struct keyword *)a)->name,
	    ((const struct keyword *)b)->name);
}

static struct mail_flags
flags(struct arena *arena, struct rng *rng)
{
	struct mail_flags mf = { 0 };
	size_t n = count(rng, KEYWORDS_MAX), used = 0;
	struct keyword *k;

	if (chance(rng, 3))
		return mf;
	mf.flags = (flags_t)(rng_u64(rng) & FLAGS_ALL);
	for (size_t i = 0; i < FLAG_COUNT; i++)
		mf.stamps[i] = number(rng, STAMP_MAX);
	if (n == 0)
		return mf;
	k = arena_calloc(arena, n, sizeof(*k));
	for (size_t i = 0; i < n; i++) {
		k[i].name = chars(arena, rng, chance(rng, 8) ? KEYWORD_MAX :
		    3 + rng_below(rng, 9), "abcdefgXYZ$-_0123");
		k[i].stamp = number(rng, STAMP_MAX);
		k[i].set = chance(rng, 2);
	}
	qsort(k, n, sizeof(*k), keyword_sort);
	for (size_t i = 0; i < n; i++) {
		if (used == 0 || keyword_cmp(k[used - 1].name, k[i].name) != 0)
			k[used++] = k[i];
	}
	mf.keywords = k;
	mf.keyword_count = used;
	return mf;
}

static int64_t
received(struct rng *rng)
{
	if (chance(rng, 8))
		return chance(rng, 2) ? RECEIVED_MIN : RECEIVED_MAX;
	return (int64_t)(rng_u64(rng) % 6000000000ULL) - 1000000000;
}

static struct msg_message
record(struct arena *arena, struct rng *rng)
{
	struct msg_message m = { .uid = number1(rng) };

	m.guid = message_guid(arena, rng);
	m.marks = marks(arena, rng, &m.mark_count);
	m.flags = flags(arena, rng);
	m.modseq = number(rng, MODSEQ_MAX);
	m.is_new = chance(rng, 2);
	m.held = chance(rng, 2);
	m.moved = chance(rng, 2);
	m.digest = digest0(arena, rng);
	m.size = number(rng, BODY_SIZE_MAX);
	m.received = chance(rng, 3) ? RECEIVED_NONE : received(rng);
	m.saved = number(rng, UINT32_MAX);
	if (chance(rng, 4))
		m.pop3_uidl = chars(arena, rng, 1 + rng_below(rng,
		    POP3_UIDL_MAX), "UID0123456789-");
	m.pop3_order = (uint32_t)number(rng, UINT32_MAX);
	return m;
}

static struct msg_mailbox
box(struct arena *arena, struct rng *rng)
{
	struct msg_mailbox m = { .guid = guid(rng) };

	m.name = name(arena, rng);
	m.selectable = !chance(rng, 4);
	m.is_new = chance(rng, 2);
	m.tree_changed = chance(rng, 2);
	m.uidvalidity_changed = chance(rng, 2);
	m.exist_stamp = number(rng, STAMP_MAX);
	m.parent_stamp = number(rng, STAMP_MAX);
	m.last_stamp = number(rng, STAMP_MAX);
	if (m.selectable) {
		m.uidvalidity = number1(rng);
		m.uidnext = number1(rng);
	}
	m.highestmodseq = number(rng, MODSEQ_MAX);
	m.messages = number(rng, COUNT_MAX);
	m.alias_count = count(rng, ALIASES_MAX);
	m.aliases = guids(arena, rng, m.alias_count);
	m.set_digest = digest0(arena, rng);
	return m;
}

static struct msg_subscription
sub(struct arena *arena, struct rng *rng)
{
	struct msg_subscription m = { .name = name(arena, rng) };

	m.on = chance(rng, 2);
	m.stamp = number(rng, STAMP_MAX);
	return m;
}

static struct msg_attribute
attribute(struct arena *arena, struct rng *rng)
{
	static const char *const keys[] = { "/private/comment", "/shared/a",
	    "/private/vendor/x y" };
	size_t len = number(rng, chance(rng, 8) ? ATTRIBUTE_VALUE_MAX : 64);
	struct msg_attribute m = { .mailbox = guid(rng) };
	uint8_t *value = arena_alloc(arena, len + 1);

	for (size_t i = 0; i <= len; i++)
		value[i] = (uint8_t)(1 + number(rng, 254));
	m.key = keys[number(rng, nitems(keys) - 1)];
	if (chance(rng, 3)) {
		m.value = value;
		m.len = len;
	}
	m.stamp = number(rng, STAMP_MAX);
	return m;
}

static struct msg_position *
positions(struct arena *arena, struct rng *rng, size_t *count_r)
{
	size_t n = *count_r = count(rng, POSITIONS_MAX);
	struct msg_position *p = arena_calloc(arena, n, sizeof(*p));

	for (size_t i = 0; i < n; i++) {
		p[i].peer = guid(rng);
		p[i].run = guid(rng);
		p[i].scope = guid0(rng);
	}
	return p;
}

/* At most FILTER_BYTES_MAX together. */
static const char **
names(struct arena *arena, struct rng *rng, size_t *count_r)
{
	size_t n = count(rng, FILTERS_MAX), i, total = 0;
	const char **v = arena_calloc(arena, n, sizeof(*v));

	for (i = 0; i < n; i++) {
		v[i] = name(arena, rng);
		total += strlen(v[i]);
		if (total > FILTER_BYTES_MAX)
			break;
	}
	*count_r = i;
	return v;
}

static void
random_hello(struct arena *arena, struct rng *rng, struct msg_hello *m)
{
	m->version_min = 1 + rng_below(rng, 5);
	m->version_max = m->version_min + rng_below(rng, 3);
	m->features = number(rng, UINT64_MAX);
	m->required = number(rng, UINT64_MAX);
	m->software = text(arena, rng, SOFTWARE_MAX);
	m->clock_ms = number(rng, UINT64_MAX);
	m->run = guid(rng);
	m->peer = guid0(rng);
	m->label = text(arena, rng, LABEL_MAX);
	m->scope = guid0(rng);
	m->positions = positions(arena, rng, &m->position_count);
	m->begin = chance(rng, 2);
	m->role = (enum run_role)rng_below(rng, ROLE_DESTINATION + 1);
	m->full = chance(rng, 2);
	m->dry_run = chance(rng, 2);
	m->names = names(arena, rng, &m->name_count);
	m->masks = names(arena, rng, &m->mask_count);
	m->alt_char = (char)(0x21 + rng_below(rng, 0x7e - 0x21 + 1));
}

static void
random_list(struct arena *arena, struct rng *rng, struct msg_list *m)
{
	uint32_t uid = 0;

	m->request = number1(rng);
	m->mailbox = guid(rng);
	m->after_uid = (uint32_t)number(rng, UINT32_MAX);
	m->max = (uint32_t)number(rng, UINT32_MAX);
	m->digests = chance(rng, 2);
	m->sizes = chance(rng, 2);
	m->tombstones = chance(rng, 2);
	m->mark_count = count(rng, LIST_MARKS_MAX);
	m->marks = guids(arena, rng, m->mark_count);
	m->range_count = count(rng, LIST_RANGES_MAX);
	m->ranges = arena_calloc(arena, m->range_count, sizeof(*m->ranges));
	for (size_t i = 0; i < m->range_count; i++) {
		uid += 2 + rng_below(rng, 1000000);
		m->ranges[i].first = uid;
		uid += chance(rng, 2) ? 0 : rng_below(rng, 1000000);
		m->ranges[i].last = uid;
	}
}

static void
vanished(struct arena *arena, struct rng *rng, struct msg_op_mailbox *m)
{
	uint32_t uid = 0;

	m->vanished_count = count(rng, VANISHED_MAX);
	m->vanished = arena_calloc(arena, m->vanished_count,
	    sizeof(*m->vanished));
	for (size_t i = 0; i < m->vanished_count; i++)
		m->vanished[i] = uid += 1 + rng_below(rng, 100000);
}

static void
random_have(struct arena *arena, struct rng *rng, struct msg_have *m)
{
	m->request = number1(rng);
	m->guid_count = count(rng, HAVE_MAX);
	m->guids = arena_calloc(arena, m->guid_count, sizeof(*m->guids));
	for (size_t i = 0; i < m->guid_count; i++)
		m->guids[i] = message_guid(arena, rng);
	if (m->guid_count == 0 || chance(rng, 2))
		return;
	m->sizes = arena_calloc(arena, m->guid_count, sizeof(*m->sizes));
	for (size_t i = 0; i < m->guid_count; i++)
		m->sizes[i] = number(rng, BODY_SIZE_MAX);
	if (m->guid_count > HAVE_TEXTS_MAX || chance(rng, 2))
		return;
	m->digests = arena_alloc(arena, m->guid_count * DIGEST_SIZE);
	for (size_t i = 0; i < m->guid_count * DIGEST_SIZE; i++)
		m->digests[i] = (uint8_t)rng_u64(rng);
}

static void
random_result(struct arena *arena, struct rng *rng, struct msg_result *m)
{
	m->op = number1(rng);
	m->status = (enum result_status)(1 + rng_below(rng,
	    RESULT_OTHER_MODSEQ));
	m->uid = m->status == RESULT_OTHER_UID ? number1(rng) : 0;
	if (m->status == RESULT_OTHER_MODSEQ)
		m->modseq = 1 + number(rng, MODSEQ_MAX - 1);
	m->code = (enum err_code)rng_below(rng, ERR_REFUSED + 1);
	m->text = text(arena, rng, TEXT_MAX);
}

/* Messages from a store to the brain and both ways. */
static struct msg
random_answer(struct arena *arena, struct rng *rng, enum msg_kind kind)
{
	struct msg msg = { .kind = kind };
	uint8_t *bits;

	switch ((int)kind) {
	case MSG_WELCOME:
		msg.u.welcome.version = number1(rng);
		msg.u.welcome.features = number(rng, UINT64_MAX);
		msg.u.welcome.software = text(arena, rng, SOFTWARE_MAX);
		msg.u.welcome.clock_ms = number(rng, UINT64_MAX);
		msg.u.welcome.store = guid(rng);
		msg.u.welcome.caps = (uint32_t)number(rng, UINT32_MAX);
		msg.u.welcome.access = (enum peer_access)rng_below(rng, 3);
		msg.u.welcome.positions = positions(arena, rng,
		    &msg.u.welcome.position_count);
		msg.u.welcome.last_peer = guid0(rng);
		msg.u.welcome.last_peer_messages = number(rng, COUNT_MAX);
		break;
	case MSG_VIEW:
		msg.u.view.base = guid0(rng);
		msg.u.view.seq = number(rng, SEQ_MAX);
		msg.u.view.messages = number(rng, COUNT_MAX);
		msg.u.view.mailboxes = number(rng, COUNT_MAX);
		msg.u.view.inbox_messages = number(rng, COUNT_MAX);
		msg.u.view.attributes_begun = chance(rng, 2);
		break;
	case MSG_MAILBOX:
		msg.u.mailbox = box(arena, rng);
		break;
	case MSG_MAILBOX_GONE:
		msg.u.mailbox_gone.guid = guid(rng);
		msg.u.mailbox_gone.name = name(arena, rng);
		msg.u.mailbox_gone.stamp = number(rng, STAMP_MAX);
		msg.u.mailbox_gone.is_new = chance(rng, 2);
		break;
	case MSG_SUBSCRIPTION:
		msg.u.subscription = sub(arena, rng);
		break;
	case MSG_ATTRIBUTE:
		msg.u.attribute = attribute(arena, rng);
		break;
	case MSG_MESSAGES:
		msg.u.messages.mailbox = guid(rng);
		msg.u.messages.request = (uint32_t)number(rng, UINT32_MAX);
		break;
	case MSG_MESSAGE:
		msg.u.message = record(arena, rng);
		break;
	case MSG_GONE:
		msg.u.gone.uid = number1(rng);
		msg.u.gone.guid = message_guid(arena, rng);
		msg.u.gone.marks = marks(arena, rng, &msg.u.gone.mark_count);
		msg.u.gone.is_new = chance(rng, 2);
		break;
	case MSG_MESSAGES_END:
		msg.u.messages_end.more = chance(rng, 2);
		break;
	case MSG_HAVE_REPLY:
		msg.u.have_reply.request = number1(rng);
		msg.u.have_reply.bits_len = count(rng, HAVE_BITS_MAX);
		bits = arena_alloc(arena, HAVE_BITS_MAX);
		for (size_t i = 0; i < HAVE_BITS_MAX; i++)
			bits[i] = (uint8_t)rng_u64(rng);
		msg.u.have_reply.bits = bits;
		if (msg.u.have_reply.bits_len > 0 && chance(rng, 2)) {
			msg.u.have_reply.same_size = bits;
			msg.u.have_reply.same_size_len =
			    msg.u.have_reply.bits_len;
		}
		break;
	case MSG_BODY:
		msg.u.body.request = number1(rng);
		msg.u.body.size = number(rng, BODY_SIZE_MAX);
		msg.u.body.received = received(rng);
		msg.u.body.saved = number(rng, UINT32_MAX);
		break;
	case MSG_GET_FAILED:
		msg.u.get_failed.request = number1(rng);
		msg.u.get_failed.code = (enum err_code)(1 + rng_below(rng, 9));
		msg.u.get_failed.text = text(arena, rng, TEXT_MAX);
		break;
	case MSG_RESULT:
		random_result(arena, rng, &msg.u.result);
		break;
	case MSG_DONE:
		msg.u.done.op = number1(rng);
		break;
	case MSG_COMMITTED:
		msg.u.committed.pending = (uint32_t)number(rng, UINT32_MAX);
		break;
	case MSG_PENDING:
		msg.u.pending.mailbox = guid0(rng);
		msg.u.pending.uid = (uint32_t)number(rng, UINT32_MAX);
		msg.u.pending.mark = guid0(rng);
		msg.u.pending.text = guid_is_zero(&msg.u.pending.mailbox) ?
		    name(arena, rng) : text(arena, rng, TEXT_MAX);
		msg.u.pending.left_out = chance(rng, 50);
		break;
	case MSG_BODY_CHUNK:
		msg.u.chunk.len = 1 + rng_below(rng, chance(rng, 10) ?
		    BODY_CHUNK_MAX : 300);
		msg.u.chunk.data = (uint8_t *)chars(arena, rng,
		    msg.u.chunk.len, chance(rng, 2) ? "a" : "abcdefgh\r\n\xff");
		break;
	case MSG_BODY_END:
		msg.u.body_end.failed = chance(rng, 4);
		if (!msg.u.body_end.failed)
			msg.u.body_end.digest = digest(arena, rng);
		break;
	case MSG_ERROR:
		msg.u.error.code = (enum err_code)(1 + rng_below(rng, 9));
		msg.u.error.text = text(arena, rng, TEXT_MAX);
		break;
	}
	return msg;
}

struct msg
msg_random(struct arena *arena, struct rng *rng, enum msg_kind kind)
{
	struct msg msg = { .kind = kind };

	switch ((int)kind) {
	case MSG_HELLO:
		random_hello(arena, rng, &msg.u.hello);
		break;
	case MSG_BEGIN:
		msg.u.begin.peer = guid(rng);
		msg.u.begin.base = guid0(rng);
		break;
	case MSG_LIST:
		random_list(arena, rng, &msg.u.list);
		break;
	case MSG_HAVE:
		random_have(arena, rng, &msg.u.have);
		break;
	case MSG_GET:
		msg.u.get.request = number1(rng);
		msg.u.get.mailbox = guid(rng);
		msg.u.get.uid = number1(rng);
		msg.u.get.guid = message_guid(arena, rng);
		break;
	case MSG_OP_MAILBOX:
		msg.u.op_mailbox.op = number1(rng);
		msg.u.op_mailbox.create = chance(rng, 2);
		msg.u.op_mailbox.recreate = msg.u.op_mailbox.create &&
		    chance(rng, 2);
		msg.u.op_mailbox.temporary = chance(rng, 2);
		msg.u.op_mailbox.box = box(arena, rng);
		msg.u.op_mailbox.new_guid = guid0(rng);
		vanished(arena, rng, &msg.u.op_mailbox);
		break;
	case MSG_OP_MAILBOX_DELETE:
		msg.u.op_mailbox_delete.op = number1(rng);
		msg.u.op_mailbox_delete.guid = guid(rng);
		msg.u.op_mailbox_delete.stamp = number(rng, STAMP_MAX);
		break;
	case MSG_OP_SUBSCRIBE:
		msg.u.op_subscribe.op = number1(rng);
		msg.u.op_subscribe.sub = sub(arena, rng);
		break;
	case MSG_OP_ATTRIBUTE:
		msg.u.op_attribute.op = number1(rng);
		msg.u.op_attribute.a = attribute(arena, rng);
		break;
	case MSG_OP_SAVE:
		msg.u.op_save.op = number1(rng);
		msg.u.op_save.mailbox = guid(rng);
		msg.u.op_save.message = record(arena, rng);
		msg.u.op_save.message.received = received(rng);
		msg.u.op_save.size = number(rng, BODY_SIZE_MAX);
		break;
	case MSG_OP_COPY:
		msg.u.op_copy.op = number1(rng);
		msg.u.op_copy.mailbox = guid(rng);
		msg.u.op_copy.message = record(arena, rng);
		break;
	case MSG_OP_FLAGS:
		msg.u.op_flags.op = number1(rng);
		msg.u.op_flags.mailbox = guid(rng);
		msg.u.op_flags.uid = number1(rng);
		msg.u.op_flags.marks = marks(arena, rng,
		    &msg.u.op_flags.mark_count);
		msg.u.op_flags.flags = flags(arena, rng);
		msg.u.op_flags.modseq = number(rng, MODSEQ_MAX);
		break;
	case MSG_OP_EXPUNGE:
		msg.u.op_expunge.op = number1(rng);
		msg.u.op_expunge.mailbox = guid(rng);
		msg.u.op_expunge.uid = number1(rng);
		msg.u.op_expunge.marks = marks(arena, rng,
		    &msg.u.op_expunge.mark_count);
		msg.u.op_expunge.no_tombstone = chance(rng, 2);
		msg.u.op_expunge.guid = chance(rng, 2) ? "" :
		    message_guid(arena, rng);
		break;
	case MSG_OP_SET_UID:
		msg.u.op_set_uid.op = number1(rng);
		msg.u.op_set_uid.mailbox = guid(rng);
		msg.u.op_set_uid.uid = number1(rng);
		msg.u.op_set_uid.mark = guid(rng);
		msg.u.op_set_uid.new_uid = number1(rng);
		msg.u.op_set_uid.modseq = number(rng, MODSEQ_MAX);
		break;
	case MSG_OP_MODSEQ:
		msg.u.op_modseq.op = number1(rng);
		msg.u.op_modseq.mailbox = guid(rng);
		msg.u.op_modseq.uid = number1(rng);
		msg.u.op_modseq.mark = guid(rng);
		msg.u.op_modseq.modseq = 1 + number(rng, MODSEQ_MAX - 1);
		break;
	case MSG_FLUSH:
		msg.u.flush.op = number1(rng);
		break;
	case MSG_COMMIT:
		msg.u.commit.peer = guid(rng);
		msg.u.commit.scope = guid0(rng);
		msg.u.commit.peer_messages = number(rng, COUNT_MAX);
		msg.u.commit.prune = number(rng, 1) != 0;
		break;
	default:
		return random_answer(arena, rng, kind);
	}
	return msg;
}
