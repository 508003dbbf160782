#!/bin/bash
# ADE, the device's part: signed MachineInfo, the page in Setup Assistant, the
# system that is required, and the anchors of the profile at Apple.
. tests/system/lib.sh
. tests/system/mdm.sh
. tests/system/apple.sh
need curl openssl python3 pki

make_server
start_relay
make_apple
E=$M/orgs/acme/enrollment
mkdir -p "$E" "$M/system/trust/apple-device"
cp "$P/apple_ca.pem" "$M/system/trust/apple-device/"
for name in ONE TWO MAC WATCH; do
	apple_device "$name"
done

# machine NAME [MORE]: its MachineInfo, signed, in $T/NAME.cms
machine()
{
	dict "$(str UDID "$1")$(str SERIAL "S$1")$(str PRODUCT \
		"${PRODUCT:-iPhone15,2}")$(str VERSION 22B83)$(str LANGUAGE \
		de-DE)${2:-}" >"$T/says"
	signed "$1" "$P/$1.apple" -certfile "$P/apple_ca.pem"
}

# post NAME [MORE]
post()
{
	machine "$@"
	send /ade/acme "$1"
}

# page NAME [CURL OPTION...]: the first page of the web view
page()
{
	p_name=$1
	shift
	STATUS=$(fetch /ade/acme/web -o "$T/answer" -D "$T/headers" -c "$T/jar" \
		-H "x-apple-aspen-deviceinfo: $(base64 -w0 "$T/$p_name.cms")" \
		-H 'Accept: text/html' -w '%{http_code}' "$@")
}

# form FIELD=VALUE...: that page, filled in
form()
{
	f_action=$(sed -n 's/.*action="\([^"]*\)".*/\1/p' "$T/answer")
	f_token=$(sed -n 's/.*name="form" value="\([^"]*\)".*/\1/p' "$T/answer")
	f_fields=()
	for f_field in "$@"; do
		f_fields+=(--data-urlencode "$f_field")
	done
	STATUS=$(fetch "$f_action" -b "$T/jar" -H 'Accept: text/html' \
		-H "Origin: https://$HOST:$PORT" -d "form=$f_token" \
		"${f_fields[@]}" -o "$T/answer" -w '%{http_code}')
}

# json EXPRESSION: of the answer, j
json()
{
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1])); print(eval("(" + sys.argv[2] + ")"))' \
		"$T/answer" "$1"
}

its_challenge()
{
	plist "$T/answer" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

last_event()
{
	grep ' ade: ' "$M/events" | tail -n 1 | cut -d' ' -f 2-
}

# ---- POST -------------------------------------------------------------------

post ONE
like "$STATUS $(cat "$T/answer")" '^403 this device may not enroll here' \
	'nobody is let in by himself'
like "$(last_event)" 'ade: refused.*serial number SONE, UDID ONE.*not open' \
	'the event says why'
printf '%s\n' sone SMAC SWATCH >"$E/serials"
post ONE
is "$STATUS" 200 'a serial number on the list'
like "$(tr -d '\r' <"$T/headers" | tr '[:upper:]' '[:lower:]')" \
	'content-type: application/x-apple-aspen-config' 'gets a profile'
like "$(last_event)" 'ade: admitted by its serial number.*signed by an Apple device' \
	'with an event'
is "$(plist "$T/answer" '["EnrollmentMode" in payload("com.apple.mdm"),
	payload("com.apple.mdm")["AccessRights"]]')" '[False, 8191]' \
	'an enrollment profile of the usual kind'
challenge=$(its_challenge)
works 'its challenge is good' scep WRONG acme "$challenge"
authenticate WRONG acme
is "$STATUS" 400 'but not for another device'
cp "$D/WRONG.key" "$D/ONE.key"
cp "$D/WRONG.pem" "$D/ONE.pem"
authenticate ONE acme && [ "$STATUS" = 200 ] && token_update ONE acme
is "$STATUS" 200 'the device itself enrolls with it'
send /ade/acme ONE --http1.1
is "$STATUS" 200 'HTTP/1.1'
post TWO
is "$STATUS" 403 'a serial number that is not on the list'
machine ONE
python3 - "$T/ONE.cms" <<'END'
import sys
b = bytearray(open(sys.argv[1], 'rb').read())
b[b.index(b'SONE')] ^= 2
open(sys.argv[1], 'wb').write(b)
END
send /ade/acme ONE
like "$STATUS $(cat "$T/answer")" '^400 that is not what a device says' \
	'an altered one'
