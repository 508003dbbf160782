#!/bin/bash
# mount.sh: operations on the mount beside an empty file system of the same
# library, options and threads, in turn in one run; a part of bench.sh.  B
# names the build folder.  DEVICES: how many the store has.
set -eu
B=${B:-build}
MDMFS=$B/mdmfs
DEVICES=${DEVICES:-100000}
. tests/system/lib.sh
need taskset fusermount3 find ls

E=$T/empty
mkdir "$E"
"$B/tests/programs/populate" "$T/state" "$DEVICES" $((DEVICES / 100))
start_server -o allow_other,default_permissions
"$B/tests/programs/bench_fuse" "$E" "$DEVICES" >"$T/empty.log" &
empty=$!
shm=$(mktemp -d /dev/shm/bench.XXXXXX)
stop_empty()
{
	fusermount3 -uz "$E" 2>/dev/null || true
	kill "$empty" 2>/dev/null || true
	rm -rf "$shm"
}
trap 'stop_empty; cleanup' EXIT
until grep -q '^ready$' "$T/empty.log"; do sleep 0.1; done

# side_by_side THREADS
side_by_side()
{
	"$B/tests/programs/bench_mount" "$M" "$E" "$DEVICES" "$1"
}

# entries_per_second COMMAND... DIRECTORY
entries_per_second()
{
	e_from=$(date +%s%N)
	"$@" >/dev/null
	echo $((DEVICES * 1000000000 / ($(date +%s%N) - e_from)))
}

# of a column of the five rates
median()
{
	cut -d' ' -f"$1" "$T/rates" | sort -n | sed -n 3p
}

# listings WHAT COMMAND... of each of the three in turn; the first round only
# fills the kernel's tables
listings()
{
	l_what=$1
	shift
	: >"$T/rates"
	for round in 0 1 2 3 4 5; do
		ours=$(entries_per_second "$@" "$M/devices")
		other=$(entries_per_second "$@" "$E/devices")
		memory=$(entries_per_second "$@" "$shm/devices")
		[ $round = 0 ] || echo "$ours $other $memory" >>"$T/rates"
	done
	printf '%-46s %12s  /s, the empty one %s, tmpfs %s\n' "$l_what" \
		"$(median 1)" "$(median 2)" "$(median 3)"
}

find_in()
{
	find "$1" -maxdepth 1
}

mkdir "$shm/devices"
(cd "$shm/devices" && seq -f 'POP-%07.0f' "$DEVICES" | xargs mkdir)
echo "Listing $DEVICES devices: entries, medians of five.  find stats each"
echo "directory, ls -U none"
listings 'ls -U devices' ls -U
listings 'find devices -maxdepth 1' find_in
rm -r "$shm/devices"

echo
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
