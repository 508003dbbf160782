#!/bin/sh
# SCEP with clients that nobody here wrote: strongSwan's and certmonger's.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 pki xxd getcert dbus-run-session dbus-send
CERTMONGER=/usr/lib/certmonger
need "$CERTMONGER/scep-submit" "$CERTMONGER/certmonger-session"

make_server
start_relay
URL=http://127.0.0.1:$RELAY_PORT/scep/acme
CA=$M/status/orgs/acme/ca.pem

# fingerprint FILE [OPTION...]
fingerprint()
{
	f_file=$1
	shift
	openssl x509 -in "$f_file" -noout -fingerprint -sha256 "$@"
}

# subject FILE
subject()
{
	openssl x509 -in "$1" -noout -subject
}

# lately TEXT...: whether the newest events have a line with all of it.
lately()
{
	l_events=$(tail -n 20 "$M/events")
	for l_text in "$@"; do
		l_events=$(printf '%s\n' "$l_events" | grep -F -- "$l_text")
	done
	[ -n "$l_events" ]
}

# ---- what a client asks first -----------------------------------------------

type_of()
{
	fetch "$1" -o "$T/body" -w '%{http_code} %{content_type}'
}

is "$(type_of '/scep/acme?operation=GetCACaps&message=0')" '200 text/plain' \
	'GetCACaps has its type and nothing behind it'
is "$(type_of '/scep/acme/pkiclient.exe?operation=GetCACert')" \
	'200 application/x-x509-ca-cert' \
	'GetCACert has its exact type, whatever is appended to the address'
is "$(fingerprint "$T/body" -inform der)" "$(fingerprint "$CA")" \
	'and is what status/ shows'
like "$(type_of '/scep/nobody?operation=GetCACert')" '^404 ' \
	'an organization that is not there'
like "$(cat "$T/body")" 'no organization of that name' 'is told in words'
head -c 1048576 /dev/zero >"$T/zeros"
is "$(fetch /scep/acme -X POST --data-binary "@$T/zeros" -o "$T/body" \
	-w '%{http_code}')" 413 '1 MiB is too much for a message'
head -c 100000 /dev/zero >"$T/zeros"
is "$(fetch /scep/acme -X POST --data-binary "@$T/zeros" -o "$T/body" \
	-w '%{http_code}')" 400 'zeros are no message'

# ---- strongSwan -------------------------------------------------------------

works "strongSwan's --scepca" pki --scepca --url "$URL" \
	--caout "$D/scepca.der" --outform der
is "$(fingerprint "$D/scepca.der" -inform der)" "$(fingerprint "$CA")" \
	'fetches the CA'

first=$(challenge acme)
fails 'with a wrong challenge nothing is issued' scep a acme WRONG
ok "$([ ! -e "$D/a.pem" ]; echo $?)" 'and no file appears'
lately 'scep: refused for "O=acme, CN=a"' 'unknown challenge' 127.0.0.1
ok $? 'an event tells why, for whom and from where'

works 'with the challenge of the profile it is' scep a acme "$first"
works 'by the CA that status/ shows' openssl verify -x509_strict \
	-purpose sslclient -CAfile "$CA" "$D/a.pem"
is "$(subject "$D/a.pem")" 'subject=O = acme, CN = a' \
	'with the subject that was asked for'
like "$(openssl x509 -in "$D/a.pem" -noout -ext basicConstraints)" CA:FALSE \
	'and is no CA'
lately 'scep: certificate' 'issued for "O=acme, CN=a"'
ok $? 'an event tells it'

cp "$D/a.pem" "$D/a.first.pem"
works 'the same key asks again, its answer was lost' scep a acme "$first"
is "$(fingerprint "$D/a.pem")" "$(fingerprint "$D/a.first.pem")" \
	'and gets the same certificate'
fails 'another key gets nothing for that challenge' scep b acme "$first"
lately 'scep: refused for "O=acme, CN=b"' 'challenge already used on 20'
ok $? 'an event tells when it was used'
ok "$([ "$(challenge acme)" != "$first" ]; echo $?)" \
	'the profile has a fresh challenge'
works 'and that is good' scep b acme "$(challenge acme)"

# renew NAME: a new key, signed with the old one's certificate
renew()
{
	openssl genrsa -out "$D/$1.next" 2048 2>/dev/null &&
	openssl rsa -in "$D/$1.next" -outform der -out "$D/$1.nextrsa" \
		2>/dev/null &&
	openssl x509 -in "$D/$1.pem" -outform der -out "$D/$1.old" &&
	pki --scep --url "$URL" --in "$D/$1.nextrsa" --dn 'O=acme, CN=z' \
		--cert "$D/$1.old" --key "$D/$1.rsa" \
		--cacert-enc "$D/acme.ca.der" --cacert-sig "$D/acme.ca.der" \
		--cipher des3 --outform pem >"$D/$1.renewed" &&
	[ -s "$D/$1.renewed" ]
}

