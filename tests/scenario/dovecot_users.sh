#!/bin/sh
# "My users are Dovecot's: the system knows none of them, and one uid has all
# their mail."
[ "$(id -u)" = 0 ] || {
	echo 'only root can become other users' >&2
	exit 77
}
command -v dovecot >/dev/null || {
	echo 'Dovecot is not installed' >&2
	exit 77
}
needs_root=yes
. "$(dirname "$0")/dovecot_lib.sh"
unset DSYNC_DOVECONF
dovecot_pid=
vmail=5101

dovecot_stop() {
	[ -n "$dovecot_pid" ] || return 0
	kill "$dovecot_pid" 2>/dev/null
	wait "$dovecot_pid" 2>/dev/null
	dovecot_pid=
}

finish_dovecot() {
	finished=$?
	dovecot_stop
	(exit "$finished")
	finish
}
trap finish_dovecot EXIT

chmod 755 "$work" "$work/laptop" "$work/server"
mail=$work/vmail
mkdir -p "$mail/anna" "$mail/bob" "$work/run"
sh "$support/make-maildir.sh" "$mail/anna/Mail" 40
sh "$support/make-maildir.sh" "$mail/bob/Maildir" 20 5
chown -R "$vmail:$vmail" "$mail"
chmod 700 "$mail/anna" "$mail/bob"
cat >"$work/users" <<END
anna@example.org:{PLAIN}x:$vmail:$vmail::$mail/anna::userdb_mail=maildir:~/Mail
bob@example.org:{PLAIN}x:::::
gone@example.org:{PLAIN}x:$vmail:$vmail::$mail/gone::
bad@example.org:{PLAIN}x:$vmail:$vmail::$mail/bob::userdb_mail=maildir:%%{nothing}
low@example.org:{PLAIN}x:99:99::$mail/bob::
root@example.org:{PLAIN}x:0:0::$mail/bob::
passonly@example.org:{PLAIN}x
END
cat >"$work/dovecot.conf" <<END
base_dir = $work/run
state_dir = $work/run
log_path = $work/dovecot.log
ssl = no
protocols =
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1000
mail_location = maildir:~/Maildir
mail_uid = $vmail
mail_gid = $vmail
mail_home = $mail/%Ln
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = $work/users
}
userdb {
  driver = passwd-file
  args = $work/users
}
END
# The auth process is no root.
chmod 644 "$work/users"
dovecot -F -c "$work/dovecot.conf" >"$work/dovecot.err" 2>&1 &
dovecot_pid=$!
wait_until 20 test -S "$work/run/auth-userdb" || {
	cat "$work/dovecot.err" "$work/dovecot.log" >&2
	fail 'Dovecot does not start'
}

# run STATUS USER ARGUMENT...: dsync for a user of Dovecot's
run() {
	wanted=$1 name=$2
	shift 2
	expect "$wanted" -c "$work/dovecot.conf" -o userdb_timeout=60 \
	    -u "$name" "$@"
}

# owned FOLDER: all in it belongs to the users
owned() {
	[ -z "$(find "$1" ! -user "$vmail" -o ! -group "$vmail")" ] ||
		fail "in $1 something belongs to somebody else"
}

same() { # MAILDIR MAILDIR
	a=$(sh "$support/list-maildir.sh" "$1" -u)
	b=$(sh "$support/list-maildir.sh" "$2" -u)
	[ -n "$a" ] && [ "$a" = "$b" ] || fail "$1 and $2 differ"
}

step 'the client works for users that the system does not know'
run 0 Anna@Example.org mirror maildir:~/copy
same "$mail/anna/Mail" "$mail/anna/copy"
run 0 bob@example.org backup maildir:~/copy
same "$mail/bob/Maildir" "$mail/bob/copy"
owned "$mail/anna"
owned "$mail/bob"
run 0 anna@example.org -o "mail_location=maildir:~/copy" mirror \
    maildir:~/Mail
prints 'nothing to do'

