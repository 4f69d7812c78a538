#!/bin/sh
# "My POP3 program leaves the mail on the server.  It must not fetch all of it
# again from the other one."
[ -x /usr/lib/dovecot/pop3 ] || {
	echo 'Dovecot has no POP3 here' >&2
	exit 77
}
. "$(dirname "$0")/dovecot_lib.sh"

# pop3 SIDE: number, UIDL and size of each mail, in the order of POP3
pop3() {
	printf 'UIDL\r\nLIST\r\nQUIT\r\n' |
	    dove "$1" exec pop3 |
	    tr -d '\r' | grep '^[0-9]'
}

same_pop3() {
	pop3 laptop >"$work/pop3.a"
	pop3 server >"$work/pop3.b"
	[ -s "$work/pop3.a" ] || fail 'POP3 shows nothing'
	diff "$work/pop3.a" "$work/pop3.b" >&2 ||
		fail 'POP3 shows something else'
	no_complaint
}

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol

step "Dovecot's own UIDLs"
imap laptop change 5 40 start || fail 'IMAP failed'
expect 0 mirror "$place"
same_pop3

step "UIDLs and an order that another server gave before"
# The 2nd line gets a UIDL of its own, the 3rd as well, and comes first.
list=$laptop/dovecot-uidlist
sed -e '2s/ :/ Pold-server-17 :/' -e '3s/ :/ Pold-server-16 O1 :/' \
    "$list" >"$work/list" && cat "$work/list" >"$list"
rm -f "$laptop"/dovecot.index*
grep -q ' Pold-server-16 O1 :' "$list" || fail 'there is no such line'
rm -rf "$server"
maildir "$server"
rm -f "$laptop"/dsync-changelog.db*
expect 0 mirror "$place"
same_pop3
grep -q 'old-server-17' "$work/pop3.b" || fail 'the UIDL is not there'

step "changes of POP3 and IMAP clients on both sides"
printf 'DELE 3\r\nDELE 5\r\nQUIT\r\n' |
    dove server exec pop3 >"$work/pop3.out"
grep -q '+OK' "$work/pop3.out" || fail 'POP3 refused it'
imap laptop change 6 40 laptop || fail 'IMAP failed'
expect 0 mirror "$place"
same_pop3
grep -q 'old-server-16' "$work/pop3.b" || fail 'the UIDL is not there'
expect 0 mirror "$place"
prints 'nothing to do'
