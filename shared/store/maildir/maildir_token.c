#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "store/maildir/maildir.h"

/* File times are as coarse as this, in nanoseconds. */
#define COARSE_LOCAL	20000000LL
#define COARSE_REMOTE	2000000000LL

#define TOKEN_FILES	5U

bool
maildir_time_settled(const struct maildir_store *store, int64_t newest_ns)
{
	int64_t now = (int64_t)clock_now_ms() * 1000000;

	return newest_ns < now -
	    (store->root.local ? COARSE_LOCAL : COARSE_REMOTE);
}

void
maildir_files_token(struct maildir_store *store, struct store_token *token_r,
    const struct path_stat *stats, size_t n)
{
	int64_t newest = INT64_MIN;
	uint64_t words[4];

	*token_r = (struct store_token){ .len = 0 };
	for (size_t i = 0; i < n; i++) {
		words[0] = stats[i].ino;
		words[1] = stats[i].size;
		words[2] = (uint64_t)stats[i].mtime_ns;
		words[3] = (uint64_t)stats[i].ctime_ns;
		memcpy(token_r->data + token_r->len, words, sizeof(words));
		token_r->len += sizeof(words);
		if (!stats[i].exists)
			continue;
		/* ctime alone tells of changes; mtime can be set to any. */
		if (stats[i].ctime_ns > newest)
			newest = stats[i].ctime_ns;
	}
	token_r->settled = maildir_time_settled(store, newest);
}

/* NULL stands for the directory itself. */
static const char *
dir_or_self(const char *path)
{
	return path[0] == '\0' ? NULL : path;
}

int
maildir_token(struct maildir_store *store, const struct maildir_place *place,
    struct store_token *token_r, struct err *err)
{
	static const char *const names[] = { UIDLIST_NAME, KEYWORDS_NAME };
	const char *mail = dir_or_self(place->mail);
	struct path_stat stats[TOKEN_FILES];
	struct path_root *root = &store->root;

	_Static_assert(TOKEN_FILES * 4 * sizeof(uint64_t) <= STORE_TOKEN_MAX,
	    "a token has to fit");
	if (path_stat(root, place->mail_fd, mail, "cur", &stats[0],
	    err) == -1 || path_stat(root, place->mail_fd, mail, "new",
	    &stats[1], err) == -1)
		return -1;
	for (size_t i = 0; i < nitems(names); i++) {
		if (path_stat(root, place->control_fd,
		    dir_or_self(place->control), names[i], &stats[2 + i],
		    err) == -1)
			return -1;
	}
	if (path_stat(root, place->index_fd, dir_or_self(place->index),
	    "dovecot.index.log", &stats[4], err) == -1)
		return -1;
	maildir_files_token(store, token_r, stats, TOKEN_FILES);
	return 0;
}
