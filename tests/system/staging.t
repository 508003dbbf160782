#!/bin/bash
# All or nothing: a tree in staging/NAME/ is judged as a whole and applied in
# one transaction.
. tests/system/lib.sh
. tests/system/config.sh
need rsync openssl setpriv find diff

alice=2001
as()
{
	as_id=$1
	shift
	setpriv --reuid "$as_id" --regid "$as_id" --clear-groups "$@"
}

# commit NAME: what the writing tool says
commit()
{
	(echo go >"$M/staging/$1/commit") 2>&1
}

start_server -o allow_other,default_permissions
make_config "$T/config"
is "$(stat -c '%a %u' "$M/staging")" '755 0' 'staging/ is there, and is root'\''s'

# ---- what waits
works 'mkdir staging/next' mkdir "$M/staging/next"
works 'rsync -a --delete of a whole configuration into it' \
	rsync -a --delete "$T/config/" "$M/staging/next/"
out=$(rsync -ai --delete "$T/config/" "$M/staging/next/")
is "$? $out" '0 ' 'a second run transfers nothing'
same "$M/staging/next/orgs" "$T/config/orgs" \
	'it shows the names, modes, times and bytes of the folder'
is "$(ls "$M/orgs")" '' 'nothing has taken effect'
is "$(ls "$M/staging/next")" "$(printf 'orgs\nsystem')" \
	'check, diff and commit are not listed: copies lack them'
is "$(grep -c staging "$M/events")" 0 'what waits is no event'
stop_server
start_server -o allow_other,default_permissions
same "$M/staging/next/orgs" "$T/config/orgs" 'it waits over a restart'

# ---- what would be
like "$(cat "$M/staging/next/check")" \
	'^nothing is wrong: [0-9]+ to add, 0 to change, 0 to remove$' \
	'check finds nothing wrong'
like "$(cat "$M/staging/next/diff")" '^add orgs/o2/apns/push.p12$' \
	'diff names a file that is new'
is "$(ls "$M/orgs")" '' 'neither changes anything'

# ---- nothing
s=$M/staging/next
echo bad >"$s/orgs/o1/signing/sign.pem"
echo 9999 >"$s/orgs/o3/enrollment/access-rights"
echo x >"$s/orgs/o2/apns/push.pxf"
mkdir "$s/orgs/o2/nonsense"
echo x >"$s/orgs/o2/nonsense/file"
echo DeviceLock >"$s/orgs/o2/commands/lock"
before=$(tail -n 1 "$M/events")
out=$(commit next)
is "$?" 1 'a commit with faults fails'
like "$out" 'Operation not permitted|Protocol error|Bad message' \
	'with the errno of one of them'
is "$(ls "$M/orgs" "$M/system")" "$(printf '%s:\n\n%s:' "$M/orgs" "$M/system")" \
	'and nothing at all was applied'
why=$(cat "$M/status/last-error")
like "$why" '^reason: nothing was applied, 5 faults' 'last-error counts them'
like "$why" '^file: staging/next/commit$' 'and says where'
like "$why" '^reason: orgs/o1/signing/sign.pem: EBADMSG: .*BEGIN' \
	'it names the bad certificate'
like "$why" '^reason: orgs/o3/enrollment/access-rights: EPROTO: .*8191' \
	'the bad value'
like "$why" '^reason: orgs/o2/apns/push.pxf: EPERM: .*\.pfx' 'the bad name'
like "$why" '^reason: orgs/o2/nonsense: EPERM: ' 'the directory, once'
like "$why" '^reason: orgs/o2/commands/lock: EPERM: .*no configuration' \
	'and the command'
is "$(wc -l <"$s/check")" 5 'check has a line for each'
like "$(grep -v "^$before" "$M/events" | tail -n 1)" \
	'refused.*staging/next/commit' 'the refusal is an event'
rm "$s/orgs/o2/commands/lock"
mkdir "$T/bad"
rsync -a "$s/" "$T/bad/"
"$MDMFS" check "$T/bad" | sort >"$T/outside"
sort "$s/check" >"$T/inside"
works 'mdmfs check DIR says the same of the same tree' \
	diff "$T/outside" "$T/inside"

