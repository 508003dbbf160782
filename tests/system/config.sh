# shellcheck shell=bash
# config.sh - a configuration with files in every kind of place, as somebody
# would keep it in git.  Read after lib.sh; needs openssl.

# cert NAME SUBJECT NEWKEY [REQ-OPTION...]: $T/pki/NAME.pem and .key
cert()
{
	cert_name=$1 cert_subject=$2 cert_key=$3
	shift 3
	mkdir -p "$T/pki"
	# shellcheck disable=SC2086 # two words
	openssl req -x509 -nodes -newkey $cert_key -days 90 \
		-subj "$cert_subject" -keyout "$T/pki/$cert_name.key" \
		-out "$T/pki/$cert_name.pem" "$@" 2>/dev/null
}
P256='ec -pkeyopt ec_paramgen_curve:P-256'

# make_config DIR [ORGS]: orgs/ with ORGS of them (3 without it) and system/.
make_config()
{
	c_dir=$1 c_orgs=${2:-3}
	mkdir -p "$c_dir"
	cert push "/UID=com.apple.mgmt.External.config/CN=APSP:config/C=US" \
		"$P256" -addext extendedKeyUsage=clientAuth
	cert sign /CN=Signing "$P256"
	cert tls /CN=mdm.example.com "$P256" \
		-addext subjectAltName=DNS:mdm.example.com
	cert named /CN=other.example.com "$P256" \
		-addext subjectAltName=DNS:other.example.com
	cert vendor '/CN=MDM Vendor: Acme Inc/O=Acme Inc' rsa:2048
	openssl req -new -newkey rsa:2048 -nodes -keyout "$T/pki/asks.key" \
		-subj /CN=asks -out "$T/pki/asks.csr" 2>/dev/null
	openssl pkcs12 -export -in "$T/pki/push.pem" -inkey "$T/pki/push.key" \
		-passout pass:secret -out "$T/pki/push.p12"
	(cd "$c_dir" && config_system)
	for c_i in $(seq 1 "$c_orgs"); do
		mkdir -p "$c_dir/orgs/o$c_i"
		(cd "$c_dir/orgs/o$c_i" && config_org "$c_i")
	done
	echo '# All of them' >"$c_dir/orgs/README.md"
	printf '*.key\n' >"$c_dir/orgs/.gitignore"
	mkdir -p "$c_dir/orgs/Büro Süd"
	: >"$c_dir/orgs/Büro Süd/.gitkeep"
	find "$c_dir" -exec touch -d '2024-05-06 07:08:09' {} +
}

config_system()
{
	mkdir -p system/tls/other system/signing system/vendor/sign \
		system/trust/apple-device
	echo https://mdm.example.com >system/url
	printf '30\n7\n' >system/notice-days
	echo strict >system/validation
	echo 500 >system/keep-results
	echo 20 >system/mass-limit
	printf '127.0.0.1\n10.0.0.0/8\n' >system/metrics-allow
	cp "$T/pki/tls.pem" "$T/pki/tls.key" system/tls/
	cat "$T/pki/named.pem" "$T/pki/named.key" >system/tls/other/both.pem
	cat "$T/pki/sign.pem" "$T/pki/sign.key" >system/signing/s.pem
	cp "$T/pki/vendor.pem" "$T/pki/vendor.key" system/vendor/
	cp "$T/pki/asks.csr" system/vendor/sign/asks.csr
	cp "$T/pki/sign.pem" system/trust/root.pem
	cp "$T/pki/sign.pem" system/trust/apple-device/device.pem
	echo '# The server' >system/README.md
	chmod 600 system/tls/*.key system/tls/other/* system/signing/* \
		system/vendor/*.key
}

# config_org NUMBER
config_org()
{
	mkdir -p apns signing tls scep/challenges enrollment/invitations \
		groups/sales groups/empty users/ann@acme.example commands
	echo "Organization $1" >name
	echo "https://o$1.example.com" >url
	echo 14 >command-expiry
	cp "$T/pki/push.p12" apns/
	echo secret >apns/push.p12.password
	echo "admin@o$1.example" >apns/apple-account
	cp "$T/pki/sign.pem" "$T/pki/sign.key" signing/
	echo "CN=o$1.example.com, O=Acme" >tls/subject
	echo p256 >tls/key-type
	printf 'o%s.example.com\n*.o%s.example.com\n' "$1" "$1" >tls/names
	echo 2048 >scep/key-size
	echo 'CN=%UDID%, O=%ORG%' >scep/subject
	echo 'DNS:%SERIAL%.devices.example.com' >scep/san
	echo 400 >scep/validity
	echo 5 >scep/retries
	echo 30 >scep/retry-delay
	echo 24h >scep/challenge-validity
	echo "the string of $1" >"scep/challenges/SERIAL$1"
	: >"scep/challenges/MADE$1"
	: >enrollment/open
	printf 'A%sA\nB%sB\n' "$1" "$1" >enrollment/serials
	echo "o$1.example" >enrollment/domains
	echo 8191 >enrollment/access-rights
	echo 30 >enrollment/renewal-grace
	echo 'iOS 17.0' >enrollment/required-os
	printf 'user: ann@acme.example\nuses: 2\n' >enrollment/invitations/ann
	printf 'A%sA\n# all of Berlin\nBER-*\n' "$1" >groups/sales/members
	: >groups/empty/.gitkeep
	openssl passwd -6 "password $1" >users/ann@acme.example/password
	echo 'Ann Example' >users/ann@acme.example/full-name
	: >commands/.gitkeep
	echo "# o$1" >README.md
	chmod 600 apns/push* signing/*.key scep/challenges/* users/*/password
	chmod 750 .
}

# listing DIR: names, modes, owners, times; and the bytes of every file.
listing()
{
	(cd "$1" && find . -printf '%p %y %m %U %G %TY-%Tm-%TdT%TT\n' |
		sort && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# same DIR DIR WHAT
same()
{
	listing "$1" >"$T/left"
	listing "$2" >"$T/right"
	works "$3" diff "$T/left" "$T/right"
}
