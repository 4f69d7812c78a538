#!/bin/sh
# "My mail program cannot tell which of the two servers it talks to."
#
# Two private Dovecots, of which only the parts are run that a user starts, and
# their Maildirs kept equal over TLS: all that is compared or changed is seen
# and done through IMAP.
rounds=${ROUNDS:-8}
changes=${CHANGES:-25}
seed=${SEED:-1}

command -v doveadm >/dev/null && [ -x /usr/lib/dovecot/imap ] || {
	echo 'Dovecot is not installed' >&2
	exit 77
}
# Its options are those of 2.3.
case $(doveadm help 2>&1; dovecot --version 2>/dev/null) in
*2.4.*)
	echo 'this Dovecot wants another configuration' >&2
	exit 77
	;;
esac
. "$(dirname "$0")/lib.sh"

configure() { # SIDE
	cat >"$work/$1.conf" <<END
base_dir = $work/$1/run
state_dir = $work/$1/run
log_path = /dev/stderr
ssl = no
protocols = imap
mail_location = maildir:$work/$1/Maildir
mail_plugins =
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
END
}

# as SIDE COMMAND...: with that side's home and configuration
as() {
	side=$1
	shift
	HOME=$work/$side USER=test "$@" 2>>"$work/$side/log"
}

imap() { # SIDE WHAT [ARGUMENT...]: imapctl with that side's server
	side=$1
	shift
	as "$side" "$helpers/imapctl" "$@" \
	    doveadm -c "$work/$side.conf" exec imap
}

# Two mailboxes that got one name before they met become one, with one of the
# two UIDVALIDITYs: mail programs of the other side have to be told.
no_complaint() {
	for side in laptop server; do
		grep -E 'Error|Warning|Panic|Fatal' "$work/$side/log" |
		    grep -v 'Warning: Maildir .*: UIDVALIDITY changed' >&2 &&
			fail "Dovecot complains about the $side"
	done
	:
}

view() { # SIDE
	imap "$1" view | sort
}

same_view() {
	view laptop >"$work/view.a"
	view server >"$work/view.b"
	diff "$work/view.a" "$work/view.b" >"$work/view.diff" || {
		head -n 40 "$work/view.diff" >&2
		fail "$(grep -c '^[<>]' "$work/view.diff") differences"
	}
	[ "$(grep -c '^mail ' "$work/view.a")" -gt 50 ] ||
		fail 'there is no mail'
	no_complaint
}

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 120
maildir "$server"
server_start
enrol

step "what mail programs did before"
imap laptop change "$seed" 60 start || fail 'IMAP failed'
view laptop >/dev/null
no_complaint

step "an empty server shows the same after one run"
expect 0 mirror "$place"
same_view
expect 0 mirror "$place"
prints 'nothing to do'
same_view

step "a mail that is moved crosses the wire without its body"
printf 'CREATE Filed\nSELECT INBOX\nUID MOVE 1:20 Filed\n' |
    imap laptop script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
prints '; 0 B of mail'
same_view
printf 'SELECT Filed\nUID MOVE 3:9 INBOX\nUID COPY 10:12 INBOX\n' |
    imap server script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
prints '; 0 B of mail'
same_view

round=1
while [ "$round" -le "$rounds" ]; do
	number=$((seed * 1000 + round))
	step "random changes on both sides at once: $number"
	imap laptop change "$number" "$changes" laptop &
	other=$!
	imap server change "$number" "$changes" server || fail 'IMAP failed'
	wait "$other" || fail 'IMAP failed'
	expect 0 mirror "$place"
	same_view
	expect 0 mirror "$place"
	prints 'nothing to do'
	round=$((round + 1))
done
expect 0 -f mirror "$place"
prints 'nothing to do'
same_view
