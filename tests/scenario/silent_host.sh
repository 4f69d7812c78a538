#!/bin/sh
# "My server is down, or somebody pulled the cable, and cron runs dsync."
. "$(dirname "$0")/lib.sh"

# within SECONDS ARGUMENT...: fail, and no later than that
within() {
	seconds=$1
	shift
	start=$(date +%s)
	dsync "$@"
	took=$(($(date +%s) - start))
	[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
	[ "$status" != 124 ] || fail 'it did not end'
	[ "$took" -le "$seconds" ] || fail "it took $took seconds"
	[ "$(wc -l <"$work/err")" -lt 5 ] || fail 'many words'
}

# helper ARGUMENT...: cutproxy on the port that is known for the server
helper() {
	rm -f "$work/helper.port"
	"$helpers/cutproxy" -l "$port" -p "$work/helper.port" "$@" &
	helper_pid=$!
	wait_until 20 test -s "$work/helper.port" || fail 'no helper'
}

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol
expect 0 mirror "$place"
deliver "$laptop" 'waits'

step "nobody listens"
server_stop
before=$(snapshot "$laptop")
within 10 mirror "$place"
says "$port"
within 10 mirror "alice@no-such-host.invalid:$port"
says 'no-such-host.invalid'

step "somebody accepts and says nothing"
helper -s
within 12 -o connect_timeout=2 mirror "$place"
says "$port"
wait "$helper_pid"
[ "$before" = "$(snapshot "$laptop")" ] || fail 'the laptop was changed'

step "the line is silent in the middle of the run"
known=$port port=0
server_start
target=$port port=$known place=alice@127.0.0.1:$known
large=$work/large
head -c 30000 /dev/urandom | base64 >"$large"
deliver "$server" 'of some size'
cat "$large" >>"$(find_mail "$server" 'of some size')"
for bytes in 1 1500 20000; do
	helper -t "$target" -d "$bytes" -a stall
	within 30 -o connect_timeout=2 -o idle_timeout=2 -o quiet_timeout=2 \
	    mirror "$place"
	wait "$helper_pid" || fail "$bytes bytes did not pass"
done

step "the next run completes"
helper -t "$target"
dsync mirror "$place"
wait "$helper_pid"
[ "$status" = 0 ] || fail "status $status"
equal
has_mail "$server" 'waits' || fail 'it was lost'
