#!/bin/bash
# bench.sh: figures and ratios, side by side in one run.  Called by make bench;
# B names the build folder.  Absolute figures drift from run to run with the
# machine: compare within one run.
set -eu
B=${B:-build}
MDMFS=$B/mdmfs
. tests/system/lib.sh
need python3 curl openssl pki node nghttpd h2load wrk unshare

row()
{
	printf '%-46s %12s  %s\n' "$1" "$2" "$3"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/service.key" \
	-out "$T/service.pem" -days 30 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/push.key" \
	-out "$T/push.crt" -days 30 \
	-subj /UID=com.apple.mgmt.External.bench/CN=bench \
	-addext extendedKeyUsage=clientAuth 2>/dev/null
cat "$T/push.crt" "$T/push.key" >"$T/push.pem"
start_server --apns https://localhost:1 --apns-trust "$T/service.pem"
echo "https://localhost:$PORT" >"$M/system/url"
mkdir "$M/orgs/bench" "$M/orgs/bench/apns"
cp "$T/push.pem" "$M/orgs/bench/apns/"
export M T PORT

echo "mdmfs bench, $(nproc) processors, $(date -u +%F)"
python3 tests/bench/exchange.py prepare

# wrk's rate for one of the prepared loads
rate()
{
	wrk -t1 -c"$2" -d"$3" -s "$T/$1.lua" \
		"https://localhost:$PORT/mdm/bench" |
		sed -n 's/^Requests\/sec: *//p' | head -n 1
}

echo
echo "Device exchanges (HTTPS, keep-alive; wrk runs on the same processors)"
row "Idle, nothing waits, signed" "$(rate idle 32 4)" \
	"/s: a signature checked, a view, no write; bound: TLS and CPU"
row "Idle, nothing waits, no identity check (/healthz)" \
	"$(wrk -t1 -c32 -d4 "https://localhost:$PORT/healthz" |
		sed -n 's/^Requests\/sec: *//p')" "/s: TLS and HTTP alone"
row "answers, signed, each durable" "$(rate answers 32 8)" \
	"/s: a result stored, the next command handed out; bound: the disk's sync"
python3 tests/bench/exchange.py tls
python3 tests/bench/exchange.py disk

echo
B=$B bash tests/bench/mount.sh

echo
echo "Command drops through the mount (create, write, close: durable)"
python3 tests/bench/exchange.py drops 1
python3 tests/bench/exchange.py drops 8
sed -n 's/^store-\(commits\|updates\): /  store \1 so far: /p' "$M/status/server"

echo
echo "From a change to its line in follow"
python3 tests/bench/follow.py "$M"

echo
echo "Pushes (nghttpd takes them)"
"$B/tests/programs/bench_push" || true

echo
echo "Queues and groups (20,000 devices; the store alone)"
"$B/tests/programs/bench_queue"

echo
echo "Validation by Apple's schema (processor time)"
"$B/tests/programs/bench_schema"

echo
echo "Enrollments (SCEP and check-in, 8 simulated devices at a time)"
mkdir "$M/orgs/bench/enrollment"
touch "$M/orgs/bench/enrollment/open"
"$B/tests/programs/simulate" --url "https://localhost:$PORT" --org bench \
	--cacert "$T/one/root.pem" --keys "$T/keys.pem" --count 8 --threads 8 \
	--seed WARM >/dev/null
enrollments()
{
	"$B/tests/programs/simulate" --url "https://localhost:$PORT" \
		--org bench --cacert "$T/one/root.pem" --keys "$T/keys.pem" \
		--threads 8 --reuse --rounds 0 "$@" |
		sed -n 's/^enrollments-per-second: //p'
}
row "whole enrollments" "$(enrollments --count 400)" \
	"/s: profile, GetCACert, PKIOperation, Authenticate, TokenUpdate; client included"
row "over the air" "$(enrollments --count 200 --seed OTA --ota)" \
	"/s: with a profile service, and a second PKIOperation; client included"
row "RSA 2048 signatures, one core (openssl speed)" \
	"$(openssl speed -seconds 2 rsa2048 2>/dev/null |
		awk '/^rsa 2048/ { print $6 }')" \
	"/s: the bound: an enrollment costs the server 3 of them, the client 6; over the air 6, 14"
