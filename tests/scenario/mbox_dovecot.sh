#!/bin/sh
# "My old account still keeps its mail in mbox files."
#
# An mbox that Dovecot made is kept equal with a Maildir; both are looked at and
# changed through IMAP, and Dovecot has nothing to complain about.  What an mbox
# can't hold is left out of the comparison: GUIDs as Dovecot shows them, and
# modseqs.
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-11}
# The zone has an hour twice a year.
TZ=Europe/Berlin
export TZ

# All but X-GUID; an mbox has its own, and directories where a Maildir has none.
# What is below a mailbox elsewhere is beside it in an mbox, as A_B.
view() { # SIDE
	imap "$1" view | grep -v ' (directory)$' |
	    sed 's/ X-GUID=[^ ]*//' | tr / _ | sort
}

mirror() {
	expect 0 -o "mail_location=$mails" mirror "maildir:$server"
	same_view
	expect 0 -o "mail_location=$mails" mirror "maildir:$server"
	prints 'nothing to do'
	same_view
}

start() { # KEYS
	rm -rf "$work/laptop" "$work/server"
	mkdir "$work/laptop" "$work/server" "$work/laptop/mbox"
	mails=mbox:$work/laptop/mbox$1
	configure laptop "$mails"
	configure server
}

sh "$support/make-maildir.sh" "$work/source" 130
# Without DIRNAME a mailbox has none below it.
cp -R "$work/source" "$work/flat"
rm -rf "$work/flat"/.[!.]*.*
for keys in "" \
    ":INBOX=$work/laptop/spool:INDEX=$work/laptop/index" \
    ":DIRNAME=box:INDEX=$work/laptop/index:CONTROL=$work/laptop/control"; do
	case $keys in
	*DIRNAME*) source=$work/source ;;
	*) source=$work/flat ;;
	esac
	step "an mbox that Dovecot made is shown alike as a Maildir: $keys"
	start "$keys"
	dove laptop import \
	    "maildir:$source" '' all || fail 'doveadm import failed'
	imap laptop change "$seed" 30 start || fail 'IMAP failed'
	mirror

	step "changes of both sides meet: $keys"
	imap server change "$((seed + 1))" 15 server || fail 'IMAP failed'
	imap laptop change "$((seed + 2))" 15 laptop || fail 'IMAP failed'
	mirror
done

count() { # SIDE: mails in INBOX
	view "$1" | grep -c '^mail INBOX '
}

deliver_many() { # SIDE FIRST LAST
	number=$2
	while [ "$number" -le "$3" ]; do
		printf 'Subject: %s %s\n\nbody\n' "$1" "$number" |
		    dove "$1" save -m INBOX || return 1
		number=$((number + 1))
	done
}

step "nothing is lost that arrives while we write"
before=$(count laptop)
deliver_many laptop 1 15 &
mine=$!
deliver_many server 1 15 &
theirs=$!
for _ in 1 2 3 4; do
	dsync -o "mail_location=$mails" mirror "maildir:$server"
done
wait "$mine" && wait "$theirs" || fail 'doveadm save failed'
mirror
[ "$(count laptop)" -eq $((before + 30)) ] ||
	fail "$(count laptop) mails, not $((before + 30))"
