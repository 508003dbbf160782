#!/bin/bash
# The files of orgs/ORG/scep for the built-in CA: what devices are asked for,
# what they get, and strings that are good for one of them.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki scepclient

make_server
start_relay
S=$M/orgs/acme/scep
mkdir "$S" "$S/challenges"

# refused FILE TEXT REGEX WHAT: the write fails, and says why.
refused()
{
	like "$(printf '%s\n' "$2" 2>&1 >"$S/$1" || echo failed)" 'failed' \
		"$4"
	like "$(cat "$M/status/last-error")" "$3" "and says why"
	rm -f "$S/$1"
}

refused key-size 1024 'RSA keys of 2048 or 4096' 'a key of 1024 bits'
refused key-type EC 'with SCEP .* make RSA' 'a key of another kind'
refused subject 'CN=$UDID' 'written with percent signs' "a shell's variable"
refused subject 'CN=%USER%' 'there are %UDID%, %SERIAL%' 'an unknown variable'
refused subject 'CN=50%' 'itself is %%' 'a lone percent sign'
refused subject 'Device' 'write it like' 'a subject without parts'
refused san 'a.example' 'one name a line' 'a name of no kind'
refused san 'DNS:a b' 'none that a certificate can have' 'a bad host name'
refused validity 0 'from 1 to 3650' 'no day of validity'
refused retries many 'from 0 to 100' 'a word for a number'
refused challenge-validity 12 '90m, 24h or 7d' 'a time without unit'
refused url ftp://a 'https:// or http://' 'an address of another kind'
refused fingerprint abc 'no fingerprint' 'half a fingerprint'
refused proxy no 'remove it' 'a switch that says no'
refused challenges/C02XK0AAJG5J short '8 to 128' 'a short string'
fails 'a name that is no setting' touch "$S/keysize"

# ---- what the profile asks for -----------------------------------------------

echo 4096 >"$S/key-size"
echo 7 >"$S/retries"
echo 25 >"$S/retry-delay"
printf '%s\n' 'DNS:%SERIAL%.devices.acme.example' 'URI:urn:x:%ID%' \
	'UPN:scep@acme.example' >"$S/san"
challenge acme >/dev/null
scep_payload()
{
	plist "$D/acme.mobileconfig" \
	    "payload('com.apple.security.scep')['PayloadContent'].get($1)"
}
is "$(scep_payload '"Keysize"') $(scep_payload '"Retries"') $(scep_payload \
	'"RetryDelay"')" '4096 7 25' 'the profile has the numbers'
like "$(scep_payload '"SubjectAltName"')" "urn:x:[0-9A-F-]{36}" \
	'and the names'
like "$(scep_payload '"SubjectAltName"')" "'ntPrincipalName': 'scep@acme" \
	'a principal name among them'
ok "$(scep_payload '"SubjectAltName"' | grep -c dNSName)" \
	'but none whose variable is not known'
is "$(plist "$D/acme.mobileconfig" \
	"payload('com.apple.security.scep')['PayloadContent']['Subject'][0]")" \
	"[['O', 'acme']]" \
	'the subject is the usual one'
echo 'CN=%ID%, OU=%SERIAL%, O=%ORG%' >"$S/subject"
challenge acme >/dev/null
like "$(scep_payload '"Subject"')" \
	"^\[\[\['CN', '[0-9A-F-]{36}'\]\], \[\['O', 'acme'\]\]\]$" \
	'until there is a template'
rm "$S/san"

# ---- what the CA gives -------------------------------------------------------

fails 'a key that is shorter than key-size is refused' scep a acme \
	"$(challenge acme)"
like "$(tail -n 3 "$M/events")" \
	"scep: refused .*RSA 2048 bits, and orgs/acme/scep/key-size wants 4096" \
	'and an event says why'
openssl genrsa -out "$D/long.key" 4096 2>/dev/null
works 'one that is as long is not' scep long acme "$(challenge acme)"
rm "$S/key-size"
works 'nor a longer one' scep long acme "$(challenge acme)"
echo 30 >"$S/validity"
works 'somebody who is not known' scep a acme "$(challenge acme)"
is "$(openssl x509 -in "$D/a.pem" -noout -subject)" \
	'subject=O = acme, CN = a' 'keeps the subject that it asked for'
