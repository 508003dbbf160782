#!/bin/bash
# Whether a device's certificate is still good, for other services: asked by
# openssl, and by curl as a cache would see it.
# shellcheck source-path=SCRIPTDIR
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3

make_server
start_relay
make_org other

enroll one acme
enroll two acme
enroll three other
cat "$M/status/orgs/acme/ca.pem" >"$T/ca.pem"
cat "$M/status/orgs/other/ca.pem" >"$T/other.pem"
like "$(openssl x509 -in "$D/one.pem" -noout -ext authorityInfoAccess)" \
	"OCSP - URI:https://$HOST:$PORT/ocsp/acme" \
	'a certificate names the responder'

# request NAME OPTION...: a request in $T/request, about $D/NAME.pem
request()
{
	r_name=$1
	shift
	openssl ocsp -issuer "$T/ca.pem" "$@" -cert "$D/$r_name.pem" \
		-reqout "$T/request"
}
# post: what the responder says to $T/request, in $T/answer
post()
{
	fetch "/ocsp/${1:-acme}" -H 'content-type: application/ocsp-request' \
		--data-binary @"$T/request" -o "$T/answer" -D "$T/headers" \
		-w '%{http_code} %{content_type}'
}
# judge NAME OPTION...: openssl's word on $T/answer
judge()
{
	j_name=$1
	shift
	openssl ocsp -issuer "$T/ca.pem" "$@" -cert "$D/$j_name.pem" \
		-respin "$T/answer" -CAfile "$T/ca.pem" 2>&1
}
# asks NAME WORD WHAT: asked by POST, with a nonce
asks()
{
	request "$1" -nonce
	post >/dev/null
	like "$(judge "$1" -no_nonce)" "$1.pem: $2" "$3"
}

request one -no_nonce
is "$(post)" '200 application/ocsp-response' 'POST is answered'
like "$(judge one)" 'Response verify OK' 'the CA signed the answer'
like "$(judge one)" 'one.pem: good' 'a device that is enrolled'
request one -no_nonce -sha256
post >/dev/null
like "$(judge one -sha256)" 'one.pem: good' 'asked by another digest'

rmdir "$M/devices/one"
asks one revoked 'a device that was removed, at once'
asks two good 'another one'
say two acme "$(dict "$(str MessageType CheckOut)$(ids two)")"
asks two revoked 'a device that checked out'
like "$(judge two -no_nonce)" 'cessationOfOperation' 'and that is the reason'
asks three unknown "another organization's"
again
asks one revoked 'after a restart'
openssl ocsp -issuer "$T/other.pem" -cert "$D/three.pem" -no_nonce \
	-reqout "$T/request"
post other >/dev/null
like "$(openssl ocsp -issuer "$T/other.pem" -cert "$D/three.pem" -respin \
	"$T/answer" -CAfile "$T/other.pem" 2>&1)" 'three.pem: good' \
	'at its own address'
like "$(openssl ocsp -issuer "$T/ca.pem" -serial 0x1234 -cert "$D/one.pem" \
	-no_nonce -reqout "$T/request" && post >/dev/null && openssl ocsp \
	-issuer "$T/ca.pem" -serial 0x1234 -cert "$D/one.pem" -respin \
	"$T/answer" -CAfile "$T/ca.pem" 2>&1)" '0x1234: unknown' \
	'several at once, one of which nobody issued'

like "$(openssl ocsp -issuer "$T/ca.pem" -cert "$D/one.pem" -CAfile \
	"$T/ca.pem" -url "https://127.0.0.1:$PORT/ocsp/acme" 2>&1)" \
	'one.pem: revoked' 'openssl asks by itself'

# ---- GET (RFC 6960 A.1), whose base64 may have slashes
get()
{
	fetch "/ocsp/acme/$1" -o "$T/answer" -D "$T/headers" -w '%{http_code}'
}
while :; do
	enroll many acme
	request many -no_nonce
	base64=$(base64 -w0 "$T/request")
	case $base64 in
	*/*) break ;;
	esac
done
is "$(get "$(printf '%s' "$base64" | sed 's/+/%2B/g;s,/,%2F,g;s/=/%3D/g')")" \
	200 'GET with all escaped'
like "$(judge many)" 'many.pem: good' 'is the same'
like "$(cat "$T/headers")" 'cache-control: max-age=60' 'caches may keep it'
is "$(get "$base64")" 200 'GET with nothing escaped'
like "$(judge many)" 'many.pem: good' 'is the same, too'
request many -nonce
is "$(get "$(base64 -w0 "$T/request" | sed 's,/,%2F,g')")" 200 'with a nonce'
like "$(tr -d '\r\n' <"$T/headers")" 'cache-control: no-store' \
	'it is for that client alone'
is "$(openssl ocsp -issuer "$T/ca.pem" -reqin "$T/request" -respin \
	"$T/answer" -CAfile "$T/ca.pem" 2>&1)" 'Response verify OK' \
	'which finds its nonce'
is "$(fetch "/ocsp%2Facme/$base64" -o "$T/answer" -w '%{http_code}')" 400 \
	'an escaped slash elsewhere in the path is refused'

# ---- hostile
malformed=$(printf '0\3\12\1\1' | base64)
for body in '' hello "$(head -c 3000 /dev/urandom | base64 -w0)"; do
	printf %s "$body" >"$T/request"
	is "$(post) $(base64 "$T/answer")" \
		"200 application/ocsp-response $malformed" \
		"'$(printf %.8s "$body")': malformedRequest"
done
is "$(get '!!!') $(base64 "$T/answer")" "200 $malformed" 'no base64'
head -c 5000 /dev/zero >"$T/request"
is "$(post)" '413 text/plain; charset=utf-8' 'what is too long'
request many -no_nonce
is "$(post nobody)" '404 text/plain; charset=utf-8' \
	'an organization that is not there'
works 'the server goes on' stat "$M/orgs/acme"

done_testing
