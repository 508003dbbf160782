#!/bin/bash
# Challenges from NDES's page, which an Apache plays: NTLM as Windows speaks it
# (checked by gss-ntlmssp, which nobody here wrote), Basic over TLS, the pages
# in their encodings, and each of its failures.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 iconv apache2 scepserver scepclient
[ -e /usr/lib/apache2/modules/mod_auth_gssapi.so ] || need mod_auth_gssapi

make_server
start_relay
mkdir "$M/system/trust"
cp "$P/ca.pem" "$M/system/trust/root.pem"
S=$M/orgs/acme/scep
mkdir "$S"
SECRET=0123456789ABCDEF

# ---- the peers ----------------------------------------------------------------

mkdir "$T/depot"
(cd "$T" && scepserver ca -init -depot depot) >/dev/null 2>&1
SCEP_PORT=$(free_port)
scepserver -depot "$T/depot" -port "$SCEP_PORT" -challenge "$SECRET" \
	-allowrenew 0 -crtvalid 20 >"$T/scepserver.log" 2>&1 &
scepserver=$!
ndes_cleanup()
{
	kill "$scepserver" ${relay:+"$relay"} ${deaf:+"$deaf"} 2>/dev/null
	[ -s "$T/apache/pid" ] && kill "$(cat "$T/apache/pid")"
	mdm_cleanup
}
trap ndes_cleanup EXIT

A=$T/apache
W=$A/www/certsrv
mkdir -p "$W" "$A/logs"
NTLM_PORT=$(free_port)
TLS_PORT=$(free_port)
L=/usr/lib/apache2/modules
{
	printf 'LoadModule %s_module %s/mod_%s.so\n' \
		mpm_event $L mpm_event authn_core $L authn_core \
		authz_core $L authz_core authz_user $L authz_user \
		auth_basic $L auth_basic authn_file $L authn_file \
		dir $L dir mime $L mime alias $L alias ssl $L ssl \
		auth_gssapi $L auth_gssapi
	cat <<END
ServerRoot $A
PidFile $A/pid
ErrorLog $A/logs/error
LogFormat "%r %>s" plain
CustomLog $A/logs/access plain
ServerName localhost
User nobody
Group nogroup
TypesConfig /dev/null
DefaultRuntimeDir $A
Mutex file:$A default
Listen 127.0.0.1:$NTLM_PORT
Listen 127.0.0.1:$TLS_PORT
DocumentRoot $A/www
KeepAlive On
DirectoryIndex index.html
<Directory $A/www>
	AuthName "NDES"
	Require valid-user
</Directory>
Redirect 403 /certsrv/forbidden
Redirect 503 /certsrv/stopped
Redirect 302 /certsrv/moved https://localhost/elsewhere
<VirtualHost 127.0.0.1:$NTLM_PORT>
	<Location />
		AuthType GSSAPI
		GssapiAllowedMech ntlmssp
		GssapiConnectionBound On
	</Location>
</VirtualHost>
<VirtualHost 127.0.0.1:$TLS_PORT>
	SSLEngine on
	SSLCertificateFile $P/server.pem
	SSLCertificateKeyFile $P/server.key
	<Location />
		AuthType Basic
		AuthUserFile $A/users
	</Location>
</VirtualHost>
END
} >"$A/conf"
echo 'ACME:scep:Secret1' >"$A/ntlm"
echo "scep@acme.example:$(openssl passwd -apr1 Basic2)" >"$A/users"
chmod 755 "$T"
chmod 644 "$A/ntlm" "$A/users"
NTLM_USER_FILE=$A/ntlm apache2 -f "$A/conf" 2>"$A/start"
wait_until '[ -s "$A/pid" ]' || {
	echo 'Bail out! no Apache'
	cat "$A/start" "$A/logs/error"
	exit 1
}
python3 tests/system/ntlm_relay.py "$NTLM_PORT" >"$T/ntlm.out" &
relay=$!
wait_until '[ -s "$T/ntlm.out" ]'
NTLM=http://127.0.0.1:$(cat "$T/ntlm.out")/certsrv
TLS=https://localhost:$TLS_PORT/certsrv
wait_until 'curl -s -o "$T/caps" \
	"http://127.0.0.1:$SCEP_PORT/scep?operation=GetCACaps"'

# page NAME TEXT: of IIS, in UTF-16 without a byte-order mark
page()
{
	mkdir -p "$W/$1"
	printf '<HTML><Head><Meta HTTP-Equiv="Content-Type" Content="text/html; charset=UTF-16"><Title>Network Device Enrollment Service</Title></Head><Body>%s</Body></HTML>' \
		"$2" | iconv -t "${3:-UTF-16LE}" >"$W/$1/index.html"
}
SAYS="<P> The thumbprint (hash value) for the CA certificate is: <B> 11223344 55667788 99AABBCC DDEEFF00 </B> <P> The enrollment challenge password is:
 <B> $SECRET </B> <P> This password can be used only once and will expire within 60 minutes."
