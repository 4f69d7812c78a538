/*
 * An index: a byte that says how long the snapshot is (in 8 bytes; 0: none),
 * the snapshot, the log.  Whatever is in them, what is known afterwards can be
 * written as a snapshot that says the same.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/index/index_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
take_snapshot(struct data *known, const uint8_t *buf, size_t size)
{
	struct err err = ERR_INIT;
	struct snap snap = { 0 };
	uint32_t len = snap_header_size(buf, size, &err);
	int ret = -1;

	if (len != 0 && len <= size && snap_headers_parse(&snap, known, buf,
	    len, size, &err) == 0)
		ret = snap_records_parse(&snap, known, buf + len, snap.count,
		    &err);
	assert(ret == 0 || len > size || err.code == ERR_CORRUPT);
	snap_deinit(&snap);
	return ret;
}

static void
take_log(struct data *known, const uint8_t *buf, size_t size)
{
	struct log_header header;
	struct err err = ERR_INIT;
	size_t at, used, need;

	if (log_header_parse(&header, buf, size, &err) == -1) {
		assert(err.code == ERR_CORRUPT);
		return;
	}
	data_log_begin(known, &header);
	for (at = header.size; at < size; at += used) {
		/* In small pieces, as a file that is read. */
		size_t len = size - at < 64 ? size - at : 64;

		if (data_log_feed(known, buf + at, len, size - at, &used,
		    &need, &err) == 0 && used == 0 && need > len &&
		    need <= size - at)
			(void)data_log_feed(known, buf + at, need, size - at,
			    &used, &need, &err);
		if (err.code != ERR_NONE) {
			assert(err.code == ERR_CORRUPT);
			return;
		}
		assert(used <= size - at);
		if (used == 0)
			break;
	}
	data_finish(known);
}

static void
same_again(struct data *known)
{
	struct data again;
	struct strbuf out;

	data_finish(known);
	strbuf_init(&out, (size_t)1 << 26);
	if (get32(known->header + HDR_INDEXID) != 0 &&
	    known->st.log_tail <= known->st.log_offset) {
		snap_format(&out, known);
		data_init(&again);
		if (!out.failed && take_snapshot(&again,
		    (const uint8_t *)out.data, out.len) == 0) {
			data_finish(&again);
			assert(again.count == known->count);
			assert(again.keywords.n == known->keywords.n);
			for (size_t i = 0; i < again.count; i++) {
				assert(again.slots[i].uid ==
				    known->slots[i].uid);
				assert(again.slots[i].flags ==
				    known->slots[i].flags);
			}
		}
		data_deinit(&again);
	}
	strbuf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct data known;
	size_t snap;

	if (size == 0)
		return 0;
	snap = data[0] * 8U;
	data++;
	size--;
	if (snap > size)
		snap = size;
	data_init(&known);
	if (snap == 0 || take_snapshot(&known, data, snap) == 0) {
		take_log(&known, data + snap, size - snap);
		same_again(&known);
	}
	data_deinit(&known);
	return 0;
}
