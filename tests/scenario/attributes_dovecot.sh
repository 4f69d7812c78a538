#!/bin/sh
# "My notes on folders are the same on both servers" (T15).
#
# Attributes of mailboxes (IMAP METADATA), set and read through IMAP on both
# sides, which have other formats and keep the attributes in other places.
. "$(dirname "$0")/dovecot_lib.sh"
# Our own settings come from that Dovecot.
unset DSYNC_DOVECONF
imap_options='-o imap_metadata=yes'
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

tell() { # SIDE: IMAP commands, a line each, on standard input
	imap "$1" script >"$work/imap" || fail 'IMAP failed'
	! grep -E '^[a-z0-9]+[.]? (NO|BAD)' "$work/imap" >&2 ||
		fail "IMAP refused something on the $1"
}

notes() { # SIDE: all attributes that a mail client sees, a line each
	# Dovecot lists none of the server's.  By another GUID than it had a
	# mailbox is known to its list of mailboxes once it is selected (T10).
	for box in INBOX Other $more ''; do
		if [ -n "$box" ]; then
			echo "SELECT $box"
			echo "GETMETADATA (DEPTH infinity)" \
			    "$box (/private /shared)"
		else
			echo 'GETMETADATA "" /private/comment'
		fi | imap "$1" script 2>/dev/null
	done | tr -d '\r' | awk '
	    /^\* METADATA / {
		mailbox = $3
		sub(/^\* METADATA [^ ]+ [(]/, " ")
		inside = 1
	    }
	    /^[a-z0-9]+[.]? (OK|NO|BAD)/ { inside = 0 }
	    inside {
		last = sub(/[)]$/, "")
		gsub(/ [/](private|shared)[/]/, "\n" mailbox "&")
		printf "%s ", $0
		if (last)
			inside = 0
	    }
	    END { print "" }' | sed 's, *$,,; /^$/d' | sort
}

same_notes() {
	notes laptop >"$work/notes.a"
	notes server >"$work/notes.b"
	diff "$work/notes.a" "$work/notes.b" >&2 || fail 'the notes differ'
}

has_note() { # SIDE TEXT
	notes "$1" | grep -q -- "$2" || fail "the $1 has no note: $2"
}

has_no_note() { # SIDE TEXT
	! notes "$1" | grep -q -- "$2" || fail "the $1 has a note: $2"
}

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
tell laptop <<'END'
SETMETADATA Notes (/private/comment "changed")
SETMETADATA Notes (/shared/comment NIL)
SETMETADATA Other (/private/new "")
END
tell server <<'END'
SETMETADATA Other (/private/comment NIL)
SETMETADATA "" (/private/comment "changed too")
END
expect 0 mirror "$there"
same_notes
has_note server '"*changed'
has_no_note server 'for all'
has_no_note laptop 'from the server'
has_note laptop 'changed too'
expect 0 mirror "$there"
prints 'nothing to do'
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
