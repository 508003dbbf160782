#!/bin/bash
# Enrollment over the air in its three steps, what every answer is made of, and
# everybody who is not that device.
. tests/system/lib.sh
. tests/system/mdm.sh
. tests/system/apple.sh
need curl openssl python3 pki xxd

make_server
start_relay
make_apple
E=$M/orgs/acme/enrollment
mkdir "$E"
certificate signer /CN=Signer 30 'keyUsage=digitalSignature'
cat "$P/ca.pem" >>"$P/signer.both.pem"
mkdir "$M/orgs/acme/signing"
cp "$P/signer.both.pem" "$M/orgs/acme/signing/"

for name in ONE TWO THREE FOUR FIVE SIX; do
	apple_device "$name"
done
apple_device NEW sha256

# ---- step 1 -----------------------------------------------------------------

begin X
is "$STATUS" 403 'where nobody is let in there is no step 1'
: >"$E/open"
begin ONE
is "$STATUS" 200 'an open door'
is "$(plist "$T/ONE.1.plist" '[p["PayloadType"], p["PayloadVersion"],
	sorted(p["PayloadContent"]), p["PayloadContent"]["URL"]]')" \
	"['Profile Service', 1, ['Challenge', 'DeviceAttributes', 'URL'], 'https://$HOST:$PORT/ota/acme']" \
	'a bare Profile Service payload, signed'
like "$(plist "$T/ONE.1.plist" 'p["PayloadContent"]["DeviceAttributes"]')" \
	"'UDID', 'SERIAL', 'PRODUCT', 'VERSION'" 'which asks who the device is'
first=$CHALLENGE
begin TWO --http1.1
[ "$first" != "$CHALLENGE" ]
ok $? 'the challenge is another each time'

# ---- step 2 without Apple's CA ----------------------------------------------

second ONE "$first"
is "$STATUS" 200 'without anything in system/trust/apple-device whoever signs is taken'
like "$(last_event)" 'device=ONE ota: serial number SONE: .*was not checked' \
	'and the event says so'
like "$(grep 'enrollment.apple-device	acme' "$M/status/doctor")" \
	'^warn.*may be any program' 'as does the doctor'
like "$(cat "$M/events")" 'ota: admitted by open enrollment, from .*serial number SONE, UDID ONE' \
	'the gate was asked with serial number and UDID'
content "$T/ONE.2.answer"
ok $? 'the answer is a signed profile'
is "$(plist "$T/ONE.2.answer.plist" '[p["PayloadType"],
	[x["PayloadType"] for x in p["PayloadContent"]]]')" \
	"['Configuration', ['com.apple.security.scep']]" 'of one SCEP payload'
is "$(plist "$T/ONE.2.answer.plist" '[x[0] for x in
	payload("com.apple.security.scep")["PayloadContent"]["Subject"]]')" \
	"[['O', 'acme'], ['CN', 'ONE'], ['2.5.4.5', 'SONE']]" \
	'for a certificate that is named after the device'
like "$(tr -d '\r' <"$T/headers" | tr '[:upper:]' '[:lower:]')" \
	'content-type: application/x-apple-aspen-config' 'as a profile'
cp "$T/ONE.2.answer.plist" "$T/before"
send /ota/acme ONE.2 --http1.1
cp "$T/answer" "$T/ONE.2.answer"
content "$T/ONE.2.answer"
is "$(its_challenge "$T/ONE.2.answer.plist")" "$(its_challenge "$T/before")" \
	'when the answer was lost the device asks again, and gets the same challenge'

# ---- step 3 -----------------------------------------------------------------

identity ONE
ok $? 'strongSwan gets the certificate'
third ONE "$first"
is "$STATUS" 200 'signed with it'
opened ONE
ok $? 'openssl opens the profile with its key'
is "$(plist "$T/ONE.3.answer.plist" '[p["PayloadType"], p["IsEncrypted"],
	"PayloadContent" in p, p["PayloadOrganization"]]')" \
	"['Configuration', True, False, 'acme']" 'it was encrypted'
