/*
 * token.h - one-time tokens that let a new key in
 *
 * A token is one line for a person to paste.  It holds the addresses and the
 * pin of the server and a secret of 128 bits.  The server keeps, in a folder
 * of its own, one file per token: named by an identity made from the secret,
 * with a proof key made from the secret, and what the token allows.
 *
 * The proof binds the secret to one TLS connection and to the client's key:
 *
 *	id    = first 16 bytes of SHA-256("dsync token id" || secret)
 *	key   = SHA-256("dsync token key" || secret)
 *	proof = HMAC-SHA256(key, "dsync enrol 1" || id || exporter || pin)
 */
#ifndef NET_TOKEN_H
#define NET_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "net/peers.h"
#include "net/pin.h"
#include "net/servers.h"

#define TOKEN_SECRET_SIZE	16U	/* bytes */
#define TOKEN_ID_SIZE		16U	/* bytes */
#define TOKEN_PROOF_SIZE	32U	/* bytes */
#define TOKEN_ADDRS_MAX		8U
#define TOKEN_TEXT_MAX		4096U	/* bytes, blanks included */
#define TOKEN_LIFE_MS		(15U * 60U * 1000U)
#define TOKEN_TRIES_MAX		3U	/* wrong proofs that end a token */
#define TOKENS_MAX		1000U	/* files in the folder */

struct token {
	struct pin server;
	uint8_t secret[TOKEN_SECRET_SIZE];
	struct server_addr addrs[TOKEN_ADDRS_MAX];
	unsigned int addr_count;	/* 1..TOKEN_ADDRS_MAX */
};

/* Base32 of version, pin, secret, addresses and a checksum; one line. */
int token_format(struct strbuf *out, const struct token *token,
    struct err *err);

/*
 * Take a pasted token apart; blanks, line ends and the case of letters do not
 * matter.  ERR_CONFIG: it is no token, it is damaged, or it is of a later
 * version.
 */
int token_parse(struct token *token_r, const char *text, size_t len,
    struct err *err);

void token_id(uint8_t out[static TOKEN_ID_SIZE],
    const uint8_t secret[static TOKEN_SECRET_SIZE]);

/* What the client sends to show that it has the secret. */
void token_proof(uint8_t out[static TOKEN_PROOF_SIZE],
    const uint8_t secret[static TOKEN_SECRET_SIZE],
    const uint8_t exporter[static 32], const struct pin *client);

/* What a token allows; the fields mean what they mean in a peers line. */
struct token_grant {
	char user[PEERS_USER_MAX + 1];
	char name[PEERS_NAME_MAX + 1];	/* may be empty */
	enum peer_right access;
	uint64_t expires_ms;		/* wall clock */
};

/* Keep a new token in the folder, which is made if missing. */
int token_store(const char *dir, const uint8_t secret[static
    TOKEN_SECRET_SIZE], const struct token_grant *grant, struct err *err);

/* What became of a proof; the words are those of token_result_word. */
enum token_result {
	TOKEN_OK,		/* the token is used up now */
	TOKEN_UNKNOWN,		/* never made, used, expired and removed, or
				 * just being tried by somebody else */
	TOKEN_EXPIRED,
	TOKEN_WRONG,		/* the proof; the token may be ended by it */
	TOKEN_ERROR,		/* our own trouble, in err */
};

const char *token_result_word(enum token_result result);

/*
 * Try a proof.  At most one call for a token ever returns TOKEN_OK, whatever
 * else happens at the same time.
 */
enum token_result token_claim(const char *dir,
    const uint8_t id[static TOKEN_ID_SIZE],
    const uint8_t proof[static TOKEN_PROOF_SIZE],
    const uint8_t exporter[static 32], const struct pin *client,
    struct token_grant *grant_r, struct err *err);

/* Remove the files of tokens whose time is over. */
int token_purge(const char *dir, struct err *err);

#endif
