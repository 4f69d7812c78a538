#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "store/mbox/mbox.h"

/* File times are as coarse as this, in nanoseconds. */
#define COARSE_LOCAL	20000000LL
#define COARSE_REMOTE	2000000000LL

/*
 * The file; the log of Dovecot's index, since flags may be there long before
 * they are in the file; and a journal, since who opens the mailbox carries it
 * out.
 */
int
mbox_files_token(struct mbox_store *store, struct path_root *root,
    int dirfd, const char *file, int state_fd, struct store_token *token_r,
    struct err *err)
{
	struct path_stat stats[3] = { { .exists = false } };
	int64_t newest = INT64_MIN, now;
	uint64_t words[4];

	if (path_stat(root, dirfd, NULL, file, &stats[0], err) == -1)
		return -1;
	if (state_fd != -1 && path_stat(mbox_index_root(store), state_fd,
	    NULL, "dovecot.index.log", &stats[1], err) == -1)
		return -1;
	if (state_fd != -1 && path_stat(mbox_index_root(store), state_fd,
	    NULL, JOURNAL_NAME, &stats[2], err) == -1)
		return -1;
	*token_r = (struct store_token){ .len = 0 };
	for (size_t i = 0; i < nitems(stats); i++) {
		words[0] = stats[i].ino;
		words[1] = stats[i].size;
		words[2] = (uint64_t)stats[i].mtime_ns;
		words[3] = (uint64_t)stats[i].ctime_ns;
		memcpy(token_r->data + token_r->len, words, sizeof(words));
		token_r->len += sizeof(words);
		/* ctime alone tells of changes; mtime can be set to any. */
		if (stats[i].exists && stats[i].ctime_ns > newest)
			newest = stats[i].ctime_ns;
	}
	now = (int64_t)clock_now_ms() * 1000000;
	token_r->settled = newest <
	    now - (root->local ? COARSE_LOCAL : COARSE_REMOTE);
	return 0;
}
