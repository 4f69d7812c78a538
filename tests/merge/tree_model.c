#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "tests/merge/tree_model.h"
#include "tests/support/unit.h"

struct arena *arena;
struct tree_input in;
struct tree_entries entries;
struct tree_ops ops[2];

void
tree_reset(void)
{
	ARRAY_FREE(&entries);
	for (unsigned int s = 0; s < 2; s++)
		ARRAY_FREE(&ops[s]);
	arena_free(&arena);
	arena = arena_new((size_t)1 << 30);
	in = (struct tree_input){ .source = -1, .complete = true };
	for (unsigned int s = 0; s < 2; s++) {
		in.side[s].boxes = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_mailbox));
		in.side[s].gone = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_mailbox_gone));
		in.side[s].subs = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_subscription));
	}
}

void
tree_teardown(void)
{
	ARRAY_FREE(&entries);
	for (unsigned int s = 0; s < 2; s++)
		ARRAY_FREE(&ops[s]);
	arena_free(&arena);
}

struct guid128
guid(unsigned int n)
{
	struct guid128 g = { { 0 } };

	g.b[0] = (uint8_t)(n >> 8);
	g.b[1] = (uint8_t)n;
	return g;
}

struct msg_mailbox *
box(unsigned int s, const char *name, unsigned int n, uint64_t stamp)
{
	struct msg_mailbox *b = &in.side[s].boxes[in.side[s].box_count++];
	struct strbuf joined;

	strbuf_init(&joined, NAME_MAX_BYTES);
	ck_assert_int_eq(name_from_user(&joined, name), 0);
	*b = (struct msg_mailbox){
		.guid = guid(n), .name = arena_strdup(arena, joined.data),
		.selectable = true, .exist_stamp = stamp,
		.parent_stamp = stamp, .last_stamp = stamp, .uidvalidity = 1,
		.uidnext = 1,
	};
	strbuf_deinit(&joined);
	return b;
}

void
gone(unsigned int s, const char *name, unsigned int n, uint64_t stamp)
{
	in.side[s].gone[in.side[s].gone_count++] = (struct msg_mailbox_gone){
		.guid = guid(n), .name = name, .stamp = stamp,
	};
}

void
merge(void)
{
	merge_tree(arena, &in, &entries);
	for (unsigned int s = 0; s < 2; s++)
		merge_tree_ops(arena, &entries, s, &ops[s]);
}

const struct tree_entry *
entry(unsigned int n)
{
	struct guid128 g = guid(n);

	for (size_t i = 0; i < entries.n; i++)
		if (guid_eq(&entries.v[i].target.guid, &g))
			return &entries.v[i];
	return NULL;
}

const char *
target(unsigned int n)
{
	static char out[256];

	ck_assert_ptr_nonnull(entry(n));
	return name_show(out, sizeof(out), entry(n)->target.name);
}

bool
apply(unsigned int s)
{
	struct msg_mailbox *now[2 * BOXES_MAX] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < entries.n; i++) {
		now[i] = NULL;
		if (entries.v[i].box[s] != NULL) {
			now[i] = arena_memdup(arena, entries.v[i].box[s],
			    sizeof(*now[i]));
		}
	}
	for (size_t k = 0; k < ops[s].n; k++) {
		const struct tree_op *op = &ops[s].v[k];

		if (op->delete) {
			now[op->entry] = NULL;
			continue;
		}
		for (size_t i = 0; i < entries.n; i++)
			if (i != op->entry && now[i] != NULL &&
			    strcmp(now[i]->name, op->name) == 0)
				return false;
		if (op->create != (now[op->entry] == NULL))
			return false;
		now[op->entry] = arena_memdup(arena,
		    &entries.v[op->entry].target, sizeof(struct msg_mailbox));
		now[op->entry]->name = op->name;
	}
	for (size_t i = 0; i < entries.n; i++)
		if (now[i] != NULL)
			in.side[s].boxes[n++] = *now[i];
	in.side[s].box_count = n;
	return true;
}

static bool
side_has(unsigned int s, const struct msg_mailbox *b)
{
	for (size_t i = 0; i < in.side[s].box_count; i++) {
		const struct msg_mailbox *o = &in.side[s].boxes[i];

		if (guid_eq(&o->guid, &b->guid))
			return strcmp(o->name, b->name) == 0 &&
			    o->parent_stamp == b->parent_stamp &&
			    o->last_stamp == b->last_stamp &&
			    o->exist_stamp == b->exist_stamp;
	}
	return false;
}

void
check_equal(const char *what)
{
	ck_assert_msg(apply(0), "%s: steps of A", what);
	ck_assert_msg(apply(1), "%s: steps of B", what);
	ck_assert_msg(in.side[0].box_count == in.side[1].box_count,
	    "%s: number of mailboxes", what);
	for (size_t i = 0; i < in.side[0].box_count; i++)
		ck_assert_msg(side_has(1, &in.side[0].boxes[i]),
		    "%s: mailbox %s", what, in.side[0].boxes[i].name);
	/* P3: a second merge finds nothing to do. */
	for (unsigned int s = 0; s < 2; s++) {
		in.side[s].gone_count = 0;
		ARRAY_FREE(&ops[s]);
	}
	entries.n = 0;
	merge();
	ck_assert_msg(ops[0].n + ops[1].n == 0, "%s: a second merge finds "
	    "%zu steps", what, ops[0].n + ops[1].n);
}
