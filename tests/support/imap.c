#include "config.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/imap.h"

#define REPLY_MAX	(64U * 1024 * 1024)	/* bytes of one reply */

struct imap {
	pid_t pid;
	FILE *in, *out;		/* from and to the server */
	unsigned int tags;
	bool trace;
	struct strbuf line;
	ARRAY(struct imap_reply) replies;
};

static _Noreturn void
die(const char *what, const char *more)
{
	fprintf(stderr, "imap: %s: %s\n", what, more);
	exit(1);
}

struct imap *
imap_new(char *const *command)
{
	struct imap *imap = mem_alloc(sizeof(*imap));
	int to[2], from[2];

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe(to) == -1 || pipe(from) == -1 || (imap->pid = fork()) == -1)
		die("start", strerror(errno));
	if (imap->pid == 0) {
		(void)dup2(to[0], STDIN_FILENO);
		(void)dup2(from[1], STDOUT_FILENO);
		closefrom(STDERR_FILENO + 1);
		execvp(command[0], command);
		die(command[0], strerror(errno));
	}
	(void)close(to[0]);
	(void)close(from[1]);
	imap->in = fdopen(from[0], "r");
	imap->out = fdopen(to[1], "w");
	if (imap->in == NULL || imap->out == NULL)
		die("fdopen", strerror(errno));
	strbuf_init(&imap->line, REPLY_MAX);
	return imap;
}

void
imap_trace(struct imap *imap)
{
	imap->trace = true;
}

static void
forget_replies(struct imap *imap)
{
	for (size_t i = 0; i < imap->replies.n; i++)
		free(imap->replies.v[i].data);
	imap->replies.n = 0;
}

void
imap_free(struct imap **imapp)
{
	struct imap *imap = *imapp;
	int status = 0;

	imap_do(imap, "LOGOUT");
	(void)fclose(imap->out);
	(void)fclose(imap->in);
	while (waitpid(imap->pid, &status, 0) == -1 && errno == EINTR)
		;
	forget_replies(imap);
	ARRAY_FREE(&imap->replies);
	strbuf_deinit(&imap->line);
	free(imap);
	*imapp = NULL;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("end", "the server failed");
}

/* Bytes that follow if the line ends in {n}, or SIZE_MAX. */
static size_t
literal_after(const struct strbuf *line)
{
	size_t at = line->len;
	char *end;

	if (at < 5 || memcmp(line->data + at - 3, "}\r\n", 3) != 0)
		return SIZE_MAX;
	for (at -= 3; at > 0 && isdigit((unsigned char)line->data[at - 1]);)
		at--;
	if (at == 0 || line->data[at - 1] != '{')
		return SIZE_MAX;
	return strtoul(line->data + at, &end, 10);
}

/* Read one reply with its literals, without the final CRLF. */
static void
read_reply(struct imap *imap)
{
	size_t literal;
	int c;

	strbuf_reset(&imap->line);
	for (;;) {
		while ((c = getc(imap->in)) != EOF && c != '\n')
			strbuf_addc(&imap->line, (char)c);
		if (c == EOF)
			die("the server hung up", imap->line.data);
		strbuf_addc(&imap->line, '\n');
		literal = literal_after(&imap->line);
		if (literal == SIZE_MAX)
			break;
		for (; literal > 0 && (c = getc(imap->in)) != EOF; literal--)
			strbuf_addc(&imap->line, (char)c);
	}
	if (imap->line.failed)
		die("a reply is too long", "");
	while (imap->line.len > 0 &&
	    (imap->line.data[imap->line.len - 1] == '\n' ||
	    imap->line.data[imap->line.len - 1] == '\r'))
		imap->line.data[--imap->line.len] = '\0';
}

bool
imap_try(struct imap *imap, const char *command, size_t len)
{
	char tag[16];
	size_t tag_len;

	if (imap->tags == 0)
		read_reply(imap);	/* the greeting */
	tag_len = (size_t)snprintf(tag, sizeof(tag), "a%u ", ++imap->tags);
	forget_replies(imap);
	if (imap->trace)
		fprintf(stderr, "> %.*s\n", (int)len, command);
	fprintf(imap->out, "%s", tag);
	fwrite(command, 1, len, imap->out);
	fprintf(imap->out, "\r\n");
	if (fflush(imap->out) == EOF)
		die(command, strerror(errno));
	for (;;) {
		read_reply(imap);
		if (strncmp(imap->line.data, tag, tag_len) == 0)
			break;
		*ARRAY_ADD(&imap->replies) = (struct imap_reply){
			mem_dup(imap->line.data, imap->line.len + 1),
			imap->line.len,
		};
	}
	if (imap->trace)
		fprintf(stderr, "< %s\n", imap->line.data);
	return strncmp(imap->line.data + tag_len, "OK", 2) == 0;
}

void
imap_do(struct imap *imap, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = mem_alloc((size_t)len + 1);
	va_start(ap, fmt);
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	if (!imap_try(imap, text, (size_t)len))
		die(text, imap->line.data);
	free(text);
}

size_t
imap_replies(const struct imap *imap)
{
	return imap->replies.n;
}

const struct imap_reply *
imap_reply(const struct imap *imap, size_t i)
{
	return &imap->replies.v[i];
}

const char *
imap_answer(const struct imap *imap)
{
	return imap->line.data;
}

static const char *
quoted_value(const char *p, const char *end, struct strbuf *value)
{
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		strbuf_addc(value, *p);
	}
	return p < end ? p + 1 : p;
}

static const char *
literal_value(const char *p, const char *end, struct strbuf *value)
{
	char *digits_end;
	size_t len = strtoul(p + 1, &digits_end, 10);

	p = digits_end + 3;	/* }CRLF */
	if (p > end || len > (size_t)(end - p))
		die("a literal that is cut", p);
	strbuf_add(value, p, len);
	return p + len;
}

/* Flags and names only: nothing in quotes holds a parenthesis. */
static const char *
list_value(const char *p, const char *end, struct strbuf *value)
{
	int depth = 0;

	for (; p < end; p++) {
		strbuf_addc(value, *p);
		depth += *p == '(';
		depth -= *p == ')';
		if (depth == 0)
			return p + 1;
	}
	return p;
}

static const char *
atom_value(const char *p, const char *end, struct strbuf *value)
{
	bool in_section = false;

	for (; p < end; p++) {
		if (!in_section && (*p == ' ' || *p == '(' || *p == ')'))
			break;
		in_section = *p == '[' || (in_section && *p != ']');
		strbuf_addc(value, *p);
	}
	return p;
}

bool
imap_value(const char **pp, const char *end, struct strbuf *value)
{
	const char *p = *pp;

	strbuf_reset(value);
	while (p < end && *p == ' ')
		p++;
	if (p >= end || *p == ')')
		return false;
	if (*p == '"')
		p = quoted_value(p, end, value);
	else if (*p == '{')
		p = literal_value(p, end, value);
	else if (*p == '(')
		p = list_value(p, end, value);
	else
		p = atom_value(p, end, value);
	*pp = p;
	return true;
}
