#!/bin/sh
# "We read Dovecot's indexes as it does itself, and it takes what we write into
# them as its own, while mail programs look on."
. "$(dirname "$0")/dovecot_lib.sh"

root=$work/server/box
box=$root/mailboxes/INBOX/dbox-Mails
configure server "sdbox:$root"

index() { # commands on standard input
	as server "$helpers/indexctl" "$box" dovecot.index ||
		fail 'indexctl failed'
}

ours() {
	echo dump | index | grep -v '^validity'
}

# The messages as indexctl shows them: UID FLAGS MODSEQ KEYWORDS.
theirs() {
	dove server -f tab fetch 'uid flags modseq' mailbox INBOX all |
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
	ours >"$work/ours"
	theirs >"$work/theirs"
	[ -s "$work/ours" ] || fail "$1: nothing is in the index"
	diff -u "$work/ours" "$work/theirs" || fail "$1: messages differ"
	echo dump | index | sed -n 's/^validity=\(.*\) next=\(.*\) modseq=\(.*\) pending.*/\1 \2 \3/p' \
	    >"$work/ours"
	dove server mailbox status 'uidnext uidvalidity highestmodseq' INBOX | sed \
	    's/.*uidnext=\([0-9]*\) uidvalidity=\([0-9]*\) highestmodseq=\([0-9]*\)/\2 \1 \3/' \
	    >"$work/theirs"
	diff -u "$work/ours" "$work/theirs" || fail "$1: the mailbox differs"
	no_complaint
}

save() { # COUNT
	for i in $(seq "$1"); do
		printf 'Subject: %d\n\nbody\n' "$i" |
		    dove server save -m INBOX || fail 'doveadm save failed'
	done
}

told_of() { # MODSEQ WORD: the open session, in either order
	grep -q "FETCH (.*MODSEQ ($1).*$2" "$work/imap" ||
		imap_told "FETCH (.*$2.*MODSEQ ($1)" "$2"
}

step 'what Dovecot wrote, as a log alone'
save 5
theirs >/dev/null
dove server flags add '\Seen $Work' mailbox INBOX uid 1,2
dove server flags add 'Home Other' mailbox INBOX uid 2,4
dove server flags remove 'Home' mailbox INBOX uid 4
dove server expunge mailbox INBOX uid 3
same 'a young index'

step 'an open session is told of what we append to the log'
imap_open server
say 'ENABLE CONDSTORE'
say 'SELECT INBOX'
highest=$(echo dump | index | sed -n 's/.* modseq=\([0-9]*\) .*/\1/p')
printf 'lock\nflags 1 2 0\nset 5 Ours\nmodseq 5 %d\ncommit\n' \
    $((highest + 100)) | index || exit 1
say 'NOOP'
told_of "$((highest + 1))" Flagged
told_of "$((highest + 100))" Ours
same 'a live log'
printf 'lock\nrequest 4\ncommit\n' | index || exit 1
say 'NOOP'
imap_told EXPUNGE
same 'a request'
say 'LOGOUT'
imap_close

step 'a snapshot of ours, and more by Dovecot behind it'
printf 'lock\nsnapshot\n' | index || exit 1
same 'a snapshot of ours'
dove server flags add '\Answered Later' mailbox INBOX uid 5
save 2
same 'a snapshot of ours, changed'

step 'Dovecot exchanges the log, and writes a snapshot of its own'
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
done | index || exit 1
dove server -o mail_index_log_rotate_min_size=4096 \
    -o mail_index_log_rotate_min_age=0 \
    -o mail_index_log_rotate_max_size=8192 flags add Rotated \
    mailbox INBOX uid 1
[ -f "$box/dovecot.index.log.2" ] || fail 'the log was not exchanged'
same 'an exchanged log'
printf 'lock\nflags 2 8 0\ncommit\n' | index || exit 1
same 'an exchanged log, changed'

step 'the list of mailboxes'
dove server mailbox create 'A/B c' "$(printf 'Entw\303\274rfe')" || fail create
dove server mailbox list >/dev/null
echo list | as server "$helpers/indexctl" "$root" dovecot.list.index |
    sed 's/^[^ ]* //' | sort >"$work/ours"
printf 'A\nA/B c\nEntw&APw-rfe\nINBOX\n' | sort | diff -u - "$work/ours" ||
    fail 'the list of mailboxes differs'
no_complaint
