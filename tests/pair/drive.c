#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "model/mailbox_name.h"
#include "tests/pair/drive.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

struct drive fx;

static const struct guid128 peer = { { 0xaa, 1 } };

static void
seen_mailbox(const struct msg_mailbox *m)
{
	struct msg_mailbox *box = ARRAY_ADD(&fx.boxes);

	*box = *m;
	box->name = arena_strdup(fx.arena, m->name);
	strbuf_adds(&fx.out, "MAILBOX ");
	name_print(&fx.out, m->name);
	strbuf_addf(&fx.out, " n=%llu next=%u%s%s%s%s%s\n",
	    (unsigned long long)m->messages, m->uidnext,
	    m->selectable ? "" : " dir", m->is_new ? " new" : "",
	    m->tree_changed ? " tree" : "",
	    m->uidvalidity_changed ? " uidvalidity" : "",
	    m->set_digest != NULL ? " digest" : "");
}

static void
seen_message(const struct msg_message *m)
{
	struct seen_message *seen = ARRAY_ADD(&fx.messages);
	char *flags = mail_flags_format(fx.arena, &m->flags);

	seen->mailbox = fx.in_mailbox;
	seen->m = msg_message_dup(fx.arena, m);
	strbuf_addf(&fx.out, "MESSAGE %u [%s]%s%s marks=%zu\n", m->uid, flags,
	    m->is_new ? " new" : "", m->held ? " held" : "", m->mark_count);
}

static void
on_send(const struct msg *msg, void *arg)
{
	struct strbuf *out = &fx.out;

	(void)arg;
	switch (msg->kind) {
	case MSG_WELCOME:
		fx.store = msg->u.welcome.store;
		fx.features = msg->u.welcome.features;
		fx.position_count = msg->u.welcome.position_count;
		memcpy(fx.positions, msg->u.welcome.positions,
		    fx.position_count * sizeof(fx.positions[0]));
		return;
	case MSG_VIEW:
		strbuf_addf(out, "VIEW %s n=%llu boxes=%llu\n",
		    guid_is_zero(&msg->u.view.base) ? "none" : "base",
		    (unsigned long long)msg->u.view.messages,
		    (unsigned long long)msg->u.view.mailboxes);
		return;
	case MSG_MAILBOX:
		seen_mailbox(&msg->u.mailbox);
		return;
	case MSG_MAILBOX_GONE:
		strbuf_addf(out, "MAILBOX_GONE %s%s\n",
		    msg->u.mailbox_gone.name,
		    msg->u.mailbox_gone.is_new ? " new" : "");
		fx.gone_stamp = msg->u.mailbox_gone.stamp;
		return;
	case MSG_SUBSCRIPTION:
		strbuf_addf(out, "SUBSCRIPTION %s %s stamp=%llu\n",
		    msg->u.subscription.name,
		    msg->u.subscription.on ? "on" : "off",
		    (unsigned long long)msg->u.subscription.stamp);
		return;
	case MSG_ATTRIBUTE:
		strbuf_addf(out, "ATTRIBUTE %s %.*s stamp=%llu\n",
		    msg->u.attribute.key, (int)msg->u.attribute.len,
		    msg->u.attribute.value != NULL ?
		    (const char *)msg->u.attribute.value : "",
		    (unsigned long long)msg->u.attribute.stamp);
		return;
	case MSG_MESSAGES:
		fx.in_mailbox = msg->u.messages.mailbox;
		strbuf_addf(out, "MESSAGES %u\n", msg->u.messages.request);
		return;
	case MSG_MESSAGE:
		seen_message(&msg->u.message);
		return;
	case MSG_GONE:
		strbuf_addf(out, "GONE %u%s marks=%zu\n", msg->u.gone.uid,
		    msg->u.gone.is_new ? " new" : "",
		    msg->u.gone.mark_count);
		return;
	case MSG_MESSAGES_END:
		strbuf_addf(out, "MESSAGES_END%s\n",
		    msg->u.messages_end.more ? " more" : "");
		return;
	case MSG_BODY:
		strbuf_addf(out, "BODY %u size=%llu\n", msg->u.body.request,
		    (unsigned long long)msg->u.body.size);
		return;
	case MSG_BODY_CHUNK:
		strbuf_addf(out, "CHUNK %zu\n", msg->u.chunk.len);
		return;
	case MSG_BODY_END:
		strbuf_addf(out, "BODY_END%s\n",
		    msg->u.body_end.failed ? " failed" : "");
		return;
	case MSG_GET_FAILED:
		strbuf_addf(out, "GET_FAILED %u %s\n",
		    msg->u.get_failed.request,
		    err_name(msg->u.get_failed.code));
		return;
	case MSG_RESULT:
		strbuf_addf(out, "RESULT %u %d uid=%u\n", msg->u.result.op,
		    (int)msg->u.result.status, msg->u.result.uid);
		return;
	case MSG_DONE:
		/* Batches may say it before; the FLUSH is what counts. */
		if (msg->u.done.op == fx.op)
			strbuf_addf(out, "DONE %u\n", msg->u.done.op);
		return;
	case MSG_PENDING:
		strbuf_addf(out, "PENDING uid=%u\n", msg->u.pending.uid);
		return;
	case MSG_COMMITTED:
		strbuf_addf(out, "COMMITTED %u\n",
		    msg->u.committed.pending);
		return;
	case MSG_ERROR:
		strbuf_addf(out, "ERROR %s\n", err_name(msg->u.error.code));
		return;
	case MSG_HAVE_REPLY:
		strbuf_addf(out, "HAVE_REPLY %02x\n",
		    msg->u.have_reply.bits[0]);
		return;
	default:
		strbuf_addf(out, "%s\n", msg_kind_name(msg->kind));
	}
}

