#!/bin/bash
# How an organization comes to its push certificate: with a vendor identity of
# our own, with mdmcert.download, and this server as the vendor of others.
# python and openssl play Apple, the service, and the reader of every file.
. tests/system/lib.sh
need openssl python3 curl xxd setpriv

P=$T/pki
mkdir "$P"
portal=$M/status/orgs/acme/apns.push-request

# refused COMMAND...: it must fail; why it did.
why() { cat "$M/status/last-error"; }
refused()
{
	if "$@" >/dev/null 2>&1; then
		echo 'it was taken'
	else
		why
	fi
}

# issue NAME ISSUER SUBJECT EXTENSION...: NAME.key, NAME.csr and NAME.pem
issue()
{
	i_name=$1 i_issuer=$2 i_subject=$3
	shift 3
	printf '%s\n' "$@" >"$P/ext"
	openssl req -new -newkey rsa:2048 -nodes -keyout "$P/$i_name.key" \
		-subj "$i_subject" -out "$P/$i_name.csr" 2>/dev/null &&
	openssl x509 -req -in "$P/$i_name.csr" -CA "$P/$i_issuer.pem" \
		-CAkey "$P/$i_issuer.key" -days 30 -extfile "$P/ext" \
		-out "$P/$i_name.pem" 2>/dev/null
}

# take_apart FILE: into $T/csr.der, $T/chain.pem, $T/signature; as Apple reads
# it: base64 of a property list with three strings, PEM lines of 64.
take_apart()
{
	python3 - "$1" "$T" <<'PY'
import base64, plistlib, sys
d = sys.argv[2]
p = plistlib.loads(base64.b64decode(open(sys.argv[1], "rb").read().strip(),
    validate=True), fmt=plistlib.FMT_XML)
assert set(p) == {"PushCertRequestCSR", "PushCertCertificateChain",
    "PushCertSignature"}, p.keys()
assert all(type(v) is str for v in p.values())
for key, name in ("PushCertRequestCSR", "csr.der"), \
        ("PushCertSignature", "signature"):
    open(f"{d}/{name}", "wb").write(base64.b64decode(p[key], validate=True))
chain = p["PushCertCertificateChain"]
open(f"{d}/chain.pem", "w").write(chain)
for block in chain.split("-----END CERTIFICATE-----\n")[:-1]:
    lines = block.splitlines()
    assert lines[0] == "-----BEGIN CERTIFICATE-----", lines[0]
    assert {len(l) for l in lines[1:-1]} == {64} and len(lines[-1]) <= 64
PY
}