is "$(of ONE 'sorted(x)')" \
	"['com.apple.mdm', 'com.apple.security.root', 'com.apple.security.scep']" \
	'roots, an identity, the management'
is "$(of ONE 'x["com.apple.mdm"]["IdentityCertificateUUID"] ==
	x["com.apple.security.scep"]["PayloadUUID"]')" True \
	'which belong together'
last=$(of ONE 'x["com.apple.security.scep"]["PayloadContent"]["Challenge"]')
grep -aq -- "$last" "$T/ONE.3.answer"
is "$?" 1 'nothing of it can be read by others'
like "$(last_event)" 'device=ONE ota: it gets the enrollment profile, encrypted' \
	'an event'
cp "$T/ONE.payloads" "$T/before"
send /ota/acme ONE.3
cp "$T/answer" "$T/ONE.3.answer"
opened ONE
is "$STATUS $(of ONE \
	'x["com.apple.security.scep"]["PayloadContent"]["Challenge"]')" \
	"200 $last" 'asked again it is the same'
works 'its challenge is good' scep ONE acme "$last"
authenticate ONE acme && [ "$STATUS" = 200 ] && token_update ONE acme
is "$STATUS" 200 'and the device enrolls'
like "$(cat "$M/devices/ONE/status")" 'state: enrolled' 'it is there'
send /ota/acme ONE.3
refused 'the profile, once it is used' 'has its profile and has used it'
send /ota/acme ONE.2
refused 'step 2 replayed' 'used already, by the device with UDID ONE'
cp "$D/ONE.id.key" "$D/THIEF.key"
cp "$D/ONE.id.pem" "$D/THIEF.pem"
authenticate THIEF acme
is "$STATUS" 400 'the certificate of step 2 opens nothing else'

# ---- with Apple's CA --------------------------------------------------------

A=$M/system/trust/apple-device
mkdir -p "$A"
is "$(errno_of write "$A/x.pem" hello)" EBADMSG 'what is no certificate is refused'
is "$(errno_of write "$A/x.pem" "$(cat "$P/ONE.apple.pem")")" EPROTO \
	'and one that is no CA'
is "$(errno_of write "$A/x.pem" "$(cat "$P/apple_ca.pem" "$P/apple_ca.key")")" \
	EKEYREJECTED 'and a key'
works "Apple's own is taken, though it ended" cp "$P/apple_ca.pem" "$A/ca.pem"
like "$(grep 'enrollment.apple-device	acme' "$M/status/doctor")" '^pass' \
	'the doctor is content'
begin TWO
second TWO "$CHALLENGE"
is "$STATUS" 200 'a chain of 1024 bits, SHA-1 and 2014'
like "$(last_event)" 'ota: .*signed by an Apple device' 'which the event says'
two=$CHALLENGE
begin NEW
says NEW "$CHALLENGE"
signed NEW.2 "$P/NEW.apple"
send /ota/acme NEW.2
is "$STATUS" 200 'a Mac sends no chain; SHA-256'
begin THREE
says THREE "$CHALLENGE"
signed x "$P/THREE.apple" -md sha1
send /ota/acme x
is "$STATUS" 200 'a message over SHA-1'

# ---- who signs --------------------------------------------------------------

begin FOUR
four=$CHALLENGE
says FOUR "$four"
certificate stranger '/O=Apple Inc./CN=FOUR' 9 'keyUsage=digitalSignature'
signed x "$P/stranger"
send /ota/acme x
refused 'another CA' 'does not hang on'
cp "$P/apple_ca.pem" "$P/real.pem"
cp "$P/apple_ca.key" "$P/real.key"
openssl genrsa -out "$P/apple_ca.key" 1024 2>/dev/null
dated apple_ca '/O=Apple Inc./CN=Apple iPhone Device CA' apple_root ca_ext \
	20070416000000Z 20140416000000Z sha1
