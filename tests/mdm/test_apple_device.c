/* Messages that devices sign, and who stands behind them. */
#include "engine/mdm/apple_device.h"

#include "engine/base/text.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static struct err err;
static uint64_t dir;

/* The property list NAME.plist or says, signed with key.pem and options. */
static struct buf
message(const char *key, const char *options)
{
	sh("openssl cms -sign -binary -nodetach -outform der -in says -signer "
	   "%s.pem -inkey %s.key %s -out cms",
	    key, key, options);
	return load("cms");
}

static void
content(const char *xml)
{
	save("says", bytes_text(xml));
}

#define DICT                                                                   \
	"<plist version=\"1.0\"><dict><key>UDID</key><string>U1</string>"      \
	"</dict></plist>"

static enum err_code
parse(const char *key, const char *options)
{
	struct buf b = message(key, options);
	struct device_message m = { .content = NULL };
	enum err_code rc = device_message_parse(buf_view(&b), &m, &err);

	device_message_fini(&m);
	buf_free(&b);
	return rc;
}

static void
test_message(void)
{
	struct device_message m = { .content = NULL };
	struct buf b = message("leaf", "-certfile ca.pem"), text = { 0 };

	ok(device_message_parse(buf_view(&b), &m, &err) == ERR_OK,
	    "a message of a device is read");
	ok(m.udid != NULL && strcmp(m.udid, "U1") == 0 && m.serial == NULL,
	    "what it says");
	ok(strcmp(cert_common_name(m.signer), "leaf") == 0, "who signed it");
	ok(m.n_certs == 1 && strcmp(cert_common_name(m.certs[0]),
				 "Apple iPhone Device CA") == 0,
	    "what came along");
	device_message_fini(&m);
	text_base64(&text, buf_view(&b));
	ok(device_message_parse_text(buf_view(&text), &m, &err) == ERR_OK,
	    "the same in base64");
	device_message_fini(&m);
	ok(device_message_parse_text(bytes_text("%%%"), &m, &err) ==
		    ERR_UNDECODABLE &&
		m.content == NULL,
	    "what is no base64 leaves nothing");
	b.p[b.len / 2] ^= 1;
	ok(device_message_parse(buf_view(&b), &m, &err) != ERR_OK &&
		m.content == NULL && m.signer == NULL,
	    "an altered one leaves nothing");
	ok(device_message_parse(BYTES_NONE, &m, &err) == ERR_UNDECODABLE,
	    "nothing is no message");
	ok(device_message_parse(bytes_of(b.p, 40), &m, &err) == ERR_UNDECODABLE,
	    "nor is a part");
	buf_free(&b);
	buf_free(&text);
}

static void
test_odd_messages(void)
{
	char *big = calloc(1, DEVICE_MESSAGE_MAX + 2);
	struct device_message m = { .content = NULL };

	ok(parse("leaf", "-md md5") == ERR_KEY_REJECTED && says(&err, "MD5"),
	    "a signature over MD5 proves nothing");
	ok(parse("leaf", "-md sha1") == ERR_OK, "one over SHA-1 does here");
	ok(parse("leaf", "-nocerts") == ERR_UNDECODABLE,
	    "the signer's certificate must be there");
	ok(parse("leaf", "-certfile many.pem") == ERR_INVALID &&
		says(&err, "12 certificates"),
	    "a crowd of certificates is refused");
	content("<plist version=\"1.0\"><array/></plist>");
	ok(parse("leaf", "") == ERR_INVALID && says(&err, "dictionary"),
	    "a list is no dictionary");
	content("hello");
	ok(parse("leaf", "") == ERR_UNDECODABLE, "text is no property list");
	content(DICT);
	ok(device_message_parse(
	       bytes_of(big, DEVICE_MESSAGE_MAX + 1), &m, &err) == ERR_TOO_BIG,
	    "more than 64 KiB is not looked at");
	free(big);
}

/* A message with that UDID and serial number. */
static enum err_code
named(const char *udid, const char *serial)
{
	char xml[1024];

	snprintf(xml, sizeof(xml),
	    "<plist version=\"1.0\"><dict><key>UDID</key><string>%s</string>"
	    "<key>SERIAL</key><string>%s</string></dict></plist>",
	    udid, serial);
	content(xml);
	return parse("leaf", "");
}

static void
test_names(void)
{
	char longest[66];

	memset(longest, 'S', 65);
	longest[65] = '\0';
	ok(named("U1", "C02XK0AAJG5J") == ERR_OK, "a UDID and a serial number");
	ok(named("", "") == ERR_OK, "what is empty is not told");
	ok(named("U1, CN=root", "S") == ERR_INVALID && says(&err, "UDID"),
	    "a UDID is letters, digits and '-'");
	ok(named(longest, "S") == ERR_INVALID, "64 of them at most");
	ok(named("U1", "S\nT") == ERR_INVALID && says(&err, "SERIAL"),
	    "a serial number is one line");
	ok(named("U1", longest) == ERR_INVALID, "and not long");
	content(DICT);
}