# accepted FILE CSR WHAT: Apple would take FILE, and it holds CSR.
accepted()
{
	cat "$1" >"$T/upload" 2>/dev/null
	works "$3: python's plistlib reads it" take_apart "$T/upload"
	openssl req -in "$2" -outform der -out "$T/want.der" 2>/dev/null
	works "$3: it holds the request" cmp "$T/csr.der" "$T/want.der"
	works "$3: openssl verifies the signature" openssl dgst -sha256 \
		-verify "$P/vendor.pub" -signature "$T/signature" "$T/csr.der"
	cat "$P/vendor.pem" "$P/mid.pem" "$P/root.pem" >"$T/want.pem"
	works "$3: vendor, intermediate, root" cmp "$T/chain.pem" "$T/want.pem"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$P/root.key" -days 30 \
	-subj '/C=US/O=Apple Inc./CN=Apple Root CA' -out "$P/root.pem" \
	2>/dev/null
issue mid root "/CN=Apple Worldwide Developer Relations Certification \
Authority/OU=G3/O=Apple Inc./C=US" 'basicConstraints=critical,CA:TRUE'
issue vendor mid '/UID=ABCDE12345/CN=MDM Vendor: Acme Inc/O=Acme Inc/C=US' \
	'keyUsage=critical,digitalSignature'
openssl x509 -in "$P/vendor.pem" -pubkey -noout >"$P/vendor.pub"
openssl pkcs12 -export -in "$P/vendor.pem" -inkey "$P/vendor.key" \
	-passout pass:secret -out "$P/vendor.p12"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \
	"$P/ec.key" -subj '/CN=MDM Vendor: EC' -days 30 -addext \
	basicConstraints=CA:FALSE -out "$P/ec.crt" 2>/dev/null
cat "$P/ec.crt" "$P/ec.key" >"$P/ec.pem"

start_server
mkdir "$M/orgs/acme" "$M/orgs/acme/apns" "$M/orgs/umbrella" \
	"$M/orgs/umbrella/apns" "$M/system/vendor"

# ---- what is missing is said ------------------------------------------------

like "$(refused cat "$portal")" "write its subject first.*orgs/acme/apns/subject" \
	'no request yet: write the subject'
works 'the subject' sh -c "echo 'CN=admin@acme.example, C=US' \
	>'$M/orgs/acme/apns/subject'"
cp "$M/status/orgs/acme/apns.csr" "$P/acme.csr"
works 'openssl verifies the request' openssl req -verify -noout -in \
	"$P/acme.csr"
like "$(refused cat "$portal")" \
	'system/vendor/.*mdmcert.download.*status/orgs/acme/apns.csr' \
	'nobody has signed: the three ways'
like "$(cat "$M/status/system/vendor/identity")" '^state: none$' \
	'no vendor identity'
is "$(ls "$M/status/system/vendor")" identity 'and nothing signed'
like "$(refused cp "$P/ec.pem" "$M/system/vendor/")" 'RSA alone' \
	'a vendor certificate that is not RSA'
cp "$P/vendor.p12" "$M/system/vendor/"
like "$(refused cat "$portal")" 'there is no vendor' 'a locked one waits'
echo secret >"$M/system/vendor/password"
like "$(cat "$M/status/system/vendor/identity")" \
	'^subject: UID=ABCDE12345, CN=MDM Vendor: Acme Inc' \
	'with its password it is in effect'
like "$(refused cat "$portal")" 'AppleWWDRCAG3.cer from https://www.apple.com' \
	'the intermediate is missing: which, and where it is'
openssl x509 -in "$P/mid.pem" -outform der -out "$M/system/vendor/mid.cer"
like "$(refused cat "$portal")" 'AppleIncRootCertificate.cer' \
	'and so for the root'
cp "$P/root.pem" "$M/system/vendor/"
is "$(grep -c '^chain: ' "$M/status/system/vendor/identity")" 2 \
	'the chain is whole'

# ---- what Apple takes -------------------------------------------------------

accepted "$portal" "$P/acme.csr" 'our request'
cat "$portal" >"$T/again"
works 'the same bytes each time' cmp "$T/upload" "$T/again"
printf '%s\n' extendedKeyUsage=clientAuth keyUsage=digitalSignature \
	1.2.840.113635.100.6.3.2=DER:0500 >"$P/ext"
openssl x509 -req -in "$P/acme.csr" -CA "$P/mid.pem" -CAkey "$P/mid.key" \
	-days 365 -extfile "$P/ext" -subj \
	'/UID=com.apple.mgmt.External.1/CN=APSP:1/C=US' -out "$P/MDM_Acme.pem" \
	2>/dev/null
works "what the portal answers completes the request" cp "$P/MDM_Acme.pem" \
	"$M/orgs/acme/apns/"
like "$(cat "$M/status/orgs/acme/apns")" '^topic: com.apple.mgmt.External.1' \
	'the push certificate is in effect'
like "$(refused cat "$portal")" 'no request .* is pending' \
	'and nothing is pending'

# ---- the vendor of others ---------------------------------------------------

sign=$M/system/vendor/sign
out=$M/status/system/vendor
mkdir "$sign"
openssl req -new -newkey rsa:2048 -nodes -keyout "$P/other.key" -subj \
	'/CN=it@other.example/C=DE' -out "$P/other.csr" 2>/dev/null
openssl req -in "$P/other.csr" -outform der -out "$P/other.der"
openssl req -new -key "$P/ec.key" -subj /CN=ec -out "$P/curve.csr"
openssl req -new -newkey rsa:1024 -nodes -keyout "$P/weak.key" -subj /CN=weak \
	-out "$P/weak.csr" 2>/dev/null
sed '3s/.../AAA/' "$P/other.csr" >"$P/broken.csr"
like "$(refused cp "$P/other.key" "$sign/x.csr")" 'a private key' \
	'a key put there by mistake'
like "$(refused cp "$P/vendor.pem" "$sign/x.csr")" 'this is a certificate' \
	'a certificate put there by mistake'
like "$(refused cp "$P/curve.csr" "$sign/x.csr")" 'RSA keys of 2048' \
	'a request for another kind of key'
like "$(refused cp "$P/weak.csr" "$sign/x.csr")" 'RSA 1024' 'a weak key'
like "$(refused cp "$P/broken.csr" "$sign/x.csr")" EBADMSG 'a damaged request'
like "$(refused cp "$T/upload" "$sign/x.csr")" 'signed already' \
	'what is signed already'
like "$(refused sh -c "cat '$P/weak.csr' >'$sign/x.csr'")" 'RSA 1024' \
	'a shell hears it, too'
like "$(refused cp "$P/other.csr" "$sign/x.pem")" EPERM 'another name'
is "$(ls "$sign")" '' 'and none of it is there'
works 'a request is taken' cp "$P/other.csr" "$sign/other.csr"
cp "$P/other.der" "$sign/two words.csr"
is "$(ls "$out")" "$(printf '%s\n' identity other.push-request \
	'two words.push-request')" 'it appears signed, and one in DER, too'
accepted "$out/other.push-request" "$P/other.csr" "another's request"
accepted "$out/two words.push-request" "$P/other.csr" 'one in DER'
like "$(grep 'vendor: the request of' "$M/events" | head -n 1)" \
	"CN=it@other.example, C=DE for the key RSA 2048 bits \(sha256 $(
	openssl req -in "$P/other.csr" -pubkey -noout | openssl pkey -pubin \
	-outform der | sha256sum | cut -d ' ' -f 1)\) is signed by MDM Vendor" \
	'an event says for whom and for which key'
