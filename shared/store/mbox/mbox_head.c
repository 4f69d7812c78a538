#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "store/mbox/from_line.h"
#include "store/mbox/mbox.h"

static void
add_blanks(struct strbuf *out, size_t n)
{
	while (n-- > 0)
		strbuf_addc(out, ' ');
}

size_t
mbox_head_base(const struct mbox_box *box, struct strbuf *out,
    const char *name, uint32_t uidvalidity, uint32_t last_uid, size_t pad)
{
	size_t at;

	strbuf_addf(out, "%s: %" PRIu32 " ", name, uidvalidity);
	at = out->len;
	/* All digits, so that it can be raised in place by anybody. */
	strbuf_addf(out, "%0*" PRIu32, (int)BASE_DIGITS, last_uid);
	for (size_t i = 0; i < box->keywords.n; i++)
		strbuf_addf(out, " %s", box->keywords.v[i]);
	add_blanks(out, pad);
	strbuf_addc(out, '\n');
	return at;
}

static void
add_letters(struct strbuf *out, uint8_t status, const char *letters)
{
	for (const char *p = letters; *p != '\0'; p++) {
		if (status & header_status(p, 1))
			strbuf_addc(out, *p);
	}
}

void
mbox_head_uid(struct strbuf *out, uint32_t uid)
{
	strbuf_addf(out, "X-UID: %" PRIu32 "\n", uid);
}

/*
 * With room the fields are all there, so that flags can be changed in place;
 * the rest of the room follows the keywords.
 */
void
mbox_head_fields(const struct mbox_box *box, struct strbuf *out,
    const struct mbox_mail *mail, size_t pad)
{
	mbox_head_uid(out, mail->uid);
	if (pad > 0 || (mail->status & (STATUS_OLD | FLAG_SEEN)) != 0) {
		strbuf_adds(out, "Status: ");
		add_letters(out, mail->status, "RO");
		strbuf_addc(out, '\n');
	}
	if (mail->status & (FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED |
	    FLAG_DRAFT)) {
		strbuf_adds(out, "X-Status: ");
		add_letters(out, mail->status, "ADFT");
		strbuf_addc(out, '\n');
	}
	if (mail->keyword_count > 0) {
		strbuf_adds(out, "X-Keywords:");
		for (size_t i = 0; i < mail->keyword_count; i++)
			strbuf_addf(out, " %s", box->keywords.v[
			    box->keyword_pool.v[mail->keywords + i]]);
		strbuf_addc(out, '\n');
	}
	if (pad == 0)
		return;
	/* Blanks at the end of the last of these lines. */
	out->len--;
	out->data[out->len] = '\0';
	add_blanks(out, pad);
	strbuf_addc(out, '\n');
}

size_t
mbox_head_pseudo(const struct mbox_box *box, struct strbuf *out,
    uint32_t uidvalidity, uint32_t last_uid)
{
	char line[FROM_LINE_MAX];
	size_t at;

	from_line_format(line, "MAILER-DAEMON", (int64_t)uidvalidity);
	strbuf_adds(out, line);
	strbuf_adds(out, "From: Mail System Internal Data <MAILER-DAEMON>\n"
	    "Subject: DON'T DELETE THIS MESSAGE -- "
	    "FOLDER INTERNAL DATA\n");
	at = mbox_head_base(box, out, "X-IMAP", uidvalidity, last_uid,
	    HEADER_BASE_PAD);
	strbuf_adds(out, "Status: RO\n\n"
	    "The numbers and keywords of this mailbox are kept in the header "
	    "above.  This is\nnot a message, and mail programs do not show "
	    "it.  It will be made anew if it is\ndeleted, but the numbers "
	    "of all messages begin again then.\n");
	return at;
}
