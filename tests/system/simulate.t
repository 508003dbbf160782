#!/bin/bash
# A small fleet of simulated devices (tests/programs/simulate): they enroll,
# answer, say NotNow, refuse, vanish, and leave.
. tests/system/lib.sh
. tests/system/fleet.sh
need openssl curl python3
simulate=${B:-build}/tests/programs/simulate

serve_fleet fleet
mkdir "$T/fleet"

# fleet OPTION...: ten devices, as they were in the call before
fleet()
{
	"$simulate" --url "https://localhost:$PORT" --org fleet \
		--cacert "$T/root.pem" --keys "$T/keys.pem" \
		--state "$T/fleet" --count 10 --threads 4 "$@" \
		>"$T/said" 2>"$T/complaints"
}
said()
{
	sed -n "s/^$1: //p" "$T/said"
}
everywhere()
{
	for device in "$M"/devices/*; do
		echo "$1" >"$device/commands/$2"
	done
}
results()
{
	find "$M"/devices/*/results -name "$1" | wc -l
}

fleet --reuse
ok $? "ten devices enroll"
is "$(said enrolled)" 10 "each of them"
is "$(find "$M/devices" -maxdepth 1 -name 'SIM*' | wc -l)" 10 "and are there"
fleet --identity tls --http1
ok $? "they come back with their client certificates and HTTP/1.1"
is "$(said enrolled)" 0 "without enrolling again"
fleet --sha1 --identity both
ok $? "and with both proofs, SHA-1"

everywhere 'DeviceInformation Queries=DeviceName' ask
fleet --vanish
is "$(results ask)" 0 "a device that vanishes leaves its command waiting"
fleet --reuse --rounds 1 --not-now 1
is "$(said not-now) $(results ask)" '10 0' "NotNow leaves it waiting, too"
fleet --reuse
is "$(said answers) $(results ask)" '10 10' "then it is answered"
is "$(cat "$M/devices/SIM-A-0003/info/DeviceName")" SIM-A-0003 \
	"and what the device says is known"
everywhere DeviceLock lock
fleet --error
is "$(results lock)" 10 "a refusal is an answer"
like "$(grep -c 'simulated (MCMDMErrorDomain 12021)' "$M/events")" '^10$' \
	"with its reason"
fleet --check-out
ok $? "they leave"
is "$(grep -l 'state: checked-out' "$M"/devices/*/status | wc -l)" 10 "all"
is "$(cat "$T/complaints")" '' "no request failed on the way"

openssl req -x509 -newkey rsa:1024 -nodes -sha1 -keyout "$T/apple.key" \
	-out "$T/apple.crt" -days 30 -subj '/CN=Apple iPhone Device CA' \
	2>/dev/null
cat "$T/apple.crt" "$T/apple.key" >"$T/apple.pem"
mkdir -p "$M/system/trust/apple-device"
cp "$T/apple.crt" "$M/system/trust/apple-device/ca.pem"
"$simulate" --url "https://localhost:$PORT" --org fleet --cacert \
	"$T/root.pem" --keys "$T/keys.pem" --count 10 --threads 4 --seed OTA \
	--ota --apple "$T/apple.pem" >"$T/said" 2>"$T/complaints"
ok $? "ten devices enroll over the air"
is "$(said enrolled)" 10 "each of them"
is "$(grep -c 'ota: .*signed by an Apple device' "$M/events")" 20 \
	"as Apple devices"
"$simulate" --url "https://localhost:$PORT" --org fleet --cacert \
	"$T/root.pem" --keys "$T/keys.pem" --seed NONE --ota >"$T/said" \
	2>"$T/complaints"
is "$? $(said enrolled)" '1 0' "another program does not"
is "$(find "$M/devices" -maxdepth 1 -name 'SIM-NONE*')" '' "and leaves nothing"
done_testing
