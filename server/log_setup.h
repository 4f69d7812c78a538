/*
 * log_setup.h - where this server's log goes
 */
#ifndef SERVER_LOG_SETUP_H
#define SERVER_LOG_SETUP_H

#include "server/settings.h"

/* Also in a child that closed its descriptors: connects to syslog again. */
void server_log_setup(const struct server_settings *set);

#endif