static bool
always(void *arg)
{
	(void)arg;
	return true;
}

void
drive_pump(void)
{
	while (session_step(fx.session, always, NULL, &fx.err) == 1)
		;
}

int
drive_give(const struct msg *msg)
{
	int r = session_receive(fx.session, msg, &fx.err);

	if (r == 0)
		drive_pump();
	return r;
}

void
drive_clear(void)
{
	strbuf_reset(&fx.out);
	fx.messages.n = 0;
	fx.boxes.n = 0;
}

void
drive_expect(const char *text)
{
	ck_assert_str_eq(fx.out.data, text);
	drive_clear();
}

void
drive_setup(void)
{
	memset(&fx, 0, sizeof(fx));
	clock_set(NOW);
	fx.world = memory_world_new("/w");
	ck_assert_int_eq(mail_location_parse(&fx.loc, "memory:/w", NULL, "/",
	    &fx.err), 0);
	fx.args.location = &fx.loc;
	fx.args.options.alt_char = '_';
	fx.args.options.hostname = "host";
	fx.args.state_dir = tempdir_make();
	fx.args.access = ACCESS_READ_WRITE;
	fx.args.software = "dsync test";
	fx.arena = arena_new(1 << 26);
	strbuf_init(&fx.out, 1 << 20);
}

void
drive_teardown(void)
{
	session_free(&fx.session);
	memory_world_free(&fx.world);
	mail_location_deinit(&fx.loc);
	arena_free(&fx.arena);
	strbuf_deinit(&fx.out);
	ARRAY_FREE(&fx.messages);
	ARRAY_FREE(&fx.boxes);
	tempdir_remove();
	clock_set(0);
}

struct msg_hello
drive_hello(void)
{
	struct msg_hello h = {
		.version_min = PROTOCOL_VERSION,
		.version_max = PROTOCOL_VERSION,
		.software = "brain",
		.clock_ms = NOW,
		.run = guid_random(),
		.peer = peer,
		.begin = true,
		.role = ROLE_MIRROR,
	};

	return h;
}

void
drive_begin(void)
{
	session_free(&fx.session);
	fx.session = session_new(&fx.args, on_send, NULL);
	fx.op = 0;
	drive_clear();
}

void
drive_start_with(const struct msg_hello *h)
{
	struct msg msg = { .kind = MSG_HELLO };

	drive_begin();
	msg.u.hello = *h;
	fx.last_run = h->run;
	drive_give(&msg);
}

void
drive_start(const struct guid128 *base)
{
	struct msg_hello h = drive_hello();
	struct msg_position pos = { .peer = fx.store };

	if (base != NULL) {
		pos.run = *base;
		h.positions = &pos;
		h.position_count = 1;
	}
	drive_start_with(&h);
}

void
drive_flush(void)
{
	struct msg msg = { .kind = MSG_FLUSH };

	msg.u.flush.op = ++fx.op;
	drive_give(&msg);
}

void
drive_ask_commit(void)
{
	struct msg msg = { .kind = MSG_COMMIT };

	msg.u.commit.peer = peer;
	msg.u.commit.peer_messages = 7;
	ck_assert_int_eq(drive_give(&msg), 0);
}

void
drive_commit(void)
{
	struct msg msg = { .kind = MSG_BYE };

	drive_ask_commit();
	ck_assert_int_eq(drive_give(&msg), 0);
	ck_assert(session_ended(fx.session));
	session_free(&fx.session);
}

struct guid128
drive_quiet_run(void)
{
	drive_start(NULL);
	drive_clear();
	drive_commit();
	drive_clear();
	return fx.last_run;
}

uint32_t
drive_deliver(const char *mailbox)
{
	uint32_t uid = 0;

	ck_assert_int_eq(memory_client_append(fx.world, mailbox, NULL, BODY,
	    strlen(BODY), &uid), 0);
	return uid;
}

struct guid128
drive_guid_of(const char *mailbox)
{
	return memory_mailbox_find(fx.world, mailbox)->status.guid;
}

