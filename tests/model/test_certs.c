/* Finding a certificate by its serial number. */
#include "engine/model/certs.h"

#include "tests/model/rules.h"
#include "tests/pki/material.h"

#define ACME INT64_C(7) /* an organization; nobody asks which */

static struct cert *ca, *mine, *foreign;

static struct cert *
cert(const char *name)
{
	struct buf f = load(name);
	struct cert *c = NULL;

	must(cert_parse(buf_view(&f), &c, &rules_err));
	buf_free(&f);
	return c;
}

static enum err_code
add_txn(struct txn *t, void *arg, struct err *err)
{
	const struct cert *c = arg;
	struct issued i = {
		.org = ACME, .state = CERT_VALID, .expires = cert_expires(c)
	};

	memcpy(i.fingerprint, cert_fingerprint(c), sizeof(i.fingerprint));
	return issued_add(t, &i, c, err);
}

static bool found;

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	const uint32_t *org = arg;
	struct issued i;
	enum err_code rc =
	    issued_by_serial(t, *org, cert_serial_bytes(mine), ca, &i, err);

	found = rc == ERR_OK && memcmp(i.fingerprint, cert_fingerprint(mine),
				    sizeof(i.fingerprint)) == 0;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static bool
finds(uint32_t org)
{
	must(store_view(rules->store, find_txn, &org, &rules_err));
	return found;
}

static size_t entries;

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct txn *t = arg;

	(void)value;
	(void)stop;
	entries++;
	return t == NULL ? ERR_OK : txn_del(t, key, err);
}

/* Count the entries; of those of an older store there are none. */
static enum err_code
count_txn(struct txn *t, void *arg, struct err *err)
{
	const bool *forget = arg;
	struct key prefix = key_of(KIND_CERT_SERIAL);

	entries = 0;
	return txn_each(t, key_view(&prefix), BYTES_NONE, count_one,
	    *forget ? t : NULL, err);
}

static enum err_code
index_txn(struct txn *t, void *arg, struct err *err)
{
	(void)arg;
	return issued_index(t, err);
}

static enum err_code
trim_txn(struct txn *t, void *arg, struct err *err)
{
	bool more;

	(void)arg;
	return issued_trim(
	    t, cert_expires(mine) + ISSUED_KEPT + 86400, &more, err);
}

int
main(void)
{
	static const struct engine_options options;
	bool forget = true, keep = false;

	material_begin();
	sh("for n in ca false; do openssl req -x509 -newkey rsa:2048 -nodes "
	   "-keyout $n.key -out $n.pem -days 9 -subj /CN=CA; done; "
	   "openssl req -new -newkey rsa:2048 -nodes -keyout d.key -subj "
	   "/CN=d -out d.csr; for n in ca false; do openssl x509 -req -in "
	   "d.csr -CA $n.pem -CAkey $n.key -set_serial 77 -days 9 -out "
	   "of-$n.pem; done; for n in ca of-ca of-false; do openssl x509 -in "
	   "$n.pem -outform der -out $n.der; done");
	ca = cert("ca.der");
	mine = cert("of-ca.der");
	foreign = cert("of-false.der");
	rules_begin(&options);
	must(store_update(rules->store, add_txn, foreign, &rules_err));
	ok(!finds(ACME), "one of a CA of the same name is not found");
	must(store_update(rules->store, add_txn, mine, &rules_err));
	ok(finds(ACME), "beside it, the right one is");
	ok(!finds(ACME + 1), "in its organization");
	must(store_update(rules->store, count_txn, &forget, &rules_err));
	must(store_update(rules->store, index_txn, NULL, &rules_err));
	ok(finds(ACME), "also in a store from before it was kept");
	must(store_update(rules->store, trim_txn, NULL, &rules_err));
	must(store_view(rules->store, count_txn, &keep, &rules_err));
	ok(!finds(ACME) && entries == 0, "nothing is left of one forgotten");
	cert_free(ca);
	cert_free(mine);
	cert_free(foreign);
	engine_close(rules);
	return tap_done();
}
