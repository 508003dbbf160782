#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/certs.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/queue.h"
#include "engine/model/slots.h"
#include "engine/model/users.h"

/*
 * The generated pages of a device: text that is made in one view, so that its
 * parts agree.
 */
struct page {
	struct engine *engine;
	uint32_t org; /* of org_ca_page() alone */
	uint32_t device;
	uint32_t user;
	struct txn *t;
	struct channel channel;
	uint64_t order;
	struct buf b;
};

static enum err_code
render(struct engine *e, struct page *p, txn_fn *fn, struct buf *b,
    struct err *err)
{
	enum err_code rc;

	p->engine = e;
	if ((rc = store_view(e->store, fn, p, err)) == ERR_OK)
		rc = buf_error(&p->b, err);
	if (rc == ERR_OK && b->p == NULL) {
		*b = p->b;
		p->b = (struct buf){ 0 };
	} else if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&p->b));
		rc = buf_error(b, err);
	}
	buf_free(&p->b);
	return rc;
}

static void
line_time(struct buf *b, const char *key, int64_t seconds)
{
	if (seconds == 0)
		return;
	buf_printf(b, "%s: ", key);
	text_time(b, seconds);
	buf_char(b, '\n');
}

static const char *
state_name(enum device_state state)
{
	switch (state) {
	case DEVICE_AUTHENTICATING:
		return "authenticating";
	case DEVICE_ENROLLED:
		return "enrolled";
	case DEVICE_CHECKED_OUT:
		return "checked-out";
	}
	return "unknown";
}

static void
line_fact(struct page *p, const char *key, const char *fact)
{
	size_t before = p->b.len;

	buf_text(&p->b, key);
	buf_text(&p->b, ": ");
	if (fact_get(p->t, p->device, fact, &p->b, NULL) == ERR_OK)
		buf_char(&p->b, '\n');
	else
		buf_resize(&p->b, before);
}

static void
lines_certificate(struct page *p, const struct device *d)
{
	struct issued issued;

	if (issued_read(p->t, d->fingerprint, &issued, NULL) != ERR_OK)
		return;
	buf_text(&p->b, "certificate: ");
	text_hex(&p->b, bytes_of(d->fingerprint, sizeof(d->fingerprint)));
	buf_char(&p->b, '\n');
	if (issued.admission.way != ADMISSION_NONE) {
		buf_text(&p->b, "admitted-by: ");
		admission_describe(&issued.admission, &p->b);
		buf_char(&p->b, '\n');
	}
	if (issued.admission.user[0] != '\0') {
		buf_text(&p->b, "user: ");
		text_escape(&p->b, bytes_text(issued.admission.user));
		buf_char(&p->b, '\n');
	}
	line_time(&p->b, "certificate-ends", issued.expires);
	line_time(&p->b, "certificate-renewal", d->renew_at);
}

static enum err_code
status_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct device d;
	struct org o;
	enum err_code rc;

	buf_reset(&p->b);
	buf_reserve(&p->b, 700); /* at once */
	p->t = t;
	if ((rc = device_read(t, p->device, &d, err)) != ERR_OK ||
	    (rc = channel_read(t, (struct channel_id){ p->device, p->user },
		 &p->channel, err)) != ERR_OK ||
	    (rc = org_read(t, d.org, &o, err)) != ERR_OK)
		return rc;
	buf_printf(&p->b, "state: %s\norganization: %s\nid: %s\n",
	    state_name(d.state), o.name, d.udid);
	buf_printf(&p->b, "kind: %s\n",
	    d.user_enrollment ? "user enrollment" : "device enrollment");
	line_fact(p, "serial-number", "SerialNumber");
	line_fact(p, "name", "DeviceName");
	line_fact(p, "product", "ProductName");
	line_fact(p, "os-version", "OSVersion");
	line_time(&p->b, "enrolled", d.enrolled_at);
	line_time(&p->b, "seen", d.seen_at);
	lines_certificate(p, &d);
	buf_printf(&p->b, "commands-waiting: %u\npush-token: %s\n",
	    p->channel.waiting, p->channel.has_token ? "yes" : "none");
	line_time(&p->b, "push-token-since", p->channel.token_at);
	return ERR_OK;
}

