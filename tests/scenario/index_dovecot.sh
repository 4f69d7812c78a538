#!/bin/sh
# "We read Dovecot's indexes as it does itself, and it takes what we write into
# them as its own, while mail programs look on."
#
# Dovecot's own programs work on private stores; no server runs.
IMAP=${IMAP:-/usr/lib/dovecot/imap}
ctl=$(pwd)/${builddir:-.}/tests/support/indexctl

for program in doveadm setpriv; do
	command -v $program >/dev/null || exit 77
done
[ -x "$IMAP" ] || exit 77
[ -x "$ctl" ] || exit 99

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsync-index.XXXXXX") || exit 99
dir=$(cd "$dir" && pwd -P)
imap_pid=
cleanup() {
	[ -z "$imap_pid" ] || kill "$imap_pid" 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 99' HUP INT TERM

# Dovecot refuses to work as root.
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
mail_location = sdbox:$dir/box
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
END
chmod 644 "$dir/dovecot.conf"
box=$dir/box/mailboxes/INBOX/dbox-Mails

fail() {
	echo "FAIL: $*" >&2
	[ ! -f "$dir/log" ] || cat "$dir/log" >&2
	[ ! -f "$dir/imap" ] || tail -n 20 "$dir/imap" >&2
	exit 1
}

dove() {
	$as_user doveadm -c "$dir/dovecot.conf" "$@"
}

index() { # commands on standard input
	$as_user "$ctl" "$box" dovecot.index || fail "indexctl failed"
}

ours() {
	echo dump | index | grep -v '^validity'
}

# The messages as indexctl shows them: UID FLAGS MODSEQ KEYWORDS.
theirs() {
	dove -f tab fetch 'uid flags modseq' mailbox INBOX all |
	    awk -F '\t' 'NR > 1 {
		n = split($2, word, " "); bits = 0; rest = "";
		bit["\\Answered"] = 1; bit["\\Flagged"] = 2;
		bit["\\Deleted"] = 4; bit["\\Seen"] = 8; bit["\\Draft"] = 16;
		for (i = 1; i <= n; i++) {
			if (word[i] in bit)
				bits += bit[word[i]];
			else if (word[i] != "\\Recent")
				rest = rest " " word[i];
		}
		printf("%d %02x %d%s\n", $1, bits, $3, rest);
	}'
}

same() {
	ours >"$dir/ours"
	theirs >"$dir/theirs"
	[ -s "$dir/ours" ] || fail "$1: nothing is in the index"
	diff -u "$dir/ours" "$dir/theirs" || fail "$1: messages differ"
	echo dump | index | sed -n 's/^validity=\(.*\) next=\(.*\) modseq=\(.*\) pending.*/\1 \2 \3/p' \
	    >"$dir/ours"
	dove mailbox status 'uidnext uidvalidity highestmodseq' INBOX | sed \
	    's/.*uidnext=\([0-9]*\) uidvalidity=\([0-9]*\) highestmodseq=\([0-9]*\)/\2 \1 \3/' \
	    >"$dir/theirs"
	diff -u "$dir/ours" "$dir/theirs" || fail "$1: the mailbox differs"
	[ ! -s "$dir/log" ] || fail "$1: Dovecot complains"
}

save() { # COUNT
	for i in $(seq "$1"); do
		printf 'Subject: %d\n\nbody\n' "$i" |
		    dove save -m INBOX || fail 'save'
	done
}

# 1. What Dovecot wrote, as a log alone.
save 5
theirs >/dev/null
dove flags add '\Seen $Work' mailbox INBOX uid 1,2
dove flags add 'Home Other' mailbox INBOX uid 2,4
dove flags remove 'Home' mailbox INBOX uid 4
dove expunge mailbox INBOX uid 3
same 'a young index'

# 2. An open session is told of what we append to the log.
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
say 'ENABLE CONDSTORE'
say 'SELECT INBOX'
highest=$(echo dump | index | sed -n 's/.* modseq=\([0-9]*\) .*/\1/p')
printf 'lock\nflags 1 2 0\nset 5 Ours\nmodseq 5 %d\ncommit\n' \
    $((highest + 100)) | index
say 'NOOP'
grep -q "FETCH (.*MODSEQ ($((highest + 1))).*Flagged" "$dir/imap" ||
    grep -q "FETCH (.*Flagged.*MODSEQ ($((highest + 1)))" "$dir/imap" ||
    fail 'the session was not told of the flag'
grep -q "FETCH (.*MODSEQ ($((highest + 100))).*Ours" "$dir/imap" ||
    grep -q "FETCH (.*Ours.*MODSEQ ($((highest + 100)))" "$dir/imap" ||
    fail 'the session was not told of the keyword'
same 'a live log'
printf 'lock\nrequest 4\ncommit\n' | index
say 'NOOP'
grep -q 'EXPUNGE' "$dir/imap" || fail 'a request was not carried out'
same 'a request'
say 'LOGOUT'
exec 3>&-
wait "$imap_pid"
imap_pid=

# 3. A snapshot of ours, and more by Dovecot behind it.
printf 'lock\nsnapshot\n' | index
same 'a snapshot of ours'
dove flags add '\Answered Later' mailbox INBOX uid 5
save 2
same 'a snapshot of ours, changed'

# 4. Dovecot exchanges the log, and writes a snapshot of its own.
for i in $(seq 80); do
	echo lock
	for uid in 1 2 5; do
		echo "flags $uid $((i % 2 * 16)) 16"
	done
	for k in $(seq 30); do
		echo "set 1 keyword$k-$i"
		echo "clear 1 keyword$k-$i"
	done
	echo commit
	echo unlock
done | index
dove -o mail_index_log_rotate_min_size=4096 \
    -o mail_index_log_rotate_min_age=0 \
    -o mail_index_log_rotate_max_size=8192 flags add Rotated \
    mailbox INBOX uid 1
[ -f "$box/dovecot.index.log.2" ] || fail 'the log was not exchanged'
same 'an exchanged log'
printf 'lock\nflags 2 8 0\ncommit\n' | index
same 'an exchanged log, changed'

# 5. The list of mailboxes.
dove mailbox create 'A/B c' "$(printf 'Entw\303\274rfe')" || fail create
dove mailbox list >/dev/null
box=$dir/box
echo list | $as_user "$ctl" "$box" dovecot.list.index | sed 's/^[^ ]* //' |
    sort >"$dir/ours"
printf 'A\nA/B c\nEntw&APw-rfe\nINBOX\n' | sort | diff -u - "$dir/ours" ||
    fail 'the list of mailboxes differs'
[ ! -s "$dir/log" ] || fail 'Dovecot complains'
exit 0
