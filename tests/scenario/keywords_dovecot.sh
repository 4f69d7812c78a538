#!/bin/sh
# "I use more labels than a Maildir has letters for, and Dovecot keeps them in
# its index: none is ever lost."
. "$(dirname "$0")/dovecot_lib.sh"

labels=35

# label MAILBOX FIRST LAST SUFFIX: IMAP commands that give a label to each of
# these UIDs
label() {
	echo "SELECT $1"
	number=$2
	while [ "$number" -le "$3" ]; do
		echo "UID STORE $number +FLAGS (\$Label$4$number)"
		number=$((number + 1))
	done
}

script() { # SIDE: IMAP commands from standard input
	imap "$1" script >"$work/script" || fail 'IMAP failed'
}

# all SIDE MAILBOX SUFFIX...: each of these labels is on a message there
all() {
	imap "$1" view >"$work/all"
	box=$2
	at=$1
	shift 2
	for suffix; do
		number=1
		while [ "$number" -le "$labels" ]; do
			grep "^mail $box " "$work/all" |
			    grep -q "\$Label$suffix${number}[ )]" ||
				fail "$at: $box has lost \$Label$suffix$number"
			number=$((number + 1))
		done
	done
}

mirror() { # STATUS
	expect "$1" mirror "maildir:$server"
}

validity=1000000
for side in laptop server; do
	configure $side
	maildir "$work/$side/Maildir"
	number=1
	echo "3 V$validity N1" >"$work/$side/Maildir/dovecot-uidlist"
	validity=$((validity + 1000))
	while [ "$number" -le $((labels + 5)) ]; do
		deliver "$work/$side/Maildir" "$side $number"
		number=$((number + 1))
	done
done

step "two stores with other labels each become one"
label INBOX 1 "$labels" L | script laptop
label INBOX 1 "$labels" S | script server
mirror 0
same_view exact
all laptop INBOX L S
all server INBOX L S
mirror 0
prints 'nothing to do'

step "a new replica has them at once"
mkdir "$work/disk"
expect 0 mirror "maildir:$work/disk/Maildir"
server=$work/disk/Maildir
configure server "maildir:$server"
same_view exact
all server INBOX L S

step "another UIDVALIDITY, that Dovecot has not seen yet"
sed -i '1s/ V[0-9]* / V3000000 /' "$laptop/dovecot-uidlist"
mirror 2
says 'no room is left for a keyword'
all server INBOX L S
imap laptop view >/dev/null
mirror 0
all laptop INBOX L S
all server INBOX L S
mirror 0
prints 'nothing to do'

step "another UIDVALIDITY, and Dovecot forgot its index"
sed -i '1s/ V[0-9]* / V4000000 /' "$laptop/dovecot-uidlist"
imap laptop view >/dev/null
mirror 0
all laptop INBOX L S
all server INBOX L S
mirror 0
prints 'nothing to do'

step "the index is lost, and Dovecot makes another"
rm "$laptop"/dovecot.index*
imap laptop view >/dev/null
mirror 0
all laptop INBOX L S
all server INBOX L S
mirror 0
prints 'nothing to do'

step "the index is lost, and Dovecot has not been there since"
rm "$laptop"/dovecot.index*
dsync mirror "maildir:$server"
all server INBOX L S
imap laptop view >/dev/null
mirror 0
all laptop INBOX L S
all server INBOX L S

step "a label that somebody takes away is gone on both sides"
printf 'SELECT INBOX\nUID STORE 1:* -FLAGS ($LabelL1 $LabelL30)\n' |
    script laptop
mirror 0
imap server view >"$work/all"
grep -E '\$LabelL(1|30)[ )]' "$work/all" && fail 'it is there'
no_complaint
