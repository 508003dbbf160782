/* orgs/ORG/apns/mdmcert-answer: what mdmcert.download sends by mail. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/text.h"
#include "engine/model/vendor_priv.h"
#include "engine/pki/cms.h"

#define ANSWER_MAX (1u << 20)

/* The DER that the file means: hex text, or the DER itself. */
static enum err_code
unwrap(struct bytes file, struct buf *der, struct err *err)
{
	enum err_code rc = ERR_OK;
	struct bytes line;
	size_t n = 0;

	if (file.len > ANSWER_MAX)
		return err_set(err, ERR_TOO_BIG, "an answer is not that big");
	if (file.len > 0 && file.p[0] == 0x30 && memchr(file.p, 0, file.len)) {
		buf_bytes(der, file);
		return buf_error(der, err);
	}
	file = text_trim(file);
	while (rc == ERR_OK && text_line(&file, &line)) {
		n++;
		rc = text_unhex(text_trim(line), der, err);
	}
	if (rc == ERR_OK && der->len == 0)
		rc = err_set(err, ERR_UNDECODABLE, "it is empty");
	if (rc != ERR_UNDECODABLE)
		return rc;
	return err_set(err, rc,
	    "line %zu: the answer of mdmcert.download is the attachment of its "
	    "mail (mdm_signed_request.DATE.plist.b64.p7), a text of "
	    "hexadecimal digits, as it came",
	    n);
}

enum err_code
mdmcert_open(const struct identity *id, struct bytes answer, struct buf *file,
    struct csr **csr, struct err *err)
{
	struct buf der = { 0 }, text = { 0 };
	struct csr *found = NULL;
	enum err_code rc = unwrap(answer, &der, err);

	if (rc != ERR_OK)
		goto out;
	rc = cms_decrypt(id, buf_view(&der), &text, err);
	if (rc == ERR_KEY_REJECTED)
		rc = err_set(err, rc,
		    "it was encrypted for somebody else than %s: it answers "
		    "another organization or server",
		    cert_label(identity_leaf(id)));
	if (rc == ERR_OK)
		rc = push_request_read(buf_view(&text), &found, err);
	if (rc == ERR_OK) {
		buf_bytes(file, buf_view(&text));
		rc = buf_error(file, err);
	}
	if (rc == ERR_OK) {
		*csr = found;
		found = NULL;
	} else {
		(void)!err_context(err, "mdmcert.download's answer");
	}
out:
	csr_free(found);
	buf_free(&der);
	buf_free(&text);
	return rc;
}

struct answer {
	struct pending pending;
	struct identity *id;
};

static void
answer_free(struct answer *a)
{
	if (a == NULL)
		return;
	pending_fini(&a->pending);
	identity_free(a->id);
	free(a);
}

void
mdmcert_answer_release(struct change *c)
{
	answer_free(c->context);
}

enum err_code
mdmcert_answer_gather(struct txn *t, struct change *c, struct err *err)
{
	struct answer *a = calloc(1, sizeof(*a));
	enum err_code rc;

	if (a == NULL)
		return err_set(err, ERR_NO_MEMORY, "answer");
	answer_free(c->context); /* gather() was run again */
	c->context = a;
	rc = pending_read(t, c->parent.n.org, &a->pending, err);
	if (rc == ERR_OK)
		rc = vendor_identity(
		    t, c->parent.n.org, SLOT_OF_MDMCERT, &a->id, err);
	return rc;
}

static void
put_request(struct buf *b, const struct csr *csr)
{
	buf_printf(b, "%.*s with the key sha256 ",
	    text_fit(bytes_text(csr_subject(csr)), 200), csr_subject(csr));
	text_hex(b, bytes_of(csr_key_id(csr), 8));
	buf_text(b, "...");
}

/* It must answer the request that is pending now. */
static enum err_code
check_same(const struct answer *a, const struct csr *csr, struct err *err)
{
	const char *org = a->pending.org.name;
	struct buf text = { 0 };
	enum err_code rc = ERR_KEY_REJECTED;

	if (a->pending.csr != NULL &&
	    bytes_equal(csr_der(csr), csr_der(a->pending.csr)))
		return ERR_OK;
	buf_text(&text, "this answers the request of ");
	put_request(&text, csr);
	if (a->pending.csr != NULL) {
		buf_text(&text, "; pending is the request of ");
		put_request(&text, a->pending.csr);
		buf_printf(&text,
		    ". Send status/orgs/%s/apns.mdmcert-request once more, and "
		    "put the answer to that here",
		    org);
	} else {
		buf_printf(&text,
		    "; no request of %s is pending: write "
		    "orgs/%s/apns/subject for a new one",
		    org, org);
	}
	rc = err_set(err, rc, "%s", buf_str(&text));
	buf_free(&text);
	return rc;
}

/* All that can be said where no server's keys are. */
static enum err_code
check_form(struct bytes file, struct err *err)
{
	struct buf der = { 0 };
	enum err_code rc = unwrap(file, &der, err);

	buf_free(&der);
	return rc;
}

enum err_code
mdmcert_answer_judge(struct change *c, struct err *err)
{
	const struct answer *a = c->context;
	struct csr *csr = NULL;
	struct buf file = { 0 };
	enum err_code rc;

	if (a->id == NULL && c->engine->options->state_dir == NULL)
		return check_form(c->w->bytes, err); /* mdmfs check */
	if (a->id == NULL)
		return err_set(err, ERR_KEY_REJECTED,
		    "this server cannot open it: no request to "
		    "mdmcert.download was made here. Write "
		    "orgs/%s/apns/mdmcert, and send "
		    "status/orgs/%s/apns.mdmcert-request to the service",
		    a->pending.org.name, a->pending.org.name);
	rc = mdmcert_open(a->id, c->w->bytes, &file, &csr, err);
	if (rc == ERR_OK)
		rc = check_same(a, csr, err);
	csr_free(csr);
	buf_free(&file);
	return rc;
}

enum err_code
mdmcert_answer_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct answer *a = c->context;

	(void)t;
	(void)err;
	snprintf(c->note, sizeof(c->note),
	    "the signed request is in status/orgs/%s/apns.push-request: upload "
	    "it at identity.apple.com/pushcert",
	    a->pending.org.name);
	return ERR_OK;
}
