#!/bin/sh
# A device's life after its enrollment: commands out, answers back, in order,
# whatever it repeats or puts off; and who may say what.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd sha256sum

make_server
make_org other
start_relay
A=00008030-001A2B3C4D5E6F01
B=00008030-001A2B3C4D5E6F02
C=00008030-001A2B3C4D5E6F03
commands=$M/devices/$A/commands
results=$M/devices/$A/results

# ---- enrollment -------------------------------------------------------------

first=$(challenge acme)
works 'strongSwan gets a certificate with the challenge' scep $A acme "$first"
authenticate $A acme
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'Authenticate: 200 and nothing'
like "$(cat "$M/devices/$A/status")" '^state: authenticating' \
	'before TokenUpdate it is not yet enrolled'
is "$(cat "$M/devices/$A/info/OSVersion")" 17.5 \
	'what Authenticate tells is in info/'
idle $A acme
is "$STATUS" 200 'Idle before TokenUpdate does no harm'
token_update $A acme '' "$(data UnlockToken 010203)"
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'TokenUpdate: 200 and nothing'
like "$(cat "$M/devices/$A/status")" '^state: enrolled' 'it is enrolled'
is "$(readlink "$M/devices/$A/org")" ../../orgs/acme 'org is a symlink'
is "$(readlink "$M/status/serials/S$A")" "../../devices/$A" \
	'it is found by its serial number'
is "$(readlink "$M/status/orgs/acme/devices/$A")" "../../../../devices/$A" \
	'and in its organization'
is "$(openssl x509 -in "$M/devices/$A/certificate.pem" -fingerprint -noout)" \
	"$(openssl x509 -in "$D/$A.pem" -fingerprint -noout)" \
	'certificate.pem is its certificate'
is "$(xxd -p "$M/devices/$A/secrets/UnlockToken")" 010203 \
	'the unlock token is kept'
token_update $A acme
is "$(xxd -p "$M/devices/$A/secrets/UnlockToken")" 010203 \
	'a TokenUpdate without one keeps it'
enroll $B acme
ok $? 'a second device enrolls'
is "$(python3 -B - "$M/devices/$A" <<'PY'
import os, sys
sys.path.insert(0, 'tests/system')
from tap import opens, outcome
link = sys.argv[1] + '/org'
print(*(outcome(*call) for call in (
    (opens, link, os.O_RDONLY | os.O_NOFOLLOW), (opens, link, os.O_DIRECTORY),
    (opens, link + '/', os.O_DIRECTORY | os.O_NOFOLLOW), (os.unlink, link),
    (os.rename, link, link + '2'), (os.symlink, 'x', link + '2'),
    (os.link, link, link + '2'))))
PY
)" 'ELOOP OK OK EACCES EACCES EACCES EPERM' 'a link of ours is one'

# ---- transport --------------------------------------------------------------

for way in --http1.1 --http2; do
	idle_body=$(dict "$(ids $A)$(str Status Idle)")
	say $A acme "$idle_body" $way
	is "$STATUS $(wc -c <"$T/answer")" '200 0' "Idle, signed, $way"
	WAY=tls
	say $A acme "$idle_body" $way
	is "$STATUS $(wc -c <"$T/answer")" '200 0' \
		"Idle with a client certificate, $way"
	WAY=signature
done
printf %s "$(dict "$(ids $A)$(str Status Idle)")" >"$T/body"
unsigned()
{
	fetch /mdm/acme -X PUT --data-binary "@$T/body" -o "$T/answer" \
		-w '%{http_code}' "$@"
}
is "$(unsigned)" 400 'without a certificate: 400, not 401'
like "$(cat "$T/answer")" 'Mdm-Signature' 'which says what is missing'
is "$(unsigned -H 'Mdm-Signature: QUJD')" 400 'rubbish as a signature: 400'
openssl cms -sign -binary -outform der -in "$T/body" -signer "$D/$A.pem" \
	-inkey "$D/$A.key" -md sha1 -out "$T/signature"
is "$(unsigned -H "Mdm-Signature: $(base64 -w0 "$T/signature")")" 200 \
	'a signature over SHA-1 is taken'
echo >>"$T/body"
is "$(unsigned -H "Mdm-Signature: $(base64 -w0 "$T/signature")")" 400 \
	'one more byte than was signed: 400'
