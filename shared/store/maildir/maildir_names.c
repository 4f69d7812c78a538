/*
 * Maildir++ names.  A mailbox is one directory below the root, '.' and its
 * parts joined by '.', each part in modified UTF-7.  So a part holds neither
 * '.' nor '/', and no name can be a path to anywhere else.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

#define DIR_TEXT_MAX	(16U * NAME_MAX_BYTES)

static bool
is_inbox_misspelt(const char *name)
{
	return strcasecmp(name, "INBOX") == 0 && !name_is_inbox(name);
}

static void
encode_part(const struct maildir_store *store, struct strbuf *out,
    const char *part, size_t len)
{
	if (store->utf8)
		strbuf_add(out, part, len);
	else
		mutf7_encode(out, part, len);
}

int
maildir_name_dir(const struct maildir_store *store, const char *name,
    char out[static PATH_NAME_MAX + 1], struct err *err)
{
	struct strbuf dir;
	const char *p = name;
	size_t len;
	int ret = -1;

	if (name_is_inbox(name)) {
		out[0] = '\0';
		return 0;
	}
	if (!name_valid(name, strlen(name)) || name[0] == '~' ||
	    strpbrk(name, "./") != NULL || is_inbox_misspelt(name))
		return err_set(err, ERR_REFUSED,
		    "a Maildir can't hold this mailbox name");
	strbuf_init(&dir, DIR_TEXT_MAX);
	for (;;) {
		len = strcspn(p, "\x1f");
		strbuf_addc(&dir, '.');
		encode_part(store, &dir, p, len);
		p += len;
		if (*p == '\0')
			break;
		p++;
	}
	if (dir.failed || dir.len > PATH_NAME_MAX) {
		err_set(err, ERR_REFUSED, "the mailbox name is too long for "
		    "a Maildir");
	} else {
		memcpy(out, dir.data, dir.len + 1);
		ret = 0;
	}
	strbuf_deinit(&dir);
	return ret;
}

int
maildir_dir_name(const struct maildir_store *store, const char *dir,
    struct strbuf *out)
{
	const char *p = dir + 1;
	size_t len;

	strbuf_reset(out);
	for (;;) {
		len = strcspn(p, ".");
		if (len == 0)
			return -1;
		if (store->utf8)
			strbuf_add(out, p, len);
		else if (mutf7_decode(out, p, len) == -1)
			return -1;
		p += len;
		if (*p == '\0')
			break;
		p++;
		strbuf_addc(out, NAME_SEP);
	}
	if (out->failed || !name_valid(out->data, out->len) ||
	    out->data[0] == '~' || strcasecmp(out->data, "INBOX") == 0)
		return -1;
	return 0;
}

int
maildir_map_name(struct store *head, const char *name, char *out, size_t size,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[PATH_NAME_MAX + 1];
	size_t len = strlen(name);

	if (!name_valid(name, len) || len >= size)
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memcpy(out, name, len + 1);
	for (char *p = out; (p = strpbrk(p, "./")) != NULL;)
		*p++ = store->alt_char;
	if (out[0] == '~' || is_inbox_misspelt(out))
		out[0] = store->alt_char;
	return maildir_name_dir(store, out, dir, err);
}
