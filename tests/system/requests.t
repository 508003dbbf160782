#!/bin/bash
# Requests for certificates: the key is made in the store and never leaves it,
# the answer completes it, and nothing that people do loses a pending key.
. tests/system/lib.sh
. tests/system/mdm.sh
need openssl rsync curl

C=$T/ca
mkdir "$C"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$C/root.key" \
	-out "$C/root.pem" -days 100 -subj /CN=Root 2>/dev/null
openssl req -new -newkey rsa:2048 -nodes -keyout "$C/sub.key" \
	-out "$C/sub.csr" -subj /CN=Intermediate 2>/dev/null
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n' >"$C/sub.ext"
openssl x509 -req -in "$C/sub.csr" -CA "$C/root.pem" -CAkey "$C/root.key" \
	-days 90 -extfile "$C/sub.ext" -out "$C/sub.pem" 2>/dev/null

# answer CSR NAME DAYS [SUBJECT]: the CA signs a request, with its names; as
# Apple's portal does with another subject.
answer()
{
	openssl req -in "$1" -noout -verify >"$T/verify" 2>&1 ||
		echo "# the request does not verify: $(cat "$T/verify")"
	printf 'keyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n' \
		>"$C/ext"
	openssl req -in "$1" -noout -text | grep -A1 'Alternative Name' |
		sed -n '2s/^ */subjectAltName=/; s/IP Address:/IP:/g; 2p' \
			>>"$C/ext"
	if [ -n "${4:-}" ]; then
		openssl req -in "$1" -noout -pubkey >"$C/pub"
		openssl x509 -new -force_pubkey "$C/pub" -subj "$4" \
			-CA "$C/sub.pem" -CAkey "$C/sub.key" -days "$3" \
			-extfile "$C/ext" -out "$C/$2" 2>"$T/openssl.err"
	else
		openssl x509 -req -in "$1" -CA "$C/sub.pem" \
			-CAkey "$C/sub.key" -days "$3" -extfile "$C/ext" \
			-out "$C/$2" 2>"$T/openssl.err"
	fi
}

# verified CSR WHAT
verified()
{
	like "$(openssl req -in "$1" -noout -verify 2>&1)" 'verify OK' "$2"
}

reason()
{
	sed -n 's/^reason: //p' "$M/status/last-error"
}

key_of()
{
	openssl req -in "$1" -noout -pubkey 2>&1
}

start_server
S=$M/status

# ---- TLS: names, P-256, DER -------------------------------------------------

mkdir "$M/system/tls"
echo P-256 >"$M/system/tls/key-type"
echo "CN=$HOST, O=Acme" >"$M/system/tls/subject"
fails 'a TLS request without a name is not there' cat "$S/system/tls.csr"
like "$(cat "$S/system/tls")" '^request: waits for a name' 'it waits for a name'
like "$(cat "$S/system/tls")" '^request-next: .*system/url' 'and says how to give it'
fails 'nor does ls show it' ls "$S/system/tls.csr"
echo "https://$HOST:$PORT" >"$M/system/url"
verified "$S/system/tls.csr" 'with system/url it is there'
printf '%s\n*.example.com, 192.0.2.7\n' "$HOST" >"$M/system/tls/names"
verified "$S/system/tls.csr" 'it is made again when names are written'
is "$(openssl req -in "$S/system/tls.csr" -noout -text |
	grep -A1 'Alternative Name' | sed -n '2s/^ *//p')" \
	"DNS:$HOST, DNS:*.example.com, IP Address:192.0.2.7" 'and carries them'
like "$(openssl req -in "$S/system/tls.csr" -noout -text)" \
	'ASN1 OID: prime256v1' 'its key is P-256'
cat "$S/system/tls.csr" >"$T/one"
cat "$S/system/tls.csr" >"$T/two"
works 'it has the same bytes each time' cmp "$T/one" "$T/two"
like "$(ls -l "$S/system/tls.csr")" '^-r--r--r--' 'everybody may read it'

answer "$S/system/tls.csr" tls.pem 80
openssl x509 -in "$C/tls.pem" -outform der -out "$C/tls.der"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$C/alien.key" -days 30 \
	-out "$C/alien.pem" -subj /CN=alien.example.org \
	-addext basicConstraints=CA:FALSE 2>/dev/null
fails 'an answer to another request is refused' \
	cp "$C/alien.pem" "$M/system/tls/"
like "$(reason)" 'CN=alien.example.org.*another request' 'with its name'
like "$(reason)" "CN=$HOST, O=Acme \(key [0-9a-f]{16}\) in status/system/tls.csr" \
	'that of the request and where it is'
