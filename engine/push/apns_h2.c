#include "engine/push/apns_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- what comes in ------------------------------------------------------ */

/* NULL: the push was given up meanwhile. */
static struct request *
request_of(nghttp2_session *h2, int32_t stream_id)
{
	return nghttp2_session_get_stream_user_data(h2, stream_id);
}

static int
on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
    size_t namelen, const uint8_t *value, size_t valuelen, uint8_t flags,
    void *arg)
{
	struct request *r = request_of(h2, frame->hd.stream_id);
	struct bytes n = bytes_of(name, namelen);
	size_t i;

	(void)flags;
	(void)arg;
	if (r == NULL || r->answer == NULL)
		return 0;
	/* nghttp2 has seen to it that it is three digits (RFC 9113 8.3.2); a
	 * 1xx is followed by the true one */
	if (bytes_equal(n, bytes_text(":status")) && valuelen == 3)
		r->answer->status = (value[0] - '0') * 100 +
		                    (value[1] - '0') * 10 + (value[2] - '0');
	if (!bytes_equal(n, bytes_text("apns-id")))
		return 0;
	for (i = 0; i < valuelen && i < sizeof(r->answer->apns_id) - 1; i++)
		r->answer->apns_id[i] =
		    value[i] > 0x20 && value[i] < 0x7f ? (char)value[i] : '?';
	r->answer->apns_id[i] = '\0';
	return 0;
}

static int
on_data(nghttp2_session *h2, uint8_t flags, int32_t stream_id,
    const uint8_t *data, size_t len, void *arg)
{
	struct request *r = request_of(h2, stream_id);
	struct apns_answer *a;

	(void)flags;
	(void)arg;
	if (r == NULL || r->answer == NULL)
		return 0;
	a = r->answer;
	if (len > sizeof(a->body) - a->len)
		len = sizeof(a->body) - a->len;
	memcpy(a->body + a->len, data, len);
	a->len += len;
	return 0;
}

static void
heard_goodbye(struct conn *c, const nghttp2_goaway *frame)
{
	struct apns_result result;
	enum apns_then then;

	then = apns_goaway_judge(
	    bytes_of(frame->opaque_data, frame->opaque_data_len), &result);
	c->draining = true;
	if (c->why[0] == '\0')
		snprintf(c->why, sizeof(c->why), "the service said goodbye%s%s",
		    result.reason[0] != '\0' ? ": " : "", result.reason);
	if (then == THEN_RETREAT)
		apns_pool_refuse(c->pool, &result);
}

