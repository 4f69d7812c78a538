/*
 * storectl.c - drive a mail store by a script, for tests
 *
 *	storectl [-c] [-r] [-g N] LOCATION < commands
 *
 * -c: create the root; -r: read-only; -g: as if the process ended at the Nth
 * call or step (store/failing/failing.h).  One command a line, words separated
 * by spaces; mailbox names as parts joined by '/'; "-" is nothing, "=" as a GUID
 * is that of the message which has the UID now.  FLAGS are letters of DFRST,
 * keywords are joined by commas.
 *
 *	list | subscriptions | tree
 *	create NAME [GUID UIDVALIDITY UIDNEXT] | mkdir NAME
 *	rename FROM TO | remove NAME | subscribe NAME | unsubscribe NAME
 *	open NAME | status | scan | token
 *	dump					scan, with sizes and dates
 *	read UID GUID
 *	append UID GUID FLAGS KEYWORDS RECEIVED FILE
 *	copy MAILBOX UID GUID			from there, all else kept
 *	flags UID GUID FLAGS KEYWORDS
 *	stale UID GUID FLAGS KEYWORDS		the same, expecting no flags
 *	uid UID GUID NEW | expunge UID GUID
 *	setstatus GUID UIDVALIDITY UIDNEXT
 *	modseq N				what all operations after it want
 *	flush
 *
 * Prepared operations are numbered from 1; flush prints how each ended.
 * A command that fails prints "error WORD TEXT" and the next one is read; the
 * exit status is then 1.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "store/failing/failing.h"
#include "store/store.h"

#define WORDS_MAX	8
#define NAME_TEXT	(2 * NAME_MAX_BYTES)

struct ctl {
	struct store *store;
	const struct store_driver *driver;
	struct mailbox *box;
	uint64_t tag;
	uint64_t modseq;
	int status;
};

/* A copy of one scanned message. */
struct found {
	uint32_t uid;		/* looked for */
	bool found;
	char guid[GUID_TEXT_MAX + 1];
	flags_t flags;
	ARRAY(char *) keywords;
};

static const char flag_chars[] = "DFRST";
static const flags_t flag_bits[] = {
	FLAG_DRAFT, FLAG_FLAGGED, FLAG_ANSWERED, FLAG_SEEN, FLAG_DELETED,
};

static flags_t
parse_flags(const char *text)
{
	flags_t flags = 0;
	const char *p;

	for (; *text != '\0' && *text != '-'; text++) {
		if ((p = strchr(flag_chars, *text)) != NULL)
			flags |= flag_bits[p - flag_chars];
	}
	return flags;
}

static int
name_order(const void *a, const void *b)
{
	return keyword_cmp(*(char *const *)a, *(char *const *)b);
}

/* Splits text in place; returns the number of sorted keywords. */
static size_t
parse_keywords(char *text, const char *out[static 64])
{
	size_t n = 0;

	if (strcmp(text, "-") == 0)
		return 0;
	for (char *word = strtok(text, ","); word != NULL && n < 64;
	    word = strtok(NULL, ","))
		out[n++] = word;
	qsort(out, n, sizeof(out[0]), name_order);
	return n;
}

static void
print_info(const struct mail_info *info)
{
	printf("%" PRIu32 " %s ", info->uid, info->guid);
	for (size_t i = 0; i < nitems(flag_bits); i++) {
		if (info->flags & flag_bits[i])
			putchar(flag_chars[i]);
	}
	if (info->flags == 0)
		putchar('-');
	putchar(' ');
	for (size_t i = 0; i < info->keyword_count; i++)
		printf("%s%s", i > 0 ? "," : "", info->keywords[i]);
	if (info->keyword_count == 0)
		putchar('-');
	printf(" %" PRIu64, info->size);
	if (info->received != RECEIVED_UNKNOWN)
		printf(" received=%" PRId64, info->received);
	if (info->pop3_uidl != NULL)
		printf(" uidl=%s", info->pop3_uidl);
	if (info->pop3_order != 0)
		printf(" order=%" PRIu32, info->pop3_order);
	putchar('\n');
}

