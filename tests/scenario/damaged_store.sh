#!/bin/sh
# "The computer crashed, and some files next to my mail are broken now."
. "$(dirname "$0")/lib.sh"

# Digests of all messages: what may not change, whatever is damaged.
mails() {
	find "$1" -type f \( -path '*/cur/*' -o -path '*/new/*' \) \
	    -exec sha256sum {} + | sed 's/ .*//' | sort
}

# whole WHAT: nothing was lost or doubled by the last run
whole() {
	for dir in "$laptop" "$server"; do
		mails "$dir" | diff "$work/mails" - >&2 ||
			fail "$1: mails of $dir were lost or doubled"
	done
}

# survives WHAT: one run copes, the next one completes
survives() {
	dsync mirror "$place"
	case $status in
	0 | 2) ;;
	*) fail "$1: status $status" ;;
	esac
	whole "$1"
	! grep -q 'runtime error\|Sanitizer' "$work/err" "$work/server.log" ||
		fail "$1: a sanitizer complains"
	dsync mirror "$place"
	[ "$status" = 0 ] || fail "$1: the next run ended with $status"
	whole "$1"
	equal
	expect 0 mirror "$place"
	prints 'nothing to do'
}

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol
expect 0 mirror "$place"
equal
mails "$laptop" >"$work/mails"

step "dovecot-uidlist is damaged, here or there"
for dir in "$laptop" "$server/.Archive"; do
	list=$dir/dovecot-uidlist
	cp -p "$list" "$work/list.good"
	for damage in torn header empty binary twice zero highest missing; do
		case $damage in
		torn) head -c -7 "$work/list.good" >"$list" ;;
		header) sed 1d "$work/list.good" >"$list" ;;
		empty) : >"$list" ;;
		binary)
			{
				head -n 4 "$work/list.good"
				printf '\000\001\377 : \000x\n'
				sed 1,4d "$work/list.good"
			} >"$list" ;;
		twice)
			{
				cat "$work/list.good"
				sed -n 3,5p "$work/list.good"
			} >"$list" ;;
		zero)
			sed '3s/^[0-9]*/0/' "$work/list.good" >"$list" ;;
		highest)
			sed '$s/^[0-9]*/4294967296/' "$work/list.good" \
			    >"$list" ;;
		missing) rm "$list" ;;
		esac
		survives "uidlist $damage of $dir"
		cp -p "$list" "$work/list.good"
	done
done

step "dovecot-keywords and subscriptions are damaged"
for damage in garbage twice many missing; do
	for dir in "$laptop" "$server"; do
		case $damage in
		garbage)
			printf 'x\n-1 a\n0 b c\n99 d\n\000\n1\n' \
			    >"$dir/dovecot-keywords"
			printf 'V\t2\n\n\001\n..\n&bad\n' \
			    >"$dir/subscriptions"
			;;
		twice)
			printf '0 a\n0 b\n1 a\n' >"$dir/dovecot-keywords"
			printf 'Sent\nSent\n' >"$dir/subscriptions"
			;;
		many)
			seq -f '%g word%g' 0 99 >"$dir/dovecot-keywords"
			;;
		missing)
			rm -f "$dir/dovecot-keywords" "$dir/subscriptions"
			;;
		esac
	done
	# Words that no file tells any more are found again on the other side.
	dsync mirror "$place"
	case $status in
	0 | 2) ;;
	*) fail "$damage: status $status" ;;
	esac
	whole "$damage"
	survives "$damage"
done

step "the change log is missing, damaged or of something else"
for damage in missing empty binary torn other; do
	for dir in "$laptop" "$server"; do
		log=$dir/dsync-changelog.db
		case $damage in
		missing) rm -f "$log" "$log-wal" "$log-shm" ;;
		empty) : >"$log" ;;
		binary) head -c 100000 /dev/urandom >"$log" ;;
		torn)
			head -c 30000 "$log" >"$work/log"
			cat "$work/log" >"$log"
			;;
		other) cp "$work/server/.config/dsync/key.pem" "$log" ;;
		esac
		survives "change log $damage in $dir"
	done
done

step "nothing is lost of what was new when the log broke"
deliver "$laptop" 'new here'
deliver "$server" 'new there'
rm -f "$laptop"/dsync-changelog.db*
expect 0 mirror "$place"
equal
for dir in "$laptop" "$server"; do
	has_mail "$dir" 'new here' || fail 'it is gone'
	has_mail "$dir" 'new there' || fail 'it is gone'
done

step "a store that was copied with its log is another store"
mkdir "$work/disk"
cp -a "$laptop" "$work/disk/Maildir"
deliver "$work/disk/Maildir" 'in the copy'
deliver "$laptop" 'in the first one'
expect 0 mirror "maildir:$work/disk/Maildir"
equal "$laptop" "$work/disk/Maildir"
expect 0 mirror "$place"
equal
has_mail "$server" 'in the copy' || fail 'it did not arrive'

step "a log of a newer program is left alone"
if command -v sqlite3 >/dev/null; then
	sqlite3 "$laptop/dsync-changelog.db" \
	    'PRAGMA user_version = 1000' || fail 'sqlite3'
	before=$(snapshot "$server" | grep -v dsync-changelog)
	dsync mirror "$place"
	[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
	says 'newer'
	[ "$before" = "$(snapshot "$server" | grep -v dsync-changelog)" ] ||
		fail 'the server was changed'
fi
