/*
 * mbox.h - what the files of the mbox driver share
 *
 * A mailbox is one file (parse.h).  What the format can't hold (GUIDs, POP3
 * UIDLs) is kept beside Dovecot's index files (state.h).  How the file is
 * changed so that nothing is lost is told in mbox_write.c and journal.h.
 */
#ifndef STORE_MBOX_MBOX_H
#define STORE_MBOX_MBOX_H

#include <sys/stat.h>

#include "base/array.h"
#include "base/digest.h"
#include "store/files/dotlock.h"
#include "store/files/mail_op.h"
#include "store/files/path.h"
#include "store/files/problem.h"
#include "store/mbox/parse.h"
#include "store/mbox/state.h"
#include "store/store.h"
#include "store/store_settings.h"

#define INDEX_DIR	".imap"		/* of a directory with mailboxes */
#define JOURNAL_NAME	"dsync-mbox.redo"
#define SPOOL_PREFIX	"dsync-mbox.new-"
#define LOST_PREFIX	"dsync-mbox.lost-"
#define HEADER_PAD	40U		/* blanks left for flags and keywords */
#define HEADER_BASE_PAD	100U		/* ... and in X-IMAPbase */
#define BASE_DIGITS	10U		/* of the last UID there */
#define UID_LAST	0xfffffffeU	/* UIDNEXT has to fit behind it */
#define MBOX_KEYWORDS_MAX 512U		/* different ones in a mailbox */
#define MBOX_KEYWORD_BYTES_MAX 32768U	/* of all their names */
#define PROBLEMS_MAX	20U		/* told of one mailbox */
#define COPY_SIZE	(256U * 1024U)	/* bytes written in one step */
#define READER_MEMORY_MAX (4U * 1024U * 1024U) /* bytes of a message that is
					   read at once */

struct index;
struct mbox_box;

struct mbox_store {
	struct store head;
	struct path_root root;		/* of the mailboxes */
	struct path_root index;		/* fd -1: no INDEX= */
	struct path_root control;	/* fd -1: no CONTROL= */
	struct path_root inbox;		/* the directory of INBOX */
	struct path_root imap;		/* .imap in the root; fd -1: none */
	char inbox_name[PATH_NAME_MAX + 1];
	bool inbox_in_root;
	char *dirname;			/* NULL: no DIRNAME= */
	char *subscriptions;		/* file name */
	char *hostname;
	bool readonly, utf8;
	bool index_in_memory;		/* INDEX=MEMORY */
	char alt_char;
	struct store_settings settings;
	unsigned int lock_timeout;	/* seconds */
	struct mbox_box *boxes;
};

/* One message of the file, by place. */
struct mbox_mail {
	uint64_t offset, end;		/* of the From_ line; behind the last
					   byte of the message */
	uint64_t size;			/* as it is shown */
	int64_t received;
	uint32_t uid;			/* 0: none that is valid */
	uint32_t keywords;		/* the first one in keyword_pool */
	uint16_t keyword_count;
	uint16_t from_len;		/* bytes of the From_ line */
	uint8_t status;			/* FLAG_* and STATUS_OLD */
	uint8_t digest[GUID_SIZE];	/* first half of that of parse.h */
};

/* A file of ours with bodies that are not yet in a mailbox. */
struct spool {
	unsigned int refs;
	int fd;
	uint64_t size;
	char name[PATH_NAME_MAX + 1];
	bool named;			/* it has its name still */
	bool busy;			/* a writer appends to it */
};

/* A piece of a file. */
struct extent {
	uint64_t offset, len;
	bool note;		/* of a HEADER_NOTE: not in the digest */
};

struct mbox_op {
	MAIL_OP;
	size_t mail;		/* position in the box, during flush */
	/* APPEND */
	struct spool *spool;
	ARRAY(struct extent) extents;	/* of the spool: the message */
	uint64_t body_len;	/* bytes behind the header; UINT64_MAX: there
				   is no body */
	uint64_t size;
	char *sender;
	uint8_t digest[GUID_SIZE];
};

