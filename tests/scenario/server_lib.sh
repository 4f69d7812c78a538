# server_lib.sh: for scenarios about who may talk to the server.
#
# The client is tests/support/probe, which knows the network only; each client
# has its keys in $work/NAME, the server in $work/server.
# shellcheck shell=sh
. "$(dirname "$0")/lib.sh"

probe=$SCENARIO_BIN/tests/support/probe
hold_pid=

# All of it must go, whatever the scenario has reached.
finish_server() {
	finished=$?
	release
	(exit "$finished")
	finish
}
trap finish_server EXIT

# client NAME ARGUMENT...: the probe with the keys of a client; in $work/out
client() {
	name=$1
	shift
	DSYNC_CONFIG_DIR=$work/$name timeout 60 "$probe" "$@" \
	    >"$work/out" 2>&1
}

says() { # TEXT: the last client, or command of the server, said it
	grep -q -e "$1" "$work/out" || fail "the client does not say: $1"
}

# hold: a session of the laptop stays open until release
hold() {
	: >"$work/hold"
	DSYNC_CONFIG_DIR=$work/laptop "$probe" hold "$place" \
	    >"$work/hold" 2>&1 &
	hold_pid=$!
	wait_until 20 grep -q holding "$work/hold" ||
		fail 'nobody holds a session'
}

release() {
	[ -z "$hold_pid" ] || {
		kill "$hold_pid"
		wait "$hold_pid" 2>/dev/null
	}
	hold_pid=
}

# start_with OPTION...: the server with these settings alone
start_with() {
	rm -f "$work/port"
	env HOME="$work/home" DSYNC_CONFIG_DIR="$work/server" \
	    "$server_program" -v -o listen=127.0.0.1:0 \
	    -o "port_file=$work/port" "$@" >>"$work/server.log" 2>&1 &
	server_pid=$!
	wait_until 20 test -s "$work/port" || fail 'the server does not start'
	port=$(head -n 1 "$work/port")
	place=127.0.0.1:$port
}

# The server ends in order when it is told to.
stop() {
	kill "$server_pid"
	wait "$server_pid" || fail "the server ends with status $?"
	server_pid=
	! grep -q 'runtime error\|Sanitizer' "$work/server.log" ||
		fail 'a sanitizer complains'
}

# refused REASON [COUNT]: so many refusals for this reason are logged.  Other
# processes write the log: give the line time to arrive.
refused() {
	wait_until 20 grep -q "reason=$1 " "$work/server.log" ||
		fail "no refusal for $1 is logged"
	count=$(grep -c "connection refused reason=$1 addr=127.0.0.1:" \
	    "$work/server.log")
	[ "$count" = "${2:-1}" ] ||
		fail "$count refusals for $1, not ${2:-1}"
}
