#!/bin/sh
# "Dovecot shows what we wrote into its mail store, to the letter, has nothing to
# complain about, and we see what it changes."
#
# A store of each format is worked on by our driver alone and by Dovecot's own
# programs, in turn.
. "$(dirname "$0")/dovecot_lib.sh"

# FORMAT, and ":apart" if its indexes lie in another place.
formats=${FORMATS:-maildir sdbox mdbox sdbox:apart mdbox:apart}

# The messages of a mailbox, a line each: UID GUID FLAGS KEYWORDS SIZE DATE.
ours() { # MAILBOX
	store server <<END_OF_COMMANDS
open $1
dump
END_OF_COMMANDS
	sed 's/received=//' "$work/out" | cut -d ' ' -f 1-6
}

theirs() { # MAILBOX
	dove server -f tab fetch \
	    'uid guid flags size.physical date.received.unixtime' \
	    mailbox "$1" | awk -F '\t' 'NR > 1 {
		n = split($3, word, " "); flags = ""; keywords = "";
		letter["\\Draft"] = "D"; letter["\\Flagged"] = "F";
		letter["\\Answered"] = "R"; letter["\\Seen"] = "S";
		letter["\\Deleted"] = "T";
		for (i = 1; i <= n; i++) {
			if (word[i] in letter)
				seen[word[i]] = NR;
			else if (word[i] != "\\Recent")
				names[++k] = word[i];
		}
		order = "\\Draft \\Flagged \\Answered \\Seen \\Deleted";
		m = split(order, in_order, " ");
		for (i = 1; i <= m; i++)
			if (seen[in_order[i]] == NR)
				flags = flags letter[in_order[i]];
		for (i = 2; i <= k; i++)
			for (j = i; j > 1 && tolower(names[j]) < \
			    tolower(names[j - 1]); j--) {
				t = names[j]; names[j] = names[j - 1];
				names[j - 1] = t;
			}
		for (i = 1; i <= k; i++)
			keywords = keywords (i > 1 ? "," : "") names[i];
		k = 0;
		print $1, $2, flags == "" ? "-" : flags,
		    keywords == "" ? "-" : keywords, $4, $5;
	}'
}

# Both show the mailbox alike.
same() { # MAILBOX WHEN
	ours "$1" >"$work/ours"
	theirs "$1" >"$work/theirs"
	[ -s "$work/ours" ] || fail "$2: nothing in $1"
	diff -u "$work/ours" "$work/theirs" >&2 || fail "$2: $1 differs"
	store server <<END_OF_COMMANDS
open $1
status
END_OF_COMMANDS
	dove server mailbox status 'guid uidvalidity uidnext' "$1" |
	    sed 's/^.* uidnext=\([0-9]*\) uidvalidity=\([0-9]*\) guid=\(.*\)$/status \3 \2 \1/' |
	    diff -u "$work/out" - >&2 || fail "$2: the status of $1 differs"
	no_complaint
}

mailboxes_are() { # NAME...
	printf '%s\n' "$@" >"$work/ours"
	dove server mailbox list | sort | diff -u "$work/ours" - >&2 ||
		fail 'the mailboxes differ'
}

save() { # SUBJECT
	printf 'Subject: %s\n\nbody\n' "$1" | dove server save -m INBOX ||
		fail 'doveadm save failed'
}

we_make_a_store() {
	store server -c <<END_OF_COMMANDS
open INBOX
append 5 - S work,home 1000000000 $work/one
append 7 0123456789abcdef0123456789abcdef FT - 1000000001 $work/two
append 9 1600000000.M1P1.host,S=19,W=22 - x 1600000000 $work/one
setstatus 11223344556677889900aabbccddeeff 1234 20
flush
create Work/Gr&e 00112233445566778899aabbccddeeff 42 77
open Work/Gr&e
append 80 - DR - 2000000000 $work/two
flush
subscribe Work/Gr&e
END_OF_COMMANDS
	same INBOX 'a new store'
	same 'Work/Gr&e' 'a new mailbox'
	[ "$(dove server mailbox list -s)" = 'Work/Gr&e' ] ||
		fail 'subscriptions differ'
}