apple_device FAKE
cp "$P/apple_ca.pem" "$P/fake_ca.pem"
cp "$P/real.pem" "$P/apple_ca.pem"
cp "$P/real.key" "$P/apple_ca.key"
says FOUR "$four"
signed x "$P/FAKE.apple" -certfile "$P/fake_ca.pem"
send /ota/acme x
refused 'a CA of the same name' 'does not hang on'
dated deep '/CN=deep' FOUR.apple leaf_ext 20080101000000Z 20300101000000Z sha256
signed x "$P/deep" -certfile "$P/FOUR.apple.pem"
send /ota/acme x
refused "a certificate that a device's key signed" 'does not hang on'
dated md5 '/CN=md5' apple_ca leaf_ext 20080101000000Z 20300101000000Z md5
signed x "$P/md5"
send /ota/acme x
refused 'a certificate over MD5' 'too weak'
cp "$P/apple_root.pem" "$A/root.pem"
dated push '/O=Apple Inc./CN=APSP:x' apple_root leaf_ext 20080101000000Z \
	20300101000000Z sha256
signed x "$P/push"
send /ota/acme x
refused "another certificate of Apple's, with its root there" \
	'was not issued by a CA for devices, but by .*Apple Root CA'
rm "$A/ca.pem"
soon '[ ! -e "$A/ca.pem" ]' 'with the root alone'
second FOUR "$four"
is "$STATUS" 200 'a device is known by the chain that it sends'
cp "$P/apple_ca.pem" "$A/ca.pem"
rm "$A/root.pem"

# ---- whose challenge --------------------------------------------------------

begin FIVE
five=$CHALLENGE
begin SIX
six=$CHALLENGE
second FIVE "$five"
second SIX "$five"
refused "another device's challenge" 'used already, by the device with UDID FIVE'
second SIX "${six}x"
refused 'a challenge that nobody made' 'not known'
mkdir -p "$M/orgs/other/enrollment"
cp -r "$M/orgs/acme/apns" "$M/orgs/other/"
: >"$M/orgs/other/enrollment/open"
says SIX "$six"
signed x "$P/SIX.apple"
send /ota/other x
refused "another organization's" 'another organization'
identity FIVE
says SIX "$six"
signed x "$D/FIVE.id"
send /ota/acme x
refused "step 3 with another device's certificate" 'another device or enrollment'
second SIX "$six"
is "$STATUS" 200 'SIX itself'
says SIX "$six"
signed x "$D/FIVE.id"
send /ota/acme x
refused 'the same when it is its turn' 'another device or enrollment'
says FIVE "$six"
signed x "$D/FIVE.id"
send /ota/acme x
refused 'step 3 with the challenge of another' 'another device or enrollment'
says SIX "$five"
signed x "$D/FIVE.id"
send /ota/acme x
refused 'step 3 with the UDID of another' 'another UDID or serial number than before'
says FIVE "$five" OTHER
signed x "$D/FIVE.id"
send /ota/acme x
refused 'or with another serial number' 'another UDID or serial number'
says SIX "$six"
signed x "$D/ONE"
send /ota/acme x
refused 'with the certificate of an enrolled device' 'another device or enrollment'
begin THREE
says FIVE "$CHALLENGE"
signed x "$D/FIVE.id"
send /ota/acme x
refused 'step 3 before step 2' 'another device or enrollment'
cp "$D/FIVE.id.pem" "$D/FIVE.pem"
cp "$D/FIVE.id.key" "$D/FIVE.key"
cp "$T/SIX.2.answer" "$T/answer"
identity SIX
cp "$D/SIX.id.pem" "$D/SIX.pem"
cp "$D/SIX.id.key" "$D/SIX.key"
authenticate SIX acme
is "$STATUS" 200 'who enrolls with the certificate of step 2'
third SIX "$six"
refused 'gets no second one' 'used for something else already'
third FIVE "$five"
is "$STATUS" 200 'FIVE, through all of it, gets its own'
opened FIVE
fails 'another device does not open it' openssl cms -decrypt -inform der -in \
	"$T/FIVE.3.answer.plist.der" -recip "$D/TWO.pem" -inkey "$D/ONE.id.key"

