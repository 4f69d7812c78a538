#!/bin/sh
# "Whoever steals my laptop cannot destroy the backup."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol append

step "new mail and mailboxes are taken"
expect 0 backup "$place"
kept=$(find "$server" -path '*/cur/*' -o -path '*/new/*' | wc -l)
[ "$kept" -ge 60 ] || fail "only $kept mails were kept"

step "expunges are not, however often they are asked for"
for file in "$laptop"/cur/*; do
	victim=$file
	break
done
rm -f "$victim"
expect 2 backup "$place"
says 'pending'
now=$(find "$server" -path '*/cur/*' -o -path '*/new/*' | wc -l)
[ "$now" = "$kept" ] || fail "a mail is gone: $now, not $kept"

step "not even when everything is to go"
find "$laptop" -type f \( -path '*/cur/*' -o -path '*/new/*' \) \
    -exec rm -f {} +
dsync --force-delete backup "$place"
[ "$status" = 2 ] || [ "$status" = 1 ] || fail "status $status"
now=$(find "$server" -path '*/cur/*' -o -path '*/new/*' | wc -l)
[ "$now" = "$kept" ] || fail "mail is gone: $now, not $kept"

step "and new mail is still taken"
deliver "$laptop" 'one more'
dsync --force-delete backup "$place"
has_mail "$server" 'one more' || fail 'the new mail was not taken'
