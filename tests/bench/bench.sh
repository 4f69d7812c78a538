#!/bin/sh
# bench.sh: how fast are the programs, beside what the machine can do at best?
#
# Run by make bench.  Each row is the median of RUNS runs, and the ratio to
# a limit that was measured in between: copying the same files with one syncfs,
# reading the same directories, renaming as many files, the cipher.  Ratios can
# be compared between machines and days; milliseconds only on one idle machine.
#
# MESSAGES and MAILBOXES change the size, RUNS the number of runs, BENCH_DIR the
# folder: it should be on the file system that mail lies on.
set -u
LC_ALL=C
DSYNC_DOVECONF=
export LC_ALL DSYNC_DOVECONF

MESSAGES=${MESSAGES:-5000} MAILBOXES=${MAILBOXES:-60} RUNS=${RUNS:-3}
build=${builddir:-.}
if [ -z "${BENCH_WORK:-}" ]; then
	BENCH_WORK=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/dsync-bench.XXXXXX") ||
		exit 99
	export BENCH_WORK MESSAGES MAILBOXES RUNS
	# The programs may lie where only we can read.
	cp "$build/client/dsync" "$build/server/dsync-server" \
	    "$build/tests/bench/raw" "$0" "$BENCH_WORK" || exit 99
	chmod 755 "$BENCH_WORK"
	# For root the server looks users up in the system's database.
	if [ "$(id -u)" = 0 ]; then
		chown 65534:65534 "$BENCH_WORK"
		exec setpriv --reuid=65534 --regid=65534 --clear-groups \
		    sh "$BENCH_WORK/${0##*/}"
	fi
	exec sh "$BENCH_WORK/${0##*/}"
fi
work=$BENCH_WORK server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "${work:?}"/* 2>/dev/null
	rmdir "$work" 2>/dev/null
}
trap finish EXIT
trap 'exit 1' INT TERM
raw=$work/raw dsync=$work/dsync dsync_server=$work/dsync-server
HOME=$work DSYNC_CONFIG_DIR=$work/client
export HOME DSYNC_CONFIG_DIR
cd "$work" || exit 99

fail() {
	echo "bench: $*" >&2
	exit 1
}

median() { # NUMBER...
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

# A run; its clock, processor and memory are added to wall, cpu and rss.
run() { # ARGUMENT...
	result=$("$raw" time "$dsync" -q -o "mail_location=maildir:$work/a" \
	    "$@" 2>err) || { cat err >&2; fail "dsync $*"; }
	# shellcheck disable=SC2086
	set -- $result
	wall="$wall $1" cpu="$cpu $2"
	[ "$3" -le "$rss" ] || rss=$3
}

begin() {
	wall='' cpu='' limits='' rss=0
	sync
}

limit() { # RAW_ARGUMENT...
	limits="$limits $("$raw" "$@")" || fail "raw $*"
}

row() { # TEXT LIMIT_TEXT
	# shellcheck disable=SC2086
	set -- "$1" "$2" "$(median $wall)" "$(median $cpu)" "$(median $limits)"
	awk -v text="$1" -v what="$2" -v ms="$3" -v cpu="$4" -v limit="$5" \
	    -v rss="$rss" 'BEGIN {
		printf "%-34s %9.1f %9.1f %7d  %7.2f x %s (%.1f ms)\n",
		    text, ms, cpu, rss, ms / (limit > 0 ? limit : 0.1),
		    what, limit }'
}

start_server() {
	DSYNC_CONFIG_DIR=$work/server "$dsync_server" init >/dev/null 2>&1 ||
		fail 'dsync-server init'
	DSYNC_CONFIG_DIR=$work/server "$dsync_server" -o listen=127.0.0.1:0 \
	    -o "port_file=$work/port" -o "mail_location=maildir:$work/remote" 2>log &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s port ] || break
		sleep 1
	done
	[ -s port ] || fail "the server does not start: $(cat log)"
	port=$(head -n 1 port)
	token=$(DSYNC_CONFIG_DIR=$work/server "$dsync_server" token \
	    --user bench --address "127.0.0.1:$port" 2>/dev/null)
	"$dsync" enrol "$token" >/dev/null 2>err ||
		fail "enrol: $(cat err log)"
}

# Change tokens are believed once file times are old enough.
settle() {
	sleep 3
}

"$raw" make a "$MAILBOXES" "$MESSAGES"
bytes=$(($(du -sk a | cut -f1) * 1024))
start_server
far=bench@127.0.0.1:$port
printf '%s messages, %s mailboxes, %s MiB; medians of %s\n\n' "$MESSAGES" \
    "$MAILBOXES" "$((bytes / 1048576))" "$RUNS"
printf '%-34s %9s %9s %7s  %s\n' work ms 'cpu ms' 'KiB' 'ratio to a limit'

begin
for i in $(seq "$RUNS"); do
	limit copy a "raw$i"
	run backup "maildir:$work/copy$i"
done
row 'first copy, local' 'files copied, one syncfs'

begin
for i in $(seq "$RUNS"); do
	limit cipher "$bytes"
	[ ! -e remote ] || mv remote "remote$i"
	rm -f a/dsync-changelog.db*
	run backup "$far"
done
row 'first copy, TLS' 'cipher both ways'

run mirror "$far"
settle
run mirror "$far"
begin
for i in $(seq "$RUNS"); do
	limit look a
	run mirror "$far"
done
row 'nothing to do, TLS' 'directories read'

begin
for i in $(seq "$RUNS"); do
	"$raw" change a "$i" 100 500
	"$raw" change remote "$((i + 100))" 100 500
	settle
	limit look a
	run mirror "$far"
done
row '100 new, 500 flags a side, TLS' 'directories read'

flags=$((MESSAGES / 2))
begin
for i in $(seq "$RUNS"); do
	limit rename a "$flags"
	settle
	run mirror "$far"
done
row "$flags flags on one side, TLS" 'files renamed'
