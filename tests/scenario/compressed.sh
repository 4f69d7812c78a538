#!/bin/sh
# "Dovecot compresses my mail on the server, and not on the laptop."
#
# The laptop's Dovecot has its zlib plugin, the server's has not.
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-11}
methods=${METHODS:-gz lz4 zstd}	# and bz2 xz

ls /usr/lib/dovecot/modules/lib20_zlib_plugin.so >/dev/null 2>&1 || {
	echo 'Dovecot has no zlib plugin' >&2
	exit 77
}

is_compressed() { # FILE
	! head -c 20 "$1" | grep -qa '^[A-Z][a-zA-Z-]*:'
}

count_compressed() { # DIRECTORY
	find "$1" -path '*/cur/*' -type f -o -path '*/new/*' -type f |
	    while read -r file; do
		! is_compressed "$file" || echo "$file"
	done | wc -l
}

mirror() { # [OPTION...]
	expect 0 "$@" mirror "maildir:$server"
	same_view
	expect 0 "$@" mirror "maildir:$server"
	prints 'nothing to do'
}

sh "$support/make-maildir.sh" "$work/source" 60
for method in $methods; do
	step "$method: what Dovecot compressed is read"
	# That one it reads, and writes no more.
	[ "$method" = xz ] && its=gz || its=$method
	rm -rf "$laptop" "$server"
	configure laptop "maildir:$laptop" 'mail_plugins = zlib' \
	    'maildir_copy_with_hardlinks = no' \
	    'plugin {' "zlib_save = $its" '}'
	configure server
	dove laptop import \
	    "maildir:$work/source" '' all || fail 'doveadm import failed'
	dove laptop mailbox create Large
	head -c 400000 /dev/urandom | od -x | (
		printf 'Subject: a large one\n\n'
		cat
	) | dove laptop save -m Large ||
		fail 'doveadm save failed'
	imap laptop change "$seed" 20 start || fail 'IMAP failed'
	[ "$(count_compressed "$laptop")" -gt 50 ] ||
		fail 'Dovecot did not compress'
	mirror
	[ "$(count_compressed "$server")" = 0 ] ||
		fail 'the server got compressed mails'

	step "$method: what we compress is shown by Dovecot"
	imap server change "$((seed + 1))" 30 server || fail 'IMAP failed'
	before=$(count_compressed "$laptop")
	mirror -o "zlib_save=$method" -o zlib_save_level=3
	[ "$(count_compressed "$laptop")" -gt "$before" ] ||
		fail 'nothing was compressed'
	# Dovecot reads each size from the mail itself, and finds them right.
	find "$laptop" -name 'dovecot.index*' -exec rm {} +
	same_view
done

step "a compressed mail that is cut is told, and all else goes on"
printf 'Subject: to be cut\n\nbody\n' |
    dove laptop save -m INBOX
cut=$(find "$laptop/new" "$laptop/cur" -type f -newer "$work/out" | head -n 1)
[ -n "$cut" ] || fail 'no mail was saved'
truncate -s -5 "$cut"
deliver "$laptop" 'and another one'
expect 2 mirror "maildir:$server"
says 'pending: .*INBOX: UID'
has_mail "$server" 'and another one' || fail 'the rest did not go on'
! grep -rq 'to be cut' "$server/cur" "$server/new" || fail 'it was copied'
rm "$cut"
expect 0 mirror "maildir:$server"

step "deflate and levels that do not exist are refused"
expect 78 -o zlib_save=deflate mirror "maildir:$server"
expect 78 -o zlib_save=gz -o zlib_save_level=10 mirror "maildir:$server"