struct mbox_box {
	struct mailbox head;
	struct mbox_store *store;
	struct mbox_box *next;
	char *name;			/* joined */
	struct path_root *root;		/* of the file */
	int dirfd;			/* its directory */
	char file[PATH_NAME_MAX + 1];
	int state_fd;			/* directory of state and journal; -1 */
	struct state state;
	struct index *index;		/* Dovecot's */
	bool index_applied;		/* its flags are in mails, as of: */
	uint64_t index_serial;
	/* The file as it was when it was read. */
	struct path_stat st;
	bool known;
	bool settled;			/* a later change would show in st */
	bool has_base, has_pseudo;
	struct mbox_mail pseudo;
	struct header_base base;	/* uidvalidity 0: none */
	uint32_t uidnext;
	bool numbered;			/* all messages have UIDs, rising */
	ARRAY(struct mbox_mail) mails;
	ARRAY(char *) keywords;		/* names that are met in this box */
	size_t keyword_bytes;		/* of these names */
	size_t base_keywords;		/* the first ones: in X-IMAPbase */
	ARRAY(uint32_t) keyword_pool;
	/* Held during flush. */
	int fd;				/* -1: not locked */
	struct dotlock lock;
	bool has_dotlock;
	struct spool *spool;		/* for the next append; NULL */
	unsigned int problems;
	ARRAY(struct mbox_op) ops;
};

/* mbox_store.c */
int mbox_writable(struct mbox_store *store, struct err *err);
/* The user's spool file, if it is the INBOX of a store at path; NULL. */
const char *mbox_spool_file(const char *path);
/* A step said that this process is gone. */
bool mbox_gone(const struct mbox_store *store);

/* mbox_names.c: names, and where their files are */
/* One part as a file name. */
int mbox_part_encode(const struct mbox_store *store, const char *part,
    size_t len, char out[static PATH_NAME_MAX + 1], struct err *err);
/* A name that no mailbox may have; with DIRNAME it is that of a directory. */
bool mbox_is_hidden(const struct mbox_store *store, const char *file);
/* The change log is nobody's mail, should it lie in the root. */
bool mbox_is_log(const char *file);
/* -1: not the name of a mailbox. */
int mbox_part_decode(const struct mbox_store *store, const char *file,
    struct strbuf *out);
int mbox_map_name(struct store *store, const char *name, char *out,
    size_t size, struct err *err);
/* ERR_REFUSED if name can't be that of a mailbox here. */
int mbox_check_name(const struct mbox_store *store, const char *name,
    struct err *err);

struct mbox_place {
	struct path_root *root;
	int dirfd;			/* to be closed */
	char file[PATH_NAME_MAX + 1];
};

/*
 * The directory of a mailbox's file; with create it and those above it are
 * made.  ERR_NOTFOUND, ERR_REFUSED: a file is where a directory has to be.
 */
int mbox_place_open(struct mbox_store *store, const char *name, bool create,
    struct mbox_place *place_r, struct err *err);
/* The directory that a name has as a mere directory; -1 and as above. */
int mbox_directory_open(struct mbox_store *store, const char *name,
    bool create, struct err *err);
/* The directory above that one, and its name there. */
int mbox_parent_open(struct mbox_store *store, const char *name,
    bool create, char out[static PATH_NAME_MAX + 1], struct err *err);
/* The directory for state and index files. */
int mbox_state_open(struct mbox_store *store, const char *name, bool create,
    struct err *err);
/* The directory that holds it, and its name there. */
int mbox_state_parent(struct mbox_store *store, const char *name,
    bool create, char out[static PATH_NAME_MAX + 1], struct err *err);
struct path_root *mbox_index_root(struct mbox_store *store);
/* Where dovecot-uidvalidity is. */
struct path_root *mbox_uidvalidity_root(struct mbox_store *store);

/* mbox_tree.c, mbox_tree_write.c */
int mbox_list(struct store *store, store_list_fn *fn, void *arg,
    struct err *err);
int mbox_tree_token(struct store *store, struct store_token *token_r,
    struct err *err);
int mbox_create(struct store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err);
int mbox_rename(struct store *store, const char *from, const char *to,
    struct err *err);
int mbox_remove(struct store *store, const char *name, struct err *err);
int mbox_subscriptions(struct store *store, store_name_fn *fn, void *arg,
    struct err *err);
int mbox_subscribe(struct store *store, const char *name, bool on,
    struct err *err);

