/*
 * A token file is claimed by renaming it to a name of the claimer's own.  Of
 * two programs only one succeeds; the other finds no file.  After a wrong
 * proof the count in it rises and it gets its name back; after a right one it
 * is removed before anything is granted.  A crash in between loses the token,
 * never the rule that it works once.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "net/config_file.h"
#include "net/keys.h"
#include "net/token.h"

#define TOKEN_VERSION	1U
#define CHECKSUM_SIZE	4U		/* bytes */
#define BINARY_MAX	2560U		/* bytes: all addresses at full length */
#define FILE_MAX	1024U		/* bytes of a token file */
#define ID_HEX		(TOKEN_ID_SIZE * 2)

#define ID_LABEL	"dsync token id"
#define KEY_LABEL	"dsync token key"
#define PROOF_LABEL	"dsync enrol 1"
#define SUM_LABEL	"dsync token"

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void
labelled_digest(uint8_t out[static DIGEST_SIZE], const char *label,
    const void *data, size_t len)
{
	struct digest_ctx *ctx = digest_new();

	digest_update(ctx, label, strlen(label));
	digest_update(ctx, data, len);
	digest_final(ctx, out);
	digest_free(&ctx);
}

static void
base32_add(struct strbuf *out, const uint8_t *data, size_t len)
{
	unsigned int bits = 0, value = 0;

	for (size_t i = 0; i < len; i++) {
		value = (value << 8 | data[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			strbuf_addc(out, base32[value >> (bits - 5) & 31]);
	}
	if (bits > 0)
		strbuf_addc(out, base32[value << (5 - bits) & 31]);
}

/* Returns the number of bytes, or -1 if a character does not belong there. */
static ssize_t
base32_parse(uint8_t *out, size_t size, const char *text, size_t len)
{
	unsigned int bits = 0, value = 0;
	const char *digit;
	size_t n = 0;
	char c;

	for (size_t i = 0; i < len; i++) {
		c = text[i];
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == '\0' || (digit = strchr(base32, c)) == NULL)
			return -1;
		value = (value << 5 | (unsigned int)(digit - base32)) & 0xfff;
		bits += 5;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == size)
			return -1;
		out[n++] = (uint8_t)(value >> bits);
	}
	/* The last digit holds no bits of its own. */
	if ((value & ((1U << bits) - 1)) != 0)
		return -1;
	return (ssize_t)n;
}

int
token_format(struct strbuf *out, const struct token *token, struct err *err)
{
	uint8_t sum[DIGEST_SIZE];
	struct strbuf bin, addr;
	int ret = 0;

	strbuf_init(&bin, BINARY_MAX);
	strbuf_init(&addr, 512);
	strbuf_addc(&bin, (char)TOKEN_VERSION);
	strbuf_add(&bin, token->server.bytes, PIN_SIZE);
	strbuf_add(&bin, token->secret, TOKEN_SECRET_SIZE);
	strbuf_addc(&bin, (char)token->addr_count);
	for (unsigned int i = 0; i < token->addr_count; i++) {
		strbuf_reset(&addr);
		server_addr_format(&addr, &token->addrs[i]);
		if (addr.len > UINT8_MAX) {
			ret = err_set(err, ERR_CONFIG, "%s: too long for "
			    "a token", addr.data);
			goto out;
		}
		strbuf_addc(&bin, (char)addr.len);
		strbuf_add(&bin, addr.data, addr.len);
	}
	labelled_digest(sum, SUM_LABEL, bin.data, bin.len);
	strbuf_add(&bin, sum, CHECKSUM_SIZE);
	base32_add(out, (const uint8_t *)bin.data, bin.len);
out:
	explicit_bzero(bin.data, bin.len);
	strbuf_deinit(&addr);
	strbuf_deinit(&bin);
	return ret;
}

/* The part after the secret: count, then each address after its length. */
static bool
parse_addrs(struct token *token, const uint8_t *p, size_t len)
{
	size_t n;

	if (len < 1 || p[0] < 1 || p[0] > TOKEN_ADDRS_MAX)
		return false;
	token->addr_count = *p++;
	len--;
	for (unsigned int i = 0; i < token->addr_count; i++) {
		if (len < 1 || (n = p[0]) > len - 1)
			return false;
		if (!server_addr_parse(&token->addrs[i],
		    (const char *)p + 1, n))
			return false;
		p += 1 + n;
		len -= 1 + n;
	}
	return len == 0;
}

