#!/bin/sh
# "On the phone link I only want INBOX, and never the spam."
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 100
maildir "$laptop/.Spam" "$server"
: >"$laptop/.Spam/maildirfolder"
deliver "$laptop/.Spam" 'cheap things'
server_start
enrol

step "-m takes exactly what it names, without children"
expect 0 -m INBOX -m Archive mirror "$place"
[ "$(count_mails "$server")" = "$(count_mails "$laptop")" ] ||
	fail 'INBOX is not complete'
[ -d "$server/.Archive/cur" ] || fail 'Archive is missing'
[ ! -d "$server/.Archive.2024" ] || fail 'a child came along'
[ ! -d "$server/.Sent" ] || fail 'Sent came along'
expect 0 -m INBOX -m Archive mirror "$place"
prints 'nothing to do'

step "nested names and names outside ASCII, by '/'"
expect 0 -m Archive/2024 -m Entwürfe mirror "$place"
[ -d "$server/.Archive.2024/cur" ] || fail 'Archive/2024 is missing'
[ -d "$server/.Entw&APw-rfe/cur" ] || fail 'Entwürfe is missing'

step "-x leaves out"
expect 0 -x Spam -x 'Archive/*' mirror "$place"
[ -d "$server/.Sent/cur" ] || fail 'Sent is missing'
[ ! -d "$server/.Spam" ] || fail 'the spam came along'
[ ! -d "$server/.Archive.2025" ] || fail 'Archive/2025 came along'

step "without them everything comes"
expect 0 mirror "$place"
equal