openssl x509 -in "$D/a.pem" -noout -checkend $((31 * 86400)) >/dev/null
is "$?" 1 'but not longer than validity says'

# ---- strings for one device --------------------------------------------------

echo 'CN=%SERIAL%, OU=%UDID%, O=%ORG%' >"$S/subject"
printf '%s\n' 'DNS:%SERIAL%.devices.acme.example' >"$S/san"
touch "$S/challenges/C02XK0AAJG5J"
echo 'my own string' >"$S/challenges/SERIAL2"
line()
{
	grep "^$1	" "$M/status/orgs/acme/scep-challenges"
}
is "$(cat "$S/challenges/C02XK0AAJG5J")" '' 'an empty file stays empty'
made=$(line C02XK0AAJG5J | cut -f 4)
like "$made" '^[A-Z2-9]{32}$' 'a string was made for it'
like "$(line SERIAL2)" '^SERIAL2	waiting	-	-$' \
	'one that was written is shown by its file alone'
is "$(stat -c %a "$M/status/orgs/acme/scep-challenges")" 400 \
	'the page is for the owner alone'
grep -qF -e "$made" -e 'my own string' "$M/events" "$T/log"
is "$?" 1 'no event and no log has a string'

works 'it gets a certificate' scep b acme "$made"
is "$(openssl x509 -in "$D/b.pem" -noout -subject)" \
	'subject=CN = C02XK0AAJG5J, O = acme' \
	'named by the template, whatever was asked for'
like "$(openssl x509 -in "$D/b.pem" -noout -ext subjectAltName)" \
	'DNS:C02XK0AAJG5J.devices.acme.example$' 'with its other name'
like "$(line C02XK0AAJG5J)" '^C02XK0AAJG5J	used	20' 'the page says it'
fails 'once' scep c acme "$made"

# Who shows it: serial numbers are S and the name that a device calls itself.
authenticate b acme
is "$STATUS" 400 'another device cannot use the certificate'
like "$(tail -n 3 "$T/log.now")" 'made for C02XK0AAJG5J' \
	'and the log tells for whom it is'
say b acme "$(dict "$(str MessageType Authenticate)$(str Topic "$TOPIC")$(
	ids 00008030-0000000000000001)$(str SerialNumber C02XK0AAJG5J)")"
is "$STATUS" 200 'the device with that serial number can'

works 'its own string works as well' scep d acme 'my own string'
echo 'a second string' >"$S/challenges/SERIAL2"
like "$(line SERIAL2)" '^SERIAL2	waiting' 'a new string is good again'
echo 'a third string' >"$S/challenges/SERIAL2"
fails 'the one that it replaced is not' scep e acme 'a second string'
like "$(tail -n 5 "$M/events")" 'scep: refused .*replaced by another one' \
	'and an event says why'
rm "$S/challenges/SERIAL2"
fails 'nor is one that was removed' scep e acme 'a third string'
like "$(tail -n 5 "$M/events")" 'scep: refused .*SERIAL2.* was removed' \
	'and an event says why'
is "$(errno_of write "$S/challenges/SERIAL3" 'my own string')" ENOTUNIQ \
	'a string of another device'
like "$(cat "$M/status/last-error")" 'given out before' 'is refused'
echo 1m >"$S/challenge-validity"
rm -f "$S/challenges/SERIAL3"
touch "$S/challenges/SERIAL3"
like "$(line SERIAL3)" '^SERIAL3	waiting	20' 'a string can have an end'

# ---- a third client ----------------------------------------------------------

mkdir "$T/third"
(cd "$T/third" && scepclient -server-url \
	"http://127.0.0.1:$RELAY_PORT/scep/acme" -challenge "$(line SERIAL3 |
	cut -f 4)" -private-key k.pem -certificate c.pem -cn x) \
	>"$T/third.out" 2>&1
works "micromdm's client enrolls, too" openssl verify -CAfile \
	"$M/status/orgs/acme/ca.pem" "$T/third/c.pem"
like "$(openssl x509 -in "$T/third/c.pem" -noout -subject)" 'CN = SERIAL3' \
	'and is named by the template'

again
is "$(line C02XK0AAJG5J | cut -f 2)" used 'a restart forgets nothing'
cp -a "$S" "$T/copy"
works 'a copy of the settings is the same' diff -r "$S" "$T/copy"

done_testing
