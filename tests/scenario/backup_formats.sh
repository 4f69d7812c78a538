#!/bin/sh
# "My backup is of another format, and somebody wrote to it."  (B3)
#
# A Maildir is backed up as each of Dovecot's formats; mail programs change the
# destination in between, and each backup makes it as the source again, with
# which Dovecot is content.
#
#	FORMATS=FORMAT ..	of the destination; :apart: indexes elsewhere
#	ROUNDS=N		backups of each
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-21}
rounds=${ROUNDS:-2}

# An mbox has GUIDs of its own; it and a dbox have directories.  UIDs that were
# given in the destination are not given again: UIDNEXT is larger there.
view() { # SIDE
	imap "$1" view | grep -v ' (directory)$' |
	    sed 's/ X-GUID=[^ ]*//; s/ UIDNEXT [0-9]*//' | sort
}

backup() {
	expect 0 --force-delete -o "mail_location=maildir:$laptop" \
	    backup "$place"
}

for format in ${FORMATS:-sdbox sdbox:apart mdbox mbox}; do
	rm -rf "$laptop" "$work/server"
	mkdir -p "$work/server/mail"
	# Without DIRNAME a mailbox of an mbox has none below it.
	case $format in
	mbox) place=mbox:$work/server/mail:DIRNAME=box:INDEX=$work/server/i ;;
	*:apart) place=${format%:apart}:$work/server/mail:INDEX=$work/server/i ;;
	*) place=$format:$work/server/mail ;;
	esac
	configure laptop
	configure server "$place"
	sh "$support/make-maildir.sh" "$laptop" 60

	step "$format: what others did to a backup is undone"
	view laptop >"$work/before"
	backup
	same_view
	for round in $(seq "$rounds"); do
		imap server change $((seed + round)) 25 server ||
			fail 'IMAP failed'
		imap laptop change $((seed + 50 + round)) 15 laptop ||
			fail 'IMAP failed'
		view laptop >"$work/before"
		backup
		same_view
		view laptop | cmp "$work/before" - ||
			fail 'the source was changed'
		backup
		prints 'nothing to do'
	done

	step "$format: Dovecot finds nothing to mend"
	bearable_was=$bearable
	bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"
	dove server force-resync '*' || fail 'force-resync failed'
	dove server purge || fail 'purge failed'
	same_view
	bearable=$bearable_was
done
