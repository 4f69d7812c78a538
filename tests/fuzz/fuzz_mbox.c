#include "config.h"

#include <sys/mman.h>

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "store/mbox/from_line.h"
#include "store/mbox/parse.h"
#include "store/mbox/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const uint8_t *data;
	size_t size;
	uint64_t next;		/* where the next message has to begin */
	size_t count;
	int fd;
};

/* The bytes that are shown, counted once more. */
static uint64_t
shown(const struct seen *seen, const struct parse_mail *mail)
{
	struct parse_field field = { .end = mail->start };
	struct err err = ERR_INIT;
	uint64_t n = 0;
	struct window w;

	window_init(&w, seen->fd, seen->size);
	for (;;) {
		assert(parse_field(&w, field.end, mail->end, &field, NULL,
		    &err) == 0);
		assert(field.start <= field.end && field.end <= mail->end);
		if (field.kind != PARSE_FIELD)
			break;
		if (header_is_shown(field.name))
			n += field.end - field.start;
	}
	window_deinit(&w);
	return n + (mail->end - field.start);
}

static int
on_mail(const struct parse_mail *mail, void *arg, struct err *err)
{
	char line[FROM_LINE_MAX];
	struct seen *seen = arg;
	int64_t received;
	size_t len;

	(void)err;
	assert(seen->count == 0 || mail->offset == seen->next);
	assert(mail->offset < mail->start && mail->start <= mail->end);
	assert(mail->end <= mail->next && mail->next <= seen->size);
	assert(mail->next - mail->end <= 2);
	assert(memcmp(seen->data + mail->offset, "From ", 5) == 0);
	assert(mail->size == shown(seen, mail));
	assert(!mail->has_base || mail->base.uidvalidity != 0);
	assert(!mail->has_uid || mail->uid != 0);
	seen->next = mail->next;
	seen->count++;
	/* What we write is read as the same time, of years of four digits. */
	if (mail->received < -62000000000 || mail->received > 253000000000)
		return 0;
	len = from_line_format(line, "a@b", mail->received);
	assert(from_line_parse(line, len - 1, &received));
	assert(received == mail->received);
	return 0;
}

/* A state that is read is written as one that is read. */
static void
try_state(const uint8_t *data, size_t size)
{
	struct state state, again;
	struct strbuf text;

	state_init(&state);
	state_init(&again);
	state_parse(&state, (const char *)data, size);
	if (state.exists) {
		strbuf_init(&text, 4 * size + 4096);
		state_format(&state, &text);
		state_parse(&again, text.data, text.len);
		assert(again.exists && !again.torn);
		assert(again.mails.n == state.mails.n);
		assert(again.uidvalidity == state.uidvalidity);
		strbuf_deinit(&text);
	}
	state_deinit(&state);
	state_deinit(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { .data = data, .size = size };
	struct err err = ERR_INIT;

	try_state(data, size);
	seen.fd = memfd_create("mbox", MFD_CLOEXEC);
	assert(seen.fd != -1);
	assert(write(seen.fd, data, size) == (ssize_t)size);
	if (parse_mbox(seen.fd, size, on_mail, &seen, &err) == -1)
		assert(err.code == ERR_CORRUPT && seen.count == 0);
	else
		assert(seen.count == 0 || seen.next == size);
	close(seen.fd);
	return 0;
}
