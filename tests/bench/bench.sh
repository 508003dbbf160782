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
echo "Command drops through the mount (create, write, close: durable)"
python3 tests/bench/exchange.py drops 1
python3 tests/bench/exchange.py drops 8
sed -n 's/^store-\(commits\|updates\): /  store \1 so far: /p' "$M/status/server"

echo
echo "Pushes (nghttpd takes them)"
"$B/tests/programs/bench_push" || true

if [ -x "$B/tests/programs/bench_scep" ]; then
	echo
	echo "SCEP enrollments (RSA 2048; one decryption, two signatures each)"
	"$B/tests/programs/bench_scep"
fi
