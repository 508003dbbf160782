#!/bin/bash
# The life of a mount: how it starts, why it does not, how it ends.
. tests/system/lib.sh
need unshare pgrep df stat mount fusermount3 findmnt python3 setpriv

said()
{
	"$MDMFS" "$@" 2>&1
}

listen=127.0.0.1:$(free_port)
like "$(said --version)" '^mdmfs [0-9]' '--version'
like "$(said --help)" 'STATE_DIR MOUNTPOINT' '--help'
like "$(said; echo "rc $?")" 'needs STATE_DIR and MOUNTPOINT' 'no arguments'
like "$(said --nonsense a b; echo "rc $?")" '--nonsense: no such option' 'a wrong option'
like "$(said --listen; echo "rc $?")" 'without its value' 'an option without its value'
like "$(said "$T/state" "$T/none"; echo "rc $?")" 'none: No such file' 'no mount point'
like "$(said "$T/state" "$T/none" | wc -l)" '^1$' 'one line says so'
touch "$T/file"
like "$(said "$T/state" "$T/file")" 'is not a directory' 'a file as mount point'
mkdir "$T/full" && touch "$T/full/x"
like "$(said "$T/state" "$T/full")" 'is not empty' 'a mount point with files'
like "$(said "$T/state" /proc)" 'mounted at /proc already' 'a mount point in use'
like "$(said -o nonsense "$T/state" "$M"; echo "rc $?")" 'rc 1' 'a wrong -o option'
python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
print(s.getsockname()[1], flush=True); sys.stdin.read()' >"$T/port" < <(sleep 60) &
taken=$!
timeout 10 tail -n +1 -s 0.05 -f "$T/port" | grep -q .
out=$(said --listen "127.0.0.1:$(cat "$T/port")" "$T/state" "$M")
is "$?" 1 'a port in use: exit status 1'
like "$out" "$(cat "$T/port")" 'and says which'
ok "$(grep -c " $M fuse" /proc/self/mounts)" 'without listeners there is no mount'
kill "$taken"

works 'no /dev/fuse: says so' unshare -m sh -c "
	mount -t tmpfs none /dev &&
	! '$MDMFS' --listen '$listen' '$T/state' '$M' 2>'$T/said' &&
	grep 'mdmfs: /dev/fuse: No such file.*modprobe fuse' '$T/said'"
is "$(wc -l <"$T/said")" 1 'in one line'
works 'one that may not be opened: says so' unshare -m sh -c "
	mount -t tmpfs none /dev && mknod -m 600 /dev/fuse c 10 229 &&
	mkdir -m 777 '$T/any' '$T/any/m' '$T/any/s' && chmod 777 '$T/any'/* &&
	! setpriv --reuid 33 --clear-groups \
		'$MDMFS' --listen '$listen' '$T/any/s' '$T/any/m' 2>'$T/said' &&
	grep 'mdmfs: /dev/fuse: Permission denied; run mdmfs as root' '$T/said'"
works "a store of somebody else's: says so" sh -c "
	! setpriv --reuid 33 --clear-groups \
		'$MDMFS' --listen '$listen' '$T/state' '$T/any/m' 2>'$T/said' &&
	grep 'no permission: run mdmfs as the user' '$T/said'"
like "$(said --listen nonsense "$T/state" "$M")" 'is not an address to listen on' \
	'no address to listen on'
like "$(said --listen 192.0.2.1:8443 "$T/state" "$M")" 'no network interface' \
	'an address of another machine'
for p in 10.0.0.0/33 proxy ''; do
	like "$(said --listen "$listen" --trusted-proxy "$p" "$T/state" "$M")" \
		"^mdmfs: --trusted-proxy $p: that is no network" "'$p' as trusted proxy"
done
like "$(said --listen "$listen" "$T/file" "$M")" 'a file stands where' \
	'a file as STATE_DIR'
ok "$(grep -c " $T/.* fuse" /proc/self/mounts)" 'none of them leaves a mount'
is "$(pgrep -cf "$MDMFS .*$T")" 0 'nor a process'

works 'a mount point that a user may not write to: says so, alone' sh -c "
	mkdir '$T/roots' &&
	! setpriv --reuid 33 --clear-groups \
		'$MDMFS' --listen '$listen' '$T/any/s' '$T/roots' 2>'$T/said' &&
	grep 'mount point $T/roots: .*may not write' '$T/said' &&
	[ \$(wc -l <'$T/said') = 1 ]"
works 'allow_other without user_allow_other: names both' sh -c "
	! setpriv --reuid 33 --clear-groups '$MDMFS' --listen '$listen' \
		-o allow_other '$T/any/s' '$T/any/m' 2>'$T/said' &&
	grep '^mdmfs: .*allow_other.*user_allow_other.*/etc/fuse.conf' '$T/said'"
for s in "$M" "$M/state" "$T/mnt/../mnt/"; do
	like "$(said --listen "$listen" "$s" "$M")" 'would be hidden by the mount' \
		"a STATE_DIR that the mount would hide (${s#"$T"})"
