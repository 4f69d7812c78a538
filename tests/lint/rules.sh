#!/bin/sh
# Fail if a comment, a test or a message cites a rule that dsync-merge(7) does
# not have, if that page has a rule twice, or if a rule that is built is cited
# nowhere in the code, or has no test of its own: one whose comment cites it,
# whose name begins with it (m4_a_uid_is_kept), or a scenario that cites it.
#
# A citation is (T3), (T6, T7), (M1-M13), rule T3, rules T1 and T13, "T3" or,
# at the beginning of a comment, T3: or P9:.
top=${srcdir:-.}
page=proto/dsync-merge.7
bad=0

complain() {
	echo "$*" >&2
	bad=1
}

have=$(sed -n 's/^\.It Sy \([PTMFBGE][0-9]*\)$/\1/p' "$top/$page" | sort)
[ -n "$have" ] || complain "$page has no rules"
twice=$(printf '%s\n' "$have" | uniq -d)
[ -z "$twice" ] || complain "$page has twice: $twice"

one='[PTMFBGE][0-9]{1,2}'
more="([-,;]? ?(and )?$one)*"
forms="\\($one$more\\)|rules? $one$more|\"$one\"|/?\\* $one: "

check() {
	file=$1
	for rule in $(grep -hoE -e "$forms" "$top/$file" |
	    grep -oE -e "$one" | sort -u); do
		printf '%s\n' "$have" | grep -qxF -e "$rule" ||
			complain "$file cites $rule, which $page does not have"
	done
}

for file in $(cd "$top" && find README.md proto shared client server tests \
    -type f ! -path 'tests/contract/test_messages.c' \
    ! -path 'tests/lint/rules.sh' \( -name '*.[ch]' -o -name '*.sh' \
    -o -name '*.proto' -o -name '*.sql' -o -name '*.[1578]' \
    -o -name '*.md' \)); do
	check "$file"
done

# The page itself.
for rule in $(grep -v '^\.\\"' "$top/$page" |
    grep -oE -e "(^|[^A-Za-z0-9])$one\$|(^|[^A-Za-z0-9])${one}[^A-Za-z0-9]" |
    grep -oE -e "$one" | sort -u); do
	printf '%s\n' "$have" | grep -qxF -e "$rule" ||
		complain "$page speaks of $rule, which it does not have"
done
# Each rule that is built is somewhere in the code, and in a test.
not_built=$(awk '/^\.It Sy/ { rule = $3 } /^Not built: the protocol/ \
    { print rule }' "$top/$page")

cited() {
	(cd "$top" && find "$@" -type f -name '*.[chs]*' \
	    -exec grep -hoE -e "$forms" {} +) | grep -oE -e "$one" | sort -u
}

# The comment right before each test, and what its name begins with.
own_tests() {
	(cd "$top" && find tests -type f -name '*.c' -exec awk '
	    FNR == 1 { text = ""; inside = 0 }
	    /^\/\*/ { text = ""; inside = 1 }
	    inside { text = text "\n" $0; if (/\*\//) inside = 0; next }
	    /^(START_TEST|HISTORY)\(/ {
		print text
		text = ""
		name = $0
		sub(/^[A-Z_]*\(/, "", name)
		if (name ~ /^[ptmfbge][0-9]+_/) {
			sub(/_.*/, "", name)
			print "(" toupper(name) ")"
		}
		next
	    }
	    /^[^ \t]/ { text = "" }' {} +
	    find tests/scenario -name '*.sh' -exec cat {} +) |
	    grep -oE -e "$forms" | grep -oE -e "$one" | sort -u
}

code=$(cited client shared server)
tests=$(own_tests)
for rule in $have; do
	printf '%s\n' "$not_built" | grep -qxF -e "$rule" && continue
	printf '%s\n' "$code" | grep -qxF -e "$rule" ||
		complain "no code cites $rule"
	printf '%s\n' "$tests" | grep -qxF -e "$rule" ||
		complain "$rule has no test of its own"
done
exit $bad
