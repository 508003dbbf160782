/* status/orgs/ORG/anchor-certs.json: what the ADE profile of an organization
 * has as anchor_certs. */
#include "engine/base/text.h"
#include "engine/mdm/profile.h"
#include "engine/model/orgs.h"
#include "mdmfs/org.h"

struct anchors {
	struct engine *engine;
	uint32_t org;
	struct profile_inputs in;
};

static enum err_code
roots_txn(struct txn *t, void *arg, struct err *err)
{
	struct anchors *a = arg;
	struct system_url url;
	enum err_code rc = org_url_read(t, a->org, &url, err);

	profile_inputs_fini(&a->in);
	if (rc == ERR_OK)
		rc = profile_roots(t, a->engine, url.host, &a->in, err);
	return rc;
}

enum err_code
org_anchor_certs(struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct anchors a = { .engine = e, .org = org };
	enum err_code rc = store_view(e->store, roots_txn, &a, err);
	size_t i;

	if (rc == ERR_OK) {
		buf_char(b, '[');
		for (i = 0; i < a.in.n_roots; i++) {
			buf_text(b, i == 0 ? "\"" : ",\n \"");
			text_base64(b, cert_der(a.in.roots[i]));
			buf_char(b, '"');
		}
		buf_text(b, "]\n");
		rc = buf_error(b, err);
	}
	profile_inputs_fini(&a.in);
	return rc;
}
