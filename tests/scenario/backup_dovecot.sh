#!/bin/sh
# "Somebody wrote to my backup; Dovecot serves it, and has to go on."  (B3)
. "$(dirname "$0")/dovecot_lib.sh"

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 80
maildir "$server"
server_start
enrol

step "two servers, and a backup that both know"
expect 0 mirror "$place"
view laptop >/dev/null
view server >/dev/null
expect 0 mirror "$place"
expect 0 backup "$place"
same_view

step "mail that came to the backup takes UIDs that the source gives too"
deliver "$server" 'a stranger'
printf 'SELECT INBOX\nUID STORE 3 +FLAGS (\\Deleted)\nEXPUNGE\n' |
    imap server script >"$work/out" || fail 'IMAP failed'
view server >/dev/null
deliver "$laptop" 'a new one'
view laptop >/dev/null
expect 0 -v backup "$place"
says 'B3'
same_view
expect 0 backup "$place"
prints 'nothing to do'

step "and Dovecot goes on with it"
deliver "$laptop" 'another one'
view laptop >/dev/null
expect 0 backup "$place"
same_view
expect 0 mirror "$place"
same_view
