/*
 * conf_print.h - help and effective settings, from the table
 */
#ifndef CONF_CONF_PRINT_H
#define CONF_CONF_PRINT_H

#include <stdbool.h>

#include "conf/conf.h"

struct strbuf;

/* The options of the command line, one or two lines each, with defaults. */
void conf_print_help(const struct conf *conf, struct strbuf *out);

/*
 * Print on standard output how a program is used, the options of its table, and
 * the manual that lists what -o takes.
 */
void conf_print_usage(const char *usage, const struct optdef *defs,
    size_t count, const char *manual);

/*
 * The settings that a file can hold, as a file that says the same; with
 * changed_only those that some source has set.  Secrets and values that a file
 * cannot hold (control characters) are comments.
 */
void conf_print_settings(const struct conf *conf, bool changed_only,
    struct strbuf *out);

#endif