page good "$SAYS"
page mark "$SAYS" UTF-16
page eight "$SAYS" UTF-8
page german "<P> Fingerabdruck: <B> 11223344 55667788 99AABBCC DDEEFF00 </B> <P> Das Kennwort lautet: <B> $SECRET </B>"
page full '<P> The password cache is full.<P> By default, NDES stores only 5 passwords at a time.'
page right '<P> You do not have sufficient permission to enroll with SCEP.  Please contact your system administrator.'
page strange '<P> Welcome to IIS'
chmod -R a+rX "$A"

# ---- asking -------------------------------------------------------------------

touch "$S/proxy"
echo "http://127.0.0.1:$SCEP_PORT/scep" >"$S/url"
openssl x509 -in "$T/depot/ca.pem" -noout -fingerprint -sha256 |
	sed 's/.*=//' >"$S/fingerprint"
printf '%s\n' 'ACME\scep' >"$S/ndes-user"
echo Secret1 >"$S/ndes-password"

# ask URL: the profile, and what it says; another address each time, as a
# failure is remembered for a minute.
ask()
{
	echo "$1/?$(date +%s%N)" >"$S/ndes-url"
	if cat "$M/status/orgs/acme/enroll.mobileconfig" \
		>"$D/acme.mobileconfig" 2>"$T/cat"; then
		plist "$D/acme.mobileconfig" \
		    "payload('com.apple.security.scep')['PayloadContent']['Challenge']"
	else
		sed -n 's/^reason: //p' "$M/status/last-error"
	fi
}
id()
{
	plist "$D/acme.mobileconfig" \
	    "payload('com.apple.security.scep')['PayloadContent']['Subject'][1][0][1]"
}

like "$(ask "$NTLM/full")" 'HTTP 200: NDES: the password cache is full.*PasswordMax' \
	'a full cache is told'
like "$(cat "$T/cat")" 'Remote I/O error' 'as a fault of another server'
like "$(ask "$NTLM/right")" 'no permission to enroll.*template' \
	'a user without right to enroll'
like "$(ask "$NTLM/strange")" 'page is not understood.*mscep_admin' \
	'a page that is none'
like "$(ask "$NTLM/nothing")" 'HTTP 404' 'a page that is not there'
like "$(ask "$NTLM/stopped")" 'HTTP 503.*application pool' 'a stopped server'
like "$(ask "$NTLM/forbidden")" 'HTTP 403' 'a page that is not for the user'
like "$(ask "$NTLM/moved")" 'HTTP 302.*address that it leads to' 'a redirection'
like "$(ask "http://127.0.0.1:1/certsrv")" 'cannot be reached' \
	'a server that is not there'
echo wrong >"$S/ndes-password"
like "$(ask "$NTLM/good")" 'HTTP 401.*ndes-password is wrong' \
	'a wrong password'
like "$(tail -n 2 "$M/events")" 'scep: NDES refuses the user' 'is an event, too'
tried=$(grep -c Negotiate "$A/logs/error")
cat "$M/status/orgs/acme/enroll.mobileconfig" >/dev/null 2>&1
is "$(grep -c Negotiate "$A/logs/error")" "$tried" \
	'it is not tried again at once, which would lock the account'
echo Secret1 >"$S/ndes-password"

is "$(ask "$NTLM/good")" "$SECRET" 'NTLM: the challenge in UTF-16 without mark'
first=$(id)
is "$(cat "$M/status/orgs/acme/enroll.mobileconfig" | cksum)" \
	"$(cksum <"$D/acme.mobileconfig")" 'who looks again sees the same profile'
is "$(ask "$NTLM/mark")" "$SECRET" 'with a byte-order mark'
is "$(ask "$NTLM/eight")" "$SECRET" 'in UTF-8'
is "$(ask "$NTLM/german")" "$SECRET" 'in another language'
printf '%s\n' 'scep@acme.example' >"$S/ndes-user"
echo Basic2 >"$S/ndes-password"
is "$(ask "$TLS/good")" "$SECRET" 'Basic over TLS'
like "$(ask "$TLS/good")" '5 challenges are fetched and not used.*in 5[67] minutes' \
	'a sixth is not fetched'

# ---- one is used --------------------------------------------------------------

mkdir "$T/client"
(cd "$T/client" && scepclient -server-url \
	"http://127.0.0.1:$RELAY_PORT/scep/acme/$first" -challenge "$SECRET" \
	-private-key k.pem -certificate c.pem -cn "$first") >"$T/client.out" 2>&1
works 'a device enrolls with the first one' openssl verify -CAfile \
	"$T/depot/ca.pem" "$T/client/c.pem"
is "$(ask "$TLS/eight")" "$SECRET" 'then another is fetched'
cp "$T/client/c.pem" "$D/dev.pem"
cp "$T/client/k.pem" "$D/dev.key"
authenticate dev acme
is "$STATUS" 200 'the device may speak'
grep -qF -e "$SECRET" -e Secret1 -e Basic2 "$M/events" "$T/log"
is "$?" 1 'no event and no log has a challenge or a password'
like "$(cat "$M/status/orgs/acme/scep")" '^ndes: https://localhost' \
	'the page of the organization names it'

