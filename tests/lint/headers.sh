#!/bin/sh
# Fail if a header does not compile alone, or if its guard is not named after
# it: shared/store/store.h has STORE_STORE_H.
# CC and LINT_CPPFLAGS come from the Makefile.
top=${srcdir:-.}
bad=0
seen=$(mktemp) || exit 99
trap 'rm -f "$seen"' EXIT

complain() {
	echo "$*" >&2
	bad=1
}

# guard_fits HEADER GUARD: is it the path's end, with at least one folder?
guard_fits() {
	want=$(echo "$1" | tr 'a-z/.-' 'A-Z___')
	case $2 in
	*_*_H) ;;
	*) return 1 ;;
	esac
	case _$want in
	*_"$2") ;;
	*) return 1 ;;
	esac
	# The file's name and one folder are both in it.
	base=$(echo "${1##*/}" | tr 'a-z.-' 'A-Z__')
	[ "$2" != "$base" ]
}

for file in $(cd "$top" && find shared client server tests -name '*.h'); do
	guard=$(sed -n '/^#/{s/^#ifndef \([A-Z0-9_]*\)$/\1/p;q;}' "$top/$file")
	guard_fits "$file" "$guard" ||
		complain "$file: guard \"$guard\" is not AREA_FILE_H"
	grep -q "^#define $guard\$" "$top/$file" ||
		complain "$file: does not define its guard $guard"
	echo "$guard" >> "$seen"

	case $file in
	tests/*) continue ;;	# may need Check, which may not be there
	esac
	printf '#include "config.h"\n#include "%s"\n' "$file" |
	    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only \
	    $LINT_CPPFLAGS -x c - ||
		complain "$file: does not compile alone"
done

twice=$(sort "$seen" | uniq -d)
[ -z "$twice" ] || complain "used by two headers: $twice"
exit $bad
