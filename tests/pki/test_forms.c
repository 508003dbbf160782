/*
 * Every form in which administrators have certificates, and every mistake
 * that they make with them, through the door that a slot's files take.
 */
#include "engine/pki/slot.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "tests/pki/material.h"

/* What became of the files. */
enum verdict {
	USED,    /* an identity is made of them */
	WAITS,   /* taken, and something is still to come, which is said */
	CODED,   /* EBADMSG: not a file for certificates */
	REJECTS, /* EKEYREJECTED */
	ENDED,   /* EKEYEXPIRED */
};

struct form {
	const char *files; /* in the order of their writing */
	enum slot_purpose purpose;
	const char *password; /* NULL: none is there */
	int days;             /* judged so many days from now */
	enum verdict verdict;
	const char *says[3]; /* cause and remedy */
};

#define TLS     SLOT_TLS
#define SIGNING SLOT_SIGNING
#define APNS    SLOT_APNS

/* clang-format off */
static const struct form forms[] = {
	/* PKCS#12 */
	{ "aes.p12",      TLS, "geheim", 0, USED,    { NULL } },
	{ "rc2.p12",      TLS, "geheim", 0, USED,    { NULL } },
	{ "3des.p12",     TLS, "geheim", 0, USED,    { NULL } },
	{ "chain.p12",    TLS, "geheim", 0, USED,    { NULL } },
	{ "friendly.p12", TLS, "geheim", 0, USED,    { NULL } },
	{ "umlaut.p12",   TLS, "gr\xc3\xbc\xc3\x9f", 0, USED, { NULL } },
	{ "umlaut.p12",   TLS, "gruss",  0, REJECTS, { "password" } },
	{ "none.p12",     TLS, NULL,     0, USED,    { NULL } },
	{ "empty.p12",    TLS, NULL,     0, USED,    { NULL } },
	{ "empty.p12",    TLS, "falsch", 0, USED,    { NULL } },
	{ "aes.p12",      TLS, NULL,     0, WAITS,   { "locked", "password" } },
	{ "aes.p12",      TLS, "falsch", 0, REJECTS, { "no password", "`password`" } },
	{ "aes.p12",      TLS, "falsch\ngeheim", 0, USED, { NULL } },
	{ "halfopen.p12", TLS, "falsch", 0, REJECTS, { "password", "mdm.example.com" } },
	{ "nokey.p12",    TLS, "geheim", 0, WAITS,   { "mdm.example.com", "without a private key", "Export it again" } },
	{ "nokey.p12 tls.key", TLS, "geheim", 0, USED, { NULL } },
	{ "twokeys.p12",  TLS, "geheim", 0, USED,    { NULL } },
	{ "otherkey.p12", TLS, "geheim", 0, REJECTS, { "mdm.example.com", "is not that of", "Export" } },
	{ "cutoff.p12",   TLS, "geheim", 0, CODED,   { "cut short" } },
	{ "client.p12",   TLS, "geheim", 0, REJECTS, { "client (serial", "clientAuth", "server" } },

	/* PEM */
	{ "all.pem",      TLS, NULL,     0, USED,    { NULL } },
	{ "twokeys.pem",  TLS, NULL,     0, USED,    { NULL } },
	{ "crlf.pem",     TLS, NULL,     0, USED,    { NULL } },
	{ "text.pem",     TLS, NULL,     0, USED,    { NULL } },
	{ "bag.pem",      TLS, NULL,     0, USED,    { NULL } },
	{ "bom.pem",      TLS, NULL,     0, USED,    { NULL } },
	{ "noend.pem",    TLS, NULL,     0, USED,    { NULL } },
	{ "p8.pem",       TLS, "geheim", 0, USED,    { NULL } },
	{ "p8.pem",       TLS, NULL,     0, WAITS,   { "locked", "password", "may be in what is locked" } },
	{ "p8.pem",       TLS, "falsch", 0, REJECTS, { "password", "mdm.example.com" } },
	{ "old.pem",      TLS, "geheim", 0, USED,    { NULL } },
	{ "old.pem",      TLS, "falsch", 0, REJECTS, { "password" } },
	{ "cut.pem",      TLS, NULL,     0, CODED,   { "no END line", "cut short" } },
	{ "utf16.pem",    TLS, NULL,     0, CODED,   { "UTF-16", "save it as UTF-8" } },
	{ "bare.cer tls.key", TLS, NULL, 0, USED,    { NULL } },
	{ "bare.p12",     TLS, "geheim", 0, USED,    { NULL } },
	{ "secret.txt",   TLS, NULL,     0, USED,    { NULL } },
	{ "fullchain.pem tls.key", TLS, NULL, 0, USED, { NULL } },

	/* DER, PKCS#7 */
	{ "tls.der tls.keyder", TLS, NULL, 0, USED,  { NULL } },
	{ "tls.key win.p7b",    TLS, NULL, 0, USED,  { NULL } },
	{ "tls.key win.p7pem",  TLS, NULL, 0, USED,  { NULL } },
	{ "tls.key winlabel.pem", TLS, NULL, 0, USED, { NULL } },
	{ "win.p7b",            TLS, NULL, 0, WAITS, { "mdm.example.com", "has no key yet" } },

	/* what can be wrong with good files */
	{ "all.pem",      TLS, NULL,   100, ENDED,   { "ended on", "days ago", "renew" } },
	{ "all.pem",      TLS, NULL,    -5, ENDED,   { "not valid before", "clock" } },
	{ "renewed.pem",  TLS, NULL,   100, ENDED,   { "ended on", "A good certificate is in the file", "take the others out" } },
	{ "push.pem",     APNS, NULL,  400, ENDED,   { "ended on", "renew it", "identity.apple.com" } },
	{ "wrongkey.pem", TLS, NULL,     0, REJECTS, { "is not that of", "mdm.example.com", "files of their own" } },
	{ "point.pem tls.key", TLS, NULL, 0, USED,   { NULL } },
	{ "tls.pem client.key", TLS, NULL, 0, WAITS, { "mdm.example.com", "add the key", "another's" } },
	{ "tls.pem",      TLS, NULL,     0, WAITS,   { "mdm.example.com", "has no key yet", "add the key" } },
	{ "weak.pem",     TLS, NULL,     0, REJECTS, { "1024 bits is too weak", "make a new key" } },
	{ "sha1.pem",     TLS, NULL,     0, REJECTS, { "sha1", "issued again", "SHA-256" } },
	{ "client.pem",   TLS, NULL,     0, REJECTS, { "clientAuth", "Have one issued" } },
	{ "encipher.pem", SIGNING, NULL, 0, REJECTS, { "digitalSignature", "Have one issued" } },
	{ "nosan.pem",    TLS, NULL,     0, USED,    { NULL } },
	{ "long.pem",     TLS, NULL,     0, USED,    { NULL } },
	{ "alone.pem",    TLS, NULL,     0, USED,    { NULL } },
	{ "order.pem",    TLS, NULL,     0, USED,    { NULL } },
	{ "push.pem",     APNS, NULL,    0, USED,    { NULL } },
	{ "push.pem",     TLS, NULL,     0, REJECTS, { "push certificate", "apns/" } },
	{ "push.pem",     SLOT_VENDOR, NULL, 0, REJECTS, { "push certificate", "apns/", "not into vendor/" } },
	{ "app.pem",      APNS, NULL,    0, REJECTS, { "com.example.app is an app's", "com.apple.mgmt.", "identity.apple.com" } },
	{ "all.pem",      APNS, NULL,    0, REJECTS, { "not an MDM push certificate", "identity.apple.com" } },
	{ "tls.key",      APNS, NULL,    0, WAITS,   { "P-256", "RSA", "authentication key" } },

	/* what is no certificate */
	{ "request",      TLS, NULL,     0, CODED,   { "request, not a certificate", "what comes back" } },
	{ "request.der",  TLS, NULL,     0, CODED,   { "request, not a certificate", "what comes back" } },
	{ "apple.request", APNS, NULL,   0, CODED,   { "request", "identity.apple.com", "what comes back" } },
	{ "public",       TLS, NULL,     0, CODED,   { "public key alone", "private key" } },
	{ "page.html",    TLS, NULL,     0, CODED,   { "web page", "download it again" } },
	{ "ssh",          TLS, NULL,     0, CODED,   { "SSH key", "ssh-keygen" } },
	{ "jks",          TLS, NULL,     0, CODED,   { "Java key store", "keytool" } },
	{ "mobileconfig", TLS, NULL,     0, CODED,   { "profile", "the certificate itself" } },
	{ "signed.mobileconfig", TLS, NULL, 0, CODED, { "profile", "the certificate itself" } },
	{ "crl",          TLS, NULL,     0, CODED,   { "revoked", "the certificate itself" } },
	{ "envelope",     TLS, NULL,     0, CODED,   { "encrypted message", "decrypt it" } },
	{ "zip",          TLS, NULL,     0, CODED,   { "ZIP", "unpack" } },
	{ "nothing",      TLS, NULL,     0, CODED,   { "empty" } },
	{ "words",        TLS, NULL,     0, CODED,   { "no certificate and no key", "BEGIN CERTIFICATE" } },
};
/* clang-format on */

