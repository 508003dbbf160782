#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/mdm/profile.h"
#include "engine/model/slots.h"
#include "engine/model/tls.h"
#include "engine/pki/bundle.h"

static enum err_code
add_root(struct profile_inputs *in, struct cert *c)
{
	size_t i;

	for (i = 0; i < in->n_roots; i++)
		if (memcmp(cert_fingerprint(in->roots[i]), cert_fingerprint(c),
			CERT_FINGERPRINT_LEN) == 0)
			return ERR_OK;
	if (in->n_roots < PROFILE_MAX_ROOTS)
		in->roots[in->n_roots++] = cert_ref(c);
	return ERR_OK;
}

static enum err_code
add_trust_file(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct profile_inputs *in = arg;
	struct bundle *b = NULL;
	struct buf bytes = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	(void)stop;
	if (n->n.place != PLACE_TRUST_FILE)
		return ERR_OK;
	if ((rc = node_get_content(t, n, &bytes, err)) == ERR_OK)
		rc = bundle_parse(buf_view(&bytes), NULL, 0, &b, err);
	for (i = 0; rc == ERR_OK && i < bundle_n_certs(b); i++)
		rc = add_root(in, bundle_cert(b, i));
	bundle_free(b);
	buf_free(&bytes);
	return rc;
}

/*
 * The root of the HTTPS chain goes along whenever it is known: an
 * administrator who has a private CA has its root in the slot, and a public
 * one does no harm.  Then what system/trust holds.
 */
