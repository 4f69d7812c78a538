#!/bin/sh
# "I already have ssh to my server; dsync can go through that."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 100
maildir "$server"
deliver "$server" 'on the far side'

step "a command with arguments of its own"
expect 0 mirror env "HOME=$work/server" \
    "DSYNC_CONFIG_DIR=$work/server/.config/dsync" "$server_program" --stdio
equal
has_mail "$laptop" 'on the far side' || fail 'nothing came'

step "dsync itself at the other end, by a script"
cat >"$work/far.sh" <<END
#!/bin/sh
HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync
export HOME DSYNC_CONFIG_DIR
echo 'greetings from the far side' >&2
exec "$dsync_program" -u "$user" -o "mail_location=maildir:$server"
END
chmod +x "$work/far.sh"
deliver "$laptop" 'on the near side'
expect 0 mirror "$work/far.sh"
says 'greetings from the far side'
has_mail "$server" 'on the near side' || fail 'it did not go'
equal
expect 0 mirror "$work/far.sh"
prints 'nothing to do'

step "commands that fail say so"
dsync mirror "$work/no/such/program" argument
[ "$status" -gt 2 ] || fail "status $status"
says 'no/such/program'
dsync mirror sh -c 'exit 3'
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
says 'ended in the middle of the run with status 3'
dsync mirror sh -c 'echo this is no protocol at all, but text; cat >/dev/null'
[ "$status" -gt 2 ] || fail "status $status"
equal
