#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/files/path.h"
#include "store/index/mailbox_log.h"
#include "store/store_settings.h"

#define LOG_RECORD	24U	/* bytes */
#define LOG2_NAME	MAILBOX_LOG_NAME ".2"

struct guid128
mailbox_log_name_guid(const char *virtual_name)
{
	uint8_t sha1[DIGEST_SHA1_SIZE];
	struct guid128 guid;

	digest_sha1(virtual_name, strlen(virtual_name), sha1);
	memcpy(guid.b, sha1, sizeof(guid.b));
	return guid;
}

struct guid128
mailbox_log_joined_guid(const char *name,
    const struct store_settings *settings, char separator)
{
	const char *prefix = settings->namespace_prefix;
	struct guid128 guid;
	char *shown, *p;

	if (prefix == NULL || name_is_inbox(name))
		prefix = "";
	if (settings->namespace_separator != '\0')
		separator = settings->namespace_separator;
	shown = mem_printf("%s%s", prefix, name);
	for (p = shown + strlen(prefix); *p != '\0'; p++) {
		if (*p == NAME_SEP)
			*p = separator;
	}
	guid = mailbox_log_name_guid(shown);
	free(shown);
	return guid;
}

/* Open it for appending; a full one is put aside, a missing one made. */
static int
open_log(struct path_root *root, int dirfd, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct path_stat st, dir;
	int fd;

	if (path_stat(root, dirfd, NULL, MAILBOX_LOG_NAME, &st, err) == -1)
		return -1;
	if (st.exists && st.size >= MAILBOX_LOG_ROTATE &&
	    path_rename_over(root, dirfd, MAILBOX_LOG_NAME, LOG2_NAME,
	    err) == -1)
		return -1;
	fd = path_open_write(root, dirfd, MAILBOX_LOG_NAME, true, err);
	if (fd != -1 || err->errnum != ENOENT)
		return fd;
	*err = (struct err)ERR_INIT;
	fd = path_create(root, dirfd, MAILBOX_LOG_NAME, 0600, err);
	if (fd == -1 && err->errnum == EEXIST) {
		*err = (struct err)ERR_INIT;
		return path_open_write(root, dirfd, MAILBOX_LOG_NAME, true,
		    err);
	}
	if (fd == -1)
		return -1;
	if (path_fstat(dirfd, &dir, &ignored) == 0) {
		if ((gid_t)dir.gid != getegid())
			(void)path_set_group(root, fd, (gid_t)dir.gid,
			    &ignored);
		(void)path_set_mode(root, fd,
		    (mode_t)((dir.mode & 0666) | 0600), &ignored);
	}
	/* Others append meanwhile: our own descriptor has to do so, too. */
	close(fd);
	return path_open_write(root, dirfd, MAILBOX_LOG_NAME, true, err);
}

int
mailbox_log_append(struct path_root *root, int dirfd,
    enum mailbox_log_event event, const struct guid128 *guid,
    struct err *err)
{
	uint32_t now = (uint32_t)(clock_now_ms() / 1000);
	uint8_t rec[LOG_RECORD] = { (uint8_t)event };
	int fd, ret;

	memcpy(rec + 4, guid->b, GUID_SIZE);
	for (int i = 0; i < 4; i++)
		rec[20 + i] = (uint8_t)(now >> (24 - 8 * i));
	if ((fd = open_log(root, dirfd, err)) == -1)
		return -1;
	ret = path_write(root, fd, rec, sizeof(rec), err);
	close(fd);
	return ret;
}

static int
read_one(struct path_root *root, int dirfd, const char *name,
    mailbox_log_fn *fn, void *arg, struct err *err)
{
	uint8_t rec[LOG_RECORD];
	struct path_stat st;
	size_t total = 0;
	int fd = path_open_file(root, dirfd, name, &st, err), ret = 0;
	ssize_t n;

	if (fd == -1 && err->errnum == ENOENT) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (fd == -1)
		return -1;
	while (ret == 0 && total < MAILBOX_LOG_MAX &&
	    (n = io_read(fd, rec, sizeof(rec))) == (ssize_t)sizeof(rec)) {
		struct mailbox_log_record out = {
			.event = (enum mailbox_log_event)rec[0],
			.time = (int64_t)((uint32_t)rec[20] << 24 |
			    (uint32_t)rec[21] << 16 |
			    (uint32_t)rec[22] << 8 | rec[23]),
		};

		if (rec[0] < MAILBOX_LOG_DELETE ||
		    rec[0] > MAILBOX_LOG_UNSUBSCRIBE)
			break;
		memcpy(out.guid.b, rec + 4, GUID_SIZE);
		ret = fn(&out, arg, err);
		total += sizeof(rec);
	}
	close(fd);
	return ret;
}

int
mailbox_log_read(struct path_root *root, int dirfd, mailbox_log_fn *fn,
    void *arg, struct err *err)
{
	if (read_one(root, dirfd, LOG2_NAME, fn, arg, err) == -1)
		return -1;
	return read_one(root, dirfd, MAILBOX_LOG_NAME, fn, arg, err);
}
