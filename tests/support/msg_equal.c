#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/msg_random.h"

/*
 * All fields of a message one after the other, as text: two messages are equal
 * if their texts are.  Fields that have no meaning are left out.
 */
struct print {
	char *text;
	size_t len, size;
};

static void
add(struct print *p, const void *data, size_t len)
{
	while (p->size - p->len < len + sizeof(len)) {
		p->size = p->size == 0 ? 65536 : p->size * 2;
		if ((p->text = realloc(p->text, p->size)) == NULL)
			abort();
	}
	memcpy(p->text + p->len, &len, sizeof(len));
	p->len += sizeof(len);
	if (len > 0)
		memcpy(p->text + p->len, data, len);
	p->len += len;
}

static void
add_u(struct print *p, uint64_t value)
{
	add(p, &value, sizeof(value));
}

static void
add_s(struct print *p, const char *str)
{
	add(p, str, str == NULL ? 0 : strlen(str) + 1);
}

static void
add_g(struct print *p, const struct guid128 *g, size_t n)
{
	add(p, g, n * sizeof(*g));
}

static void
add_d(struct print *p, const uint8_t *d)
{
	add(p, d, d == NULL ? 0 : DIGEST_SIZE);
}

static void
add_flags(struct print *p, const struct mail_flags *mf)
{
	add_u(p, mf->flags);
	for (size_t i = 0; i < FLAG_COUNT; i++)
		add_u(p, mf->stamps[i]);
	add_u(p, mf->keyword_count);
	for (size_t i = 0; i < mf->keyword_count; i++) {
		add_s(p, mf->keywords[i].name);
		add_u(p, mf->keywords[i].stamp);
		add_u(p, mf->keywords[i].set);
	}
}

static void
add_record(struct print *p, const struct msg_message *m)
{
	add_u(p, m->uid);
	add_s(p, m->guid);
	add_g(p, m->marks, m->mark_count);
	add_flags(p, &m->flags);
	add_u(p, m->modseq);
	add_u(p, m->is_new);
	add_u(p, m->held);
	add_u(p, m->moved);
	add_d(p, m->digest);
	add_u(p, m->size);
	add_u(p, (uint64_t)m->received);
	add_u(p, m->saved);
	add_s(p, m->pop3_uidl);
	add_u(p, m->pop3_order);
}

static void
add_box(struct print *p, const struct msg_mailbox *m)
{
	add_g(p, &m->guid, 1);
	add_s(p, m->name);
	add_u(p, m->selectable);
	add_u(p, m->is_new);
	add_u(p, m->tree_changed);
	add_u(p, m->uidvalidity_changed);
	add_u(p, m->exist_stamp);
	add_u(p, m->parent_stamp);
	add_u(p, m->last_stamp);
	add_u(p, m->uidvalidity);
	add_u(p, m->uidnext);
	add_u(p, m->highestmodseq);
	add_u(p, m->messages);
	add_g(p, m->aliases, m->alias_count);
	add_d(p, m->set_digest);
}

static void
add_sub(struct print *p, const struct msg_subscription *m)
{
	add_s(p, m->name);
	add_u(p, m->on);
	add_u(p, m->stamp);
}

static void
add_attribute(struct print *p, const struct msg_attribute *m)
{
	add_g(p, &m->mailbox, 1);
	add_s(p, m->key);
	add_u(p, m->value != NULL);
	add_u(p, m->len);
	for (size_t i = 0; i < m->len; i++)
		add_u(p, m->value[i]);
	add_u(p, m->stamp);
}

static void
add_positions(struct print *p, const struct msg_position *v, size_t n)
{
	add_u(p, n);
	for (size_t i = 0; i < n; i++) {
		add_g(p, &v[i].peer, 1);
		add_g(p, &v[i].run, 1);
		add_g(p, &v[i].scope, 1);
	}
}

static void
add_names(struct print *p, const char **v, size_t n)
{
	add_u(p, n);
	for (size_t i = 0; i < n; i++)
		add_s(p, v[i]);
}

static void
add_hello(struct print *p, const struct msg_hello *m)
{
	add_u(p, m->version_min);
	add_u(p, m->version_max);
	add_u(p, m->features);
	add_u(p, m->required);
	add_s(p, m->software);
	add_u(p, m->clock_ms);
	add_g(p, &m->run, 1);
	add_g(p, &m->peer, 1);
	add_s(p, m->label);
	add_g(p, &m->scope, 1);
	add_positions(p, m->positions, m->position_count);
	add_u(p, m->begin);
	add_u(p, m->role);
	add_u(p, m->full);
	add_u(p, m->dry_run);
	add_names(p, m->names, m->name_count);
	add_names(p, m->masks, m->mask_count);
	add_u(p, (unsigned char)m->alt_char);
}