# ---- what is no message -----------------------------------------------------

begin X
says TWO "$CHALLENGE"
signed good "$P/TWO.apple"
damaged()
{
	send /ota/acme x
	like "$STATUS $(cat "$T/answer")" '^400 that is not what a device sends' \
		"$1: 400"
	like "$(last_event)" "ota: refused, from .*: " "$1: an event"
}
python3 - "$T/good.cms" "$T/x.cms" <<'END'
import sys
b = bytearray(open(sys.argv[1], 'rb').read())
b[b.index(b'iPhone15')] ^= 1
open(sys.argv[2], 'wb').write(b)
END
damaged 'an altered message'
head -c 500 "$T/good.cms" >"$T/x.cms"
damaged 'a cut one'
echo hello >"$T/x.cms"
damaged 'text'
says TWO "$CHALLENGE"
openssl cms -sign -binary -outform der -in "$T/says" -signer \
	"$P/TWO.apple.pem" -inkey "$P/TWO.apple.key" -out "$T/x.cms"
damaged 'a detached signature'
openssl cms -sign -binary -nodetach -outform der -in "$T/says" -signer \
	"$P/TWO.apple.pem" -inkey "$P/TWO.apple.key" -signer \
	"$P/ONE.apple.pem" -inkey "$P/ONE.apple.key" -out "$T/x.cms"
damaged 'two signers'
echo '<plist version="1.0"><array/></plist>' >"$T/says"
signed x "$P/TWO.apple"
damaged 'an array'
dict "$(str UDID TWO)$(str SERIAL S)" >"$T/says"
signed x "$P/TWO.apple"
damaged 'no CHALLENGE'
dict "$(str CHALLENGE "$CHALLENGE")$(str UDID '../x')" >"$T/says"
signed x "$P/TWO.apple"
damaged 'a UDID that is none'
says TWO "$CHALLENGE" "$(printf 'A\nB')"
signed x "$P/TWO.apple"
damaged 'a serial number of two lines'
head -c 70000 /dev/zero >"$T/x.cms"
send /ota/acme x
is "$STATUS" 413 'more than 64 KiB'
send /ota/nobody good
is "$STATUS" 404 'an organization that is not there'
send /ota/acme good
is "$STATUS" 200 'none of them has used up the challenge'
if timeout 20 curl -sS --cacert "$P/ca.pem" --connect-to \
	"$HOST:$PORT:127.0.0.1:$PORT" -T - -X POST --limit-rate 1k --max-time 2 \
	-H 'Content-Type: application/pkcs7-signature' \
	"https://$HOST:$PORT/ota/acme" <"$T/good.cms" >"$T/out" 2>&1; then :; fi
send /ota/acme good
is "$STATUS" 200 'one that is slow and goes away is nobody'

# ---- whom the gate lets in --------------------------------------------------

rm "$E/open"
soon '[ ! -e "$E/open" ]' 'the door is closed'
echo STHREE >"$E/serials"
begin THREE
is "$STATUS" 200 'with a list of serial numbers whoever wants may begin'
second THREE "$CHALLENGE"
is "$STATUS" 200 'the one on the list goes on'
like "$(cat "$M/events")" 'ota: admitted by its serial number.*STHREE' 'by that'
begin FOUR
second FOUR "$CHALLENGE"
refused 'others do not' 'not on the list'
rm "$E/serials"
mkdir -p "$E/invitations"
echo 'serial: SFOUR' >"$E/invitations/four"
code=$(grep -o 'invitation=[A-Za-z0-9]*' "$M/status/orgs/acme/invitations/four")
begin FOUR
is "$STATUS" 403 'where there are invitations one is needed'
begin FOUR -d "$code"
is "$STATUS" 200 'with it'
four=$CHALLENGE
begin FIVE -d "$code"
is "$STATUS" 403 'it is good once'
second FIVE "$four"
refused 'another device than the invited one' 'for the device with serial number SFOUR'
second FOUR "$four"
is "$STATUS" 200 'the invited one'
mkdir -p "$M/orgs/acme/users/ann"
openssl passwd -6 secret >"$M/orgs/acme/users/ann/password"
begin FIVE -d user=ann -d password=wrong
is "$STATUS" 403 'a wrong password'
begin FIVE -d user=ann -d password=secret
is "$STATUS" 200 'a right one'
second FIVE "$CHALLENGE"
is "$STATUS" 200 'and on'
identity FIVE
rm -r "$M/orgs/acme/users/ann"
soon '[ ! -e "$M/orgs/acme/users/ann" ]' 'its user goes'
third FIVE "$CHALLENGE"
refused 'in the middle' 'user ann is gone'
fetch /ota/acme -H 'Accept: text/html' -o "$T/answer"
like "$(cat "$T/answer")" 'action="/ota/acme"' 'a browser gets the form'

