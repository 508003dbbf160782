#!/bin/bash
# The tree is what people wrote: rsync sees nothing else, and a second run has
# nothing to do.
. tests/system/lib.sh
. tests/system/config.sh
need rsync openssl cp rm find tar

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

# ---- a whole configuration, in and out
stop_server
rm -rf "$T/state" "$T/config"
start_server
make_config "$T/config"
works 'check accepts a configuration with files in every place' \
	"$MDMFS" check "$T/config"
for d in orgs system; do
	works "rsync -a --delete applies its $d/" \
		rsync -a --delete "$T/config/$d/" "$M/$d/"
	out=$(rsync -ai --delete "$T/config/$d/" "$M/$d/")
	is "$? $out" '0 ' 'a second run transfers nothing'
	out=$(rsync -aic --delete "$T/config/$d/" "$M/$d/")
	is "$? $out" '0 ' 'nor with -c'
	same "$M/$d" "$T/config/$d" \
		'names, modes, owners, times and bytes are those of the folder'
done

echo '{' >"$T/config/orgs/o2/enrollment/access-rights"
echo 'Other 1' >"$T/config/orgs/o1/name"
echo 'Other 3' >"$T/config/orgs/o3/name"
out=$(rsync -a --delete "$T/config/orgs/" "$M/orgs/" 2>&1)
is "$?" 23 'a fault in one file makes rsync exit 23'
like "$out" 'orgs/o2/enrollment/\.?access-rights.*Protocol error' 'it is named'
is "$(printf '%s\n' "$out" | grep -c '^rsync: ')" 1 'and no other'
is "$(cat "$M/orgs/o1/name" "$M/orgs/o3/name")" \
	"$(printf 'Other 1\nOther 3')" 'all others are applied'
is "$(cat "$M/orgs/o2/enrollment/access-rights")" 8191 'the old one stays'
echo 8191 >"$T/config/orgs/o2/enrollment/access-rights"
works 'mended, it is applied' rsync -a --delete "$T/config/orgs/" "$M/orgs/"

mkdir "$T/backup"
works 'rsync -a copies it out' \
	rsync -a "$M/orgs" "$M/system" "$T/backup/"
same "$T/backup/orgs" "$T/config/orgs" \
	'the same, byte for byte, secrets too'
stop_server
rm -rf "$T/state"
start_server
works 'into an empty server' \
	rsync -a "$T/backup/orgs/" "$M/orgs/"
works 'all of it' rsync -a "$T/backup/system/" "$M/system/"
same "$M/orgs" "$T/config/orgs" 'it is the same configuration'
same "$M/system" "$T/config/system" 'and the same system/'
is "$(sed -n 's/^topic: //p' "$M/status/orgs/o2/apns")" \
	com.apple.mgmt.External.config 'in effect'

# the other way round: what is judged with another file comes before it
stop_server
rm -rf "$T/state"
start_server
(cd "$T/config" && find orgs system -type d | tar cf "$T/dirs.tar" \
	--no-recursion -T - && find orgs system -type f | sort -r |
	tar cf "$T/files.tar" --no-recursion -T -)
works 'tar makes the directories' tar xf "$T/dirs.tar" -C "$M" \
	--no-overwrite-dir
works 'and writes the files from the last to the first' \
	tar xf "$T/files.tar" -C "$M"
works 'in any order it is the same' diff -r "$T/config/orgs" "$M/orgs"
is "$(sed -n 's/^topic: //p' "$M/status/orgs/o3/apns")" \
	com.apple.mgmt.External.config 'and in effect'
done_testing
