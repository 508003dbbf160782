#!/bin/bash
# POSIX, where the tree allows it; the fixed errno, where it does not.
. tests/system/lib.sh
need python3

start_server
python3 tests/system/conform.py "$M" >"$T/conform.out" 2>"$T/conform.err"
ended=$?
while IFS= read -r line; do
	case $line in
	'ok '*) ok 0 "${line#ok * - }" ;;
	'not ok '*) ok 1 "${line#not ok * - }" ;;
	1..*) ;;
	*) echo "$line" ;;
	esac
done <"$T/conform.out"
sed 's/^/# /' "$T/conform.err"
grep -q '^1\.\.' "$T/conform.out"
ok $? 'it came to its end'
is "$ended" 0 'with nothing that differs'
done_testing