done
is "$(ls -A "$M")" '' 'which is not made'
works 'a store with rubbish in its middle: says what may help' sh -c "
	cp -r '$T/state' '$T/state.bad' &&
	head -c 24576 /dev/zero | tr '\\0' '\\377' |
		dd of='$T/state.bad/data.mdb' bs=4096 seek=2 conv=notrunc 2>'$T/dd' &&
	! '$MDMFS' --listen '$listen' '$T/state.bad' '$M' 2>'$T/said' &&
	grep -i 'restore a backup' '$T/said'"

# gone: the server that is not ours to wait for has ended.
gone()
{
	for _ in $(seq 200); do
		[ "$(pgrep -cf "$T/state $M")" = 0 ] && return
		sleep 0.05
	done
	return 1
}

# mount(8)
works 'mount -t fuse3 PROGRAM#STATE_DIR' mount -t fuse3 "$MDMFS#$T/state" "$M" \
	-o "listen=$listen,noauto,nofail,_netdev"
is "$(findmnt -no FSTYPE "$M")" fuse.mdmfs 'has the type'
read -r total used free <<<"$(df -B1 --output=size,used,avail "$M" | tail -n 1)"
room=$(df -B1 --output=avail "$T" | tail -n 1)
ok $((total < 1 || used < 4096 || total != used + free || free > room + (64 << 20))) \
	'df: size is used and free, and no more is free than the disk has'
ok $(($(stat -fc %d "$M") < 1)) 'df -i has numbers, too'
exec 7<"$M/events"
fails 'umount of what is in use fails' umount "$M"
works 'umount -l does not' umount -l "$M"
ok "$(grep -c " $M fuse" /proc/self/mounts)" 'it is out of sight'
like "$(head -c 4096 <&7)" 'Z ' 'an open file is read on'
ok $((! $(pgrep -cf "$T/state $M"))) 'the server goes on for it'
exec 7<&-
gone
ok $? 'until it is closed'
mkdir "$T/bin" && ln -s "$MDMFS" "$T/bin/mdmfs"
works 'mount.fuse3 -t fuse.mdmfs, as mount(8) calls it' \
	env PATH="$T/bin:$PATH" /sbin/mount.fuse3 "$T/state" "$M" \
	-t fuse.mdmfs -o "rw,dev,suid,listen=$listen"
works 'umount' umount "$M"
gone
ok $? 'ends it'
# installed, in a namespace of mounts of its own
echo "$T/state $M fuse.mdmfs listen=$listen,noauto,nofail,_netdev,squash-root=nobody 0 0" \
	>"$T/fstab"
works 'mount -t fuse.mdmfs' unshare -m sh -ec "
	mount --bind '$T/bin' /usr/local/bin
	mount -t fuse.mdmfs -o 'listen=$listen' '$T/state' '$M'
	cat '$M/README'
	umount '$M'"
gone
ok $? 'and its end'
works 'a line of fstab' unshare -m sh -ec "
	mount --bind '$T/bin' /usr/local/bin
	mount -T '$T/fstab' '$M'
	grep 'listen: .*$listen' '$M/status/server'
	! touch '$M/system/url'
	umount '$M'"
gone
ok $? 'and its end'

# In the background, as mount(8) would.
out=$(said --listen "$listen" "$T/state" "$M" -o rw,noauto,nofail,_netdev,dev,suid,x-systemd.requires=x)
is "$?" 0 'in the background it returns when it serves'
works 'and the mount is there at once' test -e "$M/README"
is "$(findmnt -no FSTYPE,SOURCE "$M" | tr -s ' ')" 'fuse.mdmfs mdmfs' 'with its type'
like "$(findmnt -no OPTIONS "$M")" 'default_permissions.*allow_other' 'and default options'
like "$(cat "$M/status/server")" "$listen" 'status/server names the listener'
out=$(said --listen "127.0.0.1:$(free_port)" "$T/state" "$M")
like "$out" 'mounted at .* already' 'a second server at the same mount point is refused'
mkdir "$T/mnt2"
out=$(said --listen "127.0.0.1:$(free_port)" "$T/state" "$T/mnt2"; echo "rc $?")
like "$out" 'rc 1' 'and one with the same store'
ok "$(grep -c " $T/mnt2 fuse" /proc/self/mounts)" 'which leaves no mount'
works 'fusermount3 -u ends it' fusermount3 -u "$M"
for _ in $(seq 100); do
	[ "$(pgrep -cf "$T/state $M")" = 0 ] && break
	sleep 0.05
done
is "$(pgrep -cf "$T/state $M")" 0 'the server exits when it is unmounted'

# SIGTERM
start_server
echo https://mdm.example.com >"$M/system/url"
exec 7<"$M/events"
kill "$server"
wait "$server"
is "$?" 0 'SIGTERM: it exits with 0, though a file is open'
exec 7<&-
server=
ok "$(grep -c " $M fuse" /proc/self/mounts)" 'and unmounts'

