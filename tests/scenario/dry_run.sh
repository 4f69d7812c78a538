#!/bin/sh
# "Before I let it touch my mail I want to see what it would do."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
deliver "$server" 'waiting'
server_start
enrol

step "the plan is printed and leaves no trace"
a=$(snapshot "$laptop")
b=$(snapshot "$server")
expect 2 -n mirror "$place"
prints 'would change'
[ "$(wc -l <"$work/out")" -gt 60 ] || fail 'the plan is too short'
[ "$a" = "$(snapshot "$laptop")" ] || fail 'the laptop was changed'
[ "$b" = "$(snapshot "$server")" ] || fail 'the server was changed'

step "after a run there is nothing left to plan"
expect 0 mirror "$place"
equal
a=$(snapshot "$laptop")
b=$(snapshot "$server")
expect 0 -n mirror "$place"
prints 'nothing to do'
deliver "$laptop" 'one'
a=$(snapshot "$laptop")
expect 2 -n mirror "$place"
expect 2 -n backup "$place"
[ "$a" = "$(snapshot "$laptop")" ] || fail 'the laptop was changed'
[ "$b" = "$(snapshot "$server")" ] || fail 'the server was changed'
! has_mail "$server" one || fail 'it was copied'

step "a second location that does not exist is not made"
dsync -n mirror "maildir:$work/nowhere"
[ "$status" != 0 ] || fail 'it found nothing to do'
[ ! -e "$work/nowhere" ] || fail 'it was made'