fails 'and is not there' test -e "$M/system/tls/alien.pem"
cp "$C/sub.pem" "$M/system/tls/chain.pem"
cp "$C/tls.der" "$M/system/tls/tls.der"
is "$?" 0 'the answer in DER is taken'
like "$(cat "$S/system/tls")" "^subject: CN=$HOST, O=Acme" 'and in effect'
fails 'the request is done' cat "$S/system/tls.csr"
soon 'openssl s_client -connect "127.0.0.1:$PORT" -servername "$HOST" \
	-CAfile "$C/root.pem" -verify_return_error -verify_hostname "$HOST" \
	</dev/null >"$T/client" 2>&1' 'it serves HTTPS with its chain'
like "$(grep 'answers the request' "$M/events")" 'key [0-9a-f]{16}' \
	'an event says that the request was answered'

# ---- push: another subject, PEM ---------------------------------------------

mkdir "$M/orgs/acme" "$M/orgs/acme/apns" "$M/orgs/acme/signing"
echo p256 >"$T/key-type"
fails 'P-256 is not for Apple' cp "$T/key-type" "$M/orgs/acme/apns/"
like "$(reason)" '2048' 'which takes RSA 2048 alone'
echo 'apple-id@example.com' >"$M/orgs/acme/apns/subject" 2>/dev/null
like "$(reason)" 'CN=apple-id@example.com, O=Acme' \
	'a subject that is none is refused with an example'
sh -c ": | cat >'$M/orgs/acme/apns/subject'; echo >'$M/orgs/acme/apns/subject'" \
	2>/dev/null
like "$(reason)" 'empty' 'an empty one, too'
fails 'and is not there' test -e "$M/orgs/acme/apns/subject"
echo 'CN=apple-id@example.com, O=Acme' >"$M/orgs/acme/apns/subject"
csr=$S/orgs/acme/apns.csr
verified "$csr" 'subject in apns/ makes a request'
is "$(openssl req -in "$csr" -noout -subject)" \
	'subject=CN = apple-id@example.com, O = Acme' 'with that subject'
like "$(grep 'apns.csr' "$M/events")" 'identity.apple.com/pushcert' \
	'and an event says what to do next'
first=$(key_of "$csr")

# ---- nothing loses the key --------------------------------------------------

echo 'CN=other@example.com' >"$M/orgs/acme/apns/subject"
is "$(key_of "$csr")" "$first" 'another subject has the same key'
rm "$M/orgs/acme/apns/subject"
soon '! test -e "$csr"' 'rm subject takes the request away'
like "$(cat "$S/orgs/acme/apns")" '^key-waiting: rsa2048 [0-9a-f]{16}' \
	'but the key is kept'
echo 'CN=apple-id@example.com, O=Acme' >"$M/orgs/acme/apns/subject"
is "$(key_of "$csr")" "$first" 'and has the next request'
again -9
is "$(key_of "$csr")" "$first" 'it survives kill -9'
rm -r "$M/orgs/acme/apns"
mkdir "$M/orgs/acme/apns"
echo 'CN=apple-id@example.com, O=Acme' >"$M/orgs/acme/apns/subject"
is "$(key_of "$csr")" "$first" 'rm -r of the slot'
rm -r "$M/orgs/acme"
soon '! test -e "$S/orgs/acme"' 'the organization is removed'
again
mkdir "$M/orgs/acme" "$M/orgs/acme/apns" "$M/orgs/acme/signing"
echo 'CN=apple-id@example.com, O=Acme' >"$M/orgs/acme/apns/subject"
is "$(key_of "$csr")" "$first" 'rm -r of the organization and a restart'

pids=
s=$T/config
mkdir -p "$s/orgs/acme/apns" "$s/orgs/acme/signing"
: >"$T/empty"
mkdir "$s/none"
rsync -a --delete "$s/none/" "$M/orgs/"
soon '! test -e "$S/orgs/acme"' 'rsync --delete takes everything away'
echo 'CN=apple-id@example.com, O=Acme' >"$s/orgs/acme/apns/subject"
echo 'CN=Acme Profiles' >"$s/orgs/acme/signing/subject"
echo rsa3072 >"$s/orgs/acme/signing/key-type"
out=$(rsync -a --delete --itemize-changes "$s/orgs/" "$M/orgs/" 2>&1)
is "$?" 0 'rsync of a configuration with subjects'
is "$(key_of "$csr")" "$first" 'the key is there again'
cat "$csr" "$S/orgs/acme/signing.csr" >"$T/one"
n=$(wc -l <"$M/events")
out=$(rsync -a --delete --itemize-changes "$s/orgs/" "$M/orgs/" 2>&1)
is "$? $out" '0 ' 'a second run changes nothing'
cat "$csr" "$S/orgs/acme/signing.csr" >"$T/two"
works 'nor does a request' cmp "$T/one" "$T/two"
is "$(wc -l <"$M/events")" "$n" 'and no event is written'

