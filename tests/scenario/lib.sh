# lib.sh: what the scenarios share; each sources it as its first command.
#
# Everything lies in one private folder, $work, which goes away at the end:
# $work/laptop and $work/server are the homes of the two sides.  No root is
# needed; started as root, a scenario becomes the user nobody first, unless it
# has set needs_root=yes.  Ports are chosen by the system.  Only processes that
# were started here are ended, each by its number.  With KEEP=1 the folder
# stays.
# shellcheck shell=sh

set -u
LC_ALL=C
# Looking for leaks needs more rights than confined processes have.
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export ASAN_OPTIONS
umask 077
export LC_ALL
unset DSYNC_CONFIG_DIR
# A Dovecot of this host is none of ours.
DSYNC_DOVECONF=
export DSYNC_DOVECONF

here=$(cd "$(dirname "$0")" && pwd)
builddir=${builddir:-.}
[ -n "${SCENARIO_BIN:-}" ] || SCENARIO_BIN=$(cd "$builddir" && pwd)

for program in client/dsync server/dsync-server; do
	[ -x "$SCENARIO_BIN/$program" ] || {
		echo "$SCENARIO_BIN/$program is not built" >&2
		exit 99
	}
done

# Give up root: in a copy, since the build may lie where nobody can read.
if [ "$(id -u)" = 0 ] && [ "${needs_root:-no}" = no ]; then
	copy=$(mktemp -d "${TMPDIR:-/tmp}/dsync-scenario.XXXXXX") || exit 99
	mkdir -p "$copy/bin/client" "$copy/bin/server" "$copy/tests/support"
	cp "$SCENARIO_BIN/client/dsync" "$copy/bin/client/"
	cp "$SCENARIO_BIN/server/dsync-server" "$copy/bin/server/"
	mkdir -p "$copy/bin/tests/support"
	for program in "$SCENARIO_BIN"/tests/support/*; do
		[ ! -f "$program" ] || [ ! -x "$program" ] ||
			cp "$program" "$copy/bin/tests/support/"
	done
	cp -R "$here" "$copy/tests/scenario"
	cp "$here"/../support/*.sh "$copy/tests/support/"
	chown -R nobody "$copy"
	mkdir "$copy/tmp" && chown nobody "$copy/tmp"
	status=0
	setpriv --reuid=nobody --regid=nogroup --clear-groups \
	    env SCENARIO_BIN="$copy/bin" TMPDIR="$copy/tmp" HOME="$copy" \
	    sh "$copy/tests/scenario/$(basename "$0")" || status=$?
	[ -n "${KEEP:-}" ] || rm -rf "$copy"
	exit "$status"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/dsync-scenario.XXXXXX") || exit 99
dsync_program=$SCENARIO_BIN/client/dsync
server_program=$SCENARIO_BIN/server/dsync-server
support=$here/../support
helpers=$SCENARIO_BIN/tests/support
user=$(id -un)
server_pid=
port=

# What goes on in the background would do so for ever.
end_jobs() {
	jobs -p >"$work/jobs"
	while read -r job; do
		kill -KILL "$job" 2>/dev/null
	done <"$work/jobs"
	wait
}

finish() {
	finished=$?
	trap - EXIT INT TERM
	server_stop
	end_jobs
	[ -n "${KEEP:-}" ] || rm -rf "$work"
	exit "$finished"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAIL: $*" >&2
	for log in out err openssl.log server.log laptop/log server/log; do
		[ ! -s "$work/$log" ] || {
			echo "--- $log" >&2
			tail -n 30 "$work/$log" >&2
		}
	done
	exit 1
}

# step TEXT: what comes next, for who reads the log.
step() {
	echo "== $*"
}

# dsync ARGUMENT...: as the laptop's user; output in $work/out, $work/err.
dsync() {
	status=0
	HOME=$work/laptop DSYNC_CONFIG_DIR=$work/laptop/.config/dsync \
	    timeout 120 "$dsync_program" "$@" >"$work/out" 2>"$work/err" </dev/null ||
	    status=$?
}

# expect STATUS ARGUMENT...: run dsync and check how it ends.
expect() {
	expected=$1
	shift
	dsync "$@"
	[ "$status" = "$expected" ] ||
		fail "dsync $*: status $status, not $expected"
}

says() { # TEXT: the last dsync said it on stderr
	grep -q -- "$1" "$work/err" || fail "stderr does not say: $1"
}

prints() { # TEXT: the last dsync printed it on stdout
	grep -q -- "$1" "$work/out" || fail "stdout does not say: $1"
}

server_command() {
	HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync \
	    "$server_program" "$@"
}

# server_start: on loopback; the port is chosen once and kept.
server_start() {
	[ -f "$work/server/.config/dsync/key.pem" ] ||
		server_command init >"$work/server.log" 2>&1 ||
		fail 'dsync-server init failed'
	rm -f "$work/port"
	env HOME="$work/server" \
	    DSYNC_CONFIG_DIR="$work/server/.config/dsync" \
	    "$server_program" -v -o "listen=127.0.0.1:${port:-0}" \
	    -o "port_file=$work/port" serve >>"$work/server.log" 2>&1 &
	server_pid=$!
	wait_until 20 test -s "$work/port" || fail 'the server did not start'
	port=$(head -n 1 "$work/port")
	place=alice@127.0.0.1:$port
}

server_stop() {
	[ -n "$server_pid" ] || return 0
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=
}

# enrol [ACCESS]: the laptop gets a key that the server knows.
enrol() {
	server_command token --user alice --access "${1:-read-write}" \
	    --name laptop --address "127.0.0.1:$port" >"$work/token" \
	    2>>"$work/server.log" || fail 'dsync-server token failed'
	expect 0 enrol "$(tail -n 1 "$work/token")"
}

# wait_until SECONDS COMMAND...: the command succeeds within that time.
wait_until() {
	tries=$(($1 * 20))
	shift
	while ! "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

mkdir -p "$work/laptop" "$work/server"
laptop=$work/laptop/Maildir
server=$work/server/Maildir

maildir() { # DIRECTORY...: make empty ones
	for dir; do
		mkdir -p "$dir/cur" "$dir/new" "$dir/tmp"
	done
}

mails_made=0
# deliver DIRECTORY SUBJECT [FLAGS]: put a mail into a mailbox's directory.
deliver() {
	mails_made=$((mails_made + 1))
	made_name="17900000$mails_made.M${mails_made}P$$.scenario"
	printf 'From: a@example.org\nTo: b@example.org\nSubject: %s\n%s\n\n%s\n' \
	    "$2" "Message-ID: <$mails_made.$$@example.org>" \
	    "body of $2" >"$1/tmp/$made_name"
	if [ -n "${3:-}" ]; then
		mv "$1/tmp/$made_name" "$1/cur/$made_name:2,$3"
	else
		mv "$1/tmp/$made_name" "$1/new/$made_name"
	fi
}

find_mail() { # DIRECTORY SUBJECT: its file
	grep -rlx -- "Subject: $2" "$1/cur" "$1/new" | head -n 1
}

has_mail() { # DIRECTORY SUBJECT
	[ -n "$(find_mail "$1" "$2")" ]
}

set_flags() { # DIRECTORY SUBJECT FLAGS
	flags_file=$(find_mail "$1" "$2")
	flags_base=$(basename "$flags_file")
	mv "$flags_file" "$1/cur/${flags_base%%:2,*}:2,$3"
}

flags_of() { # DIRECTORY SUBJECT
	basename "$(find_mail "$1" "$2")" | sed -n 's/^.*:2,//p'
}

expunge() { # DIRECTORY SUBJECT
	rm -f "$(find_mail "$1" "$2")"
}

count_mails() { # DIRECTORY
	find "$1/cur" "$1/new" -type f | wc -l
}

# same_mail: equal but for UIDs and GUIDs, which a source that no IMAP server
# ever served does not have and does not get.
same_mail() {
	sh "$support/list-maildir.sh" "$laptop" -u >"$work/list.a"
	sh "$support/list-maildir.sh" "$server" -u >"$work/list.b"
	diff "$work/list.a" "$work/list.b" >&2 || fail 'the stores differ'
	[ -s "$work/list.a" ] || fail 'the stores are empty'
}

# equal [A B]: both stores show the same to a mail client.
equal() {
	sh "$support/list-maildir.sh" "${1:-$laptop}" >"$work/list.a" ||
		fail "cannot list ${1:-$laptop}"
	sh "$support/list-maildir.sh" "${2:-$server}" >"$work/list.b" ||
		fail "cannot list ${2:-$server}"
	diff "$work/list.a" "$work/list.b" >"$work/list.diff" || {
		head -n 40 "$work/list.diff" >&2
		fail "the stores differ"
	}
	[ -s "$work/list.a" ] || fail "the stores are empty"
}

closed() { # DIRECTORY: no process has its change log open any more
	[ -z "$(find "$1" -name 'dsync-changelog.db-*')" ]
}

# snapshot DIRECTORY: all that could be changed there, as text.  A server's
# store process closes its change log after the client has gone home.
snapshot() {
	wait_until 20 closed "$1" || fail "$1 is still in use"
	(
		cd "$1" || exit 1
		find . ! -name . -printf '%p %y %s %T@ %i\n' | sort
		find . -type f -print0 | sort -z | xargs -0 -r sha256sum
	)
}

# small_disk: a disk of 3 MB of its own, $disk, until the end; root alone can
# have one.
small_disk() {
	disk=$work/disk
	mkdir "$disk"
	mount -t tmpfs -o size=3m,mode=700 dsync-scenario "$disk" \
	    2>/dev/null || {
		echo 'no file system can be mounted' >&2
		exit 77
	}
	trap unmount EXIT
}

unmount() {
	finished=$?
	trap - EXIT
	umount "$disk"
	rm -rf "$work"
	exit "$finished"
}

larger_disk() {
	mount -o remount,size=20m "$disk" || fail 'no more space'
}

deliver_large() { # DIRECTORY: more than fits on a small disk
	for i in 1 2 3 4 5 6 7 8; do
		deliver "$1" "large $i"
		head -c 375000 /dev/urandom |
		    base64 >>"$(find_mail "$1" "large $i")"
	done
}
