/*
 * dbox.h - what sdbox and mdbox share
 *
 * Both keep UIDs, flags, keywords and modseqs in Dovecot's index of the
 * mailbox, and nothing but the message in mail files; they differ in where
 * a body lies.  All that does not depend on it is here; struct dbox_format
 * holds what does.
 */
#ifndef STORE_DBOX_DBOX_H
#define STORE_DBOX_DBOX_H

#include "base/arena.h"
#include "base/array.h"
#include "store/dbox/dbox_format.h"
#include "store/files/attribute_dict.h"
#include "store/files/mail_op.h"
#include "store/files/path.h"
#include "store/files/problem.h"
#include "store/index/index.h"
#include "store/index/index_tell.h"
#include "store/index/name_list.h"
#include "store/store.h"
#include "store/store_settings.h"

#define DBOX_INDEX	"dovecot.index"
#define DBOX_INDEX_LOG	"dovecot.index.log"
#define DBOX_STORAGE	"storage"
#define DBOX_TEMP	".temp."	/* Dovecot removes such after 36 h */
#define DBOX_PATH_MAX	4096U		/* bytes of a path below a root */
#define DBOX_HEADER_SIZE 24U		/* of "dbox-hdr" and "mdbox-hdr" */
#define DBOX_HAS_UIDLS	0x01U		/* flags in them */
#define DBOX_HAS_ORDERS	0x02U
#define DBOX_PROBLEMS_MAX 20U		/* told of one mailbox */
#define UID_LAST	0xfffffffeU	/* UIDNEXT has to fit behind it */
/* A batch of so many files is made durable one by one. */
#define DBOX_FSYNC_EACH_MAX 4U

struct dbox_box;
struct dbox_store;
struct dbox_format;

/* Where a message is.  fd is the reader's to close. */
struct dbox_place {
	int fd;
	uint64_t offset;	/* of the message header; 0: behind the file's */
	uint64_t end;		/* of the message, exactly if offset is told, at
				   most otherwise */
	uint32_t message_header;	/* bytes before the body; 0: to be read
					   from the file's header */
	uint32_t saved;		/* seconds since 1970 */
};

/* What a mail file says of one message; it never changes. */
struct dbox_ident {
	uint32_t uid;
	uint32_t pop3_order;
	uint64_t size;		/* of the body as shown, 0: not cheaply known */
	int64_t received;
	const char *guid;	/* "": it can't be read */
	const char *pop3_uidl;	/* NULL: none */
};

/*
 * A mailbox that is open, once per store however many boxes use it: with
 * fcntl a lock would be lost by closing another descriptor of the log.
 */
struct dbox_folder {
	struct dbox_folder *next;
	unsigned int users;
	char *name;		/* joined */
	char *path;		/* of its directory: "A/B" in storage form, or
				   the GUID (LAYOUT=index) */
	char *stored_name;	/* "A/B" in storage form */
	int mail_fd;		/* .../dbox-Mails; -1: there is none */
	int index_fd;		/* where the index is; -1: there is none */
	struct index *index;
	/* Idents by rising UID, in memory of their own. */
	ARRAY(struct dbox_ident) idents;
	struct arena *texts;
	uint32_t idents_validity;	/* UIDVALIDITY they belong to */
	unsigned int problems;
	bool quiet;		/* problems are counted, not told: they may be
				   those of an old look at the index */
};

struct mdbox_spool;

struct dbox_op {
	MAIL_OP;
	bool gone;		/* EXPUNGE: there was nothing to do */
	bool mapped;		/* APPEND: map_uid counts it already */
	bool silent;		/* made by a renumbering: nobody waits */
	bool published;		/* done for good, but for its body's end */
	size_t order;		/* among the calls */
	/* The body of an append: sdbox: a file; mdbox: a place in a spool, or
	   the map UID of a message that gets another reference. */
	char *tmp_name;
	int fd;
	struct mdbox_spool *spool;
	uint64_t offset, total;	/* total: as expected, then in fact */
	uint32_t map_uid, save_date;
	uint8_t index_flags;	/* UID: bits that are not flags */
};

struct dbox_box {
	struct mailbox head;
	struct dbox_store *store;
	struct dbox_box *next;
	struct dbox_folder *folder;
	ARRAY(struct dbox_op) ops;
};