/* ERR_OK and *how, or why not. */
static enum err_code
check(const char *key, const char *options, enum apple_device *how)
{
	struct buf b = message(key, options);
	struct device_message m = { .content = NULL };
	enum err_code rc;

	must(device_message_parse(buf_view(&b), &m, &rules_err));
	rc = apple_device_check(rules, &m, how, &err);
	device_message_fini(&m);
	buf_free(&b);
	return rc;
}

static void
anchor(const char *name, const char *file)
{
	struct buf b = load(file);

	put(dir, name, PLACE_APPLE_DEVICE_FILE, buf_str(&b));
	buf_free(&b);
}

static void
test_chain(void)
{
	enum apple_device how = 0;
	struct file_node trust;

	ok(check("leaf", "", &how) == ERR_OK && how == APPLE_DEVICE_UNCHECKED,
	    "without anything there nobody is checked");
	trust = put(FILE_INO_SYSTEM, "trust", PLACE_TRUST, "");
	dir = put(trust.ino, "apple-device", PLACE_APPLE_DEVICE_TRUST, "").ino;
	ok(check("leaf", "", &how) == ERR_OK && how == APPLE_DEVICE_UNCHECKED,
	    "nor with an empty directory");
	anchor("ca.pem", "ca.pem");
	ok(check("leaf", "", &how) == ERR_OK && how == APPLE_DEVICE_VERIFIED,
	    "with its CA a device is known, without a chain");
	ok(check("leaf", "-certfile ca.pem", &how) == ERR_OK, "and with one");
	how = 0;
	ok(check("own", "", &how) == ERR_DENIED && how == 0 &&
		says(&err, "does not hang on"),
	    "who signs for himself is not");
	ok(check("below", "-certfile leaf.pem", &how) == ERR_DENIED,
	    "nor what a device's key signed");
	ok(check("weak", "", &how) == ERR_DENIED && says(&err, "too weak"),
	    "nor a certificate with 512 bits");
	ok(check("old", "", &how) == ERR_DENIED && says(&err, "too weak"),
	    "nor one over MD5");
	ok(check("wrong", "", &how) == ERR_DENIED,
	    "nor one of a CA that has only the name");
	ok(check("elliptic", "", &how) == ERR_OK, "an elliptic key is fine");
}

static void
test_root(void)
{
	enum apple_device how = 0;

	remove_file(dir, "ca.pem");
	pass(INT64_C(60000));
	anchor("root.pem", "root.pem");
	ok(check("leaf", "-certfile ca.pem", &how) == ERR_OK &&
		how == APPLE_DEVICE_VERIFIED,
	    "by the root when the chain comes along");
	ok(check("leaf", "", &how) == ERR_DENIED, "not without it");
	ok(check("push", "", &how) == ERR_DENIED &&
		says(&err, "not issued by a CA for devices"),
	    "what else the root has issued is no device");
	ok(check("vendor", "-certfile other_ca.pem", &how) == ERR_DENIED &&
		says(&err, "Worldwide Developer"),
	    "nor what its other CAs have, which are named");
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };

	material_begin();
	material_scripts();
	sh("printf '[ca]\\nbasicConstraints=critical,CA:TRUE\\n"
	   "keyUsage=keyCertSign\\n[leaf]\\nbasicConstraints=CA:FALSE\\n"
	   "keyUsage=digitalSignature\\n' >ext\n"
	   "for n in ca wrong_ca; do openssl genrsa -out $n.key 1024; done\n"
	   "for n in leaf below own old wrong push vendor; do openssl genrsa "
	   "-out $n.key 2048; done\n"
	   "openssl genrsa -out weak.key 512\n"
	   "sh self root '/O=Apple Inc./CN=Apple Root CA' 30 -addext "
	   "keyUsage=keyCertSign\n"
	   "sh self own /CN=own 30\n"
	   "D='/O=Apple Inc./CN=Apple iPhone Device CA'\n"
	   "sh issue ca \"$D\" ca 9 root -sha1\n"
	   "sh issue other_ca '/CN=Worldwide Developer Relations' ca 9 root\n"
	   "sh self wrong_ca \"$D\" 30 -addext keyUsage=keyCertSign\n"
	   "sh issue leaf /CN=leaf leaf 9 ca -sha1\n"
	   "sh issue elliptic /CN=elliptic leaf 9 ca\n"
	   "sh issue below /CN=below leaf 9 leaf\n"
	   "sh issue weak /CN=weak leaf 9 ca\n"
	   "sh issue old /CN=old leaf 9 ca -md5\n"
	   "sh issue wrong /CN=wrong leaf 9 wrong_ca\n"
	   "sh issue push /CN=push leaf 9 root\n"
	   "sh issue vendor /CN=vendor leaf 9 other_ca\n"
	   "for i in 1 2 3 4 5 6 7 8 9 10 11; do sh issue m$i /CN=m$i leaf 9 "
	   "ca; cat m$i.pem; done >many.pem");
	content(DICT);
	rules_begin(&options);
	test_message();
	test_odd_messages();
	test_names();
	test_chain();
	test_root();
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	engine_close(rules);
	return tap_done();
}
