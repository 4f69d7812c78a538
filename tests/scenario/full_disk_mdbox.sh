#!/bin/sh
# "The disk of my mdbox was full for a while."
#
# Only root can have a small disk of its own: without root this is skipped.
needs_root=yes
[ "$(id -u)" = 0 ] || exit 77
. "$(dirname "$0")/lib.sh"

small_disk
other=mdbox:$disk/mdbox
back=$work/server/Maildir

sh "$support/make-maildir.sh" "$laptop" 60
expect 0 mirror "$other"
expect 0 -o "mail_location=$other" backup "maildir:$back"
equal "$laptop" "$back"

step "in the middle of a batch there is no room: nothing is lost"
deliver_large "$laptop"
for i in 1 2; do
	dsync mirror "$other"
	[ "$status" = 2 ] || [ "$status" = 73 ] || fail "status $status"
done
[ "$(count_mails "$laptop")" -ge 32 ] || fail 'a mail was lost'

step "with space the next run completes"
larger_disk
expect 0 mirror "$other"
expect 0 -o "mail_location=$other" backup "maildir:$back"
equal "$laptop" "$back"
expect 0 mirror "$other"
prints 'nothing to do'