printf 'not a plist' >"$T/body"
is "$(unsigned)" 400 'no property list: 400'
say $A acme "$(dict "$(ids $A)$(str MessageType Nonsense)")"
is "$STATUS" 400 'an unknown MessageType: 400'
say $A acme "$(dict "$(ids $A)$(str Status Nonsense)")"
is "$STATUS" 400 'an unknown Status: 400'
printf %s "$(dict "$(ids $A)$(str Status Idle)")" >"$T/idle.xml"
plist "$T/idle.xml" 'open(sys.argv[1] + ".bin", "wb").write(
	plistlib.dumps(p, fmt=plistlib.FMT_BINARY))' >"$T/out"
openssl cms -sign -binary -outform der -in "$T/idle.xml.bin" \
	-signer "$D/$A.pem" -inkey "$D/$A.key" -out "$T/signature"
is "$(fetch /mdm/acme -X PUT --data-binary "@$T/idle.xml.bin" -o "$T/answer" \
	-w '%{http_code}' -H "Mdm-Signature: $(base64 -w0 "$T/signature")")" \
	200 'a binary property list is taken'

# ---- a command --------------------------------------------------------------

cat >"$T/info.plist" <<'END'
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>CommandUUID</key><string>0001-info</string>
<key>Command</key><dict>
<key>RequestType</key><string>DeviceInformation</string>
<key>Queries</key><array><string>DeviceName</string></array>
</dict></dict></plist>
END
works 'a command is dropped with cp' cp "$T/info.plist" "$commands/info"
works 'and reads as it was written' cmp "$T/info.plist" "$commands/info"
is "$(queue $A 2,3,5)" 'info	DeviceInformation	0001-info' \
	'the queue names it with the CommandUUID that the file has'
idle $A acme
is "$STATUS $(uuid) $(kind)" '200 0001-info DeviceInformation' \
	'the device gets it at its next Idle'
is "$(plist "$T/answer" 'p["Command"]["Queries"]')" "['DeviceName']" \
	'with its keys'
is "$(queue $A 4)" sent 'the queue says: sent'
is "$(errno_of rm "$commands/info")" EBUSY 'a sent command cannot be cancelled'
is "$(errno_of write "$commands/info" 'RestartDevice')" EBUSY \
	'and not be changed'
answers='<key>QueryResponses</key><dict><key>DeviceName</key>
<string>Ada'"'"'s phone</string><key>BatteryLevel</key><real>0.5</real>
<key>IsSupervised</key><true/></dict>'
report $A acme Acknowledged 0001-info "$answers"
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'the answer: 200, nothing more'
works 'results/ holds what the device said, byte for byte' \
	cmp "$T/body" "$results/info"
is "$(ls "$commands")" '' 'and the command is gone from commands/'
is "$(cat "$M/devices/$A/info/DeviceName")" "Ada's phone" \
	'facts follow what DeviceInformation says'
is "$(plist "$M/devices/$A/info.plist" '[p[k] for k in ("BatteryLevel",
	"IsSupervised", "OSVersion")]')" "[0.5, True, '17.5']" \
	'info.plist has all of them with their types'
report $A acme Acknowledged 0001-info "$(str Other answer)"
is "$STATUS" 200 'the same answer again: 200'
fails 'and the first one stays' grep -q Other "$results/info"
report $A acme Acknowledged never-heard-of
is "$STATUS" 200 'an unknown CommandUUID: 200'
like "$(tail -n 1 "$M/events")" "device=$A answered never-heard-of" \
	'and an event'
is "$(errno_of write "$commands/typo" 'DeviceLok')" EPROTO \
	'an unknown command is refused'
like "$(cat "$commands/typo.error")" 'DeviceLok' 'and .error says why'
is "$(queue $A 2)" '' 'nothing of it is queued'

# ---- text, order, errors ----------------------------------------------------

# what Apple's schema forbids, and what this device, an iPhone, cannot take
is "$(errno_of write "$commands/typo" 'DeviceLock Mesage=x')" EPROTO \
	'a misspelt key is refused'
like "$(cat "$commands/typo.error")" 'Mesage: unknown key: did you mean Message' \
	'with the nearest one'
is "$(errno_of write "$commands/erase" \
	'EraseDevice ObliterationBehavior=Always')" ENOTSUP \
	'a key that is not for this system is refused as such'