static int
on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct conn *c = arg;
	struct request *r;

	if (frame->hd.type == NGHTTP2_SETTINGS &&
	    (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		c->heard_settings = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		heard_goodbye(c, &frame->goaway);
	if ((frame->hd.type != NGHTTP2_HEADERS &&
		frame->hd.type != NGHTTP2_DATA) ||
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	r = request_of(h2, frame->hd.stream_id);
	if (r != NULL && r->answer != NULL)
		r->answer->complete = true;
	return 0;
}

static int
on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *arg)
{
	struct request *r;

	(void)arg;
	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	r = request_of(h2, frame->hd.stream_id);
	if (r != NULL)
		r->sent = true;
	return 0;
}

/* Off its stream, back among those that are nobody's. */
static void
detach(struct conn *c, struct request *r)
{
	TAILQ_REMOVE(&c->streams, r, link);
	c->n_streams--;
}

static int
on_close(nghttp2_session *h2, int32_t stream_id, uint32_t error_code, void *arg)
{
	struct conn *c = arg;
	struct request *r = request_of(h2, stream_id);
	struct apns_result result;

	if (r == NULL)
		return 0;
	detach(c, r);
	if (r->answer->complete && r->answer->status != 0) {
		apns_pool_answered(c->pool, c, r);
	} else if (error_code == NGHTTP2_REFUSED_STREAM || !r->sent) {
		/* RFC 9113 8.7: it was not processed.  Fewer at a time then,
		 * unless it was a GOAWAY that ended it. */
		if (!c->draining)
			c->ceiling = c->n_streams > 1 ? c->n_streams : 1;
		apns_pool_resend(c->pool, r, "the service refused the stream");
	} else {
		apns_result_set(&result, APNS_TRY_LATER,
		    "no answer: the service ended the stream (%s); sent again "
		    "later",
		    nghttp2_http2_strerror(error_code));
		apns_finish(c->pool->apns, r, &result);
	}
	return 0;
}

/* ---- what goes out ------------------------------------------------------ */

static ssize_t
read_body(nghttp2_session *h2, int32_t stream_id, uint8_t *buf, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct request *r = request_of(h2, stream_id);
	size_t left;

	(void)source;
	(void)arg;
	if (r == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	left = r->body_len - r->body_off;
	if (len > left)
		len = left;
	memcpy(buf, r->body + r->body_off, len);
	r->body_off += len;
	if (r->body_off == r->body_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* nghttp2 does not write to what it is given, but has no const */
static nghttp2_nv
field(const char *name, const char *value, uint8_t flags)
{
	union {
		const char *in;
		uint8_t *out;
	} n = { .in = name }, v = { .in = value };

	return (nghttp2_nv){ .name = n.out,
		.value = v.out,
		.namelen = strlen(name),
		.valuelen = strlen(value),
		.flags = (uint8_t)(NGHTTP2_NV_FLAG_NO_COPY_NAME | flags) };
}

bool
apns_h2_start(struct conn *c, struct request *r)
{
	struct apns *a = c->pool->apns;
	nghttp2_data_provider body = { .read_callback = read_body };
	/* APNs' HPACK table is small: a path comes only once, so it must not
	 * push out what repeats */
	nghttp2_nv fields[] = {
		field(":method", "POST", 0),
		field(":scheme", "https", 0),
		field(":authority", a->authority, 0),
		field(":path", r->path, NGHTTP2_NV_FLAG_NO_INDEX),
		field("apns-push-type", "mdm", 0),
		field("apns-topic", r->topic, 0),
		field("apns-priority", "10", 0),
		field("apns-expiration", r->expiration, 0),
		field("content-type", "application/json", 0),
	};
	int32_t id;

	r->answer = calloc(1, sizeof(*r->answer));
	if (r->answer == NULL) {
		apns_conn_die(c, END_LOST, "out of memory");
		return false;
	}
	r->sent = false;
	r->body_off = 0;
	id = nghttp2_submit_request(
	    c->h2, NULL, fields, sizeof(fields) / sizeof(fields[0]), &body, r);
	if (id < 0) {
		free(r->answer);
		r->answer = NULL;
		apns_conn_die(c, END_LOST, "%s", nghttp2_strerror((int)id));
		return false;
	}
	r->stream_id = id;
	r->since_ms = apns_clock_ms();
	TAILQ_INSERT_TAIL(&c->streams, r, link);
	c->n_streams++;
	return true;
}

void
apns_h2_cancel(struct conn *c, struct request *r)
{
	detach(c, r);
	nghttp2_session_set_stream_user_data(c->h2, r->stream_id, NULL);
	nghttp2_submit_rst_stream(
	    c->h2, NGHTTP2_FLAG_NONE, r->stream_id, NGHTTP2_CANCEL);
}

size_t
apns_h2_room(struct conn *c)
{
	size_t most;

	if (c->state != CONN_OPEN || c->draining)
		return 0;
	if (nghttp2_session_check_request_allowed(c->h2) == 0) {
		c->draining = true; /* its stream numbers are used up */
		return 0;
	}
	most = 1;
	if (c->heard_settings)
		most = nghttp2_session_get_remote_settings(
		    c->h2, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
	if (most > c->ceiling)
		most = c->ceiling;
	return most > c->n_streams ? most - c->n_streams : 0;
}

void
apns_h2_ping(struct conn *c)
{
	nghttp2_submit_ping(c->h2, NGHTTP2_FLAG_NONE, NULL);
}

void
apns_h2_goodbye(struct conn *c)
{
	nghttp2_submit_goaway(
	    c->h2, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
}

void
apns_h2_open(struct conn *c)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
	};
	struct apns *a = c->pool->apns;

	if (nghttp2_session_client_new2(&c->h2, a->callbacks, c, a->option) !=
		0 ||
	    nghttp2_submit_settings(c->h2, NGHTTP2_FLAG_NONE, settings, 1) != 0)
		apns_conn_die(c, END_LOST, "out of memory");
}

void
apns_h2_receive(struct conn *c, const uint8_t *p, size_t len)
{
	ssize_t n = nghttp2_session_mem_recv(c->h2, p, len);

	if (n < 0)
		apns_conn_die(c, END_LOST, "the service's HTTP/2 is broken: %s",
		    nghttp2_strerror((int)n));
}

enum err_code
apns_h2_init(struct apns *a, struct err *err)
{
	nghttp2_session_callbacks *cb;

	if (nghttp2_session_callbacks_new(&a->callbacks) != 0 ||
	    nghttp2_option_new(&a->option) != 0)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	nghttp2_option_set_peer_max_concurrent_streams(a->option, 1);
	cb = a->callbacks;
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	return ERR_OK;
}

void
apns_h2_fini(struct apns *a)
{
	nghttp2_session_callbacks_del(a->callbacks);
	nghttp2_option_del(a->option);
}
