#!/bin/sh
# "The disk with my mail was not mounted; the other side must not be emptied."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol
expect 0 mirror "$place"
equal
b=$(snapshot "$server" | grep -v dsync-changelog)

step "a first location that is gone"
mv "$laptop" "$work/unmounted"
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
says "$laptop"
[ ! -e "$laptop" ] || fail 'it was made'
dsync --force-delete backup "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
[ "$b" = "$(snapshot "$server" | grep -v dsync-changelog)" ] ||
	fail 'the server was changed'

step "one that is only the place where it should be mounted"
mkdir "$laptop"
for command in mirror backup; do
	dsync --force-delete "$command" "$place"
	[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
	says 'mounted'
done
rmdir "$laptop" || fail 'something was made in it'
[ "$b" = "$(snapshot "$server" | grep -v dsync-changelog)" ] ||
	fail 'the server was changed'

step "one that is a file"
: >"$laptop"
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
rm "$laptop"

step "it is back: nothing was lost"
mv "$work/unmounted" "$laptop"
expect 0 mirror "$place"
prints 'nothing to do'
equal

step "the server's store is gone"
mv "$server" "$work/unmounted"
a=$(snapshot "$laptop" | grep -v dsync-changelog)
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
[ "$a" = "$(snapshot "$laptop" | grep -v dsync-changelog)" ] ||
	fail 'the laptop was changed'
[ ! -e "$server" ] || fail 'it was made'
dsync --force-delete backup "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
[ ! -e "$server" ] || fail 'it was made'
mkdir "$server"
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
rmdir "$server" || fail 'something was made in it'
mv "$work/unmounted" "$server"
expect 0 mirror "$place"
equal

step "a second location on this host that is gone"
mkdir "$work/disk"
other=$work/disk/Maildir
expect 0 mirror "maildir:$other"
deliver "$laptop" 'for the other disk'
mv "$work/disk" "$work/unmounted"
mkdir "$work/disk"
for command in mirror backup '-R backup'; do
	# shellcheck disable=SC2086
	dsync --force-delete $command "maildir:$other"
	[ "$status" = 1 ] || [ "$status" -gt 2 ] ||
		fail "$command: status $status"
	says "$other"
	[ ! -e "$other" ] || fail "$command: it was made"
done
rmdir "$work/disk"
mv "$work/unmounted" "$work/disk"
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"

step "who named a location that is missing or wrong, and what to do about it"
conf=$work/laptop/.config/dsync/dsync.conf
saved=$(cat "$conf" 2>/dev/null)
expect 66 -o mail_location=maildir:~/none mirror "maildir:$other"
says '/laptop/none: .*mail_location = maildir:~/none of the command line'
says 'say where by .*--create'
printf '# mine\nmail_location = maildir:~/none\n' >"$conf"
expect 66 mirror "maildir:$other"
says "/laptop/none: .*of .*/dsync.conf line 2"
printf 'mail_driver = mbox\nmail_path = ~/none\n' >"$conf"
expect 66 mirror "maildir:$other"
says "/laptop/none: .*mail_path = ~/none of .*/dsync.conf line 2"
printf 'mail_location = paper:~/none\n' >"$conf"
expect 78 mirror "maildir:$other"
says "format paper is not supported .*of .*/dsync.conf line 1"
printf 'mail_location =\n' >"$conf"
mv "$laptop" "$work/away"
expect 78 mirror "maildir:$other"
says "mail_location of .*/dsync.conf line 1: .*no mail was found"
rm "$conf"
expect 66 mirror "maildir:$other"
says 'mail_location = maildir:~/Maildir of the built-in default'
mv "$work/away" "$laptop"
[ -z "$saved" ] || echo "$saved" >"$conf"
expect 66 -R backup "maildir:$work/none"
says '/none: .*as named on the command line'
