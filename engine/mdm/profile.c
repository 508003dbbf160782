#include "engine/mdm/profile_priv.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/mdm/profile_encrypt.h"
#include "engine/pki/cms.h"

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

enum err_code
profile_fresh_uuid(char ret[static PROFILE_UUID], struct err *err)
{
	struct buf b = { 0 };
	uint8_t random[16];

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "no random bytes");
	}
	text_uuid(&b, random);
	snprintf(ret, PROFILE_UUID, "%s", buf_str(&b));
	buf_free(&b);
	return ERR_OK;
}

struct pl *
profile_payload(const struct profile_inputs *in, const char *type,
    const char *name, const char *uuid)
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
	p = profile_payload(in, "com.apple.security.root", name, uuid);
	pl_set_string(p, "PayloadDisplayName",
	    cert_common_name(c) != NULL ? cert_common_name(c)
					: cert_subject(c));
	pl_set_data(p, "PayloadContent", cert_der(c));
	return p;
}

void
profile_address(
    const struct profile_inputs *in, const char *path, struct buf *b)
{
	buf_printf(b, "%s%s", in->url.text, path);
	text_url(b, in->org.name);
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
	p = profile_payload(in, "com.apple.mdm", "mdm", uuid);
	profile_address(in, "/mdm/", &url);
	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		pl_array_add(list, pl_new_string(capabilities[i]));
	pl_set_string(p, "PayloadDisplayName", "Mobile device management");
	pl_set_string(p, "IdentityCertificateUUID", identity);
	pl_set_string(p, "Topic", in->topic);
	pl_set_string(p, "ServerURL", buf_str(&url));
	pl_set_string(p, "CheckInURL", buf_str(&url));
	pl_set_bool(p, "SignMessage", true);
	if (in->mode != ADMISSION_MODE_NONE) {
		pl_set_string(p, "EnrollmentMode",
		    in->mode == ADMISSION_MODE_BYOD ? "BYOD" : "ADDE");
		pl_set_string(p, "AssignedManagedAppleID", in->apple_id);
	}
	/* the device gives up when it stands there */
	if (in->mode != ADMISSION_MODE_BYOD)
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

struct pl *
profile_frame(const struct profile_inputs *in, const char *name,
    const char *title, struct pl *content)
{
	char uuid[PROFILE_UUID];
	struct pl *p;

	fixed_uuid(in, name, bytes_of(in->hash, sizeof(in->hash)), uuid);
	p = profile_payload(in, "Configuration", name, uuid);
	pl_set_string(p, "PayloadDisplayName", title);
	pl_set_string(p, "PayloadOrganization", in->display);
	pl_dict_set(p, "PayloadContent", content);
	return p;
}

enum err_code
profile_make(const struct profile_inputs *in, const char *challenge,
    struct buf *ret, struct err *err)
{
	struct pl *p, *scep = NULL, *content;
	char uuid[PROFILE_UUID], title[300];
	enum err_code rc;
	size_t i;

	/* a new one each time: a new identity is asked for */
	if ((rc = profile_fresh_uuid(uuid, err)) != ERR_OK ||
	    (rc = profile_scep(in, challenge, uuid, &scep, err)) != ERR_OK)
		return rc;
	content = pl_new_array();
	for (i = 0; i < in->n_roots; i++)
		pl_array_add(content, root_payload(in, in->roots[i]));
	pl_array_add(content, scep);
	pl_array_add(content, mdm_payload(in, uuid));
	snprintf(title, sizeof(title), "%s: device management", in->display);
	p = profile_frame(in, "enroll", title, content);
	pl_set_string(p, "PayloadDescription",
	    "Lets the organization manage this device.");
	if (in->reader != NULL)
		rc = profile_encrypt(p, in->reader, err);
	if (rc == ERR_OK)
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
	p = profile_frame(
	    in, "trust", "Trust in the management server", content);
	rc = profile_sign(p, in->signer, ret, err);
	pl_free(p);
	return rc;
}
