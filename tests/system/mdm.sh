# mdm.sh - an organization that works, and devices made of curl and openssl.
# Read after lib.sh.  HOST is the name that devices use; curl and the relay
# resolve it to 127.0.0.1.

HOST=mdm.example.com
TOPIC=com.apple.mgmt.External.0c5e7e6a-0000-4000-8000-000000000001
P=$T/pki
D=$T/devices
mkdir "$P" "$D"

# certificate NAME SUBJECT DAYS EXTENSIONS...: a P-256 key, issued by the CA.
certificate()
{
	c_name=$1 c_subject=$2 c_days=$3
	shift 3
	printf '%s\n' "$@" >"$P/$c_name.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$P/$c_name.key" -subj "$c_subject" \
		-out "$P/$c_name.csr" 2>/dev/null &&
	openssl x509 -req -in "$P/$c_name.csr" -CA "$P/ca.pem" \
		-CAkey "$P/ca.key" -days "$c_days" -out "$P/$c_name.pem" \
		-extfile "$P/$c_name.ext" 2>/dev/null &&
	cat "$P/$c_name.pem" "$P/$c_name.key" >"$P/$c_name.both.pem"
}

# push_certificate NAME TOPIC
push_certificate()
{
	certificate "$1" "/UID=$2/CN=APSP:test/C=US" 365 \
		'extendedKeyUsage=clientAuth' 'keyUsage=digitalSignature'
}

make_pki()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$P/ca.key" -out "$P/ca.pem" -days 30 -subj '/CN=Root' \
		-addext 'keyUsage=critical,keyCertSign' 2>/dev/null
	certificate server "/CN=$HOST" 30 'extendedKeyUsage=serverAuth' \
		"subjectAltName=DNS:$HOST,DNS:localhost,IP:127.0.0.1"
	push_certificate push "$TOPIC"
	cat "$P/ca.pem" >>"$P/server.both.pem"
}

# start_pushd [OPTION...]: PUSH_PORT and PUSH_CONTROL stay the same when it is
# started again.  What was pushed is in $T/pushes.
pushd_pid=
PUSH_PORT=0
PUSH_CONTROL=0
start_pushd()
{
	: >"$T/pushd.out"
	node tests/system/pushd.js --cert "$P/server.pem" \
		--key "$P/server.key" --port "$PUSH_PORT" \
		--control "$PUSH_CONTROL" --log "$T/pushes" "$@" \
		>"$T/pushd.out" 2>"$T/pushd.err" &
	pushd_pid=$!
	: >>"$T/pushes"
	# shellcheck disable=SC2034 # lib.sh's
	wait_until 'grep -q ^control "$T/pushd.out"' || {
		echo 'Bail out! no push service'
		exit 1
	}
	PUSH_PORT=$(sed -n 's/^port //p' "$T/pushd.out")
	PUSH_CONTROL=$(sed -n 's/^control //p' "$T/pushd.out")
}

stop_pushd()
{
	[ -n "$pushd_pid" ] || return 0
	kill "$pushd_pid" 2>/dev/null
	wait "$pushd_pid" 2>/dev/null
	pushd_pid=
}

push_control()
{
	curl -sS -d "${2:-}" "http://127.0.0.1:$PUSH_CONTROL$1"
}

# pushes TOKEN: how many were answered for it.
pushes()
{
	grep -c "\"token\":\"$1\"" "$T/pushes"
}

# wait_until CONDITION [SECONDS]: a shell expression, looked at often.
wait_until()
{
	w_end=$(($(date +%s) + ${2:-10}))
	until eval "$1"; do
		[ "$(date +%s)" -gt "$w_end" ] && return 1
		sleep 0.03
	done
}

# soon CONDITION WHAT
soon()
{
	wait_until "$1"
	ok $? "$2"
}

# Restart on the same port; with -9 it is killed.
again()
{
	if [ "${1:-}" = -9 ]; then
		kill -9 "$server"
		wait "$server" 2>/dev/null
		server=
		fusermount3 -uz "$M" 2>/dev/null
	else
		stop_server
	fi
	serve
}