struct dbox_store {
	struct store head;
	const struct dbox_format *format;
	struct path_root root;
	struct path_root index;		/* fd -1: in root */
	struct path_root control;	/* fd -1: in root */
	struct path_root alt;		/* fd -1: none */
	bool has_alt;		/* ALT= is given, be it there or not */
	bool readonly, utf8;
	bool full_dir;		/* dir_name is part of index paths, too */
	bool create;
	bool listed;		/* LAYOUT=index: a directory is a GUID, and
				   has no dir_name in it */
	struct name_list names;	/* ... its name is here */
	bool list_index;	/* Dovecot keeps one */
	char *list_base;	/* "dovecot.list.index", or LISTINDEX= */
	const struct store_settings *settings;
	char alt_char;
	char *hostname;
	char *boxes_name;	/* "mailboxes" */
	char *dir_name;		/* "dbox-Mails" */
	char *subscriptions;
	enum store_compress compress;	/* of new bodies */
	unsigned int compress_level;
	unsigned int lock_timeout;	/* seconds */
	struct index_options index_opts;
	uint64_t rotate_size;
	unsigned int rotate_interval;	/* seconds; 0: by size alone */
	mode_t dir_mode, file_mode;
	struct dbox_folder *folders;
	struct dbox_box *boxes;
	struct index *list;	/* of mailboxes; NULL: not yet opened */
	struct index_tell tell;	/* borrows it, or that of names */
	size_t unsynced;	/* bodies written since the last flush */
	void *mdbox;		/* of that driver alone */
};

struct dbox_answer {
	store_done_fn *done;
	void *arg;
};

/* What a format does in its own way. */
struct dbox_format {
	const char *name;		/* "sdbox" */
	struct index_ext_want header;	/* the one with the mailbox GUID */
	size_t header_guid;		/* offset of the GUID in it */
	size_t header_flags;		/* ... of DBOX_HAS_* */
	bool keeps_mailbox;		/* metadata name the mailbox */
	bool named_by_uid;		/* mail files are */

	int (*open)(struct dbox_store *store, struct err *err);
	void (*close)(struct dbox_store *store);
	/* Fill the header of a new mailbox but for its GUID. */
	int (*new_header)(struct dbox_store *store,
	    uint8_t header[static DBOX_HEADER_SIZE], struct err *err);
	/* Messages are added: what it says of others has to be true. */
	void (*refresh_header)(struct dbox_store *store,
	    uint8_t header[static DBOX_HEADER_SIZE]);
	/* May an index be made for this mailbox, which has none? */
	int (*may_create)(struct dbox_store *store,
	    struct dbox_folder *folder, struct err *err);
	/*
	 * Open the file of the message at pos of the folder's index.  ERR_CORRUPT
	 * or ERR_NOTFOUND: it is damaged.
	 */
	int (*locate)(struct dbox_store *store, struct dbox_folder *folder,
	    size_t pos, struct dbox_place *place_r, struct err *err);
	/* The GUID that the index has for a damaged message; false: none. */
	bool (*index_guid)(struct dbox_store *store,
	    struct dbox_folder *folder, size_t pos, struct guid128 *guid_r);

	/* A place for a new body: op gets tmp_name and fd, or spool and fd.
	   *start_r: where its message header goes; 0: the file header first. */
	int (*body_begin)(struct dbox_box *box, struct dbox_op *op,
	    uint64_t *start_r, struct err *err);
	int (*body_end)(struct dbox_box *box, struct dbox_op *op,
	    struct err *err);
	/* Forget a body that was not published. */
	void (*body_drop)(struct dbox_box *box, struct dbox_op *op);
	/* 1: op is a reference to the source, 0: it has to be copied; -1. */
	int (*copy)(struct dbox_box *box, struct dbox_op *op,
	    struct dbox_box *src, size_t src_pos, struct err *err);

