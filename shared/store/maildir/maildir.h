/*
 * maildir.h - what the files of the Maildir driver share
 */
#ifndef STORE_MAILDIR_MAILDIR_H
#define STORE_MAILDIR_MAILDIR_H

#include "base/array.h"
#include "store/files/body_queue.h"
#include "store/files/dir_read.h"
#include "store/files/dotlock.h"
#include "store/files/mail_op.h"
#include "store/files/path.h"
#include "store/files/problem.h"
#include "store/index/index_tell.h"
#include "store/index/name_list.h"
#include "store/maildir/file_name.h"
#include "store/maildir/keywords.h"
#include "store/maildir/maildir_index.h"
#include "store/maildir/table.h"
#include "store/maildir/uidlist.h"
#include "store/store.h"
#include "store/store_settings.h"

#define UIDLIST_NAME	"dovecot-uidlist"
#define UIDLIST_LOCK	"dovecot-uidlist.lock"
#define UIDLIST_TMP	"dovecot-uidlist.tmp"
#define KEYWORDS_NAME	"dovecot-keywords"
#define KEYWORDS_LOCK	"dovecot-keywords.lock"

/* A batch of so many messages is made durable one by one. */
#define FSYNC_EACH_MAX	4U
/* Problems told of one mailbox at once; more are only counted. */
#define PROBLEMS_MAX	20U
/* Every so many lines the place of one is remembered. */
#define LIST_STRIDE	32U
#define UID_LAST	0xfffffffeU	/* UIDNEXT has to fit behind it */

#define SHARED_NAME	"dovecot-shared"
/* Bytes of a mailbox's path below a root. */
#define DIR_PATH_MAX	PATH_DIRS_MAX

struct maildir_box;
struct maildir_store;

/* How mailboxes lie below the root (LAYOUT=). */
struct maildir_layout {
	const char *name;		/* in any case */
	char separator;			/* of stored names, such as those of
					   subscriptions */
	bool nested;			/* a part is a directory in its
					   parent's; DIRNAME= is possible */
	bool listed;			/* names are in the list index alone */
	const char *inbox;		/* INBOX's directory where its files
					   do not lie in a root itself */
	/* The directory of a name; NULL: maildir_name_dir says it. */
	int (*dir)(struct maildir_store *store, const char *name,
	    char *out, struct err *err);
	int (*list)(struct store *store, store_list_fn *fn, void *arg,
	    struct err *err);
	int (*tree_token)(struct store *store, struct store_token *token_r,
	    struct err *err);
	int (*create)(struct store *store, const char *name, bool selectable,
	    const struct mailbox_status *status, struct err *err);
	/* NULL: one after the other */
	int (*create_all)(struct maildir_store *store,
	    struct store_creation *list, size_t n, struct err *err);
	int (*rename)(struct store *store, const char *from, const char *to,
	    struct err *err);
	int (*remove)(struct store *store, const char *name,
	    struct err *err);
};

struct maildir_store {
	struct store head;
	const struct maildir_layout *layout;
	struct path_root root;
	struct path_root index;		/* fd -1: no INDEX= */
	struct path_root control;	/* fd -1: no CONTROL= */
	struct path_root inbox;		/* fd -1: no INBOX= */
	bool control_elsewhere;		/* on another file system */
	bool inbox_elsewhere;
	bool index_in_memory;		/* INDEX=MEMORY */
	bool readonly, utf8;
	struct maildir_lines *find;	/* buffer of maildir_list_find */
	struct maildir_lines *lines;	/* of the other readers of lists, while
					   none reads; NULL: none yet */
	struct dir_read *dir;		/* buffer to read directories */
	char *dirname;			/* NULL: no DIRNAME=, FULLDIRNAME= */
	bool full_dirname;		/* in control and index paths, too */
	mode_t dir_mode;		/* of new directories */
	gid_t dir_gid;
	bool set_dir_gid;
	char alt_char;
	char *hostname;
	char *subscriptions;		/* file name */
	unsigned int lock_timeout;	/* seconds */
	struct dotlock_source lock_source; /* of uidlist locks */
	struct index_options index_opts;
	struct index *list_index;	/* NULL: not looked at yet */
	struct index_tell tell;		/* borrows it, or that of names */
	char *list_base;	/* "dovecot.list.index", or LISTINDEX= */
	const struct store_settings *settings;
	struct name_list names;		/* LAYOUT=index: what it says */
	enum store_compress compress;	/* of new messages */
	unsigned int compress_level;
	struct maildir_box *boxes;	/* open ones */
	char *spare_buf;		/* of a writer that ended; NULL: none */
	size_t unsynced;		/* bodies written since the last flush */
	size_t unnamed;			/* of these without a name, open */
	size_t unnamed_max;		/* 0: such files can't be had */
	bool unnamed_tried;
	struct body_queue *queue;	/* of bodies; NULL: not begun */
	bool no_queue;			/* it is of no use, or can't be had */
	bool linked;			/* one got its name in this flush */
	int unsettled[FSYNC_EACH_MAX];	/* lists with new lines, open */
	size_t unsettled_count;		/* of these, and of those that had no
					   room */
	bool sync_due;			/* within a flush: bodies, or what opening
					   changed, wait for the next sync of
					   lists */
	bool in_doubt;			/* what is on disk is unknown: nothing
					   more is written */
};

