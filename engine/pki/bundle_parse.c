#include <stdlib.h>
#include <strings.h>

#include "engine/base/text.h"
#include "engine/pki/bundle_priv.h"
#include "engine/pki/der_priv.h"

#define LIT(s) (s), sizeof(s) - 1

/* clang-format off */
static const struct { const char *magic; size_t len; const char *what; }
foreign[] = {
	{ LIT("\xff\xfe"),         "UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)" },
	{ LIT("\xfe\xff"),         "UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)" },
	{ LIT("-\0-\0"),           "UTF-16 text: save it as UTF-8 (iconv -f UTF-16LE -t UTF-8)" },
	{ LIT("\0-\0-"),           "UTF-16 text: save it as UTF-8 (iconv -f UTF-16BE -t UTF-8)" },
	{ LIT("\xfe\xed\xfe\xed"), "a Java key store: convert it (keytool -importkeystore -deststoretype pkcs12)" },
	{ LIT("\xce\xce\xce\xce"), "a Java key store: convert it (keytool -importkeystore -deststoretype pkcs12)" },
	{ LIT("\x1e\xf1\xb5\xb0"), "Microsoft's form of a key (PVK): convert it (openssl rsa -inform pvk)" },
	{ LIT("PK\3\4"),           "a ZIP archive: unpack it, and put the files inside here" },
	{ LIT("\x1f\x8b"),         "a gzip archive: unpack it, and put the files inside here" },
	{ LIT("%PDF"),             "a PDF document: put here the certificate itself" },
	{ LIT("bplist00"),         "a property list (a profile?), not a certificate or key: put here the certificate itself" },
	{ LIT("{\\rtf"),           "a text processor's file: save it as plain text" },
	{ LIT("ssh-rsa "),         "an SSH key, not one for certificates" },
	{ LIT("ssh-ed25519 "),     "an SSH key, not one for certificates" },
	{ LIT("ssh-dss "),         "an SSH key, not one for certificates" },
	{ LIT("ecdsa-sha2-"),      "an SSH key, not one for certificates" },
	{ LIT("PuTTY-User-Key"),   "an SSH key (PuTTY's), not one for certificates" },
};

/* Behind white space, upper or lower case. */
static const struct { const char *begin; const char *what; } markup[] = {
	{ "<!doctype html",  "a web page, not a certificate (perhaps one that says to sign in, or an error): download it again, and look at it first" },
	{ "<html",           "a web page, not a certificate (perhaps one that says to sign in, or an error): download it again, and look at it first" },
	{ "<?xml",           "XML (a profile?), not a certificate or key: put here the certificate itself" },
	{ "<!doctype plist", "a property list (a profile?), not a certificate or key: put here the certificate itself" },
	/* base64 of "<?xml" */
	{ "PD94bWw",         "a request for a push certificate, not the certificate: upload it to https://identity.apple.com/pushcert, and put here what comes back" },
};
/* clang-format on */

enum err_code
bundle_refuse_foreign(struct bytes file, struct err *err)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (bytes_begin(
			file, bytes_of(foreign[i].magic, foreign[i].len)))
			return err_set(err, ERR_UNDECODABLE, "this is %s",
			    foreign[i].what);
	if (bytes_begin(file, bytes_of(bom, sizeof(bom))))
		file = bytes_of(file.p + 3, file.len - 3);
	file = text_trim(file);
	for (i = 0; i < sizeof(markup) / sizeof(markup[0]); i++) {
		size_t len = strlen(markup[i].begin);

		if (file.len >= len && strncasecmp((const char *)file.p,
					   markup[i].begin, len) == 0)
			return err_set(
			    err, ERR_UNDECODABLE, "this is %s", markup[i].what);
	}
	return ERR_OK;
}

