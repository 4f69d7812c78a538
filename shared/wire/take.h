/*
 * take.h - fields of the generated types, checked one by one (wire/ only)
 *
 * Each function but take_bad and take_room sets *..._r and returns 0, or -1
 * with ERR_PROTO in taker->err, which names the message and what is wrong.
 * What does not fit into a message is left as it was, so messages start zeroed.
 */
#ifndef WIRE_TAKE_H
#define WIRE_TAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dsync.pb-c.h"
#include "model/msg.h"
#include "wire/pool.h"

struct taker {
	struct pool *pool;	/* all that is copied lies here */
	enum msg_kind kind;	/* of the message that is being decoded */
	struct err *err;
};

/* Say that a field is bad; returns -1. */
int take_bad(struct taker *in, const char *what);
/* Zeroed memory for n items; NULL, and the error is set: above the budget. */
void *take_room(struct taker *in, size_t n, size_t size);

int take_u32(struct taker *in, uint32_t value, uint32_t min, uint32_t max,
    uint32_t *value_r, const char *what);
/* A number that is never 0: a UID, a request, an operation. */
int take_number(struct taker *in, uint32_t value, uint32_t *value_r,
    const char *what);
int take_u64(struct taker *in, uint64_t value, uint64_t max,
    uint64_t *value_r, const char *what);
int take_stamp(struct taker *in, uint64_t value, uint64_t *value_r);
int take_received(struct taker *in, int64_t value, int64_t *value_r);
/* min: ERR_NONE, or ERR_TEMP if there must be a code. */
int take_code(struct taker *in, uint32_t value, uint32_t min,
    enum err_code *code_r);

/* A GUID, id or mark that is not zero; take_guid0: or is. */
int take_guid(struct taker *in, ProtobufCBinaryData bytes,
    struct guid128 *guid_r, const char *what);
int take_guid0(struct taker *in, ProtobufCBinaryData bytes,
    struct guid128 *guid_r, const char *what);
/* Up to max of them, none zero, in any order. */
int take_guids(struct taker *in, ProtobufCBinaryData bytes, size_t max,
    struct guid128 **guids_r, size_t *count_r, const char *what);
/* 1..MARKS_MAX of them, in order. */
int take_marks(struct taker *in, ProtobufCBinaryData bytes,
    struct guid128 **marks_r, size_t *count_r);
/* A digest or NULL. */
int take_digest(struct taker *in, ProtobufCBinaryData bytes,
    const uint8_t **digest_r);

/* A joined name; a list of them within the limits of HELLO. */
int take_name(struct taker *in, ProtobufCBinaryData bytes,
    const char **name_r);
int take_names(struct taker *in, size_t count,
    const ProtobufCBinaryData *bytes, const char ***names_r, size_t *count_r);
/* Text for people; bytes that could move a cursor are replaced. */
int take_text(struct taker *in, ProtobufCBinaryData bytes, size_t max,
    const char **text_r);
/* The GUID of a message as text; in one of its two forms. */
int take_guid_text(struct taker *in, ProtobufCBinaryData bytes,
    const char **guid_r);
int take_message_guid(struct taker *in, ProtobufCBinaryData hex,
    ProtobufCBinaryData text, const char **guid_r);

/* Parts of messages; NULL, which is an absent part, is bad but for flags. */
int take_flags(struct taker *in, const Dsync__Flags *pb,
    struct mail_flags *mf_r);
/* uid_min: 0 if the UID may be left to the store, else 1. */
int take_record(struct taker *in, const Dsync__Message *pb, uint32_t uid_min,
    struct msg_message *m_r);
/* uid_min: least UIDVALIDITY and UIDNEXT of one that holds mail: 0 if they may
   be left as they are, else 1. */
int take_box(struct taker *in, const Dsync__Mailbox *pb, uint32_t uid_min,
    struct msg_mailbox *m_r);
int take_sub(struct taker *in, const Dsync__Subscription *pb,
    struct msg_subscription *m_r);
int take_attribute(struct taker *in, const Dsync__Attribute *pb,
    struct msg_attribute *m_r);
int take_positions(struct taker *in, size_t count, Dsync__Position **pb,
    struct msg_position **positions_r, size_t *count_r);

#endif
