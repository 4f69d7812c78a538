# attributes_lib.sh: for scenarios about attributes of mailboxes (IMAP METADATA).
#
# The mailboxes that are looked at are INBOX, Other and $more.
# shellcheck shell=sh
. "$(dirname "$0")/dovecot_lib.sh"
# Our own settings come from that Dovecot.
unset DSYNC_DOVECONF
imap_options='-o imap_metadata=yes'
more=

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

# Of the notes that both scenarios begin with.
changes_and_removals() { # LOCATION of the server
	tell laptop <<-'END'
	SETMETADATA Notes (/private/comment "changed")
	SETMETADATA Notes (/shared/comment NIL)
	SETMETADATA Other (/private/new "")
	END
	tell server <<-'END'
	SETMETADATA Other (/private/comment NIL)
	SETMETADATA "" (/private/comment "changed too")
	END
	expect 0 mirror "$1"
	same_notes
	has_note server '"*changed'
	has_no_note server 'for all'
	has_no_note laptop 'from the server'
	has_note laptop 'changed too'
	expect 0 mirror "$1"
	prints 'nothing to do'
}

has_note() { # SIDE TEXT
	notes "$1" | grep -q -- "$2" || fail "the $1 has no note: $2"
}

has_no_note() { # SIDE TEXT
	! notes "$1" | grep -q -- "$2" || fail "the $1 has a note: $2"
}
