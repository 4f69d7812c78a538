#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/files/uidvalidity.h"

#define MAIN_NAME	"dovecot-uidvalidity"
#define HEX_LEN		8U
#define TRIES		10U
/* Dovecot counts on from what the file holds: room for that stays. */
#define TAKEN_MAX	(UINT32_MAX - 0x1000000U)

static bool
parse_hex(const char *text, uint32_t *out)
{
	uint32_t n = 0;
	const char *digits = "0123456789abcdef", *p;

	for (unsigned int i = 0; i < HEX_LEN; i++) {
		if (text[i] == '\0' || (p = strchr(digits, text[i])) == NULL)
			return false;
		n = n << 4 | (uint32_t)(p - digits);
	}
	*out = n;
	return n != 0;
}

/* The last value by the main file; 0 if it does not say. */
static uint32_t
read_main(struct path_root *root)
{
	char text[HEX_LEN + 1] = "";
	struct err ignored = ERR_INIT;
	uint32_t value = 0;
	int fd = path_open_file(root, root->fd, MAIN_NAME, NULL, &ignored);

	if (fd == -1)
		return 0;
	if (io_read(fd, text, HEX_LEN) != HEX_LEN || !parse_hex(text, &value))
		value = 0;
	close(fd);
	return value;
}

/* The highest value by file names; 0 if there is none. */
static int
find_highest(struct path_root *root, uint32_t *out, struct err *err)
{
	DIR *dir = path_read_dir(root, root->fd, NULL, err);
	size_t prefix = strlen(MAIN_NAME ".");
	struct dirent *de;
	uint32_t value;

	*out = 0;
	if (dir == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, MAIN_NAME ".", prefix) == 0 &&
		    strlen(de->d_name) == prefix + HEX_LEN &&
		    parse_hex(de->d_name + prefix, &value) && value > *out)
			*out = value;
	}
	closedir(dir);
	return 0;
}

static void
suffix_name(char out[static 64], uint32_t value)
{
	snprintf(out, 64, MAIN_NAME ".%08" PRIx32, value);
}

static int
write_main(struct path_root *root, uint32_t value, struct err *err)
{
	char text[HEX_LEN + 1];
	struct err first = ERR_INIT;
	int fd, ret;

	fd = path_open_write(root, root->fd, MAIN_NAME, false, &first);
	if (fd == -1 && first.errnum == ENOENT)
		fd = path_create(root, root->fd, MAIN_NAME, 0600, &first);
	if (fd == -1) {
		*err = first;
		return -1;
	}
	snprintf(text, sizeof(text), "%08" PRIx32, value);
	ret = path_pwrite(root, fd, text, HEX_LEN, 0, err);
	close(fd);
	return ret;
}

/* Claim now, or later where that is taken. */
static int
claim_first(struct path_root *root, uint32_t *value_r, struct err *err)
{
	uint32_t value = (uint32_t)(clock_now_ms() / 1000);
	char name[64];
	int fd;

	for (unsigned int i = 0; i < TRIES; i++, value++) {
		suffix_name(name, value);
		fd = path_create(root, root->fd, name, 0444, err);
		if (fd == -1 && err->errnum == EEXIST)
			continue;
		if (fd == -1)
			return -1;
		close(fd);
		*value_r = value;
		return 0;
	}
	return -1;
}

static int
claim_after(struct path_root *root, uint32_t value, uint32_t *value_r,
    struct err *err)
{
	char from[64], to[64];

	for (unsigned int i = 0; i < TRIES; i++, value++) {
		suffix_name(from, value);
		suffix_name(to, value + 1);
		if (path_rename(root, root->fd, from, root->fd, to,
		    err) == 0) {
			*value_r = value + 1;
			return 0;
		}
		if (err->errnum != ENOENT && err->errnum != EEXIST)
			return -1;
	}
	return -1;
}

int
uidvalidity_next(struct path_root *root, uint32_t *value_r, struct err *err)
{
	uint32_t last = read_main(root), highest;
	struct err why = ERR_INIT;

	if (last != 0 && last < UINT32_MAX - TRIES &&
	    claim_after(root, last, value_r, &why) == 0)
		return write_main(root, *value_r, err);
	if (find_highest(root, &highest, err) == -1)
		return -1;
	why = (struct err)ERR_INIT;
	if (highest != 0 && highest < UINT32_MAX - TRIES) {
		if (claim_after(root, highest, value_r, &why) == -1)
			goto failed;
	} else if (claim_first(root, value_r, &why) == -1) {
		goto failed;
	}
	return write_main(root, *value_r, err);
failed:
	*err = why;
	return err_prefix(err, "choose a UIDVALIDITY");
}

/* No mailbox got a value here so far: the first is going to be the time. */
static void
start_at(struct path_root *root, uint32_t value)
{
	struct err ignored = ERR_INIT;
	char name[64];
	int fd;

	if (value < (uint32_t)(clock_now_ms() / 1000))
		return;
	suffix_name(name, value);
	fd = path_create(root, root->fd, name, 0444, &ignored);
	if (fd == -1)
		return;
	close(fd);
	(void)write_main(root, value, &ignored);
}

void
uidvalidity_taken(struct path_root *root, uint32_t value)
{
	uint32_t last = read_main(root);
	struct err ignored = ERR_INIT;
	char from[64], to[64];

	if (last >= value || value > TAKEN_MAX)
		return;
	if (last == 0 && find_highest(root, &last, &ignored) == -1)
		return;
	if (last == 0) {
		start_at(root, value);
		return;
	}
	suffix_name(to, value);
	for (unsigned int i = 0; i < TRIES && last + i < value; i++) {
		suffix_name(from, last + i);
		ignored = (struct err)ERR_INIT;
		if (path_rename(root, root->fd, from, root->fd, to,
		    &ignored) == 0) {
			(void)write_main(root, value, &ignored);
			return;
		}
		/* Somebody else may have gone on from there. */
		if (ignored.errnum != ENOENT)
			return;
	}
}

int
uidvalidity_choose(struct path_root *root, uint32_t *value, struct err *err)
{
	if (*value == 0)
		return uidvalidity_next(root, value, err);
	uidvalidity_taken(root, *value);
	return 0;
}
