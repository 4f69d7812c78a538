#!/bin/sh
# list-maildir.sh: print all that a mail client could see of a Maildir++.
#
# usage: list-maildir.sh DIRECTORY [-u]
#
# One line for each mailbox (UIDVALIDITY, UIDNEXT, GUID), one for each message
# (UID, flags, keywords, date, digest of the body, GUID), one for each
# subscription, sorted.  It shares no code with the programs: two stores are
# equal if the outputs are.  With -u UIDs, GUIDs and UIDVALIDITY are left out,
# for stores that have none yet.
set -eu

dir=$1 plain=0
[ "${2:-}" != -u ] || plain=1
cd "$dir"

list_mailbox() { # name directory
	(
		cd "$2"
		find cur new -type f -printf '%p\t%T@\n' |
		    sed 's/\.[0-9]*$//' | LC_ALL=C sort |
		    sed 's/^/file\t/'
		find cur new -type f -print0 | LC_ALL=C sort -z |
		    xargs -0 -r sha256sum |
		    sed 's/^\([0-9a-f]*\)  \(.*\)$/sum\t\2\t\1/'
		[ ! -f dovecot-keywords ] ||
		    sed 's/^\([0-9]*\) \(.*\)$/keyword\t\1\t\2/' dovecot-keywords
		[ ! -f dovecot-uidlist ] ||
		    sed 's/^/uidlist\t/' dovecot-uidlist
	) | LC_ALL=C awk -F '\t' -v name="$1" -v plain="$plain" '
	function base(path) {
		sub(/^(cur|new)\//, "", path)
		sub(/:2,.*$/, "", path)
		return path
	}
	function letters(path,   f) {
		if (path !~ /:2,/)
			return ""
		f = path
		sub(/^.*:2,/, "", f)
		return f
	}
	function flag_text(f,   i, c, sys, n, kw, words, j, t) {
		sys = ""; n = 0
		for (i = 1; i <= length(f); i++) {
			c = substr(f, i, 1)
			if (c ~ /[A-Z]/)
				sys = sys c
			else if (c ~ /[a-z]/)
				kw[++n] = tolower(keyword[index(alphabet, c) - 1])
		}
		for (i = 2; i <= n; i++) {
			for (j = i; j > 1 && kw[j] < kw[j - 1]; j--) {
				t = kw[j]; kw[j] = kw[j - 1]; kw[j - 1] = t
			}
		}
		words = ""
		for (i = 1; i <= n; i++)
			words = words " " kw[i]
		return sys "\t" words
	}
	BEGIN { alphabet = "abcdefghijklmnopqrstuvwxyz" }
	$1 == "file" { date[$2] = $3; order[++count] = $2 }
	$1 == "sum" { sum[$2] = $3 }
	$1 == "keyword" { keyword[$2] = $3 }
	$1 == "uidlist" && !header {
		header = 1
		nf = split($2, part, " ")
		for (i = 2; i <= nf; i++) {
			c = substr(part[i], 1, 1)
			state[c] = substr(part[i], 2)
		}
		next
	}
	$1 == "uidlist" {
		line = $2
		file = line
		sub(/^[^:]* :/, "", file)
		b = base(file)
		uid[b] = line + 0
		# Lines may be added without a new header.
		if (uid[b] >= state["N"])
			state["N"] = uid[b] + 1
		guid[b] = b
		nf = split(substr(line, 1, index(line, " :")), part, " ")
		for (i = 2; i <= nf; i++) {
			if (substr(part[i], 1, 1) == "G")
				guid[b] = substr(part[i], 2)
		}
	}
	END {
		if (plain)
			printf "mailbox\t%s\n", name
		else
			printf "mailbox\t%s\tV%s N%s G%s\n", name, state["V"],
			    state["N"], state["G"]
		for (i = 1; i <= count; i++) {
			f = order[i]; b = base(f)
			if (plain)
				printf "mail\t%s\t%s\t%s\t%s\n", name,
				    flag_text(letters(f)), date[f], sum[f]
			else
				printf "mail\t%s\t%010d\t%s\t%s\t%s\t%s\n",
				    name, uid[b], flag_text(letters(f)),
				    date[f], sum[f], guid[b]
		}
	}'
}

{
	list_mailbox INBOX .
	for d in .[!.]*; do
		[ ! -d "$d/cur" ] || list_mailbox "$d" "$d"
	done
	[ ! -f subscriptions ] || LC_ALL=C awk '
	    NR == 1 && /^V\t/ { tabs = 1; next }
	    $0 != "" { gsub(/\t/, tabs ? "." : "\t"); print "subscribed\t" $0 }
	    ' subscriptions
} | LC_ALL=C sort
