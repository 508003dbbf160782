#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/mdm/profile_priv.h"
#include "engine/model/devices.h"
#include "engine/model/third_party.h"

#define KEY_USAGE 5 /* 1 signing, 4 encryption */

/* What is made for one payload. */
struct draft {
	const struct profile_inputs *in;
	const char *id; /* what %ID% stands for */
	struct buf challenge;
	struct buf subject; /* text */
	struct pl *parts;
	struct pl *names; /* NULL: none */
	bool has_id;      /* subject or names carry it */
};

/* An array of RDNs, each of pairs: [[["O", org]], [["CN", text]]]. */
static void
add_part(void *arg, const char *type, const char *value)
{
	struct draft *d = arg;
	struct pl *pair = pl_new_array(), *rdn = pl_new_array();

	pl_array_add(pair, pl_new_string(type));
	pl_array_add(pair, pl_new_string(value));
	pl_array_add(rdn, pair);
	pl_array_add(d->parts, rdn);
	if (strstr(value, d->id) != NULL)
		d->has_id = true;
}

static const char *
san_key(unsigned kind)
{
	switch (kind) {
	case SAN_DNS:
		return "dNSName";
	case SAN_EMAIL:
		return "rfc822Name";
	case SAN_URI:
		return "uniformResourceIdentifier";
	default:
		return "ntPrincipalName";
	}
}

/* Several of one kind are an array. */
static void
add_name(void *arg, unsigned kind, const char *text)
{
	struct draft *d = arg;
	struct pl *list;

	if (d->names == NULL)
		d->names = pl_new_dict();
	if (strstr(text, d->id) != NULL)
		d->has_id = true;
	if (kind == SCEP_SAN_UPN) { /* Apple takes one alone */
		pl_set_string(d->names, san_key(kind), text);
		return;
	}
	if ((list = pl_get_array(d->names, san_key(kind))) == NULL) {
		list = pl_new_array();
		pl_dict_set(d->names, san_key(kind), list);
	}
	pl_array_add(list, pl_new_string(text));
}

/* The subject: the template's, else organization and ID. */
static enum err_code
fill(struct draft *d, struct err *err)
{
	const struct scep_settings *s = &d->in->scep;
	const struct scep_values v = { d->in->udid, d->in->serial,
		d->in->org.name, d->id };
	enum err_code rc = scep_subject_fill(
	    s->subject[0] != '\0' ? s->subject : "O=%ORG%, CN=%ID%", &v,
	    &d->subject, err);

	d->parts = pl_new_array();
	if (rc == ERR_OK)
		rc = scep_subject_parts(buf_str(&d->subject), add_part, d, err);
	if (rc == ERR_OK && s->san[0] != '\0')
		rc = scep_san_fill(s->san, &v, add_name, d, err);
	/* the only way to know this profile's certificate by */
	if (rc == ERR_OK && s->url[0] != '\0' && !d->has_id)
		add_part(d, "OU", d->id);
	return rc;
}

bool
profile_fetches(const struct profile_inputs *in)
{
	return in->scep.url[0] != '\0' && in->scep.ndes_url[0] != '\0' &&
	       in->own_challenge[0] == '\0';
}

/* What another CA wants to hear: for this device, fetched for it, for all. */
static enum err_code
challenge_for_other(struct draft *d, struct err *err)
{
	const struct profile_inputs *in = d->in;
	const struct scep_source *source = in->engine->scep;
	enum err_code rc;

	if (source == NULL)
		return err_set(err, ERR_REMOTE,
		    "the server is not ready yet to ask the CA at %s",
		    in->scep.url);
	if ((rc = source->prepare(source->ctx, &in->scep, err)) != ERR_OK)
		return rc;
	if (profile_fetches(in) && in->unfit)
		return ERR_OK;
	if (in->own_challenge[0] != '\0')
		buf_text(&d->challenge, in->own_challenge);
	else if (profile_fetches(in))
		rc = source->challenge(
		    source->ctx, &in->scep, d->id, &d->challenge, err);
	else
		buf_text(&d->challenge, in->scep.challenge);
	return rc;
}

