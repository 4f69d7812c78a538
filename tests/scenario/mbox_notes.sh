#!/bin/sh
# "Mutt writes into the headers of my mbox, and somebody tidied up beside it."
#
# What mail programs note in headers (Lines, X-Mozilla-Status, X-UIDL) makes no
# other mail of a mail, neither with the GUIDs that we keep beside an mbox nor
# when they are lost at the same time.
. "$(dirname "$0")/lib.sh"

mails=$work/laptop/mail
inbox=$mails/inbox
state=$mails/.imap/INBOX/dsync-mbox

mirror() { # STATUS
	expect "$1" --force-delete -v -o "mail_location=mbox:$mails" \
	    mirror "maildir:$server"
}

both_have() { # NUMBER: of mails, on both sides
	[ "$(grep -c '^Subject: ' "$inbox")" = "$1" ] &&
		[ "$(count_mails "$server")" = "$1" ] || {
		grep '^Subject: ' "$inbox" >&2
		fail "there are not $1 mails"
	}
	mirror 0
	prints 'nothing to do'
}

start() {
	rm -rf "$mails" "$server"
	mkdir -p "$mails"
	maildir "$server"
	for subject in one two; do
		printf 'From a@b  Sun Sep  9 01:46:40 2001\n'
		printf 'Subject: %s\nX-UIDL: 1\n\nbody %s\n\n' "$subject" \
		    "$subject"
	done >"$inbox"
	deliver "$server" 'three'
	deliver "$server" 'four'
	mirror 0
	both_have 4
}

# As a mail program does it: notes, and flags, are written anew.
notes() {
	sed -e '/^Status:/d' -e '/^X-Status:/d' -e 's/^X-UIDL: 1/X-UIDL: 2/' \
	    -e 's/^Subject: .*/&\nStatus: RO\nLines: 1\nX-Mozilla-Status: 0003/' \
	    "$inbox" >"$work/inbox" && cp "$work/inbox" "$inbox"
}

step 'a note makes no other mail, and what is expunged there stays so'
start
notes
expunge "$server" 'three'
mirror 0
both_have 3
[ "$(find "$server/cur" -name '*:2,S' | wc -l)" = 3 ] ||
	fail 'flags were not taken over'
grep -q '^X-Mozilla-Status: 0003' "$inbox" || fail 'a note is gone'

step 'the same without our state'
start
[ -f "$state" ] || fail 'there is no state'
rm "$state"
notes
expunge "$server" 'three'
mirror 0
both_have 3

step 'nothing is there twice without anything beside the mbox'
start
rm -r "$mails/.imap"
notes
mirror 0
both_have 4
