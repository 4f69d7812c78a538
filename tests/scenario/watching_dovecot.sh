#!/bin/sh
# "My mail program looks on all the time, and shows at once what came from the
# other host."
#
# Sessions look on while a run works on their store: one waits in IDLE, the other
# one has asked to be notified of mailboxes and subscriptions (RFC 5465).  Both
# have to be told as if another mail program had made each change.
. "$(dirname "$0")/dovecot_lib.sh"

formats=${FORMATS:-maildir sdbox mdbox}

# told PATTERN TEXT: the open session is told without asking.
told() {
	wait_until 60 grep -q -- "$1" "$work/imap" || {
		tail -n 20 "$work/imap" >&2
		fail "not told of $2"
	}
}

mirror() {
	expect 0 -o "mail_location=$from" mirror "$place"
}

idle() {
	imap_open server
	say 'ENABLE QRESYNC'
	say 'SELECT INBOX'
	printf 'idle IDLE\r\n' >&3
	wait_until 20 grep -q '^+ idling' "$work/imap" ||
		fail 'the session does not wait'
}

idle_end() {
	printf 'DONE\r\n' >&3
	wait_until 20 grep -q '^idle OK' "$work/imap" ||
		fail 'the session does not go on'
	say 'LOGOUT'
	imap_close
}

client() { # what a mail program does on the laptop
	imap laptop script >"$work/out" || fail 'IMAP failed'
}

deliver() { # MAILBOX: a new message on the laptop
	number=$((number + 1))
	printf 'Subject: %s\n\nbody\n' "$number" | dove laptop save -m "$1"
}
number=0

on_laptop() { # MAILBOX COMMAND...
	echo "SELECT $1" >"$work/script"
	shift
	printf '%s\n' "$@" >>"$work/script"
	client <"$work/script"
}

status() { # SIDE [OPTION...]: of all mailboxes, by a session that is new
	side=$1
	shift
	dove "$side" -f flow "$@" mailbox status \
	    'messages unseen uidnext uidvalidity highestmodseq guid' '*' |
	    sort
}

# same_status: what the list says of counts is as it is in the mailboxes, and on
# the other side.
same_status() {
	status server -o mailbox_list_index=no >"$work/status.real"
	status server >"$work/status.server"
	status laptop >"$work/status.laptop"
	[ -s "$work/status.real" ] || fail 'there is no status'
	for other in server laptop; do
		diff "$work/status.real" "$work/status.$other" >&2 ||
			fail "the $other tells another status"
	done
}

events='MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange'

for format in $formats; do
	rm -rf "$work/laptop" "$work/server/$format"
	mkdir -p "$work/laptop"
	from=$format:$work/laptop/$format
	place=$format:$work/server/$format
	configure laptop "$from"
	configure server "$place"
	for i in 1 2 3 4 5 6 7 8; do
		printf 'Subject: %s\n\nbody\n' "$i" | dove laptop save -m INBOX
	done
	mirror

	step "$format: a session that waits is told of flags and expunges"
	idle
	client <<'END'
SELECT INBOX
UID STORE 3 +FLAGS (\Flagged $Work)
UID STORE 5 +FLAGS (\Deleted)
EXPUNGE
END
	printf 'Subject: new\n\nbody\n' | dove laptop save -m INBOX
	mirror
	told 'FETCH (.*UID 3 .*\\Flagged' 'the flag'
	told 'FETCH (.*UID 3 .*\$Work' 'the keyword'
	told '^\* VANISHED 5' 'the expunge'
	told '^\* 8 EXISTS' 'the new message'
	idle_end

	step "$format: a session that asked for it is told of other mailboxes"
	client <<'END'
CREATE Work
CREATE Old
CREATE Gone
CREATE Team/One
CREATE Team/Two
SUBSCRIBE Team/One
END
	deliver Work
	deliver Work
	deliver Old
	deliver Team/Two
	mirror
	# So that all have indexes, and are in the list.
	status server >/dev/null
	imap_open server
	say "NOTIFY SET (PERSONAL ($events))"
	deliver Work
	mirror
	told '^\* STATUS Work (MESSAGES 3 ' 'a new message'
	same_status
	on_laptop Work 'UID STORE 1 +FLAGS (\Seen)'
	mirror
	told '^\* STATUS Work (UNSEEN 2)' 'a message that was read'
	same_status
	on_laptop Work 'UID STORE 2 +FLAGS (\Deleted)' EXPUNGE
	mirror
	told '^\* STATUS Work (MESSAGES 2 ' 'an expunge'
	deliver INBOX
	mirror
	told '^\* STATUS INBOX (MESSAGES ' 'a message in INBOX'
	same_status

	step "$format: it is told of mailboxes that come, move and go"
	client <<'END'
CREATE Fresh
CREATE Fresh/Deep/Deeper
END
	deliver Fresh
	mirror
	told '^\* LIST ([^)]*) "/" Fresh' 'a new mailbox'
	told '^\* LIST ([^)]*) "/" Fresh/Deep/Deeper' 'one below it'
	told '^\* STATUS Fresh (MESSAGES 1 ' 'its first message'
	client <<'END'
RENAME Old New
END
	mirror
	told '^\* LIST ([^)]*) "/" New ("OLDNAME" (Old))' 'a new name'
	client <<'END'
DELETE Gone
SUBSCRIBE Fresh
UNSUBSCRIBE Team/One
END
	mirror
	told '^\* LIST (\\NonExistent) "/" Gone' 'a mailbox that went'
	told '^\* LIST (.*\\Subscribed.*) "/" Fresh' 'a subscription'
	told '^\* LIST ([^)]*) "/" Team/One' 'one that ended'
	same_status
	client <<'END'
RENAME Team Crew
END
	mirror
	told '^\* LIST ([^)]*) "/" Crew/Two' 'what moved with another'
	told '^\* LIST .*Team/Two' 'what is not there any more'
	deliver Crew/Two
	deliver New
	mirror
	told '^\* STATUS Crew/Two (MESSAGES 2 ' 'a message in what moved'
	told '^\* STATUS New (MESSAGES 2 ' 'a message under a new name'
	same_status
	client <<'END'
DELETE Fresh/Deep/Deeper
CREATE Gone
END
	deliver Gone
	mirror
	told '^\* STATUS Gone (MESSAGES 1 ' 'a mailbox of an old name'
	same_status
	say NOOP
	say 'LOGOUT'
	imap_close
	no_complaint
done
