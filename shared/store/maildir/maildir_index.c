#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/maildir/maildir.h"

static int
open_dir(struct maildir_box *box)
{
	const struct maildir_place *place = &box->place;
	struct err ignored = ERR_INIT;

	if (place->index_fd == -1)
		return -1;
	if (place->index_fd == place->mail_fd &&
	    strcmp(place->index, place->mail) == 0)
		return box->fd;
	return maildir_dir_open(box->store, place->index_fd, place->index,
	    &ignored);
}

void
maildir_index_open(struct maildir_box *box)
{
	box->index_fd = open_dir(box);
	if (box->place.index_fd != -1)
		box->idx.index = index_open(&box->store->root, box->index_fd,
		    MAILDIR_INDEX_BASE, &box->store->index_opts);
}

void
maildir_index_close(struct maildir_box *box)
{
	index_close(&box->idx.index);
	if (box->index_fd != -1 && box->index_fd != box->fd)
		close(box->index_fd);
	box->index_fd = -1;
	free(box->idx.only);
	box->idx.only = NULL;
	box->idx.only_count = 0;
	box->idx.usable = false;
}

static void
tell(struct maildir_box *box, const struct err *why, const char *what)
{
	if (!box->idx.told)
		maildir_box_problem(box, why, "index", what);
	box->idx.told = true;
}

/* Which keywords of the index have no letter? */
static void
find_only(struct maildir_box *box)
{
	const struct index_state *st = index_state(box->idx.index);
	struct maildir_index *idx = &box->idx;

	free(idx->only);
	idx->only = NULL;
	idx->only_count = 0;
	if (!idx->usable || st->keyword_count == 0)
		return;
	idx->only = mem_calloc(st->keyword_count, sizeof(*idx->only));
	for (size_t i = 0; i < st->keyword_count; i++) {
		const char *name = index_keyword(idx->index, i);

		if (keyword_valid(name, strlen(name)) &&
		    keyword_map_find(&box->keywords, name) == -1)
			idx->only[idx->only_count++] = i;
	}
}

void
maildir_index_look(struct maildir_box *box)
{
	struct maildir_index *idx = &box->idx;
	const struct index_state *st;
	struct err why = ERR_INIT;

	/* INDEX= may have got the directory since. */
	if (box->index_fd == -1 && box->place.index_fd != -1) {
		maildir_index_close(box);
		maildir_index_open(box);
	}
	idx->usable = false;
	if (idx->index == NULL)
		return;
	if (index_refresh(idx->index, &why) == -1) {
		tell(box, &why, "is not used");
	} else {
		st = index_state(idx->index);
		idx->usable = st->log_seq != 0 && !st->deleted &&
		    st->uidvalidity != 0 &&
		    st->uidvalidity == box->list.header.uidvalidity;
	}
	find_only(box);
}

void
maildir_index_believe(struct maildir_box *box)
{
	box->idx.usable = true;
	find_only(box);
}

bool
maildir_index_is_young(const struct maildir_box *box)
{
	const struct index_state *st;

	if (box->idx.index == NULL)
		return false;
	st = index_state(box->idx.index);
	return st->log_seq != 0 && !st->deleted && st->uidvalidity == 0 &&
	    st->count == 0 && st->next_uid <= 1;
}

uint64_t
maildir_index_highest(const struct maildir_box *box)
{
	const struct maildir_index *idx = &box->idx;

	if (idx->usable)
		return index_state(idx->index)->highestmodseq;
	/* One that can be made when it is needed. */
	if (idx->index != NULL && !idx->told && !box->store->readonly &&
	    (index_state(idx->index)->log_seq == 0 ||
	    maildir_index_is_young(box)) && box->list.lines == 0)
		return 1;
	return 0;
}

uint64_t
maildir_index_modseq(const struct maildir_box *box, uint32_t uid)
{
	size_t pos;

	if (!box->idx.usable || !index_find(box->idx.index, uid, &pos))
		return 0;
	return index_modseq(box->idx.index, pos);
}

bool
maildir_index_holds_keywords(const struct maildir_box *box)
{
	return box->idx.usable && index_is_locked(box->idx.index);
}

static int
compare(const void *a, const void *b)
{
	return keyword_cmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of the message at pos: all, or those without a letter. */
static size_t
add_names(struct maildir_box *box, size_t pos, bool all, const char **names,
    size_t n)
{
	const struct maildir_index *idx = &box->idx;
	size_t count = all ? index_state(idx->index)->keyword_count :
	    idx->only_count;

	for (size_t i = 0; i < count && n < KEYWORDS_MAX; i++) {
		size_t k = all ? i : idx->only[i];
		const char *name = index_keyword(idx->index, k);

		if (index_has_keyword(idx->index, pos, k) &&
		    (!all || keyword_valid(name, strlen(name))))
			names[n++] = name;
	}
	return n;
}

void
maildir_effective(struct maildir_box *box, uint32_t uid, uint32_t letters,
    struct mail_info *info, const char *names[static KEYWORDS_MAX])
{
	const struct maildir_index *idx = &box->idx;
	struct index_mail mail;
	size_t n = 0, pos, letters_n;
	bool pending;

	info->flags = file_letters_flags(letters);
	info->keywords = names;
	info->keyword_count = keyword_map_names(&box->keywords, letters,
	    names);
	if (!idx->usable || !index_find(idx->index, uid, &pos))
		return;
	mail = index_mail(idx->index, pos);
	pending = index_is_pending(idx->index, uid, INDEX_KEYWORD) ||
	    index_is_pending(idx->index, uid, INDEX_KEYWORDS_RESET);
	/* The file lags behind. */
	if ((mail.flags & INDEX_FLAG_DIRTY) ||
	    index_is_pending(idx->index, uid, INDEX_FLAGS))
		info->flags = mail.flags & FLAGS_ALL;
	if (!pending && idx->only_count == 0)
		return;
	letters_n = pending ? 0 : info->keyword_count;
	n = add_names(box, pos, pending, names, letters_n);
	if (n > letters_n || pending)
		qsort(names, n, sizeof(*names), compare);
	info->keyword_count = n;
}