/* An authority, an intermediate, and leaves below them. */
static void
make_identities(void)
{
	sh("set -e\n"
	   "cat > ext <<'E'\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
	   "keyUsage=keyCertSign,cRLSign\n"
	   "[tls]\nextendedKeyUsage=serverAuth\n"
	   "subjectAltName=DNS:mdm.example.com\n"
	   "[client]\nextendedKeyUsage=clientAuth\n"
	   "[encipher]\nkeyUsage=keyEncipherment\n"
	   "[nosan]\nextendedKeyUsage=serverAuth\n"
	   "E\n"
	   "openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out "
	   "root.pem -subj /CN=Root -days 3650\n"
	   "S=/CN=mdm.example.com\n"
	   "sh issue inter /CN=Inter ca 3000 root\n"
	   "sh issue tls $S tls 90 inter\n"
	   "sh issue client /CN=client client 90 inter\n"
	   "sh issue encipher /CN=encipher encipher 90 inter\n"
	   "sh issue nosan $S nosan 90 inter; sh issue long $S tls 900 inter\n"
	   "sh issue sha1 $S tls 90 root -sha1\n"
	   "openssl genrsa -out weak.key 1024; sh issue weak $S tls 9 inter\n"
	   "openssl genrsa -out push.key 2048; cp push.key app.key\n"
	   "sh issue push /UID=com.apple.mgmt.External.1/CN=APSP client 365 "
	   "inter\n"
	   "sh issue app /UID=com.example.app/CN=app client 365 inter\n"
	   "openssl ec -in tls.key -conv_form compressed -out point.key\n"
	   "sh issue point $S tls 90 inter\n"
	   "openssl x509 -in point.pem -pubkey -noout | grep -v -- --- | "
	   "base64 -d | wc -c | grep -qx 59 # bytes, not 91\n"
	   "cp tls.pem leaf.pem; cat tls.pem tls.key > alone.pem\n"
	   "cat tls.key root.pem tls.pem inter.pem > order.pem\n"
	   "cat tls.pem client.key > wrongkey.pem\n"
	   "for n in push app nosan long; do cat $n.key >> $n.pem; done\n");
}