/* mbox_token.c */
int mbox_files_token(struct mbox_store *store, struct path_root *root,
    int dirfd, const char *file, int state_fd, struct store_token *token_r,
    struct err *err);

/* mbox_lock.c */
/* Lock for writing and open the file in box->fd, or nothing is held. */
int mbox_lock(struct mbox_box *box, struct err *err);
void mbox_unlock(struct mbox_box *box);
/* Still ours? */
int mbox_lock_keep(struct mbox_box *box, struct err *err);
/* Open the file, locked for reading as long as it is open. */
int mbox_open_read(struct mbox_box *box, struct path_stat *st_r,
    struct err *err);

/* mbox_box.c */
int mbox_box_open(struct store *store, const char *name,
    struct mailbox **box_r, struct err *err);
void mbox_box_close(struct mailbox **box);
int mbox_box_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err);
int mbox_box_token(struct mailbox *box, struct store_token *token_r,
    struct err *err);
void mbox_box_problem(struct mbox_box *box, const struct err *why,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Another name in the store: find its files there. */
int mbox_box_place(struct mbox_box *box, const char *name, struct err *err);

/* mbox_scan.c */
/*
 * Know the file as it is now.  While it is locked for writing a journal that
 * was left is carried out first, and what has no UID gets one.
 */
int mbox_refresh(struct mbox_box *box, struct err *err);
/* The file as it is now; nobody writes it as long as fd has its lock. */
int mbox_read(struct mbox_box *box, int fd, const struct path_stat *st,
    struct err *err);
int mbox_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err);
/* The same file, unchanged? */
bool mbox_same_file(const struct path_stat *a, const struct path_stat *b);
/*
 * Will a later change of the file have a later time?  For a file that is long
 * to read, wait until it is so.
 */
void mbox_settle(struct mbox_box *box, const struct path_stat *st);
/* The position of a UID; SIZE_MAX: it is not there. */
size_t mbox_find_uid(const struct mbox_box *box, uint32_t uid);
/* By UID (0: any) and GUID; SIZE_MAX. */
size_t mbox_find(struct mbox_box *box, uint32_t uid, const char *guid);
/* hex is room for a GUID that is made of the digest. */
const char *mbox_guid(struct mbox_box *box, const struct mbox_mail *mail,
    char hex[static GUID_HEX_SIZE]);
/* The number of a keyword; UINT32_MAX if there is no room for it. */
uint32_t mbox_keyword(struct mbox_box *box, const char *name, size_t len);
void mbox_set_keywords(struct mbox_box *box, struct mbox_mail *mail,
    char *const *names, size_t count);
/* Heap memory, names borrowed. */
const char **mbox_keyword_list(const struct mbox_box *box,
    const struct mbox_mail *mail);

/* mbox_reader.c */
int mbox_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err);
ptrdiff_t mbox_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err);
void mbox_reader_close(struct mail_reader **reader);

/* mbox_append.c */
int mbox_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err);
int mbox_append_write(struct mail_writer *writer, const void *buf,
    size_t len, struct err *err);
int mbox_append_commit(struct mail_writer **writer, uint64_t tag,
    struct err *err);
void mbox_append_abort(struct mail_writer **writer);
int mbox_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err);

/* mbox_spool.c */
struct spool *spool_new(struct mbox_box *box, struct err *err);
struct spool *spool_ref(struct spool *spool);
/* The last one removes the file; box may be another one by now. */
void spool_unref(struct mbox_box *box, struct spool **spool);
/* Files that a process which is gone left behind. */
void spool_cleanup(struct mbox_box *box);

/* mbox_ops.c */
struct mbox_op *mbox_op_add(struct mbox_box *box, uint64_t tag);
void mbox_ops_free(struct mbox_box *box);
struct mail_op *mbox_prepare(struct mailbox *box, uint64_t tag,
    struct err *err);

/* mbox_flush.c */
int mbox_flush(struct store *store, store_done_fn *done, void *arg,
    struct err *err);

/* mbox_write.c */
/* What one message of the new file is made of. */
struct mbox_out {
	size_t mail;			/* in the box; SIZE_MAX: op */
	struct mbox_op *op;		/* an append */
	bool changed;			/* its header is written anew */
	struct mbox_mail now;		/* uid, status, keywords as wanted;
					   then all of it */
};

