#!/bin/sh
# "Whatever my mail lies in, it looks the same in any other format."
#
# Each of Dovecot's formats to each, by mirror and backup, here and over TLS:
# Dovecot shows both ends alike, its own sync between them finds nothing to do,
# and its tools find nothing to mend.  The suite takes one way for each pair.
#
#	CORPUS=FOLDER	mail to add, a file each, which may begin with From_
#	WAYS=all	every way for each pair
#	PAIRS=FROM:TO ..	these pairs
formats=${FORMATS:-maildir sdbox mdbox mbox}
ways='mirror:local backup:tls mirror:tls backup:local'

. "$(dirname "$0")/dovecot_lib.sh"

# Mails as no one should send them.  In an mbox, Dovecot itself loses the thread
# where they have no header, a CR that ends no line, or a From_ as first line.
nasty() { # DIRECTORY all|header
	dir=$1
	put() { # FORMAT...: one mail, by printf
		nasty_made=$((nasty_made + 1))
		# shellcheck disable=SC2059
		printf "$@" >"$dir/cur/16000000$nasty_made.M${nasty_made}P1.nasty:2,"
	}
	nasty_made=10
	put 'Subject: no end of line\n\nlast line'
	put 'Subject: an empty body\n\n'
	put 'Subject: CRLF\r\nX: y\r\n\r\nbody\r\n.\r\n'
	put 'Subject: quoted\n\n>From a@b Sun Sep  9 01:46:40 2001\n\n\nFrom x\n'
	put 'Subject: From_ after an empty line\n\nbody\n\nFrom a@b Sun Sep  9 01:46:40 2001\nSubject: inner\n\ninner\n'
	put 'Subject: 8 bit \344\366\374 \303\244\n\n\377\376\200\n'
	put 'Subject: folded\n\tonce\n  twice\n \nX-Empty:\n\nbody\n'
	put 'Subject: ends with empty lines\n\nbody\n\n\n\n\n'
	put 'Subject: looks like metadata\n\n\n\001\003\nR1\nGabc\n\n'
	put 'Subject: looks like a dbox\n\n2 M1e C6b02adf2\n\001\002N          0000000000000010\n'
	put 'Subject: twin\nMessage-ID: <twin@example.org>\n\nbody\n'
	put 'Subject: twin\nMessage-ID: <twin@example.org>\n\nbody\n'
	put 'Subject: a long line\n\n%s\n' \
	    "$(head -c 70000 /dev/zero | tr '\0' x)"
	[ "$2" = all ] || return 0
	put 'Subject: From_ in the body\n\nFrom a@b Sun Sep  9 01:46:40 2001\n'
	put 'Subject: both\r\nX: y\n\nbody\r\nbody\n\r\n\rx'
	put 'Subject: lone CR\n\nbody\rbody\r\r\nend\n'
	put 'Subject: no body and no empty line\n'
	put '\nno header at all\n'
	put 'no header, and no empty line either'
	put 'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nx\n--b--\n'
}

# corpus DIRECTORY: $CORPUS as mailboxes of a Maildir, 500 mails each
corpus() {
	corpus_made=0
	find "$CORPUS" -type f | sort | while read -r file; do
		box=$1/.Corpus$((corpus_made / 500))
		corpus_made=$((corpus_made + 1))
		[ -d "$box" ] || maildir "$box"
		sed '1{/^From /d}' "$file" >"$box/cur/17000000$corpus_made.M${corpus_made}P1.corpus:2,S"
	done
}

sh "$support/make-maildir.sh" "$work/deep" 60
[ -z "${CORPUS:-}" ] || corpus "$work/deep"
# In an mbox a mailbox has none below it, which Dovecot's sync cannot map.
cp -Rp "$work/deep" "$work/flat"
rm -rf "$work/flat"/.[!.]*.*
nasty "$work/deep" all
nasty "$work/flat" header

# source_of FORMAT flat|deep: a store that Dovecot made
source_of() {
	rm -rf "$work/laptop/mail"
	mkdir -p "$work/laptop/mail" "$work/sources"
	configure laptop "$1:$work/laptop/mail"
	as laptop doveadm -c "$work/laptop.conf" import \
	    "maildir:$work/$2" '' all || fail 'doveadm import failed'
	# Mere directories become mailboxes of a Maildir by Dovecot's sync.
	[ "$2" = flat ] || for name in Lists Travaux; do
		as laptop doveadm -c "$work/laptop.conf" mailbox create \
		    "$name" || fail 'mailbox create failed'
	done
	imap laptop script >"$work/out" <<'END' || fail 'IMAP failed'
SELECT INBOX
STORE 1:9 +FLAGS (\Seen)
STORE 2:5 +FLAGS (\Flagged $Forwarded work)
STORE 4:7 +FLAGS (\Answered \Draft a.long-keyword_of.ours NonJunk)
STORE 8 FLAGS (\Deleted)
STORE 3,12 +FLAGS.SILENT (\Deleted)
EXPUNGE
STORE 10 +FLAGS (\Deleted)
COPY 1:3,11 Sent
CREATE Empty
SUBSCRIBE Empty
SUBSCRIBE Sent
CREATE gone
COPY 1 gone
DELETE gone
SELECT Sent
STORE 1:* +FLAGS (\Flagged)
END
	mv "$work/laptop/mail" "$work/sources/$1.$2"
}

