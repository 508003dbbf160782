#!/bin/sh
# Many devices at once, through the mount: groups, their commands, progress,
# confirmations; the front of a queue; merging; expiry; the user channel.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd sha256sum

make_server
make_org other
start_relay
A=00008030-00AA000000000001
B=00008030-00AA000000000002
C=00008030-00AA000000000003
X=00008030-00AA000000000009
enroll $A acme && enroll $B acme && enroll $X other
ok $? 'three devices enroll'

groups=$M/orgs/acme/groups
status=$M/status/orgs/acme

# ---- members ----------------------------------------------------------------

works 'mkdir -p makes a group and its places' \
	mkdir -p "$groups/floor/commands"
printf '%s\n' '# the first floor' $A "S$C   # still in its box" $X >"$groups/floor/members"
is "$(cut -f 1,2 "$status/groups/floor/members" | tr '\t\n' ', ')" \
	"$A,S$A # matches no device: S$C # matches no device: $X " \
	'members are resolved, with what matches nothing'
enroll $C acme
is "$(cut -f 1 "$status/groups/floor/members" | tr '\n' ' ')" \
	"$A $C # matches no device: $X " 'a device that enrolls later follows'
fails 'two words are no member' sh -c "echo a b >'$groups/floor/members'"
like "$(cat "$M/status/last-error")" 'line 1: more than one word' \
	'and the refusal says where'
is "$(ls "$status/groups")" floor 'groups are listed in status/'
is "$(ls "$groups/floor" | tr '\n' ' ')" 'commands members ' \
	'in orgs/ there is what was written'

# ---- a command for all of them ----------------------------------------------

page=$status/groups/floor/commands/ask
echo 'DeviceInformation Queries=DeviceName,OSVersion' \
	>"$groups/floor/commands/ask"
is "$(cat "$M/devices/$A/commands/ask")" \
	'DeviceInformation Queries=DeviceName,OSVersion' \
	'it stands in the directory of each member'
is "$(ls "$M/devices/$B/commands")" '' 'of each member alone'
is "$(queue $C 2,3,4)" 'ask	DeviceInformation	queued' 'and in its queue'
like "$(cat "$page")" '^queued: 2$' 'the page counts them'
idle $A acme
uuid_a=$(uuid)
idle $C acme
is "$(kind)" DeviceInformation 'both are sent it'
[ "$uuid_a" != "$(uuid)" ]
ok $? 'each with a CommandUUID of its own'
report $C acme Error "$(uuid)" '<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12</integer><key>ErrorDomain</key><string>D</string><key>USEnglishDescription</key><string>too full</string></dict></array>'
like "$(cat "$page")" "^failed	$C	too full" 'the page says who failed, and why'
like "$(cat "$page")" '^progress: \[-{20} {20}\] 50%$' 'half way'
is "$(errno_of rm "$M/devices/$A/commands/ask")" EBUSY \
	'what was sent cannot be taken back'
again -9
report $A acme Acknowledged "$uuid_a"
soon '[ ! -e "$groups/floor/commands/ask" ]' \
	'with the last answer the file goes, also after a crash'
like "$(cat "$page")" '^state: over$' 'the page stays'
works 'each answer is in its own results/' \
	test -s "$M/devices/$A/results/ask" -a -s "$M/devices/$C/results/ask"
soon 'grep -q "command ask (DeviceInformation) for 2 devices is over: 1 acknowledged, 1 failed" "$M/events"' \
	'an event sums up'

# ---- taken back -------------------------------------------------------------

mkdir "$M/orgs/acme/commands"
echo ProfileList >"$M/orgs/acme/commands/all"
is "$(cat "$M"/devices/*/queue | cut -f 2 | tr '\n' ' ')" 'all all all ' \
	'a command for the organization is for its devices alone'
works 'rm takes it from one device' rm "$M/devices/$B/commands/all"
is "$(queue $B 2)" '' 'whose queue is empty'
fails 'it has one mode for all' chmod 600 "$M/devices/$A/commands/all"
works 'rm of the file takes it from all' rm "$M/orgs/acme/commands/all"
soon 'grep -q "^state: over" "$status/commands/all"' 'and it is over'
is "$(grep ^cancelled "$status/commands/all")" 'cancelled: 3' \
	'cancelled three times'
is "$(cat "$M"/devices/*/queue)" '' 'nothing waits'
idle $A acme
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'nothing is sent'

# ---- what cannot be undone --------------------------------------------------

echo 2 >"$M/system/mass-limit"
is "$(errno_of write "$M/orgs/acme/commands/erase" EraseDevice)" EPROTO \
	'wiping all of them is refused'
