/*
 * merge_tree.c - what becomes of the mailboxes (T1-T16, B0)
 *
 * Mailboxes of the two sides are joined by GUID (T1), known aliases included
 * (T10).  Each joined entry gets a fate and a target name out of its two
 * stamped keys (T6, T7).  Then names that are wanted twice are settled: two
 * mailboxes that were never known to both sides are one mailbox (T10), of all
 * others the later name gives way (T9).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_tree.h"
#include "model/mailbox_name.h"

/* A GUID and what it stands for. */
struct alias {
	struct guid128 from, to;
};

struct aliases {
	struct alias *v;
	size_t n;
};

static int
alias_cmp(const void *a, const void *b)
{
	return guid_cmp(&((const struct alias *)a)->from,
	    &((const struct alias *)b)->from);
}

static void
collect_aliases(struct arena *arena, const struct tree_input *in,
    struct aliases *out)
{
	size_t n = 0;

	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < in->side[s].box_count; i++)
			n += in->side[s].boxes[i].alias_count;
	out->v = arena_calloc(arena, n + 1, sizeof(*out->v));
	out->n = 0;
	for (unsigned int s = 0; s < 2; s++) {
		for (size_t i = 0; i < in->side[s].box_count; i++) {
			const struct msg_mailbox *b = &in->side[s].boxes[i];

			/* Always toward the larger, so there are no cycles. */
			for (size_t k = 0; k < b->alias_count; k++)
				if (guid_cmp(&b->aliases[k], &b->guid) < 0)
					out->v[out->n++] = (struct alias){
					    b->aliases[k], b->guid };
		}
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), alias_cmp);
}

static struct guid128
canonical(const struct aliases *aliases, struct guid128 guid)
{
	struct alias key, *found;

	while (aliases->n > 0) {
		key.from = guid;
		found = bsearch(&key, aliases->v, aliases->n,
		    sizeof(*aliases->v), alias_cmp);
		if (found == NULL)
			break;
		guid = found->to;
	}
	return guid;
}

/* A reported mailbox or tombstone under its canonical GUID. */
struct ref {
	struct guid128 guid;
	unsigned int side;
	struct msg_mailbox *box;
	const struct msg_mailbox_gone *gone;
};

static int
ref_cmp(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int cmp = guid_cmp(&x->guid, &y->guid);

	if (cmp != 0)
		return cmp;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	return (x->box == NULL) - (y->box == NULL);
}

static size_t
collect_refs(struct arena *arena, const struct tree_input *in,
    const struct aliases *aliases, struct ref **out)
{
	size_t n = 0;

	for (unsigned int s = 0; s < 2; s++)
		n += in->side[s].box_count + in->side[s].gone_count;
	*out = arena_calloc(arena, n + 1, sizeof(**out));
	n = 0;
	for (unsigned int s = 0; s < 2; s++) {
		for (size_t i = 0; i < in->side[s].box_count; i++) {
			struct msg_mailbox *box = &in->side[s].boxes[i];

			(*out)[n++] = (struct ref){ canonical(aliases,
			    box->guid), s, box, NULL };
		}
		for (size_t i = 0; i < in->side[s].gone_count; i++) {
			const struct msg_mailbox_gone *g =
			    &in->side[s].gone[i];

			(*out)[n++] = (struct ref){ canonical(aliases,
			    g->guid), s, NULL, g };
		}
	}
	if (n > 1)
		qsort(*out, n, sizeof(**out), ref_cmp);
	return n;
}

/* One key of a name: of two equal stamps the smaller bytes (T7). */
static int
key_cmp(uint64_t stamp_a, const char *a, size_t len_a, uint64_t stamp_b,
    const char *b, size_t len_b)
{
	size_t len = len_a < len_b ? len_a : len_b;
	int cmp;

	if (stamp_a != stamp_b)
		return stamp_a > stamp_b ? -1 : 1;
	cmp = memcmp(a, b, len);
	if (cmp != 0)
		return cmp;
	return len_a < len_b ? -1 : len_a > len_b;
}

static char *
join_name(struct arena *arena, const char *parent, size_t parent_len,
    const char *last)
{
	size_t last_len = strlen(last);
	char *name = arena_alloc(arena, parent_len + last_len + 2);
	size_t n = 0;

	if (parent_len > 0) {
		memcpy(name, parent, parent_len);
		n = parent_len;
		name[n++] = NAME_SEP;
	}
	memcpy(name + n, last, last_len + 1);
	return name;
}

