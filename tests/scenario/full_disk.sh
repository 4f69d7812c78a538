#!/bin/sh
# "The disk of my backup was full for a while."
#
# Only root can have a small disk of its own: without root this is skipped, and
# no_space.sh says the same in another way.
needs_root=yes
[ "$(id -u)" = 0 ] || exit 77
. "$(dirname "$0")/lib.sh"

small_disk
other=$disk/Maildir

sh "$support/make-maildir.sh" "$laptop" 60
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"

step "what was saved stays, the rest is pending and told"
deliver_large "$laptop"
deliver "$other" 'from the full disk'
expect 2 mirror "maildir:$other"
says 'pending'
kept=$(count_mails "$other")
[ "$kept" -gt 25 ] || fail "only $kept mails are there"
[ "$kept" -lt 33 ] || fail 'the disk was not full'
has_mail "$laptop" 'from the full disk' || fail 'the other way did not go on'
# The change log may not find room for what it has to note either.
dsync mirror "maildir:$other"
[ "$status" = 2 ] || [ "$status" = 73 ] || fail "status $status"
[ "$(count_mails "$other")" -ge "$kept" ] || fail 'a mail was lost'

step "with space the next run completes"
larger_disk
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"
expect 0 mirror "maildir:$other"
prints 'nothing to do'
