#!/bin/sh
# "Two of us have one INBOX, each has a laptop, and we come home at one time."
#
# Two stores with one INBOX, each with a store of its own to be made equal with
# (E4).  Their runs go on at once, mail is delivered and expunged everywhere,
# and in the end each message that nobody expunged is everywhere once.
. "$(dirname "$0")/lib.sh"

rounds=${ROUNDS:-4}
: >"$work/gone"
shared=$work/shared
maildir "$shared"
for who in one two; do
	maildir "$work/$who"
	maildir "$work/$who.laptop"
	mkdir "$work/$who.home"
done

run() { # WHO [OPTION...]: its store and its laptop
	who=$1
	shift
	HOME=$work/$who.home timeout 120 "$dsync_program" "$@" \
	    -o "mail_location=maildir:$work/$who:INBOX=$shared" \
	    mirror "maildir:$work/$who.laptop" \
	    >"$work/$who.out" 2>"$work/$who.err" </dev/null
}

both() { # at once
	run one &
	first=$!
	second=0
	run two || second=$?
	status=0
	wait "$first" || status=$?
	for who in "$status:one" "$second:two"; do
		case $who in
		[02]:*) ;;
		*) fail "the run of ${who#*:}: $(cat "$work/${who#*:}.err")" ;;
		esac
	done
}

count() { # FOLDER SUBJECT
	grep -rlx "Subject: $2" "$1/cur" "$1/new" | wc -l
}

step "a run waits for who has the INBOX, and then gives up"
run one
(
	flock 9
	! run two -o pair_lock_timeout=1 || fail "it did not wait"
) 9<"$shared" || exit 1
grep -q 'with the same INBOX is not finished' "$work/two.err" ||
    fail "it does not say why: $(cat "$work/two.err")"
run two

step "runs of both at once"
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for place in "$shared" "$work/one.laptop" "$work/two.laptop"; do
		for i in 1 2 3; do
			deliver "$place" "$(basename "$place") $round $i"
		done
	done
	# One of the round before goes on each laptop.
	for who in one two; do
		subject="shared $((round - 1)) $([ $who = one ] && echo 1 ||
		    echo 2)"
		# It may not have come yet.
		found=$(grep -rlx "Subject: $subject" \
		    "$work/$who.laptop/cur" "$work/$who.laptop/new") || continue
		rm "$found"
		echo "$subject" >>"$work/gone"
	done
	both
done

step "and at rest each message is everywhere once"
tries=0
while run one; one=$?; run two; two=$?
    ! { [ $one = 0 ] && [ $two = 0 ] &&
    grep -q 'nothing to do' "$work/one.out" &&
    grep -q 'nothing to do' "$work/two.out"; }; do
	tries=$((tries + 1))
	[ $tries -le 6 ] || fail "it does not come to rest: $one $two $(
	    cat "$work/one.err" "$work/two.err")"
done
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for from in shared one.laptop two.laptop; do
		for i in 1 2 3; do
			want=1
			! grep -qx "$from $round $i" "$work/gone" || want=0
			for place in "$shared" "$work/one.laptop" \
			    "$work/two.laptop"; do
				[ "$(count "$place" "$from $round $i")" = \
				    $want ] || fail "$from $round $i is in" \
				    "$place $(count "$place" \
				    "$from $round $i") times, not $want"
			done
		done
	done
done
