#!/bin/sh
# "My notes on folders are the same on both hosts" (T15), with a server between
# them: each program knows the files of its own Dovecot alone.
. "$(dirname "$0")/attributes_lib.sh"
more=Notes

configure laptop "maildir:$work/laptop/Maildir" \
    "mail_attribute_dict = file:%h/dovecot-attributes"
configure server "mdbox:$work/server/mdbox" \
    "mail_attribute_dict = file:%h/meta/attributes"
sh "$support/make-maildir.sh" "$laptop" 20
for side in laptop server; do
	mkdir -p "$work/$side/.config/dsync"
done
printf 'dovecot_config = %s\nfirst_valid_uid = 1\n' "$work/laptop.conf" \
    >"$work/laptop/.config/dsync/dsync.conf"
printf 'dovecot_config = %s\nfirst_valid_uid = 1\n' "$work/server.conf" \
    >"$work/server/.config/dsync/dsync-server.conf"
server_start
enrol

step "notes made before the first run go both ways"
tell laptop <<'END'
CREATE Notes
SETMETADATA Notes (/private/comment "from the laptop")
SETMETADATA Notes (/shared/comment "for all")
SETMETADATA "" (/private/comment "of the server")
END
tell server <<'END'
CREATE Other
SETMETADATA Other (/private/comment "from the server")
SETMETADATA INBOX (/private/vendor/test/size "7")
END
expect 0 mirror "$place"
same_notes
has_note server 'from the laptop'
has_note server 'for all'
has_note server 'of the server'
has_note laptop 'from the server'
has_note laptop 'size'
expect 0 mirror "$place"
prints 'nothing to do'

step "so do changes and removals"
changes_and_removals "$place"

step "of two values the later one stays, which is told"
printf 'SETMETADATA Notes (/private/comment "one")\n' | tell laptop
printf 'SETMETADATA Notes (/private/comment "two")\n' | tell server
expect 0 -v mirror "$place"
cat "$work/out" "$work/err" | grep -q T15 || fail 'no conflict is told'
same_notes

step "backup makes those of the destination equal"
tell server <<'END'
SETMETADATA Other (/private/comment "discarded")
SETMETADATA INBOX (/private/vendor/test/size "8")
END
sum=$(cksum <"$work/laptop/dovecot-attributes")
expect 0 backup "$place"
same_notes
has_no_note server 'discarded'
[ "$sum" = "$(cksum <"$work/laptop/dovecot-attributes")" ] ||
	fail 'backup wrote to its source'
expect 0 backup "$place"
prints 'nothing to do'
no_complaint
