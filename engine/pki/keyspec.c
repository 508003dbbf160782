#include "engine/pki/keyspec.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "engine/pki/openssl_priv.h"

/* clang-format off */
static const struct {
	const char *group; enum keyspec_kind kind; const char *name;
} curves[] = {
	{ "prime256v1", KEYSPEC_P256, "P-256" },
	{ "P-256",      KEYSPEC_P256, "P-256" },
	{ "secp384r1",  KEYSPEC_P384, "P-384" },
	{ "P-384",      KEYSPEC_P384, "P-384" },
	{ "secp521r1",  KEYSPEC_P521, "P-521" },
	{ "P-521",      KEYSPEC_P521, "P-521" },
};
/* clang-format on */

static void
fill_curve(struct keyspec *k, const EVP_PKEY *key)
{
	char group[32];
	size_t i;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1) {
		snprintf(k->name, sizeof(k->name), "unnamed curve");
		return;
	}
	snprintf(k->name, sizeof(k->name), "%s", group);
	for (i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(group, curves[i].group) != 0)
			continue;
		k->kind = curves[i].kind;
		snprintf(k->name, sizeof(k->name), "%s", curves[i].name);
	}
}

void
keyspec_fill(struct keyspec *k, const EVP_PKEY *key, struct bytes spki)
{
	const char *type;

	memset(k, 0, sizeof(*k));
	SHA256(spki.p, spki.len, k->id);
	if (key == NULL) {
		snprintf(k->name, sizeof(k->name), "unknown");
		return;
	}
	k->bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_is_a(key, "RSA")) {
		k->kind = KEYSPEC_RSA;
		snprintf(k->name, sizeof(k->name), "RSA %d bits", k->bits);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		fill_curve(k, key);
	} else {
		type = EVP_PKEY_get0_type_name(key);
		snprintf(k->name, sizeof(k->name), "%s",
		    type != NULL ? type : "unknown");
	}
}

enum err_code
keyspec_check(const struct keyspec *k, struct err *err)
{
	switch (k->kind) {
	case KEYSPEC_P256:
	case KEYSPEC_P384:
	case KEYSPEC_P521:
		return ERR_OK;
	case KEYSPEC_RSA:
		if (k->bits >= 2048 && k->bits <= 8192)
			return ERR_OK;
		if (k->bits > 8192)
			return err_set(err, ERR_KEY_REJECTED,
			    "an RSA key of %d bits is more than devices take; "
			    "use 2048 to 8192 bits",
			    k->bits);
		return err_set(err, ERR_KEY_REJECTED,
		    "an RSA key of %d bits is too weak; devices want 2048 bits "
		    "or more: make a new key and have it certified",
		    k->bits);
	case KEYSPEC_OTHER:
		break;
	}
	return err_set(err, ERR_KEY_REJECTED,
	    "a key of the kind %s is not taken; use RSA of 2048 bits or more, "
	    "P-256, P-384 or P-521",
	    k->name);
}
