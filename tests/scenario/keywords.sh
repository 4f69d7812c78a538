#!/bin/sh
# "We both use many labels, more together than a Maildir has letters for."
. "$(dirname "$0")/lib.sh"

other=$work/disk/Maildir
letters='a b c d e f g h i j k l m n o p q r s t'

# fill DIRECTORY WHO: a mail for each of twenty labels of one's own.
fill() {
	maildir "$1"
	number=0
	for letter in $letters; do
		echo "$number $2-$letter" >>"$1/dovecot-keywords"
		deliver "$1" "$2 has $letter" "$letter"
		number=$((number + 1))
	done
}

# keeps DIRECTORY WHO: each of these mails still has its label.
keeps() {
	for letter in $letters; do
		[ "$(flags_of "$1" "$2 has $letter")" = "$letter" ] ||
			fail "$2 lost the label $letter"
	done
}

mkdir "$work/disk"
fill "$laptop" one
fill "$other" two

step "all mail goes both ways, and what has no room is told"
expect 2 mirror "maildir:$other"
says 'no room is left for a keyword'
for letter in $letters; do
	has_mail "$laptop" "two has $letter" || fail "two: $letter is lost"
	has_mail "$other" "one has $letter" || fail "one: $letter is lost"
done
keeps "$laptop" one
keeps "$other" two

step "it stays pending, and nobody loses a label by that"
for run in 2 3; do
	expect 2 mirror "maildir:$other"
	says 'no room is left for a keyword'
	keeps "$laptop" one
	keeps "$other" two
done
