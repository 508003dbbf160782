#include "engine/push/apns_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

#define MAX_TOKEN 256
#define MAX_BODY  4096 /* Apple: PayloadTooLarge */

static void
json_text(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		uint8_t c = (uint8_t)*s;

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_char(b, (char)c);
	}
}

/* JSON is UTF-8; controls are escaped, so only the rest is to be judged. */
static bool
is_utf8(const char *s)
{
	struct buf b = { 0 };
	bool clean;

	for (; *s != '\0'; s++)
		buf_char(&b, (uint8_t)*s < 0x20 || *s == 0x7f ? ' ' : *s);
	clean = b.len == 0 || text_is_clean(buf_view(&b));
	clean = clean && buf_error(&b, NULL) == ERR_OK;
	buf_free(&b);
	return clean;
}

static enum err_code
push_check(const struct apns_push *push, const char *topic, struct err *err)
{
	struct bytes t = bytes_text(topic);

	if (push->token.len == 0 || push->token.len > MAX_TOKEN)
		return err_set(err, ERR_INVALID,
		    "push: a token has 1 to %d bytes, this one %zu", MAX_TOKEN,
		    push->token.len);
	if (t.len == 0 || t.len > 255 || !text_is_clean(t) ||
	    nghttp2_check_header_value(t.p, t.len) == 0)
		return err_set(
		    err, ERR_INVALID, "push: the topic cannot be sent");
	if (push->magic == NULL || push->magic[0] == '\0' ||
	    !is_utf8(push->magic))
		return err_set(err, ERR_INVALID,
		    "push: the PushMagic is empty or no UTF-8");
	return ERR_OK;
}

/* topic NUL path NUL body NUL */
enum err_code
apns_request_new(
    const struct apns_push *push, struct request **ret, struct err *err)
{
	const char *topic = push->topic != NULL
	                        ? push->topic
	                        : apns_identity_topic(push->identity);
	struct buf b = { 0 };
	struct request *r = NULL;
	size_t path, body;
	enum err_code rc;

	rc = push_check(push, topic, err);
	if (rc != ERR_OK)
		return rc;
	buf_put(&b, topic, strlen(topic) + 1);
	path = b.len;
	buf_text(&b, "/3/device/");
	text_hex(&b, push->token);
	buf_put(&b, "", 1);
	body = b.len;
	buf_text(&b, "{\"mdm\":\"");
	json_text(&b, push->magic);
	buf_put(&b, "\"}", 3);
	rc = buf_error(&b, err);
	if (rc == ERR_OK && b.len - body - 1 > MAX_BODY)
		rc = err_set(err, ERR_TOO_BIG,
		    "push: the PushMagic is too long for Apple's %d bytes",
		    MAX_BODY);
	if (rc == ERR_OK && (r = calloc(1, sizeof(*r) + b.len)) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "out of memory");
	if (rc != ERR_OK)
		goto out;
	memcpy(r->text, b.p, b.len);
	r->topic = r->text;
	r->path = r->text + path;
	r->body = r->text + body;
	r->body_len = b.len - body - 1;
	r->id = apns_identity_ref(push->identity);
	r->arg = push->arg;
	snprintf(r->expiration, sizeof(r->expiration), "%lld",
	    (long long)(push->expiration > 0 ? push->expiration : 0));
	*ret = r;
out:
	buf_free(&b);
	return rc;
}

void
apns_request_free(struct request *r)
{
	apns_identity_free(r->id);
	free(r->answer);
	free(r);
}
