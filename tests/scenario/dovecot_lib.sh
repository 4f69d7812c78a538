# dovecot_lib.sh: for scenarios with a real Dovecot on both sides.
#
# Two private Dovecots, laptop and server, of which only the parts are run that
# a user starts.  Their mails lie where lib.sh says, or where "configure" is
# told; what Dovecot logs is in $work/SIDE/log.
# shellcheck shell=sh
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

# configure SIDE [LOCATION [SETTING...]]: its configuration, one line for each
# setting; LOCATION is a mail_location.
configure() {
	side=$1
	location=${2:-maildir:$work/$side/Maildir}
	[ $# -lt 2 ] || shift
	shift
	cat >"$work/$side.conf" <<END
base_dir = $work/$side/run
state_dir = $work/$side/run
log_path = /dev/stderr
ssl = no
protocols = imap
mail_location = $location
mail_plugins =
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
END
	for setting; do
		echo "$setting"
	done >>"$work/$side.conf"
}

# as SIDE COMMAND...: with that side's home and configuration
as() {
	side=$1
	shift
	HOME=$work/$side USER=test "$@" 2>>"$work/$side/log"
}

dove() { # SIDE COMMAND...: doveadm with that side's configuration
	dove_side=$1
	shift
	as "$dove_side" doveadm -c "$work/$dove_side.conf" "$@"
}

# $imap_options: settings that only imap knows and doveadm does not pass on.
imap() { # SIDE WHAT [ARGUMENT...]: imapctl with that side's server
	side=$1
	shift
	as "$side" "$helpers/imapctl" "$@" \
	    doveadm -c "$work/$side.conf" exec imap ${imap_options:-}
}

# imap_open SIDE: a session that stays open until imap_close.  What the server
# says is in $work/imap.
imap_open() {
	[ -p "$work/imap.in" ] || mkfifo "$work/imap.in"
	: >"$work/imap"
	dove "$1" exec imap <"$work/imap.in" >"$work/imap" &
	imap_pid=$!
	exec 3>"$work/imap.in"
}

imap_tag=0
say() { # COMMAND: give it to the open session, which has to obey
	imap_tag=$((imap_tag + 1))
	printf 'a%d. %s\r\n' "$imap_tag" "$*" >&3
	wait_until 20 grep -q "^a$imap_tag\\. " "$work/imap" ||
		fail "IMAP does not answer: $*"
	grep -q "^a$imap_tag\\. OK" "$work/imap" ||
		fail "IMAP: $* $(tail -n 5 "$work/imap")"
}

imap_told() { # PATTERN [TEXT]: the open session was told
	grep -q -- "$1" "$work/imap" || {
		tail -n 20 "$work/imap" >&2
		fail "IMAP was not told of ${2:-$1}"
	}
}

imap_close() {
	exec 3>&-
	wait "$imap_pid"
}

# store SIDE [-c]: our own driver at that side's mail_location, told what to do
# on standard input; what it says is in $work/out.
store() {
	store_side=$1
	shift
	as "$store_side" "$helpers/storectl" "$@" \
	    "$(sed -n 's/^mail_location = //p' "$work/$store_side.conf")" \
	    >"$work/out" || fail "storectl: $(tail -n 5 "$work/out")"
	! grep -E '^(failed|problem)' "$work/out" ||
		fail 'storectl: an operation failed'
}

# Two mailboxes that got one name before they met become one, with one of the
# two UIDVALIDITYs: mail programs of the other side have to be told.
bearable='Warning: Maildir .*: UIDVALIDITY changed'
# A client renames a mailbox to a name below which there are others.
bearable="$bearable|rename[(].*Directory not empty"

no_complaint() {
	for side in laptop server; do
		grep -sE 'Error|Warning|Panic|Fatal' "$work/$side/log" |
		    grep -vE "$bearable" >&2 &&
			fail "Dovecot complains about the $side"
	done
	:
}

view() { # SIDE [HOW]: all that a mail client sees; HOW is exact: modseqs too
	imap "$1" "${2:-view}" | sort
}

# Random changes delete whole mailboxes, of whose mail nobody knows how much it
# is; INBOX is left.
mails_min=20

same_view() { # [HOW]: as view
	view laptop "$@" >"$work/view.a"
	view server "$@" >"$work/view.b"
	diff "$work/view.a" "$work/view.b" >"$work/view.diff" || {
		head -n 40 "$work/view.diff" >&2
		fail "$(grep -c '^[<>]' "$work/view.diff") differences"
	}
	[ "$(grep -c '^mail ' "$work/view.a")" -ge "$mails_min" ] ||
		fail 'there is no mail'
	no_complaint
}

# keeps SIDE: a mail client that has seen all of that side
keeps() {
	imap "$1" keep >"$work/kept.$1" || fail 'IMAP failed'
}

# told: whoever saw one side before the run and comes to either now is told of
# all that has changed, without looking at the rest.
told() {
	for seen in laptop server; do
		for at in laptop server; do
			imap "$at" resync <"$work/kept.$seen" >"$work/told" || {
				head -n 20 "$work/told" >&2
				fail "a client that knew the $seen and" \
				    "came to the $at was left behind"
			}
		done
	done
}
