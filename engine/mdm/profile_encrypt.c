#include "engine/mdm/profile_encrypt.h"

#include "engine/pki/cms.h"

enum err_code
profile_encrypt(struct pl *profile, const struct cert *device, struct err *err)
{
	const struct pl *content = pl_get_array(profile, "PayloadContent");
	struct buf xml = { 0 }, der = { 0 };
	enum err_code rc;

	if (content == NULL)
		return err_set(err, ERR_INVALID,
		    "PayloadContent: a profile without payloads, or one that "
		    "is encrypted already, cannot be encrypted");
	if (cert_keyspec(device)->kind != KEYSPEC_RSA)
		return err_set(err, ERR_KEY_REJECTED,
		    "a profile cannot be encrypted for %s: its key is %s, and "
		    "devices open profiles with RSA keys alone. Give the "
		    "device an RSA identity, or send the profile unencrypted",
		    cert_label(device), cert_keyspec(device)->name);
	pl_write_xml(content, &xml);
	rc = buf_error(&xml, err);
	/* CBC: a GCM message would be an AuthEnvelopedData, which devices are
	 * not known to open */
	if (rc == ERR_OK)
		rc = cms_encrypt(
		    device, buf_view(&xml), CMS_CIPHER_AES256, &der, err);
	if (rc == ERR_OK) {
		pl_dict_remove(profile, "PayloadContent");
		pl_set_bool(profile, "IsEncrypted", true);
		pl_set_data(profile, "EncryptedPayloadContent", buf_view(&der));
	}
	buf_wipe(&xml);
	buf_free(&der);
	return rc;
}