we_change_what_is_open() {
	imap_open server
	say 'SELECT INBOX'
	store server <<END_OF_COMMANDS
open INBOX
append 30 - - late 1000000005 $work/one
append 25 1600000001.M1P1.host,S=22,W=22 RS work 1000000006 $work/two
flags 5 = T home,fresh
uid 7 = 40
expunge 9 =
flush
copy Work/Gr&e 80 =
setstatus - 0 50
flush
END_OF_COMMANDS
	say 'NOOP'
	say 'UID FETCH 1:* (FLAGS)'
	imap_told 'UID 40 FLAGS'
	same INBOX 'a store with an index'
}

dovecot_changes_and_we_go_on() {
	say 'UID STORE 25 +FLAGS (\Flagged theirs)'
	say 'UID STORE 5 -FLAGS (\Deleted)'
	say 'UID COPY 25,40 Work/Gr&-e'
	say 'UID STORE 40 +FLAGS (\Deleted)'
	say 'EXPUNGE'
	say 'CREATE Other'
	say 'UID COPY 25 Other'
	say 'SUBSCRIBE Other'
	same INBOX 'changed by Dovecot'
	same 'Work/Gr&e' 'copied by Dovecot'
	same Other 'created by Dovecot'
	store server <<END_OF_COMMANDS
open INBOX
flags 25 = - theirs
expunge 5 =
append 60 - - ours 3 $work/one
flush
open Other
expunge 1 =
flush
append 0 - - - 4 $work/two
flush
unsubscribe Work/Gr&e
subscriptions
END_OF_COMMANDS
	tail -n 1 "$work/out" | grep -qx Other || fail 'subscriptions differ'
	say 'NOOP'
	same INBOX 'changed by both'
	same Other 'changed by both'
	say 'LOGOUT'
	imap_close
}

# Files that nobody listed get a line from us, and Dovecot takes it over.
others_deliver() {
	printf 'Subject: four\n\nbody\n' \
	    >"$work/server/mail/new/1500000000.M2P1.other"
	printf 'Subject: five\n\nbody\n' \
	    >"$work/server/mail/cur/1500000000.M1P1.other:2,FSz"
	ours INBOX >"$work/first"
	[ "$(wc -l <"$work/first")" -eq 7 ] || fail 'not all mails were found'
	grep -q 'unknown-25' "$work/first" ||
		fail 'a letter without a name is lost'
}

# What Dovecot does to a dbox to repair it changes nothing that is whole.
dovecot_repairs() {
	same INBOX 'delivery'
	cp "$work/ours" "$work/before"
	dove server force-resync '*' || fail 'force-resync failed'
	[ "$format" != mdbox ] || dove server purge || fail 'purge failed'
	(
		bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"
		no_complaint
	) || exit 1
	rm "$work/server/log"
	same INBOX 'resync'
	diff "$work/before" "$work/ours" || fail 'force-resync changed something'
	same 'Work/Gr&e' 'resync'
}

we_rename_and_remove() {
	store server <<END_OF_COMMANDS
open INBOX
setstatus - 5000 0
flush
rename Work/Gr&e Work/Moved
rename Other Neu
create Empty
remove Empty
END_OF_COMMANDS
	if [ "$format" = maildir ]; then
		mailboxes_are INBOX Neu Work Work/Moved
	else
		store server <<END_OF_COMMANDS
mkdir Directory
END_OF_COMMANDS
		mailboxes_are Directory INBOX Neu Work Work/Moved
	fi
	same INBOX 'UIDVALIDITY changed'
	same Work/Moved 'renamed'
	save six
	same INBOX 'delivery into a renumbered mailbox'
}

printf 'Subject: one\n\nbody\n' >"$work/one"
printf 'Subject: two\r\n\r\nbody\r\n' >"$work/two"
for kind in $formats; do
	step "$kind"
	format=${kind%:apart}
	location=$format:$work/server/mail
	[ "$format" = "$kind" ] ||
		location=$location:INDEX=$work/server/index
	rm -rf "$work/server"
	mkdir "$work/server"
	configure server "$location"
	we_make_a_store
	we_change_what_is_open
	dovecot_changes_and_we_go_on
	save three
	if [ "$format" = maildir ]; then
		others_deliver
		same INBOX 'deliveries'
	else
		dovecot_repairs
	fi
	we_rename_and_remove
done