struct msg_message *
drive_message(uint32_t uid)
{
	for (size_t i = 0; i < fx.messages.n; i++)
		if (fx.messages.v[i].m.uid == uid)
			return &fx.messages.v[i].m;
	ck_abort_msg("no message %u", uid);
	return NULL;
}

void
drive_list(const char *mailbox, bool tombstones)
{
	struct msg msg = { .kind = MSG_LIST };

	drive_clear();
	msg.u.list.request = 1;
	msg.u.list.mailbox = drive_guid_of(mailbox);
	msg.u.list.tombstones = tombstones;
	drive_give(&msg);
}

void
drive_expunge(const char *mailbox, const struct msg_message *m)
{
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	msg.u.op_expunge.op = ++fx.op;
	msg.u.op_expunge.mailbox = drive_guid_of(mailbox);
	msg.u.op_expunge.uid = m->uid;
	msg.u.op_expunge.marks = m->marks;
	msg.u.op_expunge.mark_count = m->mark_count;
	ck_assert_int_eq(drive_give(&msg), 0);
}

void
drive_set_flags(const char *mailbox, const struct msg_message *m, flags_t flags,
    uint64_t stamp)
{
	struct msg msg = { .kind = MSG_OP_FLAGS };

	msg.u.op_flags.op = ++fx.op;
	msg.u.op_flags.mailbox = drive_guid_of(mailbox);
	msg.u.op_flags.uid = m->uid;
	msg.u.op_flags.marks = m->marks;
	msg.u.op_flags.mark_count = m->mark_count;
	msg.u.op_flags.flags = m->flags;
	msg.u.op_flags.flags.flags = flags;
	for (size_t i = 0; i < FLAG_COUNT; i++)
		msg.u.op_flags.flags.stamps[i] = stamp;
	ck_assert_int_eq(drive_give(&msg), 0);
}

void
drive_set_uid(const char *mailbox, const struct msg_message *m, uint32_t uid)
{
	struct msg msg = { .kind = MSG_OP_SET_UID };

	msg.u.op_set_uid.op = ++fx.op;
	msg.u.op_set_uid.mailbox = drive_guid_of(mailbox);
	msg.u.op_set_uid.uid = m->uid;
	msg.u.op_set_uid.mark = m->marks[0];
	msg.u.op_set_uid.new_uid = uid;
	ck_assert_int_eq(drive_give(&msg), 0);
}

struct msg_message
drive_new_message(uint32_t uid, const char *guid, uint8_t mark)
{
	struct msg_message m = { .uid = uid, .guid = guid,
	    .received = 1000000000, .mark_count = 1 };

	m.marks = arena_alloc(fx.arena, sizeof(*m.marks));
	m.marks[0].b[0] = 0x77;
	m.marks[0].b[15] = mark;
	return m;
}

void
drive_save_body(const char *mailbox, const struct msg_message *m,
    const char *body, bool spoil)
{
	struct msg msg = { .kind = MSG_OP_SAVE };
	uint8_t digest[DIGEST_SIZE];

	msg.u.op_save.op = ++fx.op;
	msg.u.op_save.mailbox = drive_guid_of(mailbox);
	msg.u.op_save.message = *m;
	msg.u.op_save.size = strlen(body);
	ck_assert_int_eq(drive_give(&msg), 0);
	msg.kind = MSG_BODY_CHUNK;
	msg.u.chunk.data = (const uint8_t *)body;
	msg.u.chunk.len = strlen(body);
	ck_assert_int_eq(drive_give(&msg), 0);
	digest_sha256(body, strlen(body), digest);
	if (spoil)
		digest[0] ^= 1;
	msg.kind = MSG_BODY_END;
	msg.u.body_end.failed = false;
	msg.u.body_end.digest = digest;
	ck_assert_int_eq(drive_give(&msg), 0);
}

void
drive_copy(const char *mailbox, const struct msg_message *m)
{
	struct msg msg = { .kind = MSG_OP_COPY };

	msg.u.op_copy.op = ++fx.op;
	msg.u.op_copy.mailbox = drive_guid_of(mailbox);
	msg.u.op_copy.message = *m;
	ck_assert_int_eq(drive_give(&msg), 0);
}

void
drive_get(const char *mailbox, const struct msg_message *m, uint32_t request)
{
	struct msg msg = { .kind = MSG_GET };

	msg.u.get.request = request;
	msg.u.get.mailbox = drive_guid_of(mailbox);
	msg.u.get.uid = m->uid;
	msg.u.get.guid = m->guid;
	ck_assert_int_eq(session_receive(fx.session, &msg, &fx.err), 0);
}

void
drive_op_mailbox(struct msg_op_mailbox op)
{
	struct msg msg = { .kind = MSG_OP_MAILBOX };

	op.op = ++fx.op;
	msg.u.op_mailbox = op;
	ck_assert_int_eq(drive_give(&msg), 0);
}
