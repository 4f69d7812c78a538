/*
 * Names by LAYOUT=fs: a directory for each level, in modified UTF-7 or UTF-8.
 * So a level holds no '/', is not "." or "..", and is not the directory in
 * which the mailbox itself lies; nor does a name begin with '~'.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"

bool
dbox_inbox_misspelt(const char *name)
{
	size_t len = strcspn(name, "\x1f");

	return len == 5 && strncasecmp(name, "INBOX", 5) == 0 &&
	    name[5] == '\0' && !name_is_inbox(name);
}

static void
encode_level(const struct dbox_store *store, struct strbuf *out,
    const char *level, size_t len)
{
	if (store->utf8)
		strbuf_add(out, level, len);
	else
		mutf7_encode(out, level, len);
}

/* Is this level, in UTF-8, one that no directory may stand for? */
static bool
level_reserved(const struct dbox_store *store, const char *level, size_t len)
{
	return (len == 1 && level[0] == '.') ||
	    (len == 2 && memcmp(level, "..", 2) == 0) ||
	    (len == strlen(store->dir_name) &&
	    memcmp(level, store->dir_name, len) == 0) ||
	    memchr(level, '/', len) != NULL;
}

/* A valid name to a path; false: too long. */
static bool
encode_name(const struct dbox_store *store, const char *name,
    char out[static DBOX_PATH_MAX])
{
	struct strbuf path;
	size_t len, start;
	bool fits = true;

	strbuf_init(&path, DBOX_PATH_MAX - 1);
	for (;;) {
		len = strcspn(name, "\x1f");
		start = path.len;
		encode_level(store, &path, name, len);
		if (path.len - start > PATH_NAME_MAX)
			fits = false;
		name += len;
		if (*name == '\0')
			break;
		name++;
		strbuf_addc(&path, '/');
	}
	fits = fits && !path.failed;
	if (fits)
		memcpy(out, path.data, path.len + 1);
	strbuf_deinit(&path);
	return fits;
}

int
dbox_name_path(struct dbox_store *store, const char *name,
    char out[static DBOX_PATH_MAX], struct err *err)
{
	const char *p;
	size_t len;
	bool ok = name_valid(name, strlen(name)) && name[0] != '~' &&
	    !dbox_inbox_misspelt(name);

	if (store->listed)
		return dbox_listed_path(store, name, out, err);
	for (p = name; ok; p += len + 1) {
		len = strcspn(p, "\x1f");
		ok = !level_reserved(store, p, len);
		if (p[len] == '\0')
			break;
	}
	if (!ok)
		return err_set(err, ERR_REFUSED,
		    "a dbox can't hold this mailbox name");
	if (!encode_name(store, name, out))
		return err_set(err, ERR_REFUSED,
		    "the mailbox name is too long for a dbox");
	return 0;
}

int
dbox_level_name(const struct dbox_store *store, const char *level,
    struct strbuf *name)
{
	size_t start = name->len, part = start;
	int r = 0;

	if (start > 0) {
		strbuf_addc(name, NAME_SEP);
		part++;
	}
	if (store->utf8)
		strbuf_adds(name, level);
	else
		r = mutf7_decode(name, level, strlen(level));
	if (r == 0 && !name->failed && name_valid(name->data, name->len) &&
	    !level_reserved(store, name->data + part, name->len - part) &&
	    name->data[0] != '~')
		return 0;
	name->failed = false;
	name->len = start;
	name->data[start] = '\0';
	return -1;
}

int
dbox_map_name(struct store *head, const char *name, char *out, size_t size,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	char path[DBOX_PATH_MAX];
	size_t len = strlen(name);

	if (!name_valid(name, len) || len >= size)
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memcpy(out, name, len + 1);
	if (store->listed)
		return dbox_listed_map(store, out, err);
	for (char *p = out; (p = strchr(p, '/')) != NULL;)
		*p++ = store->alt_char;
	for (char *p = out; ; p += len + 1) {
		len = strcspn(p, "\x1f");
		if (level_reserved(store, p, len))
			p[0] = store->alt_char;
		if (p[len] == '\0')
			break;
	}
	if (out[0] == '~' || dbox_inbox_misspelt(out))
		out[0] = store->alt_char;
	return dbox_name_path(store, out, path, err);
}