# What an mbox cannot hold is left out, GUIDs that Dovecot could show and modseqs;
# directories are missing from a Maildir.  Much mail comes into a dbox in several
# steps, each with a modseq of its own, which the source takes over.
see() { # SIDE [HOW]
	how=${2:-view}
	[ "$from" != mbox ] && [ "$to" != mbox ] && [ -z "${CORPUS:-}" ] ||
		how=view
	imap "$1" "$how" >"$work/seen" || fail "no view of the $1"
	if [ "$from" = mbox ] || [ "$to" = mbox ]; then
		sed 's/ X-GUID=[^ ]*//' "$work/seen"
	else
		cat "$work/seen"
	fi | grep -v ' (directory)$' | sort
}

alike() { # FILE FILE WHAT
	diff "$1" "$2" >"$work/out" || {
		cut -c 1-160 "$work/out" | head -n 12 >&2
		fail "$from to $to, $way: $3:" \
		    "$(grep -c '^[<>]' "$work/out") differences"
	}
}

run() { # STATUS
	if [ "$link" = tls ]; then
		expect "$1" -o "mail_location=$from:$work/laptop/mail" \
		    "$action" "$place"
	else
		expect "$1" -o "mail_location=$from:$work/laptop/mail" \
		    "$action" "$to:$work/server/mail"
	fi
}

# tool SIDE COMMAND...: what it logs, without its numbers
tool() {
	tool_side=$1
	shift
	HOME=$work/$tool_side USER=test doveadm -c "$work/$tool_side.conf" \
	    "$@" 2>&1 || echo "Error: $*"
}

# check SIDE: what Dovecot's tools complain about, a line for each kind
check() {
	{
		tool "$1" force-resync '*'
		tool "$1" purge
		tool "$1" -D index '*'
	} | sed -nE "s,$work/[a-z]*,HOME,g; s/[0-9]+/N/g
	    s/(mailbox|exist:) .*/\\1 NAME/
	    s,mailboxes/.*/dbox-Mails,NAME,
	    s/^.*((Error|Warning|Panic|Fatal): .*)/\\1/p" | sort -u
}

# A mirror takes the larger of the two GUIDs of the INBOXes.
inbox_guid() { # FILE
	if [ "$action" = mirror ]; then
		sed '/^status INBOX /s/ X-GUID [0-9a-f]*//' "$1"
	else
		cat "$1"
	fi
}

convert() { # WAY
	way=$1
	action=${way%:*} link=${way#*:}
	rm -rf "$work/laptop/mail" "$work/server/mail"
	rm -f "$work/laptop/log" "$work/server/log"
	shape=deep
	[ "$from" != mbox ] && [ "$to" != mbox ] || shape=flat
	[ -d "$work/sources/$from.$shape" ] || source_of "$from" "$shape"
	cp -Rp "$work/sources/$from.$shape" "$work/laptop/mail"
	configure laptop "$from:$work/laptop/mail"
	mkdir "$work/server/mail"
	configure server "$to:$work/server/mail"
	if [ "$link" = tls ]; then
		echo "mail_location = $to:$work/server/mail" \
		    >"$work/server/.config/dsync/dsync-server.conf"
		server_start
	fi
	see laptop exact >"$work/before"
	run 0
	see laptop exact >"$work/view.a"
	for file in before view.a; do
		inbox_guid "$work/$file" >"$work/$file.same"
	done
	alike "$work/before.same" "$work/view.a.same" 'the source is another'
	see server exact >"$work/view.b"
	alike "$work/view.a" "$work/view.b" 'the target is not like it'
	no_complaint
	run 0
	prints 'nothing to do'
	[ "$link" = local ] || server_stop
	dovecot_agrees
}

without_modseqs() { # FILE
	sed 's/ HIGHESTMODSEQ [0-9]*//; s/ MODSEQ=([0-9]*)//' "$1"
}

# Its own sync has nothing to do, its tools find nothing to mend; both may give
# new modseqs, as they do between stores of its own.
dovecot_agrees() {
	without_modseqs "$work/view.a" >"$work/plain.a"
	without_modseqs "$work/view.b" >"$work/plain.b"
	as laptop doveadm -c "$work/laptop.conf" sync "$to:$work/server/mail" ||
		fail 'doveadm sync failed'
	see laptop view >"$work/again"
	alike "$work/plain.a" "$work/again" 'doveadm sync changed the source'
	see server view >"$work/again"
	alike "$work/plain.b" "$work/again" 'doveadm sync changed the target'
	check server >"$work/check"
	! grep -vxFf "$work/known.$to" "$work/check" ||
		fail "$from to $to, $way: Dovecot complains"
	see server view >"$work/again"
	alike "$work/plain.b" "$work/again" 'Dovecot mended something'
}

# What Dovecot's tools say of its own stores.
for format in $formats; do
	source_of "$format" flat
	cp -Rp "$work/sources/$format.flat" "$work/laptop/mail"
	check laptop >"$work/known.$format"
	cat "$work/known.$format"
done
server_start
enrol
server_stop

pairs=${PAIRS:-$(for f in $formats; do
	for t in $formats; do
		echo "$f:$t"
	done
done)}
turn=0
for pair in $pairs; do
	from=${pair%:*} to=${pair#*:}
	for way in $ways; do
		if [ "${WAYS:-}" != all ]; then
			turn=$((turn + 1))
			way=$(echo "$ways" | cut -d ' ' -f $((turn % 4 + 1)))
		fi
		step "$from to $to: $way"
		convert "$way"
		[ "${WAYS:-}" = all ] || break
	done
done
