#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "model/mail_location.h"
#include "store/files/location_key.h"
#include "store/mbox/mbox.h"
#include "store/store.h"

static const struct store_driver *const drivers[] = {
	&store_driver_maildir,
	&store_driver_mbox,
	&store_driver_memory,
	&store_driver_mdbox,
	&store_driver_sdbox,
};

/*
 * What tells a format, the first hit wins.  An mdbox may also have a directory
 * "mailboxes", so "storage" is looked for first.
 */
static const struct {
	const char *name, *driver;
	mode_t kind;
} markers[] = {
	{ "storage", "mdbox", S_IFDIR },
	{ "mailboxes", "sdbox", S_IFDIR },
	{ "cur", "maildir", S_IFDIR },
	{ ".imap", "mbox", S_IFDIR },
	{ "inbox", "mbox", S_IFREG },
	{ "mbox", "mbox", S_IFREG },
};

const struct store_driver *
store_driver_find(const char *name)
{
	for (size_t i = 0; i < nitems(drivers); i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return NULL;
}

static const char *
detect(const char *path)
{
	char name[LOCATION_MAX + 16];
	struct stat st;

	for (size_t i = 0; i < nitems(markers); i++) {
		snprintf(name, sizeof(name), "%s/%s", path,
		    markers[i].name);
		if (stat(name, &st) == 0 &&
		    (st.st_mode & S_IFMT) == markers[i].kind)
			return markers[i].driver;
	}
	return NULL;
}

/* Nothing tells the format: say what would. */
static int
not_detected(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_sys(err, "%s", path);
	if (S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is a file; if it is an "
		    "mbox, name the directory of the others as well, as in "
		    "mbox:DIRECTORY:INBOX=%s", path, path);
	return err_set(err, ERR_CONFIG, "%s holds no mail of a known format "
	    "(storage/, mailboxes/, cur/, .imap/, or a file inbox or mbox); "
	    "name it, as in maildir:%s", path, path);
}

int
store_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	const struct store_driver *driver;
	const char *name = loc->driver;

	if (name == NULL || name[0] == '\0')
		name = detect(loc->path);
	if (name == NULL)
		return not_detected(loc->path, err);
	if ((driver = store_driver_find(name)) == NULL)
		return err_set(err, ERR_CONFIG,
		    "the mail format %s is not supported", name);
	if (location_keys_check(loc, err) == -1)
		return -1;
	return driver->open(store_r, loc, opts, err);
}

const char *
store_file_outside(const struct mail_location *loc)
{
	const char *name = loc->driver;

	if (name == NULL || name[0] == '\0')
		name = detect(loc->path);
	if (name == NULL || strcmp(name, "mbox") != 0 ||
	    mail_location_get(loc, "INBOX") != NULL)
		return NULL;
	return mbox_spool_file(loc->path);
}

void
store_close(struct store **store)
{
	if (store != NULL && *store != NULL)
		(*store)->driver->close(store);
}
