#include "engine/mdm/profile.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/pki/cms.h"

#define KEY_BITS  2048
#define KEY_USAGE 5 /* 1 signing, 4 encryption */

/*
 * A UUID that is always the same for the same thing: a profile that is sent
 * again replaces the old one, and its root payloads stay what they were.
 */
static void
fixed_uuid(const struct profile_inputs *in, const char *what, struct bytes more,
    char ret[static PROFILE_UUID])
{
	struct buf b = { 0 };
	uint8_t hash[SHA256_DIGEST_LENGTH];

	buf_printf(&b, "%s %u %s ", in->install, in->org.number, what);
	buf_bytes(&b, more);
	SHA256(b.p, b.len, hash);
	buf_reset(&b);
	text_uuid(&b, hash);
	snprintf(ret, PROFILE_UUID, "%s", buf_str(&b));
	buf_free(&b);
}

static struct pl *
payload(const struct profile_inputs *in, const char *type, const char *name,
    const char *uuid)
{
	char id[160];
	struct pl *p = pl_new_dict();

	snprintf(id, sizeof(id), "mdmfs.%s.%u.%s", in->install, in->org.number,
	    name);
	pl_set_string(p, "PayloadType", type);
	pl_set_int(p, "PayloadVersion", 1);
	pl_set_string(p, "PayloadIdentifier", id);
	pl_set_string(p, "PayloadUUID", uuid);
	return p;
}

static struct pl *
root_payload(const struct profile_inputs *in, const struct cert *c)
{
	char uuid[PROFILE_UUID], name[64];
	struct bytes fingerprint =
	    bytes_of(cert_fingerprint(c), CERT_FINGERPRINT_LEN);
	struct buf hex = { 0 };
	struct pl *p;

	fixed_uuid(in, "root", fingerprint, uuid);
	text_hex(&hex, bytes_of(fingerprint.p, 8));
	snprintf(name, sizeof(name), "root.%s", buf_str(&hex));
	buf_free(&hex);
	p = payload(in, "com.apple.security.root", name, uuid);
	pl_set_string(p, "PayloadDisplayName",
	    cert_common_name(c) != NULL ? cert_common_name(c)
					: cert_subject(c));
	pl_set_data(p, "PayloadContent", cert_der(c));
	return p;
}

/* "/mdm/" or "/scep/" with the organization's name, percent-encoded. */
static void
address(const struct profile_inputs *in, const char *path, struct buf *b)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~";
	const char *p;

	buf_printf(b, "%s%s", in->url.text, path);
	for (p = in->org.name; *p != '\0'; p++)
		if (strchr(plain, *p) != NULL)
			buf_char(b, *p);
		else
			buf_printf(b, "%%%02X", (unsigned char)*p);
}

/* [[["O", org]], [["CN", text]]]: an array of RDNs, each of pairs. */
static struct pl *
subject_rdn(const char *type, const char *value)
{
	struct pl *pair = pl_new_array(), *rdn = pl_new_array();

	pl_array_add(pair, pl_new_string(type));
	pl_array_add(pair, pl_new_string(value));
	pl_array_add(rdn, pair);
	return rdn;
}

static struct pl *
scep_payload(
    const struct profile_inputs *in, const char *challenge, const char *uuid)
{
	struct pl *p = payload(in, "com.apple.security.scep", "scep", uuid);
	struct pl *scep = pl_new_dict(), *subject = pl_new_array();
	struct bytes name = bytes_text(in->org.name);
	char o[65], ca[96];
	struct buf url = { 0 };

	/* RFC 5280: 64 characters at most */
	snprintf(o, sizeof(o), "%.*s", text_fit(name, 60), in->org.name);
	snprintf(
	    ca, sizeof(ca), "%.*s Device CA", text_fit(name, 48), in->org.name);
	pl_array_add(subject, subject_rdn("O", o));
	pl_array_add(subject, subject_rdn("CN", uuid));
	address(in, "/scep/", &url);
	pl_set_string(scep, "URL", buf_str(&url));
	pl_set_string(scep, "Name", ca);
	pl_dict_set(scep, "Subject", subject);
	pl_set_string(scep, "Challenge", challenge);
	pl_set_int(scep, "Keysize", KEY_BITS);
	pl_set_string(scep, "Key Type", "RSA");
	pl_set_int(scep, "Key Usage", KEY_USAGE);
	pl_set_int(scep, "Retries", 3);
	pl_set_int(scep, "RetryDelay", 10);
	pl_set_string(p, "PayloadDisplayName", "Device identity");
	pl_dict_set(p, "PayloadContent", scep);
	buf_free(&url);
	return p;
}

