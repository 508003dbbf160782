#include "engine/scep/form.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "engine/base/arena.h"
#include "engine/base/text.h"
#include "engine/model/devices.h"
#include "engine/model/facts.h"
#include "engine/model/scep_settings.h"
#include "engine/model/settings.h"
#include "engine/pki/ca.h"

#define FORM_NAMES 32

/* What the CA says of whom it issues for. */
struct form {
	const struct enroll *e;
	const struct grant *grant;
	struct scep_settings settings;
	char udid[DEVICE_ID_MAX + 1], serial[DEVICE_ID_MAX + 1], id[37];
	struct buf subject;
	struct san names[FORM_NAMES];
	size_t n_names;
	struct arena *arena;
	struct buf crl, ocsp; /* where revocations are told; empty: not known */
};

/* https://mdm.example.com/crl/acme */
static void
put_url(struct buf *b, const char *base, const char *what, const char *org)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~";
	const char *p;

	buf_printf(b, "%s/%s/", base, what);
	for (p = org; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL)
			buf_char(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
}

static void
put_urls(struct txn *t, struct form *f)
{
	struct system_url url;

	buf_reset(&f->crl);
	buf_reset(&f->ocsp);
	if (org_url_read(t, f->e->org, &url, NULL) != ERR_OK)
		return;
	put_url(&f->crl, url.text, "crl", f->settings.org_name);
	put_url(&f->ocsp, url.text, "ocsp", f->settings.org_name);
}

/* Who it is, as far as that is known for sure. */
static enum err_code
form_txn(struct txn *t, void *arg, struct err *err)
{
	struct form *f = arg;
	const struct grant *g = f->grant;
	struct buf serial = { 0 };
	enum err_code rc;

	f->udid[0] = f->serial[0] = '\0';
	if (g->meant != 0 && !device_udid(t, g->meant, f->udid))
		f->udid[0] = '\0';
	if (g->meant != 0 &&
	    fact_get(t, g->meant, "SerialNumber", &serial, NULL) == ERR_OK &&
	    device_id_valid(buf_str(&serial)))
		snprintf(f->serial, sizeof(f->serial), "%s", buf_str(&serial));
	buf_free(&serial);
	/* serial numbers are short, the shortest UDID has 25 characters */
	if (g->meant == 0 && strlen(g->name) < 24)
		memcpy(f->serial, g->name, sizeof(f->serial));
	else if (g->meant == 0)
		memcpy(f->udid, g->name, sizeof(f->udid));
	if ((rc = scep_settings_read(t, f->e->org, &f->settings, err)) ==
	    ERR_OK)
		put_urls(t, f);
	return rc;
}

static void
add_name(void *arg, unsigned kind, const char *text)
{
	struct form *f = arg;
	char *copy;

	if (kind == SCEP_SAN_UPN || f->n_names == FORM_NAMES)
		return;
	if ((copy = arena_text(f->arena, bytes_text(text))) != NULL)
		f->names[f->n_names++] =
		    (struct san){ (enum san_kind)kind, copy };
}

/* The templates count where the device is known: then what it asks for does
 * not. */
static enum err_code
fill_form(struct form *f, struct ca_profile *profile, struct err *err)
{
	const struct scep_values v = { f->udid, f->serial, f->settings.org_name,
		f->id };
	struct buf uuid = { 0 };
	uint8_t random[16];
	enum err_code rc = ERR_OK;

	if (f->udid[0] == '\0' && f->serial[0] == '\0')
		return ERR_OK;
	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_set(err, ERR_INTERNAL, "no random bytes");
	text_uuid(&uuid, random);
	snprintf(f->id, sizeof(f->id), "%s", buf_str(&uuid));
	buf_free(&uuid);
	if (f->settings.subject[0] != '\0') {
		rc = scep_subject_fill(
		    f->settings.subject, &v, &f->subject, err);
		profile->subject_der = BYTES_NONE;
		profile->subject = buf_str(&f->subject);
	}
	if (rc == ERR_OK && f->settings.san[0] != '\0') {
		rc = scep_san_fill(f->settings.san, &v, add_name, f, err);
		profile->copy = 0;
		profile->names = f->names;
		profile->n_names = f->n_names;
	}
	return rc;
}

/* Devices do as their profile says; another client may not know of it.  Elliptic
 * curves are stronger than RSA of these sizes. */
static enum err_code
check_key(const struct form *f, struct err *err)
{
	const struct keyspec *k = csr_keyspec(f->e->request);

	if (k->kind != KEYSPEC_RSA || k->bits >= f->settings.key_bits)
		return ERR_OK;
	return err_set(err, ERR_KEY_REJECTED,
	    "the request's key is %s, and orgs/%s/scep/key-size wants %d bits "
	    "or more: make a new key; a device does so with a fresh enrollment "
	    "profile",
	    k->name, f->settings.org_name, f->settings.key_bits);
}

enum err_code
form_issue(const struct enroll *e, const struct grant *g, struct cert **ret,
    struct err *err)
{
	struct form f = { .e = e, .grant = g, .arena = arena_new() };
	struct ca_profile profile = { .copy = SAN_DNS | SAN_EMAIL | SAN_URI,
		.client_auth = true };
	enum err_code rc;

	if (f.arena == NULL)
		return err_set(err, ERR_NO_MEMORY, "certificate");
	if (g->renewal)
		profile.subject_der =
		    cert_subject_der(message_signer(e->message));
	rc = store_view(e->engine->store, form_txn, &f, err);
	profile.days = f.settings.days;
	if (f.crl.len > 0)
		profile.crl_url = buf_str(&f.crl);
	if (f.ocsp.len > 0)
		profile.ocsp_url = buf_str(&f.ocsp);
	if (rc == ERR_OK)
		rc = check_key(&f, err);
	if (rc == ERR_OK)
		rc = fill_form(&f, &profile, err);
	if (rc == ERR_OK)
		rc = ca_issue(e->ca, e->request, &profile, e->now, ret, err);
	scep_settings_wipe(&f.settings);
	buf_free(&f.subject);
	buf_free(&f.crl);
	buf_free(&f.ocsp);
	arena_free(f.arena);
	return rc;
}
