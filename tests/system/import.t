#!/bin/bash
# Moving in: devices that another server manages go on without being touched.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 node xxd sha256sum

make_pki
start_pushd --client-ca "$P/ca.pem"
trap 'stop_pushd; cleanup' EXIT
serve
mkdir "$M/system/tls"
cp "$P/server.both.pem" "$M/system/tls/server.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
make_org acme
make_org other
mkdir "$M/orgs/acme/enrollment" "$M/orgs/acme/enrollment/import"
in=$M/orgs/acme/enrollment/import

# The old server's CA, and devices that it has enrolled.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$T/old.key" -out "$T/old.pem" -days 300 -subj '/CN=Old CA' \
	2>/dev/null
old_device()
{
	openssl req -new -newkey rsa:2048 -nodes -keyout "$D/$1.key" \
		-subj "/CN=$1" -out "$D/$1.csr" 2>/dev/null
	openssl x509 -req -in "$D/$1.csr" -CA "${2:-$T/old.pem}" -CAkey \
		"${2:-$T/old.key}" -days 200 -out "$D/$1.pem" 2>/dev/null
}
old_device OLD-A
old_device OLD-B
cp "$D/OLD-B.key" "$D/thief.key"
openssl req -x509 -key "$D/thief.key" -subj /CN=thief -days 30 \
	-out "$D/thief.pem"
message()
{
	dict "$(str MessageType "$2")$(ids "$1")$(str Topic "$TOPIC")${3:-}"
}
message OLD-A Authenticate "$(str SerialNumber SOLDA)$(str OSVersion 18.1)$(str \
	ProductName iPhone15,2)" >"$T/a1.plist"
message OLD-A TokenUpdate "$(data Token "$(token OLD-A)")$(str PushMagic \
	magic-OLD-A)$(data UnlockToken 0102)" >"$T/a2.plist"
message OLD-A SetBootstrapToken "$(data BootstrapToken 0a0b)" >"$T/a3.plist"
message OLD-B TokenUpdate "$(data Token "$(token OLD-B)")$(str PushMagic \
	magic-OLD-B)" >"$T/b2.plist"
message OLD-B Authenticate "$(str SerialNumber SOLDB)" >"$T/b1.plist"

say OLD-A acme "$(dict "$(ids OLD-A)$(str Status Idle)")"
is "$STATUS" 400 "nobody is let in who was not imported"
works "raw messages are taken" cp "$T"/a[123].plist "$in/"
is "$(sed -n 's/^state: //p' "$M/devices/OLD-A/status")" enrolled \
	"and make an enrollment"
is "$(readlink "$M/status/serials/SOLDA")" ../../devices/OLD-A \
	"with its serial number"
is "$(cat "$M/devices/OLD-A/info/OSVersion")" 18.1 "its facts"
is "$(xxd -p "$M/devices/OLD-A/secrets/UnlockToken")" 0102 "its unlock token"
is "$(xxd -p "$M/devices/OLD-A/secrets/BootstrapToken")" 0a0b \
	"its bootstrap token"
echo 'DeviceInformation Queries=DeviceName' >"$M/devices/OLD-A/commands/ask"
soon '[ "$(pushes "$(token OLD-A)")" -gt 0 ]' "and its push token"

works "in any order" cp "$T/b2.plist" "$in/1.plist"
works "one after the other" cp "$T/b1.plist" "$in/2.plist"
is "$(sed -n 's/^state: //p' "$M/devices/OLD-B/status")" enrolled \
	"an Authenticate that comes later takes nothing away"
rsync -a "$in/" "$T/copy/"
is "$(rsync -ai "$T/copy/" "$in/")" "" "rsync has nothing to do"

doctor()
{
	grep 'enrollment.import	acme' "$M/status/doctor"
}
like "$(doctor)" '^warn.*2 imported devices have not come.*import/ca.pem' \
	"the doctor says who could take their place, and what to do"

# ---- what is refused binds nothing: the device comes after the thief
try()
{
	cp "$D/thief.pem" "$D/OLD-X.pem"
	cp "$D/thief.key" "$D/OLD-X.key"
	say OLD-X acme "$1"
	is "$STATUS" 400 "$2 is refused"
}
try "$(dict "$(ids OLD-A)")" 'a message without type and status'
try "$(dict "$(ids OLD-A)$(str Status Thief)")" 'a status that is not known'
try "$(dict "$(ids OLD-A)$(str Status Acknowledged)")" 'an answer to nothing'
try "$(message OLD-A NoSuchMessage)" 'a type that is not known'
try "$(message OLD-A GetToken)" 'one that no device begins with'
try "$(message OLD-A TokenUpdate "$(str PushMagic x)")" \
	'a TokenUpdate without a token'
try "$(message OLD-A TokenUpdate "$(data Token "$(token OLD-A)")$(str \
	PushMagic x)" | sed "s/$TOPIC/com.apple.mgmt.other/")" 'another topic'
like "$(tail -n 20 "$T/log.now")" 'came with topic com.apple.mgmt.other' \
	'which is logged'

# ---- the first time
idle OLD-A acme
is "$STATUS $(kind)" '200 DeviceInformation' \
	"the device comes with its old certificate, and goes on"
like "$(tail -n 5 "$M/events")" 'OLD-A import: .*Old CA' "which is an event"
report OLD-A acme Acknowledged "$(uuid)"
is "$STATUS" 200 "it answers"
WAY=tls idle OLD-A acme
is "$STATUS" 200 "also with its certificate in TLS"
is "$(openssl x509 -noout -subject -in "$M/devices/OLD-A/certificate.pem")" \
	'subject=CN = OLD-A' "the certificate is shown"
cp "$D/thief.pem" "$D/OLD-X.pem"
cp "$D/thief.key" "$D/OLD-X.key"
say OLD-X acme "$(dict "$(ids OLD-A)$(str Status Idle)")"
is "$STATUS" 400 "nobody else can speak for it any more"
idle OLD-B other
is "$STATUS" 400 "nor is it imported for another organization"

like "$(doctor)" '^warn.*1 imported device has not' "one still waits"
cp "$T/old.pem" "$in/ca.pem"
like "$(doctor)" '^pass' "the doctor is content with the old CA's certificate"
say OLD-X acme "$(dict "$(ids OLD-B)$(str Status Idle)")"
is "$STATUS" 400 "with import/ca.pem only the old CA's certificates are bound"
idle OLD-B acme
is "$STATUS" 200 "to whom they belong"
is "$(doctor)" '' "and has nothing more to say when all have come"
works "what is written again" cp "$T/a1.plist" "$in/again.plist"
like "$(tail -n 1 "$M/events")" 'speaks for itself: nothing' "changes nothing"
again -9
idle OLD-A acme
is "$STATUS" 200 "a restart forgets nothing"

# ---- what is refused
works "messages that say nothing are refused" test "$(errno_of write \
	"$in/x.plist" "$(message OLD-A DeclarativeManagement)")" = EPROTO
like "$(cat "$M/status/last-error")" 'Authenticate, a TokenUpdate' "in words"
works "so are others" test "$(errno_of write "$in/x.plist" 'no plist')" \
	= EBADMSG
mkdir "$M/orgs/other/enrollment" "$M/orgs/other/enrollment/import"
fails "another organization cannot take a device" \
	cp "$T/a1.plist" "$M/orgs/other/enrollment/import/"
like "$(cat "$M/status/last-error")" \
	'enrolled in another organization .devices/OLD-A/org' \
	"and hears where an administrator sees which"
stop_pushd
done_testing
