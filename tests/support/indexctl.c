/*
 * indexctl.c - look at and change an index, for scenarios
 *
 *	indexctl DIRECTORY BASE
 *
 * Commands on standard input, a line each:
 *	dump			print all that is known
 *	list			print the mailboxes of a list index
 *	lock, unlock, commit, snapshot
 *	append UID FLAGS	flags are numbers
 *	expunge UID
 *	request UID		an expunge that somebody else is to make
 *	flags UID ADD REMOVE
 *	set UID KEYWORD, clear UID KEYWORD
 *	modseq UID VALUE
 *	validity VALUE
 *	refreshed		set the refresh flag of a list index
 * What fails is printed, and ends the program with 1.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/files/path.h"
#include "store/index/index.h"
#include "store/index/index_list.h"
#include "store/index/index_tell.h"

static struct index *index_of;
static struct index_txn *txn;

static void
check(int ret, const struct err *err)
{
	if (ret == 0)
		return;
	printf("failed: %s: %s\n", err_name(err->code), err->msg);
	exit(1);
}

static struct index_txn *
transaction(void)
{
	if (txn == NULL)
		txn = index_txn_begin(index_of);
	return txn;
}

static void
dump(void)
{
	const struct index_state *st = index_state(index_of);

	printf("validity=%u next=%u modseq=%" PRIu64 " pending=%zu\n",
	    st->uidvalidity, st->next_uid, st->highestmodseq,
	    st->pending_count);
	for (size_t i = 0; i < st->count; i++) {
		struct index_mail mail = index_mail(index_of, i);

		printf("%u %02x %" PRIu64, mail.uid, mail.flags & 0x1f,
		    index_modseq(index_of, i));
		for (size_t k = 0; k < st->keyword_count; k++) {
			if (index_has_keyword(index_of, i, k))
				printf(" %s", index_keyword(index_of, k));
		}
		printf("\n");
	}
}

static void
list(void)
{
	const char *levels[INDEX_LIST_DEPTH_MAX];
	struct index_list boxes;
	struct err err = ERR_INIT;
	char hex[GUID_HEX_SIZE];

	check(index_list_read(&boxes, index_of, &err), &err);
	for (size_t i = 0; i < boxes.nodes.n; i++) {
		size_t n = index_list_path(&boxes, i, levels);

		guid_format(&boxes.nodes.v[i].guid, hex);
		printf("%s ", hex);
		for (size_t l = 0; l < n; l++)
			printf("%s%s", l > 0 ? "/" : "", levels[l]);
		printf("\n");
	}
	index_list_deinit(&boxes);
}

static void
change(const char *word, uint32_t uid, const char *a, const char *b)
{
	if (strcmp(word, "append") == 0)
		index_txn_append(transaction(), uid, (uint8_t)atoi(a));
	else if (strcmp(word, "expunge") == 0)
		index_txn_expunge(transaction(), uid, NULL);
	else if (strcmp(word, "flags") == 0)
		index_txn_flags(transaction(), uid, uid, (uint8_t)atoi(a),
		    (uint8_t)atoi(b));
	else if (strcmp(word, "set") == 0 || strcmp(word, "clear") == 0)
		index_txn_keyword(transaction(), a, word[0] == 's', uid, uid);
	else if (strcmp(word, "modseq") == 0)
		index_txn_modseq(transaction(), uid, strtoull(a, NULL, 10));
	else if (strcmp(word, "validity") == 0)
		index_txn_uidvalidity(transaction(), uid);
	else if (strcmp(word, "request") == 0) {
		index_txn_internal(transaction(), true);
		index_txn_expunge(transaction(), uid, NULL);
		index_txn_internal(transaction(), false);
	} else {
		printf("failed: %s?\n", word);
		exit(1);
	}
}

static void
command(const char *line)
{
	char word[32] = "", uid[32] = "", a[256] = "0", b[32] = "0";
	struct index_tell tell = { .list = index_of, .separator = '/' };
	struct err err = ERR_INIT;

	if (sscanf(line, "%31s %31s %255s %31s", word, uid, a, b) < 1)
		return;
	if (strcmp(word, "dump") == 0) {
		check(index_refresh(index_of, &err), &err);
		dump();
	} else if (strcmp(word, "list") == 0) {
		check(index_refresh(index_of, &err), &err);
		list();
	} else if (strcmp(word, "lock") == 0) {
		check(index_lock(index_of, &err), &err);
	} else if (strcmp(word, "unlock") == 0) {
		index_unlock(index_of);
	} else if (strcmp(word, "commit") == 0) {
		(void)transaction();
		check(index_txn_commit(&txn, NULL, &err), &err);
	} else if (strcmp(word, "snapshot") == 0) {
		check(index_snapshot_write(index_of, &err), &err);
	} else if (strcmp(word, "refreshed") == 0) {
		index_tell_removed(&tell, "");
	} else {
		change(word, (uint32_t)strtoul(uid, NULL, 10), a, b);
	}
	index_tell_forget(&tell);
}

int
main(int argc, char **argv)
{
	struct index_options opts = { .lock_timeout = 30,
	    .hostname = "localhost" };
	struct store store = { .driver = NULL };
	struct path_root root;
	struct err err = ERR_INIT;
	char line[1024];

	if (argc != 3) {
		fprintf(stderr, "usage: indexctl DIRECTORY BASE\n");
		return 2;
	}
	check(path_root_open(&root, &store, argv[1], false, false, &err),
	    &err);
	index_of = index_open(&root, root.fd, argv[2], &opts);
	while (fgets(line, sizeof(line), stdin) != NULL)
		command(line);
	index_txn_abort(&txn);
	index_close(&index_of);
	path_root_close(&root);
	return 0;
}
