#!/bin/bash
# enroll.sh: many enrollments, by SCEP and over the air.  Called by make enroll
# (N, OTA: how many of each); B names the build folder.  A request that fails
# fails it.  Rates drift with the machine: read them beside the bound that was
# measured in the same run.
set -eu
B=${B:-build}
N=${N:-10000}
OTA=${OTA:-2000}
THREADS=${THREADS:-8}
MDMFS=$B/mdmfs
. tests/system/lib.sh
. tests/system/fleet.sh
need openssl curl python3

serve_fleet bench

# fleet SEED COUNT OPTION...: what they did is in $T/said
fleet()
{
	local seed=$1 count=$2
	shift 2
	"$B/tests/programs/simulate" --url "https://localhost:$PORT" \
		--org bench --cacert "$T/root.pem" --keys "$T/keys.pem" \
		--count "$count" --threads "$THREADS" --seed "$seed" \
		--reuse --rounds 0 "$@" >"$T/said" 2>>"$T/complaints" ||
		failed=1
}
said()
{
	sed -n "s/^$1: //p" "$T/said"
}
# The processor time of the server, and of its children, in ticks.
ticks()
{
	sed 's/.*) //' "/proc/$server/stat" | awk '{ print $12 + $13 }'
}
# What the server's memory is, in MB: its own, and pages of the store, which
# are the system's to take back.
memory()
{
	awk '/^RssAnon/ { a = $2 } /^RssFile/ { f = $2 }
		END { printf "%.1f MB, and %.1f of files", a / 1024, f / 1024 }' \
		"/proc/$server/status"
}
now()
{
	date +%s.%N
}

# part NAME SEED COUNT OPTION...: a tenth, up to a half, and the rest
part()
{
	local name=$1 seed=$2 count=$3 share begin cpu enrolled=0
	local seconds spent
	shift 3
	echo
	echo "$name: $count"
	printf '  %-8s %s\n' start "$(memory)"
	begin=$(now)
	cpu=$(ticks)
	for share in "10% $((count / 10))" \
		"50% $((count / 2 - count / 10))" \
		"end $((count - count / 2))"; do
		fleet "$seed${share%%[% ]*}" "${share##* }" "$@"
		enrolled=$((enrolled + $(said enrolled)))
		requests_failed=$((requests_failed + $(said failed)))
		printf '  %-8s %s\n' "${share%% *}" "$(memory)"
	done
	seconds=$(echo "$(now) $begin" | awk '{ print $1 - $2 }')
	spent=$(($(ticks) - cpu))
	[ "$enrolled" -eq "$count" ] || failed=1
	echo "$enrolled $seconds $spent $(getconf CLK_TCK) $signs $(nproc)" |
		awk -v ours="$ours" -v theirs="$theirs" '{
		rate = $1 / $2; cost = $3 / $4 / $1; bound = ours / $5
		all = $6 * $5 / (ours + theirs)
		printf "  enrolled %d, %.1f/s; the bound of RSA for both " \
			"sides on %d processors is %.0f/s: ratio %.2f\n",
			$1, rate, $6, all, rate / all
		printf "  the server spends %.2f ms of processor time on " \
			"each; its %d RSA signatures alone are %.2f ms: " \
			"ratio %.2f\n",
			cost * 1000, ours, bound * 1000, bound / cost
	}'
}

failed=0
requests_failed=0
echo "mdmfs enroll, $(nproc) processors, $(date -u +%F)"
signs=$(openssl speed -seconds 2 rsa2048 2>/dev/null |
	awk '/^rsa 2048/ { print $6 }')
echo "RSA 2048 signatures, one core (openssl speed): $signs/s"
fleet WARM 8 # makes the keys, which are used again
fleet WARMOTA 8 --ota

# Private operations of RSA that one needs, of the server and of the client.
ours=3 theirs=6
part "SCEP and check-in, $THREADS at a time" S "$N"
ours=6 theirs=14
part "Over the air (profile service, SCEP twice), $THREADS at a time" O \
	"$OTA" --ota

echo
echo "failed requests: $requests_failed"
[ ! -s "$T/complaints" ] || head -n 20 "$T/complaints"
grep -E 'error|warning' "$T/log" | head -n 5 || true
[ "$failed" -eq 0 ] && [ "$requests_failed" -eq 0 ]
