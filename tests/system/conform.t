#!/bin/bash
# POSIX, where the tree allows it; the fixed errno, where it does not.
. tests/system/lib.sh
need python3

# told_by PROGRAM ARGUMENT...: its TAP as ours
told_by()
{
	python3 -B "$@" >"$T/out" 2>"$T/err"
	ended=$?
	while IFS= read -r line; do
		case $line in
		'ok '*) ok 0 "${line#ok * - }" ;;
		'not ok '*) ok 1 "${line#not ok * - }" ;;
		1..*) ;;
		*) echo "$line" ;;
		esac
	done <"$T/out"
	sed 's/^/# /' "$T/err"
	grep -q '^1\.\.' "$T/out"
	ok $? "$1 came to its end"
	is "$ended" 0 'with nothing that differs'
}

start_server
told_by tests/system/conform.py "$M"
told_by tests/system/conform_users.py "$M"
told_by tests/system/refused.py "$M" fs/mdmfs.7
done_testing
