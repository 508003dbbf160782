#!/bin/bash
# Another CA issues the certificates of devices: a second mdmfs, and micromdm's
# scepserver; directly and through the proxy.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki scepserver scepclient

make_server
start_relay
mkdir "$M/system/trust"
S=$M/orgs/acme/scep
mkdir "$S"

# The other server.
PORT2=$(free_port)
N=$T/mnt2
mkdir "$N"
: >"$T/log2"
"$MDMFS" -f --listen "127.0.0.1:$PORT2" "$T/state2" "$N" 2>"$T/log2" &
server2=$!
third_cleanup()
{
	kill "$server2" ${relay2:+"$relay2"} ${scepserver:+"$scepserver"} \
		${www:+"$www"} 2>/dev/null
	wait "$server2" 2>/dev/null
	grep -q " $N fuse" /proc/self/mounts && fusermount3 -uz "$N"
	mdm_cleanup
}
trap third_cleanup EXIT
wait_until 'grep -q ^ready$ "$T/log2"'
mkdir "$N/system/tls" "$N/orgs/other" "$N/orgs/other/scep" \
	"$N/orgs/other/scep/challenges"
cp "$P/server.both.pem" "$N/system/tls/server.pem"
wait_until 'curl -s --cacert "$P/ca.pem" -o "$D/other.ca.der" \
	"https://localhost:$PORT2/scep/other?operation=GetCACert"'
python3 tests/system/relay.py "$PORT2" "$P/ca.pem" "$HOST" >"$T/relay2.out" \
	2>"$T/relay2.err" &
relay2=$!
wait_until '[ -s "$T/relay2.out" ]'
RELAY2=$(cat "$T/relay2.out")
openssl x509 -inform der -in "$D/other.ca.der" -out "$D/other.ca.pem"
PIN=$(openssl x509 -in "$D/other.ca.pem" -noout -fingerprint -sha256 |
	sed 's/.*=//')

# profile: as status/ shows it now, in $D/acme.mobileconfig
profile()
{
	cat "$M/status/orgs/acme/enroll.mobileconfig" >"$D/acme.mobileconfig" \
		2>/dev/null
}
part()
{
	plist "$D/acme.mobileconfig" \
	    "payload('com.apple.security.scep')['PayloadContent']$1"
}
why()
{
	cat "$M/status/last-error"
}

# ---- the right CA -------------------------------------------------------------

echo 'not a string' >"$N/orgs/other/scep/challenges/ANY1"
echo "https://localhost:$PORT2/scep/other" >"$S/url"
echo 'not a string' >"$S/challenge"
fails 'a CA whose HTTPS certificate is not trusted' profile
like "$(why)" 'is not trusted.* system/trust/' 'is told with the way out'
cp "$P/ca.pem" "$M/system/trust/root.pem"
echo 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff \
	>"$S/fingerprint"
fails 'a CA that has not the pinned certificate' profile
like "$(why)" 'no CA certificate that it shows has the fingerprint' 'is told'
like "$(why)" "$(printf %s "$PIN" | tr -d : | tr A-F a-f)" \
	'with the fingerprint that it has'
echo "$PIN" >"$S/fingerprint"
works 'the pinned one is taken' profile
like "$(grep 'scep: the CA at' "$M/events" | tail -n 1)" 'is other Device CA' \
	'an event names it'
is "$(part '["URL"]')" "https://localhost:$PORT2/scep/other" \
	'the profile sends devices there'
is "$(part '["CAFingerprint"].hex()')" "$(printf %s "$PIN" | tr -d : |
	tr A-F a-f)" 'and pins it, too'
is "$(part '["Challenge"]')" 'not a string' 'with its challenge'
ID=$(part '["Subject"][1][0][1]')
like "$ID" '^[A-Z2-9]{32}$' 'and a random name'
like "$(cat "$M/status/orgs/acme/scep")" "^third-party: https://localhost" \
	'the page of the organization names the CA'

# ---- who may speak ------------------------------------------------------------

# issue NAME ORG CN CHALLENGE: by strongSwan, at the other CA itself
issue()
{
	openssl genrsa -out "$D/$1.key" 2048 2>/dev/null
	openssl rsa -in "$D/$1.key" -outform der -out "$D/$1.rsa" 2>/dev/null
	pki --scep --url "http://127.0.0.1:$RELAY2/scep/$2" \
		--in "$D/$1.rsa" --dn "O=acme, CN=$3" --password "$4" \
		--cacert-enc "$D/other.ca.der" --cacert-sig "$D/other.ca.der" \
		--cipher des3 --outform pem >"$D/$1.pem" 2>"$D/$1.scep" &&
	[ -s "$D/$1.pem" ]
}
# string NAME: at the other CA, good once
string()
{
	: >"$N/orgs/other/scep/challenges/$1"
	grep "^$1	" "$N/status/orgs/other/scep-challenges" | cut -f 4
}
rm "$N/orgs/other/scep/challenges/ANY1"

