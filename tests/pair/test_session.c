/*
 * A session is driven by messages, as the brain would, over a store in memory;
 * what it sends is written down as text, one line for each message.
 */
#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "session/session.h"
#include "store/memory/memory.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define NOW		UINT64_C(1700000000000)
#define BODY		"Subject: a\n\nbody\n"

struct seen_message {
	struct guid128 mailbox;
	struct msg_message m;
};

static struct fixture {
	struct memory_world *world;
	struct mail_location loc;
	struct session_args args;
	struct session *session;
	struct arena *arena;
	struct strbuf out;
	ARRAY(struct seen_message) messages;
	ARRAY(struct msg_mailbox) boxes;
	struct guid128 in_mailbox;
	struct guid128 store, last_run;
	struct msg_position positions[POSITIONS_MAX];
	size_t position_count;
	uint32_t op;
	struct err err;
} fx;

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
		return;
	case MSG_SUBSCRIPTION:
		strbuf_addf(out, "SUBSCRIPTION %s %s stamp=%llu\n",
		    msg->u.subscription.name,
		    msg->u.subscription.on ? "on" : "off",
		    (unsigned long long)msg->u.subscription.stamp);
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

static void
pump(void)
{
	int r;

	while ((r = session_step(fx.session, always, NULL, &fx.err)) == 1)
		;
	(void)r;
}

static int
give(const struct msg *msg)
{
	int r = session_receive(fx.session, msg, &fx.err);

	if (r == 0)
		pump();
	return r;
}

static void
clear(void)
{
	strbuf_reset(&fx.out);
	fx.messages.n = 0;
	fx.boxes.n = 0;
}

/* What was sent since the last look is this. */
static void
expect(const char *text)
{
	ck_assert_str_eq(fx.out.data, text);
	clear();
}

static void
setup(void)
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

static void
teardown(void)
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

static struct msg_hello
hello(void)
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

static void
start_with(const struct msg_hello *h)
{
	struct msg msg = { .kind = MSG_HELLO };

	session_free(&fx.session);
	fx.session = session_new(&fx.args, on_send, NULL);
	fx.op = 0;
	clear();
	msg.u.hello = *h;
	fx.last_run = h->run;
	give(&msg);
}

/* Begin a run; base: the position of the last committed one. */
static void
start(const struct guid128 *base)
{
	struct msg_hello h = hello();
	struct msg_position pos = { .peer = fx.store };

	if (base != NULL) {
		pos.run = *base;
		h.positions = &pos;
		h.position_count = 1;
	}
	start_with(&h);
}

static void
flush(void)
{
	struct msg msg = { .kind = MSG_FLUSH };

	msg.u.flush.op = ++fx.op;
	give(&msg);
}

static void
commit(void)
{
	struct msg msg = { .kind = MSG_COMMIT };

	msg.u.commit.peer = peer;
	msg.u.commit.peer_messages = 7;
	ck_assert_int_eq(give(&msg), 0);
	msg.kind = MSG_BYE;
	ck_assert_int_eq(give(&msg), 0);
	ck_assert(session_ended(fx.session));
	session_free(&fx.session);
}

/* A whole run without operations; its run is the base of the next. */
static struct guid128
quiet_run(void)
{
	start(NULL);
	clear();
	commit();
	clear();
	return fx.last_run;
}

static uint32_t
deliver(const char *mailbox)
{
	uint32_t uid = 0;

	ck_assert_int_eq(memory_client_append(fx.world, mailbox, NULL, BODY,
	    strlen(BODY), &uid), 0);
	return uid;
}

static struct guid128
guid_of(const char *mailbox)
{
	return memory_mailbox_find(fx.world, mailbox)->status.guid;
}

static struct msg_message *
message(uint32_t uid)
{
	for (size_t i = 0; i < fx.messages.n; i++)
		if (fx.messages.v[i].m.uid == uid)
			return &fx.messages.v[i].m;
	ck_abort_msg("no message %u", uid);
	return NULL;
}

/* All messages of a mailbox, so that their marks are known. */
static void
list(const char *mailbox, bool tombstones)
{
	struct msg msg = { .kind = MSG_LIST };

	clear();
	msg.u.list.request = 1;
	msg.u.list.mailbox = guid_of(mailbox);
	msg.u.list.tombstones = tombstones;
	give(&msg);
}

static void
expunge(const char *mailbox, const struct msg_message *m)
{
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	msg.u.op_expunge.op = ++fx.op;
	msg.u.op_expunge.mailbox = guid_of(mailbox);
	msg.u.op_expunge.uid = m->uid;
	msg.u.op_expunge.marks = m->marks;
	msg.u.op_expunge.mark_count = m->mark_count;
	ck_assert_int_eq(give(&msg), 0);
}

static void
set_flags(const char *mailbox, const struct msg_message *m, flags_t flags,
    uint64_t stamp)
{
	struct msg msg = { .kind = MSG_OP_FLAGS };

	msg.u.op_flags.op = ++fx.op;
	msg.u.op_flags.mailbox = guid_of(mailbox);
	msg.u.op_flags.uid = m->uid;
	msg.u.op_flags.marks = m->marks;
	msg.u.op_flags.mark_count = m->mark_count;
	msg.u.op_flags.flags = m->flags;
	msg.u.op_flags.flags.flags = flags;
	for (size_t i = 0; i < FLAG_COUNT; i++)
		msg.u.op_flags.flags.stamps[i] = stamp;
	ck_assert_int_eq(give(&msg), 0);
}

