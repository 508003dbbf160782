/* An answer in words. */
#include <string.h>

#include "engine/model/answers.h"

/* The first two links of ErrorChain. */
void
answer_errors(const struct pl *message, struct buf *b)
{
	const struct pl *chain = pl_get_array(message, "ErrorChain"), *link;
	const char *text, *domain;
	int64_t code = 0;
	size_t i;

	for (i = 0; i < pl_array_len(chain) && i < 2; i++) {
		link = pl_array_at(chain, i);
		text = pl_get_string(link, "USEnglishDescription");
		domain = pl_get_string(link, "ErrorDomain");
		if (text == NULL)
			text = pl_get_string(link, "LocalizedDescription");
		buf_printf(b, "%s%.200s", i == 0 ? "" : "; ",
		    text == NULL ? "no reason" : text);
		if (pl_get_int(link, "ErrorCode", &code))
			buf_printf(b, " (%.60s %lld)",
			    domain == NULL ? "?" : domain, (long long)code);
	}
}

enum device_result
device_result_read(struct bytes result, struct buf *reason)
{
	enum device_result state = DEVICE_RESULT_UNKNOWN;
	struct pl *message = NULL;
	const char *status;

	if (pl_parse(result, &message, NULL) != ERR_OK)
		return state;
	status = pl_get_string(message, "Status");
	if (status != NULL && strcmp(status, "Acknowledged") == 0)
		state = DEVICE_RESULT_ACKNOWLEDGED;
	else if (status != NULL)
		state = DEVICE_RESULT_FAILED;
	if (state == DEVICE_RESULT_FAILED &&
	    strcmp(status, "CommandFormatError") == 0)
		buf_text(reason, "the device does not understand the command");
	answer_errors(message, reason);
	pl_free(message);
	return state;
}