mv "$sign/two words.csr" "$sign/renamed.csr"
rm "$sign/other.csr"
is "$(ls "$out")" "$(printf '%s\n' identity renamed.push-request)" \
	'renamed and removed ones follow'
fails 'a signed request is not to be written' sh -c "echo x \
	>'$out/renamed.push-request'"
rm "$M/system/vendor/root.pem"
wait_gone()
{
	for _ in $(seq 100); do
		cat "$out/renamed.push-request" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	return 1
}
works 'without the root nothing is signed any more' wait_gone
like "$(why)" 'status/system/vendor/renamed.push-request' \
	'the refusal names the file'
rm "$M/system/vendor/vendor.p12" "$M/system/vendor/mid.cer"

# ---- mdmcert.download -------------------------------------------------------

echo 'CN=admin@acme.example, C=US' >"$M/orgs/umbrella/apns/subject"
cp "$M/status/orgs/umbrella/apns.csr" "$P/umbrella.csr"
request=$M/status/orgs/umbrella/apns.mdmcert-request
fails 'no account, no request for the service' cat "$request"
like "$(refused sh -c "echo 'mail: a@b' >'$M/orgs/umbrella/apns/mdmcert'")" \
	'email: ADDRESS' 'a typo'
echo 'email: ann@umbrella.example' >"$T/mdmcert"
like "$(refused cp "$T/mdmcert" "$M/orgs/umbrella/apns/")" \
	'mdmfs has none of its own' 'no service key'
echo 'key: f00dfeed' >>"$T/mdmcert"
works 'the account' cp "$T/mdmcert" "$M/orgs/umbrella/apns/"
is "$(stat -c %a "$request")" 400 'the request holds the key: for its owner'
fails 'nobody else reads it' setpriv --reuid 65534 --regid 65534 \
	--clear-groups cat "$request"

# The service: one request, kept as it came.
python3 - "$T" <<'PY' &
import http.server, os, sys
d = sys.argv[1]
class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open(d + "/posted", "wb").write(body)
        open(d + "/head", "w").write(self.path + "\n" + str(self.headers))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"result":"success"}')
    def log_message(self, *args):
        pass
s = http.server.HTTPServer(("127.0.0.1", 0), Service)
open(d + "/port.new", "w").write(str(s.server_port))
os.rename(d + "/port.new", d + "/port")
s.handle_request()
PY
service=$!
until [ -s "$T/port" ]; do
	sleep 0.1
done
is "$(curl -sS -A micromdm/certhelper -H 'Content-Type: application/json' \
	--data-binary @"$request" \
	"http://127.0.0.1:$(cat "$T/port")/api/v1/signrequest")" \
	'{"result":"success"}' "the manual's curl line sends it"