static enum err_code
add_roots(struct txn *t, struct profile_inputs *in, struct err *err)
{
	struct identity *tls = NULL;
	struct cert *last;
	struct node dir;
	enum err_code rc = tls_identity(t, &tls, err);

	if (rc != ERR_OK)
		return rc;
	last = identity_cert(tls, identity_n_certs(tls) - 1);
	if (cert_is_self_signed(last))
		rc = add_root(in, last);
	identity_free(tls);
	if (rc != ERR_OK)
		return rc;
	rc = org_file(t, 0, NULL, "trust", &dir, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_each(t, dir.n.ino, 0, add_trust_file, in, err);
	return rc;
}

/* Without a push certificate no MDM profile may be handed out: its topic could
 * never be changed on the devices. */
static enum err_code
push_topic(struct txn *t, const struct engine *e, struct profile_inputs *in,
    struct err *err)
{
	struct slot_facts f;
	struct buf end = { 0 };
	enum err_code rc =
	    slot_facts(t, slot_of(in->org.number, SLOT_OF_APNS), &f, err);

	if (rc != ERR_OK)
		return rc;
	if (f.version == 0)
		return err_set(err, ERR_KEY_REJECTED,
		    "there is no push certificate for %s: copy it with its key "
		    "into orgs/%s/apns/ (mkdir it first); without one, devices "
		    "cannot be reached and no enrollment profile is handed out",
		    in->org.name, in->org.name);
	if (f.expires < engine_now(e)) {
		text_time(&end, f.expires);
		rc = err_set(err, ERR_KEY_EXPIRED,
		    "the push certificate of %s ended at %s: renew it (do not "
		    "create a new one) at identity.apple.com and copy it into "
		    "orgs/%s/apns/",
		    in->org.name, buf_str(&end), in->org.name);
		buf_free(&end);
		return rc;
	}
	memcpy(in->topic, f.topic, sizeof(in->topic));
	return ERR_OK;
}

static enum err_code
check_names(struct txn *t, const struct profile_inputs *in, struct err *err)
{
	struct identity *tls = NULL;
	struct buf names = { 0 };
	const struct cert *leaf;
	size_t i;
	enum err_code rc = tls_identity(t, &tls, err);

	if (rc != ERR_OK)
		return rc;
	leaf = identity_leaf(tls);
	for (i = 0; i < cert_n_names(leaf); i++)
		buf_printf(&names, "%s%s", i == 0 ? "" : ", ",
		    cert_name(leaf, i)->text);
	if (!cert_covers_host(leaf, in->url.host))
		rc = err_set(err, ERR_KEY_REJECTED,
		    "system/url names %s, but the HTTPS certificate is for "
		    "%s: devices would refuse it. Put a certificate for %s "
		    "into system/tls, or change system/url",
		    in->url.host,
		    names.len > 0 ? buf_str(&names)
				  : "no name at all (it has no subject "
				    "alternative name)",
		    in->url.host);
	buf_free(&names);
	identity_free(tls);
	return rc;
}

/* The organization's own identity before the system's, while it is valid. */
static enum err_code
signer(struct txn *t, const struct engine *e, struct profile_inputs *in,
    struct err *err)
{
	const uint32_t whose[] = { in->org.number, 0 };
	struct slot_facts f;
	enum err_code rc;
	size_t i;

	for (i = 0; i < 2; i++) {
		rc = slot_facts(t, slot_of(whose[i], SLOT_OF_SIGNING), &f, err);
		if (rc != ERR_OK)
			return rc;
		if (f.version != 0 && f.expires > engine_now(e))
			return slot_identity(t,
			    slot_of(whose[i], SLOT_OF_SIGNING), &in->signer,
			    err);
	}
	return ERR_OK;
}

static void
hash_all(struct profile_inputs *in)
{
	struct buf b = { 0 };
	size_t i;

	buf_printf(&b, "1\n%u\n%s\n%s\n%s\n%s\n%lld\n%s\n", in->org.number,
	    in->org.name, in->display, in->url.text, in->topic,
	    (long long)in->access_rights, in->install);
	for (i = 0; i < in->n_roots; i++)
		buf_put(
		    &b, cert_fingerprint(in->roots[i]), CERT_FINGERPRINT_LEN);
	if (in->signer != NULL)
		for (i = 0; i < identity_n_certs(in->signer); i++)
			buf_put(&b,
			    cert_fingerprint(identity_cert(in->signer, i)),
			    CERT_FINGERPRINT_LEN);
	SHA256(b.p, b.len, in->hash);
	buf_free(&b);
}

static enum err_code
read_install(struct txn *t, char ret[static PROFILE_UUID], struct err *err)
{
	struct key k = key_of(KIND_INSTALL);
	struct bytes v;
	enum err_code rc = txn_get(t, key_view(&k), &v, err);

	if (rc == ERR_OK && v.len == PROFILE_UUID - 1) {
		memcpy(ret, v.p, v.len);
		ret[v.len] = '\0';
	}
	return rc;
}

enum err_code
profile_roots(struct txn *t, struct profile_inputs *in, struct err *err)
{
	enum err_code rc = add_roots(t, in, err);

	if (rc == ERR_OK)
		rc = read_install(t, in->install, err);
	snprintf(in->display, sizeof(in->display), "Management server");
	hash_all(in);
	return rc;
}

enum err_code
profile_inputs(struct txn *t, const struct engine *e, uint32_t org,
    struct profile_inputs *ret, struct err *err)
{
	struct profile_inputs in = { .n_roots = 0 };
	enum err_code rc = org_read(t, org, &in.org, err);

	if (rc == ERR_OK)
		rc = push_topic(t, e, &in, err);
	if (rc == ERR_OK)
		rc = system_url_read(t, &in.url, err);
	if (rc == ERR_OK)
		rc = check_names(t, &in, err);
	if (rc == ERR_OK)
		rc = access_rights_read(t, org, &in.access_rights, err);
	if (rc == ERR_OK)
		rc = add_roots(t, &in, err);
	if (rc == ERR_OK)
		rc = signer(t, e, &in, err);
	if (rc == ERR_OK)
		rc = read_install(t, in.install, err);
	if (rc != ERR_OK) {
		profile_inputs_fini(&in);
		return rc;
	}
	if (org_setting(t, org, NULL, "name", in.display, sizeof(in.display)) !=
	    ERR_OK)
		snprintf(in.display, sizeof(in.display), "%s", in.org.name);
	hash_all(&in);
	*ret = in;
	return ERR_OK;
}

void
profile_inputs_fini(struct profile_inputs *in)
{
	size_t i;

	for (i = 0; i < in->n_roots; i++)
		cert_free(in->roots[i]);
	identity_free(in->signer);
	*in = (struct profile_inputs){ .n_roots = 0 };
}

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	struct key k = key_of(KIND_INSTALL);
	struct bytes v;
	enum err_code rc = txn_get(t, key_view(&k), &v, NULL);

	if (rc == ERR_NOT_FOUND)
		return txn_put(t, key_view(&k), bytes_text(arg), err);
	return rc == ERR_OK ? rc : err_set(err, rc, "install id");
}

enum err_code
profile_install_id(struct engine *e, struct err *err)
{
	struct buf b = { 0 };
	char uuid[PROFILE_UUID];
	uint8_t random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_set(err, ERR_INTERNAL, "no random bytes");
	text_uuid(&b, random);
	snprintf(uuid, sizeof(uuid), "%s", buf_str(&b));
	buf_free(&b);
	return store_update(e->store, install_txn, uuid, err);
}