/* What is known of dovecot-uidlist.  The file stays open. */
struct list_place {
	uint32_t uid;
	uint64_t offset;
};

struct list_dup {
	uint32_t uid;			/* the last line of this base */
	char *base;
};

/* A line behind the place where the list is broken. */
struct list_orphan {
	char *base, *fields;
};

struct maildir_lines;

struct maildir_list {
	int fd;				/* -1: there is no usable list */
	bool exists;			/* there is a file of this name */
	bool broken;			/* its header, or from good_end on */
	bool torn;			/* the last line has no end */
	struct path_stat st;		/* of the file, when last read */
	struct uidlist_header header;
	uint64_t lines_start;		/* behind the header */
	uint64_t good_end;		/* bytes whose lines are known */
	uint32_t last_uid;		/* of the lines; 0: none */
	uint32_t seen_uid;		/* highest in broken lines, too */
	size_t lines;
	ARRAY(struct list_place) places;
	ARRAY(struct list_dup) dups;
	ARRAY(struct list_orphan) orphans;
};

struct maildir_op {
	MAIL_OP;
	char *base;		/* of the message, when known */
	bool unlinked;		/* EXPUNGE: its file, by this flush */
	char *fields;		/* UID: those of the old line */
	/* APPEND */
	char *tmp_name;		/* NULL: it has no name yet, but fd */
	bool shared;		/* fd is a message elsewhere */
	int fd;			/* -1, or still open to be made durable, or
				   to get its name */
	struct body *body;	/* not NULL: a helper writes it and will
				   have fd, or names it */
	uint64_t size, vsize;
	uint32_t letters;
	uint64_t modseq_now;	/* what it became; 0: not known */
};

/* A change of the list that is written, and not yet what readers see. */
struct list_write {
	int fd;				/* to be made durable; -1: none */
	bool replace;			/* a new file, under another name */
};

/* What dovecot-shared says of new files; without it mode is 0600. */
struct maildir_shared {
	bool exists;
	mode_t mode;
	gid_t gid;
	bool set_gid;			/* it is not ours */
};

/* Where a mailbox lies: paths below open directories, "" for those. */
struct maildir_place {
	int mail_fd, control_fd;	/* borrowed */
	int index_fd;			/* -1: no index files */
	char mail[DIR_PATH_MAX + 1];
	char control[DIR_PATH_MAX + 1];
	char index[DIR_PATH_MAX + 1];
};

