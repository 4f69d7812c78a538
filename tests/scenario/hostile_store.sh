#!/bin/sh
# "Other programs write into my Maildir as well, and not all of them well."
. "$(dirname "$0")/lib.sh"

# mailbox DIRECTORY: with one mail
mailbox() {
	maildir "$1"
	: >"$1/maildirfolder"
	deliver "$1" "of $made_number" S
	made_number=$((made_number + 1))
}
made_number=0

sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
deliver "$server" 'on the server'
server_start
enrol

step "names that no mailbox can have are told, and all others are copied"
newline='.x
y'
long=$(printf '%0240d' 0 | tr 0 l)
for name in .a..b .con. '.&bad' '.&AGE-' "$newline" ".tab	x" '.~user' \
    '.&AC8-etc' '.&AAA-nul' '.&AAo-line' .INBOX \
    "$(printf '.raw\377')" "$(printf '.esc\033[2J')"; do
	mailbox "$server/$name"
done
for name in .INBOX.sub '.&IC4-rtl' '.nfc&AOk-' '.nfce&AwE-' '.e:2,S' '.%n' \
    '.*' '.&-' '."q' '.\' .dovecot.index .tmp ".$long" '.a b'; do
	mailbox "$server/$name"
done
expect 2 mirror "$place"
says 'pending: .*&bad'
says 'pending: .*a\.\.b'
! grep -q "$(printf '\033')" "$work/out" "$work/err" ||
	fail 'a name can move the cursor'
[ "$(grep -c 'pending: ' "$work/err")" = 13 ] ||
	fail "$(grep -c 'pending: ' "$work/err") names were told, not 13"
[ "$(find "$laptop" -maxdepth 1 -name '.*' | wc -l)" = 22 ] ||
	fail 'not the mailboxes that were expected'
has_mail "$laptop" 'on the server' || fail 'the rest did not go on'
[ -z "$(find "$work/laptop" -newer "$work/token" -type f \
    ! -path "$laptop/*" ! -path '*/.config/*')" ] ||
	fail 'something was written outside of the store'
expect 2 mirror "$place"
says 'pending: .*&bad'
for name in .a..b .con. '.&bad' '.&AGE-' "$newline" ".tab	x" '.~user' \
    '.&AC8-etc' '.&AAA-nul' '.&AAo-line' .INBOX \
    "$(printf '.raw\377')" "$(printf '.esc\033[2J')"; do
	rm -rf "${server:?}/$name"
done
expect 0 mirror "$place"
equal

step "links, pipes and directories are no messages, and no link is followed"
mkdir "$work/outside"
maildir "$work/outside/box"
deliver "$work/outside/box" canary
cp "$(find_mail "$work/outside/box" canary)" "$work/outside/canary"
ln -s "$work/outside/canary" "$laptop/cur/1790000500.link:2,S"
ln -s "$work/outside/canary" "$laptop/new/1790000501.link"
ln -s /dev/zero "$laptop/cur/1790000502.zero:2,"
mkfifo "$laptop/cur/1790000503.pipe:2,"
mkdir "$laptop/cur/1790000504.dir:2,"
ln -s "$work/outside/box" "$laptop/.Linked"
mailbox "$laptop/.Half"
rm -rf "$laptop/.Half/cur"
ln -s "$work/outside/box/cur" "$laptop/.Half/cur"
deliver "$laptop" 'a good one'
expect 2 mirror "$place"
for what in 500.link 501.link 502.zero 503.pipe 504.dir Linked; do
	says "pending: .*$what"
done
! grep -rq canary "$server" || fail 'bytes from outside the store'
has_mail "$server" 'a good one' || fail 'the rest did not go on'

step "a mailbox that becomes a link is not taken for deleted"
mv "$laptop/.Archive" "$work/outside/Archive"
ln -s "$work/outside/Archive" "$laptop/.Archive"
expect 2 mirror "$place"
says 'pending: .*Archive'
[ "$(count_mails "$server/.Archive")" -gt 3 ] || fail 'it was deleted'
rm "$laptop/.Archive" "$laptop/.Linked" "$laptop"/*/*.link* \
    "$laptop"/cur/*.zero* "$laptop"/cur/*.pipe*
rmdir "$laptop"/cur/*.dir*
rm -rf "$laptop/.Half"
mv "$work/outside/Archive" "$laptop/.Archive"
expect 0 mirror "$place"
equal

step "a copy of a mailbox with its control files is a mailbox of its own"
cp -a "$laptop/.Archive" "$laptop/.Twin"
expect 0 mirror "$place"
equal
[ "$(count_mails "$server/.Twin")" = "$(count_mails "$server/.Archive")" ] ||
	fail 'the copy was not copied'
expect 0 mirror "$place"
prints 'nothing to do'

step "what cannot be read is told and waits, all else goes on"
closed=$(find_mail "$laptop" 'a good one')
deliver "$laptop" 'not to be read'
unread=$(find_mail "$laptop" 'not to be read')
chmod 0 "$closed" "$unread" "$laptop/.Sent"
deliver "$laptop" 'to be read'
deliver "$server/.Sent" 'sent from there'
expect 2 mirror "$place"
says 'pending: .*INBOX: UID'
says 'pending: .*Sent'
has_mail "$server" 'to be read' || fail 'the rest did not go on'
has_mail "$server" 'a good one' || fail 'it was taken for expunged'
[ "$(count_mails "$server/.Sent")" -gt 2 ] || fail 'it was taken for deleted'
expect 2 mirror "$place"
chmod 600 "$closed" "$unread"
chmod 700 "$laptop/.Sent"
expect 0 mirror "$place"
equal
has_mail "$server" 'not to be read' || fail 'it was not copied later'
has_mail "$laptop/.Sent" 'sent from there' || fail 'it was not copied later'

step "a store that cannot be written stays as it is"
deliver "$laptop" 'for a store that is closed'
snapshot "$server" | awk '/\// { print $1, $2 }' | sort >"$work/before"
chmod 500 "$server"
dsync mirror "$place"
[ "$status" = 77 ] || [ "$status" = 1 ] || fail "status $status"
chmod 700 "$server"
snapshot "$server" | awk '/\// { print $1, $2 }' | sort >"$work/after"
diff "$work/before" "$work/after" >&2 || fail 'something was written'
chmod 0 "$laptop"
dsync mirror "$place"
[ "$status" = 77 ] || fail "status $status"
chmod 700 "$laptop"
expect 0 mirror "$place"
equal

step "messages that go away and change their flags while a run looks at them"
n=0
for i in 1 2 3; do
	for j in 1 2 3 4 5 6 7 8 9; do
		deliver "$laptop" "restless $i$j"
	done
	(
		for file in "$laptop"/new/*; do
			n=$((n + 1))
			case $((n % 3)) in
			0) rm -f "$file" ;;
			1) mv "$file" "$laptop/cur/${file##*/}:2,S" ;;
			*) mv "$file" "$laptop/.Archive/cur/${file##*/}:2,F" ;;
			esac
		done
	) &
	other=$!
	dsync mirror "$place"
	case $status in
	0 | 2) ;;
	*) fail "status $status" ;;
	esac
	wait "$other"
done
expect 0 mirror "$place"
equal
