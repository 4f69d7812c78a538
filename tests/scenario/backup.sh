#!/bin/sh
# "My server keeps a copy of what is on the laptop, and gives it back to me."
# (B4)
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 100
maildir "$server"
server_start
enrol

step "the destination becomes equal, and the source is not written"
before=$(snapshot "$laptop" | grep -v dsync-changelog)
expect 0 backup "$place"
same_mail
[ "$before" = "$(snapshot "$laptop" | grep -v dsync-changelog)" ] ||
	fail 'the source was changed'
expect 0 backup "$place"
prints 'nothing to do'

step "what was changed at the destination is discarded"
deliver "$server" 'a stranger'
for file in "$server"/cur/*; do
	rm "$file"
	break
done
deliver "$laptop" 'a new one'
# Their UIDs are taken there already: the mailbox is built anew.
expect 0 -v backup "$place"
says 'B3'
! has_mail "$server" 'a stranger' || fail 'the stranger is still there'
has_mail "$server" 'a new one' || fail 'the new one is missing'
same_mail
expect 0 backup "$place"
prints 'nothing to do'

step "a mirror of the two gives the source the UIDs that it was lent"
expect 0 mirror "$place"
equal

step "the other way round into a store that is not there yet"
mv "$laptop" "$work/lost"
expect 0 --create -R backup "$place"
equal

step "mirror and backup can alternate"
expect 0 mirror "$place"
equal
deliver "$laptop" 'one more'
expect 0 backup "$place"
same_mail
deliver "$server" 'another stranger'
expect 0 backup "$place"
! has_mail "$server" 'another stranger' || fail 'it is still there'

# What the source has moved is not copied there, but comes in time for its UID.
step "mail that was moved here and went there gets the UIDs of the source"
maildir "$laptop/.Moved"
deliver "$laptop/.Moved" 'the first of them'
deliver "$laptop" 'to be moved'
expect 0 mirror "$place"
expunge "$server" 'to be moved'
file=$(find_mail "$laptop" 'to be moved')
mv "$file" "$laptop/.Moved/cur/"
deliver "$laptop/.Moved" 'the last of them'
expect 0 -v backup "$place"
prints 'Moved: save UID 2 '
has_mail "$server/.Moved" 'to be moved' || fail 'it is not there'
same_mail
expect 0 backup "$place"
prints 'nothing to do'

step "the source is not written"
expect 0 mirror "$place"
before=$(snapshot "$server" | grep -v dsync-changelog)
deliver "$laptop" 'goes away again'
expect 0 -R backup "$place"
! has_mail "$laptop" 'goes away again' || fail 'it stayed'
after=$(snapshot "$server" | grep -v dsync-changelog)
[ "$before" = "$after" ] || fail 'the source was changed'
