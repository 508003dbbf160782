#!/bin/bash
# HTTPS certificates: which is shown for which name, the whole chain, what
# devices are told to trust; certbot's files; signed profiles.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3

# issue NAME ISSUER KEY SUBJECT EXTENSION...: NAME.pem and NAME.key; KEY is rsa
# or ec; ISSUER - signs itself.
issue()
{
	i_name=$1 i_ca=$2 i_key=$3 i_subject=$4
	shift 4
	printf '%s\n' "$@" >"$P/$i_name.ext"
	case $i_key in
	rsa) openssl genrsa -out "$P/$i_name.key" 2048 ;;
	ec) openssl ecparam -name prime256v1 -genkey -noout \
		-out "$P/$i_name.key" ;;
	esac 2>/dev/null
	openssl req -new -key "$P/$i_name.key" -subj "$i_subject" \
		-out "$P/$i_name.csr"
	if [ "$i_ca" = - ]; then
		openssl x509 -req -in "$P/$i_name.csr" -signkey \
			"$P/$i_name.key" -days 30 -extfile "$P/$i_name.ext" \
			-out "$P/$i_name.pem" 2>/dev/null
	else
		openssl x509 -req -in "$P/$i_name.csr" -CA "$P/$i_ca.pem" \
			-CAkey "$P/$i_ca.key" -days 30 -out "$P/$i_name.pem" \
			-extfile "$P/$i_name.ext" 2>/dev/null
	fi
}
authority()
{
	issue "$1" "$2" "${3:-rsa}" "/CN=$1" 'basicConstraints=critical,CA:TRUE' \
		'keyUsage=critical,keyCertSign,cRLSign'
}
# server NAME ISSUER KEY HOST...
host_certificate()
{
	h_name=$1 h_ca=$2 h_key=$3
	shift 3
	issue "$h_name" "$h_ca" "$h_key" "/CN=$1" \
		"subjectAltName=$(printf ',DNS:%s' "$@" | cut -c 2-)" \
		extendedKeyUsage=serverAuth
}
pair()
{
	cat "$P/$1.pem" "$P/$1.key"
}

# hello HOST [OPTION...]: what a client sees; in $T/hello.
hello()
{
	h_host=$1
	shift
	openssl s_client -connect "127.0.0.1:$PORT" -servername "$h_host" \
		-showcerts "$@" </dev/null >"$T/hello" 2>"$T/hello.err"
}
# shown HOST [OPTION...]: the common names of the certificates, in order.
shown()
{
	hello "$@"
	sed -n 's/^ *[0-9]* s:.*CN = //p' "$T/hello" | tr '\n' ' ' |
		sed 's/ $//'
}
# shows HOST NAMES WHAT [OPTION...]
shows()
{
	s_host=$1 s_names=$2 s_what=$3
	shift 3
	wait_until "[ \"\$(shown $s_host $*)\" = \"$s_names\" ]" 5
	is "$(shown "$s_host" "$@")" "$s_names" "$s_what"
}
# roots FILE: the common names of the roots in a profile.
roots()
{
	python3 - "$1" <<-'PY'
	import plistlib, sys
	p = plistlib.loads(open(sys.argv[1], 'rb').read())
	print(' '.join(sorted(x['PayloadDisplayName'] for x in
	    p['PayloadContent'] if
	    x['PayloadType'] == 'com.apple.security.root')))
	PY
}
# urls FILE: the addresses in an enrollment profile.
urls()
{
	plist "$1" '[payload("com.apple.mdm")["ServerURL"],
	    payload("com.apple.mdm")["CheckInURL"],
	    payload("com.apple.security.scep")["PayloadContent"]["URL"]]'
}

make_pki
authority Root - rsa
authority Middle Root rsa
authority Lower Middle ec
authority Stranger - ec
host_certificate site Lower rsa "$HOST" localhost
push_certificate push "$TOPIC"
serve
mkdir "$M/system/tls" "$M/orgs/acme" "$M/orgs/acme/apns" \
	"$M/orgs/other" "$M/orgs/other/apns"
cp "$P/push.both.pem" "$M/orgs/acme/apns/push.pem"
cp "$P/push.both.pem" "$M/orgs/other/apns/push.pem"
echo "https://$HOST:$PORT" >"$M/system/url"
profile=$M/status/orgs/acme/enroll.mobileconfig

# ---- the chain --------------------------------------------------------------