like "$(cat "$M/status/last-error")" 'confirm=3' 'with the way to confirm it'
is "$(errno_of write "$M/orgs/acme/commands/erase" 'EraseDevice confirm=30')" \
	EPROTO 'a wrong number does not'
works 'the right one does' sh -c \
	"echo 'EraseDevice confirm=3' >'$M/orgs/acme/commands/erase'"
rm "$M/orgs/acme/commands/erase"
soon '[ -z "$(cat "$M"/devices/*/queue)" ]' 'they are saved'
echo EraseDevice >"$T/erase"
n=0
for d in $A $B $C $X; do
	cp "$T/erase" "$M/devices/$d/commands/erase" 2>/dev/null && n=$((n + 1))
done
is "$n" 2 'a glob over devices/ stops at system/mass-limit'
like "$(cat "$M/status/last-error")" "confirm=$X" 'and says the way out'
rm "$M/devices/$A/commands/erase" "$M/devices/$B/commands/erase"

# ---- the front of a queue ---------------------------------------------------

commands=$M/devices/$A/commands
echo ProfileList >"$commands/a"
echo CertificateList >"$commands/b"
is "$(ls "$commands" | tr '\n' ' ')" 'a b ' \
	'first/ is not listed while it is empty'
works 'mv puts a command in front' mv "$commands/b" "$commands/first/"
is "$(queue $A 2) $(ls "$commands" | tr '\n' ' ')" 'b a a first ' \
	'of all others'
echo UserList >"$commands/first/c"
is "$(queue $A 2)" 'b c a' 'in the order of writing'
fails 'a name that waits already' cp "$commands/a" "$commands/first/a"
idle $A acme
is "$(kind)" CertificateList 'it is sent first'
report $A acme Acknowledged "$(uuid)"
report $A acme Acknowledged "$(uuid)"
report $A acme Acknowledged "$(uuid)"
is "$(queue $A 2)$(ls "$commands")" '' 'and all are answered'
works 'under their names' test -s "$M/devices/$A/results/b" -a \
	-s "$M/devices/$A/results/c"

# ---- merging, expiry --------------------------------------------------------

for n in 1 2 3; do
	echo 'DeviceLock Message="call us"' >"$commands/lock$n"
done
is "$(queue $A 4)" 'queued merged merged' 'three locks wait as one'
idle $A acme
report $A acme Acknowledged "$(uuid)"
is "$(wc -c <"$T/answer") $(ls "$M/devices/$A/results" | grep -c lock)" '0 3' \
	'sent once, answered three times'
echo 'ProfileList Expires=1s' >"$commands/soon"
soon '[ ! -e "$commands/soon" ]' 'a command expires by itself'
is "$(plist "$M/devices/$A/results/soon" 'p["Status"]')" Expired \
	'and its result says so'
is "$(errno_of write "$commands/x" 'ProfileList Expires=later')" EPROTO \
	'a wrong time is refused'
echo 30 >"$M/orgs/acme/command-expiry"
is "$(errno_of write "$M/orgs/acme/command-expiry" never)" EPROTO \
	'a wrong default, too'

# ---- user channel -----------------------------------------------------------

U=501A
user="$(str UserID $U)$(str UserShortName ann)"
token_update $A acme "$(token "$A$U")" "$user"
is "$STATUS" 200 'a user comes'
users=$M/devices/$A/users/$U
echo ProfileList >"$users/commands/mine"
is "$(cut -f 2-4 "$users/queue")" 'mine	ProfileList	queued' \
	'a command for the user waits in its own queue'
is "$(queue $A 2)" '' 'not in the device'"'"'s'
idle $A acme
is "$(wc -c <"$T/answer")" 0 'the device channel is not sent it'
idle $A acme "$user"
is "$(kind)" ProfileList 'the user channel is'
report $A acme Acknowledged "$(uuid)" "$user"
works 'its answer is the user'"'"'s' test -s "$users/results/mine"
is "$(errno_of write "$users/commands/x" EraseDevice)" ENOTSUP \
	'what the user channel does not take is refused'
echo ProfileList >"$users/commands/first/x"
is "$(cut -f 2 "$users/queue")" x 'a user channel has a front, too'
rm "$users/commands/first/x"
fails 'a command that only a user could have is none for a group' \
	sh -c "echo 'x' >'$groups/floor/commands/x'"

# ---- a configuration tree ---------------------------------------------------

works 'a group goes with rm -r' rm -r "$groups/floor"
is "$(ls "$status/groups")" '' 'it is gone'

done_testing
