#!/bin/sh
# "Whatever dies in the middle of a run, the next run makes it good."
#
# One run is repeated from the same two stores, and each time something ends it
# when a number of bytes have passed.  After the run that follows nothing may
# be lost or doubled: both stores have to show what they show after a run that
# nobody disturbed, but for UIDs, which may be higher.
kills=${KILLS:-20}
cuts=${CUTS:-5}
seed=${SEED:-1}
. "$(dirname "$0")/lib.sh"

# random N: 1 to N into $number
state=$seed
random() {
	state=$(((state * 1103515245 + 12345) % 2147483648))
	number=$((state / 65536 % ($1 > 0 ? $1 : 1) + 1))
	# Numbers above 32768 take a second turn.
	if [ "$1" -gt 32768 ]; then
		state=$(((state * 1103515245 + 12345) % 2147483648))
		number=$(((number * 32768 + state / 65536) % $1 + 1))
	fi
}

# The pair as it is between two runs, in $work/$1.
keep() {
	mkdir "$work/$1"
	cp -a "$laptop" "$work/$1/laptop"
	cp -a "$server" "$work/$1/server"
}

bring_back() {
	rm -rf "$laptop" "$server"
	cp -a "$work/$1/laptop" "$laptop"
	cp -a "$work/$1/server" "$server"
}

# What is there, without UIDs and GUIDs, of both sides.
remember() {
	sh "$support/list-maildir.sh" "$laptop" -u >"$work/$1/wanted"
	[ "$(grep -c '^mail	' "$work/$1/wanted")" -gt 50 ] ||
		fail 'there is no mail'
}

as_wanted() {
	sh "$support/list-maildir.sh" "$laptop" -u |
	    diff "$work/$1/wanted" - >&2 || fail 'mail was lost or doubled'
	equal
}

cat >"$work/far.sh" <<END
#!/bin/sh
read -r up down action <"$work/cut"
HOME=$work/server DSYNC_CONFIG_DIR=$work/server/.config/dsync
export HOME DSYNC_CONFIG_DIR
exec "$helpers/cutproxy" -u "\$up" -d "\$down" -a "\$action" \
    -r "$work/passed" "$server_program" --stdio
END
chmod +x "$work/far.sh"

# What happens on both sides between two runs.
change_both() {
	for i in 1 2 3 4; do
		deliver "$laptop" "new on the laptop $i" FS
		deliver "$server/.Archive" "new on the server $i"
		deliver "$server" "and in INBOX $i" R
	done
	expunge "$laptop" 'on the server'
	for file in "$laptop"/cur/*[0-4].demo*; do
		mv "$file" "$laptop/.Sent/cur/"
	done
	for file in "$server"/.Archive/cur/*2.demo*; do
		rm "$file"
	done
	mv "$server/.Lists.ietf" "$server/.Lists.w3c"
	mv "$laptop/.Travaux.&AMk-t&AOk-" "$laptop/.Travaux.fini"
	maildir "$laptop/.Neu"
	: >"$laptop/.Neu/maildirfolder"
	deliver "$laptop/.Neu" 'in a new mailbox'
	for file in "$server"/cur/*7.demo*; do
		mv "$file" "${file%%:2,*}:2,FT"
	done
}

# where KIND: a random place in the run, into $work/cut
where() {
	read -r up_all down_all <"$work/$1/passed"
	random 2
	if [ "$number" = 1 ]; then
		random "$up_all"
		up=$number down=0
	else
		random "$down_all"
		up=0 down=$number
	fi
}

# through KIND ACTION: killed once, then to the end
through() {
	bring_back "$1"
	where "$1"
	echo "$up $down $2" >"$work/cut"
	dsync mirror "$work/far.sh"
	first=$status
	case $2:$first in
	parent:137 | child:1 | child:75 | child:76 | sibling:1 | sibling:75) ;;
	# The last bytes are a farewell that nobody has to wait for.
	*:0) ;;
	*) fail "$1 $2 $up $down: status $first" ;;
	esac
	echo "0 0 fin" >"$work/cut"
	dsync mirror "$work/far.sh"
	[ "$status" = 0 ] ||
		fail "$1 $2 $up $down: the next run ended with $status"
	as_wanted "$1"
}

step "two runs that nobody disturbs"
sh "$support/make-maildir.sh" "$laptop" 80
maildir "$server"
deliver "$server" 'on the server' S
keep first
echo "0 0 fin" >"$work/cut"
expect 0 mirror "$work/far.sh"
equal
mv "$work/passed" "$work/first/passed"
remember first

change_both
keep again
expect 0 mirror "$work/far.sh"
equal
mv "$work/passed" "$work/again/passed"
remember again
expect 0 mirror "$work/far.sh"
prints 'nothing to do'

for victim in parent child sibling; do
	case $victim in
	parent) what='the client' ;;
	child) what="the server's store process" ;;
	sibling)
		what="the client's store process"
		[ -r "/proc/$$/task/$$/children" ] || continue
		;;
	esac
	step "kill -9 of $what"
	i=0
	while [ "$i" -lt "$kills" ]; do
		i=$((i + 1))
		kind=again
		[ $((i % 4)) != 0 ] || kind=first
		through "$kind" "$victim"
		[ "$victim" != sibling ] || i=$((i + 2))
	done
done
expect 0 mirror "$work/far.sh"
prints 'nothing to do'

step "the line is cut under TLS"
server_start
target=$port

# proxy: cut as $up, $down and $action say; the port stays the same
port=0
proxy() {
	rm -f "$work/proxy.port"
	"$helpers/cutproxy" -l "$port" -p "$work/proxy.port" -t "$target" \
	    -u "$up" -d "$down" -a "$action" -r "$work/passed" &
	proxy_pid=$!
	wait_until 20 test -s "$work/proxy.port" || fail 'no proxy'
	port=$(cat "$work/proxy.port")
}

# run ARGUMENT...: through the proxy
run() {
	proxy
	place=alice@127.0.0.1:$port
	dsync "$@" "$place"
	wait "$proxy_pid"
}

up=0 down=0 action=fin
proxy
enrol
wait "$proxy_pid"
bring_back first
run mirror
[ "$status" = 0 ] || fail "status $status"
as_wanted first
change_both
keep tls
run mirror
[ "$status" = 0 ] || fail "status $status"
equal
mv "$work/passed" "$work/tls/passed"
remember tls
for action in fin rst; do
	i=0
	while [ "$i" -lt "$cuts" ]; do
		i=$((i + 1))
		bring_back tls
		where tls
		run mirror
		case $status in
		0 | 1 | 75 | 76) ;;
		*) fail "$action $up $down: status $status" ;;
		esac
		up=0 down=0
		run mirror
		[ "$status" = 0 ] ||
			fail "$action: the next run ended with $status"
		as_wanted tls
	done
done
