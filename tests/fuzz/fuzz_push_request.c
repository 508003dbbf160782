/* What mdmcert.download's answers hold: base64 of a property list with a
 * request in it. */
#include "engine/base/text.h"
#include "engine/pki/push_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct buf file = { 0 };
	struct csr *csr = NULL;

	(void)!push_request_read(bytes_of(p, len), &csr, NULL);
	csr_free(csr);
	csr = NULL;
	/* the property list itself, so that there is more to find */
	text_base64(&file, bytes_of(p, len));
	if (push_request_read(buf_view(&file), &csr, NULL) == ERR_OK)
		(void)!push_request_check_csr(csr, NULL);
	csr_free(csr);
	buf_free(&file);
	return 0;
}