struct maildir_box {
	struct mailbox head;
	struct maildir_store *store;
	struct maildir_box *next;
	char *name;			/* joined */
	struct maildir_place place;
	int fd;				/* the mailbox directory */
	int control_fd;			/* that of its uidlist, fd where that
					   is the same; -1: none yet
					   (readonly) */
	int cur_fd, new_fd;		/* -1: not there (readonly) */
	int tmp_fd;			/* -1: not opened so far */
	int index_fd;			/* or fd, too; -1: none */
	struct maildir_index idx;
	struct maildir_list list;
	struct keyword_map keywords;
	struct path_stat keywords_st;
	int keywords_fd;		/* of a new file; -1: none */
	struct table *table;
	bool scanned;			/* table holds the directories ... */
	bool dirs_settled;		/* ... which is sure if unchanged */
	bool stable;			/* nothing changed while it was read */
	bool littered;			/* lines without a file are to go */
	struct path_stat dirs[2];	/* cur and new as they were then */
	ARRAY(char *) fresh;		/* bases without a line, of the last
					   reading; some of them if there are
					   very many */
	bool reread;			/* read again within this flush */
	struct dotlock lock;
	unsigned int problems;
	bool quiet;			/* they were told in this reading */
	struct maildir_shared shared;
	bool unnamed;			/* a file without a name was made */
	ARRAY(struct maildir_op) ops;
	/* Within a flush. */
	bool in_group;			/* its steps are made now */
	bool control_renamed, new_changed;
	struct list_write writing;
};

/* maildir_store.c */
int maildir_writable(struct maildir_store *store, struct err *err);

/* maildir_names.c: mailbox names to directories and back */
/* Any name but INBOX, without DIRNAME.  ERR_REFUSED: there can't be one. */
int maildir_name_dir(const struct maildir_store *store, const char *name,
    char out[static DIR_PATH_MAX + 1], struct err *err);
/* Of one directory in the layout Maildir++; -1: not valid. */
int maildir_dir_name(const struct maildir_store *store, const char *dir,
    struct strbuf *out);
/* Add one decoded part to out; -1: not valid. */
int maildir_part_name(const struct maildir_store *store, const char *part,
    size_t len, struct strbuf *out);
/* In a nested layout: is this no mailbox, but something of the store's? */
bool maildir_part_reserved(const struct maildir_store *store,
    const char *part, bool top);
/* No part of the name has a separator of the layout in it. */
bool maildir_can_hold(const struct maildir_store *store, const char *name);
int maildir_map_name(struct store *store, const char *name, char *out,
    size_t size, struct err *err);

/* maildir_place.c */
int maildir_place_find(struct maildir_store *store, const char *name,
    struct maildir_place *place, struct err *err);
/* The same, for one whose directory (maildir_name_dir) is known. */
int maildir_place_dir(const struct maildir_store *store, const char *name,
    const char *dir, struct maildir_place *place, struct err *err);
/* The root of subscriptions and UIDVALIDITYs. */
struct path_root *maildir_control(struct maildir_store *store);
/* A descriptor of the directory path below base; made if missing. */
int maildir_dir_open(struct maildir_store *store, int base, const char *path,
    struct err *err);
int maildir_dir_make(struct maildir_store *store, int base, const char *path,
    struct err *err);
/* A descriptor of the one above it, and its own name. */
int maildir_dir_parent(struct maildir_store *store, int base,
    const char *path, char name[static PATH_NAME_MAX + 1], struct err *err);
/* Remove it and those above it as long as they are empty. */
void maildir_dir_prune(struct maildir_store *store, int base,
    const char *path);
/* Give a new directory the group that those of the store have. */
void maildir_set_dir_group(struct maildir_store *store, int fd);

/* maildir_tree.c: what layouts share, and the layout Maildir++ */
extern const struct maildir_layout maildir_layout_plusplus;
int maildir_list_one(struct maildir_store *store, const char *name,
    const struct maildir_place *place, store_list_fn *fn, void *arg,
    struct err *err);
void maildir_entry_problem(struct maildir_store *store, const char *dir,
    const char *why);
/* The mailbox at name has moved: tell those that are open. */
void maildir_moved(struct maildir_store *store, const char *from,
    const char *to);
/* 1: it holds something that may be a message; 0: nothing; -1. */
int maildir_holds_mail(struct maildir_store *store, int box_fd,
    struct err *err);
void maildir_tree_cleanup(struct maildir_store *store);

/* maildir_make.c: what a new mailbox has */
/* sync: durably; else that is up to the caller. */
int maildir_write_uidlist(struct maildir_store *store, int fd,
    const struct mailbox_status *status, bool sync, struct err *err);
/* Control files in their own directory, if they have one, durably. */
int maildir_make_control(struct maildir_store *store,
    const struct maildir_place *place, const struct mailbox_status *status,
    struct err *err);
