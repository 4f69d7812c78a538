#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/config_file.h"
#include "net/peers.h"

#define WORD_USER	0x01u
#define WORD_ACCESS	0x02u
#define WORD_NAME	0x04u
#define WORD_UNTIL	0x08u
#define WORD_REVOKED	0x10u

static const char *const access_names[] = {
	[PEER_READ] = "read",
	[PEER_APPEND] = "append",
	[PEER_READ_WRITE] = "read-write",
};

const char *
peer_right_name(enum peer_right access)
{
	return access_names[access];
}

bool
peer_right_parse(enum peer_right *access_r, const char *text)
{
	for (size_t i = 0; i < nitems(access_names); i++) {
		if (strcmp(text, access_names[i]) == 0) {
			*access_r = (enum peer_right)i;
			return true;
		}
	}
	return false;
}

const char *
peer_status_word(enum peer_status status)
{
	static const char *const words[] = {
		[PEER_OK] = "ok",
		[PEER_UNKNOWN] = "unknown_key",
		[PEER_REVOKED] = "revoked",
		[PEER_EXPIRED] = "expired",
		[PEER_BAD_LINE] = "bad_line",
		[PEER_TWICE] = "listed_twice",
	};

	return words[status];
}

bool
peer_user_valid(const char *user, size_t len)
{
	if (len == 0 || len > PEERS_USER_MAX || user[0] == '.' ||
	    user[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (strchr("/,*#\"'\\", user[i]) != NULL)
			return false;
	}
	return config_text_plain(user, len);
}

bool
peer_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PEERS_NAME_MAX && name[0] != '#' &&
	    config_text_plain(name, len);
}

/* "*", or one or more users with commas between them, none twice. */
static bool
users_valid(const char *users)
{
	const char *end, *p = users;
	size_t len;

	if (strcmp(users, "*") == 0)
		return true;
	for (;;) {
		end = strchrnul(p, ',');
		len = (size_t)(end - p);
		if (!peer_user_valid(p, len))
			return false;
		if (*end == '\0')
			return true;
		p = end + 1;
	}
}

/* The day after YYYY-MM-DD begins here; days that do not exist are refused. */
static bool
until_parse(uint64_t *ms_r, const char *text)
{
	static const char form[] = "dddd-dd-dd";
	struct tm tm = { 0 }, back;
	time_t t;

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++) {
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' :
		    text[i] != form[i])
			return false;
	}
	tm.tm_year = atoi(text) - 1900;
	tm.tm_mon = atoi(text + 5) - 1;
	tm.tm_mday = atoi(text + 8);
	back = tm;
	t = timegm(&back);
	if (t < 0 || back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon ||
	    back.tm_year != tm.tm_year)
		return false;
	*ms_r = ((uint64_t)t + 86400) * 1000;
	return true;
}

/* Returns NULL, or what is wrong with the word that says who. */
static const char *
parse_who(struct peer *peer, const char *word)
{
	if (strncmp(word, "sha256:", 7) == 0) {
		peer->has_pin = true;
		return pin_parse(&peer->pin, word, strlen(word)) ? NULL :
		    "sha256: wants 64 hexadecimal digits";
	}
	if (strncmp(word, "cn=", 3) != 0)
		return "a line begins with sha256: or cn=";
	word += 3;
	if (word[0] == '\0' || strlen(word) > PEERS_CN_MAX)
		return "cn= wants a name of 1 to 255 bytes";
	memcpy(peer->cn, word, strlen(word) + 1);
	return NULL;
}

static const char *
parse_value(struct peer *peer, const char *key, const char *value,
    unsigned int *word_r)
{
	if (strcmp(key, "user") == 0) {
		*word_r = WORD_USER;
		if (!users_valid(value))
			return "user= wants mail users or *";
		free(peer->users);
		peer->users = mem_strdup(value);
		return NULL;
	}
	if (strcmp(key, "access") == 0) {
		*word_r = WORD_ACCESS;
		return peer_right_parse(&peer->access, value) ? NULL :
		    "access= is read, append or read-write";
	}
	if (strcmp(key, "name") == 0) {
		*word_r = WORD_NAME;
		if (!peer_name_valid(value))
			return "name= wants 1 to 128 printable bytes";
		memcpy(peer->name, value, strlen(value) + 1);
		return NULL;
	}
	if (strcmp(key, "until") == 0) {
		*word_r = WORD_UNTIL;
		return until_parse(&peer->until_ms, value) ? NULL :
		    "until= wants a day as YYYY-MM-DD";
	}
	return "unknown word";
}

