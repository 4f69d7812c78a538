#!/bin/sh
# "My phone asks for what changed since it was last here, on either server."
# (F6)
. "$(dirname "$0")/dovecot_lib.sh"

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 30
maildir "$server"
server_start
enrol

modseqs() { # SIDE: HIGHESTMODSEQ and each message's modseq, as a client sees
	dove "$1" mailbox status highestmodseq INBOX ||
		fail 'doveadm failed'
	dove "$1" fetch 'uid modseq' \
	    mailbox INBOX all || fail 'doveadm failed'
}

highest() { # SIDE
	dove "$1" mailbox status highestmodseq \
	    INBOX | tr -dc '0-9\n' | tail -n 1
}

same_modseqs() {
	modseqs laptop >"$work/laptop.modseqs"
	modseqs server >"$work/server.modseqs"
	cmp -s "$work/laptop.modseqs" "$work/server.modseqs" || {
		diff "$work/laptop.modseqs" "$work/server.modseqs" | head -20
		fail 'the modseqs differ'
	}
}

step "two servers that a client asks for modseqs"
expect 0 mirror "$place"
modseqs laptop >/dev/null
modseqs server >/dev/null
expect 0 mirror "$place"
expect 0 mirror "$place"
prints 'nothing to do'

step "a change has the same modseq on both, above all before"
before=$(highest server)
printf 'SELECT INBOX\nUID STORE 3:5 +FLAGS (\\Flagged $Work)\n' |
    imap laptop script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
same_modseqs
[ "$(highest server)" -gt "$before" ] || fail 'nothing rose'

step "changes on both sides, and expunges"
printf 'SELECT INBOX\nUID STORE 7 +FLAGS (\\Seen)\nUID STORE 8 +FLAGS (\\Deleted)\nEXPUNGE\n' |
    imap laptop script >"$work/out" || fail 'IMAP failed'
printf 'SELECT INBOX\nUID STORE 7 +FLAGS (\\Answered)\nUID STORE 9:12 +FLAGS (\\Seen)\n' |
    imap server script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
same_modseqs
expect 0 mirror "$place"
prints 'nothing to do'
same_modseqs
no_complaint

step "a mailbox made anew is not taken for the one of that name before it"
validity() { # SIDE: UIDVALIDITY of Work
	as "$1" doveadm -f flow -c "$work/$1.conf" mailbox status \
	    uidvalidity Work | tr -dc 0-9
}
echo 'CREATE Work' | imap laptop script >"$work/out" || fail 'IMAP failed'
first=$(validity laptop)
# What the server's Dovecot would give next is just this value.
rm -f "$server"/dovecot-uidvalidity*
last=$(printf %08x $((first - 1)))
printf %s "$last" >"$server/dovecot-uidvalidity"
: >"$server/dovecot-uidvalidity.$last"
expect 0 mirror "$place"
[ "$(validity server)" = "$first" ] || fail 'UIDVALIDITY differs'
printf 'DELETE Work\nCREATE Work\n' | imap server script >"$work/out" ||
    fail 'IMAP failed'
[ "$(validity server)" -gt "$first" ] || fail 'it has the same UIDVALIDITY'
expect 0 mirror "$place"
[ "$(validity laptop)" = "$(validity server)" ] || fail 'UIDVALIDITY differs'
no_complaint
