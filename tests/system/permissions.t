#!/bin/bash
# Who sees and changes what: one organization given to a user, secrets, root
# without its rights.
. tests/system/lib.sh
. tests/system/mdm.sh
need setpriv openssl curl python3 pki

# as UID[:GROUP] COMMAND...; alice 2001 has nothing but what chown gave her
as()
{
	as_id=$1
	shift
	case $as_id in
	*:*) setpriv --reuid "${as_id%:*}" --regid "${as_id%:*}" \
		--groups "${as_id#*:}" "$@" ;;
	*) setpriv --reuid "$as_id" --regid "$as_id" --clear-groups "$@" ;;
	esac
}
alice=2001 bob=2002

make_server
start_relay
push_certificate other com.apple.mgmt.External.other
make_org beta other
A=PERM-A B=PERM-B
enroll $A acme
ok $? 'a device enrolls in acme'
enroll $B beta
ok $? 'and one in beta'
mkdir "$M/orgs/acme/enrollment" "$M/orgs/beta/enrollment"
chmod 750 "$M/orgs/beta"
works 'chown -R gives acme to alice' chown -R $alice:$alice "$M/orgs/acme"
chmod 700 "$M/orgs/acme"
mkdir -m 777 "$T/copy"

# ---- what she manages
works 'alice writes a setting' as $alice sh -c "echo Acme >$M/orgs/acme/name"
works 'and makes a place' as $alice mkdir -p "$M/orgs/acme/enrollment"
works 'and reads her push certificate' as $alice cat "$M/orgs/acme/apns/push.pem"
works 'rsync copies it out' as $alice rsync -r "$M/orgs/acme/" "$T/copy/"
works 'queues a command' as $alice \
	sh -c "echo DeviceLock >$M/devices/$A/commands/lock"
is "$(as $alice cut -f 2 "$M/devices/$A/queue")" lock 'sees it waiting'
works 'cancels it' as $alice rm "$M/devices/$A/commands/lock"
works 'reads its state' as $alice cat "$M/devices/$A/status"
works 'and what the server says of her organization' \
	as $alice cat "$M/status/orgs/acme/apns"
fails 'but makes no organization' as $alice mkdir "$M/orgs/mine"
fails 'nor changes the server' as $alice sh -c "echo x >$M/system/url"
fails 'nor gives files away' as $alice chown $bob "$M/orgs/acme/name"
fails 'nor removes her organization' as $alice rmdir "$M/orgs/acme"

# ---- what she sees
is "$(as $alice ls "$M/devices")" $A 'devices/ shows hers alone'
is "$(as $alice ls "$M/status/orgs")" acme 'status/orgs/, too'
is "$(as $alice ls "$M/status/serials" | wc -l) of $(ls "$M/status/serials" | wc -l)" \
	'1 of 2' 'and status/serials/'
is "$(ls "$M/devices" | tr '\n' ' ')" "$A $B " 'root sees all'
is "$(as $bob ls "$M/devices")" '' 'bob none'
for p in "devices/$B" "devices/$B/status" "devices/$B/commands" orgs/beta \
	status/orgs/beta status/orgs/beta/apns "devices/$B/secrets"; do
	fails "$p is closed to her" as $alice sh -c \
		"if [ -d $M/$p ]; then ls $M/$p; else cat $M/$p; fi"
done
fails 'its serial number does not tell her its UDID' \
	as $alice readlink "$M/status/serials/S$B"
works 'that of hers does' as $alice cat "$M/status/serials/S$A/status"
echo b.example >"$M/orgs/beta/enrollment/domains"
chown $alice "$M/orgs/acme/enrollment"
as $alice sh -c "echo b.example >$M/orgs/acme/enrollment/domains"
like "$(as $alice cat "$M/status/last-error")" "another organization's already" \
	'a mail domain of others is refused'
scep new$B acme "$(challenge acme)"
say new$B acme "$(dict "$(str MessageType Authenticate)$(ids $B)$(str Topic \
	"$TOPIC")")"
like "$(as $alice grep refused "$M/events")" "$B is enrolled in another" \
	'and a device of others, which is told'
is "$(as $alice cat "$M/status/last-error" "$M/events" | grep -c beta)" 0 \
	'without their name'
fails 'she queues nothing for it' as $alice \
	sh -c "echo DeviceLock >$M/devices/$B/commands/lock"
fails 'nor forgets it' as $alice rmdir "$M/devices/$B"
fails 'and bob does nothing with hers' as $bob \
	sh -c "echo DeviceLock >$M/devices/$A/commands/lock"
own=$(as $alice cat "$M/events")
like "$own" "device=$A" 'events has her device'
is "$(printf '%s\n' "$own" | grep -v "authenticate refused: $B" |
	grep -c -e "device=$B" -e orgs/beta -e system/)" 0 \
	'and nothing of others'
is "$(as $bob cat "$M/events" | wc -c)" 0 'bob has no events'
as $alice timeout 5 cat "$M/follow" >"$T/hers" &
a=$!
timeout 5 cat "$M/follow" >"$T/all" &
b=$!
wait_until "mkdir -m 700 $M/orgs/w; rmdir $M/orgs/w; grep -q orgs/w $T/all"
echo one >"$M/orgs/beta/name"
wait_until "echo \$RANDOM >$M/orgs/acme/name; grep -q orgs/acme/name $T/hers"
ok $? 'follow gives her what is hers'
is "$(grep -c -e orgs/beta -e orgs/w "$T/hers")" 0 'and nothing else'
kill $a $b
wait $a $b 2>/dev/null
for p in status/doctor status/certificates status/certificates.svg \
	status/last-error; do
	is "$(as $alice cat "$M/$p" | grep -c -e beta -e "$B")" 0 \
		"$p tells her nothing of beta"
	is "$(as $alice stat -c %s "$M/$p")" "$(as $alice cat "$M/$p" | wc -c)" \
		'and has that size'
