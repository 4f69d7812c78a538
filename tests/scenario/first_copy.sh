#!/bin/sh
# "My first copy is of a large store, and it comes to its end."
#
# More messages than a run works on at a time, and mailboxes that take more
# than a page: the next one is begun when an earlier one is done with.
. "$(dirname "$0")/lib.sh"

step "a first copy of large mailboxes into an empty store"
maildir "$laptop"
for box in 1 2 3 4; do
	folder=$laptop/.box$box
	maildir "$folder"
	: >"$folder/maildirfolder"
	mail=0
	while [ $mail -lt 2360 ]; do
		mail=$((mail + 1))
		printf 'Subject: %s\n\nbody\n' "$mail" \
		    >"$folder/cur/1700000000.M${mail}P$box.large:2,S"
	done
done
expect 0 backup "maildir:$work/copy"
prints '9440 copied'
expect 0 backup "maildir:$work/copy"
prints 'nothing to do'