static void
make_pkcs12(void)
{
	sh("set -e\n"
	   "E='openssl pkcs12 -export -in leaf.pem -inkey tls.key'\n"
	   "P='-passout pass:geheim'\n"
	   "$E -out aes.p12 $P\n"
	   "$E -out rc2.p12 $P -legacy -certpbe PBE-SHA1-RC2-40 "
	   "-keypbe PBE-SHA1-RC2-40 -macalg sha1\n"
	   "$E -out 3des.p12 $P -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES "
	   "-macalg sha1\n"
	   "cat inter.pem root.pem > cas; $E -out chain.p12 $P -certfile cas\n"
	   "$E -out friendly.p12 $P -name 'Büro – 北京'\n"
	   "$E -out umlaut.p12 -passout pass:grüß\n"
	   "$E -out empty.p12 -passout pass:\n"
	   "$E -out halfopen.p12 $P -certpbe NONE -nomac\n"
	   "openssl pkcs12 -export -nokeys -in leaf.pem -out nokey.p12 $P\n"
	   "openssl pkcs12 -export -in client.pem -inkey client.key "
	   "-out client.p12 $P\n"
	   "head -c 700 aes.p12 > cutoff.p12\n"
	   "openssl pkcs12 -in chain.p12 -passin pass:geheim -nodes "
	   "> bag.pem\n");
}