# serve: with the push service if there is one; PORT stays.
serve()
{
	set -- --listen "127.0.0.1:${PORT:=$(free_port)}"
	[ "$PUSH_PORT" = 0 ] || set -- "$@" --apns \
		"https://localhost:$PUSH_PORT" --apns-trust "$P/ca.pem"
	: >"$T/log.new"
	"$MDMFS" -f "$@" "$T/state" "$M" 2>"$T/log.new" &
	server=$!
	timeout 20 tail -n +1 -s 0.05 -f --pid="$server" "$T/log.new" |
		grep -q '^ready$' || {
		echo "Bail out! the server did not start"
		sed 's/^/# /' "$T/log.new"
		exit 1
	}
	cat "$T/log.new" >>"$T/log"
	mv "$T/log.new" "$T/log.now"
}

# make_org NAME [PUSH]: with a push certificate.
make_org()
{
	mkdir "$M/orgs/$1" "$M/orgs/$1/apns" &&
	cp "$P/${2:-push}.both.pem" "$M/orgs/$1/apns/push.pem"
}

# make_server: everything that an enrollment needs.
make_server()
{
	make_pki
	serve
	mkdir -p "$M/system/tls"
	cp "$P/server.both.pem" "$M/system/tls/server.pem"
	echo "https://$HOST:$PORT" >"$M/system/url"
	make_org acme
}

# fetch PATH [CURL OPTION...]
fetch()
{
	f_path=$1
	shift
	curl -sS --cacert "$P/ca.pem" \
		--connect-to "$HOST:$PORT:127.0.0.1:$PORT" "$@" \
		"https://$HOST:$PORT$f_path"
}

# plist FILE EXPRESSION: python's opinion of a property list, p.
plist()
{
	python3 -c '
import plistlib, sys
data = open(sys.argv[1], "rb").read()
p = plistlib.loads(data)
def payload(kind):
    return [x for x in p["PayloadContent"] if x["PayloadType"] == kind][0]
print(eval("(" + sys.argv[2] + ")"))' "$1" "$2"
}

# HTTP for SCEP clients that know no TLS of ours.  RELAY_PORT.
relay_pid=
start_relay()
{
	: >"$T/relay.out"
	python3 tests/system/relay.py "$PORT" "$P/ca.pem" "$HOST" \
		>"$T/relay.out" 2>"$T/relay.err" &
	relay_pid=$!
	wait_until '[ -s "$T/relay.out" ]' || {
		echo 'Bail out! no relay'
		exit 1
	}
	RELAY_PORT=$(cat "$T/relay.out")
}

# ca_of ORG: its SCEP CA, in $D/ORG.ca.der and .pem.
ca_of()
{
	[ -s "$D/$1.ca.der" ] && return
	fetch "/scep/$1?operation=GetCACert" -o "$D/$1.ca.der"
	openssl x509 -inform der -in "$D/$1.ca.der" -out "$D/$1.ca.pem"
}

# scep NAME ORG CHALLENGE: a certificate for $D/NAME.rsa, by strongSwan's
# client, in $D/NAME.pem.
scep()
{
	[ -s "$D/$1.key" ] || openssl genrsa -out "$D/$1.key" 2048 2>/dev/null
	ca_of "$2"
	openssl rsa -in "$D/$1.key" -outform der -out "$D/$1.rsa" 2>/dev/null
	pki --scep --url "http://127.0.0.1:$RELAY_PORT/scep/$2" \
		--in "$D/$1.rsa" --dn "O=$2, CN=$1" --password "$3" \
		--cacert-enc "$D/$2.ca.der" --cacert-sig "$D/$2.ca.der" \
		--cipher des3 --outform pem >"$D/$1.new" 2>"$D/$1.scep" &&
	[ -s "$D/$1.new" ] && mv "$D/$1.new" "$D/$1.pem"
}

