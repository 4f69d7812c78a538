#!/bin/sh
# "My server keeps a copy of what is on the laptop, and gives it back to me."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 100
maildir "$server"
server_start
enrol

step "the destination becomes equal"
expect 0 backup "$place"
equal

step "what was changed at the destination is discarded"
deliver "$server" 'a stranger'
expunge "$server" "$(sed -n 's/^Subject: //p' \
    "$(find "$server/cur" -type f | sort | head -n 1)")"
deliver "$laptop" 'a new one'
expect 0 backup "$place"
! has_mail "$server" 'a stranger' || fail 'the stranger is still there'
has_mail "$server" 'a new one' || fail 'the new one is missing'
equal

step "the other way round into a store that is not there yet"
mv "$laptop" "$work/lost"
expect 0 --create -R backup "$place"
equal

step "the source is not written"
before=$(snapshot "$server" | grep -v dsync-changelog)
deliver "$laptop" 'goes away again'
expect 0 -R backup "$place"
! has_mail "$laptop" 'goes away again' || fail 'it stayed'
after=$(snapshot "$server" | grep -v dsync-changelog)
[ "$before" = "$after" ] || fail 'the source was changed'
