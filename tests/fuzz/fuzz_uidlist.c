#include "config.h"

#include <assert.h>
#include <string.h>

#include "store/maildir/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header that is taken is written so that it is taken again, the same. */
static unsigned int
try_header(const char *line, size_t len)
{
	struct uidlist_header header, again;
	struct err err = ERR_INIT;
	struct strbuf text;

	if (uidlist_header_parse(&header, line, len, &err) == -1) {
		assert(err.code == ERR_CORRUPT);
		return 3;
	}
	assert(header.uidvalidity != 0 && header.uidnext != 0);
	strbuf_init(&text, UIDLIST_HEADER_MAX);
	uidlist_header_format(&text, &header);
	assert(!text.failed && text.data[text.len - 1] == '\n');
	assert(uidlist_header_parse(&again, text.data, text.len - 1,
	    &err) == 0);
	assert(again.version == 3 && again.uidvalidity == header.uidvalidity);
	assert(again.uidnext == header.uidnext);
	assert(guid_eq(&again.guid, &header.guid));
	assert(strcmp(again.extra, header.extra) == 0);
	strbuf_deinit(&text);
	return header.version;
}

static void
try_record(unsigned int version, const char *line, size_t len)
{
	struct uidlist_record rec, again;
	char guid[GUID_TEXT_MAX + 1], guid_again[GUID_TEXT_MAX + 1];
	struct err err = ERR_INIT;
	struct strbuf text;

	if (uidlist_record_parse(&rec, version, line, len, &err) == -1) {
		assert(err.code == ERR_CORRUPT);
		return;
	}
	assert(rec.uid != 0 && rec.base_len > 0);
	assert(memchr(rec.base, '/', rec.base_len) == NULL);
	assert(memchr(rec.base, ':', rec.base_len) == NULL);
	assert(rec.base + rec.base_len <= line + len);
	uidlist_guid(&rec, guid);
	assert(guid_text_valid(guid, strlen(guid)));
	strbuf_init(&text, 2 * len + 64);
	uidlist_record_format(&text, &rec);
	assert(!text.failed);
	if (memchr(line, '\n', len) == NULL) {
		assert(uidlist_record_parse(&again, 3, text.data,
		    text.len - 1, &err) == 0);
		assert(again.uid == rec.uid && again.base_len == rec.base_len);
		assert(memcmp(again.base, rec.base, rec.base_len) == 0);
		uidlist_guid(&again, guid_again);
		assert(strcmp(guid, guid_again) == 0);
	}
	strbuf_deinit(&text);
}

/* A file: whatever is taken lies inside it and survives being written. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *lf;
	unsigned int version = 0;
	size_t len;

	while (size > 0) {
		lf = memchr(p, '\n', size);
		len = lf == NULL ? size : (size_t)(lf - p);
		if (version == 0)
			version = try_header(p, len);
		else
			try_record(version, p, len);
		if (lf == NULL)
			break;
		p += len + 1;
		size -= len + 1;
	}
	return 0;
}
