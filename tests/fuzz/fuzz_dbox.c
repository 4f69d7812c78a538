#include "config.h"

#include <assert.h>
#include <string.h>

#include "store/dbox/dbox_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Metadata that are taken are written so that they are taken again. */
static void
try_meta(const uint8_t *data, size_t size)
{
	struct dbox_meta meta, again;
	struct err err = ERR_INIT;
	struct strbuf text;

	if (dbox_meta_parse(&meta, data, size, &err) != 0)
		return;
	assert(meta.len <= size && meta.len >= DBOX_META_MIN - 1);
	assert(meta.guid[0] == '\0' ||
	    guid_text_valid(meta.guid, strlen(meta.guid)));
	strbuf_init(&text, DBOX_META_MAX);
	dbox_meta_format(&text, &meta, "INBOX");
	assert(!text.failed);
	assert(dbox_meta_parse(&again, text.data, text.len, &err) == 0);
	assert(strcmp(again.guid, meta.guid) == 0);
	assert(again.received == meta.received);
	assert(again.pop3_order == meta.pop3_order);
	assert(strcmp(again.pop3_uidl, meta.pop3_uidl) == 0);
	assert(again.real_size == meta.real_size);
	strbuf_deinit(&text);
}

/* A file: header, then messages for as long as they are whole. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dbox_file_header header;
	struct dbox_meta meta;
	struct err err = ERR_INIT;
	const char *found;
	uint64_t body;

	found = dbox_meta_find_last((const char *)data, size);
	assert(found == NULL || (found >= (const char *)data &&
	    found + 4 <= (const char *)data + size));
	try_meta(data, size);
	if (dbox_file_header_parse(&header, data, size, &err) != 0)
		return 0;
	assert(header.len <= size && header.message_header >= 30);
	data += header.len;
	size -= header.len;
	while (size >= header.message_header && dbox_message_header_parse(
	    &body, data, size, &err) == 0) {
		data += header.message_header;
		size -= header.message_header;
		if (body > size)
			break;
		data += body;
		size -= (size_t)body;
		if (dbox_meta_parse(&meta, data, size, &err) != 0)
			break;
		try_meta(data, size);
		data += meta.len;
		size -= meta.len;
	}
	return 0;
}
