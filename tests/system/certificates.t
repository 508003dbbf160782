#!/bin/bash
# What certificate does what: the page, its time line, and events before and
# after the end of certificates.
. tests/system/lib.sh
need openssl python3 curl setpriv

# push NAME NUMBER DAYS: a push certificate of its own topic.
push()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key" \
		-out "$T/crt" -days "$3" \
		-subj "/UID=com.apple.mgmt.External.$2/CN=APSP:$2" \
		-addext extendedKeyUsage=clientAuth 2>/dev/null
	cat "$T/crt" "$T/key" >"$T/$1.pem"
}

# ending NAME SECONDS: one that ends that soon.
ending()
{
	mkdir "$T/ca" && : >"$T/ca/index" && echo 0A0B0C >"$T/ca/serial"
	cat >"$T/ca/conf" <<CONF
[ca]
default_ca = here
[here]
dir = $T/ca
database = $T/ca/index
serial = $T/ca/serial
new_certs_dir = $T/ca
default_md = sha256
policy = any
[any]
UID = supplied
commonName = supplied
[ext]
extendedKeyUsage = clientAuth
CONF
	openssl req -new -newkey rsa:2048 -nodes -keyout "$T/key" \
		-out "$T/ca/csr" -subj "/UID=com.apple.mgmt.External.9/CN=APSP:9" \
		2>/dev/null
	openssl ca -batch -config "$T/ca/conf" -selfsign -keyfile "$T/key" \
		-in "$T/ca/csr" -out "$T/crt" -extensions ext -notext \
		-startdate "$(date -u -d '-300 days' +%Y%m%d%H%M%SZ)" \
		-enddate "$(date -u -d "+$2 seconds" +%Y%m%d%H%M%SZ)" 2>/dev/null
	cat "$T/crt" "$T/key" >"$T/$1.pem"
}

# said REGEX: it stands in events within some seconds.
said()
{
	timeout 20 sh -c "until grep -qE '$1' '$M/events' 2>/dev/null; do sleep 0.1; done"
}

as() { setpriv --reuid "$1" --regid "$1" --groups "$2" "${@:3}"; }
is_xml() { python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$1"; }
page=$M/status/certificates
svg=$M/status/certificates.svg

start_server
url=https://localhost:$PORT

# ---- the page
like "$(cat "$page")" '^2 of 2 certificates need you: signing, HTTPS$' \
	'a new server has a certificate that it made'
is "$(sed -n '/^What certificate/,$p' "$page" | grep -oE '^  (SSL|signing|push|SCEP) ' | tr -d ' \n')" \
	SSLsigningpushSCEP 'the page explains all four kinds'
echo "$url" >"$M/system/url"
mkdir -p "$M"/orgs/{acme,beta,gamma,soon}/apns "$M/orgs/acme/signing" "$M/orgs/empty"
push long 1 300
push short 2 20
push days 3 3
cp "$T/long.pem" "$M/orgs/acme/apns/push.pem"
cp "$T/short.pem" "$M/orgs/beta/apns/push.pem"
cp "$T/days.pem" "$M/orgs/gamma/apns/push.pem"
like "$(head -n 1 "$page")" '^[0-9] of [0-9] certificates need you: push of (soon|empty), ' \
	'what is worst is named first'
like "$(cat "$page")" '^Push certificate of empty: MISSING$' 'what is missed is there'
like "$(cat "$page")" 'wake the devices of beta through Apple' 'it says what for'
like "$(cat "$page")" '^  ends      [-0-9]{10}, in (19|20) days$' 'and until when'
like "$(grep -A3 '^  next ' "$page")" 'orgs/empty/apns/' 'and where a new one goes'
is "$(python3 -c 'import sys
print([l for l in open(sys.argv[1]) if len(l) > 81])' "$page")" '[]' 'in 80 columns'
for f in "$page" "$svg" "$M/status/orgs/acme/scep"; do
	is "$(stat -c %s "$f")" "$(wc -c <"$f")" "${f##*/}: its size is exact"
done

# ---- the time line
works 'the time line is XML' is_xml "$svg"
is "$(grep -c '^<g>' "$svg")" \
	"$(sed -n '1s/^[0-9]* of \([0-9]*\) .*/\1/p' "$page")" \
	'with a row for each certificate'
fails 'it refers to nothing outside' grep -E '(href|src)="[^#]|url\([^#]|<script|@import' "$svg"

# ---- the organization's own CA
is "$(cat "$M/status/orgs/acme/scep")" "state: made when the first device asks for it
url: $url/scep/acme
devices: 0" 'the CA of an organization is made when it is needed'
curl -sk -o "$T/ca.der" "$url/scep/acme?operation=GetCACert"
scep=$(cat "$M/status/orgs/acme/scep")
like "$scep" '^state: in effect$' 'then it is in effect'
for digest in sha256 sha1; do
	is "$(sed -n "s/^$digest: //p" <<<"$scep")" \
		"$(openssl x509 -in "$M/status/orgs/acme/ca.pem" -noout -fingerprint -"$digest" |
			sed 's/.*=//; s/://g' | tr A-F a-f)" "with its $digest"
