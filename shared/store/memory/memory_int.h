/*
 * memory_int.h - what the files of the memory driver share
 */
#ifndef STORE_MEMORY_MEMORY_INT_H
#define STORE_MEMORY_MEMORY_INT_H

#include "store/memory/memory.h"

enum memory_op_kind {
	MEMORY_APPEND,
	MEMORY_FLAGS,
	MEMORY_UID,
	MEMORY_EXPUNGE,
	MEMORY_STATUS,
};

/* One prepared operation. */
struct memory_op {
	enum memory_op_kind kind;
	uint64_t tag;
	bool failed;			/* answered already */
	uint32_t uid;			/* the message; APPEND, UID: wanted */
	uint64_t modseq;		/* wanted; 0: the next one */
	char *guid;
	flags_t was_flags, flags;
	const char **was_keywords, **keywords;
	size_t was_count, keyword_count;
	struct memory_mail *mail;	/* APPEND: the message; after look-up */
	bool own_mail;			/* mail is not in a mailbox yet */
	struct mailbox_status status;
	uint32_t from_uid;		/* UID: the old one */
};

struct memory_box {
	struct mailbox head;
	struct memory_mailbox *mailbox;	/* a reference */
	struct memory_box *next;	/* of the store's open ones */
	ARRAY(struct memory_op) ops;
};

struct memory_store {
	struct store head;
	struct memory_world *world;
	struct memory_box *boxes;
	unsigned int life;		/* the world's at the open */
	bool readonly, gone;
	char alt_char;
};

/* memory_world.c */
struct memory_mail *memory_mail_new(struct memory_world *world,
    const struct mail_info *info, struct memory_body *body);
void memory_mail_free(struct memory_mail *mail);
struct memory_body *memory_body_new(const void *data, size_t len);
void memory_body_unref(struct memory_body *body);
const char **memory_keywords_dup(const char *const *keywords, size_t count);
char *memory_strdup(const char *str);
struct memory_mailbox *memory_mailbox_add(struct memory_world *world,
    const char *name, bool selectable, const struct mailbox_status *status);
/* This UID is gone, as of the present HIGHESTMODSEQ. */
void memory_mailbox_vanish(struct memory_mailbox *mailbox, uint32_t uid);
void memory_mailbox_unlist(struct memory_mailbox *mailbox);
void memory_mailbox_list(struct memory_world *world,
    struct memory_mailbox *mailbox);
void memory_mailbox_unref(struct memory_mailbox *mailbox);
/* Keeps the order; the mail belongs to the mailbox afterwards. */
void memory_mailbox_insert(struct memory_mailbox *mailbox,
    struct memory_mail *mail);
/* Takes it out without freeing it. */
void memory_mailbox_take(struct memory_mailbox *mailbox,
    struct memory_mail *mail);
/* Give what a plain mailbox lacks; true if it lacked something. */
bool memory_mailbox_number(struct memory_mailbox *mailbox);
bool memory_mailbox_is_plain(const struct memory_mailbox *mailbox);
void memory_mailbox_touch(struct memory_mailbox *mailbox);
void memory_tree_touch(struct memory_world *world);
uint64_t memory_mailbox_next_modseq(struct memory_mailbox *mailbox);
uint64_t memory_mailbox_take_modseq(struct memory_mailbox *mailbox,
    uint64_t now, uint64_t wanted, bool changed);
/* Set or remove (value NULL); those of a mailbox that goes go, too. */
void memory_attribute_set(struct memory_world *world,
    const struct guid128 *mailbox, const char *key, const char *value);
void memory_attributes_drop(struct memory_world *world,
    const struct guid128 *mailbox);
void memory_attributes_free(struct memory_world *world);
void memory_attributes_copy(struct memory_world *to,
    const struct memory_world *from);
void memory_attributes_format(const struct memory_world *world,
    struct strbuf *out);
bool memory_keeps_attributes(const struct store *store);
int memory_attributes(struct store *store, store_attribute_fn *fn, void *arg,
    struct err *err);
int memory_set_attributes(struct store *store, struct store_attribute *list,
    size_t n, struct err *err);
struct guid128 memory_guid_new(struct memory_world *world);
/* A mailbox has it: those that the world chooses from now on are above. */
void memory_uidvalidity_taken(struct memory_world *world, uint32_t value);

/* memory_store.c */
/* A state-changing step is about to be done; -1: it must not. */
int memory_step(struct memory_store *store, struct err *err);
int memory_alive(struct memory_store *store, struct err *err);
int memory_writable(struct memory_store *store, struct err *err);

/* memory_box.c */
int memory_box_open(struct store *store, const char *name,
    struct mailbox **box_r, struct err *err);
void memory_box_close(struct mailbox **box);
int memory_box_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err);
int memory_box_token(struct mailbox *box, struct store_token *token_r,
    struct err *err);
void memory_token(const struct memory_world *world, uint64_t id,
    uint64_t changed, struct store_token *token_r);
int memory_box_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err);
int memory_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err);
ptrdiff_t memory_reader_read(struct mail_reader *reader, void *buf,
    size_t len, struct err *err);
void memory_reader_close(struct mail_reader **reader);
int memory_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err);
int memory_append_write(struct mail_writer *writer, const void *buf,
    size_t len, struct err *err);
int memory_append_commit(struct mail_writer **writer, uint64_t tag,
    struct err *err);
void memory_append_abort(struct mail_writer **writer);
int memory_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err);
int memory_set_flags(struct mailbox *box, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err);
int memory_set_uid(struct mailbox *box, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err);
int memory_expunge(struct mailbox *box, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err);
int memory_set_status(struct mailbox *box,
    const struct mailbox_status *status, uint64_t tag, struct err *err);

/* memory_flush.c */
void memory_ops_free(struct memory_box *box);
int memory_flush(struct store *store, store_done_fn *done, void *arg,
    struct err *err);

#endif