int
token_parse(struct token *token_r, const char *text, size_t len,
    struct err *err)
{
	uint8_t bin[BINARY_MAX], sum[DIGEST_SIZE];
	struct token token = { 0 };
	size_t body;
	ssize_t n = -1;
	int ret = -1;

	if (len <= TOKEN_TEXT_MAX)
		n = base32_parse(bin, sizeof(bin), text, len);
	if (n < (ssize_t)(1 + CHECKSUM_SIZE)) {
		err_set(err, ERR_CONFIG, "this is no token, or it is "
		    "damaged: copy the whole line");
		goto out;
	}
	body = (size_t)n - CHECKSUM_SIZE;
	labelled_digest(sum, SUM_LABEL, bin, body);
	if (memcmp(sum, bin + body, CHECKSUM_SIZE) != 0) {
		err_set(err, ERR_CONFIG, "the token is damaged: copy the "
		    "whole line again");
		goto out;
	}
	if (bin[0] != TOKEN_VERSION) {
		err_set(err, ERR_CONFIG, "the token is of a version (%u) "
		    "that this program does not know", (unsigned int)bin[0]);
		goto out;
	}
	if (body < 1 + PIN_SIZE + TOKEN_SECRET_SIZE ||
	    !parse_addrs(&token, bin + 1 + PIN_SIZE + TOKEN_SECRET_SIZE,
	    body - 1 - PIN_SIZE - TOKEN_SECRET_SIZE)) {
		err_set(err, ERR_CONFIG, "the token makes no sense");
		goto out;
	}
	memcpy(token.server.bytes, bin + 1, PIN_SIZE);
	memcpy(token.secret, bin + 1 + PIN_SIZE, TOKEN_SECRET_SIZE);
	*token_r = token;
	ret = 0;
out:
	explicit_bzero(bin, sizeof(bin));
	explicit_bzero(&token, sizeof(token));
	return ret;
}

void
token_id(uint8_t out[static TOKEN_ID_SIZE],
    const uint8_t secret[static TOKEN_SECRET_SIZE])
{
	uint8_t digest[DIGEST_SIZE];

	labelled_digest(digest, ID_LABEL, secret, TOKEN_SECRET_SIZE);
	memcpy(out, digest, TOKEN_ID_SIZE);
}

static void
proof_by_key(uint8_t out[static TOKEN_PROOF_SIZE],
    const uint8_t key[static DIGEST_SIZE],
    const uint8_t id[static TOKEN_ID_SIZE],
    const uint8_t exporter[static 32], const struct pin *client)
{
	uint8_t input[sizeof(PROOF_LABEL) - 1 + TOKEN_ID_SIZE + 32 + PIN_SIZE];
	uint8_t *p = input;

	memcpy(p, PROOF_LABEL, sizeof(PROOF_LABEL) - 1);
	p += sizeof(PROOF_LABEL) - 1;
	memcpy(p, id, TOKEN_ID_SIZE);
	memcpy(p + TOKEN_ID_SIZE, exporter, 32);
	memcpy(p + TOKEN_ID_SIZE + 32, client->bytes, PIN_SIZE);
	digest_hmac_sha256(key, DIGEST_SIZE, input, sizeof(input), out);
}

void
token_proof(uint8_t out[static TOKEN_PROOF_SIZE],
    const uint8_t secret[static TOKEN_SECRET_SIZE],
    const uint8_t exporter[static 32], const struct pin *client)
{
	uint8_t id[TOKEN_ID_SIZE], key[DIGEST_SIZE];

	token_id(id, secret);
	labelled_digest(key, KEY_LABEL, secret, TOKEN_SECRET_SIZE);
	proof_by_key(out, key, id, exporter, client);
	explicit_bzero(key, sizeof(key));
}

/* The content of a token file. */
struct token_file {
	uint8_t key[DIGEST_SIZE];
	struct token_grant grant;
	unsigned int wrong;	/* proofs so far */
};

static void
file_format(struct strbuf *out, const struct token_file *file)
{
	char hex[DIGEST_SIZE * 2 + 1];

	hex_format(hex, file->key, DIGEST_SIZE);
	strbuf_addf(out, "1 %s %s %s %llu %u %s\n", hex, file->grant.user,
	    peer_right_name(file->grant.access),
	    (unsigned long long)file->grant.expires_ms, file->wrong,
	    file->grant.name);
	explicit_bzero(hex, sizeof(hex));
}

