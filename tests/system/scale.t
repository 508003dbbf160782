#!/bin/bash
# 20,000 devices in 200 organizations: what is done to one of them takes no
# longer, listings stream, nobody waits for them.  Limits are generous: the
# machine may be busy.  POPULATE: the program that fills the store.
. tests/system/lib.sh
POPULATE=${POPULATE:-$(dirname "$MDMFS")/tests/programs/populate}
need find ls du

# seconds COMMAND...: whether it takes at most that long
within()
{
	w_limit=$1 w_what=$2
	shift 2
	w_from=$(date +%s%N)
	"$@" >"$T/out" 2>"$T/err" || cat "$T/err"
	w_ms=$((($(date +%s%N) - w_from) / 1000000))
	[ "$w_ms" -le "$w_limit" ]
	ok $? "$w_what: $w_ms ms of $w_limit"
}

works 'a store of 20,000 devices' "$POPULATE" "$T/state" 20000 200
start_server -o allow_other,default_permissions
within 2000 'ls -U devices' ls -U "$M/devices"
is "$(wc -l <"$T/out")" 20000 'has all of them'
within 4000 'find devices -maxdepth 1' find "$M/devices" -maxdepth 1
is "$(wc -l <"$T/out")" 20001 'has all of them, too'
within 5000 'ls -l devices' ls -l "$M/devices"
within 1000 'ls -l status/orgs' ls -l "$M/status/orgs"
is "$(wc -l <"$T/out")" 201 'has every organization'
within 5000 'ls -l status/serials' ls -lU "$M/status/serials"
is "$(sed -n 's/.* POPS0000007 //p' "$T/out")" '-> ../../devices/POP-0000007' \
	'with the targets of the links'
within 4000 'du --max-depth 0 of links' du -s "$M/status/serials"

# the attributes of a listing are those of the device
d=$M/devices/POP-0000321
listed=$(find "$M/devices" -maxdepth 1 -name POP-0000321 \
	-printf '%i %m %U %G %T@')
is "$(stat -c '%i %a %u %g %.9Y' "$d")" \
	"$(printf '%s' "$listed" | sed 's/0$//')" \
	'find and stat say the same of a device'
org=$(basename "$(readlink "$d/org")")
chown 2001:2001 "$M/orgs/$org"
chmod 700 "$M/orgs/$org"
is "$(find "$M/devices" -maxdepth 1 -name POP-0000321 -printf '%m %U %G')" \
	'700 2001 2001' 'another owner of the organization is seen at once'
is "$(stat -c '%a %u' "$d")" '700 2001' 'and by stat'

# one device among many
within 500 'stat of a device' stat "$d"
within 500 'its state' cat "$d/status"
within 500 'lookup by serial number' readlink "$M/status/serials/POPS0000321"
within 1000 'a command' sh -c "echo DeviceLock >'$d/commands/lock'"

# readers and writers
(while [ ! -e "$T/stop" ]; do ls -U "$M/devices" >/dev/null; done) &
reader=$!
within 5000 '20 commands beside listings' sh -c "for i in \$(seq 20); do
	echo DeviceLock Message=\$i >'$d/commands/'\$i; done"
: >"$T/stop"
wait $reader
is "$(find "$d/commands" -type f | wc -l)" 21 'all are there'

# pages that take long to make are not made for each look
within 20000 'ls -l status' ls -l "$M/status"
within 1000 'and again' ls -l "$M/status"
is "$(stat -c %s "$M/status/certificates")" \
	"$(wc -c <"$M/status/certificates")" 'with the right sizes'
done_testing