# ---- the doctor ---------------------------------------------------------------

next=$(id)
rm -r "$T/client"
mkdir "$T/client"
(cd "$T/client" && scepclient -server-url \
	"http://127.0.0.1:$RELAY_PORT/scep/acme/$next" -challenge "$SECRET" \
	-private-key k.pem -certificate c.pem -cn "$next") >"$T/client.out" 2>&1
doctor()
{
	grep "	$1	acme	" "$M/status/doctor"
}
like "$(doctor scep.ca)" '^pass.*the CA at http://127' 'the doctor knows the CA'
like "$(doctor scep.pin)" '^pass' 'it is pinned'
like "$(doctor scep.caps)" '^pass' 'its capabilities are good enough'
like "$(doctor scep.end)" '^pass.*days-left=[0-9]{3}' 'it does not end soon'
like "$(doctor scep.ndes)" '^pass.*gave a challenge' 'NDES gave a challenge'

# ---- a renewal -----------------------------------------------------------------

# Its certificate is for 20 days, so it is renewed at once.
R=$M/devices/dev/commands/renew-identity
asked()
{
	grep -c '^GET /certsrv.* 200$' "$A/logs/access"
}
before=$(asked)
token_update dev acme
soon '[ -e "$R" ]' 'a device is to renew its certificate'
sleep 1
is "$(asked)" "$before" 'NDES is not asked while nobody knows when it comes'
idle dev acme
is "$STATUS $(wc -c <"$T/answer")" '200 0' 'it comes, and is told of nothing'
soon 'plist "$R" "p[\"Command\"][\"Payload\"]" | grep -q "$SECRET"' \
	'now a challenge is fetched for it'
is "$(asked)" $((before + 1)) 'one'
idle dev acme
plist "$T/answer" 'p["Command"]["Payload"].decode()' >"$T/renewal"
like "$(cat "$T/renewal")" "$SECRET" 'and it is sent when it comes again'
grep -qF "$SECRET" "$M/events" "$T/log"
is "$?" 1 'not told in events'
next=$(plist "$T/renewal" \
    "payload('com.apple.security.scep')['PayloadContent']['Subject'][1][0][1]")
rm -r "$T/client"
mkdir "$T/client"
(cd "$T/client" && scepclient -server-url \
	"http://127.0.0.1:$RELAY_PORT/scep/acme/$next" -challenge "$SECRET" \
	-private-key k.pem -certificate c.pem -cn "$next") >"$T/client.out" 2>&1
cp "$T/client/c.pem" "$D/dev.pem"
cp "$T/client/k.pem" "$D/dev.key"
authenticate dev acme
is "$STATUS" 200 'the device comes with its new certificate'

# ---- asking on demand -----------------------------------------------------------

echo "$TLS/stopped/?live" >"$S/ndes-url"
echo live >"$M/status/doctor"
soon 'doctor scep.ndes | grep -q "^FAIL.*HTTP 503"' \
	'on demand NDES is asked again'

# ---- a server that does not answer ---------------------------------------------

python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(s.accept())' >"$T/deaf.out" &
deaf=$!
wait_until '[ -s "$T/deaf.out" ]'
begun=$(date +%s)
like "$(ask "http://127.0.0.1:$(cat "$T/deaf.out")/certsrv")" \
	'did not answer within 30 seconds' 'a server that never answers'
ok $(($(date +%s) - begun > 35)) 'and nobody waits longer'

# ---- the doctor asks once ------------------------------------------------------

echo "$TLS/good/?doctor" >"$S/ndes-url"
before=$(asked)
echo live >"$M/status/doctor"
soon 'doctor scep.ndes | grep -q "^pass"' 'the doctor is given a challenge'
seen()
{
	grep -c GetCACaps "$T/scepserver.log"
}
looked=$(seen)
soon 'echo live >"$M/status/doctor"; [ "$(seen)" -gt "$looked" ]' \
	'it asks the CA each time'
kill "$scepserver"
wait "$scepserver" 2>/dev/null
soon 'echo live >"$M/status/doctor"
	doctor scep.ca | grep -q "^warn.*cannot be reached"' \
	'and says when that is away'
is "$(asked)" $((before + 1)) 'but takes one of five challenges alone'
like "$(doctor scep.ndes)" '^pass' 'and did not want another'

# ---- a CA that does not answer ---------------------------------------------------

echo "http://127.0.0.1:$(cat "$T/deaf.out")/scep" >"$S/url"
: >"$T/hung"
hanging=
for i in $(seq 20); do
	fetch "/scep/acme/$next?operation=GetCACaps" -o "$T/caps.$i" \
		-w '%{http_code}\n' >>"$T/hung" 2>/dev/null &
	hanging="$hanging $!"
done
soon '[ "$(grep -c 502 "$T/hung")" -eq 10 ]' \
	'of 20 requests for a CA that hangs ten are refused'
token_update dev acme
is "$STATUS" 200 'and devices that check in are served'
is "$(wc -l <"$T/hung")" 10 'while the others wait'
# shellcheck disable=SC2086 # several
kill $hanging "$deaf" 2>/dev/null

done_testing
