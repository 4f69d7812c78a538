#!/bin/sh
# Fail if a manual is not clean mdoc, if a program's --help and its manual tell of
# different options, or if the table of settings, the manual of the configuration
# file and the sample of it name different settings.
# CC and LINT_CPPFLAGS come from the Makefile.
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

# items MANUAL MACRO: what its lists explain with that macro, one a line
items() {
	sed -n "s/ Ta .*//; s/^\.It $2 //p" "$1" |
	    sed "s/ , $2 /\n/g; s/ , /\n/g" |
	    sed "s/^$2 //; s/ .*//; s/\\\\-/-/g"
}

# settings TABLE: the names of its rows, one a line
settings() {
	# shellcheck disable=SC2086
	${CC:-cc} $LINT_CPPFLAGS -E "$top/$1" |
	    grep -oE '\.name = \(*"[a-z0-9_]+"' | sed 's/.*"\(.*\)"/\1/' |
	    sort -u
}

# lacks LIST WORD: it is no line of the list
lacks() {
	! printf '%s\n' "$1" | grep -qxF -e "$2"
}

compare_options() { # PROGRAM MANUAL
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
	for option in $(items "$manual" Fl); do
		! lacks "$found" "-$option" ||
			complain "$1 --help does not mention -$option"
	done
}

compare_settings() { # TABLE MANUAL MANUAL-OF-FILE SAMPLE
	found=$(settings "$1")
	[ -n "$found" ] || complain "$1: no settings"
	# What both programs have is explained once.
	text=$(for manual in "$2" "$3" client/dsync.conf.5; do
		mandoc -Tascii "$top/$manual"
	done | col -b)
	for name in $found; do
		option=--$(printf '%s' "$name" | tr _ -)
		printf '%s\n' "$text" | grep -qE -e \
		    "(^|[^a-z_-])($name|$option)([^a-z_-]|\$)" ||
			complain "$3: does not mention $name"
	done
	for name in $(items "$top/$3" Va) \
	    $(sed -n 's/^#*\([a-z][a-z_]*\) =.*/\1/p' "$top/$4"); do
		! lacks "$found" "$name" ||
			complain "$3 or $4: $name is no setting"
	done
}

compare_options client/dsync client/dsync.1
compare_options server/dsync-server server/dsync-server.8
compare_settings client/optdefs.c client/dsync.1 client/dsync.conf.5 \
    contrib/dsync.conf
compare_settings server/optdefs.c server/dsync-server.8 \
    server/dsync-server.conf.5 contrib/dsync-server.conf
exit $bad
