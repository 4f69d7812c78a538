/*
 * Spool files: bodies on their way, in the directory of the mailbox's state.
 * A spool file is locked by the process that writes it, so that others see
 * which ones nobody needs any more.
 */
#include "config.h"

#include <sys/file.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/mbox.h"

#define LEFTOVERS_MAX	1000U	/* looked at in one opening */

struct spool *
spool_new(struct mbox_box *box, struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);
	struct spool *spool = mem_alloc(sizeof(*spool));
	char unique[PATH_NAME_MAX + 1];

	unique_name(unique, box->store->hostname);
	snprintf(spool->name, sizeof(spool->name), SPOOL_PREFIX "%.200s",
	    unique);
	spool->fd = path_create(root, box->state_fd, spool->name, 0600, err);
	if (spool->fd == -1) {
		free(spool);
		return NULL;
	}
	(void)flock(spool->fd, LOCK_EX | LOCK_NB);
	spool->named = true;
	spool->refs = 1;
	return spool;
}

struct spool *
spool_ref(struct spool *spool)
{
	spool->refs++;
	return spool;
}

void
spool_unref(struct mbox_box *box, struct spool **spoolp)
{
	struct spool *spool = *spoolp;
	struct err ignored = ERR_INIT;

	*spoolp = NULL;
	if (spool == NULL || --spool->refs > 0)
		return;
	if (spool->named)
		(void)path_unlink(mbox_index_root(box->store), box->state_fd,
		    spool->name, false, &ignored);
	close(spool->fd);
	free(spool);
}

void
spool_cleanup(struct mbox_box *box)
{
	struct path_root *root = mbox_index_root(box->store);
	struct err ignored = ERR_INIT;
	DIR *dir = path_read_dir(root, box->state_fd, NULL, &ignored);
	struct dirent *de;
	size_t n = 0;
	int fd;

	if (dir == NULL)
		return;
	while (n < LEFTOVERS_MAX && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, SPOOL_PREFIX,
		    strlen(SPOOL_PREFIX)) != 0)
			continue;
		n++;
		fd = path_open_file(root, box->state_fd, de->d_name, NULL,
		    &ignored);
		if (fd == -1)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)path_unlink(root, box->state_fd, de->d_name,
			    false, &ignored);
		close(fd);
	}
	closedir(dir);
}
