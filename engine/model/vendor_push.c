/* status/orgs/ORG/apns.push-request: the organization's own request. */
#include "engine/base/text.h"
#include "engine/model/slot_request.h"
#include "engine/model/vendor_priv.h"

void
pending_fini(struct pending *p)
{
	csr_free(p->csr);
	p->csr = NULL;
}

enum err_code
pending_read(struct txn *t, uint32_t org, struct pending *ret, struct err *err)
{
	struct pending p = { .csr = NULL };
	struct slot_request r = { .dir = 0 };
	enum err_code rc = org_read(t, org, &p.org, err);

	if (rc != ERR_OK)
		return rc;
	rc = slot_request_get(t, slot_of(org, SLOT_OF_APNS), &r, err);
	if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	else if (rc == ERR_OK)
		rc = csr_parse(buf_view(&r.der), &p.csr, err);
	if (rc == ERR_OK)
		*ret = p;
	slot_request_fini(&r);
	return rc;
}

enum err_code
pending_check(const struct pending *p, struct err *err)
{
	if (p->csr != NULL)
		return push_request_check_csr(p->csr, err);
	return err_set(err, ERR_INVALID,
	    "no request for a push certificate of %s is pending: write its "
	    "subject first, echo 'CN=admin@example.com, C=US' > "
	    "orgs/%s/apns/subject",
	    p->org.name, p->org.name);
}

struct look {
	uint32_t org;
	struct pending pending;
	struct identity *vendor;  /* NULL: none */
	struct identity *mdmcert; /* NULL: no request was made there */
	struct buf answer;        /* empty: none */
};

static void
look_fini(struct look *l)
{
	pending_fini(&l->pending);
	identity_free(l->vendor);
	identity_free(l->mdmcert);
	buf_wipe(&l->answer);
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct look *l = arg;
	struct node n;
	enum err_code rc;

	look_fini(l);
	*l = (struct look){ .org = l->org };
	if ((rc = pending_read(t, l->org, &l->pending, err)) != ERR_OK ||
	    (rc = vendor_identity(t, 0, SLOT_OF_VENDOR, &l->vendor, err)) !=
		ERR_OK ||
	    (rc = vendor_identity(
		 t, l->org, SLOT_OF_MDMCERT, &l->mdmcert, err)) != ERR_OK)
		return rc;
	rc = org_file(t, l->org, "apns", "mdmcert-answer", &n, NULL);
	if (rc == ERR_OK)
		return node_get_content(t, &n, &l->answer, err);
	return rc == ERR_NOT_FOUND
	           ? ERR_OK
	           : err_set(err, rc, "mdmcert-answer: %s", err_text(rc));
}

/* What the service sent, if it is for the request that is pending now. */
static bool
answered(const struct look *l, struct buf *file)
{
	struct csr *csr = NULL;
	bool fits = l->answer.len > 0 && l->mdmcert != NULL &&
	            mdmcert_open(l->mdmcert, buf_view(&l->answer), file, &csr,
			NULL) == ERR_OK &&
	            bytes_equal(csr_der(csr), csr_der(l->pending.csr));

	csr_free(csr);
	return fits;
}

static enum err_code
unsigned_yet(const struct look *l, struct err *err)
{
	const char *org = l->pending.org.name;

	return err_set(err, ERR_INVALID,
	    "Apple takes a request that an MDM vendor has signed, and there "
	    "is no vendor yet%s. Put a vendor identity into system/vendor/; "
	    "or use mdmcert.download (orgs/%s/apns/mdmcert, see mdmfs(7)); or "
	    "send status/orgs/%s/apns.csr to your MDM vendor",
	    l->answer.len > 0 ? " (apns/mdmcert-answer answers an older "
				"request)"
			      : "",
	    org, org);
}

enum err_code
vendor_push_request(
    struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct look l = { .org = org };
	struct buf file = { 0 };
	enum err_code rc = store_view(e->store, look_txn, &l, err);

	if (rc == ERR_OK)
		rc = pending_check(&l.pending, err);
	if (rc != ERR_OK)
		goto out;
	if (answered(&l, &file)) {
		buf_bytes(b, buf_view(&file));
		rc = buf_error(b, err);
	} else if (l.vendor == NULL) {
		rc = unsigned_yet(&l, err);
	} else if ((rc = vendor_check(l.vendor, engine_now(e), err)) ==
		   ERR_OK) {
		rc = push_request_make(l.vendor, l.pending.csr, b, err);
	}
out:
	buf_free(&file);
	look_fini(&l);
	return rc;
}
