#!/bin/sh
# What other servers were seen to get wrong in the device protocol: each of
# these, over HTTPS.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki node xxd sha256sum setpriv

make_pki
start_pushd
serve
mkdir "$M/system/tls"
cp "$P/server.both.pem" "$M/system/tls/server.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
make_org acme
start_relay
A=RIVAL-A
B=RIVAL-B
enroll $A acme && enroll $B acme
ok $? 'two devices enroll'
commands=$M/devices/$A/commands
results=$M/devices/$A/results

# The name of what it was sent.
name_of()
{
	awk -F '\t' -v u="$(uuid)" '$5 == u { print $2 }' "$M/devices/$A/queue"
}

# ---- the order of commands --------------------------------------------------

for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	echo "Settings Item=DeviceName DeviceName=n$n" >"$commands/c$n"
done
is "$(queue $A 2)" 'c1 c2 c3 c4 c5 c6 c7 c8 c9 c10 c11 c12' \
	'commands of one second stand in the order of writing'
idle $A acme
served=$(name_of)
for n in 2 3 4; do
	report $A acme Acknowledged "$(uuid)"
	served="$served $(name_of)"
done
is "$served" 'c1 c2 c3 c4' 'and are sent in it'
fourth=$(uuid)
left='c4 c5 c6 c7 c8 c9 c10 c11 c12'

# ---- answers that come twice, or to nothing ---------------------------------

third=$(plist "$results/c3" 'p["CommandUUID"]')
report $A acme Acknowledged "$third"
is "$STATUS $(queue $A 2)" "200 $left" \
	'an answer that comes twice leaves the queue as it is'
for state in Acknowledged Error NotNow; do
	report $A acme $state 00000000-FFFF-4000-8000-000000000000
	is "$STATUS $(queue $A 2)" "200 $left" \
		"so does $state to an unknown CommandUUID, which is no 500"
done
like "$(grep 00000000-FFFF "$M/events" | tail -n 1)" "device=$A answered" \
	'and an event'

# ---- NotNow -----------------------------------------------------------------

idle $A acme
is "$(uuid)" "$fourth" 'what was sent and not answered is sent again'
report $A acme NotNow "$fourth"
is "$(name_of)" c5 'NotNow: the next one'
report $A acme Acknowledged "$(uuid)"
is "$(name_of)" c6 'after a success the others, not what said NotNow'
offered=
while [ -s "$T/answer" ]; do
	offered="$offered $(name_of)"
	report $A acme Acknowledged "$(uuid)"
done
is "$offered" ' c6 c7 c8 c9 c10 c11 c12' \
	'in the whole session it is not offered again'
is "$(queue $A 2,4)" 'c4	not-now' 'but waits'
report $A acme NotNow "$fourth"
is "$STATUS $(wc -c <"$T/answer")" '200 0' \
	'and what was acknowledged is never sent again'
idle $A acme
is "$(uuid)" "$fourth" 'the next Idle offers it'
report $A acme Error "$fourth"
is "$STATUS $(queue $A 2)" '200 ' 'an Error ends a command'

# ---- a user's channel -------------------------------------------------------

U=11111111-2222-3333-4444-555555555555
user="$(str UserID $U)$(str UserShortName ann)"
token_update $A acme "$(token $U)" "$user"
say $A acme "$(dict "$(str MessageType CheckOut)$(ids $A)$user")"
is "$STATUS" 200 "a user's CheckOut is no 500"
like "$(cat "$M/devices/$A/status")" '^state: enrolled' \
	'and the device stays enrolled'

# ---- one that nobody knows among many ---------------------------------------

group=$M/orgs/acme/groups/some
mkdir -p "$group/commands"
scep RIVAL-C acme "$(challenge acme)"
authenticate RIVAL-C acme
printf '%s\n' $A NO-SUCH-DEVICE "S$B" RIVAL-C >"$group/members"
works 'an unknown id and a device without a token in a group are no fault' \
	sh -c "echo ProfileList >'$group/commands/ask'"
is "$(queue $A 2) $(queue $B 2)" 'ask ask' 'the others get the command'
like "$(cat "$M/status/orgs/acme/groups/some/members")" \
	'# matches no device: NO-SUCH-DEVICE' 'and the unknown one is named'
n=0
for d in $A NO-SUCH-DEVICE $B; do
	echo CertificateList >"$M/devices/$d/commands/each" 2>/dev/null &&
		n=$((n + 1))
