#!/bin/sh
# How often a tool leaves two servers different, for the manual of the rules; it
# only counts and is not part of the suite.  Each history: a store, random
# changes through IMAP on both sides, one run, a look at both, a second run.
#
#	TOOL=doveadm HISTORIES=100 FIRST=1 sh ../tests/scenario/compare.sh
tool=${TOOL:-doveadm}
histories=${HISTORIES:-20}
first=${FIRST:-1}
changes=${CHANGES:-25}

. "$(dirname "$0")/dovecot_lib.sh"

run() {
	case $tool in
	doveadm)
		status=0
		HOME=$work/laptop USER=test timeout 60 doveadm \
		    -c "$work/laptop.conf" sync "maildir:$server" \
		    >/dev/null 2>>"$work/tool.log" || status=$?
		;;
	*)
		HOME=$work/laptop timeout 60 "$dsync_program" \
		    -o "mail_location=maildir:$laptop" \
		    mirror "maildir:$server" >/dev/null 2>>"$work/tool.log"
		status=$?
		;;
	esac
}

look() { # NAME
	view laptop exact >"$work/$1.a"
	view server exact >"$work/$1.b"
	sed 's/ HIGHESTMODSEQ [0-9]*//; s/ MODSEQ=([0-9]*)//' "$work/$1.a" \
	    >"$work/$1.plain.a"
	sed 's/ HIGHESTMODSEQ [0-9]*//; s/ MODSEQ=([0-9]*)//' "$work/$1.b" \
	    >"$work/$1.plain.b"
}

configure laptop
configure server
n=0 refused=0 differ=0 plain=0 again=0 gone=0
while [ "$n" -lt "$histories" ]; do
	seed=$((first + n))
	rm -rf "$laptop" "$server"
	sh "$support/make-maildir.sh" "$laptop" 30
	imap laptop change "$seed" 20 start || fail 'IMAP failed'
	run
	run
	imap laptop change "$((seed + 100000))" "$changes" laptop
	imap server change "$((seed + 200000))" "$changes" server
	run
	[ "$status" = 0 ] || refused=$((refused + 1))
	look one
	cmp -s "$work/one.a" "$work/one.b" || differ=$((differ + 1))
	cmp -s "$work/one.plain.a" "$work/one.plain.b" ||
		plain=$((plain + 1))
	run
	look two
	cmp -s "$work/one.a" "$work/two.a" &&
		cmp -s "$work/one.b" "$work/two.b" || again=$((again + 1))
	cmp -s "$work/two.plain.a" "$work/two.plain.b" || gone=$((gone + 1))
	n=$((n + 1))
done
echo "$tool: $n histories of $changes changes a side;" \
    "status not 0: $refused; different: $differ," \
    "without modseqs: $plain; second run changed something: $again;" \
    "different after it, without modseqs: $gone"
