#!/bin/sh
# "Dovecot finds in a Maildir's index what we did, and has nothing to add; mail
# programs that look on are told of it with the modseqs that were wanted."
ctl=$(pwd)/${builddir:-.}/tests/support/storectl
index=$(pwd)/${builddir:-.}/tests/support/indexctl
IMAP=${IMAP:-/usr/lib/dovecot/imap}

for program in doveadm setpriv; do
	command -v $program >/dev/null || exit 77
done
[ -x "$IMAP" ] || exit 77
[ -x "$ctl" ] && [ -x "$index" ] || exit 99

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsync-mindex.XXXXXX") || exit 99
dir=$(cd "$dir" && pwd -P)
imap_pid=
cleanup() {
	[ -z "$imap_pid" ] || kill "$imap_pid" 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 99' HUP INT TERM

as_user=
if [ "$(id -u)" -eq 0 ]; then
	as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
	chown 65534:65534 "$dir"
fi
export HOME="$dir" USER=test
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export ASAN_OPTIONS

cat >"$dir/dovecot.conf" <<END
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/log
ssl = no
protocols = imap
mail_location = maildir:$dir/Maildir
first_valid_uid = 1
END
chmod 644 "$dir/dovecot.conf"
printf 'Subject: one\n\nbody\n' >"$dir/one"
chmod 644 "$dir/one"

fail() {
	echo "FAIL: $*" >&2
	[ ! -f "$dir/log" ] || cat "$dir/log" >&2
	[ ! -f "$dir/imap" ] || tail -n 20 "$dir/imap" >&2
	exit 1
}

dove() {
	$as_user doveadm -c "$dir/dovecot.conf" "$@"
}

store() { # commands on standard input
	$as_user "$ctl" "$@" "maildir:$dir/Maildir" >"$dir/out" ||
	    fail "storectl: $(cat "$dir/out")"
	if grep -E '^(failed|problem)' "$dir/out"; then
		fail 'storectl: an operation failed'
	fi
}

log_size() {
	wc -c <"$dir/Maildir/$1/dovecot.index.log"
}

quiet() {
	[ ! -s "$dir/log" ] || fail "$1: Dovecot complains"
}

# UID FLAGS MODSEQ KEYWORDS, as the index has it.
dump() {
	echo dump | $as_user "$index" "$dir/Maildir/$1" dovecot.index |
	    grep -v '^validity' | sed 's/ *$//'
}

expect_box() { # MAILBOX-DIRECTORY MAILBOX HIGHEST, lines on standard input
	cat >"$dir/wanted"
	dump "$1" >"$dir/is"
	diff -u "$dir/wanted" "$dir/is" || fail "the index of $2 is wrong"
	dove -f tab fetch 'uid modseq' mailbox "$2" all | sed 1d |
	    tr '\t' ' ' >"$dir/is"
	cut -d ' ' -f 1,3 "$dir/wanted" | diff -u - "$dir/is" ||
	    fail "Dovecot shows other modseqs in $2"
	[ "$(dove mailbox status highestmodseq "$2")" = \
	    "$2 highestmodseq=$3" ] ||
	    fail "HIGHESTMODSEQ of $2: $(dove mailbox status highestmodseq "$2")"
	quiet "$2"
}

# 1. A new mailbox has the modseqs it is given, also those that are lower than
# what was saved before.
store -c <<END
open INBOX
modseq 900
append 5 - S work 1000000000 $dir/one
flush
modseq 12
append 6 - - work,home 1000000000 $dir/one
modseq 13
append 7 - FT - 1000000000 $dir/one
flush
modseq 950
setstatus - 0 20
flush
END
expect_box '' INBOX 950 <<END
5 08 900 work
6 00 12 work home
7 06 13
END

# 2. Dovecot has it now; an open session is told of what we do.
mkfifo "$dir/in"
chmod 666 "$dir/in"
$as_user "$IMAP" -c "$dir/dovecot.conf" <"$dir/in" >"$dir/imap" 2>&1 &
imap_pid=$!
exec 3>"$dir/in"
tag=0
say() {
	tag=$((tag + 1))
	printf 'a%d. %s\r\n' "$tag" "$*" >&3
	for _ in $(seq 200); do
		if grep -q "^a$tag\\. " "$dir/imap"; then
			grep -q "^a$tag\\. OK" "$dir/imap" ||
			    fail "imap: $*"
			return 0
		fi
		sleep 0.05
	done
	fail "imap does not answer: $*"
}
say 'ENABLE QRESYNC'
say 'SELECT INBOX'
store <<END
open INBOX
modseq 1000
append 30 - S late 1000000000 $dir/one
modseq 1001
flags 6 = R home
modseq 0
uid 7 = 40
expunge 5 =
flush
modseq 1100
setstatus - 0 50
flush
END
after=$(log_size .)
say 'NOOP'
grep -q 'VANISHED 5' "$dir/imap" || fail 'IMAP was not told of the expunge'
grep -q 'UID 6 MODSEQ (1001) .*Answered' "$dir/imap" ||
    fail 'IMAP was not told of the flag'
grep -q 'EXISTS' "$dir/imap" || fail 'IMAP was not told of the append'
say 'UID FETCH 30 (FLAGS MODSEQ)'
grep -q 'MODSEQ (1000)' "$dir/imap" || fail 'the new message has another modseq'
dump . | cut -d ' ' -f 1,2,4- >"$dir/is"
diff -u - "$dir/is" <<END || fail 'the index is not as it was left'
6 01 home
30 08 late
40 06
END
quiet 'an open session'

# Dovecot adds nothing to what we wrote.
dump . >"$dir/before"
say 'NOOP'
theirs=$(dove -f tab fetch 'uid modseq' mailbox INBOX all)
dump . | diff -u "$dir/before" - || fail 'Dovecot changed something'
[ -n "$theirs" ] && [ "$after" -gt 40 ] || fail 'nothing there'

# 3. More keywords than there are letters.
set --
for k in $(seq 10 39); do
	set -- "$@" "key$k"
done
words=$(echo "$*" | tr ' ' ',')
store <<END
open INBOX
append 60 - S $words 1000000000 $dir/one
flush
dump
END
[ "$(dump . | sed -n 's/^60 08 [0-9]* //p' | wc -w)" -eq 30 ] ||
    fail 'keywords are lost'
grep -q "^60 .* $words " "$dir/out" || fail 'keywords are not read again'
say 'NOOP'
say 'UID STORE 60 +FLAGS (\Flagged)'
[ "$(dump . | sed -n 's/^60 0a [0-9]* //p' | wc -w)" -eq 30 ] ||
    fail 'Dovecot lost keywords'
quiet 'many keywords'

# 4. Mailboxes that come, move and go.
say 'LIST "" *'
store <<END
create Neu
create Other
rename Other Moved
subscribe Neu
END
say 'LIST "" N*'
grep -q '^\* LIST .*"\." Neu' "$dir/imap" || fail 'a new mailbox is not seen'
say 'LIST "" M*'
grep -q '^\* LIST .*"\." Moved' "$dir/imap" || fail 'a rename is not seen'
say 'SELECT Neu'
store <<END
remove Neu
END
say 'LIST "" *'
tail -n 4 "$dir/imap" | grep -q 'Neu' && fail 'a removal is not seen'
printf 'x. NOOP\r\n' >&3
for _ in $(seq 200); do
	grep -q '^\* BYE' "$dir/imap" && break
	grep -q '^x\. ' "$dir/imap" && break
	sleep 0.05
done
grep -q '^\* BYE' "$dir/imap" || fail 'a session goes on in what is removed'
exec 3>&-
wait "$imap_pid"
imap_pid=
[ "$(wc -c <"$dir/Maildir/dovecot.mailbox.log")" -eq $((4 * 24)) ] ||
    fail 'the log of mailboxes is wrong'

# 5. A damaged index does no harm.
printf 'garbage!' >>"$dir/Maildir/dovecot.index.log"
$as_user "$ctl" "maildir:$dir/Maildir" >"$dir/out" <<END || fail 'storectl'
open INBOX
append 70 - S - 1000000000 $dir/one
flush
status
END
grep -q '^problem.*index' "$dir/out" || fail 'damage is not told'
[ "$(grep -c '^problem' "$dir/out")" -eq 1 ] || fail 'damage is told twice'
grep -q '^done .* 70$' "$dir/out" || fail 'mail stops at a damaged index'
exit 0