done 2>/dev/null
is "$n $(queue $A 2) $(queue $B 2)" '2 ask each ask each' \
	'a loop over devices goes on behind an unknown one'

# ---- no push certificate ----------------------------------------------------

soon "[ \"\$(pushes $(token $B))\" -ge 1 ]" 'a command is pushed'
rm "$M/orgs/acme/apns/push.pem"
soon 'grep -q "push.present	acme	there is no" "$M/status/doctor"' \
	'without a push certificate'
pushed=$(pushes "$(token $B)")
works 'a command is accepted' sh -c \
	"echo UserList >'$M/devices/$B/commands/silent'"
works 'written again it is no error' sh -c \
	"echo UserList >'$M/devices/$B/commands/silent'"
is "$(queue $B 2)" 'ask each silent' 'and no second command'
soon 'grep -q "^outcome: not sent: .* no push certificate" \
	"$M/devices/$B/push"' 'what is missing is said in words'
idle $B acme
is "$STATUS $(kind)" '200 ProfileList' 'the device is served when it comes'
cp "$P/push.both.pem" "$M/orgs/acme/apns/push.pem"
echo 'DeviceInformation Queries=OSVersion' >"$M/devices/$B/commands/info"
soon "[ \"\$(pushes $(token $B))\" -gt $pushed ]" \
	'with the certificate the next command pushes for all of them'

# ---- pushes -----------------------------------------------------------------

is "$(python3 -c '
import json, sys, time
p = [json.loads(l) for l in open(sys.argv[1])]
p = [x for x in p if x["token"] == sys.argv[3]]
print(len(p) > 0 and all(x["topic"] == sys.argv[2] and
      x["expiration"] > time.time() + 3600 for x in p))' \
	"$T/pushes" "$TOPIC" "$(token $B)")" True \
	'each push has a topic and an expiration (pushd.js refuses another type)'
push_control /next '{"status":503,"reason":"ServiceUnavailable"}' >"$T/out"
echo "Settings Item=DeviceName DeviceName=retry" >"$M/devices/$B/commands/r"
soon 'grep -q 503 "$M/devices/$B/push"' 'a push that fails is told'
like "$(cat "$M/devices/$B/push")" '^next-push: ' 'and tried again'
push_control /next "{\"status\":410,\"reason\":\"Unregistered\",
	\"timestamp\":$(($(date +%s) + 1))000}" >"$T/out"
echo now >"$M/devices/$B/push"
soon 'grep -q "^token: none" "$M/devices/$B/push"' 'a dead token is dropped'

# ---- certificates of devices ------------------------------------------------

cp "$D/$B.pem" "$D/old.pem"
cp "$D/$B.key" "$D/old.key"
scep "new$B" acme "$(challenge acme)"
cp "$D/new$B.pem" "$D/$B.pem"
cp "$D/new$B.key" "$D/$B.key"
authenticate $B acme && token_update $B acme
is "$STATUS" 200 'a device enrolls with another certificate'
say old acme "$(dict "$(ids $B)$(str Status Idle)")"
is "$STATUS" 400 'the replaced one opens nothing, though it has not ended'
fetch /crl/acme | openssl crl -inform der -noout -text >"$T/crl"
serial=$(openssl x509 -in "$D/old.pem" -noout -serial | cut -d = -f 2)
like "$(cat "$T/crl")" "Serial Number: 0*$serial" 'and is on the revocation list'

# ---- who did what -----------------------------------------------------------

like "$(grep 'commands/silent' "$M/events" | head -n 1)" \
	'uid=[0-9]+ pid=[0-9]+ comm=sh accepted' 'events name who did it'
like "$(curl -s --cacert "$P/ca.pem" --connect-to \
	"$HOST:$PORT:127.0.0.1:$PORT" "https://$HOST:$PORT/metrics")" \
	'mdmfs_requests_total' 'there are metrics'
like "$(cat "$M/status/doctor")" '^pass' 'and a page of health'
chmod 750 "$M/orgs/acme"
chown 4711 "$M/orgs/acme"
works 'a role is an owner: who has the organization sees its devices' \
	setpriv --reuid 4711 --regid 4711 --clear-groups cat "$M/devices/$A/status"
fails 'and nobody else does' \
	setpriv --reuid 4712 --regid 4712 --clear-groups cat "$M/devices/$A/status"

done_testing
