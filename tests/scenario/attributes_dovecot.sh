#!/bin/sh
# "My notes on folders are the same on both servers" (T15).
#
# Attributes of mailboxes (IMAP METADATA), set and read through IMAP on both
# sides, which have other formats and keep the attributes in other places.
. "$(dirname "$0")/attributes_lib.sh"
more=Notes

configure laptop "maildir:$work/laptop/Maildir" \
    "mail_attribute_dict = file:%h/dovecot-attributes"
configure server "mdbox:$work/server/mdbox" \
    "mail_attribute_dict = file:%h/meta/attributes:lock=fcntl"
sh "$support/make-maildir.sh" "$laptop" 30
mkdir -p "$work/laptop/.config/dsync"
cat >"$work/laptop/.config/dsync/dsync.conf" <<END
dovecot_config = $work/laptop.conf
first_valid_uid = 1
END
there=mdbox:$work/server/mdbox
there=$there:ATTRIBUTES=$work/server/meta/attributes:ATTRIBUTES_LOCK=fcntl
file=$work/laptop/dovecot-attributes

step "notes made before the first run come along"
tell laptop <<'END'
CREATE Notes
SETMETADATA Notes (/private/comment "from the laptop")
SETMETADATA Notes (/shared/comment "for all")
SETMETADATA INBOX (/private/vendor/test/colour "red")
SETMETADATA "" (/private/comment "of the server")
END
tell server <<'END'
CREATE Other
SETMETADATA Other (/private/comment "from the server")
SETMETADATA INBOX (/private/vendor/test/size "7")
END
# No mail client can see this: a secret of this server.
guid=$(sed -n 's/.* G\([0-9a-f]*\).*/\1/p' "$laptop/dovecot-uidlist" |
    head -n 1)
printf 'priv/%s/vendor/vendor.dovecot/pvt/imap-urlauth\nsecret\n' "$guid" \
    >>"$file"
expect 2 -n mirror "$there"
prints 'set attribute /private/comment'
expect 0 mirror "$there"
same_notes
[ "$(grep -c . "$work/notes.a")" -ge 6 ] || fail 'there are no notes'
has_note server 'of the server'
has_note server 'for all'
has_note laptop 'from the server'
has_note laptop 'size'
! grep -q secret "$work/server/meta/attributes" ||
	fail 'a secret of one server went to the other'
grep -q secret "$file" || fail 'a secret is lost'
expect 0 mirror "$there"
prints 'nothing to do'

step "changes and removals of either side reach the other"
changes_and_removals "$there"
no_complaint

step "of two values of one note the later one stays, and the loss is told"
printf 'SETMETADATA Notes (/private/comment "earlier")\n' | tell laptop
expect 0 -v mirror "$there"
printf 'SETMETADATA Notes (/private/comment "one")\n' | tell laptop
printf 'SETMETADATA Notes (/private/comment "two")\n' | tell server
expect 0 -v mirror "$there"
grep -q 'T15' "$work/out" "$work/err" || fail 'no conflict is told'
grep -q 'changed on both sides' "$work/out" "$work/err" ||
	fail 'no conflict is told'
same_notes

step "a note follows its mailbox through a rename, and goes with it"
more=Moved
printf 'RENAME Notes Moved\n' | tell laptop
expect 0 mirror "$there"
printf 'GETMETADATA Moved /private/comment\n' | imap server script |
    grep -qE 'one|two' || fail 'the note is lost'
more=
printf 'DELETE Moved\n' | tell server
expect 0 mirror "$there"
! grep -qE 'one|two' "$file" || fail 'a note outlives its mailbox'
same_notes

step "backup makes the destination's notes equal"
tell server <<'END'
SETMETADATA Other (/private/comment "discarded")
SETMETADATA INBOX (/private/vendor/test/colour NIL)
SETMETADATA INBOX (/private/vendor/test/size "8")
END
sum=$(cksum <"$file")
expect 0 backup "$there"
same_notes
[ "$sum" = "$(cksum <"$file")" ] || fail 'backup wrote to its source'
expect 0 backup "$there"
prints 'nothing to do'

step "a store that keeps none is no error, and told once"
printf 'SETMETADATA Other (/private/comment "stays here")\n' | tell laptop
expect 0 mirror "mdbox:$work/server/mdbox"
says 'keeps no attributes'
[ "$(grep -c 'keeps no attributes' "$work/err")" = 1 ] ||
	fail 'it is told more than once'
has_no_note server 'stays here'

step "once it does, it gets what it missed"
expect 0 mirror "$there"
same_notes
has_note server 'stays here'

step "a file that is missing takes no note away"
mv "$file" "$file.away"
expect 2 mirror "$there"
says 'file is missing'
has_note server 'stays here'
[ ! -e "$file" ] || fail 'it was made anew'
mv "$file.away" "$file"
expect 0 mirror "$there"
same_notes

step "what is too large is told, and the rest goes on"
{
	printf 'SETMETADATA Other (/private/large {200000+}\r\n'
	head -c 200000 /dev/zero | tr '\0' x
	printf ')\r\na SETMETADATA Other (/private/small "y")\r\nb LOGOUT\r\n'
} | sed '1s/^/c /' |
    dove laptop exec imap -o imap_metadata=yes >"$work/imap" 2>&1
grep -q '^a OK' "$work/imap" || fail 'IMAP refused it'
expect 2 mirror "$there"
says 'has more than 196608 bytes'
has_note server small
has_no_note server large
printf 'SETMETADATA Other (/private/large NIL)\n' | tell laptop
expect 0 mirror "$there"
expect 0 mirror "$there"
prints 'nothing to do'
same_notes
no_complaint
