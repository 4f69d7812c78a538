#!/bin/sh
# Fail if a manual is not clean mdoc, or does not tell of an option that its
# program's --help tells of.
top=${srcdir:-.}
out=${builddir:-.}
bad=0

complain() {
	echo "$*" >&2
	bad=1
}

if ! command -v mandoc > /dev/null; then
	echo "mandoc is not installed" >&2
	exit 77
fi

for file in $(cd "$top" && find proto shared client server contrib \
    -name '*.[1578]'); do
	mandoc -Tlint -W warning "$top/$file" >&2 || bad=1
done

# options PROGRAM: -x and --long-name, one a line
options() {
	"$1" --help 2>&1 | grep -E '^ +-' |
	    grep -oE '(^| )--?[A-Za-z0-9][A-Za-z0-9/-]*' | tr -d ' ' | sort -u
}

compare() {
	program=$out/$1 manual=$top/$2
	[ -x "$program" ] && [ -f "$manual" ] || return
	text=$(mandoc -Tascii "$manual" | col -b)
	found=$(options "$program")
	[ -n "$found" ] || complain "$1 --help shows no options"
	for option in $found; do
		printf '%s\n' "$text" |
		    grep -qE -e "(^|[^A-Za-z0-9-])$option([^A-Za-z0-9-]|\$)" ||
			complain "$2: does not mention $option"
	done
}

compare client/dsync client/dsync.1
compare server/dsync-server server/dsync-server.8
exit $bad