/* What the mailbox is to become. */
struct mbox_plan {
	size_t first;			/* messages before it stay in place */
	ARRAY(struct mbox_out) tail;	/* all from there on */
	ARRAY(struct mbox_out) flags;	/* messages before first whose flags
					   change, by rising position */
	uint32_t uidvalidity, last_uid;
	uint32_t uidnext;		/* UIDs from here on were never given;
					   0: other programs would give them
					   to the same messages */
};

/*
 * Write it, durably; the file is locked and known.  -1: nothing was changed,
 * or, if *unknown_r, nobody knows what is on disk.
 */
int mbox_write(struct mbox_box *box, struct mbox_plan *plan, bool *unknown_r,
    struct err *err);
/* Nothing is to be changed yet. */
void mbox_plan_init(struct mbox_box *box, struct mbox_plan *plan);
void mbox_plan_deinit(struct mbox_plan *plan);
/* Move all messages from position first on into the tail. */
void mbox_plan_begin_at(struct mbox_box *box, struct mbox_plan *plan,
    size_t first);

/* mbox_flush.c: parts of what it plans */
/* UIDs from here on are free: Dovecot may have told of more than it wrote. */
uint32_t mbox_free_uid(struct mbox_box *box);
/* A new message at the end, which has its UID; the state gets a fresh line. */
void mbox_plan_append(struct mbox_box *box, struct mbox_plan *plan,
    struct mbox_op *op);

/* mbox_number.c */
/* Give UIDVALIDITY, UIDs and a GUID to what has none; locked and known. */
int mbox_number(struct mbox_box *box, struct err *err);

/* mbox_patch.c */
struct change;
/*
 * Change fields of a message's header in place: those of now, and X-IMAPbase
 * or X-IMAP if base, to what plan says.  1; 0: there is no room; -1.
 */
int mbox_patch(struct mbox_box *box, struct change *change,
    const struct mbox_mail *mail, const struct mbox_mail *now, bool base,
    const struct mbox_plan *plan, struct err *err);

/* mbox_index.c */
struct index *mbox_index_open(struct mbox_store *store, int dirfd);
/* The mailbox GUID that the index has; false: none. */
bool mbox_index_guid(struct mbox_box *box, uint32_t uidvalidity,
    struct guid128 *guid_r);
/* Let it be this one, also in an index that nobody has made yet. */
void mbox_index_tell(struct index *index, uint32_t uidvalidity,
    const struct guid128 *guid);
/* UIDNEXT of the index; *uidvalidity 0 becomes that of the index. */
uint32_t mbox_index_numbers(struct mbox_box *box, uint32_t *uidvalidity);
/*
 * The UIDs that it knows of messages by their offsets; how many.  None as long
 * as Dovecot did not look at what we wrote.
 */
size_t mbox_index_uids(struct mbox_box *box, uint32_t uidvalidity,
    uint32_t *uids);
/* Flags that are not yet in the file count. */
void mbox_index_flags(struct mbox_box *box);
/* Dovecot has to look at the file, which is locked, as it is now. */
void mbox_index_look(struct mbox_box *box);
/* The file was written: flags are in it, and Dovecot has to look at it. */
void mbox_index_written(struct mbox_box *box, const struct mbox_plan *plan);
/*
 * The file was renumbered.  Its UIDVALIDITY may be changed back before Dovecot
 * looks: so its index forgets all messages.
 */
void mbox_index_renumbered(struct mbox_box *box);

/* mbox_head.c: text of the header fields that are ours */
/* Where in out the last UID begins. */
size_t mbox_head_base(const struct mbox_box *box, struct strbuf *out,
    const char *name, uint32_t uidvalidity, uint32_t last_uid, size_t pad);
void mbox_head_uid(struct strbuf *out, uint32_t uid);
/* X-UID, Status, X-Status, X-Keywords; pad blanks are room for changes. */
void mbox_head_fields(const struct mbox_box *box, struct strbuf *out,
    const struct mbox_mail *mail, size_t pad);
/* The message that holds X-IMAP where there is no other; as mbox_head_base. */
size_t mbox_head_pseudo(const struct mbox_box *box, struct strbuf *out,
    uint32_t uidvalidity, uint32_t last_uid);

#endif