like "$(cat "$M/status/last-error")" \
	'reason: ObliterationBehavior: is not for iOS' \
	'last-error says which key, and why'
printf '<plist><dict>\n<key>Command</key><dict>\n<key>RequestType</key>
<string>Settings</string>\n<key>Settings</key><array><dict>\n<key>Item</key>
<string>DeviceNam</string></dict></array></dict></dict></plist>' >"$T/setting"
fails 'a misspelt setting in a property list' cp "$T/setting" "$commands/s"
like "$(cat "$M/status/last-error")" \
	'line 6: Command/Settings\[0\]/Item: unknown setting .*DeviceName' \
	'has its line and path'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/profile.key" \
	-out "$T/profile.crt" -days 30 -subj /CN=Signer 2>/dev/null
printf '<plist><dict><key>PayloadType</key><string>Configuration</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>a</string>
<key>PayloadUUID</key><string>u</string><key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.webClip.managed</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>a.b</string>
<key>PayloadUUID</key><string>v</string><key>URL</key><string>https://a</string>
</dict></array></dict></plist>' >"$T/clip"
openssl smime -sign -nodetach -outform der -signer "$T/profile.crt" \
	-inkey "$T/profile.key" -in "$T/clip" -out "$T/clip.signed"
is "$(errno_of write "$commands/clip" \
	"InstallProfile Payload=$(base64 -w0 "$T/clip.signed")")" EPROTO \
	'a signed profile is looked into'
like "$(cat "$M/status/last-error")" \
	'Payload/PayloadContent\[0\]/Label: is missing' 'down to its payloads'
is "$(errno_of write "$M/system/validation" maybe)" EPROTO \
	'validation takes strict, warn or off'
echo warn >"$M/system/validation"
works 'with warn it is taken' cp "$T/setting" "$commands/s"
like "$(tail -n 1 "$M/events")" 'Settings queued as .*unknown setting' \
	'and the event says what is wrong'
rm "$commands/s"
is "$(errno_of write "$commands/new" 'NotYetKnown X=1')" EPROTO \
	'text of an unknown type needs the schema all the same'
sed 's/Settings</NotYetKnown</' "$T/setting" >"$T/unknown"
works 'a property list of an unknown type does not' \
	cp "$T/unknown" "$commands/new"
rm "$commands/new"
echo strict >"$M/system/validation"
fails 'strict refuses it' cp "$T/unknown" "$commands/new"

echo 'DeviceLock PhoneNumber=123456 Message="Lost?"' >"$commands/a"
echo 'ProfileList' >"$commands/b"
echo 'SecurityInfo' >"$commands/0"
is "$(queue $A 2)" 'a b 0' 'commands wait in the order of writing'
works 'one that was not sent is cancelled with rm' rm "$commands/b"
is "$(queue $A 2)" 'a 0' 'and no longer waits'
idle $A acme
is "$(kind) $(plist "$T/answer" 'p["Command"]["PhoneNumber"] + " " +
	p["Command"]["Message"]')" 'DeviceLock 123456 Lost?' \
	'a command that was written as text'
lock=$(uuid)
report $A acme Error "$lock" '<key>ErrorChain</key><array><dict>
<key>ErrorCode</key><integer>12021</integer><key>ErrorDomain</key>
<string>MCMDMErrorDomain</string><key>USEnglishDescription</key>
<string>No such thing</string></dict></array>'
is "$STATUS $(kind)" '200 SecurityInfo' 'an Error ends it: the next one comes'
works 'the Error is the result' grep -q MCMDMErrorDomain "$results/a"
like "$(grep DeviceLock "$M/events" | tail -n 1)" \
	'failed: No such thing \(MCMDMErrorDomain 12021\)' \
	'and in words among the events'
report $A acme CommandFormatError "$(uuid)"
is "$STATUS $(ls "$commands")" '200 ' 'CommandFormatError ends one, too'
echo SecurityInfo >"$commands/0"
idle $A acme
report $A acme Acknowledged "$(uuid)" "$(str Round two)"
works 'a used name may be used again: the new answer replaces the old' \
	grep -q two "$results/0"

# ---- NotNow -----------------------------------------------------------------

for n in 1 2 3; do
	echo "Settings Item=DeviceName DeviceName=n$n" >"$commands/n$n"