wait "$service"
like "$(cat "$T/head")" '^User-Agent: micromdm/certhelper' 'as the service wants'
python3 - "$T" <<'PY'
import base64, json, sys
d = sys.argv[1]
j = json.load(open(d + "/posted"))
open(d + "/account", "w").write(f'{sorted(j)} {j["email"]} {j["key"]}')
for k in "csr", "encrypt":
    open(f"{d}/{k}.pem", "wb").write(base64.b64decode(j[k], validate=True))
PY
is "$(cat "$T/account")" \
	"['csr', 'email', 'encrypt', 'key'] ann@umbrella.example f00dfeed" \
	'JSON with the four strings'
works 'the request in it is the one that is pending' cmp "$T/csr.pem" \
	"$P/umbrella.csr"
is "$(openssl x509 -in "$T/encrypt.pem" -pubkey -noout | openssl pkey -pubin \
	-text -noout | head -n 1)" 'Public-Key: (2048 bit)' \
	'and an RSA certificate for the answer'

# answer CSR CERTIFICATE: the mail's attachment, by openssl alone
answer()
{
	openssl req -in "$1" -outform der -out "$T/a.der"
	openssl dgst -sha256 -sign "$P/vendor.key" -out "$T/a.sig" "$T/a.der"
	python3 - "$T" "$P" <<'PY'
import base64, plistlib, sys
d, p = sys.argv[1:]
b = lambda n: base64.b64encode(open(n, "rb").read()).decode()
chain = "".join(open(f"{p}/{n}.pem").read() for n in ("vendor", "mid", "root"))
open(d + "/plist.b64", "wb").write(base64.b64encode(plistlib.dumps({
    "PushCertRequestCSR": b(d + "/a.der"),
    "PushCertCertificateChain": chain,
    "PushCertSignature": b(d + "/a.sig")})))
PY
	openssl cms -encrypt -binary -des3 -in "$T/plist.b64" -outform der \
		-out "$T/a.p7" "$2" && xxd -p "$T/a.p7"
}

to=$M/orgs/umbrella/apns/mdmcert-answer
answer "$P/umbrella.csr" "$P/vendor.pem" >"$T/foreign"
like "$(refused cp "$T/foreign" "$to")" 'encrypted for somebody else' \
	'an answer to somebody else'
answer "$P/other.csr" "$T/encrypt.pem" >"$T/other"
like "$(refused cp "$T/other" "$to")" \
	'CN=it@other.example.*pending is the request of CN=admin@acme.example' \
	'an answer to another request, by name'
like "$(refused cp "$T/plist.b64" "$to")" 'hexadecimal digits, as it came' \
	'an answer that was decoded already'
answer "$P/umbrella.csr" "$T/encrypt.pem" >"$T/answer"
head -c 1000 "$T/answer" >"$T/cut"
like "$(refused cp "$T/cut" "$to")" 'EBADMSG' 'one that was cut short'
like "$(refused cp "$T/answer" "$M/orgs/acme/apns/mdmcert-answer")" \
	'no request to mdmcert.download was made' 'in another organization'
works 'the answer' cp "$T/answer" "$to"
mine=$M/status/orgs/umbrella/apns.push-request
cat "$mine" >"$T/got" 2>/dev/null
works 'what was in it is the file for the portal, unchanged' cmp "$T/got" \
	"$T/plist.b64"
accepted "$mine" "$P/umbrella.csr" "the service's"
cat "$P/vendor.pem" "$P/vendor.key" "$P/mid.pem" "$P/root.pem" >"$P/all.pem"
cp "$P/all.pem" "$M/system/vendor/"
cat "$mine" >"$T/got"
works 'it stays so with a vendor identity' cmp "$T/got" "$T/plist.b64"
stop_server
start_server
cat "$mine" >"$T/got"
works 'and after a restart' cmp "$T/got" "$T/plist.b64"
works 'where the requests of others are there, too' test -e \
	"$out/renamed.push-request"
echo 'CN=new@umbrella.example, C=US' >"$M/orgs/umbrella/apns/subject"
cp "$M/status/orgs/umbrella/apns.csr" "$P/new.csr"
accepted "$mine" "$P/new.csr" 'with a new request the vendor identity'

done_testing
