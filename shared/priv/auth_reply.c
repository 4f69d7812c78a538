#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "priv/auth_reply.h"

#define VERSION_MAJOR	"1"
#define WORDS_MAX	(ACCOUNT_FIELDS_MAX + 8U)

/* What stands after \001, and what it stands for. */
static const struct {
	char code, plain;
} escapes[] = {
	{ '1', '\001' }, { 't', '\t' }, { 'n', '\n' }, { 'r', '\r' },
};

void
auth_escape(struct strbuf *out, const char *word)
{
	size_t i;

	for (; *word != '\0'; word++) {
		for (i = 0; i < nitems(escapes); i++) {
			if (*word == escapes[i].plain)
				break;
		}
		if (i < nitems(escapes)) {
			strbuf_addc(out, '\001');
			strbuf_addc(out, escapes[i].code);
		} else {
			strbuf_addc(out, *word);
		}
	}
}

/* In place.  A NUL, which no value of ours holds, is refused, too. */
static bool
unescape(char *word)
{
	char *out = word;
	size_t i;

	for (; *word != '\0'; word++) {
		if (*word == '\001') {
			word++;
			for (i = 0; i < nitems(escapes); i++) {
				if (*word == escapes[i].code)
					break;
			}
			if (i == nitems(escapes))
				return false;
			*out++ = escapes[i].plain;
		} else {
			*out++ = *word;
		}
	}
	*out = '\0';
	return true;
}

static bool
parse_id(const char *text, uint32_t *id_r)
{
	uint64_t id = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		id = id * 10 + (uint64_t)(*text - '0');
		if (id > UINT32_MAX)
			return false;
	}
	*id_r = (uint32_t)id;
	return true;
}

/* USER id name field... */
static int
parse_user(struct auth_reply *reply, char **words, size_t count,
    struct err *err)
{
	size_t len;

	reply->user.name = mem_strdup(words[0]);
	for (size_t i = 1; i < count; i++) {
		if (words[i][0] == '\0')
			continue;
		len = strcspn(words[i], "=");
		if (account_add_field(&reply->user, words[i], len,
		    words[i] + len + (words[i][len] == '='),
		    strlen(words[i] + len + (words[i][len] == '=')),
		    err) == -1) {
			err->code = ERR_PROTO;
			return -1;
		}
	}
	return 0;
}

/* FAIL id [temp] [user_disabled] [reason=...] [code=...] */
static void
parse_failure(struct auth_reply *reply, char **words, size_t count)
{
	reply->code = ERR_TEMP;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(words[i], "reason=", 7) == 0) {
			free(reply->text);
			reply->text = mem_strdup(words[i] + 7);
		}
		if (strcmp(words[i], "user_disabled") == 0 ||
		    strcmp(words[i], "code=user_disabled") == 0)
			reply->code = ERR_PERM;
	}
}

static const struct {
	const char *word;
	enum auth_reply_kind kind;
	size_t words;		/* at least, with the word itself */
} commands[] = {
	{ "USER", AUTH_REPLY_USER, 3 },
	{ "NOTFOUND", AUTH_REPLY_NOTFOUND, 2 },
	{ "FAIL", AUTH_REPLY_FAIL, 2 },
	{ "LIST", AUTH_REPLY_NAME, 3 },
	{ "DONE", AUTH_REPLY_DONE, 2 },
};

static int
parse_words(struct auth_reply *reply, char **words, size_t count,
    struct err *err)
{
	size_t i;

	if (strcmp(words[0], "VERSION") == 0 &&
	    (count < 3 || strcmp(words[1], VERSION_MAJOR) != 0))
		return err_set(err, ERR_PROTO, "it speaks version %.20s of "
		    "the auth protocol, not " VERSION_MAJOR,
		    count > 1 ? words[1] : "?");
	for (i = 0; i < nitems(commands); i++) {
		if (strcmp(words[0], commands[i].word) == 0)
			break;
	}
	/* The DONE of a greeting has no number. */
	if (i == nitems(commands) || (count == 1 &&
	    commands[i].kind == AUTH_REPLY_DONE))
		return 0;
	if (count < commands[i].words || !parse_id(words[1], &reply->id))
		return err_set(err, ERR_PROTO, "the answer %s lacks a word",
		    words[0]);
	reply->kind = commands[i].kind;
	if (reply->kind == AUTH_REPLY_USER)
		return parse_user(reply, words + 2, count - 2, err);
	if (reply->kind == AUTH_REPLY_FAIL)
		parse_failure(reply, words + 2, count - 2);
	else if (reply->kind == AUTH_REPLY_NAME)
		reply->text = mem_strdup(words[2]);
	else if (reply->kind == AUTH_REPLY_DONE && count > 2 &&
	    strcmp(words[2], "fail") == 0)
		reply->kind = AUTH_REPLY_DONE_FAIL;
	return 0;
}

static bool
is_command(const char *word)
{
	return *word != '\0' && word[strspn(word,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")] == '\0';
}

static int
split(struct auth_reply *reply, char *copy, struct err *err)
{
	char *words[WORDS_MAX], *rest = copy;
	size_t count = 0;

	while (rest != NULL) {
		if (count == WORDS_MAX)
			return err_set(err, ERR_PROTO,
			    "an answer of more than %u words", WORDS_MAX);
		words[count] = strsep(&rest, "\t");
		if (!unescape(words[count++]))
			return err_set(err, ERR_PROTO,
			    "an answer with an unknown escape");
	}
	if (!is_command(words[0]))
		return err_set(err, ERR_PROTO, "\"%.40s\" is no word of "
		    "Dovecot's auth protocol", words[0]);
	return parse_words(reply, words, count, err);
}

int
auth_reply_parse(struct auth_reply *reply, const char *line, size_t len,
    struct err *err)
{
	char *copy;
	int ret;

	*reply = (struct auth_reply){ .kind = AUTH_REPLY_OTHER };
	if (len > AUTH_LINE_MAX)
		return err_set(err, ERR_PROTO, "an answer of more than %u "
		    "bytes", AUTH_LINE_MAX);
	if (memchr(line, '\0', len) != NULL)
		return err_set(err, ERR_PROTO, "an answer with a NUL");
	copy = mem_strndup(line, len);
	ret = split(reply, copy, err);
	free(copy);
	return ret;
}

void
auth_reply_deinit(struct auth_reply *reply)
{
	account_deinit(&reply->user);
	free(reply->text);
	reply->text = NULL;
}
