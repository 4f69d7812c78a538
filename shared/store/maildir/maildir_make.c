/*
 * What a mailbox has besides its mails: control and index files, made for
 * a new one, moved with one that is renamed, removed with its last mail.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <unistd.h>

#include "store/files/uidvalidity.h"
#include "store/maildir/maildir.h"

/* Files that go with a mailbox; locks and leftovers are not among them. */
static const char *const control_names[] = {
	UIDLIST_NAME, KEYWORDS_NAME, SHARED_NAME, "dovecot-acl",
};
static const char *const index_names[] = {
	"dovecot.index", "dovecot.index.log", "dovecot.index.log.2",
	"dovecot.index.cache", "dovecot.index.pvt",
	"dovecot.index.pvt.log", "dovecot.index.backup",
};
/* Of no use without the mailbox. */
static const char *const litter_names[] = {
	"maildirfolder", UIDLIST_TMP, KEYWORDS_LOCK, "dovecot.index.tmp",
};

/* Removing what is missing is done. */
static int
unlink_file(struct maildir_store *store, int fd, const char *name,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (path_unlink(&store->root, fd, name, false, &why) == -1 &&
	    why.errnum != ENOENT) {
		*err = why;
		return -1;
	}
	return 0;
}

int
maildir_write_uidlist(struct maildir_store *store, int fd,
    const struct mailbox_status *status, bool sync, struct err *err)
{
	struct uidlist_header header = { .version = 3,
	    .uidvalidity = status->uidvalidity, .uidnext = status->uidnext,
	    .guid = status->guid };
	struct maildir_shared shared;
	struct strbuf text;
	int file, ret = -1;

	if (uidvalidity_choose(maildir_control(store), &header.uidvalidity,
	    err) == -1)
		return -1;
	if (header.uidnext == 0)
		header.uidnext = 1;
	if (guid_is_zero(&header.guid))
		header.guid = guid_random();
	if (maildir_shared_load(store, store->root.fd, &shared, err) == -1)
		return -1;
	file = path_create(&store->root, fd, UIDLIST_NAME, shared.mode, err);
	if (file == -1)
		return -1;
	maildir_shared_apply(store, &shared, file);
	strbuf_init(&text, UIDLIST_HEADER_MAX);
	uidlist_header_format(&text, &header);
	if (path_write(&store->root, file, text.data, text.len, err) == 0)
		ret = sync ? path_fsync(&store->root, file, err) : 0;
	strbuf_deinit(&text);
	close(file);
	return ret;
}

/* What is there now was of a mailbox that is gone. */
int
maildir_make_control(struct maildir_store *store,
    const struct maildir_place *place, const struct mailbox_status *status,
    struct err *err)
{
	int fd = maildir_dir_make(store, place->control_fd, place->control,
	    err), ret = -1;

	if (fd == -1)
		return -1;
	if (unlink_file(store, fd, UIDLIST_NAME, err) == 0 &&
	    unlink_file(store, fd, KEYWORDS_NAME, err) == 0 &&
	    maildir_write_uidlist(store, fd, status, true, err) == 0)
		ret = path_fsync(&store->root, fd, err);
	close(fd);
	return ret;
}

int
maildir_shared_load(struct maildir_store *store, int fd,
    struct maildir_shared *shared_r, struct err *err)
{
	struct path_stat st;

	*shared_r = (struct maildir_shared){ .mode = 0600 };
	if (path_stat(&store->root, fd, NULL, SHARED_NAME, &st, err) == -1)
		return -1;
	if (st.exists && S_ISREG(st.mode)) {
		shared_r->exists = true;
		shared_r->mode = (mode_t)(st.mode & 0666) | 0600;
		shared_r->gid = (gid_t)st.gid;
		shared_r->set_gid = st.gid != getegid();
	}
	return 0;
}

/*
 * The umask had its say in the file's mode, which is to be that of
 * dovecot-shared whatever the umask is.
 */
void
maildir_shared_apply(struct maildir_store *store,
    const struct maildir_shared *shared, int file)
{
	struct err ignored = ERR_INIT;

	if (shared->set_gid)
		(void)path_set_group(&store->root, file, shared->gid,
		    &ignored);
	if (shared->exists)
		(void)path_set_mode(&store->root, file, shared->mode,
		    &ignored);
}

int
maildir_make_shared(struct maildir_store *store, int fd, struct err *err)
{
	struct maildir_shared shared;
	struct err why = ERR_INIT;
	int file;

	if (maildir_shared_load(store, store->root.fd, &shared, err) == -1)
		return -1;
	if (!shared.exists)
		return 0;
	file = path_create(&store->root, fd, SHARED_NAME, shared.mode, &why);
	if (file == -1 && why.errnum == EEXIST)
		return 0;
	if (file == -1) {
		*err = why;
		return -1;
	}
	maildir_shared_apply(store, &shared, file);
	close(file);
	return 0;
}

int
maildir_link_control(struct maildir_store *store, int from_fd, int to_fd,
    struct err *err)
{
	const char *name;
	struct err why;

	for (size_t i = 0; i < nitems(control_names); i++) {
		name = control_names[i];
		if (unlink_file(store, to_fd, name, err) == -1)
			return -1;
		why = (struct err)ERR_INIT;
		if (path_link(&store->root, from_fd, name, to_fd, name,
		    &why) == -1 && why.errnum != ENOENT) {
			*err = why;
			return -1;
		}
	}
	return path_fsync(&store->root, to_fd, err);
}

static void
unlink_names(struct maildir_store *store, int fd, const char *const *names,
    size_t n)
{
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		(void)path_unlink(&store->root, fd, names[i], false,
		    &ignored);
}

void
maildir_drop_control(struct maildir_store *store, int base, const char *path)
{
	struct err ignored = ERR_INIT;
	int fd = maildir_dir_open(store, base, path, &ignored);

	if (fd == -1)
		return;
	unlink_names(store, fd, control_names, nitems(control_names));
	unlink_names(store, fd, litter_names, nitems(litter_names));
	close(fd);
	maildir_dir_prune(store, base, path);
}

/* Indexes are a cache; what can't be moved along is left to Dovecot. */
void
maildir_move_index(struct maildir_store *store,
    const struct maildir_place *from, const struct maildir_place *to)
{
	struct err ignored = ERR_INIT;
	int from_fd, to_fd = -1;

	if (from->index_fd == -1 || to->index_fd == -1)
		return;
	from_fd = maildir_dir_open(store, from->index_fd, from->index,
	    &ignored);
	if (from_fd != -1)
		to_fd = maildir_dir_make(store, to->index_fd, to->index,
		    &ignored);
	if (to_fd != -1) {
		/* One that is older than the mailbox is worse than none. */
		unlink_names(store, to_fd, index_names,
		    nitems(index_names));
		for (size_t i = 0; i < nitems(index_names); i++)
			(void)path_rename(&store->root, from_fd,
			    index_names[i], to_fd, index_names[i], &ignored);
		close(to_fd);
	}
	if (from_fd == -1)
		return;
	close(from_fd);
	maildir_drop_index(store, from);
}

void
maildir_drop_index(struct maildir_store *store,
    const struct maildir_place *place)
{
	struct err ignored = ERR_INIT;
	int fd;

	if (place->index_fd == -1)
		return;
	fd = maildir_dir_open(store, place->index_fd, place->index,
	    &ignored);
	if (fd == -1)
		return;
	unlink_names(store, fd, index_names, nitems(index_names));
	unlink_names(store, fd, litter_names, nitems(litter_names));
	close(fd);
	maildir_dir_prune(store, place->index_fd, place->index);
}