static void
set_uid(const char *mailbox, const struct msg_message *m, uint32_t uid)
{
	struct msg msg = { .kind = MSG_OP_SET_UID };

	msg.u.op_set_uid.op = ++fx.op;
	msg.u.op_set_uid.mailbox = guid_of(mailbox);
	msg.u.op_set_uid.uid = m->uid;
	msg.u.op_set_uid.mark = m->marks[0];
	msg.u.op_set_uid.new_uid = uid;
	ck_assert_int_eq(give(&msg), 0);
}

static struct msg_message
new_message(uint32_t uid, const char *guid, uint8_t mark)
{
	struct msg_message m = { .uid = uid, .guid = guid,
	    .received = 1000000000, .mark_count = 1 };

	m.marks = arena_alloc(fx.arena, sizeof(*m.marks));
	m.marks[0].b[0] = 0x77;
	m.marks[0].b[15] = mark;
	return m;
}

static void
save_body(const char *mailbox, const struct msg_message *m, const char *body,
    bool spoil)
{
	struct msg msg = { .kind = MSG_OP_SAVE };
	uint8_t digest[DIGEST_SIZE];

	msg.u.op_save.op = ++fx.op;
	msg.u.op_save.mailbox = guid_of(mailbox);
	msg.u.op_save.message = *m;
	msg.u.op_save.size = strlen(body);
	ck_assert_int_eq(give(&msg), 0);
	msg.kind = MSG_BODY_CHUNK;
	msg.u.chunk.data = (const uint8_t *)body;
	msg.u.chunk.len = strlen(body);
	ck_assert_int_eq(give(&msg), 0);
	digest_sha256(body, strlen(body), digest);
	if (spoil)
		digest[0] ^= 1;
	msg.kind = MSG_BODY_END;
	msg.u.body_end.failed = false;
	msg.u.body_end.digest = digest;
	ck_assert_int_eq(give(&msg), 0);
}

static void
copy(const char *mailbox, const struct msg_message *m)
{
	struct msg msg = { .kind = MSG_OP_COPY };

	msg.u.op_copy.op = ++fx.op;
	msg.u.op_copy.mailbox = guid_of(mailbox);
	msg.u.op_copy.message = *m;
	ck_assert_int_eq(give(&msg), 0);
}

static void
get(const char *mailbox, const struct msg_message *m, uint32_t request)
{
	struct msg msg = { .kind = MSG_GET };

	msg.u.get.request = request;
	msg.u.get.mailbox = guid_of(mailbox);
	msg.u.get.uid = m->uid;
	msg.u.get.guid = m->guid;
	ck_assert_int_eq(session_receive(fx.session, &msg, &fx.err), 0);
}

