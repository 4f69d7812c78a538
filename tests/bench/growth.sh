#!/bin/sh
# growth.sh: how do time and memory grow with messages, mailboxes and changes?
#
# usage: growth.sh [-b BUILD] [-d DIR] [-m MAX_MESSAGES] [-x MAX_MAILBOXES]
#	[-c MAX_CHANGES] >growth.tsv
#
# Two Maildirs on one machine, without a server.  Each line of the output is
#
#	series	n	work	clock ms	processor ms	KiB of the largest process
#
# Judge by the processor's time, which other programs on the machine change
# least.  growth.awk makes a picture of it.
set -u
LC_ALL=C
DSYNC_DOVECONF=
export LC_ALL DSYNC_DOVECONF

build=. dir=${TMPDIR:-/tmp} messages=100000 mailboxes=10000 changes=100000
while getopts b:d:m:x:c: option; do
	case $option in
	b) build=$OPTARG ;;
	d) dir=$OPTARG ;;
	m) messages=$OPTARG ;;
	x) mailboxes=$OPTARG ;;
	c) changes=$OPTARG ;;
	*) exit 64 ;;
	esac
done
build=$(cd "$build" && pwd) || exit 64
raw=$build/tests/bench/raw dsync=$build/client/dsync
work=$(mktemp -d "$dir/dsync-growth.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
HOME=$work DSYNC_CONFIG_DIR=$work/config
export HOME DSYNC_CONFIG_DIR
cd "$work" || exit 99

# row SERIES N WORK ARGUMENT...
row() {
	series=$1 n=$2 what=$3
	shift 3
	result=$("$raw" time "$dsync" -q -o "mail_location=maildir:$work/a" \
	    "$@" "maildir:$work/b" 2>"$work/err") || {
		cat "$work/err" >&2
		exit 1
	}
	# shellcheck disable=SC2086
	set -- $result
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$series" "$n" "$what" "$1" "$2" "$3"
}

# Change tokens are believed once file times are old enough.
settle() {
	sleep 3
}

# fresh MAILBOXES MESSAGES: two equal stores that know each other
fresh() {
	rm -rf a b
	"$raw" make a "$1" "$2" || exit 1
	mkdir b
}

n=1000
while [ "$n" -le "$messages" ]; do
	fresh 1 "$n"
	row messages "$n" 'first copy' mirror
	row messages "$n" 'looked through, nothing to do' mirror
	settle
	row messages "$n" 'settled' mirror
	settle
	row messages "$n" 'nothing to do' mirror
	"$raw" change a 1 0 500
	row messages "$n" '500 flags' mirror
	row messages "$n" 'compared completely' -f mirror
	n=$((n * 10))
done
n=1
while [ "$n" -le "$mailboxes" ]; do
	fresh "$n" "$n"
	row mailboxes "$n" 'first copy' mirror
	settle
	row mailboxes "$n" 'settled' mirror
	settle
	row mailboxes "$n" 'nothing to do' mirror
	"$raw" change a 1 0 1
	row mailboxes "$n" 'one flag' mirror
	n=$((n * 10))
done
fresh 10 "$changes"
row changes 0 'first copy' mirror
settle
row changes 0 'settled' mirror
n=1
while [ "$n" -le "$changes" ]; do
	"$raw" change a 1 0 "$n"
	row changes "$n" 'flags' mirror
	n=$((n * 10))
done
