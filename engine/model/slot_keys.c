#include "engine/model/slot_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "engine/base/text.h"

/* ---- types -------------------------------------------------------------- */

/* clang-format off */
static const struct {
	enum slot_key_type type;
	const char *name;
	int bits; /* of RSA; 0: P-256 */
	const char *spellings; /* lower case, without anything but letters and digits */
} types[] = {
	{ SLOT_KEY_RSA2048, "rsa2048", 2048, " rsa rsa2048 2048 2048bits rsa2048bits rsa2048bit " },
	{ SLOT_KEY_RSA3072, "rsa3072", 3072, " rsa3072 3072 rsa3072bits rsa3072bit " },
	{ SLOT_KEY_RSA4096, "rsa4096", 4096, " rsa4096 4096 rsa4096bits rsa4096bit " },
	{ SLOT_KEY_P256,    "p256",    0,    " p256 ec ecc ecdsa ecp256 eccp256 ecdsap256 ecdsa256 ec256 "
	                                     "secp256r1 prime256v1 ecprime256v1 ecsecp256r1 nistp256 " },
};
/* clang-format on */

#define TYPES (sizeof(types) / sizeof(types[0]))

const char *
slot_key_type_name(enum slot_key_type type)
{
	size_t i;

	for (i = 0; i < TYPES; i++)
		if (types[i].type == type)
			return types[i].name;
	return "unknown";
}

enum err_code
slot_key_type_parse(struct bytes text, enum slot_key_type *ret, struct err *err)
{
	struct bytes s = text_trim(text);
	char word[32] = " ";
	size_t i, n = 1;

	/* "RSA 2048", "rsa-2048", "P-256", "EC:prime256v1" */
	for (i = 0; i < s.len && n < sizeof(word) - 2; i++) {
		if (isalnum(s.p[i]))
			word[n++] = (char)tolower(s.p[i]);
		else if (strchr(" \t-_:/()", s.p[i]) == NULL || s.p[i] == '\0')
			n = sizeof(word);
	}
	if (i == s.len && n > 1 && n < sizeof(word) - 1) {
		word[n++] = ' ';
		word[n] = '\0';
		for (i = 0; i < TYPES; i++)
			if (strstr(types[i].spellings, word) != NULL) {
				*ret = types[i].type;
				return ERR_OK;
			}
	}
	return err_set(err, ERR_INVALID,
	    "key-type: \"%.*s\" is no type of key that is made here: write "
	    "rsa2048 (also without this file), rsa3072, rsa4096 or p256",
	    text_is_clean(s) ? text_fit(s, 40) : 0, (const char *)s.p);
}

enum err_code
slot_key_type_fits(
    enum slot_key_type type, enum slot_purpose purpose, struct err *err)
{
	if ((purpose != SLOT_APNS && purpose != SLOT_VENDOR) ||
	    type == SLOT_KEY_RSA2048)
		return ERR_OK;
	return err_set(err, ERR_KEY_REJECTED,
	    "key-type: %s is not for %s/: Apple signs requests for %s "
	    "certificates with RSA keys of 2048 bits alone. Write rsa2048, or "
	    "remove key-type",
	    slot_key_type_name(type), slot_purpose_name(purpose),
	    purpose == SLOT_APNS ? "push" : "MDM vendor");
}

enum err_code
slot_key_generate(enum slot_key_type type, struct pkey **ret, struct err *err)
{
	size_t i;

	for (i = 0; i < TYPES; i++)
		if (types[i].type == type && types[i].bits != 0)
			return pkey_generate_rsa(types[i].bits, ret, err);
	return pkey_generate_p256(ret, err);
}

/* ---- in the store ------------------------------------------------------- */

enum err_code
slot_lasting_id(
    struct txn *t, struct slot_id id, struct slot_id *ret, struct err *err)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct node dir;
	enum err_code rc;

	if (id.dir != 0) {
		if ((rc = node_get(t, id.dir, &dir, err)) != ERR_OK)
			return rc;
		SHA256((const uint8_t *)dir.name, strlen(dir.name), hash);
		memcpy(&id.dir, hash, sizeof(id.dir));
	}
	*ret = id;
	return ERR_OK;
}

/* All keys of the slot, or the one of that number. */
static enum err_code
own_key(struct txn *t, struct slot_id id, const uint8_t *key_id,
    struct key *ret, struct err *err)
{
	struct slot_id lasting;
	enum err_code rc = slot_lasting_id(t, id, &lasting, err);

	if (rc != ERR_OK)
		return rc;
	*ret = key_of(KIND_OWN_KEY);
	key_u32(ret, lasting.org);
	key_u8(ret, (uint8_t)lasting.slot);
	key_u64(ret, lasting.dir);
	if (key_id != NULL)
		key_bytes(ret, bytes_of(key_id, 16));
	return ERR_OK;
}

