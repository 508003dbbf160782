/* What a device posts before it is enrolled: nothing of it is believed yet. */
#include "engine/mdm/apple_device.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct device_message m = { .content = NULL };

	if (device_message_parse(bytes_of(p, len), &m, NULL) == ERR_OK &&
	    (m.signer == NULL || pl_type(m.content) != PL_DICT ||
		m.n_certs > DEVICE_MESSAGE_CERTS))
		__builtin_trap();
	device_message_fini(&m);
	if (device_message_parse_text(bytes_of(p, len), &m, NULL) == ERR_OK &&
	    m.signer == NULL)
		__builtin_trap();
	device_message_fini(&m);
	return 0;
}
