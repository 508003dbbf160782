# shellcheck shell=bash
# apple.sh - a look-alike of Apple's CA for devices, what devices sign, and the
# steps of an enrollment over the air.  Read after mdm.sh.

# dated NAME SUBJECT ISSUER EXTENSIONS FROM TO DIGEST: a certificate for
# $P/NAME.key; times as 20070401000000Z.
dated()
{
	a_name=$1
	[ -e "$P/$1.key" ] || openssl genrsa -out "$P/$1.key" 2048 2>/dev/null
	rm -rf "$P/$3.db"
	mkdir "$P/$3.db"
	: >"$P/$3.db/index"
	cat >"$P/$3.cnf" <<-END
		[ca]
		default_ca = it
		[it]
		dir = $P/$3.db
		new_certs_dir = $P/$3.db
		database = $P/$3.db/index
		rand_serial = yes
		policy = any
		unique_subject = no
		[any]
		commonName = supplied
		organizationName = optional
		[ca_ext]
		basicConstraints = critical,CA:TRUE
		keyUsage = keyCertSign
		[leaf_ext]
		basicConstraints = CA:FALSE
		keyUsage = digitalSignature,keyEncipherment
	END
	openssl req -new -key "$P/$1.key" -subj "$2" -out "$P/$1.csr"
	set -- "$1" "$2" "$3" "$4" "$5" "$6" "$7"
	[ "$1" != "$3" ] || set -- "$@" -selfsign
	openssl ca -batch -config "$P/$3.cnf" -in "$P/$a_name.csr" -out \
		"$P/$a_name.pem" -keyfile "$P/$3.key" -extensions "$4" \
		-startdate "$5" -enddate "$6" -md "$7" -notext \
		${8:+"$8"} ${8:--cert "$P/$3.pem"} 2>"$T/openssl" ||
		sed 's/^/# /' "$T/openssl"
}

# As it is: 1024 bits, SHA-1, ended in 2014, below a root that the server need
# not know.
make_apple()
{
	dated apple_root '/O=Apple Inc./CN=Apple Root CA' apple_root ca_ext \
		20060425000000Z 20350209000000Z sha1
	openssl genrsa -out "$P/apple_ca.key" 1024 2>/dev/null
	dated apple_ca '/O=Apple Inc./CN=Apple iPhone Device CA' apple_root \
		ca_ext 20070416000000Z 20140416000000Z sha1
}

# apple_device NAME: what the device was born with, ended long ago.
apple_device()
{
	dated "$1.apple" "/O=Apple Inc./CN=$1" apple_ca leaf_ext \
		20080101000000Z 20110101000000Z "${2:-sha1}"
}

# signed NAME KEY [OPTION...]: the property list in $T/says, signed with
# $P/KEY, as $T/NAME.cms.
signed()
{
	a_name=$1 a_key=$2
	shift 2
	openssl cms -sign -binary -nodetach -outform der -in "$T/says" \
		-signer "$a_key.pem" -inkey "$a_key.key" \
		-out "$T/$a_name.cms" "$@" 2>"$T/openssl" ||
		sed 's/^/# /' "$T/openssl"
}

# send PATH NAME [CURL OPTION...]: posts $T/NAME.cms; STATUS and $T/answer.
send()
{
	a_path=$1 a_name=$2
	shift 2
	: >"$T/answer"
	STATUS=$(fetch "$a_path" --data-binary "@$T/$a_name.cms" \
		-H 'Content-Type: application/pkcs7-signature' \
		-o "$T/answer" -D "$T/headers" -w '%{http_code}' "$@")
}

# ---- over the air, in acme -----------------------------------------------------

# content FILE: of a signed profile, in FILE.plist
content()
{
	openssl cms -verify -inform der -in "$1" -CAfile "$P/ca.pem" -purpose \
		any -binary -out "$1.plist" 2>"$T/openssl"
}

# begin NAME [CURL OPTION...]: step 1; CHALLENGE
begin()
{
	b_name=$1
	shift
	STATUS=$(fetch /ota/acme -o "$T/$b_name.1" -w '%{http_code}' "$@")
	CHALLENGE=
	[ "$STATUS" = 200 ] && content "$T/$b_name.1" &&
	CHALLENGE=$(plist "$T/$b_name.1.plist" 'p["PayloadContent"]["Challenge"]')
}

# says NAME CHALLENGE [SERIAL]: what the device says of itself
says()
{
	dict "$(str UDID "$1")$(str SERIAL "${3-S$1}")$(str PRODUCT \
		iPhone15,2)$(str VERSION 22B83)$(str CHALLENGE "$2")" >"$T/says"
}

# second NAME CHALLENGE [CURL OPTION...]
second()
{
	t_name=$1
	says "$1" "$2"
	shift 2
	signed "$t_name.2" "$P/$t_name.apple" -certfile "$P/apple_ca.pem"
	send /ota/acme "$t_name.2" "$@"
	cp "$T/answer" "$T/$t_name.2.answer"
}

# its_challenge FILE: the SCEP challenge in a profile
its_challenge()
{
	plist "$1" \
	    'payload("com.apple.security.scep")["PayloadContent"]["Challenge"]'
}

# identity NAME: with the profile of step 2
identity()
{
	content "$T/$1.2.answer" &&
	scep "$1.id" acme "$(its_challenge "$T/$1.2.answer.plist")"
}

# third NAME CHALLENGE [CURL OPTION...]
third()
{
	t_name=$1
	says "$1" "$2"
	shift 2
	signed "$t_name.3" "$D/$t_name.id"
	send /ota/acme "$t_name.3" "$@"
	cp "$T/answer" "$T/$t_name.3.answer"
}

# opened NAME: the payloads of step 3, as a device opens them
opened()
{
	content "$T/$1.3.answer" &&
	plist "$T/$1.3.answer.plist" 'open(sys.argv[1] + ".der", "wb").write(
		p["EncryptedPayloadContent"])' >"$T/out" &&
	openssl cms -decrypt -inform der -in "$T/$1.3.answer.plist.der" \
		-recip "$D/$1.id.pem" -inkey "$D/$1.id.key" \
		-out "$T/$1.payloads" 2>"$T/openssl"
}

# of NAME EXPRESSION: of those payloads
of()
{
	plist "$T/$1.payloads" "(lambda x: $2)({y['PayloadType']: y for y in p})"
}

# last_event: without its time
last_event()
{
	tail -n 1 "$M/events" | cut -d' ' -f 2-
}

# refused WHAT REASON: the answer tells nothing, the event the reason
refused()
{
	like "$STATUS $(cat "$T/answer")" '^403 the enrollment cannot go on' \
		"$1: refused without a hint"
	like "$(last_event)" "ota: refused, from .*: .*$2" "$1: the reason is told"
}
