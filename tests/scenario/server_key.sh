#!/bin/sh
# "Somebody put another machine in the place of my server."
. "$(dirname "$0")/lib.sh"

maildir "$laptop" "$server"
deliver "$laptop" 'a secret'
server_start
enrol
expect 0 mirror "$place"

step "another key at the same address is refused before any mail goes"
server_stop
mv "$work/server/.config/dsync/key.pem" "$work/old-key.pem"
mv "$work/server/.config/dsync/cert.pem" "$work/old-cert.pem"
server_command init >"$work/init.out" 2>&1 || fail 'init failed'
server_start
deliver "$laptop" 'another secret'
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
says 'sha256:'
! has_mail "$server" 'another secret' || fail 'it went out'

step "with the old key it goes on"
server_stop
mv "$work/old-key.pem" "$work/server/.config/dsync/key.pem"
mv "$work/old-cert.pem" "$work/server/.config/dsync/cert.pem"
server_start
expect 0 mirror "$place"
equal

step "a laptop whose key was removed is refused, and told its key"
server_stop
: >"$work/server/.config/dsync/peers"
server_start
dsync key
key=$(cat "$work/out")
dsync mirror "$place"
[ "$status" = 1 ] || [ "$status" -gt 2 ] || fail "status $status"
says "$key"
