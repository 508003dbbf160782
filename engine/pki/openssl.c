#include "engine/pki/openssl_priv.h"

#include <pthread.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/provider.h>

static pthread_once_t legacy_once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *legacy; /* written by make_legacy() alone */

static void
make_legacy(void)
{
	OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();

	if (ctx == NULL)
		return;
	if (OSSL_PROVIDER_load(ctx, "default") == NULL ||
	    OSSL_PROVIDER_load(ctx, "legacy") == NULL) {
		OSSL_LIB_CTX_free(ctx);
		ctx = NULL;
	}
	ERR_clear_error();
	legacy = ctx;
}

OSSL_LIB_CTX *
openssl_legacy(void)
{
	pthread_once(&legacy_once, make_legacy);
	return legacy;
}

OSSL_LIB_CTX *
openssl_enter_legacy(void)
{
	OSSL_LIB_CTX *ctx = openssl_legacy();

	/* the default is a thread's own: nobody else sees this */
	return ctx == NULL ? NULL : OSSL_LIB_CTX_set0_default(ctx);
}

void
openssl_leave_legacy(OSSL_LIB_CTX *old)
{
	if (old != NULL)
		OSSL_LIB_CTX_set0_default(old);
}

const char *
openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return reason != NULL ? reason : "no reason given";
}

BIO *
openssl_reader(struct bytes b)
{
	if (b.len > INT32_MAX)
		return NULL;
	return BIO_new_mem_buf(b.len > 0 ? (const void *)b.p : "", (int)b.len);
}

void
openssl_drain(BIO *bio, struct buf *ret)
{
	char *p = NULL;
	long len = BIO_get_mem_data(bio, &p);

	if (len > 0)
		buf_put(ret, p, (size_t)len);
}
