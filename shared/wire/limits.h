/*
 * limits.h - every limit of the protocol that model/ does not name
 *
 * The codec refuses whatever is beyond them; dsync-protocol(7) lists them.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#include <stdint.h>

#include "base/digest.h"
#include "model/attribute.h"
#include "model/flags.h"
#include "model/guid.h"
#include "model/mailbox_name.h"
#include "model/msg.h"

#define FRAME_HEADER_SIZE	8U		/* bytes */
#define FRAME_PAYLOAD_MAX	(256U * 1024U)	/* bytes */

#define SOFTWARE_MAX		128U		/* bytes */
#define POP3_UIDL_MAX		1024U		/* bytes */
#define MODSEQ_MAX		((uint64_t)INT64_MAX) /* RFC 7162 3.1 */
#define SEQ_MAX			((uint64_t)INT64_MAX)
#define COUNT_MAX		(1ULL << 40)	/* messages, mailboxes */
#define BODY_SIZE_MAX		(1ULL << 40)	/* bytes of one message */
#define RECEIVED_MIN		(-62135596800LL) /* s: start of the year 1 */
#define RECEIVED_MAX		253402300799LL	/* s: end of the year 9999 */
#define HAVE_BITS_MAX		((HAVE_MAX + 7U) / 8U) /* bytes */

/*
 * Memory that one message may take while it is decoded, in bytes.  A payload
 * made of the smallest fields would unfold to twenty times its size.
 */
#define CODEC_BUDGET		(768U * 1024U)

/* Largest window of a compressed chunk, as a power of two. */
#define ZCHUNK_WINDOW_LOG_MAX	17U

/* The largest messages fit into a frame; the small numbers are overhead. */
_Static_assert(KEYWORDS_MAX * (KEYWORD_MAX + 24U) +
    MARKS_MAX * GUID_SIZE + GUID_TEXT_MAX + POP3_UIDL_MAX + 1024U <=
    FRAME_PAYLOAD_MAX, "message record");
_Static_assert(2U * (FILTER_BYTES_MAX + FILTERS_MAX * 8U) + LABEL_MAX +
    POSITIONS_MAX * 80U + 1024U <= FRAME_PAYLOAD_MAX, "HELLO");
_Static_assert(HAVE_MAX * (GUID_TEXT_MAX + 8U + 10U) +
    HAVE_TEXTS_MAX * DIGEST_SIZE + 64U <= FRAME_PAYLOAD_MAX, "HAVE");
_Static_assert(ATTRIBUTE_VALUE_MAX + ATTRIBUTE_KEY_MAX + 128U <=
    FRAME_PAYLOAD_MAX, "ATTRIBUTE");
_Static_assert(LIST_MARKS_MAX * GUID_SIZE + LIST_RANGES_MAX * 10U + 64U <=
    FRAME_PAYLOAD_MAX, "LIST");

#endif
