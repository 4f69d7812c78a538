#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#define IO_CHUNK	((size_t)65536)	/* bytes read at once ... */
#define IO_SMALL	1024	/* ... and of a file that has fewer */

int
io_write(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
io_read(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, p + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/*
 * Read the open file up to its end, or one byte more than fits.  Most files are
 * small, and memory costs more than the reading; size is what they had.
 */
static int
read_all(int fd, const char *name, off_t size, struct strbuf *buf,
    struct err *err)
{
	size_t room = size < IO_SMALL ? IO_SMALL + 1 :
	    size < (off_t)IO_CHUNK ? (size_t)size + 1 : IO_CHUNK;
	char *chunk = mem_space(room);
	ssize_t n;
	int ret = -1;

	do {
		if ((n = io_read(fd, chunk, room)) == -1) {
			err_sys(err, "read %s", name);
			goto out;
		}
		strbuf_add(buf, chunk, (size_t)n);
		if (buf->failed) {
			err_set(err, ERR_CORRUPT, "%s: larger than %zu bytes",
			    name, buf->limit);
			goto out;
		}
	} while ((size_t)n == room);
	ret = 0;
out:
	explicit_bzero(chunk, room);	/* it may have been a key */
	free(chunk);
	return ret;
}

int
io_read_file(int dirfd, const char *name, struct strbuf *buf, struct err *err)
{
	struct stat st;
	int fd, ret = -1;

	strbuf_reset(buf);
	/* Without O_NONBLOCK opening a FIFO would wait for its writer. */
	do {
		fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_NOCTTY | O_CLOEXEC);
	} while (fd == -1 && errno == EINTR);
	if (fd == -1 && (errno == ELOOP || errno == ENXIO))
		return err_set(err, ERR_CORRUPT, "%s: not a regular file",
		    name);
	if (fd == -1)
		return err_sys(err, "open %s", name);
	if (fstat(fd, &st) == -1) {
		err_sys(err, "stat %s", name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_CORRUPT, "%s: not a regular file", name);
		goto out;
	}
	ret = read_all(fd, name, st.st_size, buf, err);
out:
	close(fd);
	if (ret == -1)
		strbuf_reset(buf);
	return ret;
}

/* Make the entry for name in its directory durable. */
static int
sync_dir_of(int dirfd, const char *name, struct err *err)
{
	const char *slash = strrchr(name, '/');
	char *dir = NULL;
	int fd = -1, ret = -1;

	if (slash == NULL)
		dir = mem_strdup(".");
	else
		dir = mem_strndup(name, (size_t)(slash - name) + 1);
	fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot sync a directory, and need not. */
	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL))
		err_sys(err, "sync directory of %s", name);
	else
		ret = 0;
	if (fd != -1)
		close(fd);
	free(dir);
	return ret;
}

static int
write_new(int dirfd, const char *tmp, mode_t mode, const void *data,
    size_t len, struct err *err)
{
	int fd, ret = -1;

	do {
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, mode);
	} while (fd == -1 && errno == EINTR);
	if (fd == -1)
		return err_sys(err, "create %s", tmp);
	if (fchmod(fd, mode) == -1)	/* whatever the umask is */
		err_sys(err, "chmod %s", tmp);
	else if (io_write(fd, data, len, err) == -1)
		err_prefix(err, "%s", tmp);
	else if (fsync(fd) == -1)
		err_sys(err, "fsync %s", tmp);
	else
		ret = 0;
	if (close(fd) == -1 && ret == 0)
		ret = err_sys(err, "close %s", tmp);
	return ret;
}

int
io_replace_file(int dirfd, const char *name, const char *tmp, mode_t mode,
    const void *data, size_t len, struct err *err)
{
	if (unlinkat(dirfd, tmp, 0) == -1 && errno != ENOENT)
		return err_sys(err, "remove %s", tmp);
	if (write_new(dirfd, tmp, mode, data, len, err) == -1)
		goto fail;
	if (renameat(dirfd, tmp, dirfd, name) == -1) {
		err_sys(err, "rename %s to %s", tmp, name);
		goto fail;
	}
	return sync_dir_of(dirfd, name, err);
fail:
	unlinkat(dirfd, tmp, 0);
	return -1;
}

int
io_set_nonblock(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return err_sys(err, "fcntl");
	return 0;
}

int
io_set_cloexec(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags == -1 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == -1)
		return err_sys(err, "fcntl");
	return 0;
}