certificate stranger /CN=ONE 9 'keyUsage=digitalSignature'
signed x "$P/stranger"
send /ade/acme x
is "$STATUS" 403 'another signer'
like "$(last_event)" 'ade: refused.*does not hang on' 'is named'
dict "$(str UDID ONE)$(str SERIAL SONE)" >"$T/says"
signed x "$P/ONE.apple"
send /ade/acme x
is "$STATUS" 400 'without PRODUCT and VERSION'
like "$(last_event)" 'MachineInfo: UDID, SERIAL, PRODUCT and VERSION' \
	'what is missing is named'
head -c 70000 /dev/zero >"$T/x.cms"
send /ade/acme x
is "$STATUS" 413 'more than 64 KiB'
send /ade/nobody ONE
is "$STATUS" 404 'an organization that is not there'

# ---- the system that is required --------------------------------------------

is "$(errno_of write "$E/required-os" 'iOS eighteen')" EPROTO \
	'required-os has versions in it'
is "$(errno_of write "$E/required-os" 'Windows 11')" EPROTO 'of systems'
like "$(cat "$M/status/last-error")" 'macOS' 'that enroll, which the refusal names'
printf '%s\n' '# since July' 'iOS 18.1' 'macOS 15.2.1' >"$E/required-os"
can='<key>MDM_CAN_REQUEST_SOFTWARE_UPDATE</key><true/>'
post ONE "$(str OS_VERSION 17.6.1)$can"
is "$STATUS" 403 'an old system'
is "$(json '[j["code"], j["details"]]')" \
	"['com.apple.softwareupdate.required', {'OSVersion': '18.1'}]" \
	'is told which it needs, in JSON'
like "$(tr -d '\r' <"$T/headers" | tr '[:upper:]' '[:lower:]')" \
	'content-type: application/json' 'as the device knows it'
like "$(last_event)" 'ade: device=ONE .* told to update from 17\.6\.1 to 18\.1' \
	'and an event'
post ONE "$(str OS_VERSION 18.1.0)$can"
is "$STATUS" 200 'a new one'
post ONE "$(str OS_VERSION 18.10)$can"
is "$STATUS" 200 '18.10 is newer than 18.1'
post ONE "$(str OS_VERSION 17.6.1)"
is "$STATUS" 200 'one that cannot be told to update is not'
PRODUCT=MacBookPro18,1
post MAC "$(str OS_VERSION 15.2)$can"
is "$STATUS $(json 'j["details"]["OSVersion"]')" '403 15.2.1' \
	'a Mac has its own line'
PRODUCT=RealityDevice14,1
post MAC "$(str OS_VERSION 1.0)$can"
is "$STATUS" 200 'what has no line is let in'
PRODUCT=Watch6,1
post WATCH
is "$STATUS $(json 'j["code"]')" '403 com.apple.watch.pairing.token.missing' \
	'a watch without pairing token'
like "$(json 'j["details"]["security-token"]')" \
	'^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$' 'is given a number for it'
post WATCH "$(data PAIRING_TOKEN 0102)"
is "$STATUS" 200 'with it'
PRODUCT=

# ---- the page ---------------------------------------------------------------

is "$(fetch /ade/acme/web -o "$T/answer" -w '%{http_code}')" 400 \
	'the page is for devices'
post ONE "$(str OS_VERSION 18.1)"
page ONE
is "$STATUS" 200 'one on the list'
is "$(plist "$T/answer" 'payload("com.apple.mdm")["Topic"]')" "$TOPIC" \
	'gets its profile at once'
machine TWO "$(str OS_VERSION 17.0)$can"
page TWO
is "$STATUS $(json 'j["code"]')" '403 com.apple.softwareupdate.required' \
	'an old system hears it here, too'
