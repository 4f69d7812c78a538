#!/bin/sh
# "cron starts it every minute, and sometimes one run takes longer than that."
# (E4)
. "$(dirname "$0")/lib.sh"

sh "$support/make-maildir.sh" "$laptop" 400
maildir "$server"
deliver "$server" 'was there'

# The far side waits before its first word, so that the first run is under way
# while the second one starts.
cat >"$work/slow.sh" <<END
#!/bin/sh
HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync
export HOME DSYNC_CONFIG_DIR
[ ! -p "$work/gate" ] || read -r go <"$work/gate"
exec "$server_program" --stdio
END
chmod +x "$work/slow.sh"
expect 0 mirror "$work/slow.sh"
equal

step "a second run of the pair waits, then goes on from where the first ended"
for i in 1 2 3 4 5 6 7 8; do
	deliver "$laptop" "laptop $i"
	deliver "$server" "server $i"
done
mkfifo "$work/gate"
HOME=$work/laptop "$dsync_program" mirror "$work/slow.sh" \
    >"$work/first.out" 2>"$work/first.err" &
first=$!
(echo go >"$work/gate") &
gate=$!
wait "$gate"
rm "$work/gate"
expect 0 mirror "$work/slow.sh"
wait "$first" || fail "the first run: $(cat "$work/first.err")"
equal
for i in 1 8; do
	[ "$(grep -rlx "Subject: laptop $i" "$server/cur" "$server/new" |
	    wc -l)" = 1 ] || fail "laptop $i is not there once"
done
expect 0 mirror "$work/slow.sh"
prints 'nothing to do'
