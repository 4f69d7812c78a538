#!/bin/sh
# "The office may read the shared mailbox's store but change nothing in it."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$server" 60
maildir "$laptop"
server_start
enrol read

step "reading works"
expect 0 -R backup "$place"
same_mail

step "writing does not"
before=$(snapshot "$server" | grep -v dsync-changelog)
deliver "$laptop" 'not wanted'
dsync backup "$place"
[ "$status" = 2 ] || [ "$status" = 1 ] || [ "$status" -gt 2 ] ||
	fail "status $status"
! has_mail "$server" 'not wanted' || fail 'it was written'
after=$(snapshot "$server" | grep -v dsync-changelog)
[ "$before" = "$after" ] || fail 'the store was changed'
