/*
 * journal_table.h - the table of a journal, for journal*.c only
 */
#ifndef STORE_MBOX_JOURNAL_TABLE_H
#define STORE_MBOX_JOURNAL_TABLE_H

#include "store/mbox/journal.h"

struct journal_patch {
	uint64_t offset;		/* in the mbox */
	size_t len;
	uint64_t fresh, old;		/* in the journal */
};

struct journal {
	int64_t mtime;			/* before the change; 0: not told */
	uint64_t dev, ino, old_size, new_size;
	bool has_tail;
	uint64_t offset;		/* of the tail */
	uint8_t anchor[DIGEST_SIZE];	/* of what is in front of it */
	uint8_t rest[DIGEST_SIZE];	/* of the bytes to be cut off */
	ARRAY(struct extent) data;
	ARRAY(struct journal_patch) patches;
	struct given_uids given;
};

void journal_init(struct journal *table);
void journal_deinit(struct journal *table);
void journal_add_data(struct journal *table, uint64_t offset, uint64_t len);
/* Copy it. */
void journal_set_given(struct journal *table, const struct given_uids *given);

/* The table with its last line, as it lies at this offset. */
void journal_format(const struct journal *table, struct strbuf *out,
    uint64_t offset);
/* 1: read; 0: damaged; -1. */
int journal_read(int fd, uint64_t size, struct journal *table,
    struct err *err);

/* All of it, or ERR_TEMP. */
int journal_pread(int fd, void *buf, size_t len, uint64_t offset,
    struct err *err);
/* Fill in anchor and rest from the mbox as it is. */
int journal_digests(struct mbox_box *box, int fd, struct journal *table,
    struct err *err);

/*
 * Compare the mbox with a journal that was cut off.  *foreign_r: where bytes
 * begin that others appended (the file's size: nowhere); *whole_r: all of the
 * tail is there; *why_r: not NULL if the two do not fit.
 */
int journal_look(struct mbox_box *box, int fd, const struct journal *table,
    uint64_t size, uint64_t *foreign_r, bool *whole_r, const char **why_r,
    struct err *err);
/* The patches, except where the mbox holds neither old nor new bytes. */
int journal_patch_again(struct mbox_box *box, int fd,
    const struct journal *table, struct err *err);

/* journal.c: append bytes of a file to the spool in steps of bounded size */
int journal_copy_in(struct path_root *root, struct spool *spool, int fd,
    uint64_t offset, uint64_t len, struct err *err);

/* journal.c: the steps of a change, for one that was left */
int journal_apply(struct mbox_box *box, int fd, const struct journal *table,
    struct err *err);
/* Let the time of the mbox be later than before. */
int journal_new_time(struct mbox_box *box, int64_t before, struct err *err);
int journal_remove(struct mbox_box *box, struct err *err);

/*
 * journal_salvage.c: add the messages of its tail that the mbox, which was
 * read, does not hold; then there is no journal any more.
 */
int journal_salvage(struct mbox_box *box, int fd, const struct journal *table,
    size_t *added_r, struct err *err);

#endif
