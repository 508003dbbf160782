#!/bin/bash
# Certificates are replaced under load: HTTPS, push and signing, by cp, while
# clients come and stay, devices are pushed and profiles are read.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki node xxd sha256sum
replace=${B:-build}/tests/programs/replace
ROUNDS=8

make_pki
for i in $(seq 0 $((ROUNDS - 1))); do
	certificate "server$i" "/CN=$HOST" 30 'extendedKeyUsage=serverAuth' \
		"subjectAltName=DNS:$HOST,DNS:localhost,IP:127.0.0.1"
	push_certificate "push$i" "$TOPIC"
	certificate "sign$i" "/CN=Signer $i" 30 'keyUsage=digitalSignature'
done
start_pushd
serve
mkdir "$M/system/tls" "$M/orgs/acme" "$M/orgs/acme/apns" \
	"$M/orgs/acme/signing" "$M/orgs/acme/enrollment"
cp "$P/server0.both.pem" "$M/system/tls/server.pem"
cp "$P/push0.both.pem" "$M/orgs/acme/apns/push.pem"
cp "$P/sign0.both.pem" "$M/orgs/acme/signing/sign.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
: >"$M/orgs/acme/enrollment/open"
profile=$M/status/orgs/acme/enroll.mobileconfig

# content FILE: what a signed profile holds, in FILE.content
content()
{
	openssl cms -verify -inform der -in "$1" -CAfile "$P/ca.pem" -purpose \
		any -binary -out "$1.content" -signer "$1.signer" 2>"$T/cms"
}
cat "$profile" >"$T/first"
content "$T/first"
start_relay
A=REPLACE-A
openssl genrsa -out "$D/$A.key" 2048 2>/dev/null
scep "$A" acme "$(plist "$T/first.content" \
    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]')" &&
authenticate "$A" acme && token_update "$A" acme && [ "$STATUS" = 200 ]
ok $? 'a device enrolls'
tok=$(token "$A")

# ---- the load ---------------------------------------------------------------

: >"$T/go"
load=
# Each client writes a dot for a success, a line for a failure.
for i in 1 2; do
	(while [ -e "$T/go" ]; do
		if fetch /healthz -o /dev/null 2>"$T/new$i.err"; then
			printf .
		else
			printf '\n%s\n' "$(cat "$T/new$i.err")"
		fi
	done) >"$T/new$i" &
	load="$load $!"
done
(while [ -e "$T/go" ]; do
	if fetch /enroll/acme -o "$T/read" && cat "$profile" >"$T/read2"; then
		printf .
	else
		printf '\n%s\n' "$(cat "$M/status/last-error")"
	fi
done) >"$T/reads" 2>&1 &
load="$load $!"
python3 - "$PORT" "$P/ca.pem" "$HOST" "$T/go" >"$T/kept" 2>&1 <<'PY' &
import http.client, os, socket, ssl, sys, time
port, ca, host, go = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
raw = socket.create_connection(('127.0.0.1', port))
tls = ssl.create_default_context(cafile=ca).wrap_socket(
    raw, server_hostname=host)
c = http.client.HTTPSConnection(host, port)
c.sock = tls
n = 0
while os.path.exists(go):
    c.request('GET', '/healthz')
    r = c.getresponse()
    r.read()
    if r.status != 200 or c.sock is not tls:
        print('lost after', n)
        sys.exit(1)
    n += 1
    time.sleep(0.01)
print('kept')
PY
kept=$!

# ---- the replacements -------------------------------------------------------

serial_of()
{
	openssl x509 -in "$1" -noout -serial | sed 's/^serial=//'
}
shown()
{
	openssl s_client -connect "127.0.0.1:$PORT" -servername "$HOST" \
		</dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null |
		sed 's/^serial=//'
}
bad_tls='' bad_sign='' bad_push=''
pushed=0
for i in $(seq 1 $ROUNDS); do
	c=$((i % ROUNDS))
	cp "$P/server$c.both.pem" "$M/system/tls/server.pem" &&
		cp "$P/push$c.both.pem" "$M/orgs/acme/apns/push.pem" &&
		cp "$P/sign$c.both.pem" "$M/orgs/acme/signing/sign.pem" ||
		bad_tls="$bad_tls cp-$c"
	want=$(serial_of "$P/server$c.pem")
	wait_until '[ "$(shown)" = "$want" ]' 5 || bad_tls="$bad_tls $c"
	cat "$profile" >"$T/p"
	content "$T/p"
	openssl x509 -in "$T/p.signer" -noout -subject |
		grep -q "CN = Signer $c\$" || bad_sign="$bad_sign $c"
	fetch /enroll/acme -o "$T/p"
	content "$T/p"
	openssl x509 -in "$T/p.signer" -noout -subject |
		grep -q "CN = Signer $c\$" || bad_sign="$bad_sign http-$c"
	pushed=$((pushed + 1))
	echo now >"$M/devices/$A/push"
	wait_until '[ "$(pushes "$tok")" -ge "$pushed" ]' 5 ||
		bad_push="$bad_push lost-$c"
	want=$(serial_of "$P/push$c.pem")
	[ "$(grep "\"token\":\"$tok\"" "$T/pushes" | tail -n 1 |
		sed 's/.*"serial":"\([0-9A-F]*\)".*/\1/')" = "$want" ] ||
		bad_push="$bad_push $c"
done
is "$bad_tls" '' 'each new HTTPS certificate is shown to who comes next'
is "$bad_sign" '' 'each new signer signs the profiles that are read next'
is "$bad_push" '' 'each new push certificate sends the next push'
is "$(pushes "$tok")" "$ROUNDS" 'no push is lost, none is sent twice'
is "$(grep "\"token\":\"$tok\"" "$T/pushes" | grep -vc '"status":200')" 0 \
	'and all were taken'

# ---- what the load saw ------------------------------------------------------

rm "$T/go"
wait "$kept"
is "$(tail -n 1 "$T/kept")" kept 'a connection that stands goes on'
# shellcheck disable=SC2086 # numbers
wait $load
for f in new1 new2 reads; do
	is "$(tr -d '.' <"$T/$f" | grep -v '^$')" '' "nothing failed: $f"
	[ "$(tr -cd . <"$T/$f" | wc -c)" -ge 5 ]
	ok $? 'and there was load'
done

# ---- ten thousand times, if asked -------------------------------------------

"$replace" "${REPLACEMENTS:-60}" "$T" >"$T/many" 2>&1
ok $? "tests/programs/replace ${REPLACEMENTS:-60}"
grep -E '^(#|not ok|Bail)' "$T/many" | sed 's/^/# /'

done_testing