/*
 * One side alone has renamed it since the base.  A backup gives its destination
 * stamps above the source's (B0), so that on a host whose clock is behind the
 * stamp of the new name may be the lower one (T8).
 */
static void
take_name(struct tree_entry *e, const struct msg_mailbox *box,
    const struct msg_mailbox *other)
{
	size_t len = name_parent_len(box->name);

	e->target.name = box->name;
	e->target.parent_stamp = other->parent_stamp > box->parent_stamp ?
	    other->parent_stamp : box->parent_stamp;
	e->target.last_stamp = other->last_stamp > box->last_stamp ?
	    other->last_stamp : box->last_stamp;
	if (len != name_parent_len(other->name) ||
	    memcmp(box->name, other->name, len) != 0)
		e->target.parent_stamp = stamp_after(other->parent_stamp,
		    box->parent_stamp);
	if (strcmp(name_last(box->name), name_last(other->name)) != 0)
		e->target.last_stamp = stamp_after(other->last_stamp,
		    box->last_stamp);
}

/* The name out of both sides' keys (T6, T7); INBOX is INBOX (T12). */
static void
merge_name(struct arena *arena, const struct tree_input *in,
    struct tree_entry *e)
{
	const struct msg_mailbox *a = e->box[0], *b = e->box[1], *p, *l;
	size_t pa = name_parent_len(a->name), pb = name_parent_len(b->name);

	if (name_is_inbox(a->name) || name_is_inbox(b->name)) {
		e->target.name = "INBOX";
		p = l = name_is_inbox(a->name) ? a : b;
	} else if (name_is_temporary(a->name) ||
	    name_is_temporary(b->name)) {
		/* T11: a run was cut; the other side has the real name. */
		p = l = name_is_temporary(a->name) ? b : a;
		e->target.name = p->name;
	} else if (in->changes_known && a->tree_changed != b->tree_changed) {
		take_name(e, a->tree_changed ? a : b, a->tree_changed ? b : a);
		return;
	} else {
		if (in->base && a->tree_changed && b->tree_changed &&
		    strcmp(a->name, b->name) != 0) {
			e->rule = "T7";
			e->why = "both sides have renamed it: the later change "
			    "of each half of its name stays";
		}
		p = key_cmp(a->parent_stamp, a->name, pa, b->parent_stamp,
		    b->name, pb) <= 0 ? a : b;
		l = key_cmp(a->last_stamp, name_last(a->name),
		    strlen(name_last(a->name)), b->last_stamp,
		    name_last(b->name), strlen(name_last(b->name))) <= 0 ?
		    a : b;
		e->target.name = join_name(arena, p->name,
		    name_parent_len(p->name), name_last(l->name));
	}
	e->target.parent_stamp = p->parent_stamp;
	e->target.last_stamp = l->last_stamp;
}

static void
merge_target(struct arena *arena, const struct tree_input *in,
    struct tree_entry *e, struct guid128 guid)
{
	const struct msg_mailbox *a = e->box[0], *b = e->box[1];
	const struct msg_mailbox *one = a != NULL ? a : b;

	if (in->source >= 0 && e->box[in->source] != NULL)
		one = e->box[in->source];
	if (one == NULL)
		return;
	e->target = *one;
	if (in->source < 0)
		e->target.guid = guid;
	if (a == NULL || b == NULL || in->source >= 0)
		return;
	e->target.selectable = a->selectable || b->selectable;
	e->target.exist_stamp = a->exist_stamp > b->exist_stamp ?
	    a->exist_stamp : b->exist_stamp;
	merge_name(arena, in, e);
}

int
tree_gone_cmp(const void *a, const void *b)
{
	const struct msg_mailbox_gone *x = a, *y = b;

	return guid_cmp(&x->guid, &y->guid);
}

