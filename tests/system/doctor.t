#!/bin/bash
# What the doctor says of an installation that is set up step by step, of a push
# service that takes or refuses its certificate, and to whom.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 node script setpriv

make_pki
# a root that outlives what it signs
openssl x509 -in "$P/ca.pem" -key "$P/ca.key" -days 900 -out "$P/ca.long.pem" \
	2>"$T/openssl"
mv "$P/ca.long.pem" "$P/ca.pem"
cat "$P/server.pem" "$P/server.key" "$P/ca.pem" >"$P/server.both.pem"
# as if Apple had issued it
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$P/apple.key" -out "$P/apple.pem" -days 30 \
	-subj '/O=Apple Inc./CN=Apple' 2>"$T/openssl"
apple_push()
{
	push_certificate "$1" "$TOPIC" &&
	openssl x509 -req -in "$P/$1.csr" -CA "$P/apple.pem" \
		-CAkey "$P/apple.key" -days 365 -out "$P/$1.pem" \
		-extfile "$P/$1.ext" 2>"$T/openssl" &&
	cat "$P/$1.pem" "$P/$1.key" >"$P/$1.both.pem"
}
apple_push first
apple_push second
certificate signer /CN=Signer 365 'extendedKeyUsage=emailProtection' \
	'keyUsage=digitalSignature'
cat "$P/ca.pem" >>"$P/signer.both.pem"
start_pushd
serve
page=$M/status/doctor

