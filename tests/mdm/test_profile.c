/* A profile for one device alone, and signed ones. */
#include "engine/mdm/profile.h"

#include "engine/mdm/profile_encrypt.h"
#include "engine/pki/bundle.h"
#include "tests/pki/material.h"

static struct err err;

static struct cert *
certificate(const char *file)
{
	struct buf b = load(file);
	struct cert *c = NULL;

	if (cert_parse(buf_view(&b), &c, &err) != ERR_OK) {
		printf("Bail out! %s: %s\n", file, err.msg);
		exit(1);
	}
	buf_free(&b);
	return c;
}

/* Key, leaf and chain out of one PEM file. */
static struct identity *
signer(const char *file)
{
	struct buf b = load(file);
	struct bundle *all = NULL;
	struct identity *id = NULL;
	struct cert *pool[4];
	size_t i;

	if (bundle_parse(buf_view(&b), NULL, 0, &all, &err) != ERR_OK)
		exit(1);
	for (i = 0; i < bundle_n_certs(all) && i < 4; i++)
		pool[i] = bundle_cert(all, i);
	if (identity_new(bundle_key(all, 0), pool[0], pool, i, &id, &err) !=
	    ERR_OK) {
		printf("Bail out! %s: %s\n", file, err.msg);
		exit(1);
	}
	bundle_free(all);
	buf_free(&b);
	return id;
}

static struct pl *
profile(void)
{
	struct pl *p = pl_new_dict(), *content = pl_new_array();
	struct pl *wifi = pl_new_dict();

	pl_set_string(wifi, "PayloadType", "com.apple.wifi.managed");
	pl_set_string(wifi, "Password", "geheim & <tief>");
	pl_array_add(content, wifi);
	pl_array_add(content, pl_new_dict());
	pl_set_string(p, "PayloadType", "Configuration");
	pl_set_string(p, "PayloadDisplayName", "Test");
	pl_dict_set(p, "PayloadContent", content);
	return p;
}

static bool
runs(const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && { %s; } >out 2>&1 </dev/null",
	    material_dir, command);
	return system(line) == 0;
}

static void
test_encryption(void)
{
	struct cert *device = certificate("device.der");
	struct cert *other = certificate("other.der");
	struct pl *p = profile(), *whole = profile();
	struct buf xml = { 0 };
	bool yes = false;

	ok(profile_encrypt(p, device, &err) == ERR_OK,
	    "a profile is encrypted for an RSA certificate");
	ok(pl_dict_get(p, "PayloadContent") == NULL &&
		pl_get_bool(p, "IsEncrypted", &yes) && yes &&
		pl_get_data(p, "EncryptedPayloadContent").len > 0,
	    "EncryptedPayloadContent stands for PayloadContent");
	ok(pl_get_string(p, "PayloadDisplayName") != NULL,
	    "what stands beside it stays readable");
	pl_write_xml(p, &xml);
	ok(memmem(xml.p, xml.len, "geheim", 6) == NULL &&
		memmem(xml.p, xml.len, "wifi", 4) == NULL,
	    "nothing of the payloads does");
	save("profile", buf_view(&xml));
	save("enveloped", pl_get_data(p, "EncryptedPayloadContent"));
	pl_write_xml(pl_get_array(whole, "PayloadContent"), &xml);
	ok(runs("openssl cms -decrypt -inform der -in enveloped -inkey "
		"device.key -recip device.pem -out clear"),
	    "openssl decrypts it with the device's key");
	ok(runs("python3 -c \"import plistlib; a = plistlib.load(open('clear', "
		"'rb')); assert a == [{'PayloadType': 'com.apple.wifi.managed',"
		" 'Password': 'geheim & <tief>'}, {}], a\""),
	    "python reads the array of payloads in it");
	ok(runs("openssl cms -cmsout -print -inform der -in enveloped | grep "
		"-q 'aes-256-cbc'"),
	    "AES-256-CBC");
	ok(!runs("openssl cms -decrypt -inform der -in enveloped -inkey "
		 "wrong.key -out clear2 && python3 -c \"import plistlib; "
		 "plistlib.load(open('clear2', 'rb'))\""),
	    "another key gets nothing out of it");
	ok(profile_encrypt(p, device, &err) == ERR_INVALID,
	    "an encrypted one is not encrypted again");
	ok(profile_encrypt(whole, other, &err) == ERR_KEY_REJECTED &&
		says(&err, "P-256") && says(&err, "RSA"),
	    "a device with an elliptic key is refused in words");
	ok(pl_get_array(whole, "PayloadContent") != NULL &&
		pl_dict_get(whole, "IsEncrypted") == NULL,
	    "and the profile is as it was");
	buf_free(&xml);
	pl_free(p);
	pl_free(whole);
	cert_free(device);
	cert_free(other);
}

static void
test_signed(const char *kind)
{
	struct cert *device = certificate("device.der");
	struct identity *id;
	struct buf out = { 0 };
	struct pl *p = profile();
	char file[64], what[128];

	snprintf(file, sizeof(file), "sign-%s.all", kind);
	id = signer(file);
	ok(profile_encrypt(p, device, &err) == ERR_OK &&
		profile_sign(p, id, &out, &err) == ERR_OK,
	    "an encrypted one is signed");
	save("signed", buf_view(&out));
	snprintf(what, sizeof(what),
	    "openssl verifies it with the root alone (%s)", kind);
	ok(runs("openssl cms -verify -inform der -in signed -CAfile root.pem "
		"-purpose any -binary -out clear"),
	    what);
	ok(runs("python3 -c \"import plistlib; p = plistlib.load(open('clear', "
		"'rb')); assert p['IsEncrypted'] is True; open('e', "
		"'wb').write(p['EncryptedPayloadContent'])\" && openssl cms "
		"-decrypt -inform der -in e -inkey device.key | grep -q tief"),
	    "and what is in it is decrypted");
	buf_reset(&out);
	ok(profile_sign(p, NULL, &out, &err) == ERR_OK &&
		memcmp(out.p, "<?xml", 5) == 0,
	    "without a signer it is plain XML");
	buf_free(&out);
	pl_free(p);
	identity_free(id);
	cert_free(device);
}

int
main(void)
{
	material_begin();
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout device.key -out "
	   "device.pem -days 30 -subj /CN=device && openssl x509 -in "
	   "device.pem -outform der -out device.der && openssl genrsa -out "
	   "wrong.key 2048 && openssl req -x509 -newkey ec -pkeyopt "
	   "ec_paramgen_curve:P-256 -nodes -keyout other.key -days 30 -subj "
	   "/CN=other -outform der -out other.der");
	material_scripts();
	sh("cat > ext <<'E'\n"
	   "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"
	   "[sign]\nkeyUsage=digitalSignature\n"
	   "E\n"
	   "sh self root /CN=Root 30 && sh issue middle /CN=Middle ca 30 root "
	   "&& openssl genrsa -out sign-rsa.key 2048 && for k in rsa ec; do sh "
	   "issue sign-$k /CN=$k sign 30 middle && cat sign-$k.pem middle.pem "
	   "sign-$k.key > sign-$k.all || exit 1; done");
	test_encryption();
	test_signed("rsa");
	test_signed("ec");
	ok(ERR_peek_error() == 0, "OpenSSL's error queue is empty");
	return tap_done();
}
