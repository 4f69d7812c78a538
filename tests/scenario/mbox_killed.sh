#!/bin/sh
# "dsync was killed while it wrote my mbox, and then a mail arrived."
#
# Our driver ends at each step of a change in turn, and Dovecot saves a mail
# before anybody has seen to what was left.  What Dovecot has shown under a UID
# never becomes another mail, all mail is there, and ours keeps its GUID.
. "$(dirname "$0")/dovecot_lib.sh"

mails=mbox:$work/server/mbox:INBOX=$work/server/inbox
guid=0123456789abcdef0123456789abcdef

save() { # SUBJECT
	printf 'Subject: %s\n\nbody\n' "$1" | dove server save -m INBOX ||
		fail 'doveadm save failed'
}

shown() { # what Dovecot shows: UID and subject, a line each
	dove server -f tab fetch 'uid hdr.subject' mailbox INBOX ALL |
	    tail -n +2
}

start() { # where Dovecot has saved three mails
	rm -rf "$work/server"
	if [ -d "$work/three" ]; then
		cp -Rp "$work/three" "$work/server"
		return
	fi
	mkdir -p "$work/server/mbox"
	: >"$work/server/inbox"
	configure server "$mails"
	save first
	save second
	save third
	cp -Rp "$work/server" "$work/three"
}

# Until the end, as if the process ended at the Nth step; false: it came to it.
cut_off() { # N < commands
	status=0
	as server "$helpers/storectl" -g "$1" "$mails" >"$work/out" ||
		status=1
	# Dovecot would wait before it removes it.
	rm -f "$work/server/inbox.lock"
	[ "$status" = 1 ]
}

# All but the last one of the words are those of lines that are in both.
never_another() {
	LC_ALL=C sort "$work/before" >"$work/one"
	LC_ALL=C sort "$work/after" >"$work/two"
	LC_ALL=C join -t "$(printf '\t')" "$work/one" "$work/two" |
	    awk -F '\t' '$2 != $3 { bad = 1 } END { exit bad }'
}

check() { # STEP SUBJECT...: all that has to be there
	at=$1
	shift
	for subject; do
		count=$(grep -c "	$subject\$" "$work/after")
		[ "$count" = 1 ] || { [ -n "$broken" ] && [ "$count" -gt 1 ]; } ||
			fail "step $at: not one $subject"
	done
	[ -z "$broken" ] || return
	never_another || {
		cat "$work/one" "$work/two" >&2
		fail "step $at: a UID became that of another mail"
	}
	grep "	late\$" "$work/before" >"$work/one"
	grep -qxFf "$work/one" "$work/after" ||
		fail "step $at: the mail that arrived has another UID"
	uid=$(sed -n 's/	ours$//p' "$work/after")
	[ -z "$uid" ] || grep -q "^$uid $guid " "$work/scan" ||
		fail "step $at: our mail lost its GUID"
	no_complaint
}

# all_steps SUBJECT... < commands
all_steps() {
	cat >"$work/commands"
	number=0
	while
		start
		number=$((number + 1))
		cut_off "$number" <"$work/commands"
	do
		shown >"$work/before"
		save late
		shown >>"$work/before"
		# What sees to it is cut off as well, at any step.
		printf 'open INBOX\nscan\n' |
		    cut_off $((number * ${STRIDE:-7} % 43 + 1))
		printf 'open INBOX\nscan\n' |
		    as server "$helpers/storectl" "$mails" >"$work/scan" ||
			fail "step $number: $(cat "$work/scan")"
		! grep -q '^problem' "$work/scan" ||
			mended=$((mended + 1))
		[ -n "$broken" ] || [ "$mended" = 0 ] ||
			fail "step $number: a problem"
		shown >"$work/after"
		check "$number" "$@" late
	done
	[ "$number" -gt 10 ] || fail "only $number steps"
}

mkdir -p "$work/laptop"
broken=
mended=0
printf 'Subject: ours\n\nbody\n' >"$work/mail"
printf 'Subject: other\n\nbody\n' >"$work/other"
step 'mails were being added, and flags of others changed'
all_steps first second third <<END_OF_COMMANDS
open INBOX
append 0 $guid - - 1000000000 $work/mail
append 0 - - new 1000000000 $work/other
flags 1 = FS work
flush
END_OF_COMMANDS

# Dovecot sees the middle of it, and mends what it takes for broken: there may be
# more than there was, but no less.
step 'a mail was being renumbered and another one expunged'
broken=yes
all_steps second third <<END_OF_COMMANDS
open INBOX
uid 2 = 9
expunge 1 =
flush
END_OF_COMMANDS
[ "$mended" -gt 0 ] || fail 'nothing was to be mended'
