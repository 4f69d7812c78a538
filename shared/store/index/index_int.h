/*
 * index_int.h - what the files of this folder share, and the fuzz target
 */
#ifndef STORE_INDEX_INDEX_INT_H
#define STORE_INDEX_INDEX_INT_H

#include "base/array.h"
#include "base/strbuf.h"
#include "store/files/dotlock.h"
#include "store/files/path.h"
#include "store/index/index.h"

/* Record types of a log, without the flags. */
#define REC_EXPUNGE		0x00000001U
#define REC_APPEND		0x00000002U
#define REC_FLAGS		0x00000004U
#define REC_HEADER		0x00000020U
#define REC_EXT_INTRO		0x00000040U
#define REC_EXT_RESET		0x00000080U
#define REC_EXT_HEADER		0x00000100U
#define REC_EXT_RECORD		0x00000200U
#define REC_KEYWORD		0x00000400U
#define REC_KEYWORD_RESET	0x00000800U
#define REC_EXT_INC		0x00001000U
#define REC_EXPUNGE_GUID	0x00002000U
#define REC_MODSEQ		0x00008000U
#define REC_EXT_HEADER32	0x00010000U
#define REC_DELETED		0x00020000U
#define REC_UNDELETED		0x00040000U
#define REC_BOUNDARY		0x00080000U
#define REC_ATTRIBUTE		0x00100000U
#define REC_TYPE_MASK		0x0fffffffU
#define REC_EXTERNAL		0x10000000U
#define REC_EXPUNGE_BITS	0x0000cd90U

#define REC_HEADER_SIZE		8U
#define REC_BOUNDARY_SIZE	12U
#define REC_TAIL_SIZE		16U
#define REC_INTRO_SIZE		20U	/* body without the name */
#define INTRO_NO_SHRINK		1U
#define EXT_ID_NONE		0xffffffffU

/* Offsets in the base header of a snapshot. */
#define HDR_INDEXID		16U
#define HDR_FLAGS		20U
#define HDR_UIDVALIDITY		24U
#define HDR_NEXT_UID		28U
#define HDR_COUNT		32U
#define HDR_SEEN		40U
#define HDR_DELETED		44U
#define HDR_FIRST_RECENT	48U
#define HDR_FIRST_UNSEEN	52U
#define HDR_FIRST_DELETED	56U
#define HDR_LOG_SEQ		60U
#define HDR_LOG_TAIL		64U
#define HDR_LOG_HEAD		68U
#define HDR_LOG2_TIME		76U

#define LOG_MAJOR	1U
#define LOG_MINOR	3U
#define SNAP_MAJOR	7U
#define SNAP_MINOR	3U

#define EXACT_PREV_SEQ	1U	/* see index_exact.c */

#define EXT_MODSEQ	"modseq"
#define EXT_KEYWORDS	"keywords"

static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
}

static inline void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)v);
	put16(p + 2, (uint16_t)(v >> 16));
}