# ---- all
rsync -a --delete "$T/config/" "$s/"
works 'mended, it is applied' bash -c "echo go >'$s/commit'"
fails 'the staging directory is gone' stat "$s"
is "$(ls "$M/staging")" '' 'and nothing is left'
same "$M/orgs" "$T/config/orgs" 'orgs/ is the folder, also owners and times'
same "$M/system" "$T/config/system" 'and so is system/'
out=$(rsync -ai --delete "$T/config/orgs/" "$M/orgs/")
is "$? $out" '0 ' 'rsync has nothing to do'
is "$(sed -n 's/^topic: //p' "$M/status/orgs/o3/apns")" \
	com.apple.mgmt.External.config 'everything is in effect'
like "$(cat "$M/events")" \
	'uid=0 pid=[0-9]+ comm=bash applied staging/next: [0-9]+ added, 0 changed, 0 removed' \
	'an event says who applied what'

# ---- what is staged replaces, the rest stays
mkdir "$M/orgs/other"
echo Other >"$M/orgs/other/name"
echo DeviceLock >"$T/lock"
rm -r "$T/config/orgs/o1/groups" "$T/config/orgs/o1/tls" \
	"$T/config/system/tls/other"
rm "$T/config/system/validation"
echo 'Changed' >"$T/config/orgs/o1/name"
chmod 600 "$T/config/orgs/o1/url"
# rsync leaves times alone that differ by less than a second
touch -d '2024-06-07 08:09:10' "$T/config/orgs/o1" "$T/config/system/tls"
mkdir -p "$M/staging/part/orgs" "$M/staging/part/system"
rsync -a "$T/config/orgs/o1" "$M/staging/part/orgs/"
rsync -a "$T/config/system/tls" "$M/staging/part/system/"
d=$(cat "$M/staging/part/diff")
like "$d" '^change orgs/o1/name$' 'diff: change'
like "$d" '^remove orgs/o1/groups/sales/members$' 'remove'
like "$d" '^mode orgs/o1/url: 0600 0:0, was 0644 0:0$' 'mode'
is "$(printf '%s\n' "$d" | grep -c -e o2 -e other/name -e validation)" 0 \
	'and not a word on what is not staged'
works 'part of a configuration' bash -c "echo go >'$M/staging/part/commit'"
same "$M/orgs/o1" "$T/config/orgs/o1" 'the organization is the staged one'
same "$M/system/tls" "$T/config/system/tls" 'and so is system/tls'
same "$M/orgs/o2" "$T/config/orgs/o2" 'others are as they were'
is "$(cat "$M/orgs/other/name" "$M/system/validation")" \
	"$(printf 'Other\nstrict')" 'what is not staged stays'

# ---- together: one judged with the other
mkdir -p "$M/staging/pair/orgs/o2"
rsync -a "$T/config/orgs/o2/" "$M/staging/pair/orgs/o2/"
rm "$M/staging/pair/orgs/o2/apns/"*
openssl req -x509 -nodes -newkey rsa:2048 -days 30 -keyout "$T/new.key" \
	-subj "/UID=com.apple.mgmt.External.new/CN=APSP:new" \
	-addext extendedKeyUsage=clientAuth -out "$T/new.pem" 2>"$T/err"
openssl pkcs12 -export -in "$T/new.pem" -inkey "$T/new.key" \
	-passout pass:other -out "$M/staging/pair/orgs/o2/apns/new.p12"
echo other >"$M/staging/pair/orgs/o2/apns/password"
works 'another certificate with its password' \
	bash -c "echo go >'$M/staging/pair/commit'"
is "$(sed -n 's/^topic: //p' "$M/status/orgs/o2/apns")" \
	com.apple.mgmt.External.new 'takes the place of the first'

# ---- by others
fails 'alice stages nothing' as $alice mkdir "$M/staging/hers"
chmod 1777 "$M/staging"
chown -R $alice:$alice "$M/orgs/o3"
works 'after chmod 1777 staging she does' as $alice mkdir "$M/staging/hers"
works 'her organization' as $alice sh -c "mkdir -p '$M/staging/hers/orgs/o3' &&
	cp -r '$M/orgs/o3/.' '$M/staging/hers/orgs/o3/' &&
	echo Hers >'$M/staging/hers/orgs/o3/name'"
works 'and commits it' as $alice sh -c "echo go >'$M/staging/hers/commit'"
is "$(cat "$M/orgs/o3/name")" Hers 'it is in effect'
is "$(stat -c %u "$M/orgs/o3/name" "$M/orgs/o3/apns/push.p12")" \
	"$(printf '%s\n%s' $alice $alice)" 'and still hers'
as $alice mkdir -p "$M/staging/mine/orgs/o1" "$M/staging/mine/orgs/new" \
	"$M/staging/mine/system"
