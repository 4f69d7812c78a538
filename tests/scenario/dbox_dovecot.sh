#!/bin/sh
# "Dovecot shows what we wrote into its dbox, to the letter, has nothing to
# complain about, and we see what it changes."
#
# Dovecot's own programs work on a private store with a private configuration;
# no server runs.  The formats are tried one after the other.
if [ -z "${FORMAT:-}" ]; then
	for format in sdbox mdbox sdbox:apart mdbox:apart; do
		FORMAT=$format sh "$0" || exit
	done
	exit 0
fi
IMAP=${IMAP:-/usr/lib/dovecot/imap}
ctl=$(pwd)/${builddir:-.}/tests/support/storectl

for program in doveadm setpriv; do
	command -v $program >/dev/null || exit 77
done
[ -x "$IMAP" ] || exit 77
[ -x "$ctl" ] || exit 99

dir=$(mktemp -d "${TMPDIR:-/tmp}/dsync-dovecot.XXXXXX") || exit 99
dir=$(cd "$dir" && pwd -P)
imap_pid=
cleanup() {
	[ -z "$imap_pid" ] || kill "$imap_pid" 2>/dev/null
	rm -rf "$dir"
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

# The index in another place, or beside the mail.
location=${FORMAT%:apart}:$dir/mail
[ "$location" = "$FORMAT:$dir/mail" ] || location=$location:INDEX=$dir/index
FORMAT=${FORMAT%:apart}

cat >"$dir/dovecot.conf" <<END
base_dir = $dir/run
state_dir = $dir/run
log_path = $dir/log
ssl = no
protocols = imap
mail_location = $location
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
END
chmod 644 "$dir/dovecot.conf"
printf 'Subject: one\n\nbody\n' >"$dir/one"
printf 'Subject: two\r\n\r\nbody\r\n' >"$dir/two"
chmod 644 "$dir/one" "$dir/two"

fail() {
	echo "$*" >&2
	[ ! -f "$dir/log" ] || cat "$dir/log" >&2
	exit 1
}

dove() {
	$as_user doveadm -c "$dir/dovecot.conf" "$@"
}

# Commands on standard input; a command that fails, fails the test.
store() {
	$as_user "$ctl" "$location" >"$dir/out" ||
	    fail "storectl: $(cat "$dir/out")"
	if grep -E '^(failed|problem)' "$dir/out"; then
		fail "storectl: an operation failed"
	fi
}

# The messages of a mailbox, a line each: UID GUID FLAGS KEYWORDS SIZE DATE.
ours() {
	printf 'open %s\ndump\n' "$1" | $as_user "$ctl" \
	    "$location" | sed 's/received=//' |
	    cut -d ' ' -f 1-6
}

theirs() {
	dove -f tab fetch \
	    'uid guid flags size.physical date.received.unixtime' \
	    mailbox "$1" | awk -F '\t' 'NR > 1 {
		n = split($3, word, " "); flags = ""; keywords = "";
		letter["\\Draft"] = "D"; letter["\\Flagged"] = "F";
		letter["\\Answered"] = "R"; letter["\\Seen"] = "S";
		letter["\\Deleted"] = "T";
		for (i = 1; i <= n; i++) {
			if (word[i] in letter)
				seen[word[i]] = NR;
			else if (word[i] != "\\Recent")
				names[++k] = word[i];
		}
		order = "\\Draft \\Flagged \\Answered \\Seen \\Deleted";
		m = split(order, in_order, " ");
		for (i = 1; i <= m; i++)
			if (seen[in_order[i]] == NR)
				flags = flags letter[in_order[i]];
		for (i = 2; i <= k; i++)
			for (j = i; j > 1 && tolower(names[j]) < \
			    tolower(names[j - 1]); j--) {
				t = names[j]; names[j] = names[j - 1];
				names[j - 1] = t;
			}
		for (i = 1; i <= k; i++)
			keywords = keywords (i > 1 ? "," : "") names[i];
		k = 0;
		print $1, $2, flags == "" ? "-" : flags,
		    keywords == "" ? "-" : keywords, $4, $5;
	}'
}

status() {
	dove mailbox status 'guid uidvalidity uidnext' "$1" |
	    sed 's/^.* uidnext=\([0-9]*\) uidvalidity=\([0-9]*\) guid=\(.*\)$/status \3 \2 \1/'
}

# Dovecot shows the mailbox as we do.
same() {
	ours "$1" >"$dir/ours"
	theirs "$1" >"$dir/theirs"
	[ -s "$dir/ours" ] || fail "$2: nothing in $1"
	diff -u "$dir/ours" "$dir/theirs" || fail "$2: $1 differs"
	printf 'open %s\nstatus\n' "$1" | $as_user "$ctl" \
	    "$location" >"$dir/ours"
	status "$1" >"$dir/theirs"
	diff -u "$dir/ours" "$dir/theirs" ||
	    fail "$2: the status of $1 differs"
	if [ -f "$dir/log" ] && grep -E 'Error|Warning|Panic|Fatal' "$dir/log"
	then
		fail "$2: Dovecot complains"
	fi
}

