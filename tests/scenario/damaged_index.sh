#!/bin/sh
# "The disk was full, and then the memory was bad: Dovecot's own files beside my
# mail are cut or have bits turned over.  No mail may go, and Dovecot has to open
# the store afterwards."
#
# CASES= is how often each file is cut and changed, SEED= where.
cases=${CASES:-2}
seed=${SEED:-1}

. "$(dirname "$0")/dovecot_lib.sh"

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 40
maildir "$server"

# Digests of all messages: what may not change, whatever is damaged.
mails() {
	find "$1" -type f \( -path '*/cur/*' -o -path '*/new/*' \) \
	    -exec sha256sum {} + | sed 's/ .*//' | sort
}

# Dovecot shows a keyword that no mail program could have set; we leave it out.
without_keywords() {
	awk '/^mail / {
		from = index($0, "(")
		to = index($0, " INTERNALDATE=")
		n = split(substr($0, from + 1, to - from - 2), word, " ")
		flags = ""
		for (i = 1; i <= n; i++)
			if (substr(word[i], 1, 1) == "\\")
				flags = flags " " word[i]
		$0 = substr($0, 1, from) flags substr($0, to)
	} 1'
}

views_differ() {
	view laptop | without_keywords >"$work/view.a"
	view server | without_keywords >"$work/view.b"
	! cmp -s "$work/view.a" "$work/view.b"
}

# survives WHAT: one run copes, Dovecot opens the store, and some runs later
# both sides show the same, and all of it
survives() {
	dsync mirror "maildir:$server"
	case $status in
	0 | 2) ;;
	*) fail "$1: status $status" ;;
	esac
	imap laptop view >"$work/view.a" ||
		fail "$1: Dovecot can't open the store"
	runs=0
	while dsync mirror "maildir:$server" && [ "$status" = 0 ] &&
	    views_differ || [ "$status" = 2 ]; do
		runs=$((runs + 1))
		[ "$runs" -lt 5 ] || {
			diff "$work/view.a" "$work/view.b" | head -n 20 >&2
			fail "$1: the stores stay different"
		}
	done
	[ "$status" = 0 ] || fail "$1: a later run ended with $status"
	for dir in "$laptop" "$server"; do
		mails "$dir" | diff "$work/mails" - >&2 ||
			fail "$1: mails of $dir were lost or doubled"
	done
	[ "$(grep -c '^mail ' "$work/view.a")" -eq "$shown" ] ||
		fail "$1: Dovecot does not show all mail"
}

# byte FILE OFFSET VALUE: as a decimal number
byte() {
	printf "\\$(printf %o "$3")" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# random BELOW: the next number of a sequence that the seed begins
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	number=$((seed / 65536 % $1))
}

expect 0 mirror "maildir:$server"
printf 'SELECT INBOX\nUID STORE 1:3 +FLAGS ($Work \\Flagged)\n' |
    imap laptop script >"$work/script" || fail 'IMAP failed'
expect 0 mirror "maildir:$server"
views_differ && fail 'the stores differ'
mails "$laptop" >"$work/mails"
shown=$(grep -c '^mail ' "$work/view.a")
[ "$shown" -gt 30 ] || fail 'there is no mail'

for name in dovecot.index.log dovecot-uidlist dovecot-keywords \
    dovecot.list.index.log; do
	file=$laptop/$name
	# IMAP has no way to show a keyword with a parenthesis in it.
	bits=8
	[ "$name" != dovecot-keywords ] || bits=2
	step "$name: cut anywhere, and any bit turned over"
	n=0
	while [ "$n" -lt "$cases" ]; do
		size=$(wc -c <"$file") || fail "there is no $name"
		random $((size + 1))
		head -c "$number" "$file" >"$work/part"
		cat "$work/part" >"$file"
		survives "$name cut to $number bytes"
		size=$(wc -c <"$file") || fail "there is no $name"
		random "$size"
		at=$number
		random "$bits"
		old=$(od -An -tu1 -j "$at" -N 1 "$file" | tr -d ' ')
		byte "$file" "$at" $((old ^ (1 << number)))
		survives "$name: bit $number of byte $at"
		n=$((n + 1))
	done
done

step 'index files of another version and of another index'
for offset in 0 4; do
	byte "$laptop/dovecot.index.log" "$offset" 99
	survives "byte $offset of dovecot.index.log"
done