static const char *
parse_word(struct peer *peer, char *word, unsigned int *seen)
{
	unsigned int bit = 0;
	const char *bad = NULL;
	char *eq = strchr(word, '=');

	if (strcmp(word, "revoked") == 0) {
		bit = WORD_REVOKED;
		peer->revoked = true;
	} else if (eq != NULL) {
		*eq = '\0';
		bad = parse_value(peer, word, eq + 1, &bit);
	} else {
		bad = "unknown word";
	}
	if (bad == NULL && (*seen & bit) != 0)
		bad = "a word is given twice";
	*seen |= bit;
	return bad;
}

/*
 * Take one line apart, which is changed.  Returns NULL or what is wrong;
 * *empty_r: there is nothing on it.
 */
static const char *
parse_line(struct peer *peer, char *line, bool *empty_r)
{
	const unsigned int needed = WORD_USER | WORD_ACCESS;
	unsigned int seen = 0;
	const char *bad = NULL, *more;
	char *word, *rest = line;

	*empty_r = false;
	word = config_word(&rest);
	if (word == NULL) {
		*empty_r = true;
		return NULL;
	}
	bad = parse_who(peer, word);
	/* Go on after an error: "revoked" must be seen. */
	while ((word = config_word(&rest)) != NULL) {
		more = parse_word(peer, word, &seen);
		if (bad == NULL)
			bad = more;
	}
	if (bad == NULL && !peer->revoked && (seen & needed) != needed)
		bad = "user= and access= are needed";
	return bad;
}

void
peers_parse(struct peers *peers, const char *text, size_t len,
    const char *file, peers_complain *complain, void *arg)
{
	ARRAY(struct peer) list = { 0 };
	struct config_lines lines;
	char line[PEERS_LINE_MAX + 1], message[256];
	const char *bad;
	struct peer *peer;
	bool empty;
	int r;

	config_lines_init(&lines, text, len);
	while ((r = config_lines_next(&lines, line, sizeof(line))) != 0) {
		peer = ARRAY_ADD(&list);
		peer->line = lines.line;
		empty = false;
		bad = parse_line(peer, line, &empty);
		if (r == -1) {
			bad = "the line is too long or not plain text";
			empty = false;
		}
		peer->bad = bad != NULL;
		if (peer->users == NULL)
			peer->users = mem_strdup("");
		if (empty) {
			free(peer->users);
			list.n--;
		}
		if (bad != NULL && complain != NULL) {
			snprintf(message, sizeof(message), "%s:%u: %s", file,
			    lines.line, bad);
			complain(arg, message);
		}
	}
	peers->v = list.v;
	peers->n = list.n;
}

void
peers_deinit(struct peers *peers)
{
	for (size_t i = 0; i < peers->n; i++)
		free(peers->v[i].users);
	array_free(peers->v);
	peers->v = NULL;
	peers->n = 0;
}

int
peers_read(struct peers *peers, const char *path, peers_complain *complain,
    void *arg, struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, PEERS_FILE_MAX);
	if (config_file_read(path, &text, err) == 0) {
		peers_parse(peers, text.data, text.len, path, complain, arg);
		ret = 0;
	}
	strbuf_deinit(&text);
	return ret;
}

static enum peer_status
peer_judge(const struct peer *peer, uint64_t now_ms)
{
	if (peer->revoked)
		return PEER_REVOKED;
	if (peer->bad)
		return PEER_BAD_LINE;
	if (peer->until_ms != 0 && now_ms >= peer->until_ms)
		return PEER_EXPIRED;
	return PEER_OK;
}

