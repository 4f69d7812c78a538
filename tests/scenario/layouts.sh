#!/bin/sh
# "My mail_location has keys behind the path."
#
#	LAYOUTS=KEYS ..	of a Maildir, or FORMAT:KEYS
#
# A store that Dovecot made under each layout is kept equal with a plain
# Maildir++, and both are looked at and changed through IMAP.
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-5}
layouts=${LAYOUTS:-":LAYOUT=fs
:LAYOUT=fs:FULLDIRNAME=box:CONTROL=$work/laptop/control:INDEX=$work/laptop/index
:LAYOUT=fs:DIRNAME=box:UTF-8
:LAYOUT=index
:CONTROL=$work/laptop/control:INDEX=$work/laptop/index:SUBSCRIPTIONS=subs
:LAYOUT=fs:INBOX=$work/laptop/inbox:INDEX=MEMORY:VOLATILEDIR=$work/laptop/lock
sdbox:LAYOUT=index
mdbox:LAYOUT=index:CONTROL=$work/laptop/control:INDEX=$work/laptop/index"}

# A Maildir++ has no directories that hold no mail (T16).
view() { # SIDE
	imap "$1" view | grep -v ' (directory)$' | sort
}

# Of all mailboxes that can be selected; of others it says that it cannot.
guids() { # SIDE
	HOME=$work/$1 USER=test doveadm -c "$work/$1.conf" mailbox status \
	    'guid uidvalidity uidnext' '*' 2>/dev/null | sort
}

same_guids() {
	guids laptop >"$work/guids.a"
	guids server >"$work/guids.b"
	diff "$work/guids.a" "$work/guids.b" >&2 || fail 'mailboxes differ'
	[ "$(wc -l <"$work/guids.a")" -gt 3 ] || fail 'there are no mailboxes'
}

mirror() { # [FIRST SECOND]
	expect 0 -o "mail_location=${1:-$location_a}" \
	    mirror "${2:-maildir:$server}"
	same_view
	same_guids
	expect 0 -o "mail_location=$location_a" mirror "maildir:$server"
	prints 'nothing to do'
}

sh "$support/make-maildir.sh" "$work/source" 80
for keys in $layouts; do
	step "$keys"
	case $keys in
	:*) location_a=maildir:$work/laptop/Mail$keys ;;
	*) location_a=${keys%%:*}:$work/laptop/Mail:${keys#*:} ;;
	esac
	rm -rf "$work/laptop" "$work/server"
	mkdir "$work/laptop" "$work/server"
	configure laptop "$location_a"
	configure server
	dove laptop import \
	    "maildir:$work/source" '' all || fail 'doveadm import failed'
	imap laptop change "$seed" 30 start || fail 'IMAP failed'
	printf '%s\n' 'CREATE "Work/Gr&APwA3w-e/deep"' \
	    'SUBSCRIBE "Work/Gr&APwA3w-e/deep"' 'CREATE INBOX/below' |
	    imap laptop script >"$work/out" || fail 'IMAP failed'
	mirror

	imap server change "$((seed + 1))" 15 server || fail 'IMAP failed'
	imap laptop change "$((seed + 2))" 15 laptop || fail 'IMAP failed'
	mirror

	# A parent that is renamed, and one that is removed, alone.
	printf '%s\n' 'CREATE Tree' 'CREATE Tree/a' 'CREATE Tree/a/b' |
	    imap server script >"$work/out" || fail 'IMAP failed'
	mirror
	for box in Tree Tree/a Tree/a/b; do
		printf 'Subject: in %s\n\nbody\n' "$box" |
		    dove laptop save -m "$box" ||
		    fail 'doveadm save failed'
	done
	mv "$server/.Tree" "$server/.Other"
	mv "$server/.Tree.a" "$server/.Tree.c"
	mirror
	printf '%s\n' 'RENAME Other Tree/a/b/Moved' 'DELETE Tree/a/b' |
	    imap server script >"$work/out" || fail 'IMAP failed'
	mirror

	# The other way: an empty store of this layout is filled.
	rm -rf "$work/laptop"
	mkdir "$work/laptop"
	mirror "maildir:$server" "$location_a"
done
