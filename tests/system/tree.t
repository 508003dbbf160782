#!/bin/bash
# Names, permissions and generated files of the tree.
. tests/system/lib.sh
need setpriv python3 mkfifo ln stat ls

start_server
errno_of()
{
	python3 - "$@" <<'PY'
import errno, os, sys
op, args = sys.argv[1], sys.argv[2:]
try:
    if op == "create": os.close(os.open(args[0], os.O_CREAT | os.O_WRONLY))
    elif op == "append": os.close(os.open(args[0], os.O_WRONLY | os.O_APPEND))
    elif op == "read": os.read(os.open(args[0], os.O_RDONLY), 1)
    else: getattr(os, op)(*args)
    print("OK")
except OSError as e:
    print(errno.errorcode[e.errno])
PY
}
refusal() { cat "$M/status/last-error"; }

# ---- names
long=$(printf 'n%.0s' $(seq 256))
is "$(errno_of mkdir "$M/orgs/acme")" OK 'mkdir makes an organization'
is "$(ls -A "$M/orgs/acme")" '' 'an empty one'
for d in apns signing scep enrollment; do
	is "$(errno_of mkdir "$M/orgs/acme/$d")" OK "mkdir orgs/acme/$d"
done
for d in tls signing trust; do
	is "$(errno_of mkdir "$M/system/$d")" OK "mkdir system/$d"
done
is "$(errno_of mkdir "$M/orgs/acme/apn")" EPERM 'a directory that the place does not know'
like "$(refusal)" 'takes: name, apns/' 'and what it knows'
for n in -x .x 'x~' 'a*b' 'end ' "$(printf 'o%.0s' $(seq 65))"; do
	is "$(errno_of mkdir "$M/orgs/$n")" EPERM "'$n' is no organization"
done
is "$(errno_of mkdir "$M/orgs/Müller & Co")" EPERM 'nor is one with &'
is "$(errno_of mkdir "$M/orgs/Müller_Söhne 2.0")" OK 'letters of any script, digits, - _ . and space are good'
is "$(errno_of rmdir "$M/orgs/Müller_Söhne 2.0")" OK 'rmdir removes it'
is "$(errno_of create "$M/orgs/acme/apns/push.pxf")" EPERM 'a typo in an ending is refused'
like "$(refusal)" '\*\.p12 \*\.pfx \*\.pem' 'with the endings that are taken'
is "$(errno_of create "$M/orgs/acme/apns")" EISDIR 'a directory is no file'
is "$(errno_of create "$M/orgs/acme/$long")" ENAMETOOLONG 'names have at most 255 bytes'
is "$(errno_of mkdir "$M/orgs/$long")" ENAMETOOLONG 'of directories, too'
is "$(errno_of mkdir "$M/orgs/acme/.git")" EPERM 'no .git'
like "$(refusal)" '--git-dir' 'with advice'
for n in README.md .gitignore .gitkeep .gitattributes; do
	ok "$(echo x >"$M/orgs/acme/apns/$n"; echo $?)" "$n is kept"
done
is "$(errno_of mkfifo "$M/orgs/acme/pipe")" EPERM 'no pipes'
is "$(errno_of link "$M/orgs/acme/apns/.gitkeep" "$M/orgs/acme/apns/l.pem")" EPERM 'no hard links'
is "$(errno_of symlink x "$M/orgs/acme/apns/l.pem")" EPERM 'no symbolic links'
is "$(errno_of symlink user@host.1 "$M/orgs/acme/apns/.#push.p12")" OK 'but the one of emacs'
is "$(readlink "$M/orgs/acme/apns/.#push.p12")" user@host.1 'which can be read'
rm "$M/orgs/acme/apns/.#push.p12"
is "$(errno_of rename "$M/orgs/acme" "$M/orgs/beta")" EPERM 'organizations keep their names'
is "$(errno_of rmdir "$M/orgs/acme/apns")" ENOTEMPTY 'a directory with files stays'
is "$(errno_of rmdir "$M/orgs")" EPERM 'orgs/ always stays'
is "$(errno_of mkdir "$M/orgs/acme")" EEXIST 'mkdir of what is there'

