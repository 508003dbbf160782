#!/bin/sh
# The enrollment profile: when it is handed out, what is in it, who signed it,
# and that its challenge is good once.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd

make_pki
serve
mkdir "$M/orgs/acme"
profile=$M/status/orgs/acme/enroll.mobileconfig

# reason: why it cannot be read.
reason()
{
	cat "$profile" >/dev/null 2>&1 && echo 'it can be read'
	cat "$M/status/last-error"
}

# ---- not yet ----------------------------------------------------------------

fails 'no profile without a push certificate' cat "$profile"
like "$(reason)" 'there is no push certificate for acme' 'and the reason'
mkdir "$M/orgs/acme/apns"
cp "$P/push.both.pem" "$M/orgs/acme/apns/push.pem"
fails 'nor without system/url' cat "$profile"
like "$(reason)" 'system/url' 'and the reason'
echo "https://wrong.example.org:$PORT" >"$M/system/url"
mkdir "$M/system/tls"
cp "$P/server.both.pem" "$M/system/tls/"
soon 'reason | grep -q "wrong.example.org.*HTTPS certificate is for"' \
	'nor with a name that the HTTPS certificate does not have'
like "$(reason)" "$HOST" 'and the reason names those that it has'
echo "https://$HOST:$PORT" >"$M/system/url"
works 'then it is there' cat "$profile"

# ---- what is in it ----------------------------------------------------------

cat "$profile" >"$T/a"
is "$(plist "$T/a" 'p["PayloadType"] + str(p["PayloadVersion"])')" \
	Configuration1 'python reads it: a configuration profile'
is "$(plist "$T/a" '[x["PayloadType"] for x in p["PayloadContent"]]')" \
	"['com.apple.security.root', 'com.apple.security.scep', 'com.apple.mdm']" \
	'the root of HTTPS, an identity, the management'
plist "$T/a" 'open(sys.argv[1] + ".der", "wb").write(
	payload("com.apple.security.root")["PayloadContent"])' >"$T/out"
is "$(openssl x509 -inform der -in "$T/a.der" -fingerprint -noout)" \
	"$(openssl x509 -in "$P/ca.pem" -fingerprint -noout)" \
	'the root is the one that signed the HTTPS certificate'
is "$(plist "$T/a" '(lambda m: [m["Topic"], m["SignMessage"],
	m["CheckOutWhenRemoved"], m["AccessRights"], m["ServerURL"],
	m["CheckInURL"]])(payload("com.apple.mdm"))')" \
	"['$TOPIC', True, True, 8191, 'https://$HOST:$PORT/mdm/acme', 'https://$HOST:$PORT/mdm/acme']" \
	'topic, addresses and rights of the MDM payload'
is "$(plist "$T/a" 'sorted(payload("com.apple.mdm")["ServerCapabilities"])')" \
	"['com.apple.mdm.bootstraptoken', 'com.apple.mdm.per-user-connections']" \
	'and what the server can do'
is "$(plist "$T/a" 'payload("com.apple.mdm")["IdentityCertificateUUID"] ==
	payload("com.apple.security.scep")["PayloadUUID"]')" True \
	'its identity is the one of the SCEP payload'
is "$(plist "$T/a" '(lambda s: [s["URL"], s["Key Type"], s["Keysize"],
	s["Key Usage"], s["Subject"][0]])(payload(
	"com.apple.security.scep")["PayloadContent"])')" \
	"['https://$HOST:$PORT/scep/acme', 'RSA', 2048, 5, [['O', 'acme']]]" \
	'the SCEP payload'
is "$(plist "$T/a" 'len({x["PayloadUUID"] for x in p["PayloadContent"]} |
	{p["PayloadUUID"]}) + len({x["PayloadIdentifier"]
	for x in p["PayloadContent"]} | {p["PayloadIdentifier"]})')" 8 \
	'every UUID and identifier stands once'
echo 'Acme & Söhne <Ltd.>' >"$M/orgs/acme/name"
cat "$profile" >"$T/b"
is "$(plist "$T/b" 'p["PayloadOrganization"]')" 'Acme & Söhne <Ltd.>' \
	'the name that people see'
is "$(plist "$T/a" 'p["PayloadIdentifier"]')" \
	"$(plist "$T/b" 'p["PayloadIdentifier"]')" \
	'a changed profile keeps its identifier, so it replaces the old one'
mkdir "$M/orgs/acme/enrollment"
echo 3 >"$M/orgs/acme/enrollment/access-rights"
cat "$profile" >"$T/b"
is "$(plist "$T/b" 'payload("com.apple.mdm")["AccessRights"]')" 3 \
	'enrollment/access-rights'
rm "$M/orgs/acme/enrollment/access-rights"

# ---- the same until its challenge is used -----------------------------------

soon 'cat "$profile" >"$T/a" && [ "$(plist "$T/a" \
	"payload(\"com.apple.mdm\")[\"AccessRights\"]")" = 8191 ]' \
	'a removed setting is at its default again'
cat "$profile" >"$T/a"
cat "$profile" >"$T/b"
works 'the profile stays the same' cmp "$T/a" "$T/b"
again
cat "$profile" >"$T/b"
works 'also after a restart' cmp "$T/a" "$T/b"
start_relay
used=$(challenge acme)
works 'strongSwan gets a certificate with its challenge' scep one acme "$used"
cat "$profile" >"$T/b"
fails 'then the file holds a new one' cmp "$T/a" "$T/b"
fails 'another key gets nothing with the used challenge' scep two acme "$used"
like "$(tail -n 3 "$M/events")" 'scep:.*used' 'and an event says so'
rm "$D/one.pem"
works 'the same key gets its answer again' scep one acme "$used"
fails 'a challenge that nobody made' scep three acme "${used}x"
fails 'and none at all' scep three acme ''
mkdir "$M/orgs/other" "$M/orgs/other/apns"
cp "$P/push.both.pem" "$M/orgs/other/apns/push.pem"
fails "the challenge of another organization" scep three other \
	"$(challenge acme)"
