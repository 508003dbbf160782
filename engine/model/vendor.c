/* system/vendor/: this server signs requests for push certificates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/slots.h"
#include "engine/model/vendor_priv.h"
#include "engine/pki/bundle.h"
#include "engine/pki/pem.h"
#include "engine/pki/slot.h"

static const char ending[] = ".csr";
/* the name in status/system/vendor/ is longer, and must be a name, too */
#define STEM_MAX (NODE_NAME_MAX - (sizeof(".push-request") - 1))

enum err_code
vendor_identity(struct txn *t, uint32_t org, enum slot slot,
    struct identity **ret, struct err *err)
{
	enum err_code rc = slot_identity(t, slot_of(org, slot), ret, err);

	if (rc != ERR_NOT_FOUND)
		return rc;
	*ret = NULL;
	return ERR_OK;
}

enum err_code
vendor_check(const struct identity *vendor, int64_t now, struct err *err)
{
	enum err_code rc = push_request_check_vendor(vendor, err);

	return rc == ERR_OK ? slot_judge_cert(
				  SLOT_VENDOR, identity_leaf(vendor), now, err)
	                    : rc;
}

/* ---- a request of somebody else ----------------------------------------- */

struct request {
	struct identity *vendor; /* NULL: none in effect */
	struct csr *csr;
	struct err why; /* not signed now */
};

static void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	identity_free(r->vendor);
	csr_free(r->csr);
	free(r);
}

void
vendor_request_release(struct change *c)
{
	request_free(c->context);
}

enum err_code
vendor_request_gather(struct txn *t, struct change *c, struct err *err)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(err, ERR_NO_MEMORY, "request");
	request_free(c->context); /* gather() was run again */
	c->context = r;
	return vendor_identity(t, 0, SLOT_OF_VENDOR, &r->vendor, err);
}

static enum err_code
refuse_key(struct err *err)
{
	return err_set(err, ERR_KEY_REJECTED,
	    "there is a private key in it: a key stays with whoever asks for "
	    "the certificate. Put the request alone here (-----BEGIN "
	    "CERTIFICATE REQUEST-----); a key that was sent around is better "
	    "made anew");
}

/* Blocks that have no business beside a request. */
static enum err_code
check_blocks(struct bytes file, struct err *err)
{
	struct pem_reader reader;
	struct pem_block block;
	size_t requests = 0;

	pem_open(&reader, file);
	while (pem_next(&reader, &block, NULL) == ERR_OK) {
		if (strstr(block.label, "PRIVATE KEY") != NULL)
			return refuse_key(err);
		requests += strstr(block.label, "CERTIFICATE REQUEST") != NULL;
	}
	if (requests > 1)
		return err_set(err, ERR_INVALID,
		    "there are %zu requests in it: one file, one request",
		    requests);
	return ERR_OK;
}

/* What was put here by mistake; why: what csr_parse() said. */
static enum err_code
tell_apart(struct bytes file, const struct err *why, struct err *err)
{
	struct bundle *b = NULL;
	struct csr *csr = NULL;
	enum err_code rc = err_set(err, why->code, "%s", why->msg);

	if (push_request_read(file, &csr, NULL) == ERR_OK) {
		rc = err_set(err, ERR_INVALID,
		    "the request of %s is signed already: upload this file at "
		    "https://identity.apple.com/pushcert",
		    csr_subject(csr));
	} else if (bundle_parse(file, NULL, 0, &b, NULL) == ERR_OK) {
		if (bundle_n_keys(b) > 0 || bundle_is_locked(b))
			rc = refuse_key(err);
		else if (bundle_n_certs(b) > 0)
			rc = err_set(err, ERR_INVALID,
			    "this is a certificate (%s), no request for one: "
			    "put the request here (-----BEGIN CERTIFICATE "
			    "REQUEST-----); the vendor's own certificate "
			    "belongs into system/vendor/",
			    cert_label(bundle_cert(b, 0)));
	}
	csr_free(csr);
	bundle_free(b);
	return rc;
}

