/*
 * location.h - what the words of LOCATION2 name
 *
 * The second location is a command, a script, a mail location on this host or
 * a user on a server, told apart by form alone, in the order of the
 * enumerators below.
 */
#ifndef CLIENT_LOCATION_H
#define CLIENT_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define HOST_MAX	255U	/* bytes of a host name or address */
#define HOST_USER_MAX	255U	/* bytes of a user name before '@' */

enum location_kind {
	LOCATION_COMMAND,	/* more than one word */
	LOCATION_SCRIPT,	/* one word with '/', an executable file */
	LOCATION_MAIL,		/* driver:..., or begins with '/', '~' or '.' */
	LOCATION_HOST,		/* [user@]host[:port], dsync://... */
};

/* Is path an executable regular file? */
typedef bool location_exec_fn(const char *path);

/* The test used by the program: asks the file system. */
bool location_is_executable(const char *path);

/* What count words (1 or more) are.  Pure but for what is_executable does. */
enum location_kind location_classify(char *const *words, size_t count,
    location_exec_fn *is_executable);

/* A server, and a user there. */
struct location_host {
	char user[HOST_USER_MAX + 1];	/* "": none was named */
	char host[HOST_MAX + 1];	/* name or address, without brackets */
	char port[6];			/* "": the default */
};

/*
 * Take "[user@]host[:port]" apart; an IPv6 address with a port stands in
 * brackets; a leading "dsync://" is dropped.  The user may hold '@': the last
 * one counts.  ERR_CONFIG with what is wrong.
 */
int location_host_parse(struct location_host *out, const char *text,
    struct err *err);

/* Is it this machine, by its name or a loopback address?  Asks nobody. */
bool location_host_is_here(const struct location_host *host);

#endif
