#!/bin/sh
# "I read my mail on the laptop and on the server, and both show the same."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 300
maildir "$server"
deliver "$server" 'only on the server' S
server_start
enrol

step "the first run brings both together"
expect 0 mirror "$place"
prints 'copied'
equal
has_mail "$laptop" 'only on the server' || fail 'nothing came back'
[ "$(count_mails "$laptop")" = 121 ] || fail 'wrong number in INBOX'

step "nothing changed: nothing to do"
expect 0 mirror "$place"
prints 'nothing to do'
expect 0 -f mirror "$place"
prints 'nothing to do'
equal

step "changes on both sides at once"
deliver "$laptop" 'new on the laptop'
deliver "$server" 'new on the server'
deliver "$server/.Archive" 'filed on the server' FS
set_flags "$server" 'only on the server' RS
expunge "$laptop" 'only on the server'
deliver "$laptop" 'to be read'
expect 0 mirror "$place"
equal
for subject in 'new on the laptop' 'new on the server' 'to be read'; do
	has_mail "$laptop" "$subject" || fail "$subject is not on the laptop"
	has_mail "$server" "$subject" || fail "$subject is not on the server"
done
has_mail "$laptop/.Archive" 'filed on the server' || fail 'not filed'
! has_mail "$server" 'only on the server' || fail 'expunge did not win'

step "flags, keywords, a new and a removed mailbox, subscriptions"
set_flags "$server" 'to be read' RS
set_flags "$laptop" 'new on the server' FSb
maildir "$laptop/.Projekte.2026"
: >"$laptop/.Projekte.2026/maildirfolder"
deliver "$laptop/.Projekte.2026" 'a plan' S
printf 'V\t2\n\nProjekte\t2026\nSent\n' >"$server/subscriptions"
expect 0 mirror "$place"
equal
[ "$(flags_of "$laptop" 'to be read')" = RS ] || fail 'flags did not come'
has_mail "$server/.Projekte.2026" 'a plan' || fail 'no new mailbox'
expect 0 mirror "$place"
prints 'nothing to do'

step "a mail is moved"
mv "$(find_mail "$laptop" 'to be read')" "$laptop/.Sent/cur/"
expect 0 mirror "$place"
equal
! has_mail "$server" 'to be read' || fail 'it was not moved away'
has_mail "$server/.Sent" 'to be read' || fail 'it did not arrive'
expect 0 mirror "$place"
prints 'nothing to do'
