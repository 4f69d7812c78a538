#!/bin/sh
# "Move my mail to another format, and let me read it all the while."
#
# The recipe of the manual: mirror, mirror again, end the sessions, mirror once
# more, switch.  IMAP clients and deliveries go on until the switch.
#
#	FORMATS='FROM:TO ..'	maildir, sdbox, mdbox, mbox, or with a layout:
#				maildir-fs, sdbox-index, mdbox-index
#	SECONDS_LONG=N		how long clients and deliveries go on
. "$(dirname "$0")/dovecot_lib.sh"

how_long=${SECONDS_LONG:-3}
formats=${FORMATS:-maildir:sdbox sdbox:mdbox}
# Flags change there, but no client takes mail away.
IMAPCTL_SPARE=Arrivals
export IMAPCTL_SPARE
# Dovecot's own programs step on each other when they make an mdbox file, and
# when a client removes the mailbox that another one has open.
bearable="$bearable|Couldn't lock|[Mm]ailbox was deleted under us"

# location FORMAT HOME: an mbox that can have mailboxes below mailboxes
location() {
	case $1 in
	mbox) echo "mbox:$work/$2/mail:DIRNAME=box:INDEX=$work/$2/index" ;;
	*-*) echo "${1%-*}:$work/$2/mail:LAYOUT=${1#*-}" ;;
	*) echo "$1:$work/$2/mail" ;;
	esac
}

# A Maildir cannot show the directories that Dovecot itself leaves behind; an
# mbox has GUIDs of its own.
view() { # SIDE [HOW]
	imap "$1" "${2:-view}" >"$work/seen" || return 1
	case $from$to in
	*mbox[a-z]* | *mbox)
		grep -v ' (directory)$' "$work/seen" |
		    sed 's/ X-GUID=[^ ]*//' | sort ;;
	*) grep -v ' (directory)$' "$work/seen" | sort ;;
	esac
}

# mail_client NUMBER: goes on until the sessions are ended
mail_client() {
	seed=$(($1 * 1000 + ${SEED:-0}))
	while [ ! -e "$work/over" ]; do
		seed=$((seed + 1))
		imap laptop change "$seed" 10 "client$1" >/dev/null \
		    2>>"$work/laptop/client.log"
	done
}

# Each that was told to be taken over has to be there in the end, once.
deliveries() {
	count=0
	while [ ! -e "$work/over" ]; do
		count=$((count + 1))
		printf 'Subject: delivered %s\nX-Number: %s\n\nbody %s\n' \
		    "$count" "$count" "$count" |
		    as laptop doveadm -c "$work/laptop.conf" save -m Arrivals &&
			echo "delivered $count" >>"$work/delivered"
		sleep 0.1
	done
}

mirror() {
	dsync --force-delete \
	    -o "mail_location=$(location "$from" laptop)" \
	    mirror "$(location "$to" server)"
}

# arrived SIDE: UIDs and subjects of what was delivered
arrived() {
	as "$1" doveadm -c "$work/$1.conf" -f flow fetch 'uid hdr.subject' \
	    mailbox Arrivals |
	    sed -n 's/^uid=\([0-9]*\) hdr.subject=\(delivered .*\)$/\1 \2/p'
}

make_source() {
	rm -rf "$work/laptop" "$work/server" "$work/source" "$work/over" \
	    "$work/delivered"
	mkdir -p "$work/laptop/mail" "$work/server/mail"
	sh "$support/make-maildir.sh" "$work/source" 60
	configure laptop "$(location "$from" laptop)"
	configure server "$(location "$to" server)"
	as laptop doveadm -c "$work/laptop.conf" import \
	    "maildir:$work/source" '' all || fail 'doveadm import failed'
	as laptop doveadm -c "$work/laptop.conf" mailbox create Arrivals ||
		fail 'no mailbox'
	imap laptop change 1 40 start || fail 'IMAP failed'
}

convert() {
	make_source
	mail_client 1 &
	client=$!
	deliveries &
	other=$!
	runs=1
	mirror
	[ "$status" = 0 ] || [ "$status" = 2 ] || fail "status $status"
	arrived laptop >"$work/arrived"
	end=$(($(date +%s) + how_long))
	while [ "$(date +%s)" -lt "$end" ]; do
		mirror
		[ "$status" = 0 ] || [ "$status" = 2 ] ||
			fail "status $status"
		runs=$((runs + 1))
	done
	: >"$work/over"
	wait "$client"
	wait "$other"
	view laptop >/dev/null
	mirror
	[ "$status" = 0 ] || mirror
	[ "$status" = 0 ] || fail "the last run ends with $status"
	same_view
	mirror
	prints 'nothing to do'
	nothing_lost
	echo "$runs runs, $(wc -l <"$work/delivered") deliveries," \
	    "$(grep -c '^mail ' "$work/view.b") mails"
}

# What was delivered is there once, under the UID that it had all the time.
nothing_lost() {
	sort "$work/delivered" >"$work/delivered.sorted"
	for side in laptop server; do
		arrived "$side" | sort >"$work/arrived.$side"
		sed 's/^[0-9]* *//' "$work/arrived.$side" | sort |
		    diff - "$work/delivered.sorted" >"$work/out" ||
			fail "deliveries differ on the $side"
		sort "$work/arrived" |
		    comm -23 - "$work/arrived.$side" >"$work/out"
		[ ! -s "$work/out" ] || fail "UIDs changed on the $side"
	done
}

# no_remains: a parent that was only a directory goes with its child (T16)
no_remains() {
	printf 'CREATE Deep/er/est\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mirror
	[ -d "$work/server/mail/mailboxes/Deep/er/est" ] ||
		fail 'the mailbox was not made'
	printf 'DELETE Deep/er/est\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mirror
	[ ! -e "$work/server/mail/mailboxes/Deep" ] ||
		fail 'a directory is left that nobody made'
	mirror
	prints 'nothing to do'
}

# directory_stays: one that is left on one side is one of the other, too,
# though the run takes away there what was below it (T16)
directory_stays() {
	printf 'CREATE Left/over/here\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mirror
	printf 'DELETE Left/over/here\n' | imap laptop script >/dev/null ||
		fail 'IMAP failed'
	mkdir -p "$work/laptop/mail/mailboxes/Left/over"
	mirror
	[ -d "$work/server/mail/mailboxes/Left/over" ] ||
		fail 'the directory is not there'
	[ ! -e "$work/server/mail/mailboxes/Left/over/here" ] ||
		fail 'the mailbox is there'
	mirror
	prints 'nothing to do'
}

for format in $formats; do
	from=${format%:*} to=${format#*:}
	step "from $from to $to"
	convert
	case $format in
	maildir:?dbox) no_remains ;;
	?dbox:?dbox) directory_stays ;;
	esac
	step "mail programs use $to, and the old $from follows"
	imap server change 2 40 later || fail 'IMAP failed'
	mirror
	[ "$status" = 0 ] || fail "status $status"
	same_view
done

# An mbox has no such setting.
for format in $(echo "$formats" | tr ": " "\n\n" | sort -u | grep -vx mbox); do
	step "$format: messages stored with CRLF line ends show the same"
	place=$(location "$format" "crlf-$format")
	mkdir -p "$work/crlf-$format"
	for run in 'changed:' 'nothing to do'; do
		expect 0 -o "mail_location=$place" --create \
		    -o mail_save_crlf=yes mirror "$(location "$from" laptop)"
		prints "$run"
	done
	grep -rql "$(printf '^Subject: .*\r$')" "$work/crlf-$format" ||
		fail 'no line ends with CRLF'
	configure server "$place"
	same_view
done