as $alice sh -c "echo x >'$M/staging/mine/orgs/o1/name'
	echo https://evil.example >'$M/staging/mine/system/url'"
fails 'what is not hers she cannot commit' \
	as $alice sh -c "echo go >'$M/staging/mine/commit'"
why=$(as $alice cat "$M/status/last-error")
for p in orgs/o1 orgs/new system/url; do
	like "$why" "^reason: $p: EACCES: " "$p is told"
done
is "$(cat "$M/orgs/o1/name" "$M/system/url")" \
	"$(printf 'Changed\nhttps://mdm.example.com')" 'and nothing changed'
# ---- what rm and ls would not let her do
mkdir -p "$M/orgs/o3/users/ann" "$M/orgs/o3/enrollment"
chown $alice "$M/orgs/o3" "$M/orgs/o3/enrollment"
echo root >"$M/orgs/o3/users/kept.md"
echo root >"$M/orgs/o3/enrollment/hidden.md"
echo secret >"$M/orgs/o3/signing/password"
chown root "$M/orgs/o3/users" "$M/orgs/o3/enrollment"
chmod 1777 "$M/orgs/o3/users"
chmod 711 "$M/orgs/o3/enrollment"
chown root "$M/orgs/o3/signing/password"
chmod 600 "$M/orgs/o3/signing/password"
as $alice mkdir -p "$M/staging/sly/orgs/o3/users" \
	"$M/staging/sly/orgs/o3/signing"
as $alice sh -c "echo secret >'$M/staging/sly/orgs/o3/signing/password'"
is "$(as $alice cat "$M/staging/sly/diff" | grep -c -e hidden -e kept)" 0 \
	'diff does not name what she could not list or remove'
fails 'a commit removes nothing of others in a sticky directory' \
	as $alice sh -c "echo go >'$M/staging/sly/commit'"
why=$(as $alice cat "$M/status/last-error")
for p in users/ann users/kept.md enrollment; do
	like "$why" "^reason: orgs/o3/$p: EACCES: " "$p is not hers"
done
like "$why" "^reason: orgs/o3/signing/password: EACCES: " \
	'whether she has guessed a secret she does not hear'
is "$(printf '%s\n' "$why" | grep -c -e hidden -e ENOTEMPTY)" 0 \
	'and nothing else is said'
is "$(ls "$M/orgs/o3/users")" "$(printf 'ann\nann@acme.example\nkept.md')" \
	'all is there'
rm -r "$M/staging/sly"
mkdir "$M/staging/roots"
cp "$T/config/system/tls/tls.key" "$M/staging/roots/key"
chmod 644 "$M/staging/roots/key"
fails 'she does not read what root staged, whatever its mode' \
	as $alice cat "$M/staging/roots/key"
fails 'nor commits it' as $alice sh -c "echo go >'$M/staging/roots/commit'"
fails 'nor removes it' as $alice rm -r "$M/staging/roots"
works 'rm -r of a staged tree' rm -r "$M/staging/roots" "$M/staging/mine"

# ---- limits
mkdir "$M/staging/big"
fails 'a file of 17 MiB' \
	dd if=/dev/zero of="$M/staging/big/a" bs=1M count=17
for i in 1 2 3 4; do
	dd if=/dev/zero of="$M/staging/big/$i" bs=1M count=16 2>"$T/dd"
done
fails '64 MiB and one byte together' cp "$T/lock" "$M/staging/big/5"
like "$(cat "$M/status/last-error")" 'EDQUOT|at most 64 MiB' 'it says the limit'
rm -r "$M/staging/big"
mkdir "$M/staging/big"
works 'what was removed makes room' sh -c "echo >'$M/staging/big/5'"
fails 'mv of a directory keeps its errno' mv "$M/staging/big" "$M/staging/b2"
works 'an empty commit' sh -c "rm '$M/staging/big/5'; echo >'$M/staging/big/commit'"

# ---- at once: a reader never sees half of it
for i in $(seq 20); do
	mkdir -p "$T/many/orgs/m$i"
	echo first >"$T/many/orgs/m$i/name"
done
mkdir "$M/staging/many"
cp -r "$T/many/orgs" "$M/staging/many/"
(until [ -e "$T/stop" ]; do
	find "$M/orgs" -maxdepth 1 -name 'm*' | wc -l
done) >"$T/seen" &
reader=$!
echo go >"$M/staging/many/commit"
: >"$T/stop"
wait $reader
is "$(sort -un "$T/seen" | grep -v -x -e 0 -e 20)" '' \
	'a listing has all of the organizations, or none'
done_testing