mkdir -p "$M/orgs/acme/users/ann"
openssl passwd -6 secret >"$M/orgs/acme/users/ann/password"
machine TWO
page TWO
is "$STATUS" 200 'for another one'
like "$(cat "$T/answer")" 'name="password"' 'there is a form to sign in'
form user=ann password=wrong
is "$STATUS" 403 'with a wrong password'
like "$(cat "$T/answer")" 'name="password"' 'it is there again'
form user=ann password=secret
is "$STATUS" 200 'with the right one'
is "$(plist "$T/answer" 'payload("com.apple.mdm")["Topic"]')" "$TOPIC" \
	'the device gets its profile'
like "$(last_event)" \
	'ade: admitted by the password of user ann.*serial number STWO, UDID TWO; signed by an Apple device' \
	'and the event knows which device it is, and that it is one'
works 'a certificate for it' scep TWO acme "$(its_challenge)"
cp "$D/TWO.key" "$D/OTHER.key"
cp "$D/TWO.pem" "$D/OTHER.pem"
authenticate OTHER acme
is "$STATUS" 400 'for no other'
authenticate TWO acme
is "$STATUS" 200 'and it enrolls'
is "$(fetch '/ade/acme/web?session=AAAA' -d user=ann -d password=secret \
	-o "$T/answer" -w '%{http_code}')" 403 'a page that nobody was shown'
is "$(fetch /ade/acme/web -d user=ann -d password=secret -o "$T/answer" \
	-w '%{http_code}')" 403 'or none'
begun=$(fetch /ota/acme -d user=ann -d password=secret -o "$T/ota" \
	-w '%{http_code}')
is "$begun $(fetch "/ade/acme/web?session=$(plist "$T/ota" \
	'p["PayloadContent"]["Challenge"]')" -d user=ann -d password=secret \
	-o "$T/answer" -w '%{http_code}')" '200 403' \
	'the challenge of another enrollment is no page'
page TWO
dict "$(str UDID TWO)$(str CHALLENGE "$(sed -n \
	's/.*session=\([A-Z0-9]*\).*/\1/p' "$T/answer")")" >"$T/says"
signed x "$P/TWO.apple"
send /ota/acme x
is "$STATUS" 403 'nor the other way round'
for n in 1 2 3 4 5 6; do
	apple_device "LONG$n" sha256
	cat "$P/LONG$n.apple.pem"
done >"$P/long.pem"
printf %s "<plist version=\"1.0\"><dict>$(str UDID ONE)$(str SERIAL \
	SONE)$(str PRODUCT iPhone15,2)$(str VERSION 22B83)$(str OS_VERSION \
	18.1)$(str LANGUAGE "$(head -c 4000 /dev/zero | tr '\0' x)")</dict></plist>" \
	>"$T/says"
signed ONE "$P/ONE.apple" -certfile "$P/long.pem"
[ "$(base64 -w0 "$T/ONE.cms" | wc -c)" -gt 12000 ]
ok $? 'a header of more than 12 kB'
page ONE
is "$STATUS" 200 'is taken'
page ONE --http1.1
is "$STATUS" 200 'by HTTP/1.1, too'
fetch /ade/acme/web -H 'x-apple-aspen-deviceinfo: !!!' -o "$T/answer" \
	-w '%{http_code}' >"$T/code"
is "$(cat "$T/code")" 400 'a header that is no message'

# ---- Apple's side -----------------------------------------------------------

cp "$M/status/orgs/acme/anchor-certs.json" "$T/answer"
python3 - "$T/answer" >"$T/anchor.der" <<'END'
import base64, json, sys
anchors = json.load(open(sys.argv[1]))
assert len(anchors) == 1
sys.stdout.buffer.write(base64.b64decode(anchors[0], validate=True))
END
is "$(openssl x509 -inform der -in "$T/anchor.der" -fingerprint -noout)" \
	"$(openssl x509 -in "$P/ca.pem" -fingerprint -noout)" \
	'anchor_certs is the root of the HTTPS certificate'

done_testing