# challenge ORG: out of a profile that is signed
challenge()
{
	openssl cms -verify -noverify -inform der -out "$T/profile" \
		-in "$M/status/orgs/$1/enroll.mobileconfig" 2>"$T/openssl" &&
	plist "$T/profile" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

# check NAME [WHOSE]: its line
check()
{
	grep "^[a-zA-Z]*	$1	${2:--}	" "$page"
}

# state NAME [WHOSE]
state()
{
	check "$@" | cut -f 1
}

# doctor [OPTION...]: CODE, and $T/doctor
doctor()
{
	"$MDMFS" doctor "$@" "$M" >"$T/doctor" 2>&1
	CODE=$?
}

# probes: how often the service was asked
probes()
{
	pushes 0000000000000000000000000000000000000000000000000000000000000000
}

# ---- step by step -----------------------------------------------------------

is "$(state url)" FAIL 'a new server has no URL'
is "$(state tls.own)" warn 'and a certificate of its own'
doctor
is "$CODE" 2 'mdmfs doctor says: critical'
is "$(head -n 1 "$T/doctor" | cut -f 1,2)" "FAIL	url" 'the worst first'
cat "$page" >"$T/page"
works 'to a file or a pipe it gives the page itself' cmp "$T/page" "$T/doctor"
mkdir "$M/system/tls" "$M/system/signing" "$M/orgs/acme"
cp "$P/server.both.pem" "$M/system/tls/server.pem"
echo https://other.example.com >"$M/system/url"
like "$(check tls.names)" 'FAIL.*other\.example\.com.*mdm\.example\.com' \
	'a URL that the certificate does not have: both names'
echo "https://$HOST:$PORT" >"$M/system/url"
is "$(state tls.names)" pass 'until it is another'
like "$(check push.present acme)" '^FAIL.*orgs/acme/apns/' \
	'an organization without push certificate: where it goes'
is "$(state signing.present)" warn 'nothing signs profiles'
cp "$P/signer.both.pem" "$M/system/signing/"
is "$(state signing.present)" pass 'until something does'
like "$(check signing.root)" '^pass.*goes along' \
	'its root goes to devices with that of the HTTPS certificate'
mkdir "$M/orgs/acme/apns"
cp "$P/first.both.pem" "$M/orgs/acme/apns/push.pem"
soon '[ "$(state push.live acme)" = pass ]' \
	'a new push certificate is tried by itself: taken'
like "$(grep apns: "$M/events")" 'takes the push certificate of acme' \
	'with an event'
is "$(probes)" 1 'by one push'
doctor
is "$CODE" 1 'all but one: a warning'
is "$(head -n 1 "$T/doctor" | cut -f 2,5)" \
	"push.account	echo name@example.com > orgs/acme/apns/apple-account" \
	'with the command that helps'
echo it@acme.example >"$M/orgs/acme/apns/apple-account"
doctor
is "$CODE" 0 'then all is well'
is "$(cut -f 1 "$T/doctor" | sort -u)" pass 'every check passes'

# ---- for cron ---------------------------------------------------------------

doctor --days 10
is "$CODE" 0 'nothing ends within 10 days'
doctor --days 40
is "$CODE" 2 'something does within 40'
like "$(head -n 1 "$T/doctor")" '^FAIL	tls\.end.*days-left=(29|30)	renew' \
	'the HTTPS certificate'
"$MDMFS" doctor "$T" >"$T/doctor" 2>&1
is "$?" 3 'no mount: unknown'
like "$(cat "$T/doctor")" '^UNKNOWN	.*status/doctor' 'which is said'
"$MDMFS" doctor --days x "$M" >"$T/doctor" 2>&1
is "$?" 3 'other words: unknown, too'
script -qec "$MDMFS doctor $M" /dev/null </dev/null | tr -d '\r' >"$T/pretty"
is "${PIPESTATUS[0]}" 0 'in a terminal'
is "$(awk 'length > 80' "$T/pretty")" '' 'no line is longer than 80'
like "$(cat "$T/pretty")" '^pass  push\.live of acme$' 'checks have headings'
like "$(tail -n 1 "$T/pretty")" '^0 fail, 0 warn, [0-9]+ pass$' \
	'and are counted'

# ---- the push service -------------------------------------------------------

push_control /next '{"status":403,"reason":"BadCertificate"}' >"$T/out"
works 'live written there asks again' sh -c "echo live >'$page'"
soon '[ "$(state push.live acme)" = FAIL ]' 'a refusal fails'
like "$(check push.live acme)" '403 BadCertificate.*it@acme\.example' \
	"with Apple's reason, and the account to look at"
doctor
is "$CODE" 2 'and is critical'
like "$(grep apns: "$M/events" | tail -n 1)" 'refuses .* of acme.*revoked' \
	'and an event'
stop_pushd
echo live >"$page"
soon '[ "$(state push.live acme)" = warn ]' 'a service that is down: a warning'
like "$(check push.live acme)" "could not be asked.*localhost:$PUSH_PORT" \
	'which address does not answer'
doctor
is "$CODE" 1 'is a warning'
start_pushd
before=$(probes)
echo live >"$page"
soon '[ "$(state push.live acme)" = pass ]' 'it is back'
cp "$P/second.both.pem" "$M/orgs/acme/apns/push.pem"
soon '[ "$(probes)" = "$((before + 2))" ]' 'a renewed certificate is tried'
soon '[ "$(state push.live acme)" = pass ]' 'and taken'
again
start_relay
enroll DOCTOR acme
ok $? 'a device enrolls'
echo ProfileList >"$M/devices/DOCTOR/commands/a"
soon '[ "$(pushes "$(token DOCTOR)")" = 1 ]' 'it is pushed after a restart'
is "$(probes)" "$((before + 2))" 'which asks nothing that is known'
like "$(check push.topic acme)" '^pass.*devices \(1\)' 'its topic is watched'
is "$(errno_of write "$page" dead)" EPROTO 'another word is refused'
like "$(cat "$M/status/last-error")" '"live"' 'and the right one named'

# ---- for whom ---------------------------------------------------------------

mkdir "$M/orgs/umbrella"
chmod 700 "$M/orgs/umbrella" "$M/orgs/acme"
chown 65534 "$M/orgs/acme"
nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
is "$(state push.present umbrella)" FAIL 'root sees every organization'
nobody cat "$page" >"$T/page"
is "$(cut -f 3 "$T/page" | sort -u | tr '\n' ' ')" '- acme ' \
	"a delegated user sees the server's checks and his own"
is "$(grep -c umbrella "$T/page")" 0 'and nothing of others'
nobody "$MDMFS" doctor "$M" >"$T/doctor"
is "$?" 0 'his is well'
doctor
is "$CODE" 2 'while the whole is not'
fails 'he cannot ask the push service' \
	nobody sh -c "echo live >'$page'"
is "$(stat -c '%a %U' "$page")" '644 root' 'as the mode says'

done_testing
