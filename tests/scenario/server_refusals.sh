#!/bin/sh
# "I set a server up with three commands; who is not meant to come in learns
# why at once, and the server's log has one line for each."
. "$(dirname "$0")/server_lib.sh"

as_server() {
	HOME=$work/home DSYNC_CONFIG_DIR=$work/server "$server_program" \
	    -o listen=127.0.0.1:0 -o "port_file=$work/port" \
	    -o single_user=yes "$@"
}

start() {
	start_with -o single_user=yes -o auth_timeout=2 "$@"
}

# The server has another port now: tell the laptop.
moved() {
	sed "s/:[0-9]* sha256/:$port sha256/" "$work/laptop/servers" >"$work/s" &&
	    cat "$work/s" >"$work/laptop/servers"
}

token() {
	as_server token --user alice --name laptop 2>/dev/null ||
		fail 'no token'
}

maildir "$work/home/Maildir"

step 'a server without a key does not start'
as_server >"$work/out" 2>&1 && fail 'it starts'
says "dsync-server init"

step 'init makes what is needed, once'
rmdir "$work/server"
as_server init >"$work/pin" 2>/dev/null || fail 'init fails'
as_server init >"$work/pin2" 2>/dev/null || fail 'init fails again'
cmp -s "$work/pin" "$work/pin2" || fail 'init made another key'
[ "$(stat -c %a "$work/server")" = 700 ] ||
	fail 'the folder is open to others'
start

step 'who was never enrolled has no key to come with'
client laptop connect "alice@$place"
says 'dsync enrol'

step 'a token lets one key in, once'
token=$(token)
client laptop enrol "$token"
says "^enrolled alice $(cat "$work/pin")\$"
client thief enrol "$token"
says 'does not take the token'
refused unknown_token
client laptop connect "$place"
says '^accepted$'

step 'a damaged token is recognised before anything is sent'
# Not the last character, some bits of which may mean nothing.
end=${token#"${token%????}"}
case $end in
A*)	other=B ;;
*)	other=A ;;
esac
client thief enrol "${token%????}$other${end#?}"
says 'token is damaged'

step 'an unknown key is refused, and told which it is'
cp "$work/laptop/servers" "$work/thief/servers"
key=$(DSYNC_CONFIG_DIR=$work/thief "$probe" key)
client thief connect "alice@$place"
says "does not know our key $key"
refused unknown_key

step 'another user is not this peer'"'"'s to name'
client laptop connect "bob@$place"
says 'may not act for the user bob'
refused user_not_allowed

step 'a line with a mistake refuses, as does one that is over'
cp "$work/server/peers" "$work/peers.good"
sed 's/access=/acess=/' "$work/peers.good" >"$work/server/peers"
client laptop connect "$place"
says 'refuses our key'
refused bad_line
sed 's/user=alice/user=alice until=2020-01-31/' "$work/peers.good" \
    >"$work/server/peers"
client laptop connect "$place"
says 'the time of our key .* is over'
refused expired
cat "$work/peers.good" >"$work/server/peers"
client laptop connect "$place"
says '^accepted$'

step 'what is no frame ends the session'
client laptop garbage "$place"
wait_until 20 grep -q 'connection end .*frame' "$work/server.log" ||
	fail 'garbage is not logged'

step 'a silent stranger is left after the time for it'
client thief silent "$place"
says '^closed$'
refused timeout

step 'a server that has another key is not spoken to'
stop
mv "$work/server/key.pem" "$work/key.old"
mv "$work/server/cert.pem" "$work/cert.old"
as_server init >/dev/null 2>&1 || fail 'init fails'
start
moved
client laptop connect "$place"
says "key of $place changed: expected $(cat "$work/pin"), got sha256:"
refused peer_alert
stop
mv "$work/key.old" "$work/server/key.pem"
mv "$work/cert.old" "$work/server/cert.pem"
start
moved

step 'a revoked key is out, and cannot enrol again'
client laptop connect "$place"
says '^accepted$'
as_server revoke "$(DSYNC_CONFIG_DIR=$work/laptop "$probe" key)" \
    >"$work/out" 2>&1 || fail 'revoke fails'
as_server peers >"$work/out" || fail 'peers fails'
says '^revoked '
client laptop connect "$place"
says 'is revoked'
client laptop enrol "$(token)"
says 'is revoked'
refused revoked 2

step 'a plain port scan and TLS 1.2 are refused'
if command -v openssl >/dev/null; then
	printf 'GET / HTTP/1.0\r\n\r\n' | timeout 10 openssl s_client -quiet \
	    -connect "$place" -tls1_2 >/dev/null 2>&1
	refused tls_version
	timeout 10 openssl s_client -connect "$place" -alpn dsync/1 \
	    </dev/null >/dev/null 2>&1
	refused no_certificate
fi

step 'the server ends when told'
stop

step 'too many refusals from one address make it wait'
start -o refusals_per_minute=3
moved
for _ in 1 2 3; do
	client laptop connect "$place"
done
tries=100
while [ "$tries" -gt 0 ] &&
    ! grep -q 'reason=refusals_per_minute' "$work/server.log"; do
	client laptop connect "$place"
	tries=$((tries - 1))
done
grep -q 'reason=refusals_per_minute' "$work/server.log" ||
	fail 'it may come as often as it likes'
stop

step 'one peer has no more sessions than it may'
cat "$work/peers.good" >"$work/server/peers"
start -o max_sessions_per_peer=1
moved
hold
client laptop connect "$place"
says 'cannot serve us now'
refused max_sessions_per_peer
release

step 'a key that is revoked while it is served is served no longer'
hold
as_server revoke "$(DSYNC_CONFIG_DIR=$work/laptop "$probe" key)" \
    >"$work/out" 2>&1 || fail 'revoke fails'
wait_until 20 grep -q 'not allowed it any more reason=revoked' \
    "$work/server.log" || fail 'it is served still'
release
stop
exit 0
