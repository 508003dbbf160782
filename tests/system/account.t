#!/bin/bash
# Account-driven enrollment: discovery, the page in the device's web view, the
# bearer token, user and device enrollment, and who has no business there.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki

make_server
start_relay
E=$M/orgs/acme/enrollment
mkdir "$E" "$M/orgs/acme/users" "$T/w"

# sign_in MAIL PASSWORD VERSION
sign_in()
{
	python3 tests/system/account.py "$PORT" "$P/ca.pem" "$HOST" "$T/w" \
		"$1" "$2" "$3" >"$T/steps" 2>&1
}

discover()
{
	fetch "/.well-known/com.apple.remotemanagement?$1" -o "$T/answer" \
		-w '%{http_code}'
}

its_challenge()
{
	plist "$1" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

# ---- discovery ---------------------------------------------------------------

is "$(discover 'user-identifier=alice@acme.example')" 403 \
	'a domain that nobody has'
is "$(python3 -c 'import json; d = json.load(open("'"$T/answer"'"))
print(d["code"], "acme.example" in d["message"])')" \
	'com.apple.well-known.failed True' 'in the form that the device shows'
echo acme.example >"$E/domains"
is "$(discover 'user-identifier=alice@acme.example')" 403 \
	'an organization without users'
mkdir "$M/orgs/acme/users/alice@acme.example" "$M/orgs/acme/users/bob"
openssl passwd -6 'pass word' >"$M/orgs/acme/users/alice@acme.example/password"
openssl passwd -6 'bobs' >"$M/orgs/acme/users/bob/password"
is "$(discover 'user-identifier=alice@acme.example')" 200 'then it is found'
is "$(discover 'user-identifier=%22a%40b%40ACME.EXAMPLE&model-family=Mac')" 200 \
	'the domain is behind the last @'
is "$(discover 'org=acme')" 200 'or the organization is named'
is "$(discover '')$(discover user-identifier=alice)" 400400 'nobody: 400'
is "$(discover 'user-identifier=x@%22%0aevil')" 400 'control characters: 400'
is "$(discover 'user-identifier=x@%22evil%5c')" 403 'quotes'
works 'are escaped' python3 -c 'import json; json.load(open("'"$T/answer"'"))'

# ---- user enrollment ---------------------------------------------------------

works 'a device signs in' sign_in alice@acme.example 'pass word' mdm-byod
sed 's/^/# /' "$T/steps"
is "$(tail -n 1 "$T/steps")" 'mode BYOD alice@acme.example None' \
	'user enrollment: with the account, without access rights'
token=$(cat "$T/w/token")
like "$(cat "$M/events")" \
	'account: user alice@acme.example signed in on a device as alice@acme.example, from' \
	'an event of the sign-in'
like "$(cat "$M/events")" \
	'account: admitted by the password of user alice@acme.example, from .*(not checked|signed by)' \
	'and of the profile, with what the signature was worth'
cp "$T/w/account.mobileconfig" "$T/byod"
works 'its identity' scep BYOD1 acme "$(its_challenge "$T/byod")"
# a user enrollment has no UDID
ids()
{
	case $1 in
	BYOD*) str EnrollmentID "$1" ;;
	*) str UDID "$1" ;;
	esac
}
bearer="Authorization: Bearer $token"
say BYOD1 acme "$(dict "$(str MessageType Authenticate)$(str Topic "$TOPIC")$(ids \
	BYOD1)")" -H "$bearer"
is "$STATUS" 200 'it enrolls with an EnrollmentID'
say BYOD1 acme "$(dict "$(str MessageType TokenUpdate)$(str Topic "$TOPIC")$(ids \
	BYOD1)$(data Token aa)$(str PushMagic m)")" -H "$bearer"
is "$STATUS" 200 'with its token'
like "$(cat "$M/devices/BYOD1/status")" 'state: enrolled' 'it is there'
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" -H "$bearer"
is "$STATUS" 200 'connects'
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")"
is "$STATUS" 200 'without the token as well'
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" \
	-H 'Authorization: Bearer wrong'
is "$STATUS" 200 'a wrong one does not dismiss it'
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" \
	-H 'Authorization: Basic YTpi'
is "$STATUS" 200 'nor what is none'

# ---- device enrollment -------------------------------------------------------

works 'the other kind' sign_in bob@acme.example bobs mdm-adde
sed 's/^/# /' "$T/steps"
is "$(tail -n 1 "$T/steps")" 'mode ADDE bob@acme.example 8191' \
	'device enrollment: with access rights; the account is called bob'
works 'its identity' scep ADDE acme "$(its_challenge "$T/w/account.mobileconfig")"
authenticate ADDE acme
is "$STATUS" 200 'it enrolls'
is "$(fetch "/account/acme?mode=other" -X POST --data-binary "@$T/w/signed" \
	-o "$T/answer" -w '%{http_code}')" 400 'a mode that is none'

# ---- who has no business here ------------------------------------------------

