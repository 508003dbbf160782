#include "engine/model/token_message.h"

#include <string.h>

enum err_code
token_of_message(
    const struct pl *message, struct push_token *ret, struct err *err)
{
	struct bytes token = pl_get_data(message, "Token");
	const char *magic = pl_get_string(message, "PushMagic");
	const char *topic = pl_get_string(message, "Topic");

	if (token.len == 0 || token.len > sizeof(ret->token))
		return err_set(err, ERR_INVALID,
		    "MDM check-in: TokenUpdate without Token");
	if (magic == NULL || strlen(magic) >= sizeof(ret->magic))
		return err_set(err, ERR_INVALID,
		    "MDM check-in: TokenUpdate without PushMagic");
	if (topic == NULL || strlen(topic) >= sizeof(ret->topic))
		return err_set(err, ERR_INVALID,
		    "MDM check-in: TokenUpdate without Topic");
	memcpy(ret->token, token.p, token.len);
	ret->len = token.len;
	memcpy(ret->magic, magic, strlen(magic) + 1);
	memcpy(ret->topic, topic, strlen(topic) + 1);
	return ERR_OK;
}