shows "$HOST" "$HOST" 'with system/tls empty there is one of the server'
cp "$P/site.key" "$M/system/tls/privkey.pem"
shows "$HOST" "$HOST" 'a key alone changes nothing'
cp "$P/site.pem" "$M/system/tls/site.pem"
shows "$HOST" "$HOST" 'leaf and key in two files'
cp "$P/Middle.pem" "$M/system/tls/a.crt"
shows "$HOST" "$HOST" 'an intermediate that does not fit yet is not sent'
openssl x509 -in "$P/Lower.pem" -outform der -out "$M/system/tls/z.cer"
shows "$HOST" "$HOST Lower Middle" \
	'once the missing one is there the whole chain is, in order'
works 'and a client that knows the root accepts it' curl -s -o /dev/null \
	--cacert "$P/Root.pem" --connect-to "$HOST:$PORT:127.0.0.1:$PORT" \
	"https://$HOST:$PORT/healthz"
rm "$M/system/tls/"*
cat "$P/Stranger.pem" "$P/Root.pem" "$P/Middle.pem" "$P/site.key" \
	"$P/Lower.pem" "$P/site.pem" >"$T/heap.pem"
works 'everything in one file, in the wrong order, with a stranger' \
	cp "$T/heap.pem" "$M/system/tls/heap.pem"
shows "$HOST" "$HOST Lower Middle" \
	'is served in the right one, without stranger and root'
fetch_any()
{
	curl -sk --connect-to "$1:$PORT:127.0.0.1:$PORT" "https://$1:$PORT$2"
}
fetch_any "$HOST" /trust.mobileconfig >"$T/trust"
is "$(roots "$T/trust")" Root 'the private root is in /trust.mobileconfig'
cat "$profile" >"$T/enroll"
is "$(roots "$T/enroll")" Root 'and in the enrollment profile'

# ---- further names ----------------------------------------------------------

host_certificate west Middle ec west.example.com '*.west.example.com'
host_certificate west2 Middle rsa west.example.com
mkdir "$M/system/tls/west" "$M/system/tls/west-rsa"
pair west >"$M/system/tls/west/west.pem"
cp "$P/Middle.pem" "$M/system/tls/west/"
shows west.example.com 'west.example.com Middle' \
	'system/tls/NAME is for the names in its certificate'
shows a.west.example.com 'west.example.com Middle' 'also those with a star'
shows a.b.west.example.com "$HOST Lower Middle" 'a star is one label'
shows nobody.example.com "$HOST Lower Middle" \
	'system/tls is for all other names'
shows "$HOST" "$HOST Lower Middle" 'and for its own'
pair west2 >"$M/system/tls/west-rsa/a.pem"
shows west.example.com west.example.com \
	'RSA beside P-256: who can RSA alone gets it' \
	-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
shows west.example.com 'west.example.com Middle' 'others get P-256' \
	-tls1_2
rm "$M/system/tls/west/"*
works 'a directory that was emptied goes' rmdir "$M/system/tls/west"
shows west.example.com west.example.com \
	'and what was in it is out of effect, live'
rm "$M/system/tls/west-rsa/a.pem"
rmdir "$M/system/tls/west-rsa"
shows west.example.com "$HOST Lower Middle" 'both of them'
like "$(grep 'west' "$M/events" | tail -n 3)" 'out of effect' \
	'the events say so'

# ---- an organization's own --------------------------------------------------

authority Acme - ec
host_certificate acme Acme ec acme.example.net
mkdir "$M/orgs/acme/tls"
echo "https://acme.example.net:$PORT" >"$M/orgs/acme/url"
fails 'no profile while no certificate has the name in orgs/ORG/url' \
	cat "$profile"
like "$(cat "$M/status/last-error")" \
	'orgs/acme/url names acme.example.net.*HTTPS certificate is for mdm' \
	'the refusal names the file and what there is'
like "$(cat "$M/status/last-error")" 'orgs/acme/tls' 'and the way out'
works 'the others are not concerned' \
	cat "$M/status/orgs/other/enroll.mobileconfig"
pair acme >"$M/orgs/acme/tls/acme.pem"
cp "$P/Acme.pem" "$M/orgs/acme/tls/root.pem"
shows acme.example.net acme.example.net 'orgs/ORG/tls is for its names'
works 'then there is a profile' cat "$profile"
cat "$profile" >"$T/enroll"
is "$(urls "$T/enroll")" "['https://acme.example.net:$PORT/mdm/acme', 'https://acme.example.net:$PORT/mdm/acme', 'https://acme.example.net:$PORT/scep/acme']" \
	"with the organization's address everywhere"
