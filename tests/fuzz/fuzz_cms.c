/* The Mdm-Signature header: the walk must take no signature that CMS_verify()
 * does not, as far as the certificate is one. */
#include "engine/base/text.h"
#include "engine/pki/cms.h"
#include "engine/pki/mdm_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct bytes der = bytes_of(p, len), body = bytes_text("body");
	struct buf header = { 0 }, content = { 0 };
	struct buf signer = { 0 };
	struct cert *a = NULL, *b = NULL, *c = NULL;

	text_base64(&header, der);
	if (mdm_signature_verify(buf_view(&header), body, &signer, NULL) ==
		ERR_OK &&
	    cert_parse(buf_view(&signer), &a, NULL) == ERR_OK &&
	    cms_verify_detached(der, body, &b, NULL) != ERR_OK)
		__builtin_trap();
	(void)!cms_verify_attached(der, &content, &c, NULL);
	cert_free(a);
	cert_free(b);
	cert_free(c);
	buf_free(&header);
	buf_free(&content);
	buf_free(&signer);
	return 0;
}