# ---- scratch names
for n in .push.p12.AbC123 .push.p12.swp 4913 5036 push.p12~ '#push.p12#' \
	sedAbC123 XXAbC123 push.p12.tmp tmpabcd1234 push.p12.part; do
	ok "$(echo x >"$M/orgs/acme/apns/$n"; echo $?)" "$n is scratch"
	rm "$M/orgs/acme/apns/$n"
done
is "$(errno_of create "$M/orgs/acme/apns/4914")" EPERM '4914 is not'
echo hello >"$M/system/url.tmp"
is "$(cat "$M/system/url.tmp")" hello 'a scratch file holds what was written'
is "$(errno_of rename "$M/system/url.tmp" "$M/system/url")" EPROTO 'renamed into place it is judged'
is "$(cat "$M/system/url.tmp")" hello 'and stays when it is refused'
echo https://a.example >"$M/system/url.tmp"
ino=$(stat -c %i "$M/system/url.tmp")
is "$(errno_of rename "$M/system/url.tmp" "$M/system/url")" OK 'a good one is taken'
is "$(stat -c %i "$M/system/url")" "$ino" 'with its inode number'
is "$(head -c 20000000 /dev/zero | tee "$M/system/big.tmp" 2>&1 >/dev/null | grep -c 'File too large')" 1 \
	'a scratch file has a limit'
rm "$M/system/big.tmp"
is "$(head -c 70000 /dev/zero | tr '\0' x | tee "$M/system/url" 2>&1 >/dev/null | grep -c 'File too large')" 1 \
	'and so has a place'
is "$(cat "$M/system/url")" https://a.example 'which keeps what it had'

# ---- removal that a failed write takes back
rm "$M/system/url"
is "$(errno_of read "$M/system/url")" ENOENT 'a removed file is gone at once'
echo http://bad >"$M/system/url" 2>/dev/null
is "$(cat "$M/system/url")" https://a.example 'and back when what replaces it is refused'
is "$(stat -c %i "$M/system/url")" "$ino" 'the same file'
cp /etc/hostname "$M/orgs/acme/name"
is "$(cat "$M/orgs/acme/name")" "$(cat /etc/hostname)" 'an empty directory takes a name'

mv "$M/orgs/acme/name" "$M/orgs/acme/name~"
echo later >"$M/orgs/acme/name"
rm "$M/orgs/acme/name"
mv "$M/orgs/acme/name~" "$M/orgs/acme/name"
is "$(cat "$M/orgs/acme/name")" "$(cat /etc/hostname)" 'a backup that is taken back is the one that it was'

# ---- attributes
chmod 640 "$M/system/url" && chown 11:12 "$M/system/url" && touch -d @1000000000.5 "$M/system/url"
is "$(stat -c '%a %u %g %.9Y' "$M/system/url")" '640 11 12 1000000000.500000000' 'mode, owner and mtime are stored'
echo https://b.example >"$M/system/url"
is "$(stat -c '%a %u %g' "$M/system/url")" '640 11 12' 'a new content keeps mode and owner'
cp -p "$M/system/url" "$T/url" && echo https://c.example >"$T/url" && touch -d @1100000000 "$T/url"
cp -p "$T/url" "$M/system/url"
is "$(stat -c '%Y' "$M/system/url")" 1100000000 'cp -p: the mtime that is set before the close stays'
echo http://bad >"$T/url" && touch -d @1200000000 "$T/url" && chmod 600 "$T/url"
cp -p "$T/url" "$M/system/url" 2>/dev/null
is "$(stat -c '%Y %a' "$M/system/url")" '1100000000 640' 'a refused cp -p changes nothing'
mkdir -m 2775 "$M/orgs/team" && chgrp 500 "$M/orgs/team" && chmod 2775 "$M/orgs/team"
mkdir "$M/orgs/team/apns"
is "$(stat -c '%g %a' "$M/orgs/team/apns")" '500 2755' 'setgid directories hand their group on'
like "$(errno_of getxattr "$M/system/url" user.x)" '^(ENOTSUP|EOPNOTSUPP)$' 'no extended attributes'

