#!/bin/bash
# The list of revoked certificates, for other services that trust an
# organization's CA; openssl and strongSwan read it.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki

make_server
start_relay
make_org other

enroll one acme
is "$STATUS" 200 'a device enrolls'
enroll two acme
like "$(openssl x509 -in "$D/one.pem" -noout -ext crlDistributionPoints)" \
	"URI:https://$HOST:$PORT/crl/acme" 'its certificate names the list'
is "$(fetch /crl/acme -o "$T/crl" -w '%{http_code} %{content_type}')" \
	'200 application/pkix-crl' 'the list has its type'
like "$(openssl crl -inform der -in "$T/crl" -noout -text)" \
	'No Revoked Certificates' 'nothing is on it at first'
first=$(openssl crl -inform der -in "$T/crl" -noout -crlnumber)

# The list of another organization is not kept yet; its certificates are its.
enroll three other
rmdir "$M/devices/three"
fetch /crl/other -o "$T/other.crl"
like "$(openssl crl -inform der -in "$T/other.crl" -noout -text)" \
	"$(openssl x509 -in "$D/three.pem" -noout -serial | sed 's/serial=//')" \
	'a removed device is on the list of its organization'

rmdir "$M/devices/one"
again # a list is kept for a minute
fetch /crl/acme -o "$T/crl"
list=$(openssl crl -inform der -in "$T/crl" -noout -text)
is "$(printf '%s\n' "$list" | grep -c 'Serial Number')" 1 \
	'one is on the list'
like "$list" "$(openssl x509 -in "$D/one.pem" -noout -serial |
	sed 's/serial=//')" 'the device that was removed'
ok "$([ "$(openssl crl -inform der -in "$T/crl" -noout -crlnumber)" != \
	"$first" ]; echo $?)" 'each list has another number'
cat "$M/status/orgs/acme/ca.pem" >"$T/both.pem"
cp "$T/both.pem" "$T/ca.pem"
openssl crl -inform der -in "$T/crl" >>"$T/both.pem"
like "$(openssl crl -inform der -in "$T/crl" -CAfile "$T/ca.pem" -noout 2>&1)" \
	'verify OK' 'the CA signed it'
like "$(openssl verify -x509_strict -crl_check -CAfile "$T/both.pem" \
	"$D/one.pem" 2>&1)" 'certificate revoked' \
	'openssl refuses the removed device with it'
works 'and takes the other one' openssl verify -x509_strict -crl_check \
	-CAfile "$T/both.pem" "$D/two.pem"
openssl x509 -in "$T/ca.pem" -outform der -out "$T/ca.der"
openssl x509 -in "$D/one.pem" -outform der -out "$T/one.der"
openssl x509 -in "$D/two.pem" -outform der -out "$T/two.der"
like "$(pki --verify --in "$T/one.der" --cacert "$T/ca.der" --crl "$T/crl" \
	--online 2>&1)" 'revoked' 'strongSwan refuses it, too'

cp "$D/two.pem" "$D/old.pem"
enroll two acme
again
fetch /crl/acme -o "$T/crl"
like "$(openssl crl -inform der -in "$T/crl" -noout -text)" Superseded \
	'a certificate that was replaced says so'

say two acme "$(dict "$(str MessageType CheckOut)$(ids two)")"
is "$STATUS" 200 'a device checks out'
idle two acme
is "$STATUS" 400 'its certificate opens nothing'
authenticate two acme
is "$STATUS" 400 'nor does it begin anew'
like "$(cat "$T/log" "$T/log.now" 2>/dev/null)" 'given up when its device checked out: the device must' \
	'the log says why'
# Somebody's own CA that has our CA's name, and a serial number of ours.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/false.key" -days 30 \
	-subj "$(openssl x509 -in "$T/ca.pem" -noout -subject -nameopt compat |
		sed 's/^subject=//')" -out "$T/false.pem" 2>/dev/null
enroll four acme
serial=$(openssl x509 -in "$D/four.pem" -noout -serial | sed 's/serial=//')
openssl req -new -newkey rsa:2048 -nodes -keyout "$D/moved.key" -subj /CN=moved \
	-out "$D/moved.csr" 2>/dev/null
openssl x509 -req -in "$D/moved.csr" -CA "$T/false.pem" -CAkey "$T/false.key" \
	-set_serial "0x$serial" -days 20 -out "$D/moved.pem" 2>/dev/null
mkdir -p "$M/orgs/acme/enrollment/import"
dict "$(str MessageType Authenticate)$(ids moved)$(str Topic "$TOPIC")" \
	>"$M/orgs/acme/enrollment/import/1.plist"
idle moved acme
is "$(openssl x509 -in "$D/moved.pem" -noout -issuer)$STATUS" \
	"$(openssl x509 -in "$T/ca.pem" -noout -subject | sed s/subject/issuer/)200" \
	'a device with a certificate of a CA of the same name moves in'
rmdir "$M/devices/moved"
again
fetch /crl/acme -o "$T/crl"
list=$(openssl crl -inform der -in "$T/crl" -noout -text)
like "$list" 'Cessation Of Operation' 'the one of the device that left is listed'
fails 'what another CA signed is not, whatever its name and number' \
	grep -q "$serial" <<<"$list"
is "$(fetch /crl/nobody -o "$T/body" -w '%{http_code}')" 404 \
	'an organization that is not there'

done_testing
