#!/bin/sh
# "My script looks at the exit status and mails me the errors."
# (E3)
. "$(dirname "$0")/lib.sh"

maildir "$laptop" "$server"
deliver "$laptop" 'one'

step "mistakes on the command line are 64"
expect 64 mirror
expect 64 mirorr host
says 'mirorr'
expect 64 -R mirror host
expect 64 --no-such-option mirror host
expect 64 -o no_such_setting=1 mirror host
expect 64 -o max_delete=0 mirror host
expect 64 -m INBOX key
[ ! -s "$work/out" ] || fail 'an error went to stdout'

step "settings that have to be changed are 78"
expect 66 -c "$work/bad.conf" mirror "maildir:$server"
printf 'no_such_setting = 1\n' >"$work/bad.conf"
expect 78 -c "$work/bad.conf" mirror "maildir:$server"
says 'bad.conf'
printf '# settings\n\nmail_locaton = x\n' >"$work/bad.conf"
expect 78 -c "$work/bad.conf" mirror "maildir:$server"
says 'bad.conf:3: .*mail_locaton.*did you mean mail_location'
expect 78 -o mail_location=nosuchformat:/x mirror "maildir:$server"
expect 78 -m 'a//b' mirror "maildir:$server"
expect 78 mirror 'user@'
expect 78 mirror 'host:99999'

step "help and version are 0 and go to stdout"
expect 0 --help
prints 'LOCATION2'
expect 0 --version
prints '^dsync [0-9]'

step "a user that is not there, or is somebody else"
dsync -u no-such-user-here mirror "maildir:$server"
[ "$status" -gt 2 ] || fail "status $status"
dsync -u root mirror "maildir:$server"
[ "$status" = 77 ] || fail "status $status"

step "a server that was never enrolled with, and one that does not answer"
expect 78 mirror "alice@127.0.0.1:9"
says 'dsync enrol'
server_start
enrol
server_stop
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
says "$port"

step "perfect is 0, quiet says nothing"
expect 0 -q mirror "maildir:$server"
[ ! -s "$work/out" ] && [ ! -s "$work/err" ] || fail '-q was not quiet'
equal