# ---- permissions
as() { setpriv --reuid "$1" --regid "$2" --clear-groups "${@:3}"; }
chown -R 1001:1001 "$M/orgs/acme" && chmod 750 "$M/orgs/acme"
works 'the owner of an organization writes in it' as 1001 1001 sh -c "echo Acme >$M/orgs/acme/name"
is "$(stat -c %u "$M/orgs/acme/name")" 1001 'its files keep their owner'
works 'and makes places' as 1001 1001 mkdir -p "$M/orgs/acme/enrollment"
fails 'another user does not' as 1002 1002 sh -c "echo x >$M/orgs/acme/name"
fails 'nor sees it' as 1002 1002 ls "$M/orgs/acme"
is "$(stat -c '%a %u' "$M/status/orgs/acme")" '750 1001' 'status/orgs/ORG has its owner and mode'
fails 'nor its status' as 1002 1002 ls "$M/status/orgs/acme"
works 'the owner sees that' as 1001 1001 ls "$M/status/orgs/acme"
fails 'an organization is made by root' as 1001 1001 mkdir "$M/orgs/mine"
mkdir -p "$M/orgs/open/signing"
echo secret | setpriv --reuid 0 tee "$M/orgs/open/signing/password" >/dev/null
chmod 644 "$M/orgs/open/signing/password"
chmod 755 "$M/orgs/open" "$M/orgs/open/signing"
fails 'a secret is read by its owner and root, whatever its mode' as 1002 1002 cat "$M/orgs/open/signing/password"
is "$(cat "$M/orgs/open/signing/password")" secret 'root reads it'
as 1001 1001 sh -c "echo x >$M/orgs/acme/apns/push.pem" 2>/dev/null
like "$(as 1001 1001 cat "$M/status/last-error")" '^uid: 1001' 'last-error is the own one of each user'
is "$(as 1003 1003 cat "$M/status/last-error")" '' 'and of nobody else'
like "$(as 1001 1001 cat "$M/events")" 'refused orgs/acme/apns/push.pem' 'events of an own organization are seen'
mkdir -m 700 "$M/orgs/hidden"
is "$(grep -c orgs/hidden "$M/events")" 1 'root sees all'
is "$(as 1001 1001 cat "$M/events" | grep -c -e orgs/hidden -e 'system/url')" 0 'others are not'
is "$(as 1001 1001 stat -c %s "$M/events")" "$(as 1001 1001 cat "$M/events" | wc -c)" 'in the size, too'

# ---- generated files
is "$(errno_of append "$M/README")" EACCES 'generated files take no writes, from root neither'
is "$(errno_of unlink "$M/README")" EACCES 'and are not removed'
is "$(errno_of create "$M/status/x")" EACCES 'nothing is made in status/'
is "$(errno_of mkdir "$M/devices/x")" EACCES 'nor in devices/'
for g in README status/server events status/last-error status/system/tls; do
	is "$(stat -c %s "$M/$g")" "$(wc -c <"$M/$g")" "$g: its size is exact"
done
is "$(stat -c %s "$M/events")" "$(cat "$M/events" | wc -c)" 'events read as long as they are'
is "$(dd if="$M/events" bs=7 status=none | cksum)" "$(cksum <"$M/events")" 'in pieces, too'
before=$(stat -c '%i %n' "$M"/* "$M"/orgs/* "$M/system/url" "$M"/status/*)
stop_server
start_server
is "$(stat -c '%i %n' "$M"/* "$M"/orgs/* "$M/system/url" "$M"/status/*)" "$before" \
	'inode numbers are the same after a restart'
is "$(stat -c '%i\n' "$M"/* "$M"/*/* | sort | uniq -d)" '' 'and no two are'

# ---- follow
timeout 10 cat "$M/follow" >"$T/followed" &
mkdir "$M/orgs/followed"
timeout 5 sh -c "until grep -q 'orgs/followed' $T/followed; do rmdir $M/orgs/followed; mkdir $M/orgs/followed; done"
ok $? 'follow shows what happens'
is "$(python3 - "$M" <<'PY'
import os, select, sys
fd = os.open(sys.argv[1] + "/follow", os.O_RDONLY)
p = select.poll(); p.register(fd, select.POLLIN)
quiet = p.poll(50)
os.mkdir(sys.argv[1] + "/orgs/polled")
print(len(quiet), len(p.poll(5000)), b"orgs/polled" in os.read(fd, 4096))
PY
)" '0 1 True' 'poll wakes for it'
done_testing