/* Look at all lines: one that revokes counts wherever it stands. */
static enum peer_status
peers_find(const struct peers *peers, const struct pin *pin, const char *cn,
    uint64_t now_ms, const struct peer **peer_r)
{
	const struct peer *found = NULL, *peer;
	bool twice = false;

	for (size_t i = 0; i < peers->n; i++) {
		peer = &peers->v[i];
		if (pin != NULL ? !peer->has_pin ||
		    !pin_equal(&peer->pin, pin) :
		    peer->has_pin || strcmp(peer->cn, cn) != 0)
			continue;
		if (found != NULL)
			twice = true;
		if (found == NULL || peer->revoked)
			found = peer;
	}
	if (found == NULL)
		return PEER_UNKNOWN;
	*peer_r = found;
	if (twice && !found->revoked)
		return PEER_TWICE;
	return peer_judge(found, now_ms);
}

enum peer_status
peers_find_pin(const struct peers *peers, const struct pin *pin,
    uint64_t now_ms, const struct peer **peer_r)
{
	return peers_find(peers, pin, NULL, now_ms, peer_r);
}

enum peer_status
peers_find_cn(const struct peers *peers, const char *cn, uint64_t now_ms,
    const struct peer **peer_r)
{
	if (cn[0] == '\0')
		return PEER_UNKNOWN;
	return peers_find(peers, NULL, cn, now_ms, peer_r);
}

bool
peer_allows(const struct peer *peer, const char *user)
{
	size_t len = strlen(user);
	const char *end, *p = peer->users;

	if (!peer_user_valid(user, len))
		return false;
	if (strcmp(p, "*") == 0)
		return true;
	for (;;) {
		end = strchrnul(p, ',');
		if ((size_t)(end - p) == len && memcmp(p, user, len) == 0)
			return true;
		if (*end == '\0')
			return false;
		p = end + 1;
	}
}

const char *
peer_only_user(const struct peer *peer)
{
	if (peer->users[0] == '\0' || strcmp(peer->users, "*") == 0 ||
	    strchr(peer->users, ',') != NULL)
		return NULL;
	return peer->users;
}

