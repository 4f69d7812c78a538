#!/bin/sh
# Fail if a source is not plain text as .editorconfig says: LF, a newline at the
# end, no space at the end of a line, C lines that fit a screen (aim at 80
# columns; a table may be a little wider).  What a build made is no source.
cd "${srcdir:-.}" || exit 99
bad=0

complain() {
	echo "$*" >&2
	bad=1
}

for file in $(find proto shared client server tests contrib -type f \
    ! -path 'tests/fuzz/corpus/*' \( -name '*.[ch]' -o -name '*.mk' \
    -o -name '*.sh' -o -name '*.proto' -o -name '*.sql' \
    -o -name '*.[1578]' -o -name '*.md' \)); do
	if grep -nE '[ 	]$' "$file"; then
		complain "$file: space at the end of a line"
	fi
	if grep -n "$(printf '\r')" "$file"; then
		complain "$file: CR"
	fi
	if [ -n "$(tail -c 1 "$file")" ]; then
		complain "$file: no newline at its end"
	fi
	case $file in
	*.[ch])
		if expand "$file" | LC_ALL=C.UTF-8 grep -nE '^.{91}'; then
			complain "$file: more than 90 columns"
		fi ;;
	esac
done

if git ls-files 2>/dev/null | grep -E \
    '\.([oa]|trs)$|\.deps/|(^|/)(Makefile(\.in)?|config\.(log|status|h))$'; then
	complain 'files that a build makes are in git'
fi
exit $bad