done
idle $A acme
first=$(uuid)
report $A acme NotNow "$first"
second=$(uuid)
is "$(queue $A 4)" 'not-now sent queued' \
	'NotNow: it waits, and the next one is offered'
report $A acme NotNow "$second"
third=$(uuid)
report $A acme Acknowledged "$third"
is "$STATUS $(wc -c <"$T/answer") $(queue $A 2,4)" \
	'200 0 n1	not-now n2	not-now' \
	'none that said NotNow is offered again in this session'
report $A acme Acknowledged "$third"
is "$(wc -c <"$T/answer")" 0 'neither after a repeated answer'
idle $A acme
is "$(uuid)" "$first" 'the next Idle offers the first one again'
report $A acme NotNow "$first"
is "$(uuid)" "$second" 'and then the second: it does not starve'
report $A acme Acknowledged "$second"
is "$(wc -c <"$T/answer")" 0 'and the first waits for the next Idle'
idle $A acme
is "$(uuid)" "$first" 'which comes'
again -9
idle $A acme
is "$(uuid)" "$first" 'a sent command that got no answer is sent again'
report $A acme Acknowledged "$first"
is "$(queue $A 2) $(ls "$results" | tr '\n' ' ')" ' 0 a info n1 n2 n3 ' \
	'in the end everything is answered'

# ---- the other messages -----------------------------------------------------

say $A acme "$(dict "$(str MessageType GetBootstrapToken)$(ids $A)")"
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'no bootstrap token: 200, nothing'
say $A acme "$(dict "$(str MessageType SetBootstrapToken)$(ids $A)$(data \
	BootstrapToken c0ffee)")"
is "$STATUS $(xxd -p "$M/devices/$A/secrets/BootstrapToken")" '200 c0ffee' \
	'a bootstrap token is escrowed'
is "$(stat -c %a "$M/devices/$A/secrets" \
	"$M/devices/$A/secrets/BootstrapToken" | tr '\n' ' ')" '700 400 ' \
	'for its owner alone'
say $A acme "$(dict "$(str MessageType GetBootstrapToken)$(ids $A)")"
is "$(plist "$T/answer" 'p["BootstrapToken"].hex()')" c0ffee \
	'and given back'
say $A acme "$(dict "$(str MessageType SetBootstrapToken)$(ids $A)")"
is "$STATUS $(ls "$M/devices/$A/secrets")" '200 UnlockToken' \
	'SetBootstrapToken without one removes it'
say $A acme "$(dict "$(str MessageType UserAuthenticate)$(ids $A)$(str UserID \
	ABC)")"
is "$STATUS" 410 'UserAuthenticate: 410'

# ---- users ------------------------------------------------------------------

U=11111111-2222-3333-4444-555555555555
token_update $A acme aabb "$(str UserID $U)$(str UserShortName ada)"
is "$STATUS $(ls "$M/devices/$A/users")" "200 $U" 'a user channel appears'
echo ProfileList >"$M/devices/$A/users/$U/commands/p"
like "$(tail -n 1 "$M/events")" "devices/$A/users/$U/commands/p" \
	"the event names the user's folder"
idle $A acme
is "$(wc -c <"$T/answer")" 0 "a user's command is not the device's"
idle $A acme "$(str UserID $U)"
is "$(kind)" ProfileList 'but the user gets it'
report $A acme Acknowledged "$(uuid)" "$(str UserID $U)"
is "$STATUS $(ls "$M/devices/$A/users/$U/results")" '200 p' \
	'and its answer is in results/ there'
idle $A acme "$(str UserID 99999999-0000-0000-0000-000000000000)"
is "$STATUS" 400 'a user who is not known: 400, the device is not dismissed'
say $A acme "$(dict "$(str MessageType CheckOut)$(ids $A)$(str UserID $U)")"
is "$STATUS" 200 "a user's CheckOut does no harm"
like "$(cat "$M/devices/$A/status")" '^state: enrolled' \
	'the device stays enrolled'
ALL=FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF
for name in bob@example.com ../eve; do
	token_update $A acme "$(token "$name")" \
		"$(str UserID $ALL)$(str UserShortName "$name")"
	is "$STATUS" 200 "Shared iPad: $name"
done
is "$(ls "$M/devices/$A/users" | grep -c bob@example.com)" 1 \
	'users of a Shared iPad go by their short names'
is "$(ls "$M/devices/$A/users" | wc -l)" 3 'one folder each'