static void
add_welcome(struct print *p, const struct msg_welcome *m)
{
	add_u(p, m->version);
	add_u(p, m->features);
	add_s(p, m->software);
	add_u(p, m->clock_ms);
	add_g(p, &m->store, 1);
	add_u(p, m->caps);
	add_u(p, m->access);
	add_positions(p, m->positions, m->position_count);
	add_g(p, &m->last_peer, 1);
	add_u(p, m->last_peer_messages);
}

static void
add_list(struct print *p, const struct msg_list *m)
{
	add_u(p, m->request);
	add_g(p, &m->mailbox, 1);
	add_u(p, m->after_uid);
	add_u(p, m->max);
	add_u(p, m->digests);
	add_u(p, m->sizes);
	add_u(p, m->tombstones);
	add(p, m->ranges, m->range_count * sizeof(*m->ranges));
	add_g(p, m->marks, m->mark_count);
}

static void
add_answer(struct print *p, const struct msg *m)
{
	switch ((int)m->kind) {
	case MSG_WELCOME:
		add_welcome(p, &m->u.welcome);
		break;
	case MSG_VIEW:
		add_g(p, &m->u.view.base, 1);
		add_u(p, m->u.view.seq);
		add_u(p, m->u.view.messages);
		add_u(p, m->u.view.mailboxes);
		add_u(p, m->u.view.inbox_messages);
		add_u(p, m->u.view.attributes_begun);
		break;
	case MSG_MAILBOX:
		add_box(p, &m->u.mailbox);
		break;
	case MSG_MAILBOX_GONE:
		add_g(p, &m->u.mailbox_gone.guid, 1);
		add_s(p, m->u.mailbox_gone.name);
		add_u(p, m->u.mailbox_gone.stamp);
		add_u(p, m->u.mailbox_gone.is_new);
		break;
	case MSG_SUBSCRIPTION:
		add_sub(p, &m->u.subscription);
		break;
	case MSG_ATTRIBUTE:
		add_attribute(p, &m->u.attribute);
		break;
	case MSG_MESSAGES:
		add_g(p, &m->u.messages.mailbox, 1);
		add_u(p, m->u.messages.request);
		break;
	case MSG_MESSAGE:
		add_record(p, &m->u.message);
		break;
	case MSG_GONE:
		add_u(p, m->u.gone.uid);
		add_s(p, m->u.gone.guid);
		add_g(p, m->u.gone.marks, m->u.gone.mark_count);
		add_u(p, m->u.gone.is_new);
		break;
	case MSG_MESSAGES_END:
		add_u(p, m->u.messages_end.more);
		break;
	case MSG_HAVE_REPLY:
		add_u(p, m->u.have_reply.request);
		add(p, m->u.have_reply.bits, m->u.have_reply.bits_len);
		add(p, m->u.have_reply.same_size,
		    m->u.have_reply.same_size_len);
		break;
	case MSG_BODY:
		add_u(p, m->u.body.request);
		add_u(p, m->u.body.size);
		add_u(p, (uint64_t)m->u.body.received);
		add_u(p, m->u.body.saved);
		break;
	case MSG_GET_FAILED:
		add_u(p, m->u.get_failed.request);
		add_u(p, m->u.get_failed.code);
		add_s(p, m->u.get_failed.text);
		break;
	case MSG_RESULT:
		add_u(p, m->u.result.op);
		add_u(p, m->u.result.status);
		add_u(p, m->u.result.uid);
		add_u(p, m->u.result.modseq);
		add_u(p, m->u.result.code);
		add_s(p, m->u.result.text);
		break;
	case MSG_DONE:
		add_u(p, m->u.done.op);
		break;
	case MSG_COMMITTED:
		add_u(p, m->u.committed.pending);
		break;
	case MSG_PENDING:
		add_g(p, &m->u.pending.mailbox, 1);
		add_u(p, m->u.pending.uid);
		add_g(p, &m->u.pending.mark, 1);
		add_s(p, m->u.pending.text);
		add_u(p, m->u.pending.left_out);
		break;
	case MSG_BODY_CHUNK:
		add(p, m->u.chunk.data, m->u.chunk.len);
		break;
	case MSG_BODY_END:
		add_u(p, m->u.body_end.failed);
		add_d(p, m->u.body_end.digest);
		break;
	case MSG_ERROR:
		add_u(p, m->u.error.code);
		add_s(p, m->u.error.text);
		break;
	}
}