is "$(roots "$T/enroll")" Acme 'and with the root of that chain'
cat "$M/status/orgs/other/enroll.mobileconfig" >"$T/other"
is "$(roots "$T/other")" Root "which other organizations' profiles lack"
is "$(urls "$T/other" | tr ',' '\n' | grep -c "$HOST:$PORT")" 3 \
	'they have the address in system/url'
fetch_any acme.example.net /trust.mobileconfig >"$T/trust"
is "$(roots "$T/trust")" 'Acme Root' '/trust.mobileconfig has it for that host'
host_certificate thief Acme ec "$HOST" thief.example.net
pair thief >"$M/orgs/acme/tls/acme.pem"
shows thief.example.net "$HOST" 'another certificate takes effect'
shows "$HOST" "$HOST Lower Middle" \
	"an organization cannot take the host of system/url over"
host_certificate alias Middle rsa alias.example.com &&
	mkdir "$M/system/tls/alias"
cat "$P/alias.pem" "$P/alias.key" "$P/Middle.pem" \
	>"$M/system/tls/alias/alias.pem"
host_certificate thief Acme ec alias.example.com thief.example.com
pair thief >"$M/orgs/acme/tls/acme.pem"
shows thief.example.com alias.example.com 'its certificate is for a further host'
shows alias.example.com 'alias.example.com Middle' \
	"nor one that a certificate of the system's is for"
rm -r "$M/system/tls/alias"
host_certificate star Middle rsa '*.example.net' && mkdir "$M/system/tls/star"
pair star >"$M/system/tls/star/star.pem"
shows acme.example.net '*.example.net' "a star of the system's covers it, too"
works 'which is enough for a profile' cat "$profile"
rm -r "$M/system/tls/star" "$M/orgs/acme/tls"

# ---- the server's own -------------------------------------------------------

rm "$M/system/tls/"*
shows acme.example.net "$HOST" 'back to the self-made certificate'
wait_until 'hello acme.example.net -verify_hostname acme.example.net &&
	grep -q "DNS:acme.example.net" <(openssl x509 -in "$T/hello" -noout \
	-ext subjectAltName)'
ok $? "which covers organizations' addresses"
works 'so their profiles are handed out' cat "$profile"
echo "https://more.example.net:$PORT" >"$M/orgs/other/url"
soon 'hello x && openssl x509 -in "$T/hello" -noout -ext subjectAltName |
	grep -q "DNS:more.example.net"' 'also of those that come later'
echo "https://quick.example.net:$PORT" >"$M/orgs/acme/url"
works 'and who reads a profile right after is not refused' cat "$profile"
host_certificate stars - ec '*.example.net' && mkdir "$M/orgs/acme/tls"
pair stars >"$M/orgs/acme/tls/stars.pem"
shows quick.example.net '*.example.net' \
	"an organization's star is for its own host"
shows more.example.net "$HOST" "and not for another organization's"
shows a.example.net "$HOST" 'nor for hosts that nobody named'
rm -r "$M/orgs/acme/tls" "$M/orgs/acme/url" "$M/orgs/other/url"

# ---- certbot ----------------------------------------------------------------

# renew N: certbot's folders: live/ holds links into archive/.
C=$T/letsencrypt
mkdir -p "$C/live/$HOST" "$C/archive/$HOST"
renew()
{
	host_certificate "bot$1" Lower ec "$HOST" "bot$1.example.com"
	cp "$P/bot$1.pem" "$C/archive/$HOST/cert$1.pem"
	cat "$P/Lower.pem" "$P/Middle.pem" >"$C/archive/$HOST/chain$1.pem"
	cat "$P/bot$1.pem" "$C/archive/$HOST/chain$1.pem" \
		>"$C/archive/$HOST/fullchain$1.pem"
	cp "$P/bot$1.key" "$C/archive/$HOST/privkey$1.pem"
	for r_part in cert chain fullchain privkey; do
		ln -sf "../../archive/$HOST/$r_part$1.pem" \
			"$C/live/$HOST/$r_part.pem"
	done
	SERIAL=$(openssl x509 -in "$P/bot$1.pem" -noout -serial)
}
serial_now()
{
	hello "$HOST" && openssl x509 -in "$T/hello" -noout -serial
}
export MDMFS_MNT=$M RENEWED_LINEAGE=$C/live/$HOST
for n in 1 2; do
	renew $n
	works "the deploy hook, time $n" sh examples/certbot-deploy-hook.sh
	soon '[ "$(serial_now)" = "$SERIAL" ]' 'hands the new pair over'
	is "$(shown "$HOST")" "$HOST Lower Middle" 'with its chain'