# ---- who may say what -------------------------------------------------------

cp "$D/$B.pem" "$D/as$A.pem"
cp "$D/$B.key" "$D/as$A.key"
echo DeviceLock >"$commands/secret"
say as$A acme "$(dict "$(ids $A)$(str Status Idle)")"
is "$STATUS" 400 "another device's certificate: 400, never 401"
say as$A acme "$(dict "$(ids $A)$(str Status Idle)")" -H 'X-A: 1'
fails 'and nothing of the command is told' grep -q DeviceLock "$T/answer"
say as$A acme "$(dict "$(str MessageType Authenticate)$(ids $A)$(str Topic \
	"$TOPIC")")"
is "$STATUS" 400 'nor may it authenticate in its place'
say as$A acme "$(dict "$(str MessageType CheckOut)$(ids $A)")"
is "$STATUS" 400 'nor check it out'
say $A other "$(dict "$(ids $A)$(str Status Idle)")"
is "$STATUS" 400 'the certificate of another organization: 400'
scep $C other "$(challenge other)"
authenticate $C other
is "$STATUS" 200 'a device of the other organization'
cp "$D/$C.pem" "$D/cross.pem"
cp "$D/$C.key" "$D/cross.key"
say cross acme "$(dict "$(ids $A)$(str Status Idle)")"
is "$STATUS" 400 'its certificate opens nothing here'
scep new$A other "$(challenge other)"
say new$A other "$(dict "$(str MessageType Authenticate)$(ids $A)$(str Topic \
	"$TOPIC")")"
is "$STATUS" 400 'a UDID that is enrolled elsewhere is refused'
fails "without a word of the other organization" grep -q acme "$T/answer"
like "$(cat "$T/log" "$T/log.now" "$M/events")" \
	"is enrolled in another organization .devices/$A/org" \
	'but the log has the reason, and where to look'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$D/self.key" \
	-subj "/O=acme/CN=$A" -out "$D/self.pem" 2>/dev/null
say self acme "$(dict "$(ids $A)$(str Status Idle)")"
is "$STATUS" 400 'the right name on a certificate of its own: 400'
say $A acme "$(dict "$(str UDID ../../orgs)$(str MessageType Authenticate)")"
is "$STATUS" 400 'a UDID that is no name is refused'
idle $A nowhere
is "$STATUS" 404 'an organization that is not there: 404'

# ---- a new enrollment of a known device -------------------------------------

E=ENROLLMENT-ID-0001
scep $E acme "$(challenge acme)"
say $E acme "$(dict "$(str MessageType Authenticate)$(str EnrollmentID $E)$(str \
	Topic "$TOPIC")")"
say $E acme "$(dict "$(str MessageType TokenUpdate)$(str EnrollmentID $E)$(str \
	Topic "$TOPIC")$(data Token beef)$(str PushMagic m)")"
is "$STATUS" 200 'a user enrollment has an EnrollmentID'
like "$(cat "$M/devices/$E/status")" '^kind: user enrollment' 'and says so'
scep again$A acme "$(challenge acme)"
cp "$D/again$A.pem" "$D/$A.pem"
cp "$D/again$A.key" "$D/$A.key"
authenticate $A acme
is "$STATUS $(ls "$commands")" '200 ' \
	'with a new certificate it gets nothing of the old queue'
is "$(ls "$M/devices/$A/secrets" "$M/devices/$A/users")" \
	"$M/devices/$A/secrets:

$M/devices/$A/users:" 'nor of the secrets and users'
token_update $A acme
echo DeviceLock >"$commands/lock"
authenticate $A acme
is "$STATUS $(ls "$commands")" '200 lock' \
	'with the same certificate the queue stays'
token_update $A acme
say $A acme "$(dict "$(str MessageType CheckOut)$(ids $A)$(str Topic \
	"$TOPIC")")"
is "$STATUS" 200 'CheckOut: 200'
like "$(cat "$M/devices/$A/status")" '^state: checked-out' 'it has left'
is "$(ls "$commands")" '' 'its commands are gone'
idle $A acme
is "$STATUS" 400 'it must enroll again before it may speak'
works 'a device that is forgotten with rmdir' rmdir "$M/devices/$B"
fails 'is no longer there' ls "$M/devices/$B"
idle $B acme
is "$STATUS" 400 'and its certificate opens nothing'

done_testing
