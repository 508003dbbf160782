#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/mdm/profile.h"
#include "engine/model/slots.h"
#include "engine/model/tls.h"
#include "engine/model/trust.h"

static void
add_root(struct profile_inputs *in, struct cert *c)
{
	size_t i;

	for (i = 0; i < in->n_roots; i++)
		if (memcmp(cert_fingerprint(in->roots[i]), cert_fingerprint(c),
			CERT_FINGERPRINT_LEN) == 0)
			return;
	if (in->n_roots < PROFILE_MAX_ROOTS)
		in->roots[in->n_roots++] = cert_ref(c);
}

static enum err_code
add_trusted(void *arg, const struct node *n, struct cert *c, struct err *err)
{
	(void)n;
	(void)err;
	add_root(arg, c);
	return ERR_OK;
}

/*
 * The root of an HTTPS chain goes along whenever it is known: an administrator
 * who has a private CA has its root in the slot, and a public one does no harm.
 */
static void
add_tls_root(struct profile_inputs *in, const struct identity_ends *tls)
{
	if (cert_is_self_signed(tls->last))
		add_root(in, tls->last);
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

static void
list_names(const struct tls_choice *c, struct buf *b)
{
	const struct cert *leaf = c->chains[0].leaf;
	size_t i;

	for (i = 0; i < cert_n_names(leaf); i++)
		buf_printf(
		    b, "%s%s", i == 0 ? "" : ", ", cert_name(leaf, i)->text);
	if (b->len == 0)
		buf_text(
		    b, "no name at all (it has no subject alternative name)");
}

/* The certificate that this organization's devices will be shown must carry
 * the name that they are told. */
static enum err_code
check_tls(struct txn *t, const struct engine *e, struct profile_inputs *in,
    struct err *err)
{
	struct buf names = { 0 }, file = { 0 }, slot = { 0 };
	struct system_url own;
	struct tls_choice c;
	size_t i;
	enum err_code rc =
	    tls_choose(t, in->org.number, in->url.host, engine_now(e), &c, err);

	if (rc != ERR_OK)
		return rc;
	for (i = 0; i < c.n; i++)
		add_tls_root(in, &c.chains[i]);
	if (!c.covered) {
		list_names(&c, &names);
		buf_text(&file, "system/url");
		buf_text(&slot, "system/tls");
		if (org_url_own(t, in->org.number, &own, NULL) == ERR_OK) {
			buf_reset(&file);
			buf_printf(&file, "orgs/%s/url", in->org.name);
			buf_printf(&slot, " or orgs/%s/tls", in->org.name);
		}
		rc = err_set(err, ERR_KEY_REJECTED,
		    "%s names %s, but the HTTPS certificate is for %s: devices "
		    "would refuse it. Put a certificate for %s into %s, or "
		    "change %s",
		    buf_str(&file), in->url.host, buf_str(&names), in->url.host,
		    buf_str(&slot), buf_str(&file));
	}
	tls_choice_fini(&c);
	buf_free(&names);
	buf_free(&file);
	buf_free(&slot);
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
	buf_printf(&b, "%d %d %d %lld\n%s\n%s\n%s\n%s\n%d %s\n%s\n%s\n%s\n",
	    in->scep.key_bits, in->scep.retries, in->scep.retry_delay,
	    (long long)in->scep.challenge_life, in->scep.subject, in->scep.san,
	    in->scep.url, in->scep.name, in->scep.proxy, in->scep.challenge,
	    in->scep.ndes_url, in->scep.ndes_user, in->scep.ndes_password);
	buf_put(&b, in->scep.fingerprint, in->scep.fingerprint_len);
	for (i = 0; i < in->n_roots; i++)
		buf_put(
		    &b, cert_fingerprint(in->roots[i]), CERT_FINGERPRINT_LEN);
	if (in->signer != NULL)
		for (i = 0; i < identity_n_certs(in->signer); i++)
			buf_put(&b,
			    cert_fingerprint(identity_cert(in->signer, i)),
			    CERT_FINGERPRINT_LEN);
	SHA256(b.p, b.len, in->hash);
	buf_wipe(&b);
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

/* For the host that is asked, and for the server as such. */
static enum err_code
add_roots_of(struct txn *t, const struct engine *e, const char *host,
    struct profile_inputs *in, struct err *err)
{
	struct identity_ends tls = { .leaf = NULL };
	struct tls_choice c;
	size_t i;
	enum err_code rc = tls_listed(t, 0, host, engine_now(e), &c, err);

	if (rc != ERR_OK)
		return rc;
	for (i = 0; i < c.n; i++)
		add_tls_root(in, &c.chains[i]);
	tls_choice_fini(&c);
	if ((rc = tls_ends(t, &tls, err)) == ERR_OK)
		add_tls_root(in, &tls);
	identity_ends_fini(&tls);
	return rc == ERR_OK ? trust_each(t, add_trusted, in, err) : rc;
}

enum err_code
profile_roots(struct txn *t, const struct engine *e, const char *host,
    struct profile_inputs *ret, struct err *err)
{
	struct profile_inputs in = { .n_roots = 0 };
	enum err_code rc = add_roots_of(t, e, host, &in, err);

	if (rc == ERR_OK)
		rc = signer(t, e, &in, err);
	if (rc == ERR_OK)
		rc = read_install(t, in.install, err);
	if (rc != ERR_OK) {
		profile_inputs_fini(&in);
		return rc;
	}
	snprintf(in.display, sizeof(in.display), "Management server");
	hash_all(&in);
	*ret = in;
	return ERR_OK;
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
		rc = org_url_read(t, org, &in.url, err);
	if (rc == ERR_OK)
		rc = check_tls(t, e, &in, err);
	if (rc == ERR_OK)
		rc = access_rights_read(t, org, &in.access_rights, err);
	if (rc == ERR_OK)
		rc = scep_settings_read(t, org, &in.scep, err);
	if (rc == ERR_OK)
		rc = trust_each(t, add_trusted, &in, err);
	if (rc == ERR_OK)
		rc = signer(t, e, &in, err);
	if (rc == ERR_OK)
		rc = read_install(t, in.install, err);
	if (rc != ERR_OK) {
		profile_inputs_fini(&in);
		return rc;
	}
	in.engine = e;
	if (org_setting(t, org, NULL, "name", in.display, sizeof(in.display)) !=
	    ERR_OK)
		snprintf(in.display, sizeof(in.display), "%s", in.org.name);
	hash_all(&in);
	*ret = in;
	return ERR_OK;
}

void
profile_admission(struct profile_inputs *in, const struct admission *a)
{
	in->mode = a->mode;
	snprintf(in->apple_id, sizeof(in->apple_id), "%s", a->apple_id);
}

void
profile_inputs_fini(struct profile_inputs *in)
{
	size_t i;

	for (i = 0; i < in->n_roots; i++)
		cert_free(in->roots[i]);
	identity_free(in->signer);
	OPENSSL_cleanse(in, sizeof(*in));
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
