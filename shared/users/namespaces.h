/*
 * namespaces.h - which of Dovecot's namespaces holds the mail
 *
 * One namespace is one store, and a run works on one: that with inbox=yes, or
 * the one that is named.  Its location is where the mail is; its prefix stands
 * in front of names that Dovecot's users see, and of none in the store, so
 * hosts with different prefixes and separators agree on the names.
 */
#ifndef USERS_NAMESPACES_H
#define USERS_NAMESPACES_H

#include "base/err.h"
#include "conf/doveconf.h"
#include "users/dovecot.h"

/*
 * Set mail_location, or mail_driver, mail_path and the rest, and fill prefix,
 * separator and others.  ERR_CONFIG: no such namespace, it is switched off, or
 * has a value that is none.
 */
int namespaces_take(struct dovecot_conf *dovecot, const struct doveconf *dc,
    struct dovecot_target *target, struct err *err);

#endif
