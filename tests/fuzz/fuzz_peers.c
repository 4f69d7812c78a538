/*
 * Any text as a peers file and as a servers file: a peer that is let in has
 * a line that formats and parses to the same, and no line can both revoke and
 * let in.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/peers.h"
#include "net/servers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(const struct peers *peers, const struct peer *peer)
{
	enum peer_status status;
	const struct peer *found, *again;
	struct peers back;
	struct strbuf line;

	status = peer->has_pin ? peers_find_pin(peers, &peer->pin, 0, &found)
	    : peers_find_cn(peers, peer->cn, 0, &found);
	if (status != PEER_OK)
		return;
	assert(!found->revoked && !found->bad);
	assert(found->users[0] != '\0');
	assert(!peer_allows(found, "") && !peer_allows(found, "../x"));
	strbuf_init(&line, PEERS_LINE_MAX);
	peer_format(&line, found);
	if (!line.failed) {
		peers_parse(&back, line.data, line.len, "back", NULL, NULL);
		assert(back.n == 1 && !back.v[0].bad);
		again = &back.v[0];
		assert(again->has_pin == found->has_pin);
		assert(again->access == found->access);
		assert(again->until_ms == found->until_ms);
		assert(strcmp(again->users, found->users) == 0);
		assert(strcmp(again->name, found->name) == 0);
		assert(strcmp(again->cn, found->cn) == 0);
		peers_deinit(&back);
	}
	strbuf_deinit(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server_addr addr = { .host = "h", .port = "1" };
	struct err err = ERR_INIT;
	struct server server;
	struct peers peers;

	peers_parse(&peers, (const char *)data, size, "peers", NULL, NULL);
	for (size_t i = 0; i < peers.n && i < 16; i++)
		check_line(&peers, &peers.v[i]);
	peers_deinit(&peers);
	if (servers_find((const char *)data, size, "servers", &addr, &server,
	    &err) == 0)
		assert(strcmp(server.addr.port, "1") == 0);
	return 0;
}
