#!/bin/sh
# make-maildir.sh: make a Maildir++ with generated mail in it.
#
# usage: make-maildir.sh DIRECTORY COUNT [SEED]
#
# COUNT messages are spread over nested mailboxes, some with names outside
# ASCII, with flags, keywords, several languages and attachments.  The same
# seed gives the same mail.  DIRECTORY must not exist.
set -eu

[ $# -ge 2 ] || {
	echo "usage: make-maildir.sh DIRECTORY COUNT [SEED]" >&2
	exit 64
}
dir=$1 count=$2 seed=${3:-1}
[ ! -e "$dir" ] || {
	echo "$dir exists" >&2
	exit 73
}

# Mailboxes in modified UTF-7, and their share of the mail in percent:
# Entwürfe, Travaux/Été, 日本語.
boxes='INBOX 40
.Archive 10
.Archive.2024 10
.Archive.2025 10
.Lists.ietf 10
.Entw&APw-rfe 3
.Travaux.&AMk-t&AOk- 7
.&ZeVnLIqe- 5
.Sent 5'

umask 077
mkdir -p "$dir/cur" "$dir/new" "$dir/tmp"
# The keywords of a mailbox are a to c in the file names.
# shellcheck disable=SC2016 # $Forwarded is a keyword
keywords='0 $Forwarded
1 Work
2 todo'
printf '%s\n' "$keywords" >"$dir/dovecot-keywords"
printf '%s\n' "$boxes" | while read -r name _; do
	[ "$name" != INBOX ] || continue
	mkdir -p "$dir/$name/cur" "$dir/$name/new" "$dir/$name/tmp"
	: >"$dir/$name/maildirfolder"
	printf '%s\n' "$keywords" >"$dir/$name/dovecot-keywords"
done
printf 'V\t2\n\nArchive\nLists\tietf\nSent\n' >"$dir/subscriptions"

printf '%s\n' "$boxes" | LC_ALL=C awk -v dir="$dir" -v count="$count" \
    -v seed="$seed" '
# A generator of its own: the one of awk differs from awk to awk.
function rnd(n) {
	state = (state * 69069 + 1) % 4294967296
	return int(state / 65536) % n
}
function word() { return words[1 + rnd(nwords)] }
function sentence(n,   i, s) {
	s = ""
	for (i = 0; i < n; i++)
		s = s (i ? " " : "") word()
	return s
}
function noise(lines,   i, j, s) {
	for (i = 0; i < lines; i++) {
		s = ""
		for (j = 0; j < 76; j++)
			s = s substr(b64, 1 + rnd(64), 1)
		print s > file
	}
}
function write_mail(i,   to, lines, parts) {
	print "Return-Path: <" word() "@example.org>" > file
	print "Received: from mx" rnd(9) ".example.org by mail.example.com;" \
	    " Thu, 1 Oct 2026 " sprintf("%02d:%02d:%02d", rnd(24), rnd(60), \
	    rnd(60)) " +0000" > file
	print "Message-ID: <" seed "." i "." rnd(65536) "@example.org>" > file
	print "From: " word() " <" word() "@example.org>" > file
	print "To: alice@example.com" > file
	print "Subject: =?utf-8?Q?" word() "_" word() "_=C3=A4?=" > file
	print "MIME-Version: 1.0" > file
	if (rnd(8) == 0) {
		print "Content-Type: multipart/mixed; boundary=\"b" i "\"\n" \
		    > file
		print "--b" i "\nContent-Type: text/plain; charset=utf-8\n" \
		    > file
		print sentence(20) "\n\n--b" i > file
		print "Content-Type: application/octet-stream" > file
		print "Content-Transfer-Encoding: base64\n" > file
		noise(20 + rnd(300))
		print "\n--b" i "--" > file
	} else {
		print "Content-Type: text/plain; charset=utf-8\n" > file
		lines = 3 + rnd(40)
		while (lines-- > 0)
			print sentence(4 + rnd(8)) > file
	}
	close(file)
}
function flags(   f) {
	# In the order of ASCII, as the format wants it.
	f = ""
	if (rnd(50) == 0) f = f "D"
	if (rnd(12) == 0) f = f "F"
	if (rnd(6) == 0) f = f "R"
	if (rnd(3) != 0) f = f "S"
	if (rnd(100) == 0) f = f "T"
	if (rnd(20) == 0) f = f "a"
	if (rnd(10) == 0) f = f "b"
	if (rnd(30) == 0) f = f "c"
	return f
}
BEGIN {
	state = seed
	b64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	nwords = split("time year people way day man thing woman life child " \
	    "world school state family student group country problem hand " \
	    "part place case week company system program question work " \
	    "government number night point home water room mother area " \
	    "money story fact month lot right study book eye job word " \
	    "Straße für größer naïve café 日本 почта ελλάδα", words, " ")
}
{ name[NR] = $1; share[NR] = $2 }
END {
	made = 0
	for (b = 1; b <= NR; b++) {
		n = b == NR ? count - made : int(count * share[b] / 100)
		box = name[b] == "INBOX" ? dir : dir "/" name[b]
		for (i = 0; i < n; i++) {
			base = (1790000000 + made) ".M" (100000 + rnd(65536)) \
			    "P" (1000 + seed) "Q" made ".demo"
			# Some mail was never looked at.
			if (rnd(20) == 0)
				file = box "/new/" base
			else
				file = box "/cur/" base ":2," flags()
			write_mail(made++)
		}
	}
}'

# Dates of several days; the digit is the last one of a message's number.
for digit in 0 1 2 3 4 5 6 7 8 9; do
	find "$dir" -type f -name "*$digit.demo*" -exec env TZ=UTC \
	    touch -t "2026031${digit}0930.00" {} +
done
