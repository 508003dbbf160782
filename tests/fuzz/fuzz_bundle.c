/* Files that administrators drop into an identity slot. */
#include "engine/pki/bundle.h"
#include "engine/pki/csr.h"
#include "engine/pki/review.h"
#include "engine/pki/slot.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const char *const passwords[] = { "geheim" };
	struct bundle_check check = { 0 };
	struct bytes file = bytes_of(p, len);
	struct bundle *b = NULL;
	struct identity_review review;
	struct identity *id = NULL;
	struct csr *r = NULL;
	bool early =
	    bundle_check_prefix(&check, bytes_of(p, len / 2), NULL) != ERR_OK ||
	    bundle_check_prefix(&check, file, NULL) != ERR_OK;

	if (bundle_parse(file, passwords, 1, &b, NULL) == ERR_OK) {
		const struct bundle *const files[] = { b };

		if (early)
			__builtin_trap(); /* it was called hopeless */
		(void)!slot_judge_file(SLOT_APNS, b, 1800000000, NULL);
		(void)!slot_pick(SLOT_TLS, files, 1, 1800000000, &id, NULL);
		if (id != NULL)
			identity_review(id, SLOT_TLS, NULL, &review);
	}
	(void)!csr_parse(file, &r, NULL);
	csr_free(r);
	identity_free(id);
	bundle_free(b);
	return 0;
}