works 'the certificate is from the CA in ca.pem' openssl verify -CAfile \
	"$M/status/orgs/acme/ca.pem" -purpose sslclient "$D/one.pem"
fails 'other organizations have CAs of their own' openssl verify -CAfile \
	"$M/status/orgs/other/ca.pem" "$D/one.pem"
pki --scep --url "http://127.0.0.1:$RELAY_PORT/scep/acme/pkiclient.exe" \
	--in "$D/one.rsa" --dn "O=acme, CN=one" --cert "$D/one.pem" \
	--key "$D/one.rsa" --cacert-enc "$D/acme.ca.der" --cacert-sig \
	"$D/acme.ca.der" --cipher des3 --outform pem >"$D/renewed.pem" \
	2>"$T/renew"
works 'strongSwan renews with the old certificate' openssl verify -CAfile \
	"$M/status/orgs/acme/ca.pem" "$D/renewed.pem"

# ---- over HTTPS -------------------------------------------------------------

is "$(fetch /enroll/acme -o "$T/answer" -w '%{http_code}')" 403 \
	'enrollment is closed unless it is opened'
like "$(cat "$T/answer")" 'not open to everybody' 'and says so in words'
is "$(fetch /enroll/nobody -o "$T/answer" -w '%{http_code}')" 404 \
	'an organization that is not there: 404'
: >"$M/orgs/acme/enrollment/open"
is "$(fetch /enroll/acme -o "$T/h1" -w '%{http_code} %{content_type}')" \
	'200 application/x-apple-aspen-config' 'with enrollment/open it is given'
fetch /enroll/acme -o "$T/h2" --http1.1
for f in h1 h2 b; do
	plist "$T/$f" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
done >"$T/challenges"
is "$(sort -u "$T/challenges" | wc -l)" 3 'each copy has its own challenge'
cat "$profile" >"$T/c"
works 'the one in status/ stays' cmp "$T/b" "$T/c"
works 'and each of them is good' scep four acme \
	"$(head -n 1 "$T/challenges")"
fetch /trust.mobileconfig -o "$T/trust"
is "$(plist "$T/trust" '[x["PayloadType"] for x in p["PayloadContent"]]')" \
	"['com.apple.security.root']" 'trust.mobileconfig holds the root alone'
rm "$M/orgs/acme/enrollment/open"
soon '[ "$(fetch /enroll/acme -o "$T/out" -w "%{http_code}")" = 403 ]' \
	'without enrollment/open it is closed again'

# ---- signed -----------------------------------------------------------------

certificate inter '/CN=Profile CA' 30 'basicConstraints=critical,CA:TRUE' \
	'keyUsage=keyCertSign'
openssl req -new -newkey rsa:2048 -nodes -keyout "$P/signer.key" \
	-subj '/CN=Acme profiles' -out "$P/signer.csr" 2>/dev/null
echo keyUsage=digitalSignature >"$P/signer.ext"
openssl x509 -req -in "$P/signer.csr" -CA "$P/inter.pem" -CAkey \
	"$P/inter.key" -days 9 -extfile "$P/signer.ext" -out "$P/signer.pem" \
	2>/dev/null
mkdir "$M/system/signing"
cat "$P/signer.pem" "$P/inter.pem" "$P/signer.key" >"$P/signer.all.pem"
works 'a signing identity for everybody' cp "$P/signer.all.pem" \
	"$M/system/signing/"
cat "$profile" >"$T/signed"
works 'openssl cms verifies the profile' openssl cms -verify -inform der -in \
	"$T/signed" -CAfile "$P/ca.pem" -purpose any -binary -out "$T/a"
works 'openssl smime, too' openssl smime -verify -inform der -in "$T/signed" \
	-CAfile "$P/ca.pem" -purpose any -binary -out "$T/b"
works 'both find the same in it' cmp "$T/a" "$T/b"
is "$(plist "$T/a" 'p["PayloadType"]')" Configuration \
	'and it is the profile'
openssl cms -cmsout -print -inform der -in "$T/signed" >"$T/print"
like "$(cat "$T/print")" 'CN *= *Profile CA' 'the whole chain goes with it'
works 'a challenge out of it is good' scep five acme "$(plist "$T/a" \
    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]')"
certificate own '/CN=Own' 9 'keyUsage=digitalSignature'
mkdir "$M/orgs/acme/signing"
cp "$P/own.both.pem" "$M/orgs/acme/signing/"
cat "$profile" >"$T/signed"
openssl cms -verify -inform der -in "$T/signed" -CAfile "$P/ca.pem" -purpose \
	any -binary -out "$T/a" -signer "$T/who" 2>"$T/out"
like "$(openssl x509 -in "$T/who" -subject -noout)" 'CN = Own' \
	"the organization's own identity comes first"
rm "$M/orgs/acme/signing/own.both.pem" "$M/system/signing/signer.all.pem"
soon 'plist "$profile" "p[\"PayloadType\"]" >"$T/out" 2>&1' \
	'without an identity it is plain again'

done_testing