step 'users that cannot be served are told why'
run 66 carol@example.org mirror maildir:~/copy
says 'no user carol@example.org'
run 66 passonly@example.org mirror maildir:~/copy
run 77 low@example.org mirror maildir:~/copy
says first_valid_uid
# Dovecot itself has no such user.
run 66 root@example.org mirror maildir:~/copy
run 78 bad@example.org mirror maildir:~/copy
says 'unknown variable'
dsync -c "$work/dovecot.conf" -u gone@example.org mirror "maildir:~/copy"
[ "$status" != 0 ] || fail 'a home that is not there is no error'
says "$mail/gone"
[ ! -e "$mail/gone" ] || fail 'a home was made'
run 78 '../anna' mirror maildir:~/copy
run 78 "$(printf 'anna\tuid=0')" mirror maildir:~/copy

step 'all of them are found, and those without mail do not stop the others'
dsync -c "$work/dovecot.conf" -o userdb_timeout=60 -A backup maildir:~/all
[ "$status" != 0 ] || fail 'users that cannot be served are no failure'
same "$mail/anna/Mail" "$mail/anna/all"
same "$mail/bob/Maildir" "$mail/bob/all"
owned "$mail/anna"

step 'the server serves them, each with the rights of the entry'
start_server() {
	rm -f "$work/port"
	DSYNC_CONFIG_DIR=$work/server "$server_program" \
	    -c "$work/dovecot.conf" -v -o "listen=127.0.0.1:${port:-0}" \
	    -o "port_file=$work/port" -o "chroot_dir=$work/empty" \
	    -o userdb_timeout=60 >>"$work/server.log" 2>&1 &
	server_pid=$!
	wait_until 20 test -s "$work/port" || fail 'the server does not start'
	port=$(head -n 1 "$work/port")
}
DSYNC_CONFIG_DIR=$work/server "$server_program" init >"$work/server.log" \
    2>&1 || fail 'init fails'
start_server
DSYNC_CONFIG_DIR=$work/server "$server_program" -c "$work/dovecot.conf" \
    -o userdb_timeout=60 token --user bob@example.org \
    --address "127.0.0.1:$port" >"$work/token" 2>>"$work/server.log" ||
	fail 'no token'
DSYNC_DOVECONF=
export DSYNC_DOVECONF
maildir "$laptop"
deliver "$laptop" 'from the laptop'
expect 0 enrol "$(tail -n 1 "$work/token")"
# A user that has a log already, and one that is new to the server.
expect 0 mirror "bob@example.org@127.0.0.1:$port"
has_mail "$mail/bob/Maildir" 'from the laptop' || fail 'nothing arrived'
same "$laptop" "$mail/bob/Maildir"
owned "$mail/bob"
wait_until 20 grep -q 'connection end user=bob@example.org' \
    "$work/server.log" || fail 'the server does not say whom it served'
expect 77 mirror "anna@example.org@127.0.0.1:$port"
sed 's/user=bob@example.org/user=*/' "$work/server/peers" >"$work/p" &&
    cat "$work/p" >"$work/server/peers"
expect 0 -o "mail_location=maildir:~/forAnna" --create mirror \
    "anna@example.org@127.0.0.1:$port"
same "$work/laptop/forAnna" "$mail/anna/Mail"
owned "$mail/anna"
dsync -o "mail_location=maildir:~/other" --create mirror \
    "carol@example.org@127.0.0.1:$port"
[ "$status" != 0 ] || fail 'a stranger is served'
says 'has no user carol@example.org'

step 'a Dovecot that does not run is trouble for now'
dovecot_stop
unset DSYNC_DOVECONF
run 75 anna@example.org mirror maildir:~/copy
says 'is Dovecot running'
DSYNC_DOVECONF=
export DSYNC_DOVECONF
dsync mirror "bob@example.org@127.0.0.1:$port"
[ "$status" != 0 ] || fail 'served without a user database'
! grep -E 'Panic|Fatal' "$work/dovecot.log" ||
	fail 'Dovecot complains'
exit 0
