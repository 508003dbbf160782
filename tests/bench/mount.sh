#!/bin/bash
# mount.sh: operations on the mount beside an empty file system of the same
# library, options and threads, in turn in one run; a part of bench.sh.  B
# names the build folder.  DEVICES: how many the store has.
set -eu
B=${B:-build}
MDMFS=$B/mdmfs
DEVICES=${DEVICES:-100000}
. tests/system/lib.sh
need taskset fusermount3

E=$T/empty
mkdir "$E"
"$B/tests/programs/populate" "$T/state" "$DEVICES" $((DEVICES / 100))
start_server -o allow_other,default_permissions
"$B/tests/programs/bench_fuse" "$E" "$DEVICES" >"$T/empty.log" &
empty=$!
stop_empty()
{
	fusermount3 -uz "$E" 2>/dev/null || true
	kill "$empty" 2>/dev/null || true
}
trap 'stop_empty; cleanup' EXIT
until grep -q '^ready$' "$T/empty.log"; do sleep 0.1; done

# side_by_side THREADS
side_by_side()
{
	"$B/tests/programs/bench_mount" "$M" "$E" "$DEVICES" "$1"
}

echo "The mount, $DEVICES devices, beside a file system that does nothing"
echo "(bench_fuse: libfuse's low level, same options, threads and timeouts: the"
echo "kernel keeps neither names nor attributes); a quarter of a second each in"
echo "turn, medians of rates and of the ratios of pairs"
echo "One reader:"
side_by_side 1
echo "Four readers:"
side_by_side 4
echo "One reader, everything on one processor:"
for pid in "$server" "$empty"; do
	taskset -acp 0 "$pid" >/dev/null
done
taskset -c 0 "$B/tests/programs/bench_mount" "$M" "$E" "$DEVICES" 1