done
MDMFS_NAME=elsewhere sh examples/certbot-deploy-hook.sh
is "$(serial_now)" "$SERIAL" "and another host's is left alone"
mkdir "$M/system/tls/more"
renew 3
works 'the hook fills another slot' \
	env MDMFS_SLOT=system/tls/more sh examples/certbot-deploy-hook.sh
soon 'hello bot3.example.com && [ "$(openssl x509 -in "$T/hello" -noout \
	-serial)" = "$SERIAL" ]' 'for its names'
rm "$M/system/tls/more/"* "$M/system/tls/certbot.pem"
rmdir "$M/system/tls/more"
renew 4
cp "$C/live/$HOST/privkey.pem" "$C/live/$HOST/fullchain.pem" "$M/system/tls/"
soon '[ "$(serial_now)" = "$SERIAL" ]' "certbot's own files, copied"
old=$SERIAL
for order in 'privkey fullchain' 'fullchain privkey'; do
	renew $((n + 3))
	n=$((n + 1))
	set -- $order
	works "cp of the new $1.pem" cp "$C/live/$HOST/$1.pem" "$M/system/tls/"
	is "$(serial_now)" "$old" 'the old pair goes on while one half is new'
	works "then cp of the new $2.pem" \
		cp "$C/live/$HOST/$2.pem" "$M/system/tls/"
	soon '[ "$(serial_now)" = "$SERIAL" ]' 'the new one is served then'
	is "$(shown "$HOST")" "$HOST Lower Middle" 'with its chain'
	old=$SERIAL
done
again
is "$(serial_now)" "$SERIAL" 'also after a restart'

# ---- every profile is signed ------------------------------------------------

# signed_by FILE NAME WHAT: openssl and python accept it, and by whom.
signed_by()
{
	works "$3: openssl verifies it with the root alone" openssl cms \
		-verify -inform der -in "$1" -CAfile "$P/Root.pem" -purpose \
		any -binary -out "$T/content" -signer "$T/signer"
	like "$(openssl x509 -in "$T/signer" -noout -subject)" "CN = $2\$" \
		'the right one signed'
	is "$(plist "$T/content" 'p["PayloadType"]')" Configuration \
		'python reads it'
}
mkdir "$M/system/trust" "$M/system/signing" "$M/orgs/acme/signing" "$M/orgs/acme/enrollment"
cp "$P/Root.pem" "$M/system/trust/"
: >"$M/orgs/acme/enrollment/open"
for key in rsa ec; do
	issue "sys-$key" Middle $key "/CN=System $key" \
		keyUsage=digitalSignature
	issue "own-$key" Lower $key "/CN=Acme $key" keyUsage=digitalSignature
	rm -f "$M/orgs/acme/signing/own.pem"
	{ pair sys-$key; cat "$P/Middle.pem"; } >"$M/system/signing/sys.pem"
	soon 'cat "$profile" >"$T/a" && openssl cms -verify -inform der \
		-noverify -in "$T/a" -signer "$T/signer" -out /dev/null \
		2>/dev/null && openssl x509 -in "$T/signer" -noout -subject |
		grep -q "System $key"' "a new system/signing ($key) signs anew"
	fetch_any "$HOST" /enroll/acme >"$T/b"
	fetch_any "$HOST" /trust.mobileconfig >"$T/c"
	signed_by "$T/a" "System $key" 'status/orgs/ORG/enroll.mobileconfig'
	signed_by "$T/b" "System $key" '/enroll/ORG'
	signed_by "$T/c" "System $key" '/trust.mobileconfig'
	{ pair own-$key; cat "$P/Middle.pem" "$P/Lower.pem"; } \
		>"$M/orgs/acme/signing/own.pem"
	cat "$profile" >"$T/a"
	fetch_any "$HOST" /enroll/acme >"$T/b"
	signed_by "$T/a" "Acme $key" "then with the organization's"
	signed_by "$T/b" "Acme $key" '/enroll/ORG, too'
	cat "$M/status/orgs/other/enroll.mobileconfig" >"$T/c"
	signed_by "$T/c" "System $key" "other organizations': the system's"
done

done_testing