static int
scan_print(const struct mail_info *info, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	print_info(info);
	return 0;
}

static int
scan_find(const struct mail_info *info, void *arg, struct err *err)
{
	struct found *found = arg;

	(void)err;
	if (info->uid != found->uid)
		return 0;
	found->found = true;
	snprintf(found->guid, sizeof(found->guid), "%s", info->guid);
	found->flags = info->flags;
	for (size_t i = 0; i < info->keyword_count; i++)
		*ARRAY_ADD(&found->keywords) =
		    mem_strdup(info->keywords[i]);
	return 0;
}

/* All messages, by UID and GUID. */
struct all {
	ARRAY(struct { uint32_t uid; char guid[GUID_TEXT_MAX + 1]; }) v;
};

static int
scan_all(const struct mail_info *info, void *arg, struct err *err)
{
	struct all *all = arg;

	(void)err;
	(void)ARRAY_ADD(&all->v);
	all->v.v[all->v.n - 1].uid = info->uid;
	snprintf(all->v.v[all->v.n - 1].guid, GUID_TEXT_MAX + 1, "%s",
	    info->guid);
	return 0;
}

static void
found_free(struct found *found)
{
	for (size_t i = 0; i < found->keywords.n; i++)
		free(found->keywords.v[i]);
	ARRAY_FREE(&found->keywords);
}

/* What the message of this UID is now; a GUID of "=" becomes its. */
static int
look(struct ctl *ctl, struct mailbox *box, uint32_t uid, const char **guid,
    struct found *found, struct err *err)
{
	*found = (struct found){ .uid = uid };
	if (ctl->driver->scan(box, scan_find, found, err) == -1)
		return -1;
	if (strcmp(*guid, "=") != 0)
		return 0;
	if (!found->found)
		return err_set(err, ERR_NOTFOUND, "no UID %" PRIu32, uid);
	*guid = found->guid;
	return 0;
}

static int
list_print(const struct store_listing *listing, void *arg, struct err *err)
{
	char name[NAME_TEXT];

	(void)arg;
	(void)err;
	printf("%s%s\n", name_show(name, sizeof(name), listing->name),
	    listing->selectable ? "" : " directory");
	return 0;
}

static int
name_print_line(const char *joined, void *arg, struct err *err)
{
	char name[NAME_TEXT];

	(void)arg;
	(void)err;
	printf("%s\n", name_show(name, sizeof(name), joined));
	return 0;
}

static void
print_token(const struct store_token *token)
{
	for (size_t i = 0; i < token->len; i++)
		printf("%02x", token->data[i]);
	printf(" %s\n", token->settled ? "settled" : "young");
}

static void
done_print(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)modseq;
	(void)arg;
	if (failure == NULL)
		printf("done %" PRIu64 " %" PRIu32 "\n", tag, uid);
	else
		printf("failed %" PRIu64 " %s %s\n", tag,
		    err_name(failure->code), failure->msg);
}

static void
problem_print(const char *what, const struct err *why, void *arg)
{
	(void)arg;
	printf("problem %s%s%s\n", what, why == NULL ? "" : ": ",
	    why == NULL ? "" : why->msg);
}

static uint32_t
number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

static int
status_from_words(struct mailbox_status *status, char **words,
    struct err *err)
{
	*status = (struct mailbox_status){ .uidnext = 0 };
	if (strcmp(words[0], "-") != 0 &&
	    !guid_parse(&status->guid, words[0], strlen(words[0])))
		return err_set(err, ERR_CONFIG, "not a GUID: %s", words[0]);
	status->uidvalidity = number(words[1]);
	status->uidnext = number(words[2]);
	return 0;
}