static void
add_msg(struct print *p, const struct msg *m)
{
	add_u(p, m->kind);
	switch ((int)m->kind) {
	case MSG_HELLO:
		add_hello(p, &m->u.hello);
		break;
	case MSG_BEGIN:
		add_g(p, &m->u.begin.peer, 1);
		add_g(p, &m->u.begin.base, 1);
		break;
	case MSG_LIST:
		add_list(p, &m->u.list);
		break;
	case MSG_HAVE:
		add_u(p, m->u.have.request);
		add_names(p, m->u.have.guids, m->u.have.guid_count);
		add(p, m->u.have.sizes, m->u.have.sizes == NULL ? 0 :
		    m->u.have.guid_count * sizeof(*m->u.have.sizes));
		add(p, m->u.have.digests, m->u.have.digests == NULL ? 0 :
		    m->u.have.guid_count * DIGEST_SIZE);
		break;
	case MSG_GET:
		add_u(p, m->u.get.request);
		add_g(p, &m->u.get.mailbox, 1);
		add_u(p, m->u.get.uid);
		add_s(p, m->u.get.guid);
		break;
	case MSG_OP_MAILBOX:
		add_u(p, m->u.op_mailbox.op);
		add_u(p, m->u.op_mailbox.create);
		add_u(p, m->u.op_mailbox.recreate);
		add_u(p, m->u.op_mailbox.temporary);
		add_box(p, &m->u.op_mailbox.box);
		add_g(p, &m->u.op_mailbox.new_guid, 1);
		add_u(p, m->u.op_mailbox.vanished_count);
		for (size_t i = 0; i < m->u.op_mailbox.vanished_count; i++)
			add_u(p, m->u.op_mailbox.vanished[i]);
		break;
	case MSG_OP_MAILBOX_DELETE:
		add_u(p, m->u.op_mailbox_delete.op);
		add_g(p, &m->u.op_mailbox_delete.guid, 1);
		add_u(p, m->u.op_mailbox_delete.stamp);
		break;
	case MSG_OP_SUBSCRIBE:
		add_u(p, m->u.op_subscribe.op);
		add_sub(p, &m->u.op_subscribe.sub);
		break;
	case MSG_OP_ATTRIBUTE:
		add_u(p, m->u.op_attribute.op);
		add_attribute(p, &m->u.op_attribute.a);
		break;
	case MSG_OP_SAVE:
		add_u(p, m->u.op_save.op);
		add_g(p, &m->u.op_save.mailbox, 1);
		add_record(p, &m->u.op_save.message);
		add_u(p, m->u.op_save.size);
		break;
	case MSG_OP_COPY:
		add_u(p, m->u.op_copy.op);
		add_g(p, &m->u.op_copy.mailbox, 1);
		add_record(p, &m->u.op_copy.message);
		break;
	case MSG_OP_FLAGS:
		add_u(p, m->u.op_flags.op);
		add_g(p, &m->u.op_flags.mailbox, 1);
		add_u(p, m->u.op_flags.uid);
		add_g(p, m->u.op_flags.marks, m->u.op_flags.mark_count);
		add_flags(p, &m->u.op_flags.flags);
		add_u(p, m->u.op_flags.modseq);
		break;
	case MSG_OP_EXPUNGE:
		add_u(p, m->u.op_expunge.op);
		add_g(p, &m->u.op_expunge.mailbox, 1);
		add_u(p, m->u.op_expunge.uid);
		add_g(p, m->u.op_expunge.marks, m->u.op_expunge.mark_count);
		add_u(p, m->u.op_expunge.no_tombstone);
		add_s(p, m->u.op_expunge.guid);
		break;
	case MSG_OP_SET_UID:
		add_u(p, m->u.op_set_uid.op);
		add_g(p, &m->u.op_set_uid.mailbox, 1);
		add_u(p, m->u.op_set_uid.uid);
		add_g(p, &m->u.op_set_uid.mark, 1);
		add_u(p, m->u.op_set_uid.new_uid);
		add_u(p, m->u.op_set_uid.modseq);
		break;
	case MSG_OP_MODSEQ:
		add_u(p, m->u.op_modseq.op);
		add_g(p, &m->u.op_modseq.mailbox, 1);
		add_u(p, m->u.op_modseq.uid);
		add_g(p, &m->u.op_modseq.mark, 1);
		add_u(p, m->u.op_modseq.modseq);
		break;
	case MSG_FLUSH:
		add_u(p, m->u.flush.op);
		break;
	case MSG_COMMIT:
		add_g(p, &m->u.commit.peer, 1);
		add_g(p, &m->u.commit.scope, 1);
		add_u(p, m->u.commit.peer_messages);
		add_u(p, m->u.commit.prune);
		break;
	default:
		add_answer(p, m);
	}
}

bool
msg_equal(const struct msg *a, const struct msg *b)
{
	struct print pa = { 0 }, pb = { 0 };
	bool equal;

	add_msg(&pa, a);
	add_msg(&pb, b);
	equal = pa.len == pb.len && memcmp(pa.text, pb.text, pa.len) == 0;
	free(pa.text);
	free(pb.text);
	return equal;
}
