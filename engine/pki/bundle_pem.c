#include <openssl/err.h>
#include <openssl/pem.h>

#include "engine/base/text.h"
#include "engine/pki/bundle_priv.h"
#include "engine/pki/der_priv.h"
#include "engine/pki/pem.h"

enum block_kind {
	BLOCK_CERT,
	BLOCK_TRUSTED, /* a certificate and OpenSSL's notes behind it */
	BLOCK_PKCS7,
	BLOCK_KEY,
	BLOCK_ENCRYPTED,
	BLOCK_SKIP,
	BLOCK_CSR,
	BLOCK_SSH,
	BLOCK_PGP,
	BLOCK_PUBLIC,
	BLOCK_UNKNOWN,
};

/* clang-format off */
static const struct { const char *label; enum block_kind kind; } blocks[] = {
	{ "CERTIFICATE",             BLOCK_CERT },
	{ "X509 CERTIFICATE",        BLOCK_CERT },
	{ "CERTIFICATES",            BLOCK_CERT },
	{ "CERTIFICATE CHAIN",       BLOCK_CERT },
	{ "TRUSTED CERTIFICATE",     BLOCK_TRUSTED },
	{ "PKCS7",                   BLOCK_PKCS7 },
	{ "PKCS #7 SIGNED DATA",     BLOCK_PKCS7 },
	{ "CMS",                     BLOCK_PKCS7 },
	{ "PRIVATE KEY",             BLOCK_KEY },
	{ "RSA PRIVATE KEY",         BLOCK_KEY },
	{ "EC PRIVATE KEY",          BLOCK_KEY },
	{ "DSA PRIVATE KEY",         BLOCK_KEY },
	{ "ENCRYPTED PRIVATE KEY",   BLOCK_ENCRYPTED },
	{ "EC PARAMETERS",           BLOCK_SKIP },
	{ "DH PARAMETERS",           BLOCK_SKIP },
	{ "X509 CRL",                BLOCK_SKIP },
	{ "PUBLIC KEY",              BLOCK_PUBLIC },
	{ "RSA PUBLIC KEY",          BLOCK_PUBLIC },
	{ "CERTIFICATE REQUEST",     BLOCK_CSR },
	{ "NEW CERTIFICATE REQUEST", BLOCK_CSR },
	{ "OPENSSH PRIVATE KEY",     BLOCK_SSH },
};
/* clang-format on */

static enum block_kind
block_kind(const char *label)
{
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (strcmp(blocks[i].label, label) == 0)
			return blocks[i].kind;
	if (strncmp(label, "PGP ", 4) == 0)
		return BLOCK_PGP;
	return strncmp(label, "SSH2 ", 5) == 0 ? BLOCK_SSH : BLOCK_UNKNOWN;
}

enum err_code
bundle_refuse_label(const char *label, size_t line, struct err *err)
{
	switch (block_kind(label)) {
	case BLOCK_CSR:
		return bundle_refuse_csr(err);
	case BLOCK_SSH:
		return err_set(err, ERR_UNDECODABLE,
		    "this is an SSH key, not one for certificates; ssh-keygen "
		    "-p -m PKCS8 converts a key, if it really is the "
		    "certificate's");
	case BLOCK_PGP:
		return err_set(err, ERR_UNDECODABLE,
		    "this is a PGP file, not a certificate or its key");
	case BLOCK_PUBLIC:
		return err_set(err, ERR_UNDECODABLE,
		    "line %zu: this is a public key alone: the private key or "
		    "the certificate is needed",
		    line);
	case BLOCK_UNKNOWN:
		return err_set(err, ERR_UNDECODABLE,
		    "line %zu: a block \"%s\" is neither a certificate nor a "
		    "key",
		    line, label);
	case BLOCK_CERT:
	case BLOCK_TRUSTED:
	case BLOCK_PKCS7:
	case BLOCK_KEY:
	case BLOCK_ENCRYPTED:
	case BLOCK_SKIP:
		break;
	}
	return ERR_OK;
}

struct password {
	const char *text;
};

static int
give_password(char *p, int size, int writing, void *arg)
{
	const struct password *password = arg;
	int len = (int)strlen(password->text);

	(void)writing;
	if (len > size)
		return -1;
	memcpy(p, password->text, (size_t)len);
	return len;
}

/* Decrypt as RFC 1421 says; the key then is plain DER. */
static enum err_code
open_dek(struct bundle *b, EVP_CIPHER_INFO *cipher, struct bytes sealed,
    struct opener *o, struct err *err)
{
	struct buf copy = { 0 };
	enum err_code rc = ERR_OK;
	bool opened = false;
	size_t k;