	/*
	 * Flush, in this order.  Operations may be answered by all; the result
	 * is 0, or -1 if nothing is known any more.
	 */
	int (*bodies_sync)(struct dbox_store *store, struct err *err);
	int (*begin)(struct dbox_store *store,
	    const struct dbox_answer *answer, struct err *err);
	/* Under the lock of the mailbox's index: op gets its file (why: it
	   can't), its records, or loses its file, the commit having failed. */
	int (*publish)(struct dbox_box *box, struct dbox_op *op,
	    struct err *why);
	int (*published)(struct dbox_box *box, struct err *err);
	void (*record)(struct dbox_box *box, struct dbox_op *const *ops,
	    size_t n, struct index_txn *txn);
	void (*withdraw)(struct dbox_box *box, struct dbox_op *op);
	/* For a new directory of the mailbox: op's file goes there, too. */
	int (*carry)(struct dbox_box *box, const struct dbox_op *op,
	    int dirfd, struct err *err);
	/* After the commit: an old UID, or an expunged message. */
	int (*forget)(struct dbox_box *box, uint32_t uid, struct err *why);
	/* failed: what is on disk is unknown, nothing may be added to it. */
	int (*end)(struct dbox_store *store, bool failed, struct err *err);

	/* The same for expunges, which end by end, too. */
	int (*expunge_begin)(struct dbox_store *store,
	    const struct dbox_answer *answer, struct err *err);
	/* Before the commit: op gets what the message at pos has.  After it op
	   is published, the message named to forget, and at the end its body
	   let go. */
	void (*expunge_note)(struct dbox_box *box, struct dbox_op *op,
	    size_t pos);
};

/* dbox_store.c */
int dbox_store_open(const struct dbox_format *format,
    const struct store_driver *driver, struct store **store_r,
    const struct mail_location *loc, const struct store_options *opts,
    struct err *err);
void dbox_store_close(struct store **store);
int dbox_root_fd(const struct store *store);
int dbox_writable(struct dbox_store *store, struct err *err);
/* A step said that the process is gone. */
bool dbox_gone(const struct dbox_store *store);
/* The root that holds the indexes. */
struct path_root *dbox_index_root(struct dbox_store *store);
struct path_root *dbox_control_root(struct dbox_store *store);

/* dbox_names.c */
/*
 * "A/B" in storage form, or the GUID (LAYOUT=index); INBOX included.  With GUIDs
 * ERR_NOTFOUND: there is no such mailbox.
 */
int dbox_name_path(struct dbox_store *store, const char *name,
    char out[static DBOX_PATH_MAX], struct err *err);
/* Add one level, as found in a directory, to a joined name; -1: none. */
bool dbox_inbox_misspelt(const char *name);
int dbox_level_name(const struct dbox_store *store, const char *level,
    struct strbuf *name);
int dbox_map_name(struct store *store, const char *name, char *out,
    size_t size, struct err *err);

/* dbox_dirs.c: directories below a root, by a path of several levels */
/* An open directory, or -1; with create what is missing is made. */
int dbox_dir_open(struct dbox_store *store, struct path_root *root,
    const char *path, bool create, struct err *err);
/* Open the directory above the last level, which name_r points to. */
int dbox_dir_parent(struct dbox_store *store, struct path_root *root,
    const char *path, bool create, const char **name_r, struct err *err);
/* Open the deepest level of path that exists; *missing_r: those below it. */
int dbox_dir_deepest(struct dbox_store *store, struct path_root *root,
    const char *path, const char **missing_r, struct err *err);
/* Remove empty directories from path upwards, but for the first level. */
void dbox_dir_prune(struct dbox_store *store, struct path_root *root,
    const char *path);
/* "mailboxes/A/B", with "/dbox-Mails"; the same for the index. */
int dbox_mail_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err);
int dbox_box_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err);
int dbox_index_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err);
/* Remove the index files of a directory; others stay. */
int dbox_index_remove(struct dbox_store *store, int dirfd, struct err *err);

/* From one path below the root to another, durably. */
int dbox_dir_rename(struct dbox_store *store, struct path_root *root,
    const char *from, const char *to, struct err *err);
/* A name in the root for what is no mailbox yet, or any more. */
void dbox_aside_name(const struct dbox_store *store,
    char out[static PATH_NAME_MAX + 1]);

/* dbox_alt.c: at a rename of the mailbox name from one path to another */
/*
 * Before it: all that the ALT storage has of it is there by the new path, too.
 * ERR_REFUSED: its mail is not there, or another's is in the way.
 */