# post [CURL OPTION...]: what the device said; CODE.
post()
{
	CODE=$(fetch "/account/acme?mode=byod" -X POST --data-binary \
		"@${BODY:-$T/w/signed}" -o "$T/answer" -D "$T/head" \
		-w '%{http_code}' "$@")
}
sign_in alice@acme.example wrong mdm-byod
like "$(tail -n 1 "$T/steps")" 'failed: 308' 'a wrong password'
post -H 'Authorization: Bearer 0123456789abcdef'
is "$CODE" 401 'a token that was made up: sign in'
like "$(cat "$T/head")" \
	"[Ww][Ww][Ww]-[Aa]uthenticate: Bearer method=\"apple-as-web\", url=\"https://$HOST:$PORT/account/acme/authenticate\"" \
	'with the challenge, never without'
make_org umbrella
is "$(fetch /account/umbrella -X POST --data-binary "@$T/w/signed" -H \
	"$bearer" -o "$T/answer" -w '%{http_code}')" 401 \
	'a token of another organization'
echo hello >"$T/rubbish"
BODY=$T/rubbish post
is "$CODE" 400 'what is no CMS'
head -c 300 "$T/w/signed" >"$T/cut"
BODY=$T/cut post
is "$CODE" 400 'what was cut off'
sed 's/iPhone15,2/iPhone15,3/' "$T/w/signed" >"$T/altered"
BODY=$T/altered post -H "$bearer"
is "$CODE" 400 'what was altered'
printf '<plist version="1.0"><array/></plist>' >"$T/array"
openssl cms -sign -binary -nodetach -outform der -signer "$T/w/apple.pem" \
	-inkey "$T/w/apple.key" -in "$T/array" -out "$T/array.cms"
BODY=$T/array.cms post
is "$CODE" 400 'no dictionary'
head -c 70000 /dev/zero >"$T/big"
BODY=$T/big post
is "$CODE" 413 'too much'
is "$(fetch '/account/acme/authenticate?user-identifier=a@b' -H \
	'Accept: text/html' -H 'Origin: https://evil.example' -d user=bob \
	-d password=bobs -o "$T/answer" -w '%{http_code}')" 403 \
	'a form from elsewhere'
is "$(fetch /account/acme/authenticate -d user=bob -d password=bobs \
	-o "$T/answer" -w '%{http_code}')" 403 \
	'an account without a mail address'
like "$(cat "$T/answer")" 'whole mail address' 'which is said'
is "$(fetch '/account/acme/authenticate?user-identifier=%3Cscript%3E%22@x' \
	-o "$T/answer" -w '%{http_code}')" 200 'an address that is a script'
fails 'is escaped' grep -q '<script' "$T/answer"
like "$(cat "$T/answer")" '&lt;script&gt;&quot;' 'and shown'

# ---- the user goes -----------------------------------------------------------

rm -r "$M/orgs/acme/users/alice@acme.example"
post -H "$bearer"
is "$CODE" 401 'the token of a user who has gone'
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" -H "$bearer" \
	-D "$T/head"
is "$STATUS" 401 'its device is asked to sign in again'
like "$(cat "$T/head")" 'Bearer method="apple-as-web", url="https://' \
	'with the challenge'
like "$(cat "$M/events")" 'account: refused, user alice@acme.example, .*UDID BYOD1' \
	'an event says so'
say ADDE acme "$(dict "$(ids ADDE)$(str Status Idle)")" -H "$bearer"
is "$STATUS" 200 'other devices are not, whatever token they show'
mkdir "$M/orgs/acme/users/alice@acme.example"
openssl passwd -6 new >"$M/orgs/acme/users/alice@acme.example/password"
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" -H "$bearer"
is "$STATUS" 200 'when the user is back it goes on'
works 'after a new sign-in' sign_in alice@acme.example new mdm-byod
new="Authorization: Bearer $(cat "$T/w/token")"
say BYOD1 acme "$(dict "$(ids BYOD1)$(str Status Idle)")" -H "$new"
is "$STATUS" 200 'the device shows its new token'
post -H "$bearer"
is "$CODE" 401 'then the old one has gone'
post -H "$new"
is "$CODE" 200 'the new one is good'
rmdir "$M/devices/BYOD1" 2>/dev/null || rm -r "$M/devices/BYOD1" 2>/dev/null
soon '[ ! -e "$M/devices/BYOD1" ]' 'a device that is removed'
post -H "$new"
is "$CODE" 401 'takes its token along'
is "$(fetch /enroll/acme -d user=bob@acme.example -d password=bobs \
	-o "$T/answer" -w '%{http_code}')" 200 \
	'the same accounts, also by address, open the page for everybody'
like "$(tail -n 1 "$M/events")" 'by the password of user bob, from' \
	'which means the account that there is'
rm -r "$M/orgs/acme/users/bob"
say ADDE acme "$(dict "$(ids ADDE)$(str Status Idle)")" -H "$bearer"
is "$STATUS" 401 'a user who goes'
say ADDE acme "$(dict "$(str MessageType CheckOut)$(ids ADDE)")" -H "$bearer"
is "$STATUS" 200 'need not sign in to take the device away'

done_testing
