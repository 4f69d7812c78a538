#!/bin/sh
# "My mailboxes have the oddest names, and I moved to another format and back."
#
# Names that Dovecot makes in one format come to another one, which may not be
# able to hold them (-C, T13), and from there to a new store of the first
# format: there they are as they were.
#
#	PAIRS='FROM:TO ..'	maildir, sdbox, mdbox, mbox, or with a layout:
#				maildir-fs, sdbox-index, mdbox-index; or "all"
. "$(dirname "$0")/dovecot_lib.sh"

formats='maildir maildir-fs sdbox sdbox-index mdbox mdbox-index mbox'
pairs=${PAIRS:-mdbox-index:mbox maildir-fs:mdbox-index mbox:maildir}
[ "$pairs" != all ] || pairs=$(for from in $formats; do
	for to in $formats; do
		echo "$from:$to"
	done
done)

location() { # FORMAT DIRECTORY
	case $1 in
	mbox) echo "mbox:$2/mail:DIRNAME=box:INDEX=$2/index" ;;
	*-*) echo "${1%-*}:$2/mail:LAYOUT=${1#*-}" ;;
	*) echo "$1:$2/mail" ;;
	esac
}

# What Dovecot refuses to make in a format is not there; with LAYOUT=fs it would
# make what it stumbles over later.
make_source() { # FORMAT
	rm -rf "$work/laptop"
	mkdir -p "$work/laptop/mail"
	configure laptop "$(location "$1" "$work/laptop")"
	for name in a.b a_b a..b end. .begin 'a~b' '~a' 'a b' "a'b" 'a&b' \
	    'a^b' 'a\b' '100%' 'Entwürfe' '日本語/ö' INBOX/child INBOX/a.b \
	    INBOX/child/Été dbox-Mails mailboxes storage dovecot.index \
	    dovecot-uidlist subscriptions maildirfolder cur new/tmp box \
	    name.lock lost+found both both/child both/chi.ld \
	    both/child/dbox-Mails Inboxes "$(printf '%0200d' 7)"; do
		case $1:$name in
		maildir-fs:dovecot* | maildir-fs:subscriptions | \
		    maildir-fs:maildirfolder | maildir-fs:lost+found)
			continue ;;
		esac
		dove laptop mailbox create "$name" 2>/dev/null || continue
		printf 'Subject: %s\n\nbody\n' "$name" |
		    dove laptop save -m "$name" || fail "save to $name"
	done
	printf 'Subject: INBOX\n\nbody\n' | dove laptop save ||
		fail 'save failed'
	rm -f "$work/laptop/log"
}

# held SIDE: each mailbox with the subjects of its mails, as an IMAP client
# finds them
held() { # SIDE
	imap "$1" view >"$work/seen" || fail "no view of the $1"
	{
		sed -n 's/^mailbox \(.*\)$/\1/p' "$work/seen" |
		    grep -v ' (directory)$'
		dove "$1" -f flow fetch 'mailbox hdr.subject' ALL
	} | sort
}

# convert FORMAT DIRECTORY FORMAT DIRECTORY
convert() {
	for says in 'changed:' 'nothing to do'; do
		expect 0 --create -o "mail_location=$(location "$1" "$2")" \
		    mirror "$(location "$3" "$4")"
		prints "$says"
	done
}

for pair in $pairs; do
	from=${pair%:*} to=${pair#*:}
	make_source "$from"
	held laptop >"$work/held"
	step "$from to $to and back: $(grep -c '^mailbox=' "$work/held") names"
	rm -rf "$work/server" "$work/third"
	mkdir -p "$work/server" "$work/third"
	convert "$from" "$work/laptop" "$to" "$work/server"
	configure server "$(location "$to" "$work/server")"
	held server >"$work/there"
	[ "$(grep -c '^mailbox=' "$work/there")" = \
	    "$(grep -c '^mailbox=' "$work/held")" ] || {
		diff "$work/held" "$work/there" >&2
		fail "mails are missing there"
	}
	no_complaint
	convert "$to" "$work/server" "$from" "$work/third"
	configure server "$(location "$from" "$work/third")"
	held server >"$work/back"
	diff "$work/held" "$work/back" >&2 || fail 'names are others now'
	no_complaint
done