int dbox_alt_begin(struct dbox_store *store, const char *name,
    const char *from, const char *to, struct err *err);
/* It failed, or is done. */
void dbox_alt_undo(struct dbox_store *store, const char *from,
    const char *to);
void dbox_alt_finish(struct dbox_store *store, const char *from,
    const char *to);
/* Remove what it has of an empty mailbox that goes. */
void dbox_alt_remove(struct dbox_store *store, const char *path);
/* Remove empty directories that nobody needs any more. */
void dbox_alt_prune(struct dbox_store *store, const char *path);

/* dbox_list.c */
int dbox_list(struct store *store, store_list_fn *fn, void *arg,
    struct err *err);
int dbox_tree_token(struct store *store, struct store_token *token_r,
    struct err *err);
/* The token of the mailbox at this path. */
int dbox_path_token(struct dbox_store *store, const char *path,
    struct store_token *token_r, struct err *err);
/* The token of a mailbox by its open index directory; -1: none. */
int dbox_index_token(struct dbox_store *store, int dirfd,
    struct store_token *token_r, struct err *err);

/* dbox_tree.c */
int dbox_tree_create(struct dbox_store *store, const char *name,
    bool selectable, const struct mailbox_status *status, struct err *err);
int dbox_tree_rename(struct dbox_store *store, const char *from,
    const char *to, struct err *err);
int dbox_tree_remove(struct dbox_store *store, const char *name,
    struct err *err);
void dbox_tree_cleanup(struct dbox_store *store);
/* The directory and the index of a new mailbox at this path. */
int dbox_make(struct dbox_store *store, const char *path, bool inbox,
    const struct mailbox_status *status, struct err *err);
/* Open mailboxes of the old name go on under the new one. */
void dbox_renamed(struct dbox_store *store, const char *from,
    const char *to, const char *to_path);
/* INBOX is there, whoever made it. */
int dbox_inbox_create(struct dbox_store *store, struct err *err);
/* Make a new index in this directory. */
int dbox_index_create(struct dbox_store *store, int dirfd, bool inbox,
    const struct mailbox_status *status, struct err *err);

/* dbox_listed.c: LAYOUT=index */
/* Before anything else, once the places of the store are open. */
void dbox_listed_open(struct dbox_store *store);
int dbox_listed_path(struct dbox_store *store, const char *name,
    char out[static DBOX_PATH_MAX], struct err *err);
int dbox_listed_map(struct dbox_store *store, char *name, struct err *err);
int dbox_listed_list(struct dbox_store *store, store_list_fn *fn, void *arg,
    struct err *err);
int dbox_listed_token(struct dbox_store *store, struct store_token *token_r,
    struct err *err);
int dbox_listed_rename(struct dbox_store *store, const char *from,
    const char *to, struct err *err);
/* It is listed no more; without a mailbox: what there is of it. */
int dbox_listed_drop(struct dbox_store *store, const char *name,
    struct err *err);
/* Remove names that a crash left beside those of the list. */
void dbox_listed_cleanup(struct dbox_store *store);
/* The mailbox's GUID has changed: its directory gets the new one's name. */
int dbox_listed_follow(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err);
/* Give the mailbox its directory, which has still an older GUID's name. */
int dbox_listed_recover(struct dbox_store *store, const char *path,
    struct err *err);

/* dbox_subscribe.c */
int dbox_subscriptions(struct store *store, store_name_fn *fn, void *arg,
    struct err *err);
int dbox_subscribe(struct store *store, const char *name, bool on,
    struct err *err);

/* dbox_tell.c: changes of the tree, and who is told */
int dbox_create(struct store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err);
int dbox_rename(struct store *store, const char *from, const char *to,
    struct err *err);
int dbox_remove(struct store *store, const char *name, struct err *err);
/* INBOX was made by whoever opens it just now. */
void dbox_tell_inbox(struct dbox_store *store);
void dbox_tell_subscribed(struct dbox_store *store);
/* Of all mailboxes that have operations, which are done; none is locked. */
void dbox_tell_changed(struct dbox_store *store);
void dbox_log_name(struct dbox_store *store, int event, const char *name);
void dbox_log_guid(struct dbox_store *store, int event,
    const struct guid128 *guid);