done
chgrp 3000 "$M/orgs/beta"
is "$(as $bob:3000 ls "$M/devices")" $B 'a group is enough to see'
works 'and to read' as $bob:3000 cat "$M/devices/$B/status"
chmod 770 "$M/orgs/beta"
works 'with w in its mode, to queue' as $bob:3000 \
	sh -c "echo DeviceLock >$M/devices/$B/commands/lock"

fails 'a name that is refused' mkdir "$M/orgs/hush!"
chmod 711 "$M/orgs"
fails '.error of a directory that she cannot list she cannot read' \
	as $alice cat "$M/orgs/.error"
chmod 755 "$M/orgs"
works 'others she can' as $alice grep hush "$M/orgs/.error"

# ---- secrets
chmod 755 "$M/orgs/acme" "$M/orgs/acme/apns"
chmod 666 "$M/orgs/acme/apns/push.pem"
fails 'a key is not read by others, mode 666 or not' \
	as $bob cat "$M/orgs/acme/apns/push.pem"
fails 'nor by its group' as $bob:$alice cat "$M/orgs/acme/apns/push.pem"
works 'its owner reads it' as $alice cat "$M/orgs/acme/apns/push.pem"
works 'and root' cat "$M/orgs/acme/apns/push.pem"
fails 'nor through a descriptor that also writes' as $bob python3 -c "
import os; os.read(os.open('$M/orgs/acme/apns/push.pem', os.O_RDWR), 1)"
works 'a copy for later' as $alice cp "$M/orgs/acme/apns/push.pem" \
	"$M/orgs/acme/apns/push.pem.tmp"
chmod 644 "$M/orgs/acme/apns/push.pem.tmp"
fails 'a scratch file is no way around' \
	as $bob cat "$M/orgs/acme/apns/push.pem.tmp"
rm "$M/orgs/acme/apns/push.pem.tmp"
fails "a device's secrets are closed to others" \
	as $bob ls "$M/devices/$A/secrets"
works 'and open to its owner' as $alice ls "$M/devices/$A/secrets"

# ---- what she may forget
fails 'makes nothing in devices/' as $alice mkdir "$M/devices/NEW"
fails 'nor renames there' as $alice mv "$M/devices/$A" "$M/devices/NEW"
fails 'bob does not forget hers' as $bob rmdir "$M/devices/$A"
fails 'nor does its group, of whatever mode' as $bob:3000 rm -r "$M/devices/$B"
is "$(ls "$M/devices" | tr '\n' ' ')" "$A $B " 'both are there'
C=PERM-C
enroll $C acme
works 'alice forgets one of hers' as $alice rm -r "$M/devices/$C"
works 'which is gone' as $alice test ! -e "$M/devices/$C"
like "$(as $alice tail -n 3 "$M/events")" "uid=$alice .*$C" 'an event names her'

# ---- the sticky bit
chmod 1777 "$M/orgs/acme/enrollment"
works 'bob writes where everybody may' as $bob \
	sh -c "echo note >$M/orgs/acme/enrollment/note.md"
as $alice sh -c "echo mine >$M/orgs/acme/enrollment/mine.md"
fails 'but removes nothing of others in a sticky directory' \
	as $bob rm -f "$M/orgs/acme/enrollment/mine.md"
works 'only his own' as $bob rm "$M/orgs/acme/enrollment/note.md"
stop_server

# ---- root without its rights
mdm=$(id -u www-data)
like "$("$MDMFS" --squash-root nobody-at-all "$T/state" "$M" 2>&1; echo "rc $?")" \
	'squash-root nobody-at-all: no such user' 'squash-root of an unknown user'
like "$("$MDMFS" -o squash-root=root "$T/state" "$M" 2>&1; echo "rc $?")" \
	'is root itself' 'and of root'
start_server -o squash-root=www-data
works 'squash-root: root looks around' ls "$M/orgs"
fails 'but reads no key' cat "$M/orgs/acme/apns/push.pem"
fails 'writes nothing' sh -c "echo x >$M/orgs/acme/name"
fails 'makes nothing' mkdir "$M/orgs/new"
fails 'removes nothing' rm -f "$M/orgs/acme/name"
fails 'renames nothing' mv "$M/orgs/acme/name" "$M/orgs/acme/name.tmp"
fails 'sets no mode' chmod 777 "$M/orgs/acme"
fails 'takes nothing' chown www-data "$M/orgs/acme"
fails 'sets no time' touch -d yesterday "$M/orgs/acme/name"
fails 'truncates nothing' truncate -s 0 "$M/system/url"
fails 'and enters no closed directory' ls "$M/orgs/beta"
is "$(ls "$M/devices")" "$A" 'it sees what the user sees'
is "$(grep -c orgs/beta "$M/events")" 0 'in events, too'
works 'alice works as before' as $alice sh -c "echo Acme 2 >$M/orgs/acme/name"
works "she opens a place" as $alice chmod 777 "$M/orgs/acme/enrollment"
works 'root writes there' sh -c "echo r >$M/orgs/acme/enrollment/r.md"
is "$(stat -c %u "$M/orgs/acme/enrollment/r.md")" "$mdm" 'as that user'
like "$(as $alice tail -n 1 "$M/events")" "uid=$mdm .*enrollment/r.md" \
	'and is so named in events'
works 'and sets the mode of what it made' chmod 600 "$M/orgs/acme/enrollment/r.md"
works 'umount is not touched by it' umount "$M"
wait "$server"
is "$?" 0 'the server ends with 0'
server=
done_testing