issue stranger other stranger "$(string STRANGER)"
authenticate stranger acme
is "$STATUS" 400 'a certificate of that CA with another name may not speak'
issue guess other ABCDEFGHJKLMNPQRSTUVWXYZ23456789 "$(string GUESS)"
authenticate guess acme
is "$STATUS" 400 'nor with a name that nobody was given'
like "$(tail -n 2 "$T/log.now")" 'nor for an enrollment profile' \
	'the log says why'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$D/forged.key" -days 2 \
	-subj "/O=acme/CN=$ID" -out "$D/forged.pem" 2>/dev/null
authenticate forged acme
is "$STATUS" 400 'nor the right name from nobody'
like "$(tail -n 2 "$T/log.now")" 'not issued by the CA at' 'the log says why'

# The string names the device at the other CA; here the profile's name counts.
issue one other "$ID" "$(string ONE)"
authenticate one acme
is "$STATUS" 200 'the one that the profile asked for may'
token_update one acme
is "$STATUS" 200 'and the device enrolls'
like "$(cat "$M/events")" 'scep: certificate [0-9A-F]* of .*CN=other Device CA accepted for device=one' \
	'an event tells it'
issue two other "$ID" "$(string TWO)"
authenticate two acme
is "$STATUS" 400 'a second certificate with that name may not'
like "$(tail -n 2 "$T/log.now")" 'second certificate for one enrollment' \
	'the log says why'
profile
ok "$([ "$(part '["Subject"][1][0][1]')" != "$ID" ]; echo $?)" \
	'the next profile has another name'
is "$(fetch '/scep/acme?operation=GetCACert' -o "$T/body" -w '%{http_code}')" \
	404 'the built-in CA does not answer for the organization'

echo 'CN=%SERIAL%, O=%ORG%' >"$S/subject"
profile
like "$(part '["Subject"]')" "^\[\[\['O', 'acme'\]\], \[\['OU', '[A-Z2-9]{32}'" \
	'a template without %ID% has it appended'
rm "$S/subject"

# ---- through the proxy, to scepserver -----------------------------------------

mkdir "$T/depot" "$T/client"
(cd "$T" && scepserver ca -init -depot depot) >/dev/null 2>&1
SCEP_PORT=$(free_port)
scepserver -depot "$T/depot" -port "$SCEP_PORT" -challenge secret1 \
	-allowrenew 0 >"$T/scepserver.log" 2>&1 &
scepserver=$!
wait_until 'curl -s -o "$T/caps" \
	"http://127.0.0.1:$SCEP_PORT/scep?operation=GetCACaps"'
echo "http://127.0.0.1:$SCEP_PORT/scep" >"$S/url"
echo secret1 >"$S/challenge"
openssl x509 -in "$T/depot/ca.pem" -noout -fingerprint -sha1 |
	sed 's/.*=//' >"$S/fingerprint"
touch "$S/proxy"
works 'scepserver is taken by a SHA-1 fingerprint' profile
URL=$(part '["URL"]')
like "$URL" "^https://$HOST:$PORT/scep/acme/[A-Z2-9]{32}$" \
	'the profile sends devices to us'
ID=$(part '["Subject"][1][0][1]')
LOCAL=http://127.0.0.1:$RELAY_PORT/scep/acme
is "$(curl -s "$LOCAL/$ID?operation=GetCACaps")" "$(cat "$T/caps")" \
	'GetCACaps goes through'
is "$(curl -s -o "$T/ca.der" -w '%{http_code} %{content_type}' \
	"$LOCAL/$ID?operation=GetCACert&message=x")" \
	"$(curl -s -o "$T/ca2.der" -w '%{http_code} %{content_type}' \
	"http://127.0.0.1:$SCEP_PORT/scep?operation=GetCACert")" \
	'GetCACert with status and type'
works 'and bytes' cmp "$T/ca.der" "$T/ca2.der"
is "$(curl -s -o "$T/body" -w '%{http_code}' "$LOCAL?operation=GetCACert")" \
	404 'without a profile nobody gets through'
