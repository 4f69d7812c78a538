/*
 * location_key.h - keys of a mail location that drivers take alike
 */
#ifndef STORE_FILES_LOCATION_KEY_H
#define STORE_FILES_LOCATION_KEY_H

#include <stdbool.h>

#include "base/err.h"

struct mail_location;

/*
 * A key that changes nothing we do: caches, private indexes, checks and names
 * that are Dovecot's own affair.  An empty parent is removed in any case.
 * ATTRIBUTES and its lock are attribute_dict_open's.
 */
bool location_key_ignored(const char *key);

/*
 * ERR_CONFIG where Dovecot would not start with these keys: BROKENCHAR= is not
 * one character, ITERINDEX without INDEX=, a relative LISTINDEX= directory with
 * INDEX=MEMORY.
 */
int location_keys_check(const struct mail_location *loc, struct err *err);

/*
 * Set *field, heap memory or NULL, to a copy of value.  ERR_CONFIG: it is no
 * file name; dots: it may begin with one.
 */
int location_key_name(char **field, const char *driver, const char *key,
    const char *value, bool dots, struct err *err);

/*
 * LISTINDEX=: *field becomes the base name of the list index.  One in another
 * directory is left to Dovecot: *field stays, and nothing is told there.
 */
void location_key_list_index(char **field, const char *value);

/* ERR_CONFIG unless value is the layout of a driver that has but this one. */
int location_key_layout_fs(const char *driver, const char *value,
    struct err *err);

#endif