void
peer_format(struct strbuf *line, const struct peer *peer)
{
	char pin[PIN_TEXT_SIZE];
	struct tm tm;
	time_t day;

	pin_format(pin, &peer->pin);
	if (peer->has_pin)
		strbuf_adds(line, pin);
	else
		strbuf_addf(line, "cn=%s", peer->cn);
	if (peer->users[0] != '\0')
		strbuf_addf(line, " user=%s access=%s", peer->users,
		    peer_right_name(peer->access));
	if (peer->name[0] != '\0')
		strbuf_addf(line, " name=%s", peer->name);
	if (peer->until_ms != 0) {
		day = (time_t)(peer->until_ms / 1000 - 86400);
		if (gmtime_r(&day, &tm) != NULL)
			strbuf_addf(line, " until=%04d-%02d-%02d",
			    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	}
	if (peer->revoked)
		strbuf_adds(line, " revoked");
	strbuf_addc(line, '\n');
}

/* Does the text of a line name this pin as its first word? */
static bool
line_is_of(const char *line, size_t len, const struct pin *pin)
{
	size_t word = PIN_TEXT_SIZE - 1;
	struct pin found;

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return len >= word && pin_parse(&found, line, word) &&
	    pin_equal(&found, pin) && (len == word || line[word] == ' ' ||
	    line[word] == '\t' || line[word] == '\r');
}

/*
 * Copy all lines.  Those of pin become replacement, or if that is NULL, get
 * the word "revoked" after the pin.
 */
static void
rewrite(struct strbuf *out, const struct strbuf *in, const struct pin *pin,
    const struct peer *replacement)
{
	const char *p = in->data, *end = in->data + in->len, *newline, *word;
	size_t len;

	for (; p < end; p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (newline == NULL)
			newline = end;
		len = (size_t)(newline - p);
		if (!line_is_of(p, len, pin)) {
			strbuf_add(out, p, len);
			strbuf_addc(out, '\n');
			continue;
		}
		if (replacement != NULL) {
			peer_format(out, replacement);
			continue;
		}
		word = p + strspn(p, " \t") + PIN_TEXT_SIZE - 1;
		strbuf_add(out, p, (size_t)(word - p));
		strbuf_adds(out, " revoked");
		strbuf_add(out, word, (size_t)(newline - word));
		strbuf_addc(out, '\n');
	}
}

static void
add_newline(struct strbuf *text)
{
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		strbuf_addc(text, '\n');
}

/* The key is listed: may its line be widened to hold the new user? */
static int
widen(const struct peer *old, enum peer_status status,
    const struct peer *add, struct peer *wide_r, bool *same_r,
    struct err *err)
{
	struct strbuf users;

	if (status != PEER_OK)
		return err_set(err, ERR_PERM, "line %u of the peers file "
		    "refuses this key: %s", old->line,
		    peer_status_word(status));
	if (old->access != add->access)
		return err_set(err, ERR_PERM, "line %u of the peers file "
		    "gives this key the access %s: remove it first",
		    old->line, peer_right_name(old->access));
	*same_r = peer_only_user(add) != NULL && peer_allows(old, add->users);
	if (*same_r)
		return 0;
	*wide_r = *old;
	wide_r->users = NULL;
	strbuf_init(&users, PEERS_LINE_MAX / 2);
	if (strcmp(add->users, "*") == 0)
		strbuf_adds(&users, "*");
	else
		strbuf_addf(&users, "%s,%s", old->users, add->users);
	if (users.failed) {
		strbuf_deinit(&users);
		return err_set(err, ERR_PERM, "line %u of the peers file "
		    "cannot hold more users", old->line);
	}
	wide_r->users = mem_strdup(users.data);
	strbuf_deinit(&users);
	return 0;
}

static int
add_locked(const char *path, struct strbuf *text, const struct peer *add,
    struct err *err)
{
	struct peers peers = { 0 };
	const struct peer *old = NULL;
	struct peer wide = { 0 };
	struct strbuf out;
	enum peer_status status;
	bool same = false;
	int ret = -1;

	peers_parse(&peers, text->data, text->len, path, NULL, NULL);
	strbuf_init(&out, PEERS_FILE_MAX);
	status = peers_find_pin(&peers, &add->pin, clock_now_ms(), &old);
	if (status == PEER_UNKNOWN) {
		strbuf_add(&out, text->data, text->len);
		add_newline(&out);
		peer_format(&out, add);
	} else {
		if (widen(old, status, add, &wide, &same, err) == -1)
			goto out;
		if (same) {
			ret = 0;
			goto out;
		}
		rewrite(&out, text, &add->pin, &wide);
	}
	ret = config_file_replace(path, &out, err);
out:
	free(wide.users);
	strbuf_deinit(&out);
	peers_deinit(&peers);
	return ret;
}

int
peers_add(const char *path, const struct peer *peer, struct err *err)
{
	struct strbuf text;
	int lock, ret;

	if ((lock = config_file_lock(path, err)) == -1)
		return -1;
	strbuf_init(&text, PEERS_FILE_MAX);
	ret = config_file_read(path, &text, err);
	if (ret == -1 && err->code == ERR_NOTFOUND)
		ret = 0;
	if (ret == 0)
		ret = add_locked(path, &text, peer, err);
	strbuf_deinit(&text);
	(void)close(lock);
	return ret;
}

int
peers_revoke(const char *path, const struct pin *pin, struct err *err)
{
	struct strbuf text, out;
	struct peer line = { .has_pin = true, .pin = *pin, .revoked = true };
	struct peers peers = { 0 };
	const struct peer *old = NULL;
	char none[] = "";
	int lock, ret = -1;

	if ((lock = config_file_lock(path, err)) == -1)
		return -1;
	line.users = none;
	strbuf_init(&text, PEERS_FILE_MAX);
	strbuf_init(&out, PEERS_FILE_MAX);
	if (config_file_read(path, &text, err) == -1 &&
	    err->code != ERR_NOTFOUND)
		goto out;
	peers_parse(&peers, text.data, text.len, path, NULL, NULL);
	switch (peers_find_pin(&peers, pin, clock_now_ms(), &old)) {
	case PEER_REVOKED:
		ret = 0;
		goto out;
	case PEER_UNKNOWN:
		strbuf_add(&out, text.data, text.len);
		add_newline(&out);
		peer_format(&out, &line);
		break;
	case PEER_OK:
	case PEER_EXPIRED:
	case PEER_BAD_LINE:
	case PEER_TWICE:
		rewrite(&out, &text, pin, NULL);
		break;
	}
	ret = config_file_replace(path, &out, err);
out:
	peers_deinit(&peers);
	strbuf_deinit(&out);
	strbuf_deinit(&text);
	(void)close(lock);
	return ret;
}