/* The facts; *pkcs8 is borrowed from value. */
static enum err_code
decode(struct bytes value, struct slot_own_key *ret, struct bytes *pkcs8,
    struct err *err)
{
	struct slot_own_key k = { .answered = false };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	read_raw(&r, k.id, sizeof(k.id));
	k.type = (enum slot_key_type)read_u8(&r);
	k.made = read_i64(&r);
	k.answered = read_u8(&r) != 0;
	*pkcs8 = read_bytes(&r);
	if ((rc = record_end(&r, "key of a request", err)) == ERR_OK)
		*ret = k;
	return rc;
}

static enum err_code
put(struct txn *t, struct slot_id id, const struct slot_own_key *k,
    struct bytes pkcs8, struct err *err)
{
	struct buf b = { 0 };
	struct key key;
	enum err_code rc = own_key(t, id, k->id, &key, err);

	if (rc != ERR_OK)
		return rc;
	buf_reserve(&b, 64 + pkcs8.len); /* no copies are left behind */
	record_u8(&b, 1);
	record_raw(&b, k->id, sizeof(k->id));
	record_u8(&b, (uint8_t)k->type);
	record_i64(&b, k->made);
	record_u8(&b, k->answered);
	record_bytes(&b, pkcs8);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&key), buf_view(&b), err);
	buf_wipe(&b);
	return rc;
}

struct listing {
	struct txn *t;
	struct slot_own_keys *ret;
};

static enum err_code
list_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct listing *l = arg;
	struct slot_own_keys *keys = l->ret;
	struct buf b = { 0 };
	struct bytes pkcs8;
	enum err_code rc;

	(void)value;
	if (keys->n == SLOT_KEYS_MAX) {
		*stop = true;
		return ERR_OK;
	}
	rc = txn_get_sealed(l->t, key, &b, err);
	if (rc == ERR_OK)
		rc = decode(buf_view(&b), &keys->v[keys->n], &pkcs8, err);
	buf_wipe(&b);
	if (rc == ERR_OK)
		keys->n++;
	return rc;
}

static int
by_age(const void *a, const void *b)
{
	const struct slot_own_key *k = a, *l = b;

	if (k->made != l->made)
		return k->made < l->made ? -1 : 1;
	return memcmp(k->id, l->id, sizeof(k->id));
}

enum err_code
slot_keys_list(struct txn *t, struct slot_id id, struct slot_own_keys *ret,
    struct err *err)
{
	struct listing l = { t, ret };
	struct key prefix;
	enum err_code rc = own_key(t, id, NULL, &prefix, NULL);

	ret->n = 0;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "keys: %s", err_text(rc));
	rc = txn_each(t, key_view(&prefix), BYTES_NONE, list_one, &l, err);
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_age);
	return rc;
}

const struct slot_own_key *
slot_keys_unanswered(const struct slot_own_keys *keys, enum slot_key_type type)
{
	size_t i;

	for (i = keys->n; i-- > 0;)
		if (!keys->v[i].answered && keys->v[i].type == type)
			return &keys->v[i];
	return NULL;
}

enum err_code
slot_key_read(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct pkey **ret,
    struct err *err)
{
	struct slot_own_key facts;
	struct bytes pkcs8;
	struct buf b = { 0 };
	struct key key;
	enum err_code rc = own_key(t, id, key_id, &key, err);

	if (rc == ERR_OK)
		rc = txn_get_sealed(t, key_view(&key), &b, err);
	if (rc == ERR_OK)
		rc = decode(buf_view(&b), &facts, &pkcs8, err);
	if (rc == ERR_OK)
		rc = pkey_parse(pkcs8, ret, err);
	buf_wipe(&b);
	return rc;
}

enum err_code
slot_key_put(struct txn *t, struct slot_id id, const struct pkey *key,
    const struct slot_own_key *facts, struct err *err)
{
	struct slot_own_key k = *facts;
	struct buf pkcs8 = { 0 };
	enum err_code rc;

	buf_reserve(&pkcs8, 4096);
	memcpy(k.id, pkey_id(key), sizeof(k.id));
	if ((rc = pkey_encode(key, &pkcs8, err)) == ERR_OK)
		rc = put(t, id, &k, buf_view(&pkcs8), err);
	buf_wipe(&pkcs8);
	return rc;
}

enum err_code
slot_key_answered(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct err *err)
{
	struct slot_own_key facts;
	struct bytes pkcs8;
	struct buf b = { 0 };
	struct key key;
	enum err_code rc = own_key(t, id, key_id, &key, err);

	if (rc == ERR_OK)
		rc = txn_get_sealed(t, key_view(&key), &b, err);
	if (rc == ERR_OK)
		rc = decode(buf_view(&b), &facts, &pkcs8, err);
	if (rc == ERR_OK) {
		facts.answered = true;
		rc = put(t, id, &facts, pkcs8, err);
	}
	buf_wipe(&b);
	return rc;
}

enum err_code
slot_key_drop(struct txn *t, struct slot_id id,
    const uint8_t key_id[static KEYSPEC_ID_LEN], struct err *err)
{
	struct key key;
	enum err_code rc = own_key(t, id, key_id, &key, err);

	return rc == ERR_OK ? txn_drop(t, &key, err) : rc;
}
