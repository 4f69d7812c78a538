#!/bin/sh
# "Nobody stops reading and writing mail while my servers are kept equal."
#
# Mail clients change everything on both sides without a pause, mail is
# delivered, another program moves and marks files of the Maildirs, and
# we run again and again.  Not part of the suite; in the build folder:
#
#	SECONDS_LONG=1800 CLIENTS=3 sh ../tests/scenario/endurance.sh
#
# With ALONE=1 we do nothing meanwhile, and what Dovecot complains of then is
# printed: the measure for "bearable" below.
alone=${ALONE:-}
how_long=${SECONDS_LONG:-10}
clients=${CLIENTS:-2}
. "$(dirname "$0")/dovecot_lib.sh"

# What Dovecot says without us, too, when its sessions rename mailboxes while
# other sessions use them and another program moves files.
bearable="$bearable|Our dotlock file .* was deleted|UIDs not ordered"
bearable="$bearable|uidlist.tmp.*failed|dovecot-keywords.*failed: No such"
bearable="$bearable|(open|unlink|rename|utime)[(].*/tmp/.*No such file"
bearable="$bearable|Duplicate file entry|Bad file descriptor"
bearable="$bearable|Expunged message reappeared|immediately deleted under us"
bearable="$bearable|stat[(].*/(cur|new)[)] failed: No such file"
bearable="$bearable|Filename keeps changing for UID="

IMAPCTL_SPARE=Spared
export IMAPCTL_SPARE
children=

# A child that is started here ends by itself when the time is over.
until_the_end() {
	[ ! -e "$work/over" ]
}

# mail_client SIDE NUMBER: what another client deletes in the meantime may make
# an operation fail, then the next one starts.
mail_client() {
	seed=$(($2 * 100000))
	while until_the_end; do
		seed=$((seed + 1))
		if imap "$1" change "$seed" 20 "$1$2" >/dev/null \
		    2>>"$work/$1/client.log"; then
			echo 20 >>"$work/$1.changes"
		fi
	done
}

# deliveries SIDE: into new/ of INBOX and of the mailbox that keeps its mail
deliveries() {
	count=0
	while until_the_end; do
		count=$((count + 1))
		for box in Maildir Maildir/.Spared; do
			name=$(date +%s).M${count}P$$.$1
			printf 'Subject: %s %s\n\nbody %s\n' "$1" "$count" \
			    "$count" >"$work/$1/$box/tmp/$name"
			mv "$work/$1/$box/tmp/$name" "$work/$1/$box/new/$name"
			echo "Subject: $1 $count" >>"$work/$1.delivered.Maildir/${box#Maildir/}.$1"
		done
		sleep 0.3
	done
}

# other_program SIDE: as a mail program that works on the files marks them
other_program() {
	while until_the_end; do
		for file in "$work/$1/Maildir/new"/* \
		    "$work/$1/Maildir/.Spared/new"/*; do
			[ -f "$file" ] || continue
			mv "$file" "${file%/new/*}/cur/${file##*/}:2," \
			    2>/dev/null && echo 1 >>"$work/$1.marks"
			break
		done
		for file in "$work/$1/Maildir/.Spared/cur"/*:2,; do
			[ -f "$file" ] || continue
			mv "$file" "${file}S" 2>/dev/null &&
				echo 1 >>"$work/$1.marks"
			break
		done
		sleep 0.2
	done
}

# Peak memory of each run, in kilobytes, if that can be measured here.
if [ -x /usr/bin/time ]; then
	printf '#!/bin/sh\nexec /usr/bin/time -q -f %%M -a -o "%s" "%s" "$@"\n' \
	    "$work/memory" "$dsync_program" >"$work/measured"
	chmod 700 "$work/measured"
	dsync_program=$work/measured
fi
memory_of() { # COMMAND...: the median of those lines
	"$@" "$work/memory" 2>/dev/null | sort -n | sed -n '5p'
}
server_memory() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server_pid/status" \
	    2>/dev/null
}

# complaints: each kind that Dovecot has, and how often
complaints() {
	cat "$work/laptop/log" "$work/server/log" |
	    grep -E 'Error|Warning|Panic|Fatal' |
	    sed 's/^[^ ]* //; s|/[^ ]*/||g; s/Mailbox [^:]*/Mailbox/; s/[0-9][0-9]*/N/g' |
	    sort | uniq -c | sort -rn
}

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 60
maildir "$server"
server_start
enrol
printf 'CREATE Spared\nSUBSCRIBE Spared\n' | imap laptop script >/dev/null ||
	fail 'IMAP failed'
expect 0 mirror "$place"
same_view
mkdir "$work/laptop.delivered.Maildir" "$work/server.delivered.Maildir"

step "everybody at once"
for side in laptop server; do
	n=1
	while [ "$n" -le "$clients" ]; do
		mail_client "$side" "$n" &
		children="$children $!"
		n=$((n + 1))
	done
	deliveries "$side" &
	children="$children $!"
	other_program "$side" &
	children="$children $!"
done
memory_before=$(server_memory)
end=$(($(date +%s) + how_long))
runs=0 again=0
while [ "$(date +%s)" -lt "$end" ]; do
	[ -z "$alone" ] || {
		sleep 1
		continue
	}
	# The clients may well delete half of all mail (G1).
	dsync --force-delete mirror "$place"
	case $status in
	0) ;;
	2) again=$((again + 1)) ;;
	*)
		: >"$work/over"
		fail "status $status"
		;;
	esac
	runs=$((runs + 1))
done
: >"$work/over"
for child in $children; do
	wait "$child"
done
if [ -n "$alone" ]; then
	complaints
	exit 0
fi
complaints >"$work/complaints"
memory_after=$(server_memory)
first=$(memory_of head -n 9) last=$(memory_of tail -n 9)

step "when they rest, few runs make both sides equal"
tries=0
until dsync --force-delete mirror "$place" && [ "$status" = 0 ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 5 ] || fail "status $status after $tries more runs"
done
# What Dovecot complained of comes last.
kinds=$bearable bearable=.
same_view exact
expect 0 mirror "$place"
prints 'nothing to do'
same_view exact
bearable=$kinds

step "no mail is lost or doubled"
for side in laptop server; do
	cat "$work"/*.delivered.Maildir/.Spared.* | sort >"$work/delivered"
	grep -rh '^Subject: ' "$work/$side/Maildir/.Spared/cur" \
	    "$work/$side/Maildir/.Spared/new" | sort >"$work/found"
	diff "$work/delivered" "$work/found" >&2 ||
		fail "mails of the $side were lost or doubled"
done
total=$(cat "$work"/*.changes | awk '{ n += $1 } END { print n }')
echo "$runs runs ($again of them not perfect), $total changes through IMAP," \
    "$(cat "$work"/*.marks | wc -l) by files," \
    "$(cat "$work"/*.delivered.Maildir/* | wc -l) deliveries"
echo "memory of a run, in kilobytes: $first at first, $last at last;" \
    "of the server: $memory_before, $memory_after"
echo "what Dovecot said, and says without us, too:"
cat "$work/complaints"
no_complaint
