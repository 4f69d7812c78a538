#!/bin/sh
# "I synchronise all users with a server, and they share a connection; none of
# them notices the others."
. "$(dirname "$0")/lib.sh"

all_pid=
finish_all() {
	finished=$?
	[ -z "$all_pid" ] || {
		kill -CONT "$all_pid" 2>/dev/null
		kill "$all_pid" 2>/dev/null
		wait "$all_pid" 2>/dev/null
	}
	(exit "$finished")
	finish
}
trap finish_all EXIT

mail=$work/laptop/mail
copy=$work/server/mail
mkdir -p "$mail" "$copy"
for name in anna bob carl; do
	maildir "$mail/$name"
	echo "$name:x:$(id -u):$(id -g)::$mail/$name::userdb_mail=maildir:~/"
done >"$work/passwd"

start() {
	rm -f "$work/port"
	env HOME="$work/server" DSYNC_CONFIG_DIR="$work/server/.config/dsync" \
	    "$server_program" -v -o "listen=127.0.0.1:${port:-0}" \
	    -o "port_file=$work/port" -o "mail_location=maildir:$copy/%u" \
	    serve >>"$work/server.log" 2>&1 &
	server_pid=$!
	wait_until 20 test -s "$work/port" || fail 'the server did not start'
	port=$(head -n 1 "$work/port")
}

# news TEXT: each user has a new mail
news() {
	: >"$work/server.log"
	for name in anna bob carl; do
		deliver "$mail/$name" "$1 for $name"
	done
}

arrived() { # TEXT NAME...
	text=$1
	shift
	for name; do
		has_mail "$copy/$name" "$text for $name" ||
			fail "$text did not arrive for $name"
	done
}

# connections COUNT: so many served somebody since the news
connections() {
	count=$(sed -n 's/.*connection open .* addr=\([^ ]*\) .*/\1/p' \
	    "$work/server.log" | sort -u | wc -l)
	[ "$count" = "$1" ] || fail "$count connections, not $1"
}

all() { # STATUS ARGUMENT...
	wanted=$1
	shift
	expect "$wanted" -o "passwd_file=$work/passwd" -A "$@" \
	    "127.0.0.1:$port"
}

allow() { # USERS [WORD]: what the laptop's key may do
	sed "s/user=[^ ]*/user=$1/; s/ revoked//; /^sha256/s/\$/${2:+ $2}/" \
	    "$work/server/.config/dsync/peers" >"$work/p" &&
	    cat "$work/p" >"$work/server/.config/dsync/peers"
}

# stop_after_anna: all users begin, and the one that starts them stands still
# while the first user's run ends
stop_after_anna() {
	: >"$mail/anna/dovecot-uidlist.lock"
	HOME=$work/laptop DSYNC_CONFIG_DIR=$work/laptop/.config/dsync \
	    "$dsync_program" -o "passwd_file=$work/passwd" -A mirror \
	    "127.0.0.1:$port" >"$work/out" 2>"$work/err" </dev/null &
	all_pid=$!
	wait_until 20 grep -q 'connection open user=anna' \
	    "$work/server.log" || fail 'nothing begins'
	kill -STOP "$all_pid"
	rm "$mail/anna/dovecot-uidlist.lock"
	wait_until 60 grep -q 'connection end user=anna' "$work/server.log" ||
		fail 'the first user does not end'
}

go_on() { # STATUS
	kill -CONT "$all_pid"
	status=0
	wait "$all_pid" || status=$?
	all_pid=
	[ "$status" = "$1" ] || fail "status $status, not $1"
}

server_command init >"$work/server.log" 2>&1 || fail 'init fails'
start
enrol
allow '*'

step 'three users share one connection'
news first
all 0 mirror
connections 1
arrived first anna bob carl
prints '^anna: changed: .* 1 copied'
prints '^carl: changed: .* 1 copied'
all 0 mirror
prints '^bob: nothing to do'

step 'as many connections as users at once, at most'
news second
all 0 -j 2 mirror
connections 2
arrived second anna bob carl

step 'a user that is refused stops no other'
allow anna,carl
news third
all 77 mirror
says '^dsync: bob: .*may not act for the user bob'
prints '^carl: changed: .* 1 copied'
connections 2
arrived third anna carl
! has_mail "$copy/bob" 'third for bob' || fail 'bob was served'
allow '*'
all 0 mirror
arrived third bob

step 'each user gets the rights of the moment'
allow '*'
news fourth
stop_after_anna
sed 's/access=read-write/access=read/' "$work/server/.config/dsync/peers" \
    >"$work/p" && cat "$work/p" >"$work/server/.config/dsync/peers"
kill -CONT "$all_pid"
wait "$all_pid" && fail 'a server that may only be read is written to'
all_pid=
arrived fourth anna
! has_mail "$copy/bob" 'fourth for bob' || fail 'bob was written to'
sed 's/access=read/access=read-write/' "$work/server/.config/dsync/peers" \
    >"$work/p" && cat "$work/p" >"$work/server/.config/dsync/peers"
all 0 mirror
arrived fourth bob carl

step 'a key that is revoked between two users serves no more'
news fifth
stop_after_anna
allow '*' revoked
go_on 77
says '^dsync: bob: .*revoked'
says '^dsync: carl: .*revoked'
arrived fifth anna
! has_mail "$copy/bob" 'fifth for bob' || fail 'bob was served'
allow '*'
all 0 mirror
arrived fifth bob carl

step 'a connection that is cut between two users is replaced by another'
news sixth
stop_after_anna
server_stop
start
go_on 0
connections 2
arrived sixth anna bob carl

step 'a server that is gone is told for each user'
news seventh
server_stop
all 75 mirror
says '^dsync: anna: .*cannot connect'
says '^dsync: carl: .*cannot connect'
says '3 users: 0 done, 0 not perfect, 3 failed'
exit 0
