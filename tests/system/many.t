#!/bin/bash
# 20,000 devices in one group: its members are found, and its commands queued,
# in slices; kill -9 between them loses nothing.  POPULATE: the program that
# fills the store.
. tests/system/lib.sh
. tests/system/mdm.sh
POPULATE=${POPULATE:-$(dirname "$MDMFS")/tests/programs/populate}
need sort uniq

works 'a store of 20,000 devices' "$POPULATE" "$T/state" 20000
start_server
group=$M/orgs/o00001/groups/all
page=$M/status/orgs/o00001/groups/all/members
mkdir -p "$group/commands"

killed()
{
	kill -9 "$server"
	wait "$server" 2>/dev/null
	server=
	fusermount3 -uz "$M" 2>/dev/null
	start_server
}

# ---- members ----------------------------------------------------------------

echo 'POP-*' >"$group/members"
cp "$page" "$T/page"
grep -q '^# not all members are found yet' "$T/page" ||
	[ "$(wc -l <"$T/page")" = 20000 ]
ok $? 'the page of a glob has all members, or says that some are missing'
killed
is "$(cat "$group/members")" 'POP-*' 'killed meanwhile the file is there'
soon '! grep -q "^# not all" "$page"' 'and the members that were missing'
is "$(grep -c '^POP-' "$page") $(wc -l <"$page")" '20000 20000' \
	'are found, each once'
soon 'grep -q "groups/all: 20000 devices are members" "$M/events"' \
	'an event says so'

# ---- a command --------------------------------------------------------------

count()
{
	sed -n "s/^$1: //p" "$M/status/orgs/o00001/groups/all/commands/$2"
}

echo 'POP-*  # again' >"$group/members"
echo 'DeviceInformation Queries=DeviceName' >"$group/commands/ask"
left=$(count not-yet-queued ask)
[ "$left" -le 19000 ]
ok $? "a thousand are queued with the file ($left are left)"
killed
is "$(count members ask)" 20000 'killed meanwhile it is for all of them still'
soon '[ "$(count not-yet-queued ask)" = 0 ]' 'and goes on by itself'
# the push service is told by no certificate of this organization
is "$(($(count queued ask) + $(count pushed ask)))" 20000 \
	'it is counted for each device'
is "$(cut -f 2 "$M"/devices/POP-00[01]*/queue | sort | uniq -c | xargs)" \
	'19999 ask' 'and waits in the queue of each, once'

rm "$group/commands/ask"
killed
soon 'grep -q "^state: over" "$M/status/orgs/o00001/groups/all/commands/ask"' \
	'killed while it is taken back it is taken from all of them'
is "$(count cancelled ask)" 20000 'cancelled everywhere'
is "$(cat "$M"/devices/POP-000*/queue)" '' 'nothing waits'

# ---- without a push certificate ---------------------------------------------

d=$M/devices/POP-0000007
works 'a command is taken where there is no push certificate' \
	sh -c "echo DeviceLock >'$d/commands/lock'"
is "$(cut -f 2-4 "$d/queue")" 'lock	DeviceLock	queued' 'and waits'
soon 'grep -q "no push certificate" "$d/push"' 'its push says what is missing'
like "$(grep push.present "$M/status/doctor")" \
	'^FAIL.*o00001.*there is no push certificate.*apns' \
	'the doctor, too, with the way out'

done_testing
