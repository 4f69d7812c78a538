#!/bin/sh
# Fail if a file that git knows would not be in the tarball.  Whoever has the
# tarball only has nothing to compare.
top=${srcdir:-.}
list=${builddir:-.}/tests/lint/distfiles
if ! git -C "$top" ls-files --error-unmatch configure.ac > /dev/null 2>&1; then
	echo "not a git checkout" >&2
	exit 77
fi

git -C "$top" ls-files | while read -r file; do
	case $file in
	*.gitignore) continue ;;
	esac
	# A folder in the list stands for all that is in it.
	name=$file
	while ! grep -qxF -e "$name" "$list"; do
		case $name in
		*/*) name=${name%/*} ;;
		*) echo "$file is not in the tarball"; break ;;
		esac
	done
done > "$list.missing"
cat "$list.missing" >&2
[ ! -s "$list.missing" ]
