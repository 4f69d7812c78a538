#!/bin/sh
# "The train went into a tunnel in the middle of it."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 1500
maildir "$server"
deliver "$server" 'was there before'

# The other side ends after some thousand bytes of what it was sent, in the
# middle of a frame, as if the line had been cut.
far="HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync"
for bytes in 1 500 20000 300000 1000000; do
	step "the line is cut after $bytes bytes"
	# dd hands on what it has read at once, other than head.
	dsync mirror sh -c \
	    "dd bs=65536 count=$bytes iflag=count_bytes status=none |
	    env $far '$server_program' --stdio"
	[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
	says 'running again'
	has_mail "$server" 'was there before' || fail 'a mail was lost'
done
[ -z "$(find "$laptop" "$server" -path '*/cur/*' -size 0)" ] ||
	fail 'an empty message became visible'

step "the store process is killed"
cat >"$work/kill.sh" <<END
#!/bin/sh
HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync
export HOME DSYNC_CONFIG_DIR
echo \$\$ >"$work/far.pid"
exec "$server_program" --stdio
END
chmod +x "$work/kill.sh"
(
	wait_until 20 test -s "$work/far.pid"
	wait_until 20 sh -c "find '$server/tmp' -type f | grep -q ." || :
	kill -9 "$(cat "$work/far.pid")" 2>/dev/null
) &
killer=$!
dsync mirror "$work/kill.sh"
wait "$killer"
[ "$status" != 2 ] || fail "status $status"

step "the next run completes the work"
expect 0 mirror env "HOME=$work/server" \
    "DSYNC_CONFIG_DIR=$work/server/.config/dsync" "$server_program" --stdio
equal
expect 0 mirror env "HOME=$work/server" \
    "DSYNC_CONFIG_DIR=$work/server/.config/dsync" "$server_program" --stdio
prints 'nothing to do'
equal
