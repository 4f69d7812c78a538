#!/bin/sh
# Fail if a file includes a header that its layer may not use.
# RULES: an area, then the areas below it that it may include.
cd "${srcdir:-.}" || exit 99
bad=0

complain() {
	echo "$*" >&2
	bad=1
}

# files FOLDER [WITHOUT]: its sources, but for those below WITHOUT
files() {
	find "$1" -name '*.[ch]' ! -path "${2:-/}/*"
}

# included FILE: "area" of each #include "area/..." and "area/file" after it
included() {
	sed -n 's,^#[ 	]*include "\(\([^"/]*\)/[^"]*\)".*,\2 \1,p' "$1"
}

while read -r area may; do
	[ -d "$area" ] || continue
	without=
	[ "$area" != client ] || without=client/brain
	for file in $(files "$area" "$without"); do
		for used in $(included "$file" | cut -d' ' -f1 | sort -u); do
			case " ${area##*/} $may " in
			*" $used "*) ;;
			*) complain "$file may not include $used/" ;;
			esac
		done
	done
done <<RULES
shared/base
shared/log base
shared/conf base
shared/priv base
shared/net base
shared/model base
client/brain model base
shared/wire model base
shared/store model base
shared/chlog model base
shared/session wire net store chlog log priv model base
shared/users store conf net priv model base
client brain session users priv wire net store chlog conf log model base
server session users priv wire net store chlog conf log model base
RULES

# A store driver knows the interface, what stands beside it, and itself; all
# share the files and Dovecot's index, the two dbox drivers their file format.
for dir in shared/store/*/; do
	driver=$(basename "$dir")
	[ -d "$dir" ] || continue
	for file in $(files "$dir"); do
		for used in $(included "$file" | cut -d' ' -f2); do
			case $used in
			store/"$driver"/* | store/files/*) ;;
			store/index/*)
				[ "$driver" != files ] ||
					complain "$file may not include $used" ;;
			store/dbox/*)
				case $driver in
				sdbox | mdbox) ;;
				*) complain "$file may not include $used" ;;
				esac ;;
			store/*/*) complain "$file may not include $used" ;;
			esac
		done
	done
done

# The merge is a pure function: no file, socket, clock or environment.
if [ -d client/brain ]; then
	pattern='<(unistd|fcntl|time|poll|sys/(socket|stat|time|wait))\.h>'
	pattern="$pattern|\"base/(io|clock)\.h\""
	for file in $(grep -lE "^#[ 	]*include ($pattern)" \
	    $(files client/brain)); do
		complain "$file: the merge must not see the world outside"
	done
fi

# A library of somebody else is used in one place.
while read -r header where; do
	for file in $(grep -rlE "^#[ 	]*include [<\"]$header" \
	    shared client server --include='*.[ch]'); do
		allowed=no
		for place in $where; do
			case $file in
			"$place" | "$place"/*) allowed=yes ;;
			esac
		done
		[ $allowed = yes ] || complain "$file may not include $header"
	done
done <<RULES
openssl/ shared/net shared/base/digest.c
protobuf-c/ shared/wire
dsync\.pb-c\.h shared/wire
sqlite3\.h shared/chlog
zstd\.h shared/wire shared/store/files
zlib\.h shared/store/files
bzlib\.h shared/store/files
lzma\.h shared/store/files
lz4\.h shared/store/files
check\.h tests
RULES

exit $bad
