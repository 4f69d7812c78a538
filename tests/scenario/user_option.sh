#!/bin/sh
# "I am the postmaster: one command for the mail of each of my users."
#
# Only root can become somebody else: without root this is skipped.
set -u
LC_ALL=C
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export LC_ALL ASAN_OPTIONS

[ "$(id -u)" = 0 ] || exit 77
here=$(cd "$(dirname "$0")" && pwd)
support=$here/../support
work=$(mktemp -d "${TMPDIR:-/tmp}/dsync-scenario.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
# The build may lie where only root can read.
cp "${builddir:-.}/client/dsync" "$work/dsync"

fail() {
	echo "FAIL: $*" >&2
	cat "$work/out" "$work/err" >&2
	exit 1
}

expect() { # STATUS ARGUMENT...
	expected=$1 status=0
	shift
	timeout 120 "$work/dsync" -o "passwd_file=$work/passwd" "$@" \
	    >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$expected" ] ||
		fail "dsync $*: status $status, not $expected"
}

mkdir "$work/alice" "$work/bob"
sh "$support/make-maildir.sh" "$work/alice/Maildir" 30
sh "$support/make-maildir.sh" "$work/bob/Mail" 20 7
chown -R 65001:65001 "$work/alice"
chown -R 65002:65002 "$work/bob"
chmod 700 "$work/alice" "$work/bob"
cat >"$work/passwd" <<END
alice:x:65001:65001::$work/alice::
bob:x:65002:65002::$work/bob::userdb_mail=maildir:~/Mail
root:x:0:0::$work/alice::
END

echo "== each user's mail is written with that user's rights"
expect 0 -u alice mirror "maildir:~/copy"
expect 0 -u bob backup "maildir:~/copy-of-%n"
[ -z "$(find "$work/alice" ! -user 65001)" ] || fail 'wrong owner'
[ -z "$(find "$work/bob" ! -group 65002)" ] || fail 'wrong group'
for pair in alice/Maildir:alice/copy bob/Mail:bob/copy-of-bob; do
	a=$(sh "$support/list-maildir.sh" "$work/${pair%:*}" -u)
	b=$(sh "$support/list-maildir.sh" "$work/${pair#*:}" -u)
	[ "$a" = "$b" ] || fail "$pair differ"
done

echo "== and reaches nobody else's"
expect 77 -u alice mirror "maildir:$work/bob/Mail"
expect 77 -u alice -o "mail_location=maildir:$work/bob/Mail" mirror \
    "maildir:~/copy"
echo "== all users: one that fails stops no other"
mkdir "$work/dave"
chown 65004:65004 "$work/dave"
expect 78 -A -j 2 mirror "maildir:~/copy"
grep -q '^alice: ' "$work/out" || fail 'nothing of alice'
grep -q '^dsync: root: ' "$work/err" || fail 'nothing of root'
all='^dsync: 3 users: 2 done, 0 not perfect, 1 failed'
grep -q "$all" "$work/err" || fail 'the others were not served'
[ -z "$(find "$work/alice" ! -user 65001)" ] || fail 'wrong owner'
echo "dave:x:65004:65004::$work/dave::" >>"$work/passwd"
expect 1 -A mirror "maildir:~/copy"
grep -q '^dsync: dave: ' "$work/err" || fail 'nothing of dave'
expect 64 -A -u alice mirror "maildir:~/copy"

expect 66 -u carol mirror "maildir:~/copy"
expect 78 -u root mirror "maildir:~/copy"
