/*
 * Mailbox names and directories, by layout.
 *
 * Maildir++: a mailbox is one directory below the root, '.' and its parts
 * joined by '.'.  fs: each part is a directory in that of its parent.  Parts
 * are in modified UTF-7, or UTF-8 where the location says so.  A part holds
 * no separator and is no name that a store uses for itself, so no name can be
 * a path to anywhere else.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

/* Files of a mailbox or of the root; also with ".x" behind. */
static const char *const own_names[] = {
	UIDLIST_NAME, KEYWORDS_NAME, SHARED_NAME, "dovecot-acl",
	"dovecot-acl-list", "dovecot-uidvalidity", "dovecot.index",
	"dovecot.list.index", "dovecot.mailbox.log", "dsync-changelog",
	"maildirfolder", "maildirsize",
};

static bool
is_inbox_misspelt(const char *name)
{
	return strcasecmp(name, "INBOX") == 0 && !name_is_inbox(name);
}

static bool
part_is(const char *part, size_t len, const char *name, bool more)
{
	size_t n = name == NULL ? 0 : strlen(name);

	return n > 0 && len >= n && memcmp(part, name, n) == 0 &&
	    (len == n || (more && part[n] == '.'));
}

/* Does the store keep something else under this name in a directory? */
static bool
part_reserved(const struct maildir_store *store, const char *part,
    size_t len, bool top)
{
	if (part_is(part, len, ".", false) || part_is(part, len, "..", false))
		return true;
	if (store->dirname != NULL) {
		if (part_is(part, len, store->dirname, false))
			return true;
	} else if (part_is(part, len, "cur", false) ||
	    part_is(part, len, "new", false) ||
	    part_is(part, len, "tmp", false)) {
		return true;
	}
	if (top && (part_is(part, len, store->subscriptions, true) ||
	    part_is(part, len, "lost+found", false)))
		return true;
	for (size_t i = 0; i < nitems(own_names); i++) {
		if (part_is(part, len, own_names[i], true))
			return true;
	}
	return false;
}

bool
maildir_part_reserved(const struct maildir_store *store, const char *part,
    bool top)
{
	return part_reserved(store, part, strlen(part), top);
}

/* Bytes that no part can hold. */
static const char *
separators(const struct maildir_store *store)
{
	if (store->layout->listed)
		return "";
	return store->layout->nested ? "/" : "./";
}

/* -1: this layout has no directory of that name. */
static int
encode_part(const struct maildir_store *store, struct strbuf *out,
    const char *part, size_t len, bool top)
{
	size_t start;

	if (!store->layout->nested)
		strbuf_addc(out, '.');
	else if (!top)
		strbuf_addc(out, '/');
	start = out->len;
	if (store->utf8)
		strbuf_add(out, part, len);
	else
		mutf7_encode(out, part, len);
	if (!store->layout->nested)
		return 0;
	return out->len - start > PATH_NAME_MAX ||
	    part_reserved(store, out->data + start, out->len - start, top) ?
	    -1 : 0;
}

static int
encode_name(const struct maildir_store *store, struct strbuf *out,
    const char *name)
{
	const char *p = name;
	size_t len;

	for (;; p++) {
		len = strcspn(p, "\x1f");
		if (encode_part(store, out, p, len, p == name) == -1)
			return -1;
		p += len;
		if (*p == '\0')
			break;
	}
	return out->failed || (!store->layout->nested &&
	    out->len > PATH_NAME_MAX) ? -1 : 0;
}

int
maildir_name_dir(const struct maildir_store *store, const char *name,
    char out[static DIR_PATH_MAX + 1], struct err *err)
{
	struct strbuf dir;
	int ret = 0;

	if (!name_valid(name, strlen(name)) || name[0] == '~' ||
	    strpbrk(name, separators(store)) != NULL ||
	    is_inbox_misspelt(name))
		return err_set(err, ERR_REFUSED,
		    "a Maildir can't hold this mailbox name");
	strbuf_init(&dir, DIR_PATH_MAX);
	if (encode_name(store, &dir, name) == -1)
		ret = err_set(err, ERR_REFUSED, "the mailbox name is "
		    "reserved or too long for a Maildir");
	else
		memcpy(out, dir.data, dir.len + 1);
	strbuf_deinit(&dir);
	return ret;
}

int
maildir_part_name(const struct maildir_store *store, const char *part,
    size_t len, struct strbuf *out)
{
	if (len == 0)
		return -1;
	if (store->utf8)
		strbuf_add(out, part, len);
	else if (mutf7_decode(out, part, len) == -1)
		return -1;
	return 0;
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
		if (maildir_part_name(store, p, len, out) == -1)
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

bool
maildir_can_hold(const struct maildir_store *store, const char *name)
{
	return strpbrk(name, separators(store)) == NULL;
}

/* A reserved part is not, once its first byte is another one. */
static void
replace_reserved(const struct maildir_store *store, char *name)
{
	char *p = name;
	size_t len;

	for (;; p++) {
		len = strcspn(p, "\x1f");
		if (part_reserved(store, p, len, p == name))
			*p = store->alt_char;
		p += len;
		if (*p == '\0')
			return;
	}
}

int
maildir_map_name(struct store *head, const char *name, char *out, size_t size,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[DIR_PATH_MAX + 1];
	size_t len = strlen(name);

	if (!name_valid(name, len) || len >= size)
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memcpy(out, name, len + 1);
	for (char *p = out; (p = strpbrk(p, separators(store))) != NULL;)
		*p++ = store->alt_char;
	if (store->layout->nested)
		replace_reserved(store, out);
	if (is_inbox_misspelt(out) ||
	    (out[0] == '~' && !store->layout->listed))
		out[0] = store->alt_char;
	if (store->layout->listed)
		return maildir_listed_holds(store, out, err);
	return maildir_name_dir(store, out, dir, err);
}