static enum err_code
parse_request(struct bytes file, struct csr **ret, struct err *err)
{
	struct err why = { 0 };
	struct csr *csr = NULL;
	enum err_code rc = check_blocks(file, err);

	if (rc != ERR_OK)
		return rc;
	if (csr_parse(file, &csr, &why) != ERR_OK)
		return tell_apart(file, &why, err);
	if ((rc = push_request_check_csr(csr, err)) == ERR_OK) {
		*ret = csr;
		csr = NULL;
	}
	csr_free(csr);
	return rc;
}

enum err_code
vendor_request_judge(struct change *c, struct err *err)
{
	struct request *r = c->context;
	struct csr *csr = NULL;
	enum err_code rc = parse_request(c->w->bytes, &csr, err);

	if (rc == ERR_OK && strlen(c->w->name) > STEM_MAX + strlen(ending))
		rc = err_set(err, ERR_NAME_TOO_LONG,
		    "NAME of NAME.csr has at most %zu bytes here", STEM_MAX);
	if (rc == ERR_OK && r != NULL) {
		if (r->vendor == NULL)
			(void)!err_set(&r->why, ERR_INVALID,
			    "there is no vendor identity in system/vendor/ "
			    "yet");
		else
			(void)!vendor_check(r->vendor, c->now, &r->why);
		r->csr = csr;
		csr = NULL;
	}
	csr_free(csr);
	return rc;
}

enum err_code
vendor_request_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct request *r = c->context;
	const char *subject = csr_subject(r->csr);
	int n = text_fit(bytes_text(subject), 200);
	struct buf key = { 0 };
	enum err_code rc;

	if (r->why.code != ERR_OK) {
		snprintf(c->note, sizeof(c->note),
		    "the request of %.*s waits: %.*s", n, subject,
		    text_fit(bytes_text(r->why.msg), 250), r->why.msg);
		return ERR_OK;
	}
	text_hex(&key, bytes_of(csr_key_id(r->csr), KEYSPEC_ID_LEN));
	rc = event_record(t, c->engine, 0, err,
	    "vendor: the request of %.*s for the key %s (sha256 %s) is signed "
	    "by %s: status/system/vendor/%.*s.push-request",
	    n, subject, csr_keyspec(r->csr)->name, buf_str(&key),
	    cert_label(identity_leaf(r->vendor)),
	    (int)(strlen(c->w->name) - strlen(ending)), c->w->name);
	buf_free(&key);
	return rc;
}

/* ---- the directory ------------------------------------------------------ */

struct walk {
	struct engine *engine;
	uint64_t after;
	vendor_request_fn *fn;
	void *arg;
	const char *name; /* of find */
	uint64_t ino;     /* of find and page */
	struct buf file;
	struct identity *vendor;
};

static bool
is_request(const struct node *n)
{
	return n->n.place == PLACE_VENDOR_REQUEST && n->removal_due == 0 &&
	       n->n.ino <= UINT32_MAX && strlen(n->name) > strlen(ending);
}

static enum err_code
walk_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct walk *w = arg;
	char stem[NODE_NAME_MAX + 1];
	size_t len = strlen(n->name) - strlen(ending);

	(void)t;
	(void)err;
	if (!is_request(n))
		return ERR_OK;
	memcpy(stem, n->name, len);
	stem[len] = '\0';
	*stop = !w->fn(w->arg, stem, (uint32_t)n->n.ino);
	return ERR_OK;
}

static enum err_code
list_txn(struct txn *t, void *arg, struct err *err)
{
	struct walk *w = arg;
	struct node dir;
	enum err_code rc = org_file(t, 0, "vendor", "sign", &dir, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "system/vendor/sign: %s", err_text(rc));
	return node_each(t, dir.n.ino, w->after, walk_one, w, err);
}

