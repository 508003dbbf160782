#include "tests/simulate/device.h"

#include <openssl/pem.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "tests/scep/client.h"

struct behaviour behaviour = { .seed = "A",
	.identity = "signature",
	.count = 1,
	.threads = 1,
	.rounds = 1 };

atomic_long n_enrolled, n_requests, n_answers, n_not_now, n_failed;

/* ---- HTTP --------------------------------------------------------------- */

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	buf_put(arg, p, size * n);
	return size * n;
}

static void
identify(struct device *d)
{
	struct curl_blob blob = { d->tls.p, d->tls.len, CURL_BLOB_COPY };

	if (strcmp(behaviour.identity, "signature") == 0 || d->tls.len == 0)
		return;
	curl_easy_setopt(d->curl, CURLOPT_SSLCERT_BLOB, &blob);
	curl_easy_setopt(d->curl, CURLOPT_SSLKEY_BLOB, &blob);
	curl_easy_setopt(d->curl, CURLOPT_SSLCERTTYPE, "PEM");
}

bool
device_request(struct device *d, const char *method, const char *url,
    struct bytes body, struct curl_slist *headers)
{
	CURLcode rc;

	curl_easy_reset(d->curl);
	buf_reset(&d->reply);
	identify(d);
	curl_easy_setopt(d->curl, CURLOPT_URL, url);
	curl_easy_setopt(d->curl, CURLOPT_CAINFO, behaviour.cacert);
	curl_easy_setopt(d->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(d->curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(
	    d->curl, CURLOPT_FORBID_REUSE, behaviour.reuse ? 0L : 1L);
	/* libcurl resets each stream that it has read to its end, and nghttp2
	 * ends a connection with more than 1000 resets, and 33 a second */
	curl_easy_setopt(d->curl, CURLOPT_MAXLIFETIME_CONN, 3L);
	curl_easy_setopt(d->curl, CURLOPT_HTTP_VERSION,
	    (long)(behaviour.http1 ? CURL_HTTP_VERSION_1_1
				   : CURL_HTTP_VERSION_2TLS));
	curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, &d->reply);
	curl_easy_setopt(d->curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, headers);
	if (body.p != NULL) {
		curl_easy_setopt(
		    d->curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
		curl_easy_setopt(d->curl, CURLOPT_POSTFIELDS, body.p);
	}
	rc = curl_easy_perform(d->curl);
	d->status = 0;
	curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &d->status);
	n_requests++;
	if (rc == CURLE_OK && d->status == 200)
		return true;
	n_failed++;
	fprintf(stderr, "%s: %s %s: %s, %ld %.*s\n", d->udid, method, url,
	    curl_easy_strerror(rc), d->status, (int)d->reply.len,
	    d->reply.len > 0 ? (const char *)d->reply.p : "");
	return false;
}

/* Mdm-Signature: a detached signature over the body, DER, base64. */
static struct curl_slist *
sign(struct device *d, struct bytes body)
{
	BIO *in = BIO_new_mem_buf(body.p, (int)body.len);
	unsigned flags =
	    CMS_DETACHED | CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	struct buf der, line = { 0 };
	struct curl_slist *list;
	uint8_t *p = NULL;

	NEED(CMS_add1_signer(cms, d->cert, d->key,
		 behaviour.sha1 ? EVP_sha1() : EVP_sha256(), flags) != NULL);
	NEED(CMS_final(cms, in, NULL, flags) == 1);
	der = client_take_der(&p, i2d_CMS_ContentInfo(cms, &p));
	buf_text(&line, "Mdm-Signature: ");
	text_base64(&line, buf_view(&der));
	list = curl_slist_append(NULL, buf_str(&line));
	buf_free(&der);
	buf_free(&line);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return list;
}

/* Send a message, which is freed. */
static bool
say(struct device *d, struct pl *message)
{
	struct curl_slist *headers = NULL;
	struct buf body = { 0 };
	bool good;

	pl_set_string(message, "UDID", d->udid);
	pl_write_xml(message, &body);
	pl_free(message);
	if (strcmp(behaviour.identity, "tls") != 0)
		headers = sign(d, buf_view(&body));
	good = device_request(d, "PUT", d->server, buf_view(&body), headers);
	curl_slist_free_all(headers);
	buf_free(&body);
	return good;
}

/* ---- enrolling ---------------------------------------------------------- */

struct pl *
device_payload(const struct pl *profile, const char *type)
{
	struct pl *content = pl_get_array(profile, "PayloadContent");
	size_t i;

	for (i = 0; i < pl_array_len(content); i++) {
		struct pl *p = pl_array_at(content, i);
		const char *t = pl_get_string(p, "PayloadType");

		if (t != NULL && strcmp(t, type) == 0)
			return p;
	}
	return NULL;
}

struct pl *
device_profile(struct device *d, struct bytes file)
{
	struct buf xml = { 0 };
	struct cert *signer = NULL;
	struct pl *p = NULL;
	struct err err = { 0 };

	if (cms_verify_attached(file, &xml, &signer, NULL) != ERR_OK)
		buf_bytes(&xml, file);
	if (pl_parse(buf_view(&xml), &p, &err) != ERR_OK) {
		n_failed++;
		fprintf(stderr, "%s: profile: %s\n", d->udid, err.msg);
	}
	cert_free(signer);
	buf_free(&xml);
	return p;
}

static struct pl *
get_profile(struct device *d)
{
	char url[1024];
	struct buf file = { 0 };
	struct pl *p;
	FILE *f;
	int c;

	if (behaviour.ota)
		return device_ota(d);
	if (behaviour.profile != NULL) {
		NEED((f = fopen(behaviour.profile, "r")) != NULL);
		while ((c = fgetc(f)) != EOF)
			buf_char(&file, (char)c);
		fclose(f);
	} else {
		snprintf(url, sizeof(url), "%s/enroll/%s", behaviour.url,
		    behaviour.org);
		if (!device_request(d, "GET", url, BYTES_NONE, NULL))
			return NULL;
		buf_bytes(&file, buf_view(&d->reply));
	}
	p = device_profile(d, buf_view(&file));
	buf_free(&file);
	return p;
}

bool
device_scep(struct device *d, const struct pl *settings)
{
	const char *base = pl_get_string(settings, "URL");
	X509 *own = client_self_sign(d->key, d->udid), *ca;
	struct buf csr = client_csr(
	    d->key, d->udid, pl_get_string(settings, "Challenge"), NULL);
	struct ask ask = { .type = "19",
		.transaction = d->udid,
		.nonce = "0123456789abcdef",
		.key = d->key,
		.cert = own,
		.content = buf_view(&csr) };
	struct answer answer = { 0 };
	struct buf message = { 0 };
	const uint8_t *p;
	char url[1024];

	snprintf(url, sizeof(url), "%s?operation=GetCACert", base);
	ca = NULL;
	if (device_request(d, "GET", url, BYTES_NONE, NULL)) {
		p = d->reply.p;
		ca = d2i_X509(NULL, &p, (long)d->reply.len);
	}
	if (ca != NULL) {
		ask.ca = ca;
		message = client_message(&ask);
		snprintf(url, sizeof(url), "%s?operation=PKIOperation", base);
		if (device_request(d, "POST", url, buf_view(&message), NULL))
			answer = client_read(
			    buf_view(&d->reply), ca, d->key, own, NULL);
	}
	d->cert = answer.cert;
	if (d->cert == NULL) {
		n_failed++;
		fprintf(
		    stderr, "%s: no certificate: %s\n", d->udid, answer.text);
	}
	X509_free(ca);
	X509_free(own);
	buf_free(&csr);
	buf_free(&message);
	return d->cert != NULL;
}

static struct pl *
checkin(const struct device *d, const char *type)
{
	struct pl *m = pl_new_dict();

	pl_set_string(m, "MessageType", type);
	pl_set_string(m, "Topic", d->topic);
	return m;
}

static bool
check_in(struct device *d)
{
	char token[32] = { 0 };
	struct pl *m = checkin(d, "Authenticate");

	snprintf(token, sizeof(token), "%.31s", d->udid);
	pl_set_string(m, "SerialNumber", d->udid);
	pl_set_string(m, "OSVersion", "18.1");
	pl_set_string(m, "ProductName", "iPhone15,2");
	pl_set_string(m, "DeviceName", d->udid);
	if (!say(d, m))
		return false;
	m = checkin(d, "TokenUpdate");
	pl_set_data(m, "Token", bytes_of(token, sizeof(token)));
	pl_set_string(m, "PushMagic", d->udid);
	return say(d, m);
}

/* Key and certificate as PEM, for TLS and for a later run. */
static void
keep(struct device *d)
{
	BIO *b = BIO_new(BIO_s_mem());
	char path[1024], *p;
	FILE *f;
	long n;

	NEED(PEM_write_bio_PKCS8PrivateKey(
		 b, d->key, NULL, NULL, 0, NULL, NULL) == 1);
	NEED(PEM_write_bio_X509(b, d->cert) == 1);
	n = BIO_get_mem_data(b, &p);
	buf_reset(&d->tls);
	buf_put(&d->tls, p, (size_t)n);
	if (behaviour.state != NULL) {
		snprintf(
		    path, sizeof(path), "%s/%s.pem", behaviour.state, d->udid);
		NEED((f = fopen(path, "w")) != NULL);
		fprintf(f, "%s\n%s\n", d->server, d->topic);
		fwrite(p, 1, (size_t)n, f);
		fclose(f);
	}
	BIO_free(b);
}

/* A device that enrolled in an earlier run. */
bool
device_recall(struct device *d)
{
	char path[1024];
	FILE *f;

	if (behaviour.state == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/%s.pem", behaviour.state, d->udid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	NEED(fscanf(f, "%511s %255s", d->server, d->topic) == 2);
	EVP_PKEY_free(d->key);
	d->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	d->cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	NEED(d->key != NULL && d->cert != NULL);
	keep(d);
	return true;
}

bool
device_enroll(struct device *d)
{
	struct pl *profile = get_profile(d);
	struct pl *mdm = device_payload(profile, "com.apple.mdm");
	struct pl *p = device_payload(profile, "com.apple.security.scep");
	const char *url = pl_get_string(mdm, "ServerURL");
	const char *topic = pl_get_string(mdm, "Topic");
	bool good = false;

	if (url != NULL && topic != NULL) {
		snprintf(d->server, sizeof(d->server), "%s", url);
		snprintf(d->topic, sizeof(d->topic), "%s", topic);
		good = device_scep(d, pl_get_dict(p, "PayloadContent"));
	}
	pl_free(profile);
	if (!good)
		return false;
	keep(d);
	if (!check_in(d))
		return false;
	n_enrolled++;
	return true;
}

/* ---- answering ---------------------------------------------------------- */

static struct pl *
answer_to(struct device *d, const struct pl *command)
{
	const char *type =
	    pl_get_string(pl_get_dict(command, "Command"), "RequestType");
	struct pl *m = pl_new_dict(), *part;

	pl_set_string(m, "CommandUUID", pl_get_string(command, "CommandUUID"));
	if (d->refused < behaviour.not_now) {
		d->refused++;
		n_not_now++;
		pl_set_string(m, "Status", "NotNow");
		return m;
	}
	n_answers++;
	pl_set_string(m, "Status", behaviour.error ? "Error" : "Acknowledged");
	if (behaviour.error) {
		struct pl *chain = pl_new_array();

		part = pl_new_dict();
		pl_set_int(part, "ErrorCode", 12021);
		pl_set_string(part, "ErrorDomain", "MCMDMErrorDomain");
		pl_set_string(part, "USEnglishDescription", "simulated");
		pl_set_string(part, "LocalizedDescription", "simulated");
		pl_array_add(chain, part);
		pl_dict_set(m, "ErrorChain", chain);
	} else if (type != NULL && strcmp(type, "DeviceInformation") == 0) {
		part = pl_new_dict();
		pl_set_string(part, "DeviceName", d->udid);
		pl_set_string(part, "OSVersion", "18.1.1");
		pl_dict_set(m, "QueryResponses", part);
	}
	return m;
}

/* A visit: Idle, then an answer to each command. */
bool
device_visit(struct device *d)
{
	struct pl *m = pl_new_dict(), *command;

	pl_set_string(m, "Status", "Idle");
	for (;;) {
		command = NULL;
		if (!say(d, m))
			return false;
		if (d->reply.len == 0)
			return true;
		if (pl_parse(buf_view(&d->reply), &command, NULL) != ERR_OK) {
			n_failed++;
			return false;
		}
		if (behaviour.vanish) {
			pl_free(command);
			return true;
		}
		m = answer_to(d, command);
		pl_free(command);
	}
}

bool
device_check_out(struct device *d)
{
	return say(d, checkin(d, "CheckOut"));
}

void
device_fini(struct device *d)
{
	EVP_PKEY_free(d->key);
	X509_free(d->cert);
	buf_free(&d->reply);
	buf_free(&d->tls);
}