done
is "$(sed -n 's/^serial: //p' <<<"$scep")" \
	"$(openssl x509 -in "$M/status/orgs/acme/ca.pem" -noout -serial | sed 's/.*=//')" \
	'and its serial number'
like "$(cat "$page")" '^Device CA of acme$' 'the page has it, too'

# ---- events
said 'certificate-ends org=beta role=push days-left=(19|20) '
ok $? 'what ends soon is said'
said 'certificate-ends org=gamma role=push days-left=[23] .* serial=[0-9A-F]+: after that .*orgs/gamma/apns/'
ok $? 'with what to do'
is "$(grep -c 'certificate-ends org=gamma' "$M/events")" 1 \
	'of several days that are over the most urgent alone'
fails 'what ends late is not' grep 'certificate-ends org=acme' "$M/events"
ending soon 8
works 'one that ends in seconds is taken' cp "$T/soon.pem" "$M/orgs/soon/apns/"
said 'certificate-ended org=soon role=push days-left=-1 .* serial=0A0B0C: '
ok $? 'its end is said when it comes'
like "$(head -n 1 "$page")" ': push of (soon, push of empty|empty, push of soon)' 'then it is with the worst'
like "$(cat "$page")" '^Push certificate of soon: DOES NOT WORK$' 'and does not work'
like "$(cat "$svg")" 'ended [0-9]+ minutes? ago' 'in the time line, too'
before=$(grep -c certificate-end "$M/events")
stop_server
start_server
push again 9 100
cp "$T/again.pem" "$M/orgs/soon/apns/"
echo 200, 40 >"$M/system/notice-days"
said 'certificate-ends org=soon role=push days-left=(99|100) '
ok $? 'system/notice-days changes when'
is "$(grep -c certificate-end "$M/events")" "$((before + 1))" \
	'a restart repeats nothing'
fails 'no number of days is refused' cp /etc/hostname "$M/system/notice-days"
like "$(cat "$M/status/last-error")" 'is no number of days from 1' 'with the reason'

# ---- who sees what
chown -R 1001:500 "$M/orgs/acme" && chmod 750 "$M"/orgs/*
chown -R 1002:1002 "$M/orgs/beta"
is "$(as 1001 1001 grep -oE '^(Push|Device CA|HTTPS).*' "$page" | sed 's/:.*//' | sort | tr '\n' ,)" \
	'Device CA of acme,HTTPS certificate of this server,Push certificate of acme,' \
	'the owner of an organization sees it and the system'
fails 'and no other' as 1001 1001 grep -E 'beta|gamma' "$page" "$svg"
works 'a member of its group sees it, too' as 1003 7,500 grep 'Push certificate of acme' "$page"
fails 'who may see none does not' as 1004 1004 grep -E 'acme|beta' "$page" "$svg"
is "$(as 1001 1001 stat -c %s "$page")" "$(as 1001 1001 cat "$page" | wc -c)" \
	'the size is of what the reader sees'
is "$(as 1003 7,500 stat -c %s "$svg")" "$(as 1003 7,500 cat "$svg" | wc -c)" \
	'with groups, too'
fails 'the CA page is not for others' as 1004 1004 cat "$M/status/orgs/acme/scep"
is "$(as 1002 1002 grep -c certificate-end "$M/events")" 1 'events are for the own ones'
done_testing
