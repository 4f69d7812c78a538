#!/bin/sh
# "The disk of my server was full for a while." (E2)
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 40
maildir "$server"

# A file can have no more than $limit blocks of 512 bytes there: what every
# write meets on a full disk meets the large ones, without a disk of our own.
cat >"$work/far.sh" <<END
#!/bin/sh
HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync
export HOME DSYNC_CONFIG_DIR
trap '' XFSZ
limit=\$(cat "$work/limit")
ulimit -f "\$limit"
exec "$server_program" --stdio
END
chmod +x "$work/far.sh"

large() { # SUBJECT: of a megabyte
	deliver "$laptop" "$1"
	head -c 750000 /dev/urandom | base64 >>"$(find_mail "$laptop" "$1")"
}

echo unlimited >"$work/limit"
expect 0 mirror "$work/far.sh"
equal

step "what was saved stays, the rest is pending and told"
large 'too large'
for i in 1 2 3 4 5; do
	deliver "$laptop" "small $i"
done
large 'too large as well'
deliver "$laptop/.Archive" 'elsewhere'
echo 1200 >"$work/limit"
expect 2 mirror "$work/far.sh"
says 'pending'
for i in 1 2 3 4 5; do
	has_mail "$server" "small $i" || fail "small $i was not saved"
done
has_mail "$server/.Archive" 'elsewhere' || fail 'the rest did not go on'
! has_mail "$server" 'too large' || fail 'half a mail became visible'
[ -z "$(find "$server/tmp" -type f)" ] || fail 'something is left in tmp'
expect 2 mirror "$work/far.sh"

step "with space the next run completes"
echo unlimited >"$work/limit"
expect 0 mirror "$work/far.sh"
equal
expect 0 mirror "$work/far.sh"
prints 'nothing to do'

step "no space for the change log: nothing is done, and nothing lost"
deliver "$laptop" 'no log'
deliver "$server" 'nor here'
echo 64 >"$work/limit"
dsync mirror "$work/far.sh"
[ "$status" = 1 ] || [ "$status" = 2 ] || [ "$status" -ge 64 ] ||
	fail "status $status"
echo unlimited >"$work/limit"
expect 0 mirror "$work/far.sh"
equal
has_mail "$server" 'no log' || fail 'it was not saved'
has_mail "$laptop" 'nor here' || fail 'it was not saved'
