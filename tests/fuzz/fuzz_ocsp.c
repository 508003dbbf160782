/* What anybody may ask of /ocsp/ORG. */
#include "engine/pki/ca.h"
#include "engine/pki/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static enum err_code
tell(void *arg, struct bytes serial, struct ocsp_status *ret, struct err *err)
{
	(void)arg;
	(void)err;
	ret->known = serial.len > 4;
	ret->revoked = serial.len > 0 && serial.p[0] != 0;
	ret->revoked_at = serial.len > 0 ? serial.p[0] : 0;
	return ERR_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct identity *ca;
	struct buf reply = { 0 };
	bool nonce;

	if (ca == NULL &&
	    tls_ca_create("Fuzz", INT64_C(1800000000), &ca, NULL) != ERR_OK)
		return 0;
	(void)!ocsp_answer(ca, bytes_of(p, len), INT64_C(1800000000),
	    INT64_C(1800003600), tell, NULL, &nonce, &reply, NULL);
	buf_free(&reply);
	return 0;
}