static struct pl *
mdm_payload(const struct profile_inputs *in, const char *identity)
{
	static const char *const capabilities[] = {
		"com.apple.mdm.per-user-connections",
		"com.apple.mdm.bootstraptoken",
	};
	char uuid[PROFILE_UUID];
	struct pl *p, *list = pl_new_array();
	struct buf url = { 0 };
	size_t i;

	fixed_uuid(in, "mdm", BYTES_NONE, uuid);
	p = payload(in, "com.apple.mdm", "mdm", uuid);
	address(in, "/mdm/", &url);
	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		pl_array_add(list, pl_new_string(capabilities[i]));
	pl_set_string(p, "PayloadDisplayName", "Mobile device management");
	pl_set_string(p, "IdentityCertificateUUID", identity);
	pl_set_string(p, "Topic", in->topic);
	pl_set_string(p, "ServerURL", buf_str(&url));
	pl_set_string(p, "CheckInURL", buf_str(&url));
	pl_set_bool(p, "SignMessage", true);
	pl_set_int(p, "AccessRights", in->access_rights);
	pl_set_bool(p, "CheckOutWhenRemoved", true);
	pl_dict_set(p, "ServerCapabilities", list);
	buf_free(&url);
	return p;
}

enum err_code
profile_sign(const struct pl *profile, const struct identity *signer,
    struct buf *ret, struct err *err)
{
	struct buf xml = { 0 };
	enum err_code rc;

	pl_write_xml(profile, &xml);
	rc = buf_error(&xml, err);
	if (rc == ERR_OK && signer != NULL) {
		rc = cms_sign(signer, buf_view(&xml), ret, err);
	} else if (rc == ERR_OK) {
		buf_bytes(ret, buf_view(&xml));
		rc = buf_error(ret, err);
	}
	buf_wipe(&xml);
	return rc;
}

static struct pl *
profile(const struct profile_inputs *in, const char *name, const char *title,
    struct pl *content)
{
	char uuid[PROFILE_UUID];
	struct pl *p;

	fixed_uuid(in, name, bytes_of(in->hash, sizeof(in->hash)), uuid);
	p = payload(in, "Configuration", name, uuid);
	pl_set_string(p, "PayloadDisplayName", title);
	pl_set_string(p, "PayloadOrganization", in->display);
	pl_dict_set(p, "PayloadContent", content);
	return p;
}

enum err_code
profile_make(const struct profile_inputs *in, const char *challenge,
    struct buf *ret, struct err *err)
{
	struct pl *p, *content = pl_new_array();
	char uuid[PROFILE_UUID], title[300];
	struct buf random = { 0 };
	uint8_t bytes[16];
	enum err_code rc;
	size_t i;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
		pl_free(content);
		return err_set(err, ERR_INTERNAL, "no random bytes");
	}
	/* a new one each time: a new identity is asked for */
	text_uuid(&random, bytes);
	snprintf(uuid, sizeof(uuid), "%s", buf_str(&random));
	buf_free(&random);
	for (i = 0; i < in->n_roots; i++)
		pl_array_add(content, root_payload(in, in->roots[i]));
	pl_array_add(content, scep_payload(in, challenge, uuid));
	pl_array_add(content, mdm_payload(in, uuid));
	snprintf(title, sizeof(title), "%s: device management", in->display);
	p = profile(in, "enroll", title, content);
	pl_set_string(p, "PayloadDescription",
	    "Lets the organization manage this device.");
	rc = profile_sign(p, in->signer, ret, err);
	pl_free(p);
	return rc;
}

enum err_code
profile_make_trust(
    const struct profile_inputs *in, struct buf *ret, struct err *err)
{
	struct pl *p, *content = pl_new_array();
	enum err_code rc;
	size_t i;

	for (i = 0; i < in->n_roots; i++)
		pl_array_add(content, root_payload(in, in->roots[i]));
	p = profile(in, "trust", "Trust in the management server", content);
	rc = profile_sign(p, in->signer, ret, err);
	pl_free(p);
	return rc;
}
