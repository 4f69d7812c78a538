#!/bin/sh
# "Dovecot finds in a Maildir's index what we did, and has nothing to add; mail
# programs that look on are told of it with the modseqs that were wanted."
. "$(dirname "$0")/dovecot_lib.sh"

configure server
printf 'Subject: one\n\nbody\n' >"$work/one"

log_size() {
	wc -c <"$server/$1/dovecot.index.log"
}

# UID FLAGS MODSEQ KEYWORDS, as the index has it.
dump() {
	echo dump | as server "$helpers/indexctl" "$server/$1" dovecot.index |
	    grep -v '^validity' | sed 's/ *$//'
}

expect_box() { # MAILBOX-DIRECTORY MAILBOX HIGHEST, lines on standard input
	cat >"$work/wanted"
	dump "$1" >"$work/is"
	diff -u "$work/wanted" "$work/is" || fail "the index of $2 is wrong"
	dove server -f tab fetch 'uid modseq' mailbox "$2" all | sed 1d |
	    tr '\t' ' ' >"$work/is"
	cut -d ' ' -f 1,3 "$work/wanted" | diff -u - "$work/is" ||
	    fail "Dovecot shows other modseqs in $2"
	[ "$(dove server mailbox status highestmodseq "$2")" = \
	    "$2 highestmodseq=$3" ] ||
	    fail "HIGHESTMODSEQ of $2 is not $3"
	no_complaint
}

step 'a new mailbox has the modseqs it is given'
# Also those that are lower than what was saved before.
store server -c <<END
open INBOX
modseq 900
append 5 - S work 1000000000 $work/one
flush
modseq 12
append 6 - - work,home 1000000000 $work/one
modseq 13
append 7 - FT - 1000000000 $work/one
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

step 'an open session is told of what we do'
imap_open server
say 'ENABLE QRESYNC'
say 'SELECT INBOX'
store server <<END
open INBOX
modseq 1000
append 30 - S late 1000000000 $work/one
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
imap_told 'VANISHED 5' 'the expunge'
imap_told 'UID 6 MODSEQ (1001) .*Answered' 'the flag'
imap_told 'EXISTS' 'the append'
say 'UID FETCH 30 (FLAGS MODSEQ)'
imap_told 'MODSEQ (1000)' 'the modseq of the new message'
dump . | cut -d ' ' -f 1,2,4- >"$work/is"
diff -u - "$work/is" <<END || fail 'the index is not as it was left'
6 01 home
30 08 late
40 06
END
no_complaint

step 'Dovecot adds nothing to what we wrote'
dump . >"$work/before"
say 'NOOP'
theirs=$(dove server -f tab fetch 'uid modseq' mailbox INBOX all)
dump . | diff -u "$work/before" - || fail 'Dovecot changed something'
[ -n "$theirs" ] && [ "$after" -gt 40 ] || fail 'nothing there'

step 'more keywords than there are letters'
set --
for k in $(seq 10 39); do
	set -- "$@" "key$k"
done
words=$(echo "$*" | tr ' ' ',')
store server <<END
open INBOX
append 60 - S $words 1000000000 $work/one
flush
dump
END
[ "$(dump . | sed -n 's/^60 08 [0-9]* //p' | wc -w)" -eq 30 ] ||
    fail 'keywords are lost'
grep -q "^60 .* $words " "$work/out" || fail 'keywords are not read again'
say 'NOOP'
say 'UID STORE 60 +FLAGS (\Flagged)'
[ "$(dump . | sed -n 's/^60 0a [0-9]* //p' | wc -w)" -eq 30 ] ||
    fail 'Dovecot lost keywords'
no_complaint

step 'mailboxes that come, move and go'
say 'LIST "" *'
store server <<END
create Neu
create Other
rename Other Moved
subscribe Neu
END
say 'LIST "" N*'
imap_told '^\* LIST .*"/" Neu' 'a new mailbox'
say 'LIST "" M*'
imap_told '^\* LIST .*"/" Moved' 'a rename'
say 'SELECT Neu'
store server <<END
remove Neu
END
say 'LIST "" *'
tail -n 4 "$work/imap" | grep -q 'Neu' && fail 'a removal is not seen'
printf 'x. NOOP\r\n' >&3
wait_until 20 grep -q '^x\. \|^\* BYE' "$work/imap" ||
    fail 'IMAP does not answer'
imap_told '^\* BYE' 'the end of a session in what is removed'
imap_close
[ "$(wc -c <"$server/dovecot.mailbox.log")" -eq $((4 * 24)) ] ||
    fail 'the log of mailboxes is wrong'

step 'a damaged index does no harm'
printf 'garbage!' >>"$server/dovecot.index.log"
as server "$helpers/storectl" "maildir:$server" >"$work/out" <<END ||
open INBOX
append 70 - S - 1000000000 $work/one
flush
status
END
	fail 'storectl failed'
grep -q '^problem.*index' "$work/out" || fail 'damage is not told'
[ "$(grep -c '^problem' "$work/out")" -eq 1 ] || fail 'damage is told twice'
grep -q '^done .* 70$' "$work/out" || fail 'mail stops at a damaged index'
