/*
 * conf_value.h - the value of one option, from text and to text
 */
#ifndef CONF_CONF_VALUE_H
#define CONF_CONF_VALUE_H

#include "base/err.h"
#include "conf/optdef.h"

struct strbuf;

/*
 * Parse value and store it in field, a pointer to what def->type says.  Lists
 * grow by one.  -1 with ERR_CONFIG and nothing stored if it is no such value;
 * the message says what would be, without the option's name.
 */
int conf_value_store(const struct optdef *def, void *field, const char *value,
    struct err *err);

/* Add the value as a file would have it; not for lists, maps and settings. */
void conf_value_format(struct strbuf *out, const struct optdef *def,
    const void *field);

/* Free what the field holds and set it to NULL or empty, if it holds memory. */
void conf_value_clear(const struct optdef *def, void *field);

/* A number with a unit; *n_r is in bytes, or in seconds. */
int conf_size_parse(const char *text, uint64_t *n_r, struct err *err);
int conf_seconds_parse(const char *text, uint64_t *n_r, struct err *err);

#endif
