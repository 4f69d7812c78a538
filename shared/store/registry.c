#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "model/mail_location.h"
#include "store/store.h"

static const struct store_driver *const drivers[] = {
	&store_driver_maildir,
	&store_driver_mbox,
	&store_driver_memory,
	&store_driver_mdbox,
	&store_driver_sdbox,
};

/*
 * Directories that tell a format, the first hit wins.  An mdbox may also have
 * a directory "mailboxes", so "storage" is looked for first.
 */
static const struct {
	const char *directory, *driver;
} markers[] = {
	{ "storage", "mdbox" },
	{ "mailboxes", "sdbox" },
	{ "cur", "maildir" },
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
		    markers[i].directory);
		if (stat(name, &st) == 0 && S_ISDIR(st.st_mode))
			return markers[i].driver;
	}
	return NULL;
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
		return err_set(err, ERR_CONFIG, "%s holds no mail of a known "
		    "format; name it, as in maildir:%s", loc->path, loc->path);
	if ((driver = store_driver_find(name)) == NULL)
		return err_set(err, ERR_CONFIG,
		    "the mail format %s is not supported", name);
	return driver->open(store_r, loc, opts, err);
}

void
store_close(struct store **store)
{
	if (store != NULL && *store != NULL)
		(*store)->driver->close(store);
}
