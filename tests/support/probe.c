/*
 * probe.c - the network side of a client alone, for scenarios
 *
 *	probe enrol TOKEN	enrol; print the user and the server's pin
 *	probe key		print our pin, made if there is none
 *	probe connect HOST	connect, end our data, read to the end; print
 *				"accepted", or the error and exit 1
 *	probe hold HOST		the same, but keep silent until killed
 *	probe garbage HOST	send what is no frame
 *	probe trickle HOST	send a frame byte by byte, until the server ends
 *				the connection
 *	probe silent HOST	connect without TLS, wait to be closed
 *
 * DSYNC_CONFIG_DIR names the folder.  PROBE_CA: verify the server by this CA.
 */
#include "config.h"

#include <sys/socket.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/connect.h"
#include "client/enrol.h"
#include "client/location.h"
#include "net/poll.h"
#include "net/stream.h"
#include "wire/limits.h"

#define TIMEOUT		10U	/* seconds */
#define TRICKLE_MS	20U	/* between two bytes */

static int
fail(const struct err *err)
{
	printf("error %s: %s\n", err_name(err->code), err->msg);
	return 1;
}

static int
enrol(const char *token)
{
	struct enrol_result result;
	char pin[PIN_TEXT_SIZE];
	struct err err = ERR_INIT;

	if (enrol_run(token, NULL, TIMEOUT, &result, &err) == -1)
		return fail(&err);
	pin_format(pin, &result.server);
	printf("enrolled %s %s\n", result.user, pin);
	return 0;
}

static int
key(void)
{
	char text[PIN_TEXT_SIZE];
	struct err err = ERR_INIT;
	struct pin pin;
	bool made;

	if (enrol_own_pin(NULL, &pin, &made, &err) == -1)
		return fail(&err);
	pin_format(text, &pin);
	printf("%s\n", text);
	return 0;
}

/* A connection that says nothing. */
static int
silent(const char *text, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai = NULL;
	struct location_host host;
	char byte;
	int fd;

	if (location_host_parse(&host, text, err) == -1)
		return -1;
	if (getaddrinfo(host.host, host.port, &hints, &ai) != 0)
		return err_set(err, ERR_NOTFOUND, "no such host");
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, ai->ai_addr, ai->ai_addrlen) == -1)
		return err_sys(err, "connect");
	freeaddrinfo(ai);
	if (read(fd, &byte, 1) > 0)
		return err_set(err, ERR_PROTO, "the server spoke first");
	printf("closed\n");
	close(fd);
	return 0;
}

/* Read until the end of data. */
static int
drain(struct stream *stream, struct err *err)
{
	struct poll_set set;
	char buf[4096];
	ssize_t n;

	while ((n = stream_read(stream, buf, sizeof(buf), err)) != 0) {
		if (n == -1)
			return -1;
		if (n > 0)
			continue;
		poll_set_init(&set, clock_mono_ms() + TIMEOUT * 1000);
		poll_set_stream(&set, stream, STREAM_READ);
		if (poll_set_wait(&set, err) == 0)
			return err_set(err, ERR_TEMP, "no end in time");
	}
	return 0;
}

/* The bytes of a frame, each when the one before has had its time. */
static int
trickle(struct stream *stream, struct err *err)
{
	static const uint8_t header[FRAME_HEADER_SIZE] = { 0, 4, 0, 0, 1 };
	struct poll_set set;
	uint8_t byte = 0;
	ssize_t n;

	for (size_t i = 0;; i++) {
		if (stream_write_full(stream, i < sizeof(header) ?
		    &header[i] : &byte, 1, clock_mono_ms() + TIMEOUT * 1000,
		    err) == -1)
			return -1;
		poll_set_init(&set, clock_mono_ms() + TRICKLE_MS);
		poll_set_stream(&set, stream, STREAM_READ);
		if (poll_set_wait(&set, err) == -1)
			return -1;
		n = stream_read(stream, &byte, 1, err);
		if (n != STREAM_WAIT)
			return n == -1 ? -1 : 0;
	}
}

static int
run(const char *what, const char *text, struct err *err)
{
	const struct connect_options options = { .timeout = TIMEOUT,
	    .user = "nobody-named", .ca_file = getenv("PROBE_CA") };
	const uint64_t deadline = clock_mono_ms() + TIMEOUT * 1000;
	struct location_host host;
	struct stream *stream = NULL;
	int ret = -1;

	if (location_host_parse(&host, text, err) == -1 ||
	    connect_open(&host, &options, &stream, err) == -1)
		return -1;
	if (strcmp(what, "hold") == 0) {
		printf("holding\n");
		fflush(stdout);
		for (;;)
			pause();
	}
	if (strcmp(what, "trickle") == 0) {
		printf("trickling\n");
		fflush(stdout);
		ret = trickle(stream, err);
		goto out;
	}
	if (strcmp(what, "garbage") == 0) {
		if (stream_write_full(stream, "\377\377\377\377garbage", 11,
		    deadline, err) == -1)
			goto out;
	} else if (stream_shutdown(stream, err) == -1) {
		goto out;
	}
	ret = drain(stream, err);
out:
	stream_close(&stream);
	return ret;
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (argc == 3 && strcmp(argv[1], "enrol") == 0)
		return enrol(argv[2]);
	if (argc == 2 && strcmp(argv[1], "key") == 0)
		return key();
	if (argc == 3 && strcmp(argv[1], "silent") == 0)
		return silent(argv[2], &err) == -1 ? fail(&err) : 0;
	if (argc != 3) {
		fprintf(stderr, "usage: see probe.c\n");
		return 2;
	}
	if (run(argv[1], argv[2], &err) == -1)
		return fail(&err);
	printf("accepted\n");
	return 0;
}
