#!/bin/sh
# "A disk error took some of my mails.  What is whole is synchronised, the others
# are named, and none of them is taken for deleted on the other side."
#
# An mdbox and an sdbox kept equal; files of the sdbox are cut and lost, then
# those of the mdbox, and put back in the end.  Mails with parts in other files,
# and files that cannot be read, are named, too.
. "$(dirname "$0")/dovecot_lib.sh"

mirror() { # STATUS
	expect "$1" -o "mail_location=mdbox:$work/laptop/mail" \
	    mirror "sdbox:$work/server/mail"
}

save() { # SIDE SUBJECT
	printf 'Subject: %s\n\nbody\n' "$2" |
	    dove "$1" save -m INBOX ||
	    fail "no mail on the $1"
}

mkdir -p "$work/laptop" "$work/server"
configure laptop "mdbox:$work/laptop/mail"
configure server "sdbox:$work/server/mail"
imap laptop change 1 250 start || fail 'IMAP failed'
for n in 1 2 3; do
	save laptop "mail $n"
done
mirror 0
same_view
box=$work/server/mail/mailboxes/INBOX/dbox-Mails
storage=$work/laptop/mail/storage

step 'files of an sdbox are cut and lost'
view laptop >"$work/before"
# shellcheck disable=SC2012
cut=$(ls "$box" | sed -n 's/^u\.//p' | sort -n | tail -n 1)
lost=$(ls "$box" | sed -n 's/^u\.//p' | sort -n | tail -n 2 | head -n 1)
cp -p "$box/u.$cut" "$work/cut" && cp -p "$box/u.$lost" "$work/lost"
head -c 40 "$work/cut" >"$box/u.$cut"
rm "$box/u.$lost"
imap laptop change 8 1 side || fail 'IMAP failed'
save laptop 'after the damage'
view laptop >"$work/before"
mirror 2
says "UID $cut"
view laptop >"$work/after"
diff "$work/before" "$work/after" || fail 'the laptop lost mail'
mirror 2
view laptop >"$work/after"
diff "$work/before" "$work/after" || fail 'the laptop lost mail'

step 'they are put back'
cp -p "$work/cut" "$box/u.$cut"
cp -p "$work/lost" "$box/u.$lost"
save server 'mended'
mirror 0
same_view

step 'a file of an mdbox is cut and lost'
file=$(ls "$storage"/m.* | tail -n 1)
cp -p "$file" "$work/file"
size=$(wc -c <"$work/file")
view server >"$work/before"
for left in $((size / 2)) 0; do
	head -c "$left" "$work/file" >"$file"
	[ "$left" != 0 ] || rm "$file"
	save server "with $left bytes"
	view server >"$work/before"
	# Its index still knows which mails they are: nothing is unclear.
	mirror 0
	says 'damaged messages in all'
	view server >"$work/after"
	diff "$work/before" "$work/after" || fail 'the server lost mail'
done
cp -p "$work/file" "$file"
save laptop 'whole again'
mirror 0
same_view

step 'attachments in files of their own: these mails are told, and not copied'
mkdir "$work/laptop/attachments"
configure laptop "mdbox:$work/laptop/mail" \
    "mail_attachment_dir = $work/laptop/attachments" \
    'mail_attachment_min_size = 1k' 'mail_attachment_fs = posix'
{
	printf 'Subject: attached\nMIME-Version: 1.0\n'
	printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n'
	printf 'Content-Type: application/octet-stream\n'
	printf 'Content-Transfer-Encoding: base64\n\n'
	head -c 9000 "$dsync_program" | base64 -w 76
	printf -- '--b--\n'
} | as laptop doveadm -c "$work/laptop.conf" save -m INBOX ||
	fail 'no mail with an attachment'
[ -n "$(find "$work/laptop/attachments" -type f)" ] ||
	fail 'the attachment is in the mail'
save laptop 'without attachment'
mirror 2
says 'attachments'
as server doveadm -c "$work/server.conf" -f flow fetch hdr.subject \
    mailbox INBOX >"$work/out"
prints 'without attachment'
! grep -q 'attached' "$work/out" || fail 'half a mail was copied'
as laptop doveadm -c "$work/laptop.conf" expunge mailbox INBOX \
    subject attached || fail 'expunge failed'
mirror 0
same_view

step 'a file of an mdbox that only others may read'
file=$(find "$storage" -name 'm.*' | tail -n 1)
chmod 0 "$file"
save server 'while it cannot be read'
view server >"$work/before"
mirror 2
says 'Permission denied'
view server >"$work/after"
diff "$work/before" "$work/after" || fail 'the server lost mail'
chmod 400 "$file"
save server 'while it cannot be written'
mirror 0
chmod 600 "$file"
save laptop 'whole again'
mirror 0
same_view