# challenge ORG: out of the profile that status/ shows.
challenge()
{
	cat "$M/status/orgs/$1/enroll.mobileconfig" >"$D/$1.mobileconfig" &&
	plist "$D/$1.mobileconfig" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

# dict XML: a whole property list around keys and values.
dict()
{
	printf '%s\n' '<?xml version="1.0" encoding="UTF-8"?>' \
		'<plist version="1.0"><dict>' "$1" '</dict></plist>'
}

# str KEY VALUE
str()
{
	printf '<key>%s</key><string>%s</string>' "$1" "$2"
}

# data KEY HEX
data()
{
	printf '<key>%s</key><data>%s</data>' "$1" \
		"$(printf %s "$2" | xxd -r -p | base64 -w0)"
}

# say NAME ORG BODY [CURL OPTION...]: signed with NAME's key.  STATUS and
# $T/answer.  With WAY=tls the certificate speaks for itself.
say()
{
	s_name=$1 s_org=$2
	printf %s "$3" >"$T/body"
	shift 3
	if [ "${WAY:-signature}" = tls ]; then
		set -- --cert "$D/$s_name.pem" --key "$D/$s_name.key" "$@"
	else
		openssl cms -sign -binary -outform der -in "$T/body" \
			-signer "$D/$s_name.pem" -inkey "$D/$s_name.key" \
			-out "$T/signature" || return
		set -- -H "Mdm-Signature: $(base64 -w0 "$T/signature")" "$@"
	fi
	: >"$T/answer"
	STATUS=$(fetch "/mdm/$s_org" -X PUT --data-binary "@$T/body" \
		-H 'Content-Type: application/x-apple-aspen-mdm-checkin' \
		-o "$T/answer" -w '%{http_code}' "$@")
}

# ids NAME: what a device calls itself, in every message.
ids()
{
	str UDID "$1"
}

authenticate()
{
	say "$1" "$2" "$(dict "$(str MessageType Authenticate)$(str Topic \
		"$TOPIC")$(ids "$1")$(str SerialNumber "S$1")$(str OSVersion \
		17.5)$(str ProductName iPhone15,2)")"
}

# token NAME: its push token, hex.
token()
{
	printf %s "$1" | sha256sum | cut -c 1-64
}

# token_update NAME ORG [TOKEN [MORE]]
token_update()
{
	say "$1" "$2" "$(dict "$(str MessageType TokenUpdate)$(str Topic \
		"$TOPIC")$(ids "$1")$(data Token "${3:-$(token "$1")}")$(str \
		PushMagic "magic-$1")${4:-}")"
}

# enroll NAME ORG: all of it.
enroll()
{
	scep "$1" "$2" "$(challenge "$2")" &&
	authenticate "$1" "$2" && [ "$STATUS" = 200 ] &&
	token_update "$1" "$2" && [ "$STATUS" = 200 ]
}

# idle NAME ORG [MORE]
idle()
{
	say "$1" "$2" "$(dict "$(ids "$1")$(str Status Idle)${3:-}")"
}

# report NAME ORG STATUS UUID [MORE]
report()
{
	say "$1" "$2" "$(dict "$(ids "$1")$(str Status "$3")$(str CommandUUID \
		"$4")${5:-}")"
}

# Of the command in $T/answer; "" if it is empty.
uuid()
{
	[ -s "$T/answer" ] && plist "$T/answer" 'p["CommandUUID"]'
}

kind()
{
	[ -s "$T/answer" ] && plist "$T/answer" 'p["Command"]["RequestType"]'
}

# queue NAME COLUMN: 2 name, 3 request type, 4 state, 5 UUID; in one line.
queue()
{
	cut -f "$2" "$M/devices/$1/queue" | tr '\n' ' ' | sed 's/ $//'
}

# errno COMMAND...: the errno's name of what python does to a path: rm or
# write TEXT.
errno_of()
{
	python3 -c '
import errno, os, sys
try:
    if sys.argv[1] == "rm":
        os.unlink(sys.argv[2])
    else:
        fd = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, sys.argv[3].encode())
        os.close(fd)
    print("OK")
except OSError as e:
    print(errno.errorcode[e.errno])' "$@"
}

mdm_cleanup()
{
	stop_pushd
	[ -n "$relay_pid" ] && kill "$relay_pid" 2>/dev/null
	cleanup
}
trap mdm_cleanup EXIT
