#!/bin/sh
# "I keep a second copy of my mail on another disk of this computer."
. "$(dirname "$0")/lib.sh"

other=$work/disk/Maildir
mkdir "$work/disk"
sh "$support/make-maildir.sh" "$laptop" 100

step "the second location is made and filled"
expect 0 mirror "maildir:$other"
equal "$laptop" "$other"
expect 0 mirror "maildir:$other"
prints 'nothing to do'

step "a path without a format is enough when it exists"
deliver "$other" 'from the other disk'
expect 0 mirror "$other"
has_mail "$laptop" 'from the other disk' || fail 'it did not come'
equal "$laptop" "$other"

step "both locations the same root are refused"
expect 1 mirror "maildir:$laptop"
ln -s "$laptop" "$work/link"
expect 1 mirror "maildir:$work/link"
says 'both locations'

step "two stores that both have mail say first what will happen"
met=$work/met/Maildir
mkdir "$work/met"
cp -a "$laptop" "$met"
rm -f "$met"/dsync-changelog.db*
total=$(find "$met" -type f \( -path '*/cur/*' -o -path '*/new/*' \) | wc -l)
deliver "$laptop" 'here alone'
deliver "$met" 'there alone'
deliver "$met/.Archive" 'there alone, too'
for how in -n -v; do
	expect "$([ $how = -n ] && echo 2 || echo 0)" $how mirror "maildir:$met"
	says "$((total + 1)) messages in" ||
	    fail 'the first numbers'
	says "$total are on both, 2 are new here, 1 there, 0 are to be removed"
done
equal "$laptop" "$met"
