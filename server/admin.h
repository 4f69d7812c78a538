/*
 * admin.h - the commands of dsync-server for a person
 *
 * Results go to standard output, what to do next to standard error.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "base/err.h"
#include "server/settings.h"

/* Make folder, key, certificate, peers file and a sample configuration. */
int admin_init(const struct server_settings *set, struct err *err);

/* Make and print a token. */
int admin_token(const struct server_settings *set, struct err *err);

/* List who may connect. */
int admin_peers(const struct server_settings *set, struct err *err);

/* Revoke the key of set->argument. */
int admin_revoke(const struct server_settings *set, struct err *err);

#endif