enum err_code
device_status_page(struct engine *e, uint32_t device, uint32_t user,
    struct buf *b, struct err *err)
{
	struct page p = { .device = device, .user = user };

	return render(e, &p, status_txn, b, err);
}

/* ---- queue -------------------------------------------------------------- */

static enum err_code
queue_line(void *arg, const struct queued *q, bool *stop, struct err *err)
{
	struct page *p = arg;
	struct node n;

	(void)stop;
	(void)err;
	if (node_get(p->t, q->ino, &n, NULL) != ERR_OK)
		n.name[0] = '\0';
	buf_printf(&p->b, "%llu\t", (unsigned long long)++p->order);
	text_escape(&p->b, bytes_text(n.name));
	buf_char(&p->b, '\t');
	text_escape(&p->b, bytes_text(q->type));
	buf_printf(&p->b, "\t%s\t", queue_word(q, &p->channel));
	text_escape(&p->b, bytes_text(q->uuid));
	buf_char(&p->b, '\t');
	text_time(&p->b, q->since);
	buf_char(&p->b, '\n');
	return ERR_OK;
}

static enum err_code
queue_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct channel_id id = { p->device, p->user };
	enum err_code rc;

	buf_reset(&p->b);
	p->t = t;
	p->order = 0;
	if ((rc = channel_read(t, id, &p->channel, err)) != ERR_OK)
		return rc;
	return queue_each(t, id, queue_line, p, err);
}

enum err_code
device_queue_page(struct engine *e, uint32_t device, uint32_t user,
    struct buf *b, struct err *err)
{
	struct page p = { .device = device, .user = user };

	return render(e, &p, queue_txn, b, err);
}

/* ---- push --------------------------------------------------------------- */

static enum err_code
push_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	const struct channel *c = &p->channel;
	enum err_code rc;

	buf_reset(&p->b);
	rc = channel_read(
	    t, (struct channel_id){ p->device, p->user }, &p->channel, err);
	if (rc != ERR_OK)
		return rc;
	buf_printf(&p->b, "token: %s\n",
	    c->has_token ? "yes"
			 : "none: the device sends one when it enrolls");
	line_time(&p->b, "token-since", c->token_at);
	line_time(&p->b, "pushed", c->pushed_at);
	line_time(&p->b, "outcome-at", c->outcome_at);
	if (c->outcome[0] != '\0')
		buf_printf(&p->b, "outcome: %s\n", c->outcome);
	line_time(&p->b, "next-push", c->push_due);
	if (c->push_tries > 0)
		buf_printf(&p->b, "tries: %u\n", c->push_tries);
	return ERR_OK;
}

enum err_code
device_push_page(struct engine *e, uint32_t device, uint32_t user,
    struct buf *b, struct err *err)
{
	struct page p = { .device = device, .user = user };

	return render(e, &p, push_txn, b, err);
}

/* ---- certificates ------------------------------------------------------- */

static enum err_code
certificate_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct buf der = { 0 };
	struct cert *c = NULL;
	struct device d;
	enum err_code rc = device_read(t, p->device, &d, err);

	buf_reset(&p->b);
	if (rc == ERR_OK)
		rc = issued_der(t, d.fingerprint, &der, err);
	if (rc == ERR_OK)
		rc = cert_parse(buf_view(&der), &c, err);
	if (rc == ERR_OK)
		cert_pem(c, &p->b);
	cert_free(c);
	buf_free(&der);
	return rc;
}

enum err_code
device_certificate_page(
    struct engine *e, uint32_t device, struct buf *b, struct err *err)
{
	struct page p = { .device = device };

	return render(e, &p, certificate_txn, b, err);
}

static enum err_code
ca_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct identity *ca = NULL;
	enum err_code rc =
	    slot_identity(t, slot_of(p->org, SLOT_OF_CA), &ca, err);

	buf_reset(&p->b);
	if (rc == ERR_OK)
		cert_pem(identity_leaf(ca), &p->b);
	identity_free(ca);
	return rc;
}

enum err_code
org_ca_page(struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct page p = { .org = org };

	return render(e, &p, ca_txn, b, err);
}