int
tree_sub_cmp(const void *a, const void *b)
{
	const struct msg_subscription *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Side o alone has done something to it since the base: this (T8). */
static bool
deleted_alone(const struct tree_input *in, const struct msg_mailbox *box,
    const struct msg_mailbox_gone *gone, unsigned int o)
{
	const struct tree_side *side = &in->side[o];

	return in->changes_known && !box->tree_changed && !box->is_new &&
	    side->gone_changed_count > 0 && bsearch(gone, side->gone_changed,
	    side->gone_changed_count, sizeof(*gone), tree_gone_cmp) != NULL;
}

/* Side h has it, side o does not report it alive (T2, T3, T4, B2). */
static void
decide_lone(const struct tree_input *in, struct tree_entry *e, unsigned int h)
{
	const struct msg_mailbox *box = e->box[h];
	const struct msg_mailbox_gone *gone = e->gone[!h];

	e->exists[h] = true;
	if (gone == NULL && in->base && !in->complete && !box->is_new) {
		e->exists[!h] = true;	/* there, unchanged */
		return;
	}
	if (name_is_inbox(box->name))
		return;			/* T12: created where it lacks */
	if (in->source == (int)!h) {
		if (!in->filtered)
			e->fate = TREE_DELETE;
		else
			e->fate = TREE_SKIP;
		e->rule = in->filtered ? "P7" : "B2";
		return;
	}
	if (in->source < 0 && in->base && gone != NULL &&
	    (gone->stamp > box->exist_stamp ||
	    deleted_alone(in, box, gone, !h))) {
		/* P7: neither deleted nor made anew; a whole run decides. */
		e->fate = in->filtered ? TREE_SKIP : TREE_DELETE;
		e->rule = in->filtered ? "P7" : "T3";
	}
}

/* An entry of one reported mailbox that has no counterpart. */
static void
add_lone(const struct tree_input *in, struct tree_entries *entries,
    struct msg_mailbox *box, unsigned int s)
{
	struct tree_entry *e = ARRAY_ADD(entries);

	e->box[s] = box;
	e->target = *box;
	decide_lone(in, e, s);
}

static void
add_entry(struct arena *arena, const struct tree_input *in,
    struct tree_entries *entries, const struct ref *refs, size_t n)
{
	struct msg_mailbox *twin[2] = { NULL, NULL };
	struct tree_entry e = { 0 };

	for (size_t i = 0; i < n; i++) {
		unsigned int s = refs[i].side;

		if (refs[i].gone != NULL) {
			e.gone[s] = refs[i].gone;
		} else if (e.box[s] == NULL) {
			e.box[s] = refs[i].box;
		} else if (guid_eq(&refs[i].box->guid, &refs[i].guid)) {
			/* Two on one side that are one by an alias: that of
			   the GUID itself counts, the other stands alone. */
			twin[s] = e.box[s];
			e.box[s] = refs[i].box;
		} else {
			twin[s] = refs[i].box;
		}
	}
	for (unsigned int s = 0; s < 2; s++)
		if (e.box[s] != NULL)
			e.gone[s] = NULL;	/* it came back */
	merge_target(arena, in, &e, refs[0].guid);
	if (e.box[0] != NULL && e.box[1] != NULL)
		e.exists[0] = e.exists[1] = true;
	else if (e.box[0] != NULL || e.box[1] != NULL)
		decide_lone(in, &e, e.box[0] == NULL);
	if (e.box[0] != NULL || e.box[1] != NULL)
		*ARRAY_ADD(entries) = e;
	for (unsigned int s = 0; s < 2; s++)
		if (twin[s] != NULL)
			add_lone(in, entries, twin[s], s);
}

/* Both sides have it, or had it at the base. */
static bool
known_to_both(const struct tree_entry *e)
{
	for (unsigned int s = 0; s < 2; s++)
		if (e->box[s] == NULL && !e->exists[s])
			return false;
	return true;
}

/* T10: two GUIDs under one name are one mailbox. */
static void
unite(struct arena *arena, const struct tree_input *in, struct tree_entry *x,
    struct tree_entry *y)
{
	unsigned int s = x->box[0] == NULL;	/* x is there alone */
	struct guid128 gx = x->target.guid, gy = y->target.guid, *all;
	struct guid128 keep = guid_cmp(&gx, &gy) > 0 ? gx : gy;
	struct guid128 drop = guid_cmp(&gx, &gy) > 0 ? gy : gx;
	const struct msg_mailbox *a, *b;
	size_t n = 0;

	/* The GUID of a mere directory is made of its name. */
	if (x->target.selectable != y->target.selectable) {
		keep = x->target.selectable ? gx : gy;
		drop = x->target.selectable ? gy : gx;
	}
	if (in->source >= 0) {
		keep = (int)s == in->source ? gx : gy;
		drop = (int)s == in->source ? gy : gx;
	}
	x->box[!s] = y->box[!s];
	x->exists[!s] = true;
	x->fate = TREE_KEEP;
	y->box[0] = y->box[1] = NULL;
	y->exists[0] = y->exists[1] = false;
	merge_target(arena, in, x, keep);
	x->target.guid = keep;
	a = x->box[0];
	b = x->box[1];
	all = arena_calloc(arena, a->alias_count + b->alias_count + 1,
	    sizeof(*all));
	for (size_t i = 0; i < a->alias_count; i++)
		all[n++] = a->aliases[i];
	for (size_t i = 0; i < b->alias_count; i++)
		all[n++] = b->aliases[i];
	all[n++] = drop;
	n = marks_normalise(all, n);
	x->target.aliases = all;
	x->target.alias_count = n < ALIASES_MAX ? n : ALIASES_MAX;
	x->rule = in->source >= 0 ? "B2" : "T10";
	x->why = "one name on both sides is taken for one mailbox";
}

static uint64_t
name_stamp(const struct tree_entry *e)
{
	return e->target.parent_stamp > e->target.last_stamp ?
	    e->target.parent_stamp : e->target.last_stamp;
}

/* How much of a last part stays if more bytes are appended to it? */
static size_t
fitting_len(const char *last, size_t parent, size_t more)
{
	size_t len = strlen(last), max = NAME_PART_MAX - more;

	if (parent > 0 && NAME_MAX_BYTES - parent - 1 - more < max)
		max = NAME_MAX_BYTES - parent - 1 - more;
	if (len <= max)
		return len;
	/* Not within a character. */
	for (len = max; len > 0 && ((unsigned char)last[len] & 0xc0) == 0x80;
	    len--)
		continue;
	return len;
}

/* T9: the last part gets digits of the GUID, its stamp raised by one. */
static void
yield_name(struct arena *arena, struct tree_entry *e, unsigned int digits)
{
	size_t parent = name_parent_len(e->target.name);
	const char *old = name_last(e->target.name);
	size_t len = fitting_len(old, parent, digits + 1);
	char hex[GUID_HEX_SIZE], *last;

	guid_format(&e->target.guid, hex);
	last = arena_alloc(arena, len + GUID_HEX_SIZE + 2);
	(void)snprintf(last, len + GUID_HEX_SIZE + 2, "%.*s-%.*s", (int)len,
	    old, (int)digits, hex);
	e->target.name = join_name(arena, e->target.name, parent, last);
	e->target.last_stamp = stamp_after(e->target.last_stamp, 0);
	e->rule = "T9";
	e->why = "two mailboxes want one name; the later name gives way";
}

bool
merge_tree_wants_name(const struct tree_entry *e)
{
	return e->fate == TREE_KEEP && (e->box[0] != NULL || e->box[1] != NULL);
}

static int
entry_name_cmp(const void *a, const void *b)
{
	const struct tree_entry *const *x = a, *const *y = b;
	int cmp = strcmp((*x)->target.name, (*y)->target.name);

	if (cmp != 0)
		return cmp;
	/* T12, T9: INBOX first, then the older name, then the larger GUID. */
	if (name_stamp(*x) != name_stamp(*y))
		return name_stamp(*x) < name_stamp(*y) ? -1 : 1;
	return guid_cmp(&(*y)->target.guid, &(*x)->target.guid);
}

static bool
can_unite(const struct tree_input *in, const struct tree_entry *x,
    const struct tree_entry *y)
{
	bool lone = (x->box[0] == NULL) != (x->box[1] == NULL) &&
	    (y->box[0] == NULL) != (y->box[1] == NULL) &&
	    (x->box[0] == NULL) != (y->box[0] == NULL);

	if (!lone)
		return false;
	if (name_is_inbox(x->target.name) || in->source >= 0)
		return true;
	return !known_to_both(x) && !known_to_both(y);
}

/*
 * One pass over the names in order; true if a name was changed, so that
 * another pass has to look whether the new one is taken as well.  Each pass
 * lengthens a name with digits of its own GUID, so passes are bounded.
 */
static bool
settle_pass(struct arena *arena, const struct tree_input *in,
    struct tree_entry **row, size_t n, unsigned int digits)
{
	struct tree_entry *first = NULL;
	bool changed = false;

	qsort(row, n, sizeof(*row), entry_name_cmp);
	for (size_t i = 0; i < n; i++) {
		if (!merge_tree_wants_name(row[i]))
			continue;
		if (first == NULL ||
		    strcmp(first->target.name, row[i]->target.name) != 0) {
			first = row[i];
			continue;
		}
		if (merge_tree_leave_unseen(in, first, row[i])) {
			first = NULL;
		} else if (can_unite(in, first, row[i])) {
			unite(arena, in, first, row[i]);
		} else {
			yield_name(arena, row[i], digits);
			changed = true;
		}
	}
	return changed;
}

static void
settle_names(struct arena *arena, const struct tree_input *in,
    struct tree_entries *entries)
{
	struct tree_entry **row = arena_calloc(arena, entries->n + 1,
	    sizeof(*row));

	for (size_t i = 0; i < entries->n; i++)
		row[i] = &entries->v[i];
	for (unsigned int digits = 8; digits < GUID_HEX_SIZE; digits += 8)
		if (!settle_pass(arena, in, row, entries->n, digits))
			break;
}

/*
 * One-way: a mailbox that the destination has under the name of one that it
 * lacks is that one (its GUID is replaced), rather than deleted beside it.
 */
static void
adopt_names(struct arena *arena, const struct tree_input *in,
    struct tree_entries *entries)
{
	struct tree_entry **row = arena_calloc(arena, entries->n + 1,
	    sizeof(*row));
	unsigned int src = (unsigned int)in->source;
	size_t n = 0;

	for (size_t i = 0; i < entries->n; i++) {
		struct tree_entry *e = &entries->v[i];

		if ((e->box[0] == NULL) != (e->box[1] == NULL) &&
		    !known_to_both(e))
			row[n++] = e;
	}
	qsort(row, n, sizeof(*row), entry_name_cmp);
	for (size_t i = 1; i < n; i++) {
		struct tree_entry *x = row[i - 1], *y = row[i];

		if ((x->box[src] == NULL) == (y->box[src] == NULL) ||
		    strcmp(x->target.name, y->target.name) != 0 ||
		    merge_tree_leave_unseen(in, x, y))
			continue;
		/* known_to_both may have changed by the last union */
		if (x->box[src] == NULL)
			unite(arena, in, y, x);
		else
			unite(arena, in, x, y);
		i++;
	}
}

/* T16: a mere directory stays where it is if the other side can have none. */
static void
leave_directories(const struct tree_input *in, struct tree_entries *entries)
{
	for (size_t i = 0; i < entries->n; i++) {
		struct tree_entry *e = &entries->v[i];

		for (unsigned int s = 0; s < 2; s++)
			if (e->fate == TREE_KEEP && !e->target.selectable &&
			    e->box[s] == NULL && e->box[!s] != NULL &&
			    in->side[s].no_directories) {
				e->fate = TREE_SKIP;
				e->rule = "T16";
			}
	}
}

/* T10, B1: a side that can't change its GUID is asked under its own. */
static void
keep_guids(const struct tree_input *in, struct tree_entry *e)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct msg_mailbox *box = e->box[s];

		e->keeps_guid[s] = box != NULL &&
		    !guid_eq(&box->guid, &e->target.guid) &&
		    (in->source == (int)s ||
		    (in->side[s].append && box->messages > 0));
	}
}