START_TEST(a_first_view_shows_each_mailbox_with_a_digest)
{
	deliver("INBOX");
	memory_client_create(fx.world, "Work");
	memory_client_subscribe(fx.world, "Work", true);
	start(NULL);
	expect("VIEW none n=1 boxes=2\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "MAILBOX Work n=0 next=1 new tree uidvalidity digest\n"
	    "SUBSCRIPTION Work on stamp=0\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_view_with_a_base_shows_only_what_changed)
{
	struct guid128 base;

	deliver("INBOX");
	deliver("INBOX");
	deliver("INBOX");
	base = quiet_run();
	start(&base);
	expect("VIEW base n=3 boxes=1\nTREE_END\nVIEW_END\n");
	commit();
	clock_set(NOW + 5);
	memory_client_flags(fx.world, "INBOX", 1, FLAG_SEEN, NULL, 0);
	memory_client_expunge(fx.world, "INBOX", 2);
	deliver("INBOX");
	start(&base);
	ck_assert_uint_eq(message(1)->flags.stamps[3], NOW + 5);
	expect("VIEW base n=3 boxes=1\n"
	    "MAILBOX INBOX n=3 next=5\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [\\Seen] marks=1\nGONE 2 marks=1\n"
	    "MESSAGE 4 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(what_a_run_wrote_as_planned_is_no_news_after_it)
{
	struct msg_message m = new_message(2, "g2", 1);
	struct guid128 base;

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	set_flags("INBOX", message(1), FLAG_FLAGGED, NOW + 9);
	clear();
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("DONE 3\n");
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=2 boxes=1\nTREE_END\nVIEW_END\n");
	list("INBOX", false);
	ck_assert_uint_eq(message(1)->flags.stamps[1], NOW + 9);
	ck_assert(guid_eq(&message(2)->marks[0], &m.marks[0]));
	expect("MESSAGES 1\nMESSAGE 1 [\\Flagged] marks=1\n"
	    "MESSAGE 2 [] marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(another_run_sees_what_this_one_wrote)
{
	struct msg_message m = new_message(1, "g1", 1);
	struct guid128 base = quiet_run();

	start(&base);
	clear();
	save_body("INBOX", &m, BODY, false);
	flush();
	session_free(&fx.session);
	start(&base);
	expect("VIEW base n=1 boxes=1\nMAILBOX INBOX n=1 next=2\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_taken_uid_is_answered_with_the_other_one)
{
	struct msg_message m = new_message(1, "g1", 1);
	struct guid128 base;

	start(NULL);
	clear();
	deliver("INBOX");
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("RESULT 1 1 uid=2\nDONE 2\n");
	/* Put right by the same run it stays news: the other side may not have
	   come to follow (P5). */
	m.uid = 2;
	set_uid("INBOX", &m, 9);
	flush();
	expect("DONE 4\n");
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=2 boxes=1\nMAILBOX INBOX n=2 next=10\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGE 9 [] marks=1\n"
	    "MESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(an_expunge_leaves_a_tombstone_that_is_no_news)
{
	struct guid128 base;

	deliver("INBOX");
	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	expunge("INBOX", message(1));
	clear();
	flush();
	expect("DONE 2\n");
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=1 boxes=1\nTREE_END\nVIEW_END\n");
	list("INBOX", true);
	expect("MESSAGES 1\nGONE 1 marks=1\nMESSAGE 2 [] marks=1\n"
	    "MESSAGES_END\n");
}
END_TEST

START_TEST(flags_changed_meanwhile_refuse_flags_but_not_an_expunge)
{
	struct msg_message m1, m2;

	deliver("INBOX");
	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	m1 = *message(1);
	m2 = *message(2);
	memory_client_flags(fx.world, "INBOX", 1, FLAG_SEEN, NULL, 0);
	memory_client_flags(fx.world, "INBOX", 2, FLAG_SEEN, NULL, 0);
	clear();
	set_flags("INBOX", &m1, FLAG_FLAGGED, NOW);
	expunge("INBOX", &m2);
	flush();
	expect("RESULT 1 2 uid=0\nDONE 3\n");
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, FLAG_SEEN);
	ck_assert_ptr_null(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 2));
	commit();
	expect("COMMITTED 1\n");
}
END_TEST

/* P8: a UID alone names no message. */
START_TEST(an_unknown_mark_is_stale)
{
	struct msg_message m;

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	m = new_message(1, "x", 9);
	clear();
	expunge("INBOX", &m);
	set_flags("INBOX", &m, FLAG_SEEN, NOW);
	set_uid("INBOX", &m, 7);
	flush();
	expect("RESULT 1 2 uid=0\nRESULT 2 2 uid=0\nRESULT 3 2 uid=0\n"
	    "DONE 4\n");
}
END_TEST

START_TEST(a_message_saved_before_is_not_saved_twice)
{
	struct msg_message m = new_message(1, "g1", 1);

	start(NULL);
	clear();
	save_body("INBOX", &m, BODY, false);
	flush();
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("DONE 2\nRESULT 3 1 uid=1\nDONE 4\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 1);
}
END_TEST

START_TEST(a_body_that_arrived_damaged_is_not_saved)
{
	struct msg_message m = new_message(1, "g1", 1);

	start(NULL);
	clear();
	save_body("INBOX", &m, BODY, true);
	flush();
	expect("RESULT 1 6 uid=0\nDONE 2\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 0);
	commit();
	expect("COMMITTED 1\n");
}
END_TEST

/* M8: its body need not come again. */
START_TEST(a_copy_finds_its_source_by_guid_in_any_mailbox)
{
	struct msg_message m, missing = new_message(2, "nowhere", 2);

	deliver("INBOX");
	memory_client_create(fx.world, "Work");
	start(NULL);
	list("INBOX", false);
	m = new_message(1, message(1)->guid, 1);
	clear();
	copy("Work", &m);
	copy("Work", &missing);
	flush();
	expect("RESULT 2 3 uid=0\nDONE 3\n");
	ck_assert_str_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "Work"), 1)->guid, m.guid);
	commit();
	expect("COMMITTED 1\n");
	/* Saved after all it is no longer pending. */
	start(NULL);
	clear();
	copy("Work", &missing);
	save_body("Work", &missing, BODY, false);
	flush();
	expect("RESULT 1 3 uid=0\nDONE 3\n");
	commit();
	expect("COMMITTED 0\n");
}
END_TEST

START_TEST(a_new_message_is_held_if_the_base_had_it_elsewhere)
{
	struct guid128 base;
	uint32_t uid;

	memory_client_create(fx.world, "Work");
	deliver("INBOX");
	base = quiet_run();
	memory_client_move(fx.world, "INBOX", 1, "Work", true, &uid);
	start(&base);
	ck_assert_int_eq(fx.messages.n, 1);
	ck_assert(fx.messages.v[0].m.held);
	ck_assert_int_eq(fx.messages.v[0].m.received, 1000000000);
}
END_TEST

START_TEST(an_access_level_is_kept_to)
{
	struct msg_message m = new_message(2, "g2", 1);
	struct msg msg = { .kind = MSG_OP_SUBSCRIBE };

	deliver("INBOX");
	fx.args.access = ACCESS_APPEND;
	start(NULL);
	list("INBOX", false);
	set_flags("INBOX", message(1), FLAG_SEEN, NOW);
	expunge("INBOX", message(1));
	set_uid("INBOX", message(1), 9);
	clear();
	save_body("INBOX", &m, BODY, false);
	msg.u.op_subscribe.op = ++fx.op;
	msg.u.op_subscribe.sub.name = "INBOX";
	msg.u.op_subscribe.sub.on = false;
	give(&msg);
	flush();
	expect("RESULT 5 4 uid=0\nDONE 6\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 2);
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, 0);
	commit();
	expect("COMMITTED 2\n");
	fx.args.access = ACCESS_READ;
	start(NULL);
	m = new_message(3, "g3", 3);
	clear();
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("RESULT 1 4 uid=0\nDONE 2\n");
}
END_TEST

START_TEST(what_was_pending_is_shown_as_changed)
{
	struct msg msg = { .kind = MSG_PENDING };
	struct guid128 base;

	deliver("INBOX");
	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	msg.u.pending.mailbox = guid_of("INBOX");
	msg.u.pending.uid = 2;
	msg.u.pending.mark = message(2)->marks[0];
	msg.u.pending.text = "no space";
	clear();
	give(&msg);
	give(&msg);
	commit();
	expect("COMMITTED 1\n");
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=2 boxes=1\nMAILBOX INBOX n=2 next=3\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 2 [] marks=1\nMESSAGES_END\n"
	    "PENDING uid=2\nVIEW_END\n");
}
END_TEST

START_TEST(a_rename_is_known_by_the_guid)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	deliver("Work");
	base = quiet_run();
	clock_set(NOW + 50);
	memory_client_rename(fx.world, "Work", "Job");
	start(&base);
	ck_assert_uint_eq(fx.boxes.v[0].last_stamp, NOW + 50);
	ck_assert_uint_eq(fx.boxes.v[0].parent_stamp, 0);
	expect("VIEW base n=1 boxes=2\nMAILBOX Job n=1 next=2 tree\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_deleted_mailbox_leaves_tombstones_of_all_in_it)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	deliver("Work");
	deliver("Work");
	base = quiet_run();
	memory_client_delete(fx.world, "Work");
	start(&base);
	expect("VIEW base n=0 boxes=1\nMAILBOX_GONE Work\nTREE_END\n"
	    "MESSAGES 0\nGONE 1 marks=1\nGONE 2 marks=1\nMESSAGES_END\n"
	    "VIEW_END\n");
}
END_TEST

START_TEST(a_mailbox_made_anew_under_its_name_is_another_one)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	deliver("Work");
	base = quiet_run();
	memory_client_delete(fx.world, "Work");
	memory_client_create(fx.world, "Work");
	start(&base);
	expect("VIEW base n=0 boxes=2\nMAILBOX Work n=0 next=1 new tree "
	    "uidvalidity\nMAILBOX_GONE Work\nTREE_END\n"
	    "MESSAGES 0\nGONE 1 marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

/* M7: it is no new message. */
START_TEST(a_message_under_another_uid_stays_the_same_instance)
{
	struct guid128 base, mark;

	deliver("INBOX");
	deliver("INBOX");
	memory_client_expunge(fx.world, "INBOX", 1);
	start(NULL);
	list("INBOX", false);
	mark = message(2)->marks[0];
	commit();
	base = fx.last_run;
	memory_client_uidvalidity(fx.world, "INBOX", 4711);
	start(&base);
	ck_assert(guid_eq(&message(1)->marks[0], &mark));
	expect("VIEW base n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 uidvalidity\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_restored_copy_begins_a_new_log_without_tombstones)
{
	struct memory_world *old;
	struct guid128 base, id;

	deliver("INBOX");
	old = memory_world_copy(fx.world);
	deliver("INBOX");
	base = quiet_run();
	id = fx.store;
	memory_world_restore(fx.world, old);
	memory_world_free(&old);
	start(&base);
	ck_assert(!guid_eq(&fx.store, &id));
	expect("VIEW none n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

/* E7: not even in the log. */
START_TEST(a_dry_run_leaves_no_trace)
{
	struct msg_message m = new_message(2, "g2", 1);
	struct msg_hello h = hello();
	struct strbuf before, after;
	char path[64];

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	deliver("INBOX");
	memory_world_format(fx.world, &before);
	h.dry_run = true;
	start_with(&h);
	expect("VIEW none n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "TREE_END\nVIEW_END\n");
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("RESULT 1 4 uid=0\nDONE 2\n");
	commit();
	memory_world_format(fx.world, &after);
	ck_assert_str_eq(before.data, after.data);
	snprintf(path, sizeof(path), "%s", fx.args.state_dir);
	ck_assert_int_eq(rmdir(path), 0);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
	fx.args.state_dir = tempdir_make();
}
END_TEST

START_TEST(a_body_asked_for_is_read_before_its_message_is_expunged)
{
	struct msg_message m;
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	m = *message(1);
	clear();
	fx.op = 2;
	get("INBOX", &m, 1);
	msg.u.op_expunge.op = 1;
	msg.u.op_expunge.mailbox = guid_of("INBOX");
	msg.u.op_expunge.uid = 1;
	msg.u.op_expunge.marks = m.marks;
	msg.u.op_expunge.mark_count = m.mark_count;
	session_receive(fx.session, &msg, &fx.err);
	msg.kind = MSG_FLUSH;
	msg.u.flush.op = 2;
	session_receive(fx.session, &msg, &fx.err);
	expect("");
	pump();
	expect("BODY 1 size=17\nCHUNK 17\nBODY_END\nDONE 2\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 0);
}
END_TEST

START_TEST(an_unreadable_message_is_left_pending)
{
	struct msg_message m;

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	m = *message(1);
	memory_mail_find(memory_mailbox_find(fx.world, "INBOX"),
	    1)->unreadable = true;
	clear();
	get("INBOX", &m, 3);
	pump();
	ck_assert(strstr(fx.out.data, "3") != NULL);
	ck_assert(strstr(fx.out.data, "FAILED") != NULL ||
	    strstr(fx.out.data, "failed") != NULL);
	clear();
	commit();
	expect("COMMITTED 1\n");
}
END_TEST

static void
op_mailbox(struct msg_op_mailbox op)
{
	struct msg msg = { .kind = MSG_OP_MAILBOX };

	op.op = ++fx.op;
	msg.u.op_mailbox = op;
	ck_assert_int_eq(give(&msg), 0);
}

START_TEST(mailboxes_are_made_renamed_and_removed)
{
	struct msg_op_mailbox op = { .create = true };
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };
	struct guid128 base;

	start(NULL);
	clear();
	op.box.guid.b[0] = 0x42;
	op.box.name = "Work";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 5;
	op.box.exist_stamp = NOW - 7;
	op_mailbox(op);
	ck_assert(guid_eq(&op.box.guid, &memory_mailbox_find(fx.world,
	    "Work")->status.guid));
	ck_assert_uint_eq(memory_mailbox_find(fx.world,
	    "Work")->status.uidvalidity, 99);
	op.create = false;
	op.box.name = "Job";
	op.box.last_stamp = NOW - 3;
	op_mailbox(op);
	ck_assert_ptr_nonnull(memory_mailbox_find(fx.world, "Job"));
	op.box.uidnext = 20;
	op_mailbox(op);
	flush();
	ck_assert_uint_eq(memory_mailbox_find(fx.world,
	    "Job")->status.uidnext, 20);
	expect("DONE 4\n");
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=0 boxes=2\nTREE_END\nVIEW_END\n");
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = op.box.guid;
	msg.u.op_mailbox_delete.stamp = NOW;
	give(&msg);
	flush();
	expect("DONE 2\n");
	ck_assert_ptr_null(memory_mailbox_find(fx.world, "Job"));
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=0 boxes=1\nTREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_mailbox_with_messages_is_not_removed)
{
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };

	memory_client_create(fx.world, "Work");
	deliver("Work");
	start(NULL);
	clear();
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = guid_of("Work");
	msg.u.op_mailbox_delete.stamp = NOW;
	give(&msg);
	expect("RESULT 1 5 uid=0\n");
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = guid_of("INBOX");
	give(&msg);
	expect("RESULT 2 6 uid=0\n");
}
END_TEST

START_TEST(a_guid_that_is_replaced_is_remembered)
{
	struct msg_op_mailbox op = { 0 };
	struct guid128 old, base;
	struct msg msg = { .kind = MSG_TREE };

	deliver("INBOX");
	start(NULL);
	old = guid_of("INBOX");
	op.box = fx.boxes.v[0];
	op.new_guid.b[0] = 0xff;
	clear();
	op_mailbox(op);
	flush();
	expect("DONE 2\n");
	ck_assert(guid_eq(&op.new_guid, &memory_mailbox_find(fx.world,
	    "INBOX")->status.guid));
	(void)old;
	list("INBOX", false);
	expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=1 boxes=1\nTREE_END\nVIEW_END\n");
	give(&msg);
	ck_assert_uint_eq(fx.boxes.v[0].alias_count, 1);
}
END_TEST

/* B1: whatever is missing there. */
START_TEST(the_source_of_a_backup_is_never_written)
{
	struct msg_hello h = hello();
	struct strbuf before, after;
	uint32_t uids[2];

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	memory_client_create_plain(fx.world, "Plain");
	memory_client_deliver(fx.world, "Plain", BODY, strlen(BODY));
	memory_client_deliver(fx.world, "Plain", BODY, strlen(BODY));
	memory_world_format(fx.world, &before);
	h.role = ROLE_SOURCE;
	start_with(&h);
	ck_assert_uint_eq(fx.boxes.n, 2);
	clear();
	commit();
	h = hello();
	h.role = ROLE_SOURCE;
	h.position_count = 1;
	h.positions = &(struct msg_position){ .run = fx.last_run };
	start_with(&h);
	/* UIDs and GUID that only the log gave are still the same. */
	expect("VIEW base n=2 boxes=2\nTREE_END\nVIEW_END\n");
	memory_world_format(fx.world, &after);
	ck_assert_str_eq(before.data, after.data);
	(void)uids;
	strbuf_deinit(&before);
	strbuf_deinit(&after);
}
END_TEST

/* Names, sizes and times of all that is below the folder. */
static void
tree_text(const char *dir, struct strbuf *out)
{
	char command[512], line[512];
	FILE *pipe;

	snprintf(command, sizeof(command), "cd '%s' && find . -printf "
	    "'%%p %%y %%s %%T@ %%i\\n' | LC_ALL=C sort", dir);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe) != NULL)
		strbuf_adds(out, line);
	ck_assert_int_eq(pclose(pipe), 0);
}

START_TEST(a_plain_maildir_is_read_without_a_trace)
{
	struct msg_hello h = hello();
	struct strbuf before, after;
	struct mail_location loc;
	char root[256], spec[300];

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	snprintf(root, sizeof(root), "%s", tempdir_path("mail"));
	ck_assert_int_eq(mkdir(root, 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/cur"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/new"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/tmp"), 0700), 0);
	tempdir_write("mail/cur/1000000001.M1P1.host:2,S", BODY);
	tempdir_write("mail/new/1000000002.M1P1.host", BODY);
	snprintf(spec, sizeof(spec), "maildir:%s", root);
	ck_assert_int_eq(mail_location_parse(&loc, spec, NULL, "/", &fx.err),
	    0);
	fx.args.location = &loc;
	tree_text(root, &before);
	h.role = ROLE_SOURCE;
	start_with(&h);
	ck_assert_str_eq(fx.boxes.v[0].name, "INBOX");
	ck_assert_uint_eq(fx.boxes.v[0].messages, 2);
	ck_assert_uint_ne(fx.boxes.v[0].uidvalidity, 0);
	clear();
	commit();
	h = hello();
	h.role = ROLE_SOURCE;
	h.position_count = 1;
	h.positions = &(struct msg_position){ .run = fx.last_run };
	start_with(&h);
	expect("VIEW base n=2 boxes=1\nTREE_END\nVIEW_END\n");
	session_free(&fx.session);
	tree_text(root, &after);
	ck_assert_str_eq(before.data, after.data);
	mail_location_deinit(&loc);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
}
END_TEST

START_TEST(a_filter_hides_and_calls_nothing_gone)
{
	struct msg_hello h = hello();
	const char *names[] = { "Work" };
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	memory_client_create(fx.world, "Private");
	base = quiet_run();
	memory_client_delete(fx.world, "Private");
	deliver("Work");
	h.names = names;
	h.name_count = 1;
	h.scope.b[0] = 1;
	h.positions = &(struct msg_position){ .run = base };
	h.position_count = 1;
	start_with(&h);
	expect("VIEW base n=1 boxes=3\nMAILBOX Work n=1 next=2\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
	session_free(&fx.session);
	start(&base);
	ck_assert(strstr(fx.out.data, "MAILBOX_GONE Private") != NULL);
}
END_TEST

START_TEST(a_message_in_the_wrong_state_ends_the_session)
{
	struct msg msg = { .kind = MSG_COMMIT };

	fx.session = session_new(&fx.args, on_send, NULL);
	ck_assert_int_eq(give(&msg), -1);
	ck_assert_int_eq(fx.err.code, ERR_PROTO);
	expect("ERROR proto\n");
	start(NULL);
	clear();
	msg.kind = MSG_BODY_END;
	ck_assert_int_eq(give(&msg), -1);
	expect("ERROR proto\n");
}
END_TEST

START_TEST(flags_and_a_new_uid_share_a_batch)
{
	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	set_flags("INBOX", message(1), FLAG_SEEN, NOW);
	set_uid("INBOX", message(1), 5);
	clear();
	flush();
	expect("DONE 3\n");
	list("INBOX", false);
	expect("MESSAGES 1\nMESSAGE 5 [\\Seen] new marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(a_mapped_name_is_no_rename)
{
	struct msg_op_mailbox op = { .create = true };
	struct guid128 base;

	memory_world_forbid(fx.world, "^");
	start(NULL);
	clear();
	op.box.guid.b[0] = 0x42;
	op.box.name = "a^b";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 1;
	op_mailbox(op);
	flush();
	expect("DONE 2\n");
	ck_assert_ptr_nonnull(memory_mailbox_find(fx.world, "a_b"));
	commit();
	base = fx.last_run;
	start(&base);
	expect("VIEW base n=0 boxes=2\nTREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_list_comes_in_pages_and_by_mark)
{
	struct msg msg = { .kind = MSG_LIST };
	struct guid128 mark;

	for (int i = 0; i < 5; i++)
		deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	mark = message(4)->marks[0];
	clear();
	msg.u.list.request = 2;
	msg.u.list.mailbox = guid_of("INBOX");
	msg.u.list.max = 2;
	msg.u.list.after_uid = 1;
	give(&msg);
	expect("MESSAGES 2\nMESSAGE 2 [] new marks=1\n"
	    "MESSAGE 3 [] new marks=1\nMESSAGES_END more\n");
	msg.u.list.max = 0;
	msg.u.list.after_uid = 0;
	msg.u.list.marks = &mark;
	msg.u.list.mark_count = 1;
	give(&msg);
	expect("MESSAGES 2\nMESSAGE 4 [] new marks=1\nMESSAGES_END\n");
	msg.u.list.mark_count = 0;
	msg.u.list.ranges = (struct uid_range[]){ { 4, 5 }, { 1, 1 } };
	msg.u.list.range_count = 2;
	msg.u.list.digests = true;
	give(&msg);
	ck_assert_ptr_nonnull(message(1)->digest);
	expect("MESSAGES 2\nMESSAGE 1 [] new marks=1\n"
	    "MESSAGE 4 [] new marks=1\nMESSAGE 5 [] new marks=1\n"
	    "MESSAGES_END\n");
}
END_TEST

START_TEST(flags_bring_no_mark_of_another_mail)
{
	struct msg_message two;
	struct guid128 marks[2];

	deliver("INBOX");
	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	marks[0] = message(1)->marks[0];
	marks[1] = message(2)->marks[0];
	two = *message(1);
	two.marks = marks;
	two.mark_count = marks_normalise(marks, 2);
	set_flags("INBOX", &two, FLAG_SEEN, NOW);
	flush();
	list("INBOX", false);
	expect("MESSAGES 1\nMESSAGE 1 [\\Seen] new marks=1\n"
	    "MESSAGE 2 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(a_peer_that_may_only_add_takes_no_mailbox_over)
{
	struct msg_op_mailbox op = { .create = true };
	struct msg_message m = new_message(4000000000, "g9", 9);
	struct guid128 inbox;

	deliver("INBOX");
	fx.args.access = ACCESS_APPEND;
	start(NULL);
	inbox = guid_of("INBOX");
	clear();
	/* Another mailbox that says it is INBOX. */
	op.box.guid = inbox;
	op.box.guid.b[0] = 0xff;
	op.box.name = "New";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 1;
	op.box.aliases = &inbox;
	op.box.alias_count = 1;
	op_mailbox(op);
	/* Stamps that win over all others, UIDs that use all up. */
	op.box.guid = inbox;
	op.box.name = "INBOX";
	op.box.uidvalidity = 0;
	op.box.alias_count = 0;
	op.box.exist_stamp = STAMP_MAX;
	op_mailbox(op);
	op.box.exist_stamp = 0;
	op.box.uidnext = 4000000000;
	op_mailbox(op);
	save_body("INBOX", &m, BODY, false);
	flush();
	expect("RESULT 2 4 uid=0\nRESULT 3 4 uid=0\nRESULT 4 4 uid=0\n"
	    "DONE 5\n");
	commit();
	fx.args.access = ACCESS_READ_WRITE;
	start(NULL);
	for (size_t i = 0; i < fx.boxes.n; i++) {
		ck_assert_uint_eq(fx.boxes.v[i].alias_count, 0);
		ck_assert_uint_lt(fx.boxes.v[i].uidnext, 10);
	}
}
END_TEST

/* A move of which the first half failed (P9). */
START_TEST(what_was_not_saved_elsewhere_is_not_expunged)
{
	struct msg msg = { .kind = MSG_OP_COPY };
	struct msg_message m;

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	m = *message(1);
	msg.u.op_copy.op = ++fx.op;
	msg.u.op_copy.mailbox.b[0] = 0x99;	/* could not be made */
	msg.u.op_copy.message = new_message(1, m.guid, 5);
	ck_assert_int_eq(give(&msg), 0);
	clear();
	expunge("INBOX", &m);
	flush();
	expect("RESULT 2 2 uid=0\nDONE 3\n");
	list("INBOX", false);
	expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(an_expunge_of_one_mail_takes_no_other)
{
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	deliver("INBOX");
	start(NULL);
	list("INBOX", false);
	msg.u.op_expunge.op = ++fx.op;
	msg.u.op_expunge.mailbox = guid_of("INBOX");
	msg.u.op_expunge.uid = 1;
	msg.u.op_expunge.marks = message(1)->marks;
	msg.u.op_expunge.mark_count = 1;
	msg.u.op_expunge.guid = "other";
	ck_assert_int_eq(give(&msg), 0);
	clear();
	list("INBOX", false);
	expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(keywords_of_many_messages_are_all_read)
{
	const char *keywords[] = { "alpha", "beta" };
	char name[32];

	for (int round = 0; round < 2; round++) {
		/* An odd number of plain ones moves the others by one. */
		if (round == 1)
			deliver("INBOX");
		for (int i = 0; i < 1100; i++)
			ck_assert_int_eq(memory_client_flags(fx.world,
			    "INBOX", deliver("INBOX"), 0, keywords, 2), 0);
		start(NULL);
		list("INBOX", false);
		for (size_t i = 0; i < fx.messages.n; i++) {
			const struct mail_flags *mf =
			    &fx.messages.v[i].m.flags;

			snprintf(name, sizeof(name), "UID %u",
			    fx.messages.v[i].m.uid);
			if (fx.messages.v[i].m.uid == 1101)
				continue;
			ck_assert_msg(mf->keyword_count == 2, "%s", name);
			ck_assert_str_eq(mf->keywords[0].name, "alpha");
			ck_assert_str_eq(mf->keywords[1].name, "beta");
		}
	}
}
END_TEST

/* A mail program renames a mailbox right behind our look at the tree. */
static unsigned int looks;

static int
list_and_rename(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	int r = store_driver_memory.list(store, fn, arg, err);

	if (++looks == 1)
		ck_assert_int_eq(memory_client_rename(fx.world, "a", "b"), 0);
	return r;
}

START_TEST(a_mailbox_that_is_renamed_during_the_look_is_not_gone)
{
	struct store_driver driver = store_driver_memory;
	struct guid128 base;

	ck_assert_int_eq(memory_client_create(fx.world, "a"), 0);
	base = quiet_run();
	deliver("a");
	driver.list = list_and_rename;
	fx.args.driver = &driver;
	looks = 0;
	start(&base);
	ck_assert_ptr_eq(strstr(fx.out.data, "MAILBOX_GONE"), NULL);
	ck_assert_ptr_ne(strstr(fx.out.data, "MAILBOX b n=1 next=2 tree"),
	    NULL);
	commit();
	fx.args.driver = NULL;
}
END_TEST

/* It never keeps still: what is missing then may be there. */
static int
list_and_change(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	char name[16];
	int r;

	if (++looks == 1)
		ck_assert_int_eq(memory_client_delete(fx.world, "a"), 0);
	r = store_driver_memory.list(store, fn, arg, err);
	snprintf(name, sizeof(name), "x%u", looks);
	ck_assert_int_eq(memory_client_create(fx.world, name), 0);
	return r;
}

START_TEST(nothing_is_called_gone_while_the_tree_changes)
{
	struct store_driver driver = store_driver_memory;
	struct guid128 base;

	ck_assert_int_eq(memory_client_create(fx.world, "a"), 0);
	base = quiet_run();
	driver.list = list_and_change;
	fx.args.driver = &driver;
	looks = 0;
	start(&base);
	ck_assert_ptr_eq(strstr(fx.out.data, "MAILBOX_GONE"), NULL);
	ck_assert_uint_lt(looks, 10);
	commit();
	fx.args.driver = NULL;
	start(&fx.last_run);
	ck_assert_ptr_ne(strstr(fx.out.data, "MAILBOX_GONE a"), NULL);
}
END_TEST

/* UIDs that somebody else gave anew, of more messages than one arena holds. */
START_TEST(many_messages_with_new_uids_stay_what_they_are)
{
	struct guid128 marks[1200];
	struct memory_mailbox *box;

	for (int round = 0; round < 2; round++) {
		for (int i = round; i < 1200; i++)
			deliver("INBOX");
		start(NULL);
		list("INBOX", false);
		for (size_t i = 0; i < fx.messages.n; i++)
			marks[i] = fx.messages.v[i].m.marks[0];
		box = memory_mailbox_find(fx.world, "INBOX");
		ck_assert_int_eq(memory_client_uidvalidity(fx.world, "INBOX",
		    box->status.uidvalidity + 1), 0);
		for (size_t i = 0; i < box->mails.n; i++)
			box->mails.v[i]->uid += 5000;
		box->status.uidnext += 5000;
		start(NULL);
		list("INBOX", true);
		for (size_t i = 0; i < fx.messages.n; i++)
			ck_assert(guid_eq(&marks[i],
			    &fx.messages.v[i].m.marks[0]));
		teardown();
		setup();
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "session");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_first_view_shows_each_mailbox_with_a_digest);
	tcase_add_test(tcase, a_view_with_a_base_shows_only_what_changed);
	tcase_add_test(tcase, what_a_run_wrote_as_planned_is_no_news_after_it);
	tcase_add_test(tcase, another_run_sees_what_this_one_wrote);
	tcase_add_test(tcase, a_taken_uid_is_answered_with_the_other_one);
	tcase_add_test(tcase, an_expunge_leaves_a_tombstone_that_is_no_news);
	tcase_add_test(tcase,
	    flags_changed_meanwhile_refuse_flags_but_not_an_expunge);
	tcase_add_test(tcase, an_unknown_mark_is_stale);
	tcase_add_test(tcase, a_message_saved_before_is_not_saved_twice);
	tcase_add_test(tcase, a_body_that_arrived_damaged_is_not_saved);
	tcase_add_test(tcase, a_copy_finds_its_source_by_guid_in_any_mailbox);
	tcase_add_test(tcase,
	    a_new_message_is_held_if_the_base_had_it_elsewhere);
	tcase_add_test(tcase, an_access_level_is_kept_to);
	tcase_add_test(tcase, what_was_pending_is_shown_as_changed);
	tcase_add_test(tcase, a_rename_is_known_by_the_guid);
	tcase_add_test(tcase, a_deleted_mailbox_leaves_tombstones_of_all_in_it);
	tcase_add_test(tcase, a_mailbox_made_anew_under_its_name_is_another_one);
	tcase_add_test(tcase,
	    a_message_under_another_uid_stays_the_same_instance);
	tcase_add_test(tcase,
	    a_restored_copy_begins_a_new_log_without_tombstones);
	tcase_add_test(tcase, a_dry_run_leaves_no_trace);
	tcase_add_test(tcase,
	    a_body_asked_for_is_read_before_its_message_is_expunged);
	tcase_add_test(tcase, an_unreadable_message_is_left_pending);
	tcase_add_test(tcase, mailboxes_are_made_renamed_and_removed);
	tcase_add_test(tcase, a_mailbox_with_messages_is_not_removed);
	tcase_add_test(tcase, a_guid_that_is_replaced_is_remembered);
	tcase_add_test(tcase, the_source_of_a_backup_is_never_written);
	tcase_add_test(tcase, a_plain_maildir_is_read_without_a_trace);
	tcase_add_test(tcase, a_filter_hides_and_calls_nothing_gone);
	tcase_add_test(tcase, a_message_in_the_wrong_state_ends_the_session);
	tcase_add_test(tcase, flags_and_a_new_uid_share_a_batch);
	tcase_add_test(tcase, a_mapped_name_is_no_rename);
	tcase_add_test(tcase, a_list_comes_in_pages_and_by_mark);
	tcase_add_test(tcase, flags_bring_no_mark_of_another_mail);
	tcase_add_test(tcase,
	    a_peer_that_may_only_add_takes_no_mailbox_over);
	tcase_add_test(tcase, what_was_not_saved_elsewhere_is_not_expunged);
	tcase_add_test(tcase, an_expunge_of_one_mail_takes_no_other);
	tcase_add_test(tcase, keywords_of_many_messages_are_all_read);
	tcase_add_test(tcase,
	    many_messages_with_new_uids_stay_what_they_are);
	tcase_add_test(tcase,
	    a_mailbox_that_is_renamed_during_the_look_is_not_gone);
	tcase_add_test(tcase, nothing_is_called_gone_while_the_tree_changes);
	return unit_run(suite);
}
