/*
 * peers.h - who may connect, and what each may do
 *
 * The file "peers" has one peer per line:
 *
 *	sha256:<64 hex digits> user=alice access=read-write name=laptop
 *	cn=desk.example.org user=bob,carol access=append until=2027-01-31
 *	sha256:<64 hex digits> revoked
 *
 * The first word says who: the pin of a key, or, where ssl_ca is set, a name
 * from a certificate that the CA signed.  user= lists mail users, or is "*"
 * for all.  access= is read, append or read-write.  until= is the last day, in
 * UTC.  name= is for people.  "revoked" refuses the peer whatever else its
 * line says.  user= and access= are needed unless the line is revoked.  "#" as
 * the first character of a line or after a blank begins a comment.
 *
 * Any doubt refuses: a line with an unknown word, a bad value or a word given
 * twice refuses its peer, and so do two lines for one peer.
 */
#ifndef NET_PEERS_H
#define NET_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "net/pin.h"

#define PEERS_FILE_MAX	(4U * 1024U * 1024U)	/* bytes */
#define PEERS_LINE_MAX	2048U			/* bytes */
#define PEERS_USER_MAX	254U			/* bytes of a mail user */
#define PEERS_NAME_MAX	128U			/* bytes of name= */
#define PEERS_CN_MAX	255U			/* bytes of cn= */

enum peer_right {
	PEER_READ,		/* changes nothing here */
	PEER_APPEND,		/* adds messages and mailboxes */
	PEER_READ_WRITE,
};

struct peer {
	bool has_pin;
	struct pin pin;			/* if has_pin */
	char cn[PEERS_CN_MAX + 1];	/* else */
	char *users;			/* "alice,bob" or "*"; "" if revoked */
	enum peer_right access;
	char name[PEERS_NAME_MAX + 1];	/* may be empty */
	uint64_t until_ms;		/* first ms after; 0: no end */
	bool revoked;
	bool bad;			/* its line has an error */
	unsigned int line;
};

struct peers {
	struct peer *v;
	size_t n;
};

/* Why a peer may not come; the words are those of peer_status_word. */
enum peer_status {
	PEER_OK,
	PEER_UNKNOWN,
	PEER_REVOKED,
	PEER_EXPIRED,
	PEER_BAD_LINE,		/* see the messages of peers_parse */
	PEER_TWICE,		/* two lines name it */
};

/* Told about each bad line: "file:line: text".  May be NULL. */
typedef void peers_complain(void *arg, const char *text);

/* Take the text apart.  Bad lines become entries that refuse. */
void peers_parse(struct peers *peers, const char *text, size_t len,
    const char *file, peers_complain *complain, void *arg);
void peers_deinit(struct peers *peers);

/* Read and parse a file.  -1 if it cannot be read, or is too large. */
int peers_read(struct peers *peers, const char *path,
    peers_complain *complain, void *arg, struct err *err);

/*
 * Look a pin or name up at the time now_ms.  *peer_r is set, borrowed from
 * peers, unless PEER_UNKNOWN is returned.
 */
enum peer_status peers_find_pin(const struct peers *peers,
    const struct pin *pin, uint64_t now_ms, const struct peer **peer_r);
enum peer_status peers_find_cn(const struct peers *peers, const char *cn,
    uint64_t now_ms, const struct peer **peer_r);

const char *peer_status_word(enum peer_status status);
const char *peer_right_name(enum peer_right access);
bool peer_right_parse(enum peer_right *access_r, const char *text);

/* May the peer act for this mail user? */
bool peer_allows(const struct peer *peer, const char *user);

/* The one user of a line that names exactly one; else NULL. */
const char *peer_only_user(const struct peer *peer);

/*
 * Can this text be a mail user: 1..PEERS_USER_MAX bytes of UTF-8 without
 * blanks, control characters, '/', ',', '*' or '#', and not beginning with
 * '.' or '-'?
 */
bool peer_user_valid(const char *user, size_t len);

/* Can it be the value of name=: printable, no blanks, no '#'? */
bool peer_name_valid(const char *name);

/* One line with its newline. */
void peer_format(struct strbuf *line, const struct peer *peer);

/*
 * Let the key of peer act for peer->users with peer->access, by adding a line
 * or a user to its line.  Durable on return; two programs may do it at once.
 * ERR_PERM if the key is there and revoked, expired, listed with another
 * access, or its line is bad.
 */
int peers_add(const char *path, const struct peer *peer, struct err *err);

/* Mark each line of the pin revoked, or add one that says so. */
int peers_revoke(const char *path, const struct pin *pin, struct err *err);

#endif
