#!/bin/sh
# "I move from one of Dovecot's formats to another, and go back and forth, and my
# mail program shows the same in both: also MODSEQ, GUID and the dates."
#
# Two private Dovecots of different formats, kept equal; what is compared and
# changed goes through IMAP.  Then Dovecot looks through all of it, and finds
# nothing to mend.
seed=${SEED:-1}
changes=${CHANGES:-20}
pairs=${PAIRS:-maildir:mdbox mdbox:sdbox sdbox:maildir mdbox:mdbox}

. "$(dirname "$0")/dovecot_lib.sh"

# Mail of both sides becomes one: index files are made anew.
bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"
# It tries mere directories, too.
bearable="$bearable|Opening mailbox .* doesn't exist"

mirror() { # STATUS
	expect "$1" -o "mail_location=$from:$work/laptop/$from" \
	    mirror "$to:$work/server/$to"
}

later_than() { # SECONDS
	[ "$(date +%s)" -gt "$1" ]
}

# When each message came into its mailbox.
saved() { # SIDE
	dove "$1" -f tab fetch 'mailbox uid date.saved' ALL | sort
}

same_saved() {
	saved laptop >"$work/saved.a"
	saved server >"$work/saved.b"
	[ "$(wc -l <"$work/saved.a")" -gt 50 ] || fail 'no dates of saving'
	cmp "$work/saved.a" "$work/saved.b" ||
		fail 'a message was saved at another time'
}

for pair in $pairs; do
	from=${pair%:*}
	to=${pair#*:}
	rm -rf "$work/laptop" "$work/server"
	mkdir -p "$work/laptop" "$work/server"
	configure laptop "$from:$work/laptop/$from"
	configure server "$to:$work/server/$to"

	step "$from to $to: a first run"
	imap laptop change "$seed" 250 start || fail 'IMAP failed'
	# Nothing that is saved from here on has the date of one before.
	wait_until 5 later_than "$(date +%s)" || fail 'the clock stands still'
	mirror 0
	same_view exact
	[ "$to" != mdbox ] || same_saved
	mirror 0
	prints 'nothing to do'

	step "$from and $to: changes on both sides"
	imap laptop change $((seed + 1)) "$changes" laptop || fail 'IMAP failed'
	imap server change $((seed + 2)) "$changes" server || fail 'IMAP failed'
	keeps laptop
	keeps server
	mirror 0
	same_view exact
	told
	mirror 0
	prints 'nothing to do'

	step "$from and $to: Dovecot finds nothing to mend"
	for side in laptop server; do
		dove "$side" force-resync '*'
		dove "$side" purge ||
			fail "purge of the $side failed"
	done
	# The modseqs are new ones then.
	same_view
done
