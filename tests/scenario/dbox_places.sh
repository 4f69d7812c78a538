#!/bin/sh
# "My old mail lies on slower disks, all of it is compressed, and attachments are
# in files of their own."
#
# Dovecot keeps an sdbox or mdbox with an ALT storage, to which it moves mail,
# and compresses with its zlib plugin; a plain Maildir is kept equal.  Then it
# takes attachments out of mails, as files, with and without single instances:
# such a mail is told, and not copied.
#
#	FORMATS=FORMAT ..	of the laptop
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-31}
# When it is asked to.
bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"

ls /usr/lib/dovecot/modules/lib20_zlib_plugin.so >/dev/null 2>&1 || {
	echo 'Dovecot has no zlib plugin' >&2
	exit 77
}

view() { # SIDE
	imap "$1" view | grep -v ' (directory)$' | sort
}

mirror() { # [OPTION...]
	expect 0 "$@" -o "mail_location=$mails" mirror "maildir:$server"
	same_view
	expect 0 "$@" -o "mail_location=$mails" mirror "maildir:$server"
	prints 'nothing to do'
}

in_alt() { # mail files there
	find "$work/laptop/alt" -name '[um].[0-9]*' 2>/dev/null | wc -l
}

# subjects: of the Maildir
subjects() {
	dove server -f flow fetch hdr.subject ALL | sed 's/^hdr.subject=//'
}

attachment() { # SUBJECT
	printf 'Subject: %s\nMIME-Version: 1.0\n' "$1"
	printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n'
	printf 'Content-Type: application/octet-stream\n'
	printf 'Content-Transfer-Encoding: base64\n\n'
	head -c 9000 "$dsync_program" | base64 -w 76
	printf -- '--b--\n'
}

for format in ${FORMATS:-sdbox mdbox}; do
	rm -rf "$work/laptop" "$work/server" "$work/source"
	mkdir -p "$work/laptop" "$work/server"
	mails=$format:$work/laptop/mail:ALT=$work/laptop/alt
	server=$work/server/Maildir
	configure server

	step "$format: what Dovecot compressed is read"
	configure laptop "$mails" 'mail_plugins = zlib' \
	    'plugin {' 'zlib_save = gz' '}'
	sh "$support/make-maildir.sh" "$work/source" 60
	dove laptop import "maildir:$work/source" '' all ||
		fail 'doveadm import failed'
	imap laptop change "$seed" 20 start || fail 'IMAP failed'
	dove laptop -f flow fetch 'size.physical size.virtual' ALL \
	    >"$work/out" || fail 'doveadm fetch failed'
	! grep -rqa '^Message-ID: ' "$work/laptop/mail" --include='[um].*' ||
		fail 'Dovecot did not compress'
	mirror
	! grep -rqa 'zlib' "$work/err" || fail 'it complains'

	step "$format: what it moved to the ALT storage is read"
	dove laptop mailbox create Alt/kept Alt/gone || fail 'create failed'
	for box in kept gone; do
		printf 'Subject: %s\n\nbody\n' "$box" |
		    dove laptop save -m "Alt/$box" || fail 'save failed'
	done
	dove laptop altmove ALL || fail 'altmove failed'
	[ "$format" = sdbox ] || dove laptop purge || fail 'purge failed'
	[ "$(in_alt)" -gt 0 ] || fail 'nothing is there'
	server=$work/server/Again
	configure server "maildir:$server"
	mirror --create

	step "$format: it has the names there that mailboxes get"
	printf '%s\n' 'RENAME Alt/kept Moved/here' 'DELETE Alt/gone' |
	    imap server script || fail 'IMAP failed'
	mirror
	! [ -e "$work/laptop/alt/mailboxes/Alt" ] ||
		fail 'the old names are still there'
	imap laptop change $((seed + 1)) 20 laptop || fail 'IMAP failed'
	imap server change $((seed + 2)) 20 server || fail 'IMAP failed'
	mirror

	step "$format: what we compress is shown by Dovecot"
	imap server change $((seed + 3)) 20 server || fail 'IMAP failed'
	mirror -o zlib_save=gz
	find "$work/laptop" -name 'dovecot.index.cache' -exec rm {} +
	same_view
	dove laptop force-resync '*' || fail 'force-resync failed'
	dove laptop purge || fail 'purge failed'
	same_view

	for fs in posix 'sis posix'; do
		step "$format: attachments by $fs: such mails are told"
		configure laptop "$mails" 'mail_plugins = zlib' \
		    "mail_attachment_dir = $work/laptop/attachments" \
		    'mail_attachment_min_size = 1k' \
		    "mail_attachment_fs = $fs"
		attachment 'attached' | dove laptop save -m INBOX ||
			fail 'no mail with an attachment'
		[ -n "$(find "$work/laptop/attachments" -type f)" ] ||
			fail 'the attachment is in the mail'
		printf 'Subject: beside it by %s\n\nbody\n' "$fs" |
		    dove laptop save -m INBOX || fail 'doveadm save failed'
		expect 2 -o "mail_location=$mails" mirror "maildir:$server"
		says 'attachments'
		subjects >"$work/subjects"
		grep -qx "beside it by $fs" "$work/subjects" ||
			fail 'the rest did not go on'
		! grep -qx 'attached' "$work/subjects" ||
			fail 'half a mail was copied'
		dove laptop expunge mailbox INBOX subject attached ||
			fail 'expunge failed'
		mirror
	done
done
