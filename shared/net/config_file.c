#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/utf8.h"
#include "net/config_file.h"

#define LOCK_WAIT_MS	10000U
#define LOCK_RETRY_MS	20

void
config_lines_init(struct config_lines *lines, const char *text, size_t len)
{
	lines->p = text;
	lines->end = text + len;
	lines->line = 0;
}

/* Controls beyond ASCII, and what turns the direction of writing. */
static bool
forbidden(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x061c || c == 0x200e ||
	    c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

static bool
plain(const char *text, size_t len, bool blanks)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if (*p == 0x7f || (*p <= 0x20 &&
		    !(blanks && (*p == ' ' || *p == '\t'))))
			return false;
		if ((n = utf8_next(p, len, &c)) == 0 || forbidden(c))
			return false;
	}
	return true;
}

bool
config_text_plain(const char *text, size_t len)
{
	return plain(text, len, false);
}

int
config_lines_next(struct config_lines *lines, char *out, size_t size)
{
	const char *newline;
	size_t len;
	int ret = 1;

	if (lines->p == lines->end)
		return 0;
	newline = memchr(lines->p, '\n', (size_t)(lines->end - lines->p));
	len = (size_t)((newline != NULL ? newline : lines->end) - lines->p);
	if (len > 0 && lines->p[len - 1] == '\r')
		len--;
	if (len >= size) {
		len = size - 1;
		ret = -1;
	}
	memcpy(out, lines->p, len);
	out[len] = '\0';
	if (!plain(out, len, true))
		ret = -1;
	lines->p = newline != NULL ? newline + 1 : lines->end;
	lines->line++;
	return ret;
}

char *
config_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");

	if (*word == '\0' || *word == '#')
		return NULL;
	*rest = word + strcspn(word, " \t");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

int
config_file_read(const char *path, struct strbuf *text, struct err *err)
{
	struct stat st;
	char buf[8192];
	ssize_t n;
	int ret = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return err_sys(err, "cannot open %s", path);
	if (fstat(fd, &st) == -1) {
		err_sys(err, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_CONFIG, "%s is not a regular file", path);
		goto out;
	}
	if ((st.st_mode & 022) != 0) {
		err_set(err, ERR_CONFIG, "%s may be written by others: run "
		    "chmod go-w on it", path);
		goto out;
	}
	while ((n = io_read(fd, buf, sizeof(buf))) > 0) {
		strbuf_add(text, buf, (size_t)n);
		if (text->failed) {
			err_set(err, ERR_CONFIG, "%s is larger than %zu "
			    "bytes", path, text->limit);
			goto out;
		}
	}
	if (n == -1) {
		err_sys(err, "cannot read %s", path);
		goto out;
	}
	ret = 0;
out:
	(void)close(fd);
	return ret;
}

/* Open the folder of a file; the last part of path goes to *name_r. */
static int
open_folder(const char *path, char folder[static PATH_MAX],
    const char **name_r, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;
	int fd;

	if (len >= PATH_MAX)
		return err_set(err, ERR_CONFIG, "a path is too long");
	memcpy(folder, path, len);
	folder[len] = '\0';
	*name_r = slash != NULL ? slash + 1 : path;
	fd = open(slash == NULL ? "." : len == 0 ? "/" : folder,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "cannot open the folder of %s", path);
	return fd;
}

int
config_file_replace(const char *path, const struct strbuf *text,
    struct err *err)
{
	char folder[PATH_MAX], target[PATH_MAX], tmp[NAME_MAX + 1];
	mode_t mode = 0600;
	const char *name = NULL;
	struct stat st;
	int dirfd, ret;

	if (text->failed)
		return err_set(err, ERR_CONFIG, "%s becomes too large", path);
	/* Where a link leads the link stays. */
	if (realpath(path, target) != NULL) {
		path = target;
		if (stat(path, &st) == 0)
			mode = st.st_mode & 0644;
	}
	if ((dirfd = open_folder(path, folder, &name, err)) == -1)
		return -1;
	if ((size_t)snprintf(tmp, sizeof(tmp), ".%s.new", name) >=
	    sizeof(tmp))
		ret = err_set(err, ERR_CONFIG, "%s: name too long", path);
	else
		ret = io_replace_file(dirfd, name, tmp, mode, text->data,
		    text->len, err);
	if (ret == -1)
		err_prefix(err, "cannot replace %s", path);
	(void)close(dirfd);
	return ret;
}

int
config_file_lock(const char *path, struct err *err)
{
	char lock[PATH_MAX], target[PATH_MAX];
	uint64_t deadline = clock_mono_ms() + LOCK_WAIT_MS;
	int fd;

	if (realpath(path, target) != NULL)
		path = target;
	if ((size_t)snprintf(lock, sizeof(lock), "%s.lock", path) >=
	    sizeof(lock))
		return err_set(err, ERR_CONFIG, "%s: path too long", path);
	/* The lock file stays: removing it would let two in at once. */
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return err_sys(err, "cannot open %s", lock);
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			err_sys(err, "cannot lock %s", lock);
			(void)close(fd);
			return -1;
		}
		if (clock_mono_ms() >= deadline) {
			(void)close(fd);
			return err_set(err, ERR_TEMP, "%s is locked by "
			    "another program", path);
		}
		(void)poll(NULL, 0, LOCK_RETRY_MS);
	}
	return fd;
}