# ---- /enroll ----------------------------------------------------------------

: >"$E/open"
fetch /enroll/acme -o "$T/e"
content "$T/e"
is "$(plist "$T/e.plist" 'p["PayloadType"]')" Configuration \
	'/enroll gives the profile'
: >"$E/encrypted"
fetch /enroll/acme -o "$T/e"
content "$T/e"
is "$(plist "$T/e.plist" 'p["PayloadType"]')" 'Profile Service' \
	'with enrollment/encrypted it begins over the air'

# ---- a device that was here before ------------------------------------------

echo DeviceInformation >"$M/devices/ONE/commands/old"
begin ONE
one=$CHALLENGE
second ONE "$one"
rm -f "$D"/ONE.id.*
identity ONE && third ONE "$one" && opened ONE
ok $? 'ONE was erased and enrolls anew'
rm -f "$D"/ONE.key "$D"/ONE.pem
scep ONE acme "$(of ONE \
	'x["com.apple.security.scep"]["PayloadContent"]["Challenge"]')" &&
authenticate ONE acme && token_update ONE acme
is "$STATUS" 200 'with its new certificate'
is "$(queue ONE 2)" '' 'nothing of what waited for the old enrollment is there'

# ---- at the same time -------------------------------------------------------

# race CMS...: all of them are posted at once; how many were answered with 200,
# and how many SCEP challenges there are in the answers
race()
{
	r_n=0
	r_jobs=
	rm -f "$T"/race.*
	for r_file in "$@"; do
		r_n=$((r_n + 1))
		fetch /ota/acme --data-binary "@$T/$r_file.cms" \
			-H 'Content-Type: application/pkcs7-signature' \
			-o "$T/race.$r_n" -w '%{http_code}\n' \
			>"$T/race.code.$r_n" &
		r_jobs="$r_jobs $!"
	done
	# shellcheck disable=SC2086
	wait $r_jobs
	for r_file in "$T"/race.[0-9]*; do
		content "$r_file" && its_challenge "$r_file.plist"
	done | sort -u | wc -l >"$T/race.n"
	echo "$(cat "$T"/race.code.* | grep -c 200) $(cat "$T/race.n")"
}
begin FIVE
second_of()
{
	says "$1" "$CHALLENGE"
	signed "$1.race" "$P/$1.apple"
}
second_of FIVE
is "$(race FIVE.race FIVE.race FIVE.race FIVE.race FIVE.race FIVE.race)" \
	'6 1' 'a device that asks six times at once gets one challenge'
begin FIVE
second_of FIVE
second_of SIX
second_of FOUR
is "$(race FIVE.race SIX.race FOUR.race)" '1 1' \
	'of three devices with one challenge one gets it'

again -9
begin TWO
second TWO "$CHALLENGE"
again -9
send /ota/acme TWO.2
is "$STATUS" 200 'the steps go on after the server was killed'
is "$(grep -c Sanitizer "$T/log")" 0 'and nothing broke'
done_testing
