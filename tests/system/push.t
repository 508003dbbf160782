#!/bin/sh
# Pushes, with a service as strict as Apple's (pushd.js): what is sent, when,
# and that none is lost, whoever dies.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki node xxd sha256sum

make_pki
start_pushd
serve
mkdir "$M/system/tls"
cp "$P/server.both.pem" "$M/system/tls/server.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
make_org acme
start_relay
A=PUSH-A
tok=$(token $A)
new=$(token second)
commands=$M/devices/$A/commands

# pushed WHAT [TOKEN [N]]: the Nth push for the token comes.
n=0
pushed()
{
	n=${3:-$((n + 1))}
	soon "[ \"\$(pushes \"${2:-$tok}\")\" -ge $n ]" "$1"
}

# page: what devices/UDID/push says of the last outcome
outcome()
{
	sed -n 's/^outcome: //p' "$M/devices/$A/push"
}

# ---- what is sent -----------------------------------------------------------

enroll $A acme
ok $? 'a device enrolls'
echo "Settings Item=DeviceName DeviceName=a" >"$commands/a"
pushed 'a command pushes the device'
like "$(tail -n 1 "$T/pushes")" "\"magic\":\"magic-$A\",\"topic\":\"$TOPIC\"" \
	'with its PushMagic and the topic of the certificate'
is "$(tail -n 1 "$T/pushes" | python3 -c '
import json, sys, time
p = json.loads(sys.stdin.readline())
print(p["status"], p["expiration"] > time.time() + 3600, p["indexed"])')" \
	'200 True False' 'with an expiration, so that a sleeping device gets it'
soon '[ "$(queue $A 4)" = pushed ]' 'the queue says: pushed'
like "$(outcome)" '200' 'and the push page has the outcome'
is "$(errno_of write "$commands/bad" DeviceLok)" EPROTO 'a refused command'
echo "Settings Item=DeviceName DeviceName=b" >"$commands/b"
pushed 'and a good one after it'
sleep 0.3
is "$(pushes "$tok")" 2 'the refused one caused no push'
idle $A acme
report $A acme Acknowledged "$(uuid)"
report $A acme Acknowledged "$(uuid)"
echo now >"$M/devices/$A/push"
pushed 'writing to push pushes now'
U=11111111-2222-3333-4444-555555555555
token_update $A acme "$(token $U)" "$(str UserID $U)$(str UserShortName ada)"
echo ProfileList >"$M/devices/$A/users/$U/commands/p"
n_device=$n
pushed "a user's command goes to the user's token" "$(token $U)" 1
n=$n_device
is "$(pushes "$tok")" "$n" "and not to the device's"

# ---- failures ---------------------------------------------------------------

push_control /next '{"action":"refuse"}' >"$T/out"
echo "Settings Item=DeviceName DeviceName=c" >"$commands/c"
pushed 'a refused stream is tried again'
push_control /next '{"action":"goaway"}' >"$T/out"
echo "Settings Item=DeviceName DeviceName=d" >"$commands/d"
pushed 'so is one after GOAWAY'
push_control /next '{"status":503,"reason":"ServiceUnavailable"}' >"$T/out"
echo "Settings Item=DeviceName DeviceName=e" >"$commands/e"
soon 'outcome | grep -q 503' 'an outcome that is an error is told'
is "$(queue $A 4 | awk '{ print $NF }')" queued 'and the command is not pushed'
n=$((n + 1)) # the 503 was an answer, too
like "$(grep "device=$A push" "$M/events" | tail -n 1)" 'ServiceUnavailable' \
	'and an event'
echo "Settings Item=DeviceName DeviceName=f" >"$commands/f"
pushed 'a further command pushes at once'
soon '[ "$(queue $A 4)" = "pushed pushed pushed pushed" ]' \
	'for all that wait'

# ---- a dead token -----------------------------------------------------------

push_control /next "{\"status\":410,\"reason\":\"Unregistered\",
	\"timestamp\":$(($(date +%s) + 1))000}" >"$T/out"
echo "Settings Item=DeviceName DeviceName=g" >"$commands/g"
soon 'grep -q "^token: none" "$M/devices/$A/push"' '410: the token is dead'
like "$(outcome)" '410' 'the push page says why'
n=$(pushes "$tok")
echo "Settings Item=DeviceName DeviceName=h" >"$commands/h"
sleep 0.5
is "$(pushes "$tok")" "$n" 'it gets no further push'
like "$(cat "$M/devices/$A/status")" '^state: enrolled' \
	'but the device is still enrolled'
idle $A acme
is "$(kind)" Settings 'and is served when it comes by itself'
token_update $A acme "$new"
pushed 'a TokenUpdate pushes for what waits, to the new token' "$new" 1

# ---- another certificate ----------------------------------------------------

connections()
{
	push_control /stats | sed 's/.*"connections":\([0-9]*\).*/\1/'
}
before=$(connections)
push_certificate renewed "$TOPIC"
works 'the push certificate is renewed with cp' cp "$P/renewed.both.pem" \
	"$M/orgs/acme/apns/push.pem"
like "$(cat "$M/status/orgs/acme/apns")" \
	"$(openssl x509 -in "$P/renewed.pem" -serial -noout | cut -d = -f 2)" \
	'status shows the serial number that is in use'
echo "Settings Item=DeviceName DeviceName=i" >"$commands/i"
pushed 'the next push goes out' "$new" 2
is "$(($(connections) - before))" 1 'over a connection with the new one'
push_certificate foreign com.apple.mgmt.External.foreign
fails 'one with another topic is refused' cp "$P/foreign.both.pem" \
	"$M/orgs/acme/apns/push.pem"
like "$(cat "$M/status/last-error")" 'topic' 'and the reason is told'
works 'and the old one is still there' cmp "$P/renewed.both.pem" \
	"$M/orgs/acme/apns/push.pem"

rm "$M/orgs/acme/apns/push.pem"
soon 'grep -q "apns: certificate .* is out of effect" "$M/events"' \
	'without its file it goes out of effect'
echo "Settings Item=DeviceName DeviceName=m" >"$commands/m"
soon 'outcome | grep -q "no push certificate"' \
	'without one nothing is pushed, and the push page says so'
cp "$P/renewed.both.pem" "$M/orgs/acme/apns/push.pem"
pushed 'when there is one again, what waited is pushed' "$new" 3

# ---- nothing is lost --------------------------------------------------------

stop_pushd
echo "Settings Item=DeviceName DeviceName=j" >"$commands/j"
again -9
start_pushd
pushed 'service down, killed, started, service up: the push comes' "$new" 4
stop_pushd
echo "Settings Item=DeviceName DeviceName=k" >"$commands/k"
soon '[ "$(queue $A 4 | awk "{ print \$NF }")" = queued ]' \
	'while the service is down the command is queued'
again
start_pushd
pushed 'the same when it was stopped in good order' "$new" 5
stop_pushd
echo "Settings Item=DeviceName DeviceName=l" >"$commands/l"
sleep 1
start_pushd
pushed 'a service that comes back gets it without a restart' "$new" 6

done_testing