void
merge_tree(struct arena *arena, const struct tree_input *in,
    struct tree_entries *entries)
{
	struct aliases aliases;
	struct ref *refs;
	size_t n, i, k, used = 0;

	collect_aliases(arena, in, &aliases);
	n = collect_refs(arena, in, &aliases, &refs);
	for (i = 0; i < n; i = k) {
		for (k = i + 1; k < n && guid_eq(&refs[i].guid,
		    &refs[k].guid); k++)
			continue;
		add_entry(arena, in, entries, &refs[i], k - i);
	}
	if (in->source >= 0)
		adopt_names(arena, in, entries);
	settle_names(arena, in, entries);
	leave_directories(in, entries);
	for (i = 0; i < entries->n; i++)
		keep_guids(in, &entries->v[i]);
	/* What was united is one entry now. */
	for (i = 0; i < entries->n; i++)
		if (entries->v[i].box[0] != NULL ||
		    entries->v[i].box[1] != NULL)
			entries->v[used++] = entries->v[i];
	entries->n = used;
	merge_tree_leave(arena, entries);
}

void
merge_tree_revive(struct arena *arena, struct tree_entries *entries,
    size_t index, unsigned int deleted_on)
{
	struct tree_entry *e = &entries->v[index];

	e->fate = TREE_KEEP;
	e->target.exist_stamp = stamp_after(e->gone[deleted_on]->stamp, 0);
	e->rule = "T3";
	e->why = "messages that the deleting side never had survive";
	/* T11: it was to make room for another one when a run was cut. */
	if (name_is_temporary(e->target.name))
		e->target.name = e->gone[deleted_on]->name;
	for (unsigned int digits = 8; merge_tree_name_taken(entries, index,
	    e->target.name); digits += 8) {
		if (digits >= GUID_HEX_SIZE) {
			e->fate = TREE_SKIP;
			e->rule = "P6";
			e->why = "no free name is found for what survives";
			return;
		}
		yield_name(arena, e, digits);
		e->rule = "T5";
	}
}

