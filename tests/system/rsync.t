#!/bin/bash
# The tree is what people wrote: rsync sees nothing else, and a second run has
# nothing to do.
. tests/system/lib.sh
need rsync openssl cp rm find

start_server
s=$T/config
mkdir -p "$s/orgs/acme/signing" "$s/orgs/acme/apns" "$s/orgs/beta" \
	"$s/orgs/Büro Süd/enrollment"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$s/orgs/acme/signing/k.pem" -days 30 -subj /CN=rsync \
	-out "$s/orgs/acme/signing/c.pem" 2>"$T/openssl.err"
echo 'Acme Inc' >"$s/orgs/acme/name"
echo '# notes' >"$s/orgs/README.md"
: >"$s/orgs/beta/.gitkeep"
find "$s/orgs" -exec touch -d '2019-05-06 07:08:09' {} +
touch -d '2020-01-02 03:04:05.123456789' "$s/orgs/acme/name"
chmod 640 "$s/orgs/acme/name"
chown 1234:2345 "$s/orgs/acme/name" "$s/orgs/beta"
chmod 2770 "$s/orgs/beta"
touch -d '2021-06-07' "$s/orgs/acme/signing" "$s/orgs/beta"

sync_tree()
{
	rsync -a --delete --itemize-changes "$s/orgs/" "$M/orgs/" 2>&1
}

out=$(sync_tree)
is "$?" 0 'rsync -a --delete: the first run'
like "$out" 'c\.pem' 'transfers the files'
out=$(sync_tree)
is "$? $out" '0 ' 'the second run exits 0 and changes nothing'
out=$(rsync -aAX --delete --itemize-changes "$s/orgs/" "$M/orgs/" 2>&1)
is "$? $out" '0 ' 'nor does one with -AX'
out=$(rsync -ac --delete --itemize-changes "$s/orgs/" "$M/orgs/" 2>&1)
is "$? $out" '0 ' 'nor does one with -c'
is "$(cd "$M/orgs" && find . -printf '%p %m %U %G %T@ %y\n' | sort)" \
	"$(cd "$s/orgs" && find . -printf '%p %m %U %G %T@ %y\n' | sort)" \
	'names, modes, owners and times are the same'
works 'and the bytes' diff -r "$s/orgs" "$M/orgs"

stop_server
start_server
out=$(sync_tree)
is "$? $out" '0 ' 'after a restart there is still nothing to do'

echo bad >"$s/orgs/acme/signing/c.pem"
echo new >"$s/orgs/acme/name"
out=$(sync_tree)
is "$?" 23 'a bad file makes rsync exit 23'
like "$out" 'c\.pem.*: Bad message' 'and is named with its reason'
is "$(cat "$M/orgs/acme/name")" new 'the others are transferred'
like "$(head -n 1 "$M/orgs/acme/signing/c.pem")" 'BEGIN CERT' 'the old one stays'
is "$(ls -A "$M/orgs/acme/signing")" "$(printf 'c.pem\nk.pem')" \
	'no scratch file is left'

rm -r "$s/orgs/acme" "$s/orgs/Büro Süd"
out=$(sync_tree)
is "$?" 0 'rsync --delete removes organizations'
is "$(ls "$M/orgs")" "$(printf 'README.md\nbeta')" 'they are gone'
mkdir -p "$M/orgs/gone/signing" && echo x >"$M/orgs/gone/name"
works 'rm -r of an organization' rm -r "$M/orgs/gone"
works 'cp -r of a tree' cp -r "$T/config/orgs/beta" "$M/orgs/copy"
works 'find of the whole mount' find "$M" -type f
works 'tar reads the whole status' tar cf "$T/status.tar" -C "$M" status README
works 'rsync reads generated files whole' rsync -a "$M/README" "$T/readme"
works 'which have their exact size' cmp "$M/README" "$T/readme"
done_testing
