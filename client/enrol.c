#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "client/connect.h"
#include "client/enrol.h"
#include "net/greeting.h"
#include "net/keys.h"
#include "net/stream_tls.h"
#include "net/token.h"

#define PATH_LIMIT	4096U	/* bytes */

int
enrol_read_token(int fd, char *text, size_t size, struct err *err)
{
	ssize_t n = io_read(fd, text, size);

	if (n == -1)
		return err_sys(err, "cannot read the token");
	if ((size_t)n == size)
		return err_set(err, ERR_CONFIG, "this is too long for "
		    "a token");
	text[n] = '\0';
	return 0;
}

static int
prepare_key(const char *config_dir, struct strbuf *dir, struct pin *pin_r,
    bool *made_r, struct err *err)
{
	if (config_dir != NULL)
		strbuf_adds(dir, config_dir);
	else if (keys_config_dir(dir, err) == -1)
		return -1;
	if (keys_make_dir(dir->data, err) == -1)
		return -1;
	return keys_ensure(dir->data, pin_r, made_r, err);
}

int
enrol_own_pin(const char *config_dir, struct pin *pin_r, bool *made_r,
    struct err *err)
{
	struct strbuf dir;
	int ret;

	strbuf_init(&dir, PATH_LIMIT);
	ret = prepare_key(config_dir, &dir, pin_r, made_r, err);
	strbuf_deinit(&dir);
	return ret;
}

/* Prove that we have the secret; the reply is read and judged. */
static int
exchange(struct stream *stream, const struct token *token,
    const struct pin *own, uint64_t deadline, struct enrol_reply *reply_r,
    struct err *err)
{
	uint8_t exporter[STREAM_TLS_EXPORTER_SIZE];
	uint8_t request_bytes[ENROL_REQUEST_SIZE];
	uint8_t reply_bytes[ENROL_REPLY_SIZE];
	struct enrol_request request;

	if (stream_tls_exporter(stream, exporter, err) == -1)
		return -1;
	token_id(request.id, token->secret);
	token_proof(request.proof, token->secret, exporter, own);
	enrol_request_format(request_bytes, &request);
	if (stream_write_full(stream, request_bytes, sizeof(request_bytes),
	    deadline, err) == -1 ||
	    stream_read_full(stream, reply_bytes, sizeof(reply_bytes),
	    deadline, err) == -1 ||
	    enrol_reply_parse(reply_r, reply_bytes, err) == -1)
		return -1;
	switch (reply_r->status) {
	case ENROL_OK:
		(void)stream_shutdown(stream, err);
		return 0;
	case ENROL_REFUSED:
		return err_set(err, ERR_PERM, "%s does not take the token: it "
		    "was used, or its time is over; get a new one",
		    stream_peer(stream));
	case ENROL_LISTED:
		return err_set(err, ERR_PERM, "%s lists our key already, with "
		    "other rights: its peers file has to be changed there",
		    stream_peer(stream));
	case ENROL_BUSY:
		return err_set(err, ERR_TEMP, "%s could not enrol us; its log "
		    "says why", stream_peer(stream));
	}
	abort();
}

/*
 * Try the addresses of the token until one is reached.  What a reached server
 * answers is final: the token may be used up.
 */
static int
try_addresses(const struct token *token, struct tls_ctx *ctx,
    unsigned int timeout, struct enrol_reply *reply_r,
    struct server_addr *addr_r, struct err *err)
{
	struct stream *stream = NULL;
	int ret;

	for (unsigned int i = 0; i < token->addr_count; i++) {
		if (connect_tls(&token->addrs[i], ctx, TLS_ALPN_ENROL,
		    &token->server, timeout, &stream, err) == -1)
			continue;
		ret = exchange(stream, token, tls_ctx_pin(ctx),
		    clock_mono_ms() + timeout * 1000ULL, reply_r, err);
		stream_close(&stream);
		*addr_r = token->addrs[i];
		return ret;
	}
	return -1;
}

/* The server is known by each of its addresses. */
static int
pin_server(const char *dir, const struct token *token, const char *user,
    bool *changed_r, struct err *err)
{
	char *path = mem_printf("%s/servers", dir);
	struct server server = { .pin = token->server };
	bool changed = false;
	int ret = 0;

	*changed_r = false;
	memcpy(server.user, user, strlen(user) + 1);
	for (unsigned int i = 0; i < token->addr_count && ret == 0; i++) {
		server.addr = token->addrs[i];
		ret = servers_put(path, &server, &changed, err);
		*changed_r |= changed;
	}
	free(path);
	return ret;
}

static int
enrol_with(const char *dir, const struct token *token, unsigned int timeout,
    struct enrol_result *result, struct err *err)
{
	char *key = mem_printf("%s/" KEYS_KEY_FILE, dir);
	char *cert = mem_printf("%s/" KEYS_CERT_FILE, dir);
	struct tls_config config = { .key_file = key, .cert_file = cert };
	struct tls_ctx *ctx = NULL;
	struct enrol_reply reply;
	int ret = -1;

	if (tls_ctx_new(&config, &ctx, err) == -1 ||
	    try_addresses(token, ctx, timeout, &reply, &result->addr, err) ==
	    -1)
		goto out;
	memcpy(result->user, reply.user, sizeof(result->user));
	result->server = token->server;
	ret = pin_server(dir, token, reply.user, &result->server_changed, err);
out:
	tls_ctx_free(&ctx);
	free(key);
	free(cert);
	return ret;
}

int
enrol_run(const char *token_text, const char *config_dir,
    unsigned int timeout, struct enrol_result *result_r, struct err *err)
{
	struct enrol_result result = { .key_made = false };
	struct token token;
	struct strbuf dir;
	int ret = -1;

	if (token_parse(&token, token_text, strlen(token_text), err) == -1)
		return -1;
	strbuf_init(&dir, PATH_LIMIT);
	if (prepare_key(config_dir, &dir, &result.own, &result.key_made, err)
	    == -1)
		goto out;
	ret = enrol_with(dir.data, &token, timeout, &result, err);
	if (ret == 0)
		*result_r = result;
out:
	explicit_bzero(&token, sizeof(token));
	strbuf_deinit(&dir);
	return ret;
}
