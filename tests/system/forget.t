#!/bin/bash
# rm -r devices/UDID means rmdir devices/UDID, and nothing is lost by halves.
. tests/system/lib.sh
. tests/system/mdm.sh
need curl openssl python3 busybox find

make_server
mkdir "$M/orgs/acme/enrollment" "$M/orgs/acme/enrollment/import"

# device NAME: enrolled, with two commands and an answer.
device()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$D/$1.key" -out "$D/$1.pem" -days 30 -subj "/CN=$1" \
		2>/dev/null
	dict "$(str MessageType TokenUpdate)$(ids "$1")$(str Topic \
		"$TOPIC")$(data Token 0102)$(str PushMagic "$1")" >"$T/t.plist"
	cp "$T/t.plist" "$M/orgs/acme/enrollment/import/$1.plist"
	echo 'DeviceInformation Queries=DeviceName' \
		>"$M/devices/$1/commands/ask"
	idle "$1" acme
	report "$1" acme Acknowledged "$(uuid)"
	echo DeviceLock >"$M/devices/$1/commands/lock"
	echo RestartDevice >"$M/devices/$1/commands/first/restart"
}
# whole NAME WHAT: it has all of it still
whole()
{
	is "$(cd "$M/devices/$1" && echo commands/* commands/first/* results/*)" \
		'commands/first commands/lock commands/first/restart results/ask' \
		"$2"
}
gone()
{
	fails "$2: the device is gone" ls "$M/devices/$1"
	idle "$1" acme
	is "$STATUS" 400 'and its certificate opens nothing, at once'
	like "$(grep "devices/$1\$" "$M/events" | tail -n 1)" \
		"uid=0 .*comm=.* removed devices/$1\$" 'which is an event'
}

for name in A B C E F; do
	device "$name"
done
whole A 'a device has commands and answers'

# ---- one by one
fails 'a generated file is not removed' rm -f "$M/devices/A/status"
fails 'nor one below' rm -rf "$M/devices/A/info"
fails 'nor all by name' sh -c "rm -f '$M'/devices/A/*"
whole A 'nothing is lost by that'
works 'a command is cancelled alone' rm "$M/devices/A/commands/lock"
is "$(ls "$M/devices/A/commands")" first 'and gone'
works 'with its directory listed it is, too' find "$M/devices/B" -name lock \
	-delete
soon '[ "$(ls "$M/devices/B/commands")" = first ]' 'when that is over'
echo DeviceLock >"$M/devices/B/commands/lock"

# ---- what does not go through
find "$M/devices/B" \( -name status -o -name lock -o -name ask \) -delete
whole B 'find of commands and of what is generated takes nothing away'
python3 - "$M/devices/B" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
for name in os.listdir(fd):
    if name != 'commands':
        continue
    for c in ['lock', 'first/restart']:
        os.unlink('commands/' + c, dir_fd=fd)
os.unlink('results/ask', dir_fd=fd)
os.unlink('status', dir_fd=fd)
os._exit(1)
END
whole B 'a walk that is broken off loses nothing'
fails 'all devices are not removed at once' rm -rf "$M/devices"
like "$(cat "$M/status/last-error")" 'all devices at once.*rm -r devices/UDID' \
	'which is told, with the way'
for name in B C E F; do
	whole "$name" "$name is whole"
done

# ---- the whole
works 'rm -r' rm -r "$M/devices/A"
gone A 'rm -r'
works 'rm -rf' rm -rf "$M/devices/B"
gone B 'rm -rf'
works 'rm of busybox' busybox rm -rf "$M/devices/C"
gone C busybox
works 'shutil.rmtree' python3 -c 'import shutil, sys
shutil.rmtree(sys.argv[1])' "$M/devices/E"
gone E python
works 'find -delete' find "$M/devices/F" -delete
gone F 'find'
done_testing
