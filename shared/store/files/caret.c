#include "config.h"

#include "base/digest.h"
#include "model/mailbox_name.h"
#include "store/files/caret.h"

void
caret_escape(struct strbuf *out, const char *text, size_t len, bool top)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '^' || text[i] == '/' ||
		    (top && i == 0 && text[i] == '~'))
			strbuf_addf(out, "^%02x", (unsigned char)text[i]);
		else
			strbuf_addc(out, text[i]);
	}
}

int
caret_unescape(struct strbuf *out, const char *text, size_t len)
{
	char byte;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '^' || len - i < 3 ||
		    !hex_parse(&byte, 1, text + i + 1, 2)) {
			strbuf_addc(out, text[i]);
			continue;
		}
		/* A separator must not come in by this way. */
		if (byte == '\0' || byte == NAME_SEP)
			return -1;
		strbuf_addc(out, byte);
		i += 2;
	}
	return out->failed ? -1 : 0;
}
