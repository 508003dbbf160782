/*
 * The documents of an enrollment over the air (Apple, "Over-the-Air Profile
 * Delivery and Configuration"); the last one is the enrollment profile.
 */
#include <stdio.h>

#include "engine/mdm/profile_priv.h"

/* "a profile service payload is no Configuration": the payload stands alone,
 * and its content is a dictionary. */
enum err_code
profile_make_service(const struct profile_inputs *in, const char *challenge,
    struct buf *ret, struct err *err)
{
	static const char *const attributes[] = { "UDID", "SERIAL", "PRODUCT",
		"VERSION", "IMEI", "MEID" };
	char uuid[PROFILE_UUID], title[300];
	struct pl *p, *content, *list;
	struct buf url = { 0 };
	enum err_code rc = profile_fresh_uuid(uuid, err);
	size_t i;

	if (rc != ERR_OK)
		return rc;
	content = pl_new_dict();
	list = pl_new_array();
	profile_address(in, "/ota/", &url);
	for (i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		pl_array_add(list, pl_new_string(attributes[i]));
	pl_set_string(content, "URL", buf_str(&url));
	pl_dict_set(content, "DeviceAttributes", list);
	pl_set_string(content, "Challenge", challenge);
	buf_free(&url);
	snprintf(title, sizeof(title), "%s: device management", in->display);
	p = profile_payload(in, "Profile Service", "service", uuid);
	pl_set_string(p, "PayloadDisplayName", title);
	pl_set_string(p, "PayloadOrganization", in->display);
	pl_set_string(p, "PayloadDescription",
	    "Tells the organization which device this is, and gets the profile "
	    "that lets it manage the device.");
	pl_dict_set(p, "PayloadContent", content);
	rc = profile_sign(p, in->signer, ret, err);
	pl_free(p);
	return rc;
}

enum err_code
profile_make_identity(const struct profile_inputs *in, const char *challenge,
    struct buf *ret, struct err *err)
{
	char uuid[PROFILE_UUID], title[300];
	struct pl *p, *scep = NULL, *content;
	enum err_code rc = profile_fresh_uuid(uuid, err);

	if (rc == ERR_OK)
		rc = profile_scep(in, challenge, uuid, &scep, err);
	if (rc != ERR_OK)
		return rc;
	content = pl_new_array();
	pl_array_add(content, scep);
	snprintf(title, sizeof(title), "%s: device identity", in->display);
	p = profile_frame(in, "identity", title, content);
	rc = profile_sign(p, in->signer, ret, err);
	pl_free(p);
	return rc;
}