/* One DER document must be all of the file. */
static enum err_code
check_der_length(struct bytes file, struct err *err)
{
	size_t header, content;

	if (file.len >= 2 && file.p[1] == 0x80) /* BER: its parser will tell */
		return ERR_OK;
	if (!der_header(file, &header, &content))
		return err_set(err, ERR_UNDECODABLE,
		    "the file is damaged or cut short after %zu bytes",
		    file.len);
	if (content > file.len - header)
		return err_set(err, ERR_UNDECODABLE,
		    "the file is cut short: %zu of %zu bytes are there",
		    file.len, header + content);
	if (content < file.len - header)
		return err_set(err, ERR_UNDECODABLE,
		    "%zu bytes of something else follow the document of %zu "
		    "bytes: one file, one document (PEM files may be joined, "
		    "DER files not)",
		    file.len - header - content, header + content);
	return ERR_OK;
}

static enum err_code
read_der(struct bundle *b, struct bytes file, struct opener *o, struct err *err)
{
	enum err_code rc = check_der_length(file, err);

	return rc != ERR_OK ? rc : bundle_read_der(b, file, o, err);
}

/* Base64 of DER without BEGIN and END, as some portals hand out, or of a whole
 * PEM file, as Kubernetes keeps it. */
static bool
read_bare_base64(struct bundle *b, struct bytes text, struct opener *o,
    enum err_code *rc, struct err *err)
{
	struct buf inside = { 0 };
	struct bytes begin = text_trim(text);
	bool der, pem;

	der = bytes_begin(begin, bytes_text("M"));
	pem = bytes_begin(begin, bytes_text("LS0tLS1CRUdJTi")); /* -----BEGIN */
	if ((!der && !pem) || text_unbase64(text, &inside, NULL) != ERR_OK ||
	    inside.len <= 4 || (der && inside.p[0] != DER_SEQUENCE))
		der = pem = false;
	if (der)
		*rc = read_der(b, buf_view(&inside), o, err);
	else if (pem)
		*rc = bundle_read_pem(b, buf_view(&inside), o, err);
	buf_wipe(&inside);
	return der || pem;
}

static enum err_code
read_text(
    struct bundle *b, struct bytes file, struct opener *o, struct err *err)
{
	enum err_code rc;

	if (memchr(file.p, '\0', file.len) != NULL || file.p[0] < '\t')
		return err_set(err, ERR_UNDECODABLE,
		    "this is neither text (PEM) nor DER: no certificate or key "
		    "looks like that");
	if (read_bare_base64(b, file, o, &rc, err))
		return rc;
	if ((rc = bundle_read_pem(b, file, o, err)) != ERR_OK)
		return rc;
	if (b->n_certs == 0 && b->n_keys == 0 && !b->locked)
		return err_set(err, ERR_UNDECODABLE,
		    "there is no certificate and no key in this text: a PEM "
		    "file has a line \"-----BEGIN CERTIFICATE-----\" or the "
		    "like");
	return ERR_OK;
}

static enum err_code
read_file(
    struct bundle *b, struct bytes file, struct opener *o, struct err *err)
{
	enum err_code rc;

	if (file.len == 0 || text_trim(file).len == 0)
		return err_set(err, ERR_UNDECODABLE, "the file is empty");
	if (file.len > BUNDLE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "%zu bytes are too many for certificates and keys: at most "
		    "%u",
		    file.len, BUNDLE_MAX);
	if ((rc = bundle_refuse_foreign(file, err)) != ERR_OK)
		return rc;
	if (file.p[0] == DER_SEQUENCE)
		return read_der(b, file, o, err);
	return read_text(b, file, o, err);
}

enum err_code
bundle_parse(struct bytes file, const char *const passwords[],
    size_t n_passwords, struct bundle **ret, struct err *err)
{
	struct bundle *b = calloc(1, sizeof(*b));
	struct opener o = { 0 };
	enum err_code rc;

	if (b == NULL)
		return err_set(err, ERR_NO_MEMORY, "bundle");
	if ((rc = opener_init(&o, passwords, n_passwords, err)) != ERR_OK)
		goto out;
	if ((rc = read_file(b, file, &o, err)) != ERR_OK)
		goto out;
	if (b->n_certs == 0 && b->n_keys == 0 && !b->locked) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "there is no certificate and no key in this file");
		goto out;
	}
	b->wrong_password = b->locked && n_passwords > 0;
	*ret = b;
	b = NULL;
out:
	opener_fini(&o);
	bundle_free(b);
	return rc;
}
