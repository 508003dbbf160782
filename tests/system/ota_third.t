#!/bin/bash
# Enrollment over the air where another CA issues the certificates of devices.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
. tests/system/apple.sh
need curl openssl python3 pki

make_server
make_apple
apple_device SEVEN
certificate signer /CN=Signer 30 'keyUsage=digitalSignature'
cat "$P/ca.pem" >>"$P/signer.both.pem"
mkdir "$M/system/signing"
cp "$P/signer.both.pem" "$M/system/signing/"
S=$M/orgs/acme/scep
mkdir -p "$M/orgs/acme/enrollment" "$M/system/trust/apple-device" "$S"
: >"$M/orgs/acme/enrollment/open"
cp "$P/apple_ca.pem" "$M/system/trust/apple-device/"
cp "$P/ca.pem" "$M/system/trust/root.pem"

# The other CA: a second server.
PORT2=$(free_port)
N=$T/mnt2
mkdir "$N"
: >"$T/log2"
"$MDMFS" -f --listen "127.0.0.1:$PORT2" "$T/state2" "$N" 2>"$T/log2" &
server2=$!
second_cleanup()
{
	kill "$server2" 2>/dev/null
	wait "$server2" 2>/dev/null
	grep -q " $N fuse" /proc/self/mounts && fusermount3 -uz "$N"
	mdm_cleanup
}
trap second_cleanup EXIT
wait_until 'grep -q ^ready$ "$T/log2"'
mkdir -p "$N/system/tls" "$N/orgs/other/scep/challenges"
cp "$P/server.both.pem" "$N/system/tls/server.pem"
wait_until 'curl -s --cacert "$P/ca.pem" -o "$D/other.ca.der" \
	"https://localhost:$PORT2/scep/other?operation=GetCACert"'
openssl x509 -inform der -in "$D/other.ca.der" -out "$D/other.ca.pem"
python3 tests/system/relay.py "$PORT2" "$P/ca.pem" "$HOST" >"$T/relay.out" \
	2>"$T/relay.err" &
relay_pid=$!
wait_until '[ -s "$T/relay.out" ]'
RELAY_PORT=$(cat "$T/relay.out")
echo "https://localhost:$PORT2/scep/other" >"$S/url"
openssl x509 -in "$D/other.ca.pem" -noout -fingerprint -sha256 |
	sed 's/.*=//' >"$S/fingerprint"

# string NAME: a new one at that CA, which acme's profiles hand out
string()
{
	: >"$N/orgs/other/scep/challenges/$1"
	grep "^$1	" "$N/status/orgs/other/scep-challenges" | cut -f 4 \
		>"$S/challenge"
}

# there NAME ID CHALLENGE: a certificate of it
there()
{
	openssl genrsa -out "$D/$1.key" 2048 2>/dev/null
	openssl rsa -in "$D/$1.key" -outform der -out "$D/$1.rsa" 2>/dev/null
	pki --scep --url "http://127.0.0.1:$RELAY_PORT/scep/other" \
		--in "$D/$1.rsa" --dn "O=acme, CN=$1, OU=$2" --password "$3" \
		--cacert-enc "$D/other.ca.der" --cacert-sig "$D/other.ca.der" \
		--cipher des3 --outform pem >"$D/$1.pem" 2>"$D/$1.scep" &&
	[ -s "$D/$1.pem" ]
}

# id_in FILE PAYLOADS: the random name that the certificate must have
id_in()
{
	plist "$1" "[x[0][1] for x in [y for y in $2 if y['PayloadType'] ==
	    'com.apple.security.scep'][0]['PayloadContent']['Subject']
	    if x[0][0] == 'OU' or len(x[0][1]) == 32][-1]"
}

begin SEVEN
string STEP2
second SEVEN "$CHALLENGE"
is "$STATUS" 200 'with another CA step 2'
content "$T/SEVEN.2.answer"
is "$(plist "$T/SEVEN.2.answer.plist" \
	'payload("com.apple.security.scep")["PayloadContent"]["URL"]')" \
	"https://localhost:$PORT2/scep/other" 'sends the device there'
id=$(id_in "$T/SEVEN.2.answer.plist" 'p["PayloadContent"]')
there LIAR AAAA2222AAAA2222AAAA2222AAAA2222 \
	"$(its_challenge "$T/SEVEN.2.answer.plist")"
says SEVEN "$CHALLENGE"
signed x "$D/LIAR"
send /ota/acme x
refused 'a certificate of that CA for somebody else' 'does not hang on'
openssl req -x509 -key "$D/LIAR.key" -subj "/CN=$id" -days 9 -out \
	"$D/LIAR.pem"
signed x "$D/LIAR"
send /ota/acme x
refused 'the right name by another CA' 'was not issued by the CA at https://localhost'
string AGAIN
there SEVEN.id "$id" "$(cat "$S/challenge")"
string STEP3
third SEVEN "$CHALLENGE"
is "$STATUS" 200 'the certificate with that name, by that CA'
opened SEVEN
is "$(of SEVEN 'sorted(x)')" \
	"['com.apple.mdm', 'com.apple.security.root', 'com.apple.security.scep']" \
	'gets the profile, encrypted for it'
cp "$D/SEVEN.id.key" "$D/SEVEN.key"
cp "$D/SEVEN.id.pem" "$D/SEVEN.pem"
authenticate SEVEN acme
is "$STATUS" 400 'and is good for nothing else'
rm "$D/SEVEN.key" "$D/SEVEN.pem"
there SEVEN "$(id_in "$T/SEVEN.payloads" p)" \
	"$(of SEVEN 'x["com.apple.security.scep"]["PayloadContent"]["Challenge"]')"
authenticate SEVEN acme && [ "$STATUS" = 200 ] && token_update SEVEN acme
is "$STATUS" 200 'the device enrolls with the next one'
done_testing