# An IMAP session that stays open.  say TAG COMMAND waits for the answer.
mkfifo "$dir/in"
chmod 666 "$dir/in"
imap_open() {
	$as_user "$IMAP" -c "$dir/dovecot.conf" <"$dir/in" >"$dir/imap" 2>&1 &
	imap_pid=$!
	exec 3>"$dir/in"
}
tag=0
say() {
	tag=$((tag + 1))
	printf 'a%d. %s\r\n' "$tag" "$*" >&3
	for _ in $(seq 200); do
		if grep -q "^a$tag\\. " "$dir/imap"; then
			grep -q "^a$tag\\. OK" "$dir/imap" ||
			    fail "imap: $(cat "$dir/imap")"
			return 0
		fi
		sleep 0.05
	done
	fail "imap does not answer: $(cat "$dir/imap")"
}

# 1. We make a Maildir; Dovecot sees it for the first time.
$as_user "$ctl" -c "$location" >"$dir/out" <<END || fail "create"
open INBOX
append 5 - S work,home 1000000000 $dir/one
append 7 0123456789abcdef0123456789abcdef FT - 1000000001 $dir/two
append 9 1600000000.M1P1.host,S=19,W=22 - x 1600000000 $dir/one
setstatus 11223344556677889900aabbccddeeff 1234 20
flush
create Work/Gr&e 00112233445566778899aabbccddeeff 42 77
open Work/Gr&e
append 80 - DR - 2000000000 $dir/two
flush
subscribe Work/Gr&e
END
same INBOX 'new Maildir'
same 'Work/Gr&e' 'new mailbox'
dove mailbox list -s >"$dir/theirs"
echo 'Work/Gr&e' | diff - "$dir/theirs" || fail "subscriptions differ"

# 2. Dovecot has indexed it, and has it open.
imap_open
say 'SELECT INBOX'
store <<END
open INBOX
append 30 - - late 1000000005 $dir/one
append 25 1600000001.M1P1.host,S=22,W=22 RS work 1000000006 $dir/two
flags 5 = T home,fresh
uid 7 = 40
expunge 9 =
flush
copy Work/Gr&e 80 =
setstatus - 0 50
flush
END
say 'NOOP'
say 'UID FETCH 1:* (FLAGS)'
grep -q 'UID 40 FLAGS' "$dir/imap" || fail "IMAP does not show UID 40"
same INBOX 'indexed Maildir'

# 3. Dovecot changes things; we see them, and write on.
say 'UID STORE 25 +FLAGS (\Flagged theirs)'
say 'UID STORE 5 -FLAGS (\Deleted)'
say 'UID COPY 25,40 Work/Gr&-e'
say 'UID STORE 40 +FLAGS (\Deleted)'
say 'EXPUNGE'
say 'CREATE Other'
say 'UID COPY 25 Other'
say 'SUBSCRIBE Other'
same INBOX 'changed by Dovecot'
same 'Work/Gr&e' 'copied by Dovecot'
same Other 'created by Dovecot'
store <<END
open INBOX
flags 25 = - theirs
expunge 5 =
append 60 - - ours 3 $dir/one
flush
open Other
expunge 1 =
flush
append 0 - - - 4 $dir/two
flush
unsubscribe Work/Gr&e
subscriptions
END
tail -n 1 "$dir/out" | grep -qx Other || fail "subscriptions differ"
say 'NOOP'
same INBOX 'changed by both'
same Other 'changed by both'
say 'LOGOUT'
exec 3>&-
wait "$imap_pid"
imap_pid=

# 4. A delivery, and what Dovecot does to repair what is whole.
printf 'Subject: three\n\nbody\n' | dove save -m INBOX || fail "save"
same INBOX 'delivery'
cp "$dir/ours" "$dir/before"
dove force-resync '*' 2>"$dir/err" || fail 'force-resync failed'
[ "$FORMAT" != mdbox ] || dove purge 2>>"$dir/err" || fail 'purge failed'
if grep -vE 'Warning: .*([Rr]ebuilding|fscking)' "$dir/err"; then
	fail 'force-resync complains'
fi
rm -f "$dir/log"
same INBOX 'resync'
diff "$dir/before" "$dir/ours" || fail 'force-resync changed something'
same 'Work/Gr&e' 'resync'

# 5. Another UIDVALIDITY, a rename, a removal.
store <<END
open INBOX
setstatus - 5000 0
flush
rename Work/Gr&e Work/Moved
rename Other Neu
create Empty
remove Empty
mkdir Directory
END
dove mailbox list | sort >"$dir/theirs"
printf 'Directory\nINBOX\nNeu\nWork\nWork/Moved\n' |
    diff - "$dir/theirs" || fail "the mailboxes differ"
same INBOX 'UIDVALIDITY changed'
same Work/Moved 'renamed'
printf 'Subject: four\n\nbody\n' | dove save -m INBOX || fail "save"
same INBOX 'delivery into a renumbered mailbox'
exit 0