# a signal that means nothing to it
start_server
kill -USR2 "$server"
kill -HUP "$server"
for _ in $(seq 100); do
	tail -n 3 "$M/events" | grep -q ' schema: ' && break
	sleep 0.05
done
like "$(tail -n 3 "$M/events")" ' schema: ' 'SIGHUP after others is heard'
kill -INT "$server"
wait "$server"
is "$?" 0 'and SIGINT ends it'
server=

# kill -9
start_server
is "$(cat "$M/system/url")" https://mdm.example.com 'what was accepted is there after a restart'
echo https://new.example.com >"$M/system/url"
kill -9 "$server"
wait "$server" 2>/dev/null
server=
fails 'after kill -9 the mount is stale' ls "$M"
start_server
is "$(cat "$M/system/url")" https://new.example.com 'the next start clears it, and nothing accepted is lost'

# the same for somebody without privileges
setpriv --reuid 33 --regid 33 --clear-groups "$MDMFS" -f --listen "$listen" \
	"$T/any/s" "$T/any/m" 2>"$T/log33" &
other=$!
timeout 20 tail -n +1 -s 0.05 -f --pid="$other" "$T/log33" | grep -q '^ready$'
ok $? 'a user without privileges serves in a place of its own'
fails 'which root does not even see' ls "$T/any/m"
kill -9 "$other"
wait "$other" 2>/dev/null
works 'it, too, clears what was left by kill -9' \
	setpriv --reuid 33 --regid 33 --clear-groups "$MDMFS" --listen "$listen" \
	"$T/any/s" "$T/any/m"
setpriv --reuid 33 --regid 33 --clear-groups fusermount3 -u "$T/any/m"

# A reader who waits does not keep it.
timeout 20 cat "$M/follow" >"$T/followed" &
reader=$!
for _ in $(seq 100); do
	mkdir -p "$M/orgs/waited"
	grep -q 'accepted orgs/waited' "$T/followed" && break
	sleep 0.05
	rmdir "$M/orgs/waited" # too early: once more
done
grep -q 'accepted orgs/waited' "$T/followed"
ok $? 'follow gives a new event to a reader who waits'
stop_server
wait "$reader"
is "$?" 0 'the end of the server is the end of the file for it'

start_server
timeout -s INT 0.3 cat "$M/follow" >/dev/null
is "$?" 124 'a reader who waits can be interrupted'
stop_server

start_server --user nobody
is "$(ps -o user= -p "$server")" nobody '--user: runs as that user'
works 'and still serves root' mkdir "$M/orgs/later"
kill "$server"
wait "$server"
is "$?" 0 'and ends with 0'
server=
for _ in $(seq 40); do
	grep -q " $M fuse" /proc/self/mounts || break
	sleep 0.05
done
ok "$(grep -c " $M fuse" /proc/self/mounts)" 'and is unmounted'

# systemd
python3 - "$T/notify" <<'PY' >"$T/notified" &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
print(s.recv(100).decode(), flush=True)
print(s.recv(100).decode(), flush=True)
PY
notified=$!
for _ in $(seq 100); do [ -S "$T/notify" ] && break; sleep 0.05; done
export NOTIFY_SOCKET=$T/notify
start_server
stop_server
unset NOTIFY_SOCKET
wait "$notified"
is "$(tr '\n' ' ' <"$T/notified")" 'READY=1 STOPPING=1 ' 'systemd is told'

# backup, restore, check
start_server
works 'backup beside a running server' "$MDMFS" backup "$T/state" "$T/backup"
stop_server
works 'restore makes a store of it' "$MDMFS" restore "$T/backup" "$T/state2"
fails 'but not over a store' "$MDMFS" restore "$T/backup" "$T/state2"
cp "$T/state/master.key" "$T/state2/" 2>/dev/null
rm -rf "$T/state" && mv "$T/state2" "$T/state"
start_server
is "$(cat "$M/system/url")" https://new.example.com 'which has everything'
stop_server
mkdir -p "$T/tree/orgs/acme/apns" "$T/tree/system" "$T/tree/.git"
echo https://mdm.example.com >"$T/tree/system/url"
out=$("$MDMFS" check "$T/tree")
is "$? $out" '0 ' 'check: a good tree'
echo http://mdm.example.com >"$T/tree/system/url"
echo x >"$T/tree/orgs/acme/apns/push.pxf"
echo x >"$T/tree/orgs/acme/apns/push.pem"
out=$("$MDMFS" check "$T/tree")
is "$?" 1 'check: a bad tree exits 1'
like "$out" '^system/url: EPROTO: ' 'with a line for each fault'
like "$out" '^orgs/acme/apns/push.pem: EBADMSG: ' 'of content'
like "$out" '^orgs/acme/apns/push.pxf: EPERM: .*\*\.p12' 'and of names'
done_testing