answer "$csr" push.pem 300 '/UID=com.apple.mgmt.External.x/CN=APSP:x'
cp "$C/push.pem" "$M/orgs/acme/apns/"
is "$?" 0 'the answer with another subject, in PEM'
like "$(cat "$S/orgs/acme/apns")" '^topic: com.apple.mgmt.External.x$' \
	'is in effect'
fails 'that request is done' cat "$csr"

# ---- signing: PKCS#7 with the chain, renewal --------------------------------

csr=$S/orgs/acme/signing.csr
verified "$csr" 'a request for signing'
like "$(openssl req -in "$csr" -noout -text)" '3072 bit' 'with RSA 3072'
answer "$csr" signing.pem 60
openssl crl2pkcs7 -nocrl -certfile "$C/signing.pem" -certfile "$C/sub.pem" \
	-certfile "$C/root.pem" -outform der -out "$C/signing.p7b"
cp "$C/signing.p7b" "$M/orgs/acme/signing/"
is "$?" 0 'the answer in PKCS#7 with its chain'
like "$(cat "$S/orgs/acme/signing")" '^chain: CN=Intermediate' 'is whole'
first=$(openssl x509 -in "$C/signing.pem" -noout -pubkey)
echo 'CN=Acme Profiles' >"$M/orgs/acme/signing/subject"
verified "$csr" 'subject again after the answer: a renewal'
fails 'with a new key' test "$(key_of "$csr")" = "$first"
like "$(cat "$S/orgs/acme/signing")" '^state: in effect' 'the old one goes on'
like "$(grep 'signing.csr' "$M/events" | tail -n 1)" \
	'renewal of the certificate.*stays in effect' 'as an event says'
answer "$csr" renewed.pem 61
openssl crl2pkcs7 -nocrl -certfile "$C/renewed.pem" -out "$C/renewed.p7b"
cp "$C/renewed.p7b" "$M/orgs/acme/signing/"
like "$(cat "$S/orgs/acme/signing")" "^serial: $(openssl x509 -in \
	"$C/renewed.pem" -noout -serial | sed 's/.*=//')" \
	'PKCS#7 in PEM: the renewed one is in effect'
like "$(cat "$S/orgs/acme/signing")" \
	'^waiting: [^ ]+: certificate .*better one' \
	'the page says that the old one is not in use'

# ---- further TLS slots, a key of one's own ----------------------------------

mkdir "$M/system/tls/mail"
echo mail.example.org >"$M/system/tls/mail/names"
echo 'CN=mail' >"$M/system/tls/mail/subject"
verified "$S/system/tls.d/mail.csr" 'system/tls/NAME has a request of its own'
is "$(ls "$S/system/tls.d")" "$(printf 'mail\nmail.csr')" 'beside its page'
fails 'a directory cannot have the name of a request' \
	mkdir "$M/system/tls/mail.csr"
cp "$C/alien.key" "$M/system/tls/mail/"
cp "$C/alien.pem" "$M/system/tls/mail/"
is "$?" 0 'a certificate whose own key came first is taken'
verified "$S/system/tls.d/mail.csr" 'and the request goes on'
answer "$S/system/tls.d/mail.csr" mail.pem 80
cp "$C/mail.pem" "$M/system/tls/mail/"
like "$(cat "$S/system/tls.d/mail")" '^subject: CN=mail' 'until its answer comes'
is "$(ls "$S/system/tls.d")" mail 'then it is gone'
mkdir "$M/orgs/acme/tls"
echo 'CN=acme' >"$M/orgs/acme/tls/subject"
echo 'https://acme.example.org' >"$M/orgs/acme/url"
like "$(openssl req -in "$S/orgs/acme/tls.csr" -noout -text)" \
	'DNS:acme.example.org' "an organization's TLS request has its url's host"
mkdir "$M/system/signing"
for i in 1 2 3 4 5 6; do
	cat "$s/orgs/acme/signing/subject" >"$M/system/signing/subject" &
	pids="$pids $!"
done
# shellcheck disable=SC2086 # a list
wait $pids
verified "$S/system/signing.csr" 'six who ask at the same time'
is "$(grep -c '^key-waiting\|^request-key' "$S/system/signing")" 1 \
	'have one key'
mkdir "$M/system/vendor"
echo 'CN=MDM vendor' >"$M/system/vendor/subject"
verified "$S/system/vendor.csr" 'a request for a vendor certificate'
like "$(grep 'vendor.csr' "$M/events")" 'developer.apple.com' \
	'with what to do next'
works 'every page of a slot can be read' \
	sh -c "cat '$S'/system/tls '$S'/system/signing '$S'/orgs/acme/*.csr \
		'$S'/orgs/acme/tls '$S'/system/tls.d/*"
done_testing
