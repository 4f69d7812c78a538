#!/bin/sh
# "The disk of my backup was full for a while."
#
# Only root can have a small disk of its own: without root this is skipped, and
# no_space.sh says the same in another way.
needs_root=yes
[ "$(id -u)" = 0 ] || exit 77
. "$(dirname "$0")/lib.sh"

disk=$work/disk
mkdir "$disk"
mount -t tmpfs -o size=3m,mode=700 dsync-scenario "$disk" 2>/dev/null || {
	echo 'no file system can be mounted' >&2
	exit 77
}
unmount() {
	finished=$?
	trap - EXIT
	umount "$disk"
	rm -rf "$work"
	exit "$finished"
}
trap unmount EXIT
other=$disk/Maildir

sh "$support/make-maildir.sh" "$laptop" 60
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"

step "what was saved stays, the rest is pending and told"
for i in 1 2 3 4 5 6 7 8; do
	deliver "$laptop" "large $i"
	head -c 375000 /dev/urandom | base64 >>"$(find_mail "$laptop" \
	    "large $i")"
done
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
mount -o remount,size=20m "$disk" || fail 'no more space'
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"
expect 0 mirror "maildir:$other"
prints 'nothing to do'