static int
sub_ref_cmp(const void *a, const void *b)
{
	const struct tree_sub *x = a, *y = b;
	int cmp = strcmp(x->sub.name, y->sub.name);

	if (cmp != 0)
		return cmp;
	return x->side < y->side ? -1 : x->side > y->side;
}

static bool
sub_changed(const struct tree_side *side, const struct msg_subscription *sub)
{
	return side->subs_changed_count > 0 && bsearch(sub,
	    side->subs_changed, side->subs_changed_count, sizeof(*sub),
	    tree_sub_cmp) != NULL;
}

/* One side alone has changed it since the base (T8). */
static bool
sub_changed_alone(const struct tree_input *in,
    const struct msg_subscription *a, const struct msg_subscription *b,
    struct msg_subscription *want)
{
	bool changed;

	if (!in->changes_known || a->on == b->on)
		return false;
	changed = sub_changed(&in->side[0], a);
	if (changed == sub_changed(&in->side[1], b))
		return false;
	*want = changed ? *a : *b;
	want->stamp = stamp_after(changed ? b->stamp : a->stamp, want->stamp);
	return true;
}

/* Both sides have changed it since the base, to different ends. */
static bool
sub_conflict(const struct tree_input *in,
    const struct msg_subscription *const sub[2])
{
	if (!in->base || in->source >= 0 || sub[0] == NULL || sub[1] == NULL ||
	    sub[0]->on == sub[1]->on)
		return false;
	return !in->complete || (in->changes_known &&
	    sub_changed(&in->side[0], sub[0]) &&
	    sub_changed(&in->side[1], sub[1]));
}