static bool
number_parse(uint64_t *n_r, const char *text)
{
	uint64_t n = 0;

	if (*text == '\0' || strlen(text) > 18)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*n_r = n;
	return true;
}

static bool
file_parse(struct token_file *file, char *line)
{
	char *words[7] = { NULL }, *rest = line;
	uint64_t wrong;

	for (size_t i = 0; i < nitems(words); i++) {
		if ((words[i] = config_word(&rest)) == NULL && i < 6)
			return false;
	}
	memset(file, 0, sizeof(*file));
	if (strcmp(words[0], "1") != 0 ||
	    !hex_parse(file->key, DIGEST_SIZE, words[1], strlen(words[1])) ||
	    !peer_user_valid(words[2], strlen(words[2])) ||
	    !peer_right_parse(&file->grant.access, words[3]) ||
	    !number_parse(&file->grant.expires_ms, words[4]) ||
	    !number_parse(&wrong, words[5]) || wrong > TOKEN_TRIES_MAX)
		return false;
	file->wrong = (unsigned int)wrong;
	memcpy(file->grant.user, words[2], strlen(words[2]) + 1);
	if (words[6] == NULL)
		return true;
	if (!peer_name_valid(words[6]))
		return false;
	memcpy(file->grant.name, words[6], strlen(words[6]) + 1);
	return true;
}

static int
file_read(int dirfd, const char *name, struct token_file *file,
    struct err *err)
{
	struct strbuf text;
	int ret;

	strbuf_init(&text, FILE_MAX);
	ret = io_read_file(dirfd, name, &text, err);
	if (ret == 0) {
		text.data[strcspn(text.data, "\n")] = '\0';
		if (!file_parse(file, text.data))
			ret = err_set(err, ERR_CORRUPT, "the token file %s is "
			    "damaged", name);
	}
	explicit_bzero(text.data, text.len);
	strbuf_deinit(&text);
	return ret;
}

static int
open_dir(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd == -1 ? err_sys(err, "cannot open the folder %s", dir) : fd;
}

static int
count_tokens(int dirfd, struct err *err)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy != -1 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	int n = 0;

	if (dir == NULL) {
		if (copy != -1)
			(void)close(copy);
		return err_sys(err, "cannot list the tokens");
	}
	while ((entry = readdir(dir)) != NULL)
		n += strlen(entry->d_name) == ID_HEX;
	(void)closedir(dir);
	return n;
}

int
token_store(const char *dir, const uint8_t secret[static TOKEN_SECRET_SIZE],
    const struct token_grant *grant, struct err *err)
{
	struct token_file file = { .grant = *grant };
	uint8_t id[TOKEN_ID_SIZE];
	char name[ID_HEX + 1], tmp[ID_HEX + 5];
	struct strbuf text;
	int dirfd, n, ret = -1;

	if (keys_make_dir(dir, err) == -1 ||
	    (dirfd = open_dir(dir, err)) == -1)
		return -1;
	strbuf_init(&text, FILE_MAX);
	n = count_tokens(dirfd, err);
	if (n == -1)
		goto out;
	if ((unsigned int)n >= TOKENS_MAX) {
		err_set(err, ERR_REFUSED, "there are %d tokens already", n);
		goto out;
	}
	token_id(id, secret);
	hex_format(name, id, TOKEN_ID_SIZE);
	labelled_digest(file.key, KEY_LABEL, secret, TOKEN_SECRET_SIZE);
	file_format(&text, &file);
	snprintf(tmp, sizeof(tmp), "%s.new", name);
	ret = io_replace_file(dirfd, name, tmp, 0600, text.data, text.len,
	    err);
out:
	explicit_bzero(&file, sizeof(file));
	explicit_bzero(text.data, text.len);
	strbuf_deinit(&text);
	(void)close(dirfd);
	return ret;
}

const char *
token_result_word(enum token_result result)
{
	static const char *const words[] = {
		[TOKEN_OK] = "ok",
		[TOKEN_UNKNOWN] = "unknown_token",
		[TOKEN_EXPIRED] = "expired_token",
		[TOKEN_WRONG] = "wrong_proof",
		[TOKEN_ERROR] = "error",
	};

	return words[result];
}

