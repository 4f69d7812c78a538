#!/bin/sh
# "My mail program cannot tell which of the two servers it talks to."
#
# Two private Dovecots, of which only the parts are run that a user starts, and
# their Maildirs kept equal over TLS: all that is compared or changed is seen
# and done through IMAP.
rounds=${ROUNDS:-50}
changes=${CHANGES:-25}
seed=${SEED:-1}

. "$(dirname "$0")/dovecot_lib.sh"

# Dovecot says so of a mail that is copied back to where it was expunged, if the
# copy is named as the original was, and the list has still its line; we drop
# that line (choose_base in maildir_apply.c).
bearable="$bearable|Duplicate file entry"

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 120
maildir "$server"
server_start
enrol

step "what mail programs did before"
imap laptop change "$seed" 60 start || fail 'IMAP failed'
view laptop >/dev/null
no_complaint

step "an empty server shows the same after one run"
expect 0 mirror "$place"
same_view exact
expect 0 mirror "$place"
prints 'nothing to do'
same_view exact

step "a mail that is moved crosses the wire without its body"
printf 'CREATE Filed\nSELECT INBOX\nUID MOVE 1:20 Filed\n' |
    imap laptop script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
prints '; 0 B of mail'
same_view exact
printf 'SELECT Filed\nUID MOVE 3:9 INBOX\nUID COPY 10:12 INBOX\n' |
    imap server script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
prints '; 0 B of mail'
same_view exact

step "a copy goes back to where its original was expunged"
printf 'SELECT INBOX\nUID COPY 40 INBOX\n%s\nUID EXPUNGE 40\n' \
    'UID STORE 40 +FLAGS (\Deleted)' |
    imap laptop script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
# Dovecot names the copy's copy as the original was named, and looks again.
printf 'SELECT INBOX\nUID COPY * INBOX\nUNSELECT\n%s\n%s\n' \
    'SELECT INBOX' 'UID FETCH * UID' |
    imap server script >"$work/out" || fail 'IMAP failed'
expect 0 mirror "$place"
same_view exact

round=1
while [ "$round" -le "$rounds" ]; do
	number=$((seed * 1000 + round))
	step "random changes on both sides at once: $number"
	imap laptop change "$number" "$changes" laptop &
	other=$!
	imap server change "$number" "$changes" server || fail 'IMAP failed'
	wait "$other" || fail 'IMAP failed'
	keeps laptop
	keeps server
	expect 0 mirror "$place"
	same_view exact
	told
	expect 0 mirror "$place"
	prints 'nothing to do'
	round=$((round + 1))
done
expect 0 -f mirror "$place"
prints 'nothing to do'
same_view exact
