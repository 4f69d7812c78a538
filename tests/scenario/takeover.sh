#!/bin/sh
# "Dovecot kept my two servers equal so far.  Must I start all over?"
. "$(dirname "$0")/dovecot_lib.sh"

seed=${SEED:-3}

# doveadm_sync: Dovecot's own program makes both sides equal, as users ran it:
# more than once, since it is often not content (status 2).
doveadm_sync() {
	for try in 1 2 3; do
		status=0
		HOME=$work/laptop USER=test doveadm -c "$work/laptop.conf" \
		    sync "maildir:$work/server/Maildir" 2>"$work/err" ||
			status=$?
		case $status in
		0) return ;;
		2) ;;
		*) fail "doveadm sync, run $try: status $status" ;;
		esac
	done
}

keep_views() {
	view laptop >"$work/before.a"
	view server >"$work/before.b"
}

# unchanged: neither side shows anything else than keep_views saw.
unchanged() {
	view laptop | diff "$work/before.a" - >&2 || fail 'the laptop changed'
	view server | diff "$work/before.b" - >&2 || fail 'the server changed'
}

configure laptop
configure server
sh "$support/make-maildir.sh" "$laptop" 120
mkdir -p "$work/server"
server_start
enrol

step "what Dovecot kept equal is taken over as it is"
imap laptop change "$seed" 60 start || fail 'IMAP failed'
doveadm_sync
same_view
keep_views
expect 0 mirror "$place"
prints ' 0 copied; 0 B of mail'	# modseqs, which Dovecot left different
unchanged
expect 0 mirror "$place"
prints 'nothing to do'
unchanged
same_view exact

step "what we kept equal is taken over by Dovecot as it is"
imap laptop change "$((seed + 1))" 25 laptop || fail 'IMAP failed'
imap server change "$((seed + 2))" 25 server || fail 'IMAP failed'
expect 0 mirror "$place"
same_view
keep_views
doveadm_sync
unchanged

step "and both may take turns"
imap laptop change "$((seed + 3))" 25 laptop || fail 'IMAP failed'
doveadm_sync
imap server change "$((seed + 4))" 25 server || fail 'IMAP failed'
expect 0 mirror "$place"
same_view
keep_views
doveadm_sync
unchanged
expect 0 mirror "$place"
prints '0 B of mail\|nothing to do'	# modseqs and stamps, at most
same_view exact
expect 0 mirror "$place"
prints 'nothing to do'