static void
make_files(void)
{
	sh("set -e\n"
	   "cat leaf.pem inter.pem root.pem tls.key > all.pem\n"
	   "cat leaf.pem inter.pem > fullchain.pem\n"
	   "sed 's/$/\\r/' all.pem > crlf.pem\n"
	   "cat client.key all.pem > twokeys.pem\n"
	   "cat all.pem long.pem > renewed.pem\n"
	   "(echo 'Dear customer,'; openssl x509 -in leaf.pem -text; echo; "
	   "echo 'The key -----'; cat tls.key) > text.pem\n"
	   "(printf '\\357\\273\\277'; cat all.pem) > bom.pem\n"
	   "(printf %%s \"$(cat all.pem)\") > noend.pem\n"
	   "(cat leaf.pem; openssl pkcs8 -topk8 -in tls.key "
	   "-passout pass:geheim) > p8.pem\n"
	   "(cat leaf.pem; openssl ec -in tls.key -aes128 "
	   "-passout pass:geheim) > old.pem\n"
	   "head -n 5 leaf.pem > cut.pem\n"
	   "iconv -f UTF-8 -t UTF-16 leaf.pem > utf16.pem\n"
	   "grep -v -- --- leaf.pem > bare.cer\n"
	   "base64 aes.p12 > bare.p12; base64 -w0 all.pem > secret.txt\n"
	   "openssl x509 -in leaf.pem -outform der -out tls.der\n"
	   "openssl pkey -in tls.key -outform der -out tls.keyder\n"
	   "C='openssl crl2pkcs7 -nocrl -certfile fullchain.pem'\n"
	   "$C -outform der -out win.p7b; $C -out win.p7pem\n"
	   "sed s/PKCS7/CERTIFICATE/ win.p7pem > winlabel.pem\n");
	sh("set -e\n"
	   "cp tls.csr request; openssl req -in tls.csr -outform der "
	   "-out request.der\n"
	   "printf '<?xml version=\"1.0\"?>\\n<plist/>' > mobileconfig\n"
	   "base64 -w0 mobileconfig > apple.request\n"
	   "openssl pkey -in tls.key -pubout -out public\n"
	   "printf '<!DOCTYPE html>\\n<html><title>Sign in' > page.html\n"
	   "ssh-keygen -q -t ed25519 -N '' -f ssh\n"
	   "printf '\\376\\355\\376\\355\\0\\0\\0\\2' > jks\n"
	   "openssl cms -sign -in mobileconfig -signer leaf.pem "
	   "-inkey tls.key -nodetach -outform der -out signed.mobileconfig\n"
	   "touch index; echo 01 > crlnumber\n"
	   "printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=index\\n"
	   "crlnumber=crlnumber\\ndefault_md=sha256\\n"
	   "default_crl_days=9\\n' > ca.conf\n"
	   "openssl ca -gencrl -config ca.conf -cert root.pem "
	   "-keyfile root.key -out crl.pem\n"
	   "openssl crl -in crl.pem -outform der -out crl\n"
	   "openssl cms -encrypt -in mobileconfig -outform der -out envelope "
	   "push.pem\n"
	   "printf 'PK\\003\\004abc' > zip; : > nothing\n"
	   "echo 'see attachment' > words\n");
}

static X509 *
read_cert(const char *name)
{
	struct buf f = load(name);
	BIO *in = BIO_new_mem_buf(f.p, (int)f.len);
	X509 *x = PEM_read_bio_X509(in, NULL, NULL, NULL);

	BIO_free(in);
	buf_free(&f);
	return x;
}

static EVP_PKEY *
read_key(const char *name)
{
	struct buf f = load(name);
	BIO *in = BIO_new_mem_buf(f.p, (int)f.len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	BIO_free(in);
	buf_free(&f);
	return key;
}

/* PKCS#12 as the openssl program does not make it. */
static void
make_odd_pkcs12(const char *name, const char *password, const char *keys[])
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	X509 *x = read_cert("leaf.pem");
	PKCS12 *p12 = NULL;
	struct buf out = { 0 };
	uint8_t *der = NULL;
	int len;

	PKCS12_add_cert(&bags, x);
	for (; *keys != NULL; keys++) {
		EVP_PKEY *key = read_key(*keys);

		PKCS12_add_key(&bags, key, 0, 2048, NID_aes_256_cbc, password);
		EVP_PKEY_free(key);
	}
	PKCS12_add_safe(&safes, bags, NID_aes_256_cbc, 2048, password);
	p12 = PKCS12_add_safes(safes, 0);
	PKCS12_set_mac(p12, password, -1, NULL, 0, 2048, EVP_sha256());
	if ((len = i2d_PKCS12(p12, &der)) <= 0)
		exit(1);
	buf_put(&out, der, (size_t)len);
	save(name, buf_view(&out));
	buf_free(&out);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	X509_free(x);
}

