#!/bin/sh
# "One server of root's serves the mail of several users, and what meets
# strangers has no rights of root's."
[ "$(id -u)" = 0 ] || {
	echo 'only root can serve several users' >&2
	exit 77
}
needs_root=yes
. "$(dirname "$0")/server_lib.sh"
umask 022

as_server() {
	DSYNC_CONFIG_DIR=$work/server "$server_program" -o listen=127.0.0.1:0 \
	    -o "port_file=$work/port" -o passwd_file=users \
	    -o "chroot_dir=$work/empty" "$@"
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
start_with -o passwd_file=users -o "chroot_dir=$work/empty"

step 'a token is only made for a user that is served'
as_server token --user nobody-here >"$work/out" 2>&1 && fail 'for a stranger'
as_server token --user daemon >"$work/out" 2>&1 && fail 'for daemon'
client laptop enrol "$(as_server token --user anna 2>/dev/null)" || fail 'no enrolment'
client laptop connect "$place" || fail 'no session'

step 'the processes have the rights that they need and no others'
hold
wait_until 20 started || fail 'no processes'
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
release

step 'a peer for all users gets those that are served'
sed 's/user=anna/user=*/' "$work/server/peers" >"$work/p" &&
    cat "$work/p" >"$work/server/peers"
client laptop connect "bob@$place" || fail 'bob is not served'
client laptop connect "daemon@$place" && fail 'daemon is served'
says 'has no user daemon'
client laptop connect "nobody-here@$place" && fail 'a stranger is served'
says 'has no user nobody-here'
client laptop connect "root@$place" && fail 'root is served'
says 'has no user root'

step 'the change log belongs to the user'
for log in "$work/bob/Maildir"/dsync-changelog.db*; do
	[ ! -e "$log" ] || [ "$(stat -c %u "$log")" = 5002 ] ||
		fail "$log is not bob's"
done
stop
exit 0
