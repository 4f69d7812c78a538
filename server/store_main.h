/*
 * store_main.h - the process that has one user's mail
 */
#ifndef SERVER_STORE_MAIN_H
#define SERVER_STORE_MAIN_H

#include "net/peers.h"
#include "priv/account.h"
#include "server/settings.h"

struct store_args {
	const struct server_settings *set;
	struct account *user;	/* gets the groups of the settings */
	enum peer_right access;
	const char *peer;	/* address of the client, for people */
	const char *peer_name;	/* name= of its line; may be empty */
	bool next_user;		/* net can go on with another user */
};

/*
 * Become the user, reach nothing but this user's mail, and serve the session
 * that comes through the descriptor.  Returns the exit status.
 */
int store_main(int fd, const struct store_args *args);

/* The same over standard input and output. */
int store_main_stdio(const struct store_args *args);

#endif