static int
do_read(struct ctl *ctl, char **words, struct err *err)
{
	struct mail_reader *reader;
	const char *guid = words[2];
	struct mail_info info;
	struct found found;
	char buf[4096];
	ptrdiff_t n;

	if (look(ctl, ctl->box, number(words[1]), &guid, &found, err) == -1)
		return -1;
	n = ctl->driver->reader_open(ctl->box, number(words[1]), guid,
	    &reader, &info, err);
	found_free(&found);
	if (n == -1)
		return -1;
	print_info(&info);
	while ((n = ctl->driver->reader_read(reader, buf, sizeof(buf),
	    err)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	ctl->driver->reader_close(&reader);
	return (int)n;
}

/* Every message as reading it tells, after a scan of what is there. */
static int
do_dump(struct ctl *ctl, struct err *err)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct all all = { .v = { 0 } };
	int ret = ctl->driver->scan(ctl->box, scan_all, &all, err);

	for (size_t i = 0; i < all.v.n && ret == 0; i++) {
		ret = ctl->driver->reader_open(ctl->box, all.v.v[i].uid,
		    all.v.v[i].guid, &reader, &info, err);
		if (ret == 0) {
			print_info(&info);
			ctl->driver->reader_close(&reader);
		}
	}
	ARRAY_FREE(&all.v);
	return ret;
}

static int
write_file(struct ctl *ctl, struct mail_writer *writer, const char *path,
    struct err *err)
{
	FILE *file = fopen(path, "r");
	char buf[4096];
	size_t n;
	int ret = 0;

	if (file == NULL)
		return err_sys(err, "open %s", path);
	while (ret == 0 && (n = fread(buf, 1, sizeof(buf), file)) > 0)
		ret = ctl->driver->append_write(writer, buf, n, err);
	fclose(file);
	return ret;
}

static int
do_append(struct ctl *ctl, char **words, struct err *err)
{
	struct mail_writer *writer;
	const char *keywords[64];
	struct mail_info info = {
		.uid = number(words[1]),
		.guid = strcmp(words[2], "-") == 0 ? NULL : words[2],
		.flags = parse_flags(words[3]),
		.modseq = ctl->modseq, .keywords = keywords,
		.keyword_count = parse_keywords(words[4], keywords),
		.received = strtoll(words[5], NULL, 10),
	};

	if (ctl->driver->append_begin(ctl->box, &info, &writer, err) == -1)
		return -1;
	if (write_file(ctl, writer, words[6], err) == -1) {
		ctl->driver->append_abort(&writer);
		return -1;
	}
	return ctl->driver->append_commit(&writer, ++ctl->tag, err);
}

static int
do_copy(struct ctl *ctl, char **words, struct err *err)
{
	struct mailbox *src;
	struct mail_reader *reader;
	const char *guid = words[3];
	struct mail_info info;
	struct strbuf name;
	struct found found;
	uint32_t uid = number(words[2]);
	int ret = -1;

	strbuf_init(&name, NAME_MAX_BYTES);
	if (name_from_user(&name, words[1]) == -1) {
		strbuf_deinit(&name);
		return err_set(err, ERR_CONFIG, "not a mailbox name");
	}
	ret = ctl->driver->mailbox_open(ctl->store, name.data, &src, err);
	strbuf_deinit(&name);
	if (ret == -1)
		return -1;
	ret = look(ctl, src, uid, &guid, &found, err);
	if (ret == 0 && (ret = ctl->driver->reader_open(src, uid, guid,
	    &reader, &info, err)) == 0) {
		info.uid = 0;
		ret = ctl->driver->copy(ctl->box, &info, src, uid, guid,
		    ++ctl->tag, err);
		ctl->driver->reader_close(&reader);
	}
	found_free(&found);
	ctl->driver->mailbox_close(&src);
	return ret;
}

static int
do_flags(struct ctl *ctl, char **words, struct err *err)
{
	const char *guid = words[2], *keywords[64];
	struct found found;
	struct mail_info was = { .uid = number(words[1]) };
	size_t n;
	int ret;

	if (look(ctl, ctl->box, was.uid, &guid, &found, err) == -1)
		return -1;
	was.guid = guid;
	if (strcmp(words[0], "flags") == 0) {
		was.flags = found.flags;
		was.keywords = (const char *const *)found.keywords.v;
		was.keyword_count = found.keywords.n;
	}
	n = parse_keywords(words[4], keywords);
	ret = ctl->driver->set_flags(ctl->box, &was, parse_flags(words[3]),
	    keywords, n, ctl->modseq, ++ctl->tag, err);
	found_free(&found);
	return ret;
}

static int
do_uid(struct ctl *ctl, char **words, struct err *err)
{
	const char *guid = words[2];
	uint32_t uid = number(words[1]);
	struct found found;
	int ret;

	if (look(ctl, ctl->box, uid, &guid, &found, err) == -1)
		return -1;
	if (strcmp(words[0], "uid") == 0)
		ret = ctl->driver->set_uid(ctl->box, uid, guid,
		    number(words[3]), ctl->modseq, ++ctl->tag, err);
	else
		ret = ctl->driver->expunge(ctl->box, uid, guid, ++ctl->tag,
		    err);
	found_free(&found);
	return ret;
}

static int
do_box(struct ctl *ctl, char **words, struct err *err)
{
	struct mailbox_status status;
	struct store_token token;
	char hex[GUID_HEX_SIZE];

	if (ctl->box == NULL)
		return err_set(err, ERR_CONFIG, "no mailbox is open");
	switch (words[0][0]) {
	case 't':
		if (ctl->driver->token(ctl->box, &token, err) == -1)
			return -1;
		print_token(&token);
		return 0;
	case 'r':
		return do_read(ctl, words, err);
	case 'm':
		ctl->modseq = strtoull(words[1], NULL, 10);
		return 0;
	case 'd':
		return do_dump(ctl, err);
	case 'a':
		return do_append(ctl, words, err);
	case 'c':
		return do_copy(ctl, words, err);
	case 'f':
		return do_flags(ctl, words, err);
	case 'u':
	case 'e':
		return do_uid(ctl, words, err);
	}
	if (strcmp(words[0], "scan") == 0)
		return ctl->driver->scan(ctl->box, scan_print, NULL, err);
	if (strcmp(words[0], "stale") == 0)
		return do_flags(ctl, words, err);
	if (strcmp(words[0], "setstatus") == 0) {
		if (status_from_words(&status, words + 1, err) == -1)
			return -1;
		status.highestmodseq = ctl->modseq;
		return ctl->driver->set_status(ctl->box, &status, ++ctl->tag,
		    err);
	}
	if (ctl->driver->status(ctl->box, &status, err) == -1)
		return -1;
	guid_format(&status.guid, hex);
	printf("status %s %" PRIu32 " %" PRIu32 "\n", hex,
	    status.uidvalidity, status.uidnext);
	return 0;
}

static int
do_name(struct ctl *ctl, size_t n, char **words, const char *name,
    const char *to, struct err *err)
{
	const struct store_driver *d = ctl->driver;
	struct mailbox_status status = { .uidnext = 0 };

	if (strcmp(words[0], "open") == 0) {
		/* What is prepared elsewhere stays: boxes close at the end. */
		return d->mailbox_open(ctl->store, name, &ctl->box, err);
	}
	if (strcmp(words[0], "create") == 0) {
		if (n >= 5 && status_from_words(&status, words + 2,
		    err) == -1)
			return -1;
		return d->mailbox_create(ctl->store, name, true, &status,
		    err);
	}
	if (strcmp(words[0], "mkdir") == 0)
		return d->mailbox_create(ctl->store, name, false, &status,
		    err);
	if (strcmp(words[0], "rename") == 0)
		return d->mailbox_rename(ctl->store, name, to, err);
	if (strcmp(words[0], "remove") == 0)
		return d->mailbox_remove(ctl->store, name, err);
	return d->subscribe(ctl->store, name,
	    strcmp(words[0], "subscribe") == 0, err);
}

/* Every command and the number of words it needs. */
static const struct {
	const char *name;
	size_t words;
	enum { STORE, NAMES, BOX } what;
} commands[] = {
	{ "list", 1, STORE }, { "subscriptions", 1, STORE },
	{ "tree", 1, STORE }, { "flush", 1, STORE },
	{ "create", 2, NAMES }, { "mkdir", 2, NAMES },
	{ "rename", 3, NAMES }, { "remove", 2, NAMES },
	{ "subscribe", 2, NAMES }, { "unsubscribe", 2, NAMES },
	{ "open", 2, NAMES }, { "status", 1, BOX }, { "scan", 1, BOX },
	{ "dump", 1, BOX },
	{ "token", 1, BOX }, { "read", 3, BOX }, { "append", 7, BOX },
	{ "copy", 4, BOX }, { "flags", 5, BOX }, { "stale", 5, BOX },
	{ "modseq", 2, BOX },
	{ "uid", 4, BOX }, { "expunge", 3, BOX }, { "setstatus", 4, BOX },
};

static int
do_store(struct ctl *ctl, const char *word, struct err *err)
{
	struct store_token token;

	if (strcmp(word, "list") == 0)
		return ctl->driver->list(ctl->store, list_print, NULL, err);
	if (strcmp(word, "subscriptions") == 0)
		return ctl->driver->subscriptions(ctl->store,
		    name_print_line, NULL, err);
	if (strcmp(word, "flush") == 0)
		return ctl->driver->flush(ctl->store, done_print, NULL, err);
	if (ctl->driver->tree_token(ctl->store, &token, err) == -1)
		return -1;
	print_token(&token);
	return 0;
}

static int
run(struct ctl *ctl, size_t n, char **words, struct err *err)
{
	struct strbuf name, to;
	int ret = -1;
	size_t i;

	for (i = 0; i < nitems(commands); i++) {
		if (strcmp(commands[i].name, words[0]) == 0)
			break;
	}
	if (i == nitems(commands) || n < commands[i].words)
		return err_set(err, ERR_CONFIG, "bad command %s", words[0]);
	if (commands[i].what == STORE)
		return do_store(ctl, words[0], err);
	if (commands[i].what == BOX)
		return do_box(ctl, words, err);
	strbuf_init(&name, NAME_MAX_BYTES);
	strbuf_init(&to, NAME_MAX_BYTES);
	if (name_from_user(&name, words[1]) == -1 || (n > 2 &&
	    strcmp(words[0], "rename") == 0 &&
	    name_from_user(&to, words[2]) == -1))
		err_set(err, ERR_CONFIG, "not a mailbox name");
	else
		ret = do_name(ctl, n, words, name.data, to.data, err);
	strbuf_deinit(&name);
	strbuf_deinit(&to);
	return ret;
}

static void
run_line(struct ctl *ctl, char *line)
{
	char *words[WORDS_MAX];
	struct err err = ERR_INIT;
	size_t n = 0;

	for (char *word = strtok(line, " \n"); word != NULL && n < WORDS_MAX;
	    word = strtok(NULL, " \n"))
		words[n++] = word;
	if (n == 0 || words[0][0] == '#')
		return;
	if (run(ctl, n, words, &err) == -1) {
		printf("error %s %s\n", err_name(err.code), err.msg);
		ctl->status = 1;
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct store_options opts = { .alt_char = '_', .lock_timeout = 10 };
	struct mail_location loc;
	struct err err = ERR_INIT;
	struct failing_plan plan = { .fail_at = 0 };
	struct ctl ctl = { .status = 0 };
	char host[256] = "", line[8192], cwd[4096];
	int c;

	while ((c = getopt(argc, argv, "crg:")) != -1) {
		if (c == 'c')
			opts.create = true;
		else if (c == 'r')
			opts.readonly = true;
		else if (c == 'g')
			plan.fail_at = number(optarg);
		else
			return 2;
	}
	if (argc - optind != 1 || gethostname(host, sizeof(host) - 1) == -1 ||
	    getcwd(cwd, sizeof(cwd)) == NULL)
		return 2;
	opts.hostname = host;
	if (mail_location_parse(&loc, argv[optind], getenv("HOME"), cwd,
	    &err) == -1 || store_open(&ctl.store, &loc, &opts, &err) == -1) {
		printf("error %s %s\n", err_name(err.code), err.msg);
		return 1;
	}
	if (plan.fail_at > 0)
		failing_store_wrap(&ctl.store, &plan);
	ctl.driver = ctl.store->driver;
	ctl.store->problem = problem_print;
	while (fgets(line, sizeof(line), stdin) != NULL)
		run_line(&ctl, line);
	store_close(&ctl.store);
	mail_location_deinit(&loc);
	return ctl.status;
}
