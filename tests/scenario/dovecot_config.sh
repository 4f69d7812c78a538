#!/bin/sh
# "Dovecot knows where my mail is: I do not want to tell it twice."
. "$(dirname "$0")/dovecot_lib.sh"
unset DSYNC_DOVECONF

# write_config SIDE LOCATION PREFIX SEPARATOR
write_config() {
	configure "$1" "$2"
	sed "/^namespace/,\$d" "$work/$1.conf" >"$work/$1.tmp"
	cat "$work/$1.tmp" - >"$work/$1.conf" <<END
namespace inbox {
  inbox = yes
  prefix = $3
  separator = $4
}
namespace archive {
  prefix = Old$4
  separator = $4
  location = maildir:$work/$1/archive
}
END
}

# The two hosts agree on nothing but the mail.
write_config laptop "maildir:~/Maildir" INBOX. .
write_config server "maildir:$work/server/Mail:LAYOUT=fs" '' /
sh "$support/make-maildir.sh" "$laptop" 60
maildir "$work/server/Mail" "$work/laptop/archive"
deliver "$work/laptop/archive" 'long ago' S

# mailboxes SIDE: names as a user of that Dovecot sees them
mailboxes() {
	dove "$1" mailbox list | sort
}

# mails SIDE NAME: how many mails it holds
mails() {
	dove "$1" mailbox status messages "$2" |
	    sed 's/.*messages=//'
}

# both STATUS OPTION... -- ARGUMENT...: each side by its Dovecot's settings
both() {
	wanted=$1
	shift
	expect "$wanted" -c "$work/laptop.conf" "$@" mirror \
	    "$dsync_program" -c "$work/server.conf"
}

step 'each side has its own prefix and separator'
both 0
says "not in this run: Dovecot's namespace archive"
mailboxes laptop | sed 's/^INBOX\.//; s,\.,/,g' | sort | grep -v '^Old' \
    >"$work/a"
mailboxes server | grep -v '^Old' >"$work/b"
diff "$work/a" "$work/b" || fail 'the mailboxes differ'
grep -qx 'Archive/2024' "$work/b" || fail 'the mailboxes are none'
[ "$(mails laptop INBOX.Archive)" = "$(mails server Archive)" ] ||
	fail 'Archive differs'
[ "$(mails server INBOX)" -gt 5 ] || fail 'no mail came'
[ -z "$(grep -rl 'long ago' "$work/server")" ] ||
	fail 'the archive came along'
both 0
prints 'nothing to do'
no_complaint

step "Dovecot's log of mailboxes has the names that its users see"
hash() { # NAME: 16 bytes of its SHA-1
	printf %s "$1" | sha1sum | cut -c 1-32
}
logged() { # SIDE: its log of mailboxes as hexadecimal digits
	find "$work/$1" -name dovecot.mailbox.log -exec od -An -v -tx1 {} + |
	    tr -d ' \n'
}
echo 'SUBSCRIBE Archive/2024' | imap server script >"$work/script" ||
    fail 'IMAP failed'
both 0
logged laptop | grep -q "$(hash INBOX.Archive.2024)" ||
    fail 'a subscription is not logged as INBOX.Archive.2024'
echo 'UNSUBSCRIBE INBOX.Archive.2024' | imap laptop script >"$work/script" ||
    fail 'IMAP failed'
both 0
logged server | grep -q "05000000$(hash Archive/2024)" ||
    fail 'its end is not logged as Archive/2024'

step 'a mailbox is named as Dovecot names it, or without the prefix'
for name in INBOX.Archive.2024 Archive.2024 Archive/2024 \
    INBOX.Archive/2024; do
	deliver "$laptop/.Archive.2024" "for $name"
	both 0 -m "$name"
	prints 'Archive/2024: '
	! grep -q '^INBOX' "$work/out" || fail 'another mailbox came along'
done
both 0 -x 'INBOX.*'
prints 'nothing to do'
expect 0 -c "$work/laptop.conf" -m INBOX mirror "maildir:$work/inbox"
prints '^INBOX: '

