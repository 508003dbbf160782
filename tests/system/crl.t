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
is "$(fetch /crl/nobody -o "$T/body" -w '%{http_code}')" 404 \
	'an organization that is not there'

done_testing