/* Count a wrong proof, and give the file its name back unless it was enough. */
static enum token_result
put_back(int dirfd, const char *claimed, const char *name,
    struct token_file *file, struct err *err)
{
	char tmp[ID_HEX + 5];
	struct strbuf text;
	int ret = 0;

	if (++file->wrong >= TOKEN_TRIES_MAX) {
		(void)unlinkat(dirfd, claimed, 0);
		return TOKEN_WRONG;
	}
	strbuf_init(&text, FILE_MAX);
	file_format(&text, file);
	snprintf(tmp, sizeof(tmp), "%s.new", name);
	ret = io_replace_file(dirfd, claimed, tmp, 0600, text.data, text.len,
	    err);
	if (ret == 0 && renameat(dirfd, claimed, dirfd, name) == -1)
		ret = err_sys(err, "cannot put the token back");
	explicit_bzero(text.data, text.len);
	strbuf_deinit(&text);
	return ret == 0 ? TOKEN_WRONG : TOKEN_ERROR;
}

static enum token_result
judge_claimed(int dirfd, const char *claimed, const char *name,
    struct token_file *file, const uint8_t want[static TOKEN_PROOF_SIZE],
    const uint8_t got[static TOKEN_PROOF_SIZE], struct err *err)
{
	if (clock_now_ms() >= file->grant.expires_ms) {
		(void)unlinkat(dirfd, claimed, 0);
		return TOKEN_EXPIRED;
	}
	if (!bytes_equal_ct(want, got, TOKEN_PROOF_SIZE))
		return put_back(dirfd, claimed, name, file, err);
	if (unlinkat(dirfd, claimed, 0) == -1 || fsync(dirfd) == -1) {
		err_sys(err, "cannot use the token up");
		return TOKEN_ERROR;
	}
	return TOKEN_OK;
}

enum token_result
token_claim(const char *dir, const uint8_t id[static TOKEN_ID_SIZE],
    const uint8_t proof[static TOKEN_PROOF_SIZE],
    const uint8_t exporter[static 32], const struct pin *client,
    struct token_grant *grant_r, struct err *err)
{
	enum token_result result = TOKEN_ERROR;
	char name[ID_HEX + 1], claimed[ID_HEX + 32];
	uint8_t want[TOKEN_PROOF_SIZE];
	struct token_file file;
	int dirfd;

	if ((dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT)
			return TOKEN_UNKNOWN;
		err_sys(err, "cannot open the folder %s", dir);
		return TOKEN_ERROR;
	}
	hex_format(name, id, TOKEN_ID_SIZE);
	snprintf(claimed, sizeof(claimed), "%s.claim.%ld", name,
	    (long)getpid());
	if (renameat(dirfd, name, dirfd, claimed) == -1) {
		if (errno == ENOENT)
			result = TOKEN_UNKNOWN;
		else
			err_sys(err, "cannot claim a token");
		goto out;
	}
	if (file_read(dirfd, claimed, &file, err) == -1)
		goto out;
	proof_by_key(want, file.key, id, exporter, client);
	result = judge_claimed(dirfd, claimed, name, &file, want, proof, err);
	if (result == TOKEN_OK)
		*grant_r = file.grant;
out:
	explicit_bzero(want, sizeof(want));
	explicit_bzero(&file, sizeof(file));
	(void)close(dirfd);
	return result;
}

int
token_purge(const char *dir, struct err *err)
{
	const uint64_t now = clock_now_ms();
	const struct dirent *entry;
	struct token_file file;
	struct stat st;
	DIR *d = opendir(dir);
	bool over;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(err, "%s", dir);
	while ((entry = readdir(d)) != NULL) {
		if (strlen(entry->d_name) < ID_HEX ||
		    fstatat(dirfd(d), entry->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
			continue;
		/* A name in between, left by a crash, gets old as well. */
		over = strlen(entry->d_name) == ID_HEX &&
		    file_read(dirfd(d), entry->d_name, &file, err) == 0 ?
		    now >= file.grant.expires_ms :
		    (uint64_t)st.st_mtime * 1000 + TOKEN_LIFE_MS < now;
		if (over)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	explicit_bzero(&file, sizeof(file));
	(void)closedir(d);
	return 0;
}