step 'another namespace has a run of its own'
expect 0 -c "$work/laptop.conf" -o namespace=archive backup \
    "maildir:$work/old"
has_mail "$work/old" 'long ago' || fail 'the archive is not saved'
expect 78 -c "$work/laptop.conf" -o namespace=none backup "maildir:$work/old"
says 'no namespace none'
expect 78 -c "$work/laptop.conf" -o namespace=archive mirror 127.0.0.1:9
says 'its own namespace'
expect 78 -o dovecot_config=no -o namespace=archive mirror "maildir:$work/old"
says 'namespace'

step 'an installed Dovecot is asked, unless our own file knows better'
cat >"$work/doveconf" <<END
#!/bin/sh
exec doveconf -c "$work/laptop.conf" "\$@"
END
chmod 755 "$work/doveconf"
DSYNC_DOVECONF=$work/doveconf
export DSYNC_DOVECONF
expect 0 mirror "maildir:$work/third"
[ -d "$work/third/.Archive.2024" ] || fail 'it was not asked'
maildir "$work/laptop/own"
deliver "$work/laptop/own" 'my own' S
mkdir -p "$work/laptop/.config/dsync"
echo 'mail_location = maildir:~/own' >"$work/laptop/.config/dsync/dsync.conf"
expect 0 mirror "maildir:$work/fourth"
has_mail "$work/fourth" 'my own' || fail 'our own file is not heard'
[ ! -e "$work/fourth/.Archive" ] || fail 'Dovecot was asked'
rm "$work/laptop/.config/dsync/dsync.conf"
expect 0 -o "mail_location=maildir:~/own" mirror "maildir:$work/fifth"
has_mail "$work/fifth" 'my own' || fail '-o is not the strongest'

step 'a list index of another name hears of new mailboxes'
maildir "$work/listed/Maildir"
configure listed "maildir:$work/listed/Maildir:LISTINDEX=my.list"
imap listed view >"$work/view.a"
size() { wc -c <"$work/listed/Maildir/my.list.log"; }
before=$(size) || fail 'Dovecot has made no list index'
expect 0 -c "$work/listed.conf" mirror "maildir:$laptop"
[ "$(size)" -gt "$before" ] || fail 'it was not told'
imap listed view | grep -q 'Archive/2024' || fail 'no mailbox came'

step 'what is wrong with a configuration is said'
expect 64 -o no_such_setting=1 mirror "maildir:$work/x"
says 'no_such_setting'
expect 64 -o lock_method=prayer mirror "maildir:$work/x"
says 'lock_method'
echo 'lock_method = flock }' >>"$work/laptop.conf"
expect 78 mirror "maildir:$work/x"
says 'dovecot_config = no'
DSYNC_DOVECONF=$work/no-such-program
expect 78 mirror "maildir:$work/x"
says 'no-such-program'
unset DSYNC_DOVECONF
expect 78 -c "$work/laptop.conf" mirror "maildir:$work/x"
says 'Error in configuration file'
printf 'protocols = imap\nmail_location = maildir:%%{owner}\n' \
    >"$work/bad.conf"
expect 78 -c "$work/bad.conf" mirror "maildir:$work/x"
says 'unknown variable'
expect 66 -c "$work/none.conf" mirror "maildir:$work/x"
says 'none.conf'

step 'a host with the settings of a Dovecot that serves no mail yet'
printf '%s\n' 'mail_location = mbox:~/mail:INBOX=/var/mail/%u' \
    'namespace inbox {' '  inbox = yes' '}' >"$work/dovecot-new.conf"
expect 66 -c "$work/dovecot-new.conf" mirror "maildir:$work/x"
says '/laptop/mail: .*mail_location = mbox:~/mail:INBOX=/var/mail/%u of Dovecot'
says 'doveconf -c .*/dovecot-new.conf.*say where by -o mail_location='
[ ! -e "$work/x" ] || fail 'something was made all the same'
no_complaint
exit 0