enum err_code
vendor_request_list(struct engine *e, uint32_t after, vendor_request_fn *fn,
    void *arg, struct err *err)
{
	struct walk w = { .after = after, .fn = fn, .arg = arg };

	return store_view(e->store, list_txn, &w, err);
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct walk *w = arg;
	struct node dir, n;
	enum err_code rc = org_file(t, 0, "vendor", "sign", &dir, err);

	if (rc == ERR_OK)
		rc = node_find(t, dir.n.ino, w->name, &n, err);
	if (rc == ERR_OK && !is_request(&n))
		rc = err_set(err, ERR_NOT_FOUND, "no request");
	if (rc == ERR_OK)
		w->ino = n.n.ino;
	return rc;
}

enum err_code
vendor_request_find(
    struct engine *e, const char *stem, uint32_t *number, struct err *err)
{
	char name[NODE_NAME_MAX + 1];
	struct walk w = { .name = name };
	enum err_code rc;

	if ((size_t)snprintf(name, sizeof(name), "%s%s", stem, ending) >=
	    sizeof(name))
		return err_set(err, ERR_NOT_FOUND, "no request");
	if ((rc = store_view(e->store, find_txn, &w, err)) == ERR_OK)
		*number = (uint32_t)w.ino;
	return rc;
}

/* ---- the page ----------------------------------------------------------- */

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct walk *w = arg;
	struct node n;
	enum err_code rc = node_get(t, w->ino, &n, err);

	buf_reset(&w->file);
	identity_free(w->vendor);
	w->vendor = NULL;
	if (rc == ERR_OK && !is_request(&n))
		return err_set(err, ERR_NOT_FOUND, "it was removed");
	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &w->file, err);
	if (rc == ERR_OK)
		rc = vendor_identity(t, 0, SLOT_OF_VENDOR, &w->vendor, err);
	return rc;
}

enum err_code
vendor_request_page(
    struct engine *e, uint32_t number, struct buf *b, struct err *err)
{
	struct walk w = { .ino = number };
	struct csr *csr = NULL;
	enum err_code rc = store_view(e->store, page_txn, &w, err);

	if (rc == ERR_OK && w.vendor == NULL)
		rc = err_set(err, ERR_INVALID,
		    "it is not signed yet, because there is no vendor "
		    "identity: copy the MDM vendor certificate with its key "
		    "and the certificates above it (developer.apple.com, "
		    "Certificates, MDM CSR) into system/vendor/");
	if (rc == ERR_OK)
		rc = vendor_check(w.vendor, engine_now(e), err);
	if (rc == ERR_OK)
		rc = csr_parse(buf_view(&w.file), &csr, err);
	if (rc == ERR_OK)
		rc = push_request_make(w.vendor, csr, b, err);
	csr_free(csr);
	identity_free(w.vendor);
	buf_wipe(&w.file);
	return rc;
}

static bool
count_one(void *arg, const char *stem, uint32_t number)
{
	size_t *n = arg;

	(void)stem;
	(void)number;
	++*n;
	return true;
}

enum err_code
vendor_changed(struct txn *t, const struct engine *e, struct err *err)
{
	size_t n = 0;
	struct walk w = { .fn = count_one, .arg = &n };
	struct identity *id = NULL;
	struct err why = { 0 };
	enum err_code rc = vendor_identity(t, 0, SLOT_OF_VENDOR, &id, err);

	if (rc != ERR_OK || id == NULL || (rc = list_txn(t, &w, err)) != ERR_OK)
		goto out;
	if (vendor_check(id, engine_now(e), &why) != ERR_OK)
		rc = event_record(
		    t, e, 0, err, "vendor: nothing can be signed: %s", why.msg);
	else if (n > 0)
		rc = event_record(t, e, 0, err,
		    "vendor: the requests in system/vendor/sign/ (%zu) are "
		    "signed by %s",
		    n, cert_label(identity_leaf(id)));
out:
	identity_free(id);
	return rc;
}
