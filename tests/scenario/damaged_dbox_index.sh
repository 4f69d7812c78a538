#!/bin/sh
# "The disk was full, and then the memory was bad: of a dbox's indexes, which alone
# know flags and UIDs, files are cut or have bits turned over.  No mail may go on
# either side, and Dovecot has to open the store afterwards."
#
# CASES= is how often each file is cut and changed, SEED= where.
cases=${CASES:-1}
seed=${SEED:-1}

. "$(dirname "$0")/dovecot_lib.sh"

mirror() {
	dsync -o "mail_location=$from" mirror "$place"
}

# bodies SIDE: of all messages that Dovecot shows, after it has mended the store
# if it has to, with what it says of the damage left aside
bodies() {
	dove "$1" force-resync '*' >/dev/null
	dove "$1" fetch body mailbox '*' all | grep '^body of ' | sort
}

# random BELOW: the next number of a sequence that the seed begins
random() {
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	number=$((seed / 65536 % $1))
}

turn() { # FILE OFFSET BIT
	old=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf "\\$(printf %o $((old ^ (1 << $3))))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# survives WHAT: a run ends in an orderly way and says why it did not do its work,
# and after Dovecot has mended its store nothing is missing anywhere
survives() {
	mirror
	case $status in
	0) ;;
	1 | 2) [ -s "$work/err" ] || [ -s "$work/out" ] ||
		fail "$1: status $status, and not a word" ;;
	*) fail "$1: status $status" ;;
	esac
	bodies laptop >"$work/bodies.laptop"
	mirror
	case $status in
	0 | 1 | 2) ;;
	*) fail "$1: status $status after Dovecot" ;;
	esac
	for side in laptop server; do
		bodies "$side" | sort -u >"$work/bodies"
		diff "$work/all" "$work/bodies" >&2 ||
			fail "$1: mails of the $side were lost"
	done
}

for format in sdbox mdbox; do
	rm -rf "$work/laptop" "$work/server"
	mkdir -p "$work/laptop" "$work/server"
	from=$format:$work/laptop/mail
	place=$format:$work/server/mail
	configure laptop "$from"
	configure server "$place"
	for i in 1 2 3 4 5 6; do
		printf 'Subject: %s\n\nbody of %s\n' "$i" "$i" |
		    dove laptop save -m INBOX || fail 'no mail'
	done
	mirror
	printf 'SELECT INBOX\nUID STORE 1:3 +FLAGS ($Work \\Flagged)\n' |
	    imap laptop script >"$work/script" || fail 'IMAP failed'
	mirror
	bodies laptop >"$work/all"
	[ "$(wc -l <"$work/all")" = 6 ] || fail 'there is no mail'
	rm -rf "$work/sound"
	cp -Rp "$work/laptop" "$work/sound"
	cp -Rp "$work/server" "$work/sound.server"
	(cd "$work/laptop" && find . -name 'dovecot*.index.log' |
	    sort) >"$work/files"
	while read -r file; do
		step "$format: $file: cut anywhere, and any bit turned over"
		n=0
		while [ "$n" -lt $((cases * 2)) ]; do
			rm -rf "$work/laptop" "$work/server"
			cp -Rp "$work/sound" "$work/laptop"
			cp -Rp "$work/sound.server" "$work/server"
			random "$(wc -c <"$work/sound/$file")"
			at=$number
			if [ $((n % 2)) = 0 ]; then
				head -c "$at" "$work/sound/$file" \
				    >"$work/laptop/$file"
				survives "$file cut to $at bytes"
			else
				turn "$work/laptop/$file" "$at" $((at % 8))
				survives "$file: bit $((at % 8)) of byte $at"
			fi
			n=$((n + 1))
		done
	done <"$work/files"
	rm -rf "$work/sound" "$work/sound.server"
done