/* dbox_box.c */
int dbox_box_open(struct store *store, const char *name,
    struct mailbox **box_r, struct err *err);
void dbox_box_close(struct mailbox **box);
int dbox_box_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err);
int dbox_box_token(struct mailbox *box, struct store_token *token_r,
    struct err *err);
int dbox_folder_get(struct dbox_store *store, const char *name,
    struct dbox_folder **folder_r, struct err *err);
void dbox_folder_release(struct dbox_store *store,
    struct dbox_folder *folder);
/* Another name, or another path. */
void dbox_folder_name(const struct dbox_store *store,
    struct dbox_folder *folder, const char *name, const char *path);
/* Open the directories and the index of a folder again. */
int dbox_folder_reopen(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err);
/* The index as it is; ERR_NOTFOUND if the mailbox is gone. */
int dbox_folder_refresh(struct dbox_folder *folder, struct err *err);
/* The header extension, DBOX_HEADER_SIZE bytes; zero if there is none. */
bool dbox_folder_header(const struct dbox_store *store,
    const struct dbox_folder *folder,
    uint8_t header_r[static DBOX_HEADER_SIZE]);
void dbox_folder_problem(struct dbox_store *store,
    struct dbox_folder *folder, const struct err *why, uint32_t uid);

/* dbox_ident.c */
/*
 * What is known of the message at pos, from its file if need be.  Never NULL:
 * of a damaged message it has what the index knows.
 */
const struct dbox_ident *dbox_ident_get(struct dbox_store *store,
    struct dbox_folder *folder, size_t pos);
void dbox_idents_clear(struct dbox_folder *folder);
/* The position of the message of this GUID and UID (0: any); false: none. */
bool dbox_message_find(struct dbox_store *store, struct dbox_folder *folder,
    uint32_t uid, const char *guid, size_t *pos_r);
/* The same for one position. */
bool dbox_message_is(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, const char *guid);

/* It is, or it is damaged, and the UID alone has to tell. */
bool dbox_message_may_be(struct dbox_store *store,
    struct dbox_folder *folder, size_t pos, const char *guid);

/* dbox_scan.c */
int dbox_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err);
/* Keywords of the message at pos, sorted; *list_r grows as needed. */
ARRAY_TYPE(dbox_names, const char *);
void dbox_keywords(const struct index *index, size_t pos,
    struct dbox_names *list);

/* dbox_reader.c */
/* A message, looked at in its file. */
struct dbox_message {
	struct dbox_place place;
	uint64_t body, size;	/* offset and bytes as stored */
	struct dbox_meta meta;
};
/* Read header and metadata at the place, which the message then owns. */
int dbox_message_read(struct dbox_message *message,
    const struct dbox_place *place, struct err *err);
/* Its metadata alone, with one read where that is enough. */
int dbox_meta_read(struct dbox_message *message,
    const struct dbox_place *place, struct err *err);
int dbox_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err);
ptrdiff_t dbox_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err);
void dbox_reader_close(struct mail_reader **reader);

/* dbox_append.c */
int dbox_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err);
int dbox_append_write(struct mail_writer *writer, const void *buf,
    size_t len, struct err *err);
int dbox_append_commit(struct mail_writer **writer, uint64_t tag,
    struct err *err);
void dbox_append_abort(struct mail_writer **writer);
int dbox_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err);

/* dbox_ops.c */
struct dbox_op *dbox_op_add(struct dbox_box *box, uint64_t tag);
/* Of pointers to operations, for qsort: by UID, then as they came. */
int dbox_op_uid_cmp(const void *a, const void *b);
void dbox_op_from_info(struct dbox_op *op, const struct mail_info *info);
void dbox_op_clear(struct dbox_op *op);
void dbox_ops_free(struct dbox_box *box);
struct mail_op *dbox_prepare(struct mailbox *box, uint64_t tag,
    struct err *err);

/* dbox_flush.c */
int dbox_flush(struct store *store, store_done_fn *done, void *arg,
    struct err *err);
void dbox_op_done(const struct dbox_answer *answer, struct dbox_op *op,
    uint64_t modseq);
void dbox_op_failed(const struct dbox_answer *answer, struct dbox_op *op,
    const struct err *failure);
