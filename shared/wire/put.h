/*
 * put.h - fields for the generated types (wire/ only)
 *
 * Counts above their limit set failed and count as 0; other values are moved
 * into their range.  The results borrow from what they were made of.
 */
#ifndef WIRE_PUT_H
#define WIRE_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsync.pb-c.h"
#include "model/msg.h"
#include "wire/pool.h"

struct putter {
	struct pool *pool;
	bool failed;		/* a count was above its limit */
};

/* Zeroed memory.  All counts are limited before, so the budget suffices. */
void *put_alloc(struct putter *out, size_t n, size_t size);

/* Point var at a new struct of a generated type, such as dsync__hello. */
#define PUT_NEW(var, type)						\
	do {								\
		(var) = put_alloc(out, 1, sizeof(*(var)));		\
		type##__init(var);					\
	} while (0)

size_t put_count(struct putter *out, size_t count, size_t max);
uint64_t put_u64(uint64_t value, uint64_t max);
uint64_t put_stamp(uint64_t stamp);
int64_t put_received(int64_t received);

ProtobufCBinaryData put_bytes(const void *data, size_t len);
/* NULL is empty. */
ProtobufCBinaryData put_str(const char *str);
/* Cut between two characters if it is longer than max bytes. */
ProtobufCBinaryData put_text(const char *text, size_t max);
ProtobufCBinaryData put_digest(const uint8_t *digest);
ProtobufCBinaryData put_guid(const struct guid128 *guid);
ProtobufCBinaryData put_guids(struct putter *out, const struct guid128 *guids,
    size_t count, size_t max);
/* Sorted and without doubles. */
ProtobufCBinaryData put_marks(struct putter *out, const struct guid128 *marks,
    size_t count);
/* Sets one of the two. */
void put_message_guid(struct putter *out, const char *guid,
    ProtobufCBinaryData *hex_r, ProtobufCBinaryData *text_r);
void put_strings(struct putter *out, const char **strs, size_t count,
    size_t max, size_t bytes_max, size_t *n_r, ProtobufCBinaryData **v_r);

/* NULL if there is nothing to tell. */
Dsync__Flags *put_flags(struct putter *out, const struct mail_flags *mf);
Dsync__Message *put_record(struct putter *out, const struct msg_message *m);
Dsync__Mailbox *put_box(struct putter *out, const struct msg_mailbox *m);
Dsync__Subscription *put_sub(struct putter *out,
    const struct msg_subscription *m);
Dsync__Attribute *put_attribute(struct putter *out,
    const struct msg_attribute *m);
void put_positions(struct putter *out, const struct msg_position *positions,
    size_t count, size_t *n_r, Dsync__Position ***v_r);

#endif