static void
merge_sub(const struct tree_input *in, const struct msg_subscription *sub[2],
    struct tree_subs *out)
{
	struct msg_subscription none = { 0 }, want;
	const struct msg_subscription *a, *b;

	none.name = sub[0] != NULL ? sub[0]->name : sub[1]->name;
	a = sub[0] != NULL ? sub[0] : &none;
	b = sub[1] != NULL ? sub[1] : &none;
	if (in->source >= 0)
		want = in->source == 0 ? *a : *b;
	else if (!in->complete && in->base && sub[0] == NULL)
		want = *b;
	else if (!in->complete && in->base && sub[1] == NULL)
		want = *a;
	else if (sub_changed_alone(in, a, b, &want))
		;
	else if (a->stamp != b->stamp)
		want = a->stamp > b->stamp ? *a : *b;
	else
		want = a->on ? *a : *b;
	for (unsigned int s = 0; s < 2; s++) {
		const struct msg_subscription *has = s == 0 ? a : b;

		if (in->source == (int)s)
			continue;
		if (in->source >= 0 && !in->complete && in->base &&
		    sub[in->source] == NULL)
			continue;	/* not asked for; left alone */
		/* What a complete tree does not name is not subscribed. */
		if (has->on == want.on && (in->source >= 0 ||
		    has->stamp == want.stamp) &&
		    (sub[s] != NULL || in->complete || !in->base))
			continue;
		if (in->source >= 0)
			want.stamp = stamp_after(has->stamp, want.stamp); /* B0 */
		*ARRAY_ADD(out) = (struct tree_sub){ s, want,
		    has->on == want.on && (sub[s] != NULL || in->complete ||
		    !in->base), sub_conflict(in, sub) };
	}
}

void
merge_tree_subs(const struct tree_input *in, struct tree_subs *subs)
{
	ARRAY(struct tree_sub) all = { 0 };
	const struct msg_subscription *sub[2];
	size_t i, k;

	for (unsigned int s = 0; s < 2; s++)
		for (size_t n = 0; n < in->side[s].sub_count; n++)
			*ARRAY_ADD(&all) = (struct tree_sub){ .side = s,
			    .sub = in->side[s].subs[n] };
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), sub_ref_cmp);
	for (i = 0; i < all.n; i = k) {
		sub[0] = sub[1] = NULL;
		for (k = i; k < all.n && strcmp(all.v[i].sub.name,
		    all.v[k].sub.name) == 0; k++)
			sub[all.v[k].side] = &all.v[k].sub;
		merge_sub(in, sub, subs);
	}
	ARRAY_FREE(&all);
}
