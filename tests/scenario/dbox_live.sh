#!/bin/sh
# "The server delivers, my mail programs change, copy and delete, and at night it
# purges; the mirror runs all the while.  Nothing is lost, and the server's log
# has nothing to say."
#
# Two private Dovecots, an mdbox and an sdbox, each worked on by its own doveadm
# while runs go on.  Each mail that nobody expunged is there once in the end.
turns=${TURNS:-13}

. "$(dirname "$0")/dovecot_lib.sh"

save() { # SIDE SUBJECT MAILBOX
	printf 'Subject: %s\n\nbody of %s\n' "$2" "$2" |
	    dove "$1" save -m "$3"
}

has() { # SIDE MAILBOX SUBJECT
	[ -n "$(dove "$1" search mailbox "$2" subject "$3")" ]
}

# A message that gets another UID between two steps of a command is not copied
# or expunged by it, so what was asked for is looked for, and asked for again.
# Dovecot says of a copy why.
bearable="$bearable|Copying message UID .*: Message was expunged"
overtaken() { # SIDE: what failed last did for that reason
	tail -n 1 "$work/$1/log" |
	    grep -q 'Copying message .*: Message was expunged'
}

# What users and deliveries do on a side, for so many turns.
work_on() { # SIDE
	for turn in $(seq "$turns"); do
		save "$1" "keep-$1-$turn." INBOX || return 1
		save "$1" "gone-$1-$turn." INBOX || return 1
		dove "$1" flags add "\\Flagged k$turn" mailbox INBOX \
		    subject "keep-$1-$turn." || return 1
		until has "$1" Copies "keep-$1-$turn."; do
			dove "$1" copy Copies mailbox INBOX \
			    subject "keep-$1-$turn." ||
				overtaken "$1" || return 1
		done
		while has "$1" INBOX "gone-$1-$turn."; do
			dove "$1" expunge mailbox INBOX \
			    subject "gone-$1-$turn." || return 1
		done
		[ $((turn % 4)) != 0 ] || dove "$1" purge || return 1
	done
	: >"$work/$1.finished"
}

mirror() {
	dsync -o "mail_location=mdbox:$work/laptop/mail" \
	    mirror "sdbox:$work/server/mail"
}

configure laptop "mdbox:$work/laptop/mail"
configure server "sdbox:$work/server/mail"
for side in laptop server; do
	dove $side mailbox create Copies || fail "no mailbox on the $side"
	save $side "first-$side" INBOX || fail "no mail on the $side"
done
mirror
[ "$status" = 0 ] || fail 'the first run failed'

step 'runs while both sides are worked on'
work_on laptop &
laptop_pid=$!
work_on server &
server_work=$!
runs=0
until [ -e "$work/laptop.finished" ] && [ -e "$work/server.finished" ]; do
	mirror
	case $status in
	0 | 2) runs=$((runs + 1)) ;;
	*) fail "a run ended with $status" ;;
	esac
	[ "$runs" -lt $((turns * 200)) ] || fail 'it does not end'
	# Somebody failed, and will never finish.
	kill -0 "$laptop_pid" 2>/dev/null || [ -e "$work/laptop.finished" ] ||
		fail 'the laptop failed'
	kill -0 "$server_work" 2>/dev/null || [ -e "$work/server.finished" ] ||
		fail 'the server failed'
done
wait "$laptop_pid" || fail 'the laptop failed'
wait "$server_work" || fail 'the server failed'

step 'all is there, once'
mirror
[ "$status" = 0 ] || mirror
[ "$status" = 0 ] || fail "the last run ended with $status"
same_view
for side in laptop server; do
	for box in INBOX Copies; do
		dove $side -f flow fetch hdr.subject mailbox $box |
		    sed 's/^hdr.subject=//' | sort >"$work/subjects"
		for turn in $(seq "$turns"); do
			for from in laptop server; do
				echo "keep-$from-$turn."
			done
		done | sort >"$work/expected"
		grep '^keep' "$work/subjects" |
		    diff "$work/expected" - >"$work/out" ||
			fail "$box of the $side"
		! grep '^gone' "$work/subjects" ||
			fail "expunged mail is in $box of the $side"
	done
	dove $side purge || fail "purge of the $side failed"
done
no_complaint

step 'Dovecot finds nothing to mend'
bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"
for side in laptop server; do
	dove $side force-resync '*' || fail "force-resync of the $side"
done
same_view
