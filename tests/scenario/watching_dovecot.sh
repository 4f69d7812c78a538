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

	step "$format: a session that asked for it is told of a new mailbox"
	imap_open server
	say 'NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))'
	say 'SELECT INBOX'
	dove laptop mailbox create Fresh
	dove laptop mailbox subscribe Fresh
	mirror
	told '^\* LIST .*Subscribed.*Fresh' 'a new mailbox'
	say 'LOGOUT'
	imap_close
	no_complaint
done