/* Mode and group of new files: those of dovecot-shared, if it is there. */
int maildir_shared_load(struct maildir_store *store, int fd,
    struct maildir_shared *shared_r, struct err *err);
void maildir_shared_apply(struct maildir_store *store,
    const struct maildir_shared *shared, int file);
/* dovecot-shared as the root has it. */
int maildir_make_shared(struct maildir_store *store, int fd,
    struct err *err);
/* Give the control files another directory, so that both have them. */
int maildir_link_control(struct maildir_store *store, int from_fd, int to_fd,
    struct err *err);
/* Remove control files (of no mailbox any more) and empty directories. */
void maildir_drop_control(struct maildir_store *store, int base,
    const char *path);
void maildir_move_index(struct maildir_store *store,
    const struct maildir_place *from, const struct maildir_place *to);
void maildir_drop_index(struct maildir_store *store,
    const struct maildir_place *place);

/* maildir_notice.c: changes of the tree, and who is told */
int maildir_create(struct store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err);
int maildir_create_all(struct store *store, struct store_creation *list,
    size_t n, struct err *err);
int maildir_rename(struct store *store, const char *from, const char *to,
    struct err *err);
int maildir_remove(struct store *store, const char *name, struct err *err);
/* The GUID that its uidlist names; zero: none. */
struct guid128 maildir_place_guid(struct maildir_store *store,
    const struct maildir_place *place);
void maildir_subscribed(struct maildir_store *store, const char *name,
    bool on);
void maildir_tell_subscribed(struct maildir_store *store);
/* Of all mailboxes that have operations, which are done; none is locked. */
void maildir_tell_changed(struct maildir_store *store);

/* maildir_listed.c: LAYOUT=index */
extern const struct maildir_layout maildir_layout_index;
/* Before anything else, once the places of the store are open. */
void maildir_listed_open(struct maildir_store *store);
/* Could the list have this name? */
int maildir_listed_holds(const struct maildir_store *store, const char *name,
    struct err *err);
/* The mailbox's GUID has changed: its directory gets the new one's name. */
int maildir_listed_follow(struct maildir_box *box, struct err *err);
/* Find a directory that has still the name of an older GUID. */
int maildir_listed_recover(struct maildir_store *store, const char *name,
    struct err *err);

/* maildir_fs.c, maildir_fs_list.c: the layout fs */
/* Make all that a mailbox has in its directory, cur last. */
int maildir_fill(struct maildir_store *store,
    const struct maildir_place *place, int fd,
    const struct mailbox_status *status, struct err *err);
/* Remove new and cur; ERR_STALE: there is something in them. */
int maildir_empty(struct maildir_store *store, int fd, struct err *err);
/* The rest of a mailbox that is none any more (was), or did not become one. */
void maildir_clear(struct maildir_store *store,
    const struct maildir_place *place, bool was);
extern const struct maildir_layout maildir_layout_fs;
int maildir_fs_list(struct store *store, store_list_fn *fn, void *arg,
    struct err *err);
int maildir_fs_token(struct store *store, struct store_token *token_r,
    struct err *err);

/* maildir_subscribe.c */
int maildir_subscriptions(struct store *store, store_name_fn *fn, void *arg,
    struct err *err);
int maildir_subscribe(struct store *store, const char *name, bool on,
    struct err *err);
int maildir_subscribe_all(struct store *store,
    struct store_subscription *list, size_t n, struct err *err);

/* maildir_token.c */
int maildir_token(struct maildir_store *store,
    const struct maildir_place *place, struct store_token *token_r,
    struct err *err);
void maildir_files_token(struct maildir_store *store,
    struct store_token *token_r, const struct path_stat *stats, size_t n);
/* Could a file time as young as this hide a later change? */
bool maildir_time_settled(const struct maildir_store *store,
    int64_t newest_ns);

/* maildir_box.c */
int maildir_box_open(struct store *store, const char *name,
    struct mailbox **box_r, struct err *err);
void maildir_box_close(struct mailbox **box);
int maildir_box_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err);
int maildir_box_token(struct mailbox *box, struct store_token *token_r,
    struct err *err);
