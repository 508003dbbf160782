#include <stdlib.h>

#include "engine/pki/bundle_priv.h"
#include "engine/pki/pkirec_priv.h"

static const char magic[] = "pkb1";

enum err_code
bundle_encode(const struct bundle *b, struct buf *ret, struct err *err)
{
	uint8_t flags = (uint8_t)(b->locked | b->wrong_password << 1 |
				  b->is_export << 2 | b->is_pkcs12 << 3);
	struct buf all = { 0 }, key = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	buf_text(&all, magic);
	pkirec_put(&all, RECORD_FLAGS, bytes_of(&flags, 1));
	for (i = 0; i < b->n_certs; i++)
		pkirec_put(&all, RECORD_CERT, cert_der(b->certs[i]));
	for (i = 0; i < b->n_keys && rc == ERR_OK; i++) {
		buf_wipe(&key);
		rc = pkey_encode(b->keys[i], &key, err);
		pkirec_put(&all, RECORD_KEY, buf_view(&key));
	}
	if (rc == ERR_OK && (rc = buf_error(&all, err)) == ERR_OK) {
		buf_bytes(ret, buf_view(&all));
		rc = buf_error(ret, err);
	}
	buf_wipe(&key);
	buf_wipe(&all);
	return rc;
}

static enum err_code
decode_item(struct bundle *b, char kind, struct bytes item, struct err *err)
{
	switch (kind) {
	case RECORD_CERT:
		return bundle_add_cert_der(b, item, err);
	case RECORD_KEY:
		return bundle_add_key_der(b, item, err);
	case RECORD_FLAGS:
		if (item.len != 1)
			break;
		b->locked = (item.p[0] & 1) != 0;
		b->wrong_password = (item.p[0] & 2) != 0;
		b->is_export = (item.p[0] & 4) != 0;
		b->is_pkcs12 = (item.p[0] & 8) != 0;
		return ERR_OK;
	default:
		break;
	}
	return err_set(err, ERR_DAMAGED, "an item of an unknown kind");
}

enum err_code
bundle_decode(struct bytes bytes, struct bundle **ret, struct err *err)
{
	struct bundle *b = calloc(1, sizeof(*b));
	struct err why = { 0 };
	struct bytes item;
	enum err_code rc;
	char kind;

	if (b == NULL)
		return err_set(err, ERR_NO_MEMORY, "bundle");
	rc = pkirec_open(&bytes, magic, &why);
	while (rc == ERR_OK &&
	       (rc = pkirec_next(&bytes, &kind, &item, &why)) == ERR_OK)
		rc = decode_item(b, kind, item, &why);
	if (rc == ERR_NOT_FOUND) {
		*ret = b;
		return ERR_OK;
	}
	bundle_free(b);
	return err_set(
	    err, rc == ERR_NO_MEMORY ? rc : ERR_DAMAGED, "%s", why.msg);
}