	for (k = 0; k < o->n_forms && !opened; k++) {
		size_t i = opener_order(o, k);
		struct password password = { o->forms[i].text };
		long len = (long)sealed.len;
		OSSL_LIB_CTX *old;
		int fine;

		if (password.text == NULL)
			continue; /* this form has no "no password" */
		buf_wipe(&copy);
		buf_bytes(&copy, sealed);
		if ((rc = buf_error(&copy, err)) != ERR_OK)
			break;
		old = openssl_enter_legacy();
		fine = PEM_do_header(
		    cipher, copy.p, &len, give_password, &password);
		openssl_leave_legacy(old);
		if (fine != 1)
			continue;
		/* the padding is right once in 256 by chance */
		rc = bundle_add_key_der(b, bytes_of(copy.p, (size_t)len), err);
		if (rc == ERR_UNDECODABLE) {
			rc = ERR_OK;
			continue;
		}
		opened = true;
		o->last = i;
	}
	if (rc == ERR_OK && !opened)
		b->locked = true;
	buf_wipe(&copy);
	ERR_clear_error();
	return rc;
}

static enum err_code
read_key(struct bundle *b, const struct pem_block *block, struct bytes der,
    struct opener *o, struct err *err)
{
	EVP_CIPHER_INFO cipher;
	char *headers;
	int fine;

	if (text_trim(block->headers).len == 0)
		return bundle_add_key_der(b, der, err);
	headers = strndup((const char *)block->headers.p, block->headers.len);
	if (headers == NULL)
		return err_set(err, ERR_NO_MEMORY, "key");
	/* it wants lines without \r */
	for (char *cr = headers; (cr = strchr(cr, '\r')) != NULL;)
		memmove(cr, cr + 1, strlen(cr));
	fine = PEM_get_EVP_CIPHER_INFO(headers, &cipher);
	free(headers);
	ERR_clear_error();
	if (fine != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "the headers of the key are damaged, or its cipher is not "
		    "known (Proc-Type, DEK-Info)");
	if (cipher.cipher == NULL)
		return bundle_add_key_der(b, der, err);
	return open_dek(b, &cipher, der, o, err);
}

static enum err_code
read_trusted(struct bundle *b, struct bytes der, struct err *err)
{
	struct der first;

	if (!der_next(&der, &first))
		return err_set(err, ERR_UNDECODABLE,
		    "not a certificate: damaged or cut short");
	return bundle_add_cert_der(b, first.whole, err);
}

static enum err_code
read_decoded(struct bundle *b, const struct pem_block *block, struct bytes der,
    struct opener *o, struct err *err)
{
	switch (block_kind(block->label)) {
	case BLOCK_CERT:
		/* some put PKCS#7 under this label */
		if (der_kind(der) == DER_KIND_PKCS7)
			return bundle_read_pkcs7(b, der, err);
		if (der_kind(der) == DER_KIND_CSR)
			return bundle_refuse_csr(err);
		return bundle_add_cert_der(b, der, err);
	case BLOCK_TRUSTED:
		return read_trusted(b, der, err);
	case BLOCK_PKCS7:
		return bundle_read_pkcs7(b, der, err);
	case BLOCK_KEY:
		return read_key(b, block, der, o, err);
	case BLOCK_ENCRYPTED:
		return bundle_read_encrypted(b, der, o, err);
	case BLOCK_SKIP:
	case BLOCK_CSR:
	case BLOCK_SSH:
	case BLOCK_PGP:
	case BLOCK_PUBLIC:
	case BLOCK_UNKNOWN:
		break;
	}
	return ERR_OK;
}

enum err_code
bundle_read_block(struct bundle *b, const struct pem_block *block,
    struct opener *o, struct err *err)
{
	struct err why = { 0 };
	struct buf der = { 0 };
	enum err_code rc;

	rc = bundle_refuse_label(block->label, block->line, err);
	if (rc != ERR_OK)
		return rc;
	if ((rc = pem_decode(block, &der, err)) != ERR_OK)
		goto out;
	rc = read_decoded(b, block, buf_view(&der), o, &why);
	if (rc != ERR_OK)
		rc = err_set(err, rc, "the block \"%s\" in line %zu: %s",
		    block->label, block->line, why.msg);
out:
	buf_wipe(&der);
	return rc;
}

enum err_code
bundle_read_pem(
    struct bundle *b, struct bytes text, struct opener *o, struct err *err)
{
	struct err end = { 0 };
	struct pem_reader r;
	struct pem_block block;
	enum err_code rc;

	pem_open(&r, text);
	while ((rc = pem_next(&r, &block, &end)) == ERR_OK)
		if ((rc = bundle_read_block(b, &block, o, err)) != ERR_OK)
			return rc;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	return err_set(err, rc, "%s", end.msg);
}
