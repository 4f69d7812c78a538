#include "config.h"

#include <sys/stat.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/tempdir.h"

static char dir[PATH_MAX];

const char *
tempdir_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/dsync-test-XXXXXX",
	    base != NULL ? base : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		abort();
	}
	return dir;
}

const char *
tempdir_path(const char *name)
{
	static char paths[8][PATH_MAX + 256];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

void
tempdir_write(const char *name, const char *text)
{
	FILE *file = fopen(tempdir_path(name), "w");

	if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0 ||
	    chmod(tempdir_path(name), 0600) == -1) {
		perror(name);
		abort();
	}
}

const char *
tempdir_read(const char *name)
{
	static char text[65536];
	FILE *file = fopen(tempdir_path(name), "r");
	size_t n;

	if (file == NULL)
		return "";
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
tempdir_remove(void)
{
	if (dir[0] != '\0')
		nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	dir[0] = '\0';
}
