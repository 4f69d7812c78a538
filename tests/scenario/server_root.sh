#!/bin/sh
# "One server of root's serves the mail of several users, and what meets
# strangers has no rights of root's."
set -u
[ "$(id -u)" = 0 ] || {
	echo 'only root can serve several users' >&2
	exit 77
}
LC_ALL=C
export LC_ALL
umask 022
builddir=$(cd "${builddir:-.}" && pwd)
server=$builddir/server/dsync-server
probe=$builddir/tests/support/probe
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export ASAN_OPTIONS
work=$(mktemp -d "${TMPDIR:-/tmp}/dsync-scenario.XXXXXX") || exit 99
server_pid=
hold_pid=

finish() {
	finished=$?
	trap - EXIT INT TERM
	for pid in $hold_pid $server_pid; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
	exit "$finished"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAIL: $*" >&2
	for log in out server.log; do
		[ ! -s "$work/$log" ] || tail -n 40 "$work/$log" >&2
	done
	exit 1
}

step() {
	echo "== $*"
}

wait_for() {
	tries=200
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

as_server() {
	DSYNC_CONFIG_DIR=$work/server "$server" -o listen=127.0.0.1:0 \
	    -o "port_file=$work/port" -o passwd_file=users \
	    -o "chroot_dir=$work/empty" "$@"
}

client() {
	DSYNC_CONFIG_DIR=$work/laptop timeout 60 "$probe" "$@" \
	    >"$work/out" 2>&1
}

says() {
	grep -q -e "$1" "$work/out" || fail "the client does not say: $1"
}

# children PID: the processes that it started
children() {
	for status in /proc/[0-9]*/status; do
		awk -v parent="$1" '/^Pid:/ { pid = $2 }
		    /^PPid:/ && $2 == parent { print pid }' "$status" \
		    2>/dev/null
	done
}

# field PID NAME: the first number of a line of its status
field() {
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

# started: the monitor has its two children
started() {
	monitor=$(children "$server_pid")
	[ -n "$monitor" ] || return 1
	[ "$(children "$monitor" | wc -l)" = 2 ]
}

chmod 755 "$work"
for name in anna bob; do
	mkdir -p "$work/$name/Maildir/cur" "$work/$name/Maildir/new" \
	    "$work/$name/Maildir/tmp"
done
chown -R 5001:5001 "$work/anna"
chown -R 5002:5002 "$work/bob"
chmod -R go= "$work/anna" "$work/bob"

step 'the server starts'
as_server init >"$work/out" 2>&1 || fail 'init fails'
cat >"$work/server/users" <<USERS
anna:x:5001:5001::$work/anna::
bob:x:5002:5002::$work/bob::
daemon:x:2:2::$work/anna::
USERS
env DSYNC_CONFIG_DIR="$work/server" "$server" -v -o listen=127.0.0.1:0 \
    -o "port_file=$work/port" -o passwd_file=users \
    -o "chroot_dir=$work/empty" >"$work/server.log" 2>&1 &
server_pid=$!
wait_for test -s "$work/port" || fail 'the server does not start'
place=127.0.0.1:$(head -n 1 "$work/port")

step 'a token is only made for a user that is served'
as_server token --user nobody-here >"$work/out" 2>&1 && fail 'for a stranger'
as_server token --user daemon >"$work/out" 2>&1 && fail 'for daemon'
client enrol "$(as_server token --user anna 2>/dev/null)" || fail 'no enrolment'
client connect "$place" || fail 'no session'

step 'the processes have the rights that they need and no others'
: >"$work/hold"
DSYNC_CONFIG_DIR=$work/laptop "$probe" hold "$place" >"$work/hold" 2>&1 &
hold_pid=$!
wait_for grep -q holding "$work/hold" || fail 'nobody holds a session'
wait_for started || fail 'no processes'
net=
store=
for pid in $(children "$monitor"); do
	case $(field "$pid" Uid) in
	5001) store=$pid ;;
	"$(id -u nobody)") net=$pid ;;
	*) fail "process $pid has uid $(field "$pid" Uid)" ;;
	esac
done
[ -n "$net" ] || fail 'net is missing'
[ -n "$store" ] || fail 'store is missing'
for pid in $net $store; do
	[ "$(field "$pid" NoNewPrivs)" = 1 ] || fail 'may gain rights again'
	[ "$(field "$pid" CapEff)" = 0000000000000000 ] ||
		fail 'has capabilities'
	[ "$(field "$pid" Seccomp)" = 2 ] ||
		grep -q 'seccomp' "$work/server.log" || fail 'no filter'
done
[ "$(readlink "/proc/$net/root")" = "$work/empty" ] || fail 'net has files'
[ "$(field "$store" Groups)" = 5001 ] || fail 'store has other groups'
kill "$hold_pid"
wait "$hold_pid" 2>/dev/null
hold_pid=

step 'a peer for all users gets those that are served'
sed 's/user=anna/user=*/' "$work/server/peers" >"$work/p" &&
    cat "$work/p" >"$work/server/peers"
client connect "bob@$place" || fail 'bob is not served'
client connect "daemon@$place" && fail 'daemon is served'
says 'has no user daemon'
client connect "nobody-here@$place" && fail 'a stranger is served'
says 'has no user nobody-here'
client connect "root@$place" && fail 'root is served'
says 'has no user root'

step 'the change log belongs to the user'
for log in "$work/bob/Maildir"/dsync-changelog.db*; do
	[ ! -e "$log" ] || [ "$(stat -c %u "$log")" = 5002 ] ||
		fail "$log is not bob's"
done
kill "$server_pid"
wait "$server_pid" || fail 'the server fails'
server_pid=
grep -q 'runtime error\|Sanitizer' "$work/server.log" &&
	fail 'a sanitizer complains'
exit 0
