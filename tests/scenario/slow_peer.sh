#!/bin/sh
# "Somebody's line is so slow that it hardly counts; the server leaves it after
# a while, and nobody else notices."
. "$(dirname "$0")/server_lib.sh"

slow=
finish_slow() {
	finished=$?
	for pid in $slow; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	(exit "$finished")
	finish_server
}
trap finish_slow EXIT

as_server() {
	HOME=$work/home DSYNC_CONFIG_DIR=$work/server "$server_program" \
	    -o single_user=yes -o listen=127.0.0.1:0 \
	    -o "port_file=$work/port" "$@"
}

maildir "$work/home/Maildir"
as_server init >"$work/out" 2>&1 || fail 'init fails'
# A frame of 256 KiB may take 2 s and, at this rate, 2.6 s.
start_with -o single_user=yes -o idle_timeout=2 -o min_rate=100000
client laptop enrol "$(as_server token --user alice --name laptop \
    2>/dev/null)" || fail 'no enrolment'

step 'three peers send a byte now and then, and others are served meanwhile'
for i in 1 2 3; do
	DSYNC_CONFIG_DIR=$work/laptop timeout 60 "$probe" trickle "$place" \
	    >"$work/slow.$i" 2>&1 &
	slow="$slow $!"
done
for i in 1 2 3; do
	wait_until 20 grep -q trickling "$work/slow.$i" ||
		fail 'nobody is slow'
done
for i in 1 2 3; do
	client laptop connect "$place" || fail 'others are not served'
done

step 'they are left, and the log says why'
for pid in $slow; do
	wait "$pid"
	[ $? != 124 ] || fail 'a slow peer is never left'
done
slow=
wait_until 20 sh -c "[ \"\$(grep -c 'error=.*the peer stalls inside a frame' \
    '$work/server.log')\" = 3 ]" || fail 'the log does not say why'

step 'and all are served as before'
client laptop connect "$place" || fail 'the server serves nobody'
stop
exit 0
