#!/bin/sh
# "The mirror writes into my mdbox while Dovecot saves, marks, copies, expunges
# and purges in it: nothing is lost, and no mail stays that nobody refers to."
#
# Both work on one store without knowing of each other.  In the end each mail
# that nobody expunged is there once, and when Dovecot has expunged them all,
# its purge leaves no file: then all reference counts were right.
#
#	ROUNDS=N	rounds of ours, of 48 writes each
#	DRIVER=sdbox	the other format
rounds=${ROUNDS:-6}
driver=${DRIVER:-mdbox}

. "$(dirname "$0")/dovecot_lib.sh"

mail=$driver:$work/laptop/mail
store=$work/laptop/mail

dove() { # COMMAND...
	as laptop doveadm -c "$work/laptop.conf" "$@"
}

# ours: do what is in $work/commands; what that prints is in $work/ours.  Where
# Dovecot was faster to change flags, the answer is that, and it is done again.
ours() {
	HOME=$work/laptop "$helpers/storectl" "$mail" <"$work/commands" \
	    >"$work/ours" 2>&1 ||
		fail "storectl: $(grep -v '^done' "$work/ours" | head -n 5)"
	! grep -E '^(failed|problem)' "$work/ours" | grep -v ' stale ' ||
		fail 'an operation of ours failed'
	writes=$((writes + $(grep -c '^done' "$work/ours")))
}

# each FIRST LAST COMMAND...: for the UIDs of these lines, which stand for @
each() {
	lines=$1,$2
	shift 2
	sed -n "${lines}p" "$work/uids" | while read -r uid; do
		echo "$*" | sed "s/@/$uid/"
	done
}

# One round: 20 new mails, 15 changes of flags, 5 copies, 8 expunges.
our_round() { # NUMBER
	{
		echo 'open Work'
		for i in $(seq 20); do
			printf 'Subject: ours-%s-%s.\n\nbody %s\n' "$1" "$i" \
			    "$i" >"$work/mail.$i"
			echo "append 0 - - k$((i % 3)) 1700000000" \
			    "$work/mail.$i"
		done
		echo flush
	} >"$work/commands"
	ours
	sed -n 's/^done [0-9]* //p' "$work/ours" >"$work/uids"
	{
		echo 'open Work'
		each 1 15 flags @ = F ours
		echo flush
	} >"$work/commands"
	ours
	while grep -q '^failed' "$work/ours"; do
		ours
	done
	{
		echo 'open Work'
		each 13 20 expunge @ =
		echo flush
		echo 'open Copies'
		each 1 5 copy Work @ =
		echo flush
	} >"$work/commands"
	ours
}

# What Dovecot's users do all the while.
theirs() {
	turn=0
	while [ ! -e "$work/over" ]; do
		turn=$((turn + 1))
		for what in keep gone; do
			printf 'Subject: %s-%s.\n\nbody\n' "$what" "$turn" |
			    dove save -m Work || return 1
		done
		dove flags add '\Seen theirs' mailbox Work unseen ||
			return 1
		dove copy Theirs mailbox Work subject "keep-$turn." || return 1
		dove expunge mailbox Work subject "gone-$turn." || return 1
		[ $((turn % 3)) != 0 ] || dove purge || return 1
		echo "$turn" >"$work/turns"
	done
}

# subjects MAILBOX: of Dovecot
subjects() {
	dove -f flow fetch hdr.subject mailbox "$1" |
	    sed 's/^hdr.subject=//' | sort
}

names() { # PREFIX FIRST LAST SUFFIX...: the subjects of so many rounds
	prefix=$1 first=$2 last=$3
	shift 3
	for round in $(seq "$first" "$last"); do
		for suffix; do
			echo "$prefix-$round$suffix"
		done
	done
}

check() { # MAILBOX
	sort "$work/expected" >"$work/expected.sorted"
	subjects "$1" | diff "$work/expected.sorted" - >"$work/out" ||
		fail "$1 holds other mail than it should"
}

writes=0
# A file of bodies is full soon.
configure laptop "$mail" 'mdbox_rotate_size = 20k'
for box in Work Copies Theirs; do
	dove mailbox create $box || fail 'no mailbox'
done

step 'both write'
theirs &
their_pid=$!
for round in $(seq "$rounds"); do
	our_round "$round"
done
: >"$work/over"
wait "$their_pid" || fail 'Dovecot failed'
turns=$(cat "$work/turns")
echo "$writes writes of ours, $turns turns of Dovecot's"

step 'all is there, once'
# shellcheck disable=SC2046 # words
{
	names ours 1 "$rounds" $(seq -f '-%g.' 12)
	names keep 1 "$turns" .
} >"$work/expected"
check Work
# shellcheck disable=SC2046 # words
names ours 1 "$rounds" $(seq -f '-%g.' 5) >"$work/expected"
check Copies
names keep 1 "$turns" . >"$work/expected"
check Theirs
dove fetch text all >/dev/null || fail 'a mail cannot be read'
no_complaint

step 'Dovecot finds nothing to mend'
for box in Work Copies Theirs; do
	dove -f flow fetch 'uid guid flags hdr.subject' mailbox $box
done >"$work/before"
bearable="$bearable|Warning: .*([Rr]ebuilding|fscking)"
dove force-resync '*' || fail 'force-resync failed'
for box in Work Copies Theirs; do
	dove -f flow fetch 'uid guid flags hdr.subject' mailbox $box
done >"$work/after"
diff "$work/before" "$work/after" >"$work/out" ||
	fail 'force-resync changed something'

step 'all references go, and the bodies with them'
dove expunge mailbox '*' all || fail 'expunge failed'
dove purge || fail 'purge failed'
left=$(find "$store" -name 'm.*' -size +0 -o -name 'u.[0-9]*' | wc -l)
[ "$left" = 0 ] || fail "$left files are left"
no_complaint
