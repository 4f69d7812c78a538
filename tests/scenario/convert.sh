#!/bin/sh
# "Move my mail to another format, and let me read it all the while."
#
# The recipe of the manual: mirror, mirror again, end the sessions, mirror once
# more, switch.  IMAP clients and deliveries go on until the switch.
. "$(dirname "$0")/dovecot_lib.sh"

how_long=${SECONDS_LONG:-3}
formats=${FORMATS:-sdbox}

# A Maildir cannot show the directories that Dovecot itself leaves behind.
view() { # SIDE [HOW]
	imap "$1" "${2:-view}" | grep -v ' (directory)$' | sort
}

# mail_client NUMBER: goes on until the sessions are ended
mail_client() {
	seed=$(($1 * 1000))
	while [ ! -e "$work/over" ]; do
		seed=$((seed + 1))
		imap laptop change "$seed" 10 "client$1" >/dev/null \
		    2>>"$work/laptop/client.log"
	done
}

deliveries() {
	count=0
	while [ ! -e "$work/over" ]; do
		count=$((count + 1))
		deliver "$laptop" "delivered $count"
		sleep 0.1
	done
}

mirror() { # DRIVER
	dsync --force-delete -o "mail_location=maildir:$laptop" \
	    mirror "$1:$work/server/$1"
}

convert() { # DRIVER
	rm -rf "$laptop" "$work/over" "$work/laptop/log"
	sh "$support/make-maildir.sh" "$laptop" 60
	configure laptop
	imap laptop change 1 40 start || fail 'IMAP failed'
	mail_client 1 &
	client=$!
	deliveries &
	other=$!
	mirror "$1"
	[ "$status" = 0 ] || [ "$status" = 2 ] || fail "$1: status $status"
	end=$(($(date +%s) + how_long))
	while [ "$(date +%s)" -lt "$end" ]; do
		mirror "$1"
		[ "$status" = 0 ] || [ "$status" = 2 ] ||
			fail "$1: status $status"
	done
	: >"$work/over"
	wait "$client"
	wait "$other"
	view laptop >/dev/null
	mirror "$1"
	[ "$status" = 0 ] || mirror "$1"
	[ "$status" = 0 ] || fail "$1: the last run ends with $status"
	configure server "$1:$work/server/$1"
	same_view
	mirror "$1"
	prints 'nothing to do'
}

# no_remains DRIVER: a parent that was only a directory goes with its child (T16)
no_remains() {
	printf 'CREATE Deep/er/est\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mirror "$1"
	[ -d "$work/server/$1/mailboxes/Deep/er/est" ] ||
		fail 'the mailbox was not made'
	printf 'DELETE Deep/er/est\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mirror "$1"
	[ ! -e "$work/server/$1/mailboxes/Deep" ] ||
		fail 'a directory is left that nobody made'
	mirror "$1"
	prints 'nothing to do'
}

for format in $formats; do
	step "from a Maildir to $format"
	convert "$format"
	no_remains "$format"
	step "mail programs use $format, and the old Maildir follows"
	imap server change 2 40 later || fail 'IMAP failed'
	mirror "$format"
	[ "$status" = 0 ] || fail "$format: status $status"
	same_view
done