/*
 * Open tmp/, which few of the open mailboxes need, and rid it of old files of
 * ours.
 */
int maildir_box_tmp(struct maildir_box *box, struct err *err);
/* Wait so many seconds for the lock of dovecot-uidlist. */
int maildir_box_lock(struct maildir_box *box, unsigned int timeout,
    struct err *err);
void maildir_box_unlock(struct maildir_box *box);
void maildir_box_problem(struct maildir_box *box, const struct err *why,
    const char *what, const char *name);
/* For one who reads a directory: not while another does. */
struct dir_read *maildir_dir_buffer(struct maildir_store *store);
/* UIDNEXT as Dovecot would show it. */
uint32_t maildir_box_uidnext(struct maildir_box *box);

/* maildir_list.c */
void maildir_list_init(struct maildir_list *list);
void maildir_list_deinit(struct maildir_list *list);
/*
 * Know the list as it is now: read what is new in it, or all if it is another
 * file, and mark its bases in the table.
 */
int maildir_list_refresh(struct maildir_box *box, struct err *err);
/* Called for each valid line in order; -1 stops. */
typedef int maildir_line_fn(const struct uidlist_record *record, void *arg,
    struct err *err);
int maildir_list_walk(struct maildir_box *box, maildir_line_fn *fn,
    void *arg, struct err *err);
/* From this UID on. */
int maildir_list_walk_from(struct maildir_box *box, uint32_t uid,
    maildir_line_fn *fn, void *arg, struct err *err);
/* Is this the line that counts for its base? */
bool maildir_list_is_last(const struct maildir_list *list,
    const struct uidlist_record *record);
/* The line of a UID, copied.  0: found, 1: there is none. */
struct list_line {
	struct uidlist_record record;	/* points into text */
	char text[UIDLIST_LINE_MAX + 1];
};
int maildir_list_find(struct maildir_box *box, uint32_t uid,
    struct list_line *line, struct err *err);
uint32_t maildir_list_next(const struct maildir_list *list);
/* Fields that a broken list had for this base; NULL: none. */
const char *maildir_list_orphan(const struct maildir_list *list,
    const char *base);
/* The list is no proper one of version 3 with all that belongs to it. */
bool maildir_list_incomplete(const struct maildir_list *list);

/* maildir_list_write.c, all under the lock */
/* A list_change's drop: what has ENTRY_DROP. */
bool maildir_line_marked(const struct uidlist_record *rec, void *arg);
struct list_change {
	struct strbuf lines;		/* new ones, by rising UID */
	bool rewrite;			/* more than new lines */
	struct uidlist_header header;	/* for a rewrite */
	/* Lines to leave out in a rewrite; NULL: none. */
	bool (*drop)(const struct uidlist_record *record, void *arg);
	void *drop_arg;
};
/*
 * Write a change; -1: the list is as before.  Between begin and publish the
 * caller makes w->fd durable; behind publish, the directory, if w->replace was
 * set.  A list that is appended to is seen at once: what a line is about comes
 * later.
 */
int maildir_list_begin(struct maildir_box *box, struct list_change *change,
    struct list_write *w, struct err *err);
int maildir_list_publish(struct maildir_box *box, struct list_write *w,
    struct err *err);
void maildir_list_abort(struct maildir_box *box, struct list_write *w);
/* What was begun, or all of it: durable once the store has settled. */
int maildir_list_finish(struct maildir_box *box, struct list_write *w,
    struct err *err);
int maildir_list_write(struct maildir_box *box, struct list_change *change,
    struct err *err);

/* maildir_keywords.c */
int maildir_keywords_load(struct maildir_box *box, struct err *err);
/*
 * The map as it is now goes into a new file, which is to be made durable, and
 * takes the place of dovecot-keywords then.
 */
int maildir_keywords_begin(struct maildir_box *box, struct err *err);
int maildir_keywords_publish(struct maildir_box *box, struct err *err);
void maildir_keywords_abort(struct maildir_box *box);

