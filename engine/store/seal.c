#include "engine/store/seal.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define VERSION   1
#define NONCE_LEN 12
#define TAG_LEN   16

static bool
begin(EVP_CIPHER_CTX *c, const uint8_t *key, const uint8_t *nonce,
    struct bytes name, bool sealing)
{
	int n;

	return EVP_CipherInit_ex(
		   c, EVP_aes_256_gcm(), NULL, key, nonce, sealing) == 1 &&
	       (name.len == 0 ||
		   EVP_CipherUpdate(c, NULL, &n, name.p, (int)name.len) == 1);
}

enum err_code
seal_close(const uint8_t key[static STORE_MASTER_KEY_LEN], struct bytes name,
    struct bytes plain, struct buf *ret, struct err *err)
{
	EVP_CIPHER_CTX *c = NULL;
	size_t before = ret->len;
	enum err_code rc = ERR_OK;
	uint8_t *p;
	int n = 0;

	if (plain.len > INT_MAX - SEAL_OVERHEAD || name.len > INT_MAX)
		return err_set(err, ERR_TOO_BIG, "a secret is too big");
	buf_resize(ret, before + SEAL_OVERHEAD + plain.len);
	c = EVP_CIPHER_CTX_new();
	if (buf_error(ret, NULL) != ERR_OK || c == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "sealing a secret");
		goto out;
	}

	p = ret->p + before;
	p[0] = VERSION;
	if (RAND_bytes(p + 1, NONCE_LEN) != 1 ||
	    !begin(c, key, p + 1, name, true) ||
	    (plain.len > 0 && EVP_CipherUpdate(c, p + 1 + NONCE_LEN, &n,
				  plain.p, (int)plain.len) != 1) ||
	    EVP_CipherFinal_ex(c, p + 1 + NONCE_LEN + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_LEN,
		p + 1 + NONCE_LEN + plain.len) != 1)
		rc = err_set(err, ERR_INTERNAL,
		    "a secret could not be sealed: OpenSSL failed");
out:
	if (rc != ERR_OK && ret->len > before)
		ret->len = before;
	EVP_CIPHER_CTX_free(c);
	ERR_clear_error();
	return rc;
}

enum err_code
seal_open(const uint8_t key[static STORE_MASTER_KEY_LEN], struct bytes name,
    struct bytes sealed, struct buf *ret, struct err *err)
{
	EVP_CIPHER_CTX *c = NULL;
	size_t before = ret->len;
	enum err_code rc = ERR_OK;
	uint8_t tag[TAG_LEN];
	uint8_t *p;
	size_t len;
	int n = 0;

	if (sealed.len < SEAL_OVERHEAD || sealed.len > INT_MAX ||
	    name.len > INT_MAX || sealed.p[0] != VERSION)
		return err_set(err, ERR_DAMAGED,
		    "a sealed secret is damaged: it does not look like one");
	len = sealed.len - SEAL_OVERHEAD;
	buf_resize(ret, before + len);
	c = EVP_CIPHER_CTX_new();
	if (buf_error(ret, NULL) != ERR_OK || c == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "opening a secret");
		goto out;
	}

	memcpy(tag, sealed.p + sealed.len - TAG_LEN, TAG_LEN);
	/* ret->p may be NULL for an empty secret */
	p = len > 0 ? ret->p + before : tag;
	if (!begin(c, key, sealed.p + 1, name, false) ||
	    (len > 0 && EVP_CipherUpdate(c, p, &n, sealed.p + 1 + NONCE_LEN,
			    (int)len) != 1) ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1 ||
	    EVP_CipherFinal_ex(c, p + n, &n) != 1) {
		rc = err_set(err, ERR_DAMAGED,
		    "a sealed secret cannot be opened: it was altered, or "
		    "sealed with another master key");
		if (len > 0)
			OPENSSL_cleanse(p, len);
	}
out:
	if (rc != ERR_OK && ret->len > before)
		ret->len = before;
	EVP_CIPHER_CTX_free(c);
	ERR_clear_error();
	return rc;
}