works 'a certificate renews itself, without a challenge' renew a
works 'by the same CA' openssl verify -CAfile "$CA" "$D/a.renewed"
is "$(subject "$D/a.renewed")" "$(subject "$D/a.pem")" \
	'keeping its subject, whatever is asked for'
is "$(openssl x509 -in "$D/a.renewed" -noout -pubkey)" \
	"$(openssl rsa -in "$D/a.next" -pubout 2>/dev/null)" \
	'for the new key'
lately 'scep: certificate' 'renewed for'
ok $? 'an event tells it'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$D/c.key" -days 2 \
	-subj '/O=acme/CN=a' -out "$D/c.pem" 2>/dev/null
openssl rsa -in "$D/c.key" -outform der -out "$D/c.rsa" 2>/dev/null
fails 'a certificate of nobody renews nothing' renew c
lately 'scep: refused' 'not issued here'
ok $? 'an event tells why'

mkdir "$M/orgs/other"
fetch '/scep/other?operation=GetCACert' -o "$D/other.ca.der"
URL=http://127.0.0.1:$RELAY_PORT/scep/other
cp "$D/acme.ca.der" "$D/acme.ca.kept"
cp "$D/other.ca.der" "$D/acme.ca.der"
fails 'nor does one of another organization' renew a
cp "$D/acme.ca.kept" "$D/acme.ca.der"
URL=http://127.0.0.1:$RELAY_PORT/scep/acme

# ---- certmonger -------------------------------------------------------------

works 'certmonger fetches the capabilities' \
	"$CERTMONGER/scep-submit" -u "$URL" -c
like "$(cat "$T/works.out")" '^SCEPStandard' 'and reads them'
works 'certmonger fetches the CA' "$CERTMONGER/scep-submit" -u "$URL" -C
is "$(fingerprint "$T/works.out")" "$(fingerprint "$CA")" 'which is the same'

# monger NAME CHALLENGE [renew]: a whole enrollment by the daemon of a session
# of its own, in $T/NAME: f.pem, state (what getcert list says at the end), and
# old.pem, if it was renewed.  It is told who signs (-N): of a CA that signs
# and decrypts by itself it believes nothing else.
cat >"$T/monger.sh" <<'END'
cd "$HOME" || exit 1
bus()
{
	dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
		org.freedesktop.DBus.NameHasOwner \
		string:org.fedorahosted.certmonger | grep -q 'boolean true'
}
# within SECONDS COMMAND...
within()
{
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -gt $end ] && return 1
		sleep 0.1
	done
}
settled()
{
	getcert list -s -i one >state 2>&1
	grep -qE 'status: (MONITORING|CA_REJECTED|CA_UNREACHABLE)' state
}
renewed()
{
	! cmp -s f.pem old.pem
}
enroll()
{
	within 10 bus &&
	getcert add-scep-ca -s -c acme -u "$URL" -N "$HOME/ca.pem" &&
	getcert request -s -c acme -I one -k "$HOME/k.pem" -f "$HOME/f.pem" \
		-N 'CN=monger,O=acme' -L "$CHALLENGE" &&
	within 30 settled || return 1
	[ -n "$RENEW" ] || return 0
	cp f.pem old.pem && getcert resubmit -s -i one && within 30 renewed
}
"$CERTMONGER/certmonger-session" -n >daemon.log 2>&1 &
daemon=$!
enroll
status=$?
kill $daemon
wait $daemon
exit $status
END
monger()
{
	mkdir -p "$T/$1/run"
	cat "$CA" >"$T/$1/ca.pem"
	HOME=$T/$1 XDG_CONFIG_HOME='' XDG_RUNTIME_DIR=$T/$1/run \
		TMPDIR=$T/$1 CERTMONGER=$CERTMONGER URL=$URL \
		CHALLENGE=$2 RENEW=${3:-} \
		dbus-run-session -- sh "$T/monger.sh"
}

works "certmonger's daemon enrolls and renews" \
	monger m1 "$(challenge acme)" renew
works 'its first certificate is good' openssl verify -CAfile "$CA" \
	"$T/m1/old.pem"
works 'and so is the next' openssl verify -CAfile "$CA" "$T/m1/f.pem"
works 'with a wrong challenge' monger m2 WRONG
like "$(cat "$T/m2/state")" 'CA_REJECTED' 'it is rejected'
like "$(cat "$T/m2/state")" 'Transaction .* not permitted' \
	'which certmonger explains'

# ---- a removed organization -------------------------------------------------

rmdir "$M/orgs/other"
soon '[ "$(type_of "/scep/other?operation=GetCACert" | cut -c 1-3)" = 404 ]' \
	'a removed organization is not found any more'

done_testing
