#!/bin/sh
# "A program emptied my mailbox by mistake; the other copy must survive that."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 100
maildir "$server"
server_start
enrol
expect 0 mirror "$place"
b=$(snapshot "$server" | grep -v dsync-changelog)

step "more than half of the store: stopped before the first change"
find "$laptop" -type f \( -path '*/cur/*' -o -path '*/new/*' \) |
    sort | head -n 80 | xargs -d '\n' rm -f
deliver "$laptop" 'new one'
expect 1 mirror "$place"
says 'force-delete'
says 'second: .*: [0-9]* messages would be removed (G1)'
[ "$b" = "$(snapshot "$server" | grep -v dsync-changelog)" ] ||
	fail 'the server was changed'
wait_until 20 grep -q 'info: run given up .* would be removed.*(G1)' \
    "$work/server.log" || fail 'the server does not log why the run ended'
expect 1 mirror "$place"
expect 1 backup "$place"

step "it is done when asked for"
expect 0 --force-delete mirror "$place"
equal
has_mail "$server" 'new one' || fail 'the new one is missing'

step "all of INBOX is too much, even if it is not half of the store"
rm -f "$laptop"/cur/* "$laptop"/new/*
for i in 1 2 3 4 5; do
	for j in 1 2 3 4 5; do
		deliver "$laptop" "mail $i$j"
	done
done
sh "$support/make-maildir.sh" "$work/more" 500
mv "$work/more/.Archive" "$laptop/.More"
expect 0 --force-delete mirror "$place"
rm -f "$laptop"/cur/* "$laptop"/new/*
expect 1 mirror "$place"
[ "$(count_mails "$server")" = 25 ] || fail 'INBOX was emptied'
expect 0 --force-delete mirror "$place"
equal

step "no refusal is an error of the server"
server_stop
! grep error: "$work/server.log" >&2 || fail 'the server logs an error'
