#include <openssl/cms.h>
#include <openssl/err.h>

#include "engine/pki/bundle_priv.h"
#include "engine/pki/csr.h"
#include "engine/pki/der_priv.h"

/* 1.2.840.113549.1.7 (pkcs-7), one byte behind it tells which */
static const uint8_t pkcs7[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x07 };

static enum der_kind
kind_of_message(struct bytes oid)
{
	if (oid.len != sizeof(pkcs7) + 1 || memcmp(oid.p, pkcs7, 8) != 0)
		return DER_KIND_UNKNOWN;
	return oid.p[8] == 2 ? DER_KIND_PKCS7 : DER_KIND_ENVELOPE;
}

/* SEQUENCE { SEQUENCE to-be-signed, SEQUENCE algorithm, BIT STRING }: which of
 * the three is told by the inside. */
static enum der_kind
kind_of_signed(struct bytes tbs)
{
	struct der d;

	if (!der_peek(&tbs, &d))
		return DER_KIND_UNKNOWN;
	if (d.tag == DER_CONTEXT) /* version 2, 3 of a certificate */
		return DER_KIND_CERT;
	if (d.tag == DER_SEQUENCE) /* a v1 CRL has no version */
		return DER_KIND_CRL;
	if (d.tag != DER_INTEGER)
		return DER_KIND_UNKNOWN;
	/* CSR: version, Name, SPKI, [0]; CRL: version, algorithm, Name, time;
	 * v1 certificate: serial, algorithm, Name, Validity, ... */
	if (!der_peek(&tbs, &d) || d.tag != DER_SEQUENCE ||
	    !der_peek(&tbs, &d) || d.tag != DER_SEQUENCE || !der_peek(&tbs, &d))
		return DER_KIND_UNKNOWN;
	if (d.tag == DER_CONTEXT)
		return DER_KIND_CSR;
	return d.tag == DER_UTC || d.tag == DER_TIME ? DER_KIND_CRL
	                                             : DER_KIND_CERT;
}

static enum der_kind
kind_of_versioned(struct der version, struct bytes rest)
{
	struct der d, in;
	struct bytes inside;

	if (!der_peek(&rest, &d))
		return DER_KIND_UNKNOWN;
	inside = d.content;
	if (d.tag == DER_SEQUENCE && der_peek(&inside, &in) &&
	    in.tag == DER_OID && version.content.len == 1 &&
	    version.content.p[0] == 3 &&
	    kind_of_message(in.content) != DER_KIND_UNKNOWN)
		return DER_KIND_PKCS12;
	if (d.tag == DER_SEQUENCE || d.tag == DER_INTEGER ||
	    d.tag == DER_OCTETS)
		return DER_KIND_KEY;
	return DER_KIND_UNKNOWN;
}

enum der_kind
der_kind(struct bytes der)
{
	struct der all, first, second, in;
	struct bytes rest, inside;

	if (!der_peek(&der, &all) || all.tag != DER_SEQUENCE)
		return DER_KIND_UNKNOWN;
	rest = all.content;
	if (!der_peek(&rest, &first))
		return DER_KIND_UNKNOWN;
	if (first.tag == DER_OID)
		return kind_of_message(first.content);
	if (first.tag == DER_INTEGER)
		return kind_of_versioned(first, rest);
	if (first.tag != DER_SEQUENCE)
		return DER_KIND_UNKNOWN;
	inside = first.content;
	if (!der_peek(&inside, &in))
		return DER_KIND_UNKNOWN;
	if (in.tag != DER_OID)
		return kind_of_signed(first.content);
	if (!der_peek(&rest, &second))
		return DER_KIND_UNKNOWN;
	if (second.tag == DER_OCTETS)
		return DER_KIND_ENCRYPTED_KEY;
	return second.tag == DER_BITS ? DER_KIND_PUBLIC_KEY : DER_KIND_UNKNOWN;
}

static enum err_code
add_x509s(struct bundle *b, STACK_OF(X509) * list, struct err *err)
{
	enum err_code rc = ERR_OK;
	int i;

	for (i = 0; i < sk_X509_num(list) && rc == ERR_OK; i++) {
		uint8_t *der = NULL;
		int len = i2d_X509(sk_X509_value(list, i), &der);

		if (len <= 0)
			rc = err_set(err, ERR_UNDECODABLE,
			    "a certificate in the PKCS#7 file is damaged");
		else
			rc = bundle_add_cert_der(
			    b, bytes_of(der, (size_t)len), err);
		OPENSSL_free(der);
	}
	return rc;
}

enum err_code
bundle_read_pkcs7(struct bundle *b, struct bytes der, struct err *err)
{
	const uint8_t *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	STACK_OF(X509) *list = NULL;
	ASN1_OCTET_STRING **content = NULL;
	enum err_code rc;

	if (cms == NULL || p != der.p + der.len) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "the PKCS#7 file is damaged or cut short (%s)",
		    openssl_reason());
		goto out;
	}
	content = CMS_get0_content(cms);
	if (content != NULL && *content != NULL &&
	    ASN1_STRING_length(*content) > 0) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "this is a signed message (a signed profile?), not a file "
		    "of certificates: put here the certificate itself");
		goto out;
	}
	list = CMS_get1_certs(cms);
	if (sk_X509_num(list) <= 0) {
		rc = err_set(err, ERR_UNDECODABLE,
		    "there is no certificate in this PKCS#7 file");
		goto out;
	}
	rc = add_x509s(b, list, err);
	b->is_export = true;
out:
	sk_X509_pop_free(list, X509_free);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return rc;
}

enum err_code
bundle_refuse_csr(struct err *err)
{
	return err_set(err, ERR_UNDECODABLE,
	    "this is a certificate signing request, not a certificate: send it "
	    "to the authority that issues the certificate, and put here what "
	    "comes back");
}

enum err_code
bundle_read_der(
    struct bundle *b, struct bytes der, struct opener *o, struct err *err)
{
	switch (der_kind(der)) {
	case DER_KIND_CERT:
		return bundle_add_cert_der(b, der, err);
	case DER_KIND_KEY:
		return bundle_add_key_der(b, der, err);
	case DER_KIND_ENCRYPTED_KEY:
		return bundle_read_encrypted(b, der, o, err);
	case DER_KIND_PKCS7:
		return bundle_read_pkcs7(b, der, err);
	case DER_KIND_PKCS12:
		return bundle_read_pkcs12(b, der, o, err);
	case DER_KIND_CSR:
		return bundle_refuse_csr(err);
	case DER_KIND_CRL:
		return err_set(err, ERR_UNDECODABLE,
		    "this is a list of revoked certificates (CRL): put here "
		    "the certificate itself");
	case DER_KIND_PUBLIC_KEY:
		return err_set(err, ERR_UNDECODABLE,
		    "this is a public key alone: the private key or the "
		    "certificate is needed");
	case DER_KIND_ENVELOPE:
		return err_set(err, ERR_UNDECODABLE,
		    "this is an encrypted message (PKCS#7), not a file of "
		    "certificates: decrypt it first, with openssl cms "
		    "-decrypt");
	case DER_KIND_UNKNOWN:
		break;
	}
	return err_set(err, ERR_UNDECODABLE,
	    "this is DER, but neither a certificate nor a key, PKCS#7 or "
	    "PKCS#12; perhaps it is damaged");
}
