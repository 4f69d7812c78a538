/*
 * make_corpus.c - write a first corpus for fuzz_link and fuzz_frame
 *
 * One file per kind of message into the folder named on the command line, and
 * one with all of them.  Run it again when the protocol has changed.
 */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/msg_random.h"
#include "wire/link.h"

#define FILE_MAX	3000U	/* bytes; larger seeds only take time */

static void
write_file(const char *dir, const char *name, struct link *link)
{
	char path[4096];
	const void *data;
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	data = link_out(link, &len);
	if ((file = fopen(path, "wb")) == NULL ||
	    fwrite(data, 1, len, file) != len || fclose(file) != 0)
		err(EXIT_FAILURE, "%s", path);
	link_sent(link, len);
}

/* A small message of this kind. */
static struct msg
seed(struct arena *arena, struct rng *rng, enum msg_kind kind)
{
	struct link *link = link_new();
	struct msg msg;
	size_t len;

	do {
		msg = msg_random(arena, rng, kind);
		link_send(link, &msg);
		link_out(link, &len);
		link_sent(link, len);
	} while (len > FILE_MAX);
	link_free(&link);
	return msg;
}

int
main(int argc, char **argv)
{
	struct arena *arena = arena_new(1U << 30);
	struct link *one = link_new(), *all = link_new();
	struct rng rng = { .state = 1 };
	struct msg msg;

	if (argc != 2)
		errx(EXIT_FAILURE, "usage: make_corpus folder");
	link_set_compress(one, true);
	for (int kind = 1; kind < MSG_KIND_COUNT; kind++) {
		msg = seed(arena, &rng, (enum msg_kind)kind);
		link_send(one, &msg);
		write_file(argv[1], msg_kind_name(msg.kind), one);
		if (kind % 3 == 0)
			link_send(all, &msg);
	}
	write_file(argv[1], "all", all);
	link_free(&one);
	link_free(&all);
	arena_free(&arena);
	return EXIT_SUCCESS;
}
