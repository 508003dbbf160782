#!/bin/sh
# layers.sh FILE: every #include in engine/, fs/, include/ and examples/
# follows the directions in FILE.  Prints each line that does not; exit 1.
set -eu
# shellcheck disable=SC2046 # our own names: no spaces
awk '
FNR == NR {
	if ($0 ~ /^#/ || NF == 0) next
	room = $1; sub(/:$/, "", room); known[room] = 1
	for (i = 2; i <= NF; i++) may[room, $i] = 1
	next
}
function room_of(path,   n, part) {
	n = split(path, part, "/")
	if (part[1] == "engine") return n > 2 ? part[2] : "engine"
	return part[1]
}
/^#include "/ {
	split($0, q, "\""); target = q[2]
	from = room_of(FILENAME)
	if (target ~ /^mdmfs\//) next
	to = target ~ /\// ? room_of(target) : from
	if (from == to || (from, to) in may) next
	printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, target
	bad = 1
}
END { exit bad }
' "$1" $(find engine fs include examples -name '*.[ch]' | sort)
