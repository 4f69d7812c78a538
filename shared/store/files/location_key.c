#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "store/files/location_key.h"
#include "store/files/path.h"

bool
location_key_ignored(const char *key)
{
	static const char *const keys[] = {
		"ALT", "ALTNOCHECK", "ATTRIBUTES", "ATTRIBUTES_LOCK",
		"BROKENCHAR", "INDEXCACHE", "INDEXPVT",
		"ITERINDEX", "NO-FS-VALIDATION", "NO-NOSELECT",
		"VOLATILEDIR",
	};

	for (size_t i = 0; i < nitems(keys); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

int
location_keys_check(const struct mail_location *loc, struct err *err)
{
	const char *broken = mail_location_get(loc, "BROKENCHAR");
	const char *list = mail_location_get(loc, "LISTINDEX");
	const char *index = mail_location_get(loc, "INDEX");
	bool in_memory = index != NULL && strcmp(index, "MEMORY") == 0;

	if (broken != NULL && strlen(broken) != 1)
		return err_set(err, ERR_CONFIG,
		    "BROKENCHAR=%s is not one character", broken);
	if (mail_location_get(loc, "ITERINDEX") != NULL &&
	    (index == NULL || index[0] == '\0' || in_memory))
		return err_set(err, ERR_CONFIG, "ITERINDEX needs INDEX=");
	if (in_memory && list != NULL && list[0] != '/' &&
	    strchr(list, '/') != NULL)
		return err_set(err, ERR_CONFIG, "LISTINDEX=%s is a relative "
		    "directory, and INDEX=MEMORY has none", list);
	return 0;
}

int
location_key_name(char **field, const char *driver, const char *key,
    const char *value, bool dots, struct err *err)
{
	if (!path_name_valid(value) || (!dots && value[0] == '.'))
		return err_set(err, ERR_CONFIG, "%s: %s=%s is no file name",
		    driver, key, value);
	free(*field);
	*field = mem_strdup(value);
	return 0;
}

void
location_key_list_index(char **field, const char *value)
{
	if (value == NULL || !path_name_valid(value))
		return;
	free(*field);
	*field = mem_strdup(value);
}

int
location_key_layout_fs(const char *driver, const char *value,
    struct err *err)
{
	if (strcasecmp(value, "fs") == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "%s: LAYOUT=%s is not supported, "
	    "only fs is", driver, value);
}
