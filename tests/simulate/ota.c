#include <pthread.h>

#include <openssl/pem.h>

#include "engine/pki/cms.h"
#include "tests/scep/client.h"
#include "tests/simulate/device.h"

/* The CA of birth certificates, read once. */
static pthread_once_t apple_once = PTHREAD_ONCE_INIT;
static X509 *apple_ca;
static EVP_PKEY *apple_key;

static void
read_apple(void)
{
	FILE *f = fopen(behaviour.apple, "r");

	NEED(f != NULL);
	apple_ca = PEM_read_X509(f, NULL, NULL, NULL);
	rewind(f);
	apple_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	NEED(apple_ca != NULL && apple_key != NULL);
}

/* What the device was born with; it has long ended, as Apple's have. */
static X509 *
birth_certificate(struct device *d)
{
	X509 *x = client_self_sign(d->key, d->udid);

	if (behaviour.apple == NULL)
		return x;
	pthread_once(&apple_once, read_apple);
	X509_set_issuer_name(x, X509_get_subject_name(apple_ca));
	NEED(X509_sign(x, apple_key, EVP_sha1()) > 0);
	return x;
}

/* Who it is, signed; posted to url. */
static bool
post(struct device *d, const char *url, const char *challenge, X509 *signer)
{
	struct pl *p = pl_new_dict();
	struct buf xml = { 0 }, der;
	struct curl_slist *headers = curl_slist_append(
	    NULL, "Content-Type: application/pkcs7-signature");
	CMS_ContentInfo *cms;
	uint8_t *out = NULL;
	BIO *in;
	bool good;

	pl_set_string(p, "UDID", d->udid);
	pl_set_string(p, "SERIAL", d->udid);
	pl_set_string(p, "PRODUCT", "iPhone15,2");
	pl_set_string(p, "VERSION", "22B83");
	pl_set_string(p, "CHALLENGE", challenge);
	pl_write_xml(p, &xml);
	in = BIO_new_mem_buf(xml.p, (int)xml.len);
	cms = CMS_sign(signer, d->key, NULL, in, CMS_BINARY | CMS_NOSMIMECAP);
	NEED(cms != NULL);
	der = client_take_der(&out, i2d_CMS_ContentInfo(cms, &out));
	good = device_request(d, "POST", url, buf_view(&der), headers);
	curl_slist_free_all(headers);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	buf_free(&der);
	buf_free(&xml);
	pl_free(p);
	return good;
}

/* Put the payloads in their place. */
static bool
decrypt(struct device *d, struct pl *profile)
{
	struct bytes der = pl_get_data(profile, "EncryptedPayloadContent");
	const uint8_t *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.len);
	BIO *out = BIO_new(BIO_s_mem());
	struct pl *content = NULL;
	char *clear;
	bool good =
	    cms != NULL && CMS_decrypt(cms, d->key, d->cert, NULL, out, 0) == 1;

	if (good) {
		size_t n = (size_t)BIO_get_mem_data(out, &clear);

		good = pl_parse(bytes_of(clear, n), &content, NULL) == ERR_OK;
		pl_dict_set(profile, "PayloadContent", content);
	}
	CMS_ContentInfo_free(cms);
	BIO_free(out);
	ERR_clear_error();
	return good;
}

/* Steps 2 and 3; service: the answer of step 1. */
static struct pl *
go_on(struct device *d, const struct pl *service, X509 *born)
{
	const struct pl *content = pl_get_dict(service, "PayloadContent");
	const char *url = pl_get_string(content, "URL");
	const char *challenge = pl_get_string(content, "Challenge");
	struct pl *p;
	bool good;

	if (url == NULL || challenge == NULL ||
	    !post(d, url, challenge, born) ||
	    (p = device_profile(d, buf_view(&d->reply))) == NULL)
		return NULL;
	good = device_scep(
	    d, pl_get_dict(device_payload(p, "com.apple.security.scep"),
		   "PayloadContent"));
	pl_free(p);
	if (!good || !post(d, url, challenge, d->cert) ||
	    (p = device_profile(d, buf_view(&d->reply))) == NULL)
		return NULL;
	good = decrypt(d, p);
	X509_free(d->cert);
	d->cert = NULL;
	if (good)
		return p;
	n_failed++;
	fprintf(stderr, "%s: the profile cannot be opened\n", d->udid);
	pl_free(p);
	return NULL;
}

struct pl *
device_ota(struct device *d)
{
	char url[1024];
	struct pl *service, *p = NULL;
	X509 *born;

	snprintf(url, sizeof(url), "%s/ota/%s", behaviour.url, behaviour.org);
	if (!device_request(d, "GET", url, BYTES_NONE, NULL) ||
	    (service = device_profile(d, buf_view(&d->reply))) == NULL)
		return NULL;
	born = birth_certificate(d);
	p = go_on(d, service, born);
	X509_free(born);
	pl_free(service);
	return p;
}
