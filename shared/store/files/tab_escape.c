#include "config.h"

#include <string.h>

#include "store/files/tab_escape.h"

int
tab_unescape(struct strbuf *out, const char *text, size_t len)
{
	static const char codes[] = "tnr1", bytes[] = "\t\n\r\001";
	const char *code;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\001') {
			strbuf_addc(out, text[i]);
			continue;
		}
		if (++i == len || text[i] == '\0' ||
		    (code = strchr(codes, text[i])) == NULL)
			return -1;
		strbuf_addc(out, bytes[code - codes]);
	}
	return 0;
}

void
tab_escape(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '\t':
			strbuf_adds(out, "\001t");
			break;
		case '\n':
			strbuf_adds(out, "\001n");
			break;
		case '\r':
			strbuf_adds(out, "\001r");
			break;
		case '\001':
			strbuf_adds(out, "\0011");
			break;
		default:
			strbuf_addc(out, text[i]);
		}
	}
}
