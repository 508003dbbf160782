#!/bin/sh
# What stands in examples/ works.
. tests/system/lib.sh
need openssl rsync

tree=$T/tree
works 'check accepts examples/config' "$MDMFS" check examples/config
cp -R examples/config "$tree"
echo 9999 >"$tree/orgs/acme/enrollment/access-rights"
echo x >"$tree/orgs/acme/apns/push.pxf"
"$MDMFS" check "$tree" >"$T/faults" 2>&1
is $? 1 'check of a tree with faults exits 1'
like "$(cat "$T/faults")" '^orgs/acme/enrollment/access-rights: EPROTO: .*8191' \
	'it says what is wrong with a value, and what would be right'
like "$(cat "$T/faults")" '^orgs/acme/apns/push.pxf: EPERM: .*\.pfx' \
	'it says which names a place takes'
is "$(grep -c . "$T/faults")" 2 'it says nothing else'

start_server
works 'the same tree is applied with rsync' \
	rsync -a --delete examples/config/orgs/ "$M/orgs/"
is "$(rsync -ai --delete examples/config/orgs/ "$M/orgs/")" '' \
	'a second time changes nothing'

works 'so is that of the system' \
	rsync -a --filter=':- .gitignore' examples/config/system/ "$M/system/"
works 'subject in it makes a request' openssl req -in \
	"$M/status/system/tls.csr" -noout -verify
works 'another one for push' openssl req -in "$M/status/orgs/acme/apns.csr" \
	-noout -verify
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
	-subj /CN=signer -keyout "$T/key" -out "$T/cert" 2>"$T/openssl.err"
cat "$T/cert" "$T/key" >"$M/orgs/acme/signing/signer.pem"
rsync -a --delete --filter=':- .gitignore' examples/config/orgs/ "$M/orgs/"
is "$(ls "$M/orgs/acme/signing")" signer.pem \
	'with the filter a certificate that is in the mount alone stays'
rsync -a --delete --filter=':- .gitignore' examples/config/system/ "$M/system/"
rm "$M/system/tls/subject"

# ---- the hook of certbot ----
hook=$(realpath examples/certbot-deploy-hook.sh)
le=$T/live/mdm.example.com
mkdir -p "$le"
new_certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 30 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" \
		-keyout "$le/privkey.pem" -out "$le/fullchain.pem" \
		2>"$T/openssl.err"
}
export MDMFS_MNT="$M" RENEWED_LINEAGE="$le"

new_certificate mdm.example.com
works 'the hook hands a certificate over' sh "$hook"
like "$(cat "$M/status/system/tls")" '^subject: CN=mdm.example.com$' \
	'it is in effect'
is "$(ls "$M/system/tls")" 'certbot.pem
names' 'and nothing else is left'
new_certificate other.example.com
works 'it does so again at a renewal' sh "$hook"
like "$(cat "$M/status/system/tls")" '^subject: CN=other.example.com$' \
	'the new one is in effect'
echo nothing >"$le/fullchain.pem"
echo nothing >"$le/privkey.pem"
fails 'it fails when mdmfs refuses the file' sh "$hook"
like "$(cat "$T/fails.out")" '^reason: ' 'and says why'
like "$(cat "$M/status/system/tls")" '^subject: CN=other.example.com$' \
	'the certificate before it stays in effect'
is "$(ls "$M/system/tls")" 'certbot.pem
names' 'no scratch file is left'
works 'it leaves other certificates alone' \
	env MDMFS_NAME=www.example.com sh "$hook"

done_testing
