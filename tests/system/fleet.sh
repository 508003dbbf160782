# fleet.sh - a server for simulated devices (tests/programs/simulate).  Read after
# lib.sh.

# serve_fleet ORG: anybody may enroll in ORG; $T/root.pem is what to trust.
serve_fleet()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/push.key" \
		-out "$T/push.crt" -days 30 \
		-subj "/UID=com.apple.mgmt.External.$1/CN=$1" \
		-addext extendedKeyUsage=clientAuth 2>/dev/null
	cat "$T/push.crt" "$T/push.key" >"$T/push.pem"
	start_server --apns https://localhost:1
	echo "https://localhost:$PORT" >"$M/system/url"
	mkdir "$M/orgs/$1" "$M/orgs/$1/apns" "$M/orgs/$1/enrollment"
	cp "$T/push.pem" "$M/orgs/$1/apns/"
	touch "$M/orgs/$1/enrollment/open"
	curl -sk "https://localhost:$PORT/trust.mobileconfig" | python3 -c '
import plistlib, ssl, sys
p = plistlib.loads(sys.stdin.buffer.read())
print(ssl.DER_cert_to_PEM_cert(p["PayloadContent"][0]["PayloadContent"]))
' >"$T/root.pem"
}
