#include "engine/tls.h"

#include "engine/model/tls.h"

struct current {
	uint64_t known;
	uint64_t version;
	struct identity *id; /* NULL: it is the known one */
};

static enum err_code
current_txn(struct txn *t, void *arg, struct err *err)
{
	struct current *c = arg;
	struct tls_state s;
	enum err_code rc = tls_state(t, &s, err);

	identity_free(c->id);
	c->id = NULL;
	c->version = c->known;
	if (rc != ERR_OK || s.facts.version == c->known)
		return rc;
	c->version = s.facts.version;
	return tls_identity(t, &c->id, err);
}

enum err_code
tls_serve(
    struct engine *e, struct server *s, uint64_t *version, struct err *err)
{
	struct current c = { .known = *version };
	struct bytes certs[IDENTITY_MAX_CHAIN];
	struct wire_identity wire = { .certs = certs };
	struct buf key = { 0 };
	size_t i;
	enum err_code rc = store_view(e->store, current_txn, &c, err);

	if (rc != ERR_OK || c.id == NULL)
		goto out;
	if ((rc = pkey_encode(identity_key(c.id), &key, err)) != ERR_OK)
		goto out;
	wire.key = buf_view(&key);
	wire.n_certs = identity_n_sent(c.id);
	for (i = 0; i < wire.n_certs; i++)
		certs[i] = cert_der(identity_cert(c.id, i));
	if ((rc = server_set_identities(s, &wire, 1, err)) == ERR_OK)
		*version = c.version;
out:
	buf_wipe(&key);
	identity_free(c.id);
	return rc;
}