static inline void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static inline size_t
align_to(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

struct slot {
	uint32_t uid;
	uint8_t flags;
	uint8_t pending;	/* 1 << enum index_request */
	bool dead;		/* expunged since the last data_finish */
};

/* An extension and its column: stride bytes for each message. */
struct ext {
	char *name;
	uint8_t *header;
	uint32_t header_size, header_cap;
	uint32_t reset_id;
	uint16_t record_size, record_align;
	size_t stride;
	uint8_t *records;
};

/* What is known of an index: a value, made of bytes only. */
struct data {
	struct index_state st;
	uint8_t header[INDEX_HEADER_SIZE];
	struct slot *slots;
	size_t count, cap, dead;
	ARRAY(struct ext) exts;
	size_t modseq_ext, keyword_ext;		/* SIZE_MAX: none */
	ARRAY(char *) keywords;
	ARRAY(struct index_pending) pending;
	size_t headers_bytes;
	uint64_t modseq;		/* M, as far as the log was read */
	bool modseq_fresh;		/* introduced, without a header yet */
	uint32_t head;			/* bytes of the log that the snapshot
					   holds already are only counted */
	uint32_t head_seq;
	uint8_t log_minor;
	bool made_exact;		/* the log began as make_exact does */
	uint32_t raised_end;		/* up to here it only raised modseqs */
	/* The extension that updates of the log are for. */
	size_t cur_ext;
	bool cur_ignored;
	uint16_t cur_record_size;
};

/* A log's header, taken apart. */
struct log_header {
	uint8_t minor;
	uint16_t size;
	uint32_t indexid, seq, prev_seq, prev_offset;
	uint64_t modseq;
};

struct record {
	uint32_t type;		/* REC_*, without flags */
	bool external;
	uint32_t size;		/* bytes, its header too */
	const uint8_t *body;
	uint32_t len;		/* bytes of the body */
};

struct index {
	struct path_root *root;
	int dirfd;
	char *base, *log_name, *log2_name;
	struct index_options opts;
	char *hostname;
	int fd;				/* of the log, -1: not open */
	struct path_stat log_st;	/* of fd when it was opened */
	uint64_t snap_ino;		/* 0: there was none */
	int64_t snap_ctime;
	bool known;			/* data is what was there */
	bool locked, fd_writable;
	struct dotlock dotlock;
	struct data data;
	uint64_t serial;
};

/* index_data.c */
void data_init(struct data *data);
void data_deinit(struct data *data);
/* A new last message with all columns zero; NULL: beyond the limits. */
struct slot *data_add(struct data *data, uint32_t uid, struct err *err);
/* Position of the first UID that is not below this one. */
size_t data_seek(const struct data *data, uint32_t uid);
size_t data_ext_find(const struct data *data, const char *name, size_t len);
/* A new extension without header and records; NULL: too many. */
struct ext *data_ext_add(struct data *data, const char *name, size_t len,
    struct err *err);
int data_ext_resize_header(struct data *data, struct ext *ext, uint32_t size,
    struct err *err);
int data_ext_resize_record(struct data *data, struct ext *ext, uint16_t size,
    struct err *err);
/* The number of a keyword, added if it is new; SIZE_MAX: too many. */
size_t data_keyword(struct data *data, const char *name, size_t len,
    struct err *err);
size_t data_keyword_find(const struct data *data, const char *name,
    size_t len);
/* Take out what was expunged, bring the state up to date. */
void data_finish(struct data *data);
static inline uint8_t *
data_record(const struct data *data, size_t n, size_t pos)
{
	const struct ext *ext = &data->exts.v[n];

	return ext->records + pos * ext->stride;
}

/* index_record.c */
int log_header_parse(struct log_header *header, const uint8_t *buf,
    size_t len, struct err *err);
void record_size_put(uint8_t *p, uint32_t size);
/*
 * The record at buf, of which len bytes are there and avail in the file.
 * 1: *record; 0: it is not written completely; 2: *need_r bytes are needed.
 */
int record_decode(struct record *record, const uint8_t *buf, size_t len,
    uint64_t avail, size_t *need_r, struct err *err);
/* Is the body as its type wants it? */
int record_check(const struct record *record, struct err *err);
/* M behind this record. */
uint64_t record_modseq(const struct record *record, uint8_t minor,
    uint64_t modseq);
int bad_log(struct err *err, const char *what);

/* index_apply.c */
/* The log is this one from here on. */
void data_log_begin(struct data *data, const struct log_header *header);
/*
 * Take the records in buf, which continue the log at st.log_offset; avail
 * bytes of it are in the file.  *used_r: what was taken; *need_r: so many bytes
 * are needed to go on, 0: there is no more complete transaction.
 */
int data_log_feed(struct data *data, const uint8_t *buf, size_t len,
    uint64_t avail, size_t *used_r, size_t *need_r, struct err *err);

/* index_ext.c */
int apply_ext_intro(struct data *data, const struct record *rec,
    struct err *err);
int apply_ext_reset(struct data *data, const struct record *rec,
    struct err *err);
int apply_ext_header(struct data *data, const struct record *rec,
    struct err *err);
int apply_ext_record(struct data *data, const struct record *rec,
    struct err *err);
int apply_ext_inc(struct data *data, const struct record *rec,
    struct err *err);

/* index_snap.c */
struct snap_field {
	size_t ext;
	uint16_t offset, size;
};
struct snap {
	uint32_t header_size, record_size, count;
	ARRAY(struct snap_field) fields;
	struct snap_field keywords;	/* size 0: none */
	size_t keyword_count;
};
/* header_size of the snapshot that begins so; 0: not one of ours. */
uint32_t snap_header_size(const uint8_t *buf, size_t len, struct err *err);
/* All of its headers, len is header_size; size: bytes of the file. */
int snap_headers_parse(struct snap *snap, struct data *data,
    const uint8_t *buf, size_t len, uint64_t size, struct err *err);
/* n whole records. */
int snap_records_parse(const struct snap *snap, struct data *data,
    const uint8_t *buf, size_t n, struct err *err);
void snap_deinit(struct snap *snap);

/* index_snap_write.c */
void snap_format(struct strbuf *out, struct data *data);

/* index_file.c */
/* Forget all: the index does not exist, or is damaged. */
void index_forget(struct index *index);
/* Know the index anew; the log may be open, and is kept so if it counts. */
int index_reload(struct index *index, struct err *err);
/* Read the new bytes of the open log. */
int index_follow(struct index *index, struct err *err);
void index_log_close(struct index *index);
/* Take these bytes of ours as if read. */
int index_take(struct index *index, const uint8_t *buf, size_t len,
    struct err *err);

/* index_lock.c */
/* The log was replaced by us: lock the new one. */
int index_relock(struct index *index, struct err *err);

/* index_txn.c */
struct index_txn {
	struct index *index;
	struct strbuf buf;
	size_t records;
	size_t last;			/* where the last record begins */
	uint32_t last_type;		/* with its flags; 0: start a new one */
	uint32_t last_uid;		/* of its last entry */
	char *keyword;			/* of the last record */
	bool keyword_set;
	char *ext;			/* of the last intro */
	bool internal, tail, modseqs, remake, restart, replace;
	bool of_messages;		/* some of the modseqs are */
	uint32_t next_uid, indexid;
	uint64_t initial_modseq;
	uint64_t highest;		/* of the modseqs given */
	const char *wrong;		/* NULL: nothing */
};
/* Begin a record, or go on with the last one if join. */
void txn_record(struct index_txn *txn, uint32_t type, bool join);
void txn_add(struct index_txn *txn, const void *data, size_t len);
void txn_wrong(struct index_txn *txn, const char *what);
/* index_exact.c */
/*
 * Apply the transaction to data so that modseqs become what it says, and format
 * the snapshot that has all of it.  *log gets the fields of an empty log behind
 * it; its seq, size and indexid are given.
 */
int index_make_exact(const struct index_txn *txn, struct data *data,
    struct log_header *log, struct strbuf *snap, struct err *err);

/* index_txn_ext.c */
void txn_ext_intro(struct index_txn *txn, const struct index_ext_want *ext);

#endif
