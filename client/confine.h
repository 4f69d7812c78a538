/*
 * confine.h - what a store process may reach
 */
#ifndef CLIENT_CONFINE_H
#define CLIENT_CONFINE_H

#include "base/err.h"

struct session_args;

/*
 * From here on this process reaches the store of args, its change log and
 * nothing else, runs no program and opens no connection, as far as the kernel
 * can see to it; what it cannot is logged.
 */
int confine_store(const struct session_args *args, struct err *err);

#endif
