/*
 * enrol.h - make a server known here and our key known there
 */
#ifndef CLIENT_ENROL_H
#define CLIENT_ENROL_H

#include <stdbool.h>

#include "base/err.h"
#include "net/peers.h"
#include "net/pin.h"
#include "net/servers.h"

struct enrol_result {
	struct pin own;			/* our key */
	bool key_made;			/* it was made now */
	struct pin server;		/* pinned from now on */
	bool server_changed;		/* another key was pinned before */
	struct server_addr addr;	/* that answered */
	char user[PEERS_USER_MAX + 1];	/* mail user there */
};

/*
 * Use a token: make our key if there is none, prove to the server that we
 * have the token, and pin the server for all addresses of the token.
 * config_dir NULL: keys_config_dir.  timeout: seconds for each address.
 */
int enrol_run(const char *token_text, const char *config_dir,
    unsigned int timeout, struct enrol_result *result_r, struct err *err);

/* Read the token from a descriptor, for those who pass "-" in its place. */
int enrol_read_token(int fd, char *text, size_t size, struct err *err);

/*
 * The pin of our key, made if there is none, for those who add it to a peers
 * file by hand.
 */
int enrol_own_pin(const char *config_dir, struct pin *pin_r, bool *made_r,
    struct err *err);

#endif