void dbox_fail_all(struct dbox_box *box, const struct dbox_answer *answer,
    const struct err *failure);

/* dbox_apply.c: all but expunges of one mailbox, under its lock */
int dbox_apply(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err);
/* The whole of an ordinary flush, into txn up to the commit. */
size_t dbox_plan_uids(struct dbox_box *box, struct dbox_op **ops);
void dbox_take_over(struct dbox_box *box, struct dbox_op *op);
/* Give bodies their places, by rising UID; -1: the process is gone. */
int dbox_publish_all(struct dbox_box *box, struct dbox_op **ops, size_t *n_r,
    const struct dbox_answer *answer, struct err *err);
/* The commit failed: everything is as it was.  -1: or it is not known. */
int dbox_take_back(struct dbox_box *box, struct dbox_op **ops, size_t n,
    const struct dbox_answer *answer, const struct err *why, bool unknown,
    struct err *err);
int dbox_finish(struct dbox_box *box, struct dbox_op **ops, size_t n,
    const struct dbox_answer *answer, struct err *err);
/* Give UIDs: wanted ones that are free, then the next.  Ends sorted. */
void dbox_assign_uids(struct dbox_op **ops, size_t n, uint32_t next);
/* Records of what is appended, after its UID is known. */
void dbox_put_appends(struct dbox_box *box, struct dbox_op **ops, size_t n,
    struct index_txn *txn);
/* GUID, UIDVALIDITY, UIDNEXT; then all modseqs. */
void dbox_put_status(struct dbox_box *box, struct index_txn *txn,
    bool new_index);
void dbox_put_modseqs(struct dbox_box *box, struct index_txn *txn);
/* Is there an expunge that is not answered yet? */
bool dbox_has_expunges(const struct dbox_box *box);

/* dbox_vanish.c */
/*
 * Tell of UIDs that went in the other store, before the last modseqs; op's
 * UIDs are given.
 */
void dbox_put_vanished(struct dbox_box *box, struct index_txn *txn);

/* dbox_renumber.c: the same with another UIDVALIDITY */
int dbox_renumber(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err);

/* dbox_flags.c */
/* Changes of flags and keywords, checked and put into txn. */
void dbox_apply_flags(struct dbox_box *box, struct index_txn *txn,
    const struct dbox_answer *answer);
/* All keywords of appends and UID changes. */
void dbox_apply_keywords(struct dbox_box *box, struct index_txn *txn);

/* What the driver tables have in common. */
#define DBOX_CAPS							\
	(STORE_CAP_SAVE_GUID | STORE_CAP_SET_UID | STORE_CAP_MAILBOX_GUID | \
	STORE_CAP_MODSEQ | STORE_CAP_KEYWORDS | STORE_CAP_DIRECTORIES)

#define DBOX_DRIVER_FUNCTIONS						\
	.close = dbox_store_close,					\
	.root_fd = dbox_root_fd,					\
	.list = dbox_list,						\
	.tree_token = dbox_tree_token,					\
	.subscriptions = dbox_subscriptions,				\
	.subscribe = dbox_subscribe,					\
	ATTRIBUTE_DICT_FUNCTIONS,					\
	.mailbox_create = dbox_create,					\
	.mailbox_rename = dbox_rename,					\
	.mailbox_remove = dbox_remove,					\
	.map_name = dbox_map_name,					\
	.mailbox_open = dbox_box_open,					\
	.mailbox_close = dbox_box_close,				\
	.status = dbox_box_status,					\
	.token = dbox_box_token,					\
	.scan = dbox_scan,						\
	.reader_open = dbox_reader_open,				\
	.reader_read = dbox_reader_read,				\
	.reader_close = dbox_reader_close,				\
	.append_begin = dbox_append_begin,				\
	.append_write = dbox_append_write,				\
	.append_commit = dbox_append_commit,				\
	.append_abort = dbox_append_abort,				\
	.copy = dbox_copy,						\
	.set_flags = mail_op_set_flags,					\
	.set_uid = mail_op_set_uid,					\
	.expunge = mail_op_set_expunge,					\
	.set_status = mail_op_set_status,				\
	.prepare = dbox_prepare,						\
	.flush = dbox_flush

#endif