/* maildir_sync.c */
/* Read the directories into the table, if they changed or by force. */
int maildir_read_dirs(struct maildir_box *box, bool force, struct err *err);
void maildir_forget_fresh(struct maildir_box *box);
/* All messages have lines, unless readonly, and the table is of now. */
int maildir_sync(struct maildir_box *box, struct err *err);
/* Begin a list without the lines of what was unlinked, if that is cheap. */
int maildir_drop_unlinked(struct maildir_box *box, struct err *err);
/*
 * Under the lock: begin a list, in box->writing, without the lines of messages
 * that are gone, if there are any and that is cheap.
 */
int maildir_drop_dead_begin(struct maildir_box *box, struct err *err);
/* The same with its lock, and all of it; durable as maildir_list_finish. */
int maildir_drop_dead(struct maildir_box *box, struct err *err);

/* Call fn for each base without a line, in the order of UIDs to be. */
int maildir_each_unlisted(struct maildir_box *box,
    int (*fn)(const char *base, void *arg, struct err *err), void *arg,
    struct err *err);

/* maildir_scan.c */
int maildir_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err);
int maildir_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err);
ptrdiff_t maildir_reader_read(struct mail_reader *reader, void *buf,
    size_t len, struct err *err);
void maildir_reader_close(struct mail_reader **reader);
/*
 * The line of a message known by UID (0: any) and GUID.  1: there is none.
 */
int maildir_message_find(struct maildir_box *box, uint32_t uid,
    const char *guid, struct list_line *line, struct err *err);
/*
 * Open the file of a base wherever it is now.  1: it is gone.  name_r gets its
 * name, *where_r the directory.
 */
int maildir_file_open(struct maildir_box *box, const char *base, size_t len,
    char name_r[static FILE_NAME_MAX + 1], int *where_r,
    struct path_stat *st_r, int *fd_r, struct err *err);

/* maildir_append.c */
int maildir_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err);
int maildir_append_write(struct mail_writer *writer, const void *buf,
    size_t len, struct err *err);
int maildir_append_commit(struct mail_writer **writer, uint64_t tag,
    struct err *err);
void maildir_append_abort(struct mail_writer **writer);
int maildir_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err);

/* maildir_ops.c: preparing, and the memory of what is prepared */
void maildir_ops_free(struct maildir_box *box);
struct mail_op *maildir_prepare(struct mailbox *box, uint64_t tag,
    struct err *err);

/* maildir_flush.c */
struct maildir_answer {
	store_done_fn *done;
	void *arg;
};
void maildir_op_done(const struct maildir_answer *answer,
    struct maildir_op *op, uint32_t uid);
void maildir_op_failed(const struct maildir_answer *answer,
    struct maildir_op *op, const struct err *failure);
int maildir_flush(struct store *store, store_done_fn *done, void *arg,
    struct err *err);
/* Each file system that the store is on. */
int maildir_sync_file_systems(struct maildir_store *store, struct err *err);

/* maildir_settle.c */
/* The open file fd, taken over, is to be durable after the next settle. */
void maildir_settle_later(struct maildir_store *store, int fd);
/* So is that the mailbox's new list has its name. */
int maildir_settle_name(struct maildir_box *box, struct err *err);
/*
 * What opening changed is durable, and lines of dead messages are gone.  With
 * whole_r, in a flush, it may be left to the next sync of lists (sync_due);
 * *whole_r: all that was on the file systems before became durable, too.
 */
int maildir_settle_opened(struct maildir_store *store, bool *whole_r,
    struct err *err);
int maildir_settle(struct store *store, struct err *err);
/* A line that stays does no harm: why is only told.  -1: the process is gone. */
int maildir_lines_stay(struct maildir_box *box, const struct err *why,
    struct err *err);

/* maildir_apply.c */
/* Find the messages of all operations and answer those that have none. */
int maildir_look_up(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err);
/*
 * All but expunges, under the lock, in steps: keywords and lines of the list
 * are written; when those are durable, they are published; when that is, files
 * are renamed.  -1: what is on disk is unknown.
 */
int maildir_apply_lists(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err);
int maildir_apply_publish(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err);
int maildir_apply_files(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err);
int maildir_apply_flags(struct maildir_box *box, struct maildir_op *op,
    const struct maildir_answer *answer, bool *new_changed, struct err *err);
/* Before maildir_apply_files: the helper names half of many new files. */
void maildir_name_half(struct maildir_store *store);

#endif
