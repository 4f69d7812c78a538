/*
 * mdbox.h - what the files of the mdbox driver share
 *
 * Bodies are in storage/m.N, many in a file, found by the map: an index whose
 * UIDs are those of bodies.  A mailbox names a body by its map UID; the map
 * counts how many mailboxes do.
 */
#ifndef STORE_MDBOX_MDBOX_H
#define STORE_MDBOX_MDBOX_H

#include "base/array.h"
#include "store/dbox/dbox.h"

#define MDBOX_MAP	"dovecot.map.index"
/* Above this many references a copy gets a body of its own. */
#define MDBOX_REFS_MAX	30000U

/*
 * A file of bodies that nobody looks at yet.  In flush it becomes an m.N, or
 * its bodies go to the end of one.
 */
struct mdbox_spool {
	struct mdbox_spool *next;
	char *tmp_name;		/* NULL: it has another name by now */
	int fd;
	uint64_t size;		/* up to the end of the last whole body */
	uint64_t first;		/* offset of the first body */
	size_t ops;		/* operations whose bodies are in it */
	bool busy;		/* a body is being written */
	/* In flush: */
	struct mdbox_file *file;
	uint64_t shift;		/* offset in the file minus that here */
};

/* An m.N that is locked for the time of a flush. */
struct mdbox_file {
	uint32_t id;		/* 0: not yet known */
	int fd;			/* a new file: the spool's */
	bool is_new;
	uint64_t old_size;	/* of one that was there */
};

struct mdbox_record {
	uint32_t file_id, offset, size;
	uint16_t refs;
};

struct mdbox {
	struct dbox_store *store;
	int storage_fd;		/* where m.N are; -1: there is none */
	int map_fd;		/* where the map is */
	struct index *map;
	struct mdbox_spool *spools;
	ARRAY(struct mdbox_file *) files;	/* in flush */
	uint32_t open_id;	/* of the m.N read last */
	int open_fd;		/* -1: none */
	uint64_t open_size;
};

extern const struct index_ext_want mdbox_want_map, mdbox_want_ref;

/* mdbox_map.c */
/* The map as it is now; made if there is none and it may be. */
int mdbox_map_ensure(struct mdbox *mdbox, struct err *err);
/* False: there is no such body. */
bool mdbox_map_find(const struct mdbox *mdbox, uint32_t map_uid,
    struct mdbox_record *record_r);
uint32_t mdbox_highest_file(const struct mdbox *mdbox);
/* The end of the last body of this file by the map. */
uint64_t mdbox_file_end(const struct mdbox *mdbox, uint32_t file_id);
/* As index_txn_commit, for the map, which is locked. */
int mdbox_map_commit(struct mdbox *mdbox, struct index_txn **txn,
    bool *unknown_r, struct err *err);
/* References let go by all that is published and not yet counted. */
int mdbox_map_release(struct mdbox *mdbox, struct err *err);
/* An open m.N, or -1; *st_r of it.  Looks in the ALT storage, too. */
int mdbox_open_file(struct mdbox *mdbox, uint32_t id, struct path_stat *st_r,
    struct err *err);
void mdbox_file_name(char out[static PATH_NAME_MAX + 1], uint32_t id);

/* mdbox_spool.c */
int mdbox_body_begin(struct dbox_box *box, struct dbox_op *op,
    uint64_t *start_r, struct err *err);
int mdbox_body_end(struct dbox_box *box, struct dbox_op *op,
    struct err *err);
void mdbox_body_drop(struct dbox_box *box, struct dbox_op *op);
int mdbox_bodies_sync(struct dbox_store *store, struct err *err);
/* Remove those without operations. */
void mdbox_spools_free(struct mdbox *mdbox, bool all);

/* mdbox_save.c */
int mdbox_begin(struct dbox_store *store, const struct dbox_answer *answer,
    struct err *err);
int mdbox_end(struct dbox_store *store, bool failed, struct err *err);
int mdbox_expunge_begin(struct dbox_store *store,
    const struct dbox_answer *answer, struct err *err);

#endif
