#include "config.h"

#include <sys/syscall.h>

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "store/files/dir_read.h"

/* What the kernel writes, from the start of buf on; each begins aligned. */
struct entry {
	uint64_t ino;
	int64_t next;
	uint16_t len;		/* of all of it, bytes */
	uint8_t type;
	char name[];
};

int
dir_read_begin(struct dir_read *dir, int fd, struct err *err)
{
	dir->fd = fd;
	dir->pos = dir->len = 0;
	if (lseek(fd, 0, SEEK_SET) == -1)
		return err_sys(err, "read a directory");
	return 0;
}

int
dir_read_next(struct dir_read *dir, const char **name_r,
    unsigned char *type_r, struct err *err)
{
	const struct entry *entry;
	long n;

	if (dir->pos == dir->len) {
		n = syscall(SYS_getdents64, dir->fd, dir->buf,
		    sizeof(dir->buf));
		if (n == -1)
			return err_sys(err, "read a directory");
		if (n == 0)
			return 0;
		dir->pos = 0;
		dir->len = (size_t)n;
	}
	entry = (const void *)((const char *)dir->buf + dir->pos);
	dir->pos += entry->len;
	*name_r = entry->name;
	*type_r = entry->type;
	return 1;
}
