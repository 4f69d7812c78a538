#include "config.h"

#include "store/files/file_token.h"
#include "store/maildir/maildir.h"

#define TOKEN_FILES	5U

bool
maildir_time_settled(const struct maildir_store *store, int64_t newest_ns)
{
	return file_time_settled(&store->root, newest_ns);
}

void
maildir_files_token(struct maildir_store *store, struct store_token *token_r,
    const struct path_stat *stats, size_t n)
{
	file_token(token_r, &store->root, stats, n);
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

	_Static_assert(TOKEN_FILES <= FILE_TOKEN_MAX, "a token has to fit");
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