static void
set_address(struct draft *d, struct pl *scep)
{
	const struct scep_settings *s = &d->in->scep;
	struct buf url = { 0 };

	if (s->url[0] == '\0' || s->proxy)
		profile_address(d->in, "/scep/", &url);
	else
		buf_text(&url, s->url);
	/* the proxy serves those alone who have a profile */
	if (s->url[0] != '\0' && s->proxy)
		buf_printf(&url, "/%s", d->id);
	pl_set_string(scep, "URL", buf_str(&url));
	buf_free(&url);
	if (s->url[0] != '\0' && s->fingerprint_len > 0)
		pl_set_data(scep, "CAFingerprint",
		    bytes_of(s->fingerprint, s->fingerprint_len));
}

static void
set_name(struct draft *d, struct pl *scep)
{
	const struct scep_settings *s = &d->in->scep;
	struct bytes name = bytes_text(d->in->org.name);
	char ca[96];

	snprintf(ca, sizeof(ca), "%.*s Device CA", text_fit(name, 48),
	    d->in->org.name);
	if (s->name[0] != '\0')
		pl_set_string(scep, "Name", s->name);
	else if (s->url[0] == '\0')
		pl_set_string(scep, "Name", ca);
}

enum err_code
profile_scep(const struct profile_inputs *in, const char *challenge,
    const char *uuid, struct pl **ret, struct err *err)
{
	bool other = in->scep.url[0] != '\0';
	struct draft d = { .in = in, .id = other ? challenge : uuid };
	struct pl *p, *scep;
	enum err_code rc = ERR_OK;

	if (other)
		rc = challenge_for_other(&d, err);
	else
		buf_text(&d.challenge, challenge);
	if (rc == ERR_OK)
		rc = fill(&d, err);
	if (rc == ERR_OK)
		rc = buf_error(&d.challenge, err);
	if (rc != ERR_OK) {
		pl_free(d.parts);
		pl_free(d.names);
		goto out;
	}
	p = profile_payload(in, "com.apple.security.scep", "scep", uuid);
	scep = pl_new_dict();
	set_address(&d, scep);
	set_name(&d, scep);
	pl_dict_set(scep, "Subject", d.parts);
	if (d.names != NULL)
		pl_dict_set(scep, "SubjectAltName", d.names);
	if (d.challenge.len > 0)
		pl_set_string(scep, "Challenge", buf_str(&d.challenge));
	pl_set_int(scep, "Keysize", in->scep.key_bits);
	pl_set_string(scep, "Key Type", "RSA");
	pl_set_int(scep, "Key Usage", KEY_USAGE);
	pl_set_int(scep, "Retries", in->scep.retries);
	pl_set_int(scep, "RetryDelay", in->scep.retry_delay);
	pl_set_string(p, "PayloadDisplayName", "Device identity");
	pl_dict_set(p, "PayloadContent", scep);
	*ret = p;
out:
	buf_wipe(&d.challenge);
	buf_free(&d.subject);
	return rc;
}

enum err_code
profile_for(struct txn *t, struct profile_inputs *in, const char *udid,
    const char *serial, struct err *err)
{
	struct buf own = { 0 };
	enum err_code rc = ERR_OK;

	if (udid != NULL && device_id_valid(udid))
		snprintf(in->udid, sizeof(in->udid), "%s", udid);
	if (serial != NULL && device_id_valid(serial))
		snprintf(in->serial, sizeof(in->serial), "%s", serial);
	if (in->scep.url[0] == '\0' ||
	    (in->udid[0] == '\0' && in->serial[0] == '\0'))
		return ERR_OK;
	rc = challenge_of_device(
	    t, in->org.number, in->udid, in->serial, &own, NULL);
	if (rc == ERR_OK)
		snprintf(in->own_challenge, sizeof(in->own_challenge), "%s",
		    buf_str(&own));
	buf_wipe(&own);
	return rc == ERR_OK || rc == ERR_NOT_FOUND
	           ? ERR_OK
	           : err_set(err, rc, "scep/challenges: %s", err_text(rc));
}