is "$(curl -s -o "$T/body" -w '%{http_code}' \
	"$LOCAL/ABCDEFGHJKLMNPQRSTUVWXYZ23456789?operation=GetCACert")" 404 \
	'nor with an invented one'
is "$(curl -s -o "$T/body" -w '%{http_code}' --data-binary hello \
	"$LOCAL/$ID?operation=PKIOperation")" 400 \
	'what is no message does not get through'

# client CHALLENGE: micromdm's, in $T/client
client()
{
	rm -rf "$T/client"
	mkdir "$T/client"
	(cd "$T/client" && scepclient -server-url "$LOCAL/$ID" -challenge "$1" \
		-private-key k.pem -certificate c.pem -cn "$ID" \
		-organization acme) >"$T/client.out" 2>&1 &&
		[ -s "$T/client/c.pem" ]
}
fails 'a wrong challenge is refused' client wrong
like "$(tail -n 4 "$M/events")" \
	'scep: passed on to the other CA: refused: .*transaction .*from' \
	'an event tells what the CA said'
works 'a client enrolls through us' client secret1
like "$(tail -n 4 "$M/events")" 'scep: passed on to the other CA: issued' \
	'an event tells it'
works 'its certificate is of that CA' openssl verify -CAfile \
	"$T/depot/ca.pem" "$T/client/c.pem"
cp "$T/client/c.pem" "$D/proxied.pem"
cp "$T/client/k.pem" "$D/proxied.key"
authenticate proxied acme
is "$STATUS" 200 'and may speak'
token_update proxied acme
is "$STATUS" 200 'the device enrolls'

profile
ID=$(part '["Subject"][1][0][1]')
kill "$scepserver"
wait "$scepserver" 2>/dev/null
is "$(curl -s -o "$T/body" -w '%{http_code}' \
	"$LOCAL/$ID?operation=GetCACaps")" 502 'a CA that is away is a 502'
like "$(tail -n 2 "$M/events")" 'scep: not passed on: .*cannot be reached' \
	'an event tells it'
works 'profiles are made as long as the CA is known' profile
rm -r "$M/devices/proxied" 2>/dev/null || rmdir "$M/devices/proxied"
idle proxied acme
is "$STATUS" 400 'a device that was removed may not speak any more'
grep -qF -e secret1 -e 'not a string' "$M/events" "$T/log"
is "$?" 1 'no event and no log has a challenge'

# ---- through the proxy, to what is no CA --------------------------------------
# Who may write scep/url must not read what this machine alone can reach.

mkdir "$T/www"
: >"$T/www/GetCACaps"
cp "$T/ca.der" "$T/www/GetCACert"
python3 -c '
import http.server, os, re, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        operation = re.search("operation=([A-Za-z]*)", self.path).group(1)
        found = not self.path.startswith("/none")
        with open(os.path.join(sys.argv[1], operation), "rb") as f:
            body = f.read() if found else b"<p>internal</p>"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()' "$T/www" >"$T/www.port" 2>>"$T/www.log" &
www=$!
wait_until '[ -s "$T/www.port" ]'
WWW=$(cat "$T/www.port")
echo "http://127.0.0.1:$WWW/page" >"$S/url"
works 'a CA that says nothing of what it can is taken' profile
echo internal >"$T/www/GetCACaps"
: >"$T/www.log"
is "$(curl -s "$LOCAL/$ID?operation=GetCACaps")" '' \
	'of an answer to GetCACaps what SCEP knows goes through'
curl -s -o "$T/body" \
	"$LOCAL/$ID?operation=GetCACaps&operation=PKIOperation&message=a%20b"
curl -s -o "$T/body" --data-binary hello "$LOCAL/$ID?operation=GetCACaps"
is "$(grep -o '"[A-Z]* /page?.*"' "$T/www.log" | sort -u)" \
	'"GET /page?operation=GetCACaps HTTP/1.1"
"GET /page?operation=GetCACaps&message=a%20b HTTP/1.1"' \
	'that server hears one operation, the one that was judged'
echo "http://127.0.0.1:$WWW/none" >"$S/url"
is "$(curl -s -w ' %{http_code}' "$LOCAL/$ID?operation=GetCACaps" |
	tr -d '\n')" "The certificate authority behind this address answers \
with HTTP 404. 404" 'a page of an error stays here'
kill "$www"

rm "$S/url" "$S/proxy"
is "$(fetch '/scep/acme?operation=GetCACert' -o "$T/body" -w '%{http_code}')" \
	200 'without url the built-in CA is back'

done_testing
