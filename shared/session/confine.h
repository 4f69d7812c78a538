/*
 * confine.h - what the process that works on a store may reach
 */
#ifndef SESSION_CONFINE_H
#define SESSION_CONFINE_H

#include "base/err.h"

struct session_args;

/*
 * From here on this process reaches the store of args, its change log and
 * nothing else, gains no rights, runs no program and opens no connection, as
 * far as the kernel can see to it; what it cannot is logged.  The state_dir is
 * made if it is missing, and is where SQLite sorts.
 */
int session_confine(const struct session_args *args, struct err *err);

#endif