static void
make_material(void)
{
	const char *both[] = { "client.key", "tls.key", NULL };
	const char *other[] = { "client.key", NULL };
	const char *own[] = { "tls.key", NULL };

	material_begin();
	material_scripts();
	make_identities();
	make_pkcs12();
	make_files();
	make_odd_pkcs12("twokeys.p12", "geheim", both);
	make_odd_pkcs12("otherkey.p12", "geheim", other);
	make_odd_pkcs12("none.p12", NULL, own);
}

static enum verdict
verdict_of(enum err_code code)
{
	switch ((int)code) {
	case ERR_OK:
		return USED;
	case ERR_NOT_FOUND:
		return WAITS;
	case ERR_KEY_REJECTED:
		return REJECTS;
	case ERR_KEY_EXPIRED:
		return ENDED;
	default:
		return CODED;
	}
}

/* Written in pieces, as the mount does it: what is refused early must be
 * refused in the end, too. */
static bool
refused_early(const struct form *f, struct bytes file, int64_t now)
{
	struct bundle_check c = { 0 };
	struct bundle *b = NULL;
	bool yes = false;
	size_t n, whole = 0;

	for (n = 1; n <= file.len && !yes; n++) {
		yes = bundle_check_prefix(&c, bytes_of(file.p, n), NULL) !=
		      ERR_OK;
		if (yes || c.whole == whole)
			continue;
		whole = c.whole;
		if (bundle_parse(bytes_of(file.p, whole), NULL, 0, &b, NULL) !=
		    ERR_OK)
			continue;
		yes = slot_judge_prefix(f->purpose, b, now, NULL) != ERR_OK;
		bundle_free(b);
		b = NULL;
	}
	return yes;
}

static enum err_code
take_file(const struct form *f, const char *name, int64_t now,
    struct bundle **ret, struct err *err)
{
	struct buf file = load(name), copy = { 0 };
	const char *passwords[4];
	char *rest = NULL, *p;
	size_t n = 0;
	enum err_code rc;

	if (f->password != NULL) {
		buf_text(&copy, f->password);
		buf_char(&copy, '\0');
		rest = (char *)copy.p;
	}
	while ((p = strsep(&rest, "\n")) != NULL)
		passwords[n++] = p;
	rc = bundle_parse(buf_view(&file), passwords, n, ret, err);
	if (rc == ERR_OK)
		rc = slot_judge_file(f->purpose, *ret, now, err);
	if (rc == ERR_OK && refused_early(f, buf_view(&file), now))
		rc = err_set(err, ERR_INTERNAL, "refused early alone");
	buf_free(&file);
	buf_free(&copy);
	return rc;
}

static enum err_code
take(const struct form *f, struct err *err)
{
	int64_t now = (int64_t)time(NULL) + f->days * 86400;
	struct bundle *b[4] = { NULL };
	struct identity *id = NULL;
	char copy[64], *rest = copy, *name;
	enum err_code rc = ERR_OK;
	size_t n = 0, i;

	snprintf(copy, sizeof(copy), "%s", f->files);
	while (rc == ERR_OK && (name = strsep(&rest, " ")) != NULL) {
		rc = take_file(f, name, now, &b[n], err);
		n += b[n] != NULL;
	}
	if (rc == ERR_OK)
		rc = slot_pick(f->purpose, (const struct bundle *const *)b, n,
		    now, &id, err);
	identity_free(id);
	for (i = 0; i < n; i++)
		bundle_free(b[i]);
	return rc;
}

static void
test_form(const struct form *f)
{
	static const char *const names[] = { "is used", "waits", "EBADMSG",
		"EKEYREJECTED", "EKEYEXPIRED" };
	struct err err = { 0 };
	enum verdict got = verdict_of(take(f, &err));
	char what[160];
	bool fine = got == f->verdict && ERR_peek_error() == 0;
	size_t i;

	if (f->verdict == USED)
		fine &= err.msg[0] == '\0';
	for (i = 0; i < 3 && f->says[i] != NULL; i++)
		fine &= says(&err, f->says[i]);
	snprintf(what, sizeof(what), "%s in %s/, %s, %+d days: %s", f->files,
	    slot_purpose_name(f->purpose),
	    f->password == NULL ? "no password" : "with a password", f->days,
	    names[f->verdict]);
	for (i = 0; what[i] != '\0'; i++)
		if (what[i] == '#')
			what[i] = '_';
	if (!ok(fine, what))
		printf("# %s\n", names[got]);
	if (err.msg[0] != '\0')
		printf("# %s\n", err.msg);
}

int
main(void)
{
	size_t i;

	make_material();
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		test_form(&forms[i]);
	return tap_done();
}
