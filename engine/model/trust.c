#include "engine/model/trust.h"

#include "engine/model/node.h"
#include "engine/model/orgs.h"
#include "engine/pki/bundle.h"

struct walk {
	enum place place;
	trust_fn *fn;
	void *arg;
};

static enum err_code
each_in_file(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	const struct walk *w = arg;
	struct bundle *b = NULL;
	struct buf bytes = { 0 };
	enum err_code rc;
	size_t i;

	(void)stop;
	if (n->n.place != w->place)
		return ERR_OK;
	if ((rc = node_get_content(t, n, &bytes, err)) == ERR_OK)
		rc = bundle_parse(buf_view(&bytes), NULL, 0, &b, err);
	for (i = 0; rc == ERR_OK && i < bundle_n_certs(b); i++)
		rc = w->fn(w->arg, n, bundle_cert(b, i), err);
	bundle_free(b);
	buf_free(&bytes);
	return rc;
}

static enum err_code
each_in_dir(struct txn *t, const char *dir_name, const char *name,
    struct walk *w, struct err *err)
{
	struct node dir;
	enum err_code rc = org_file(t, 0, dir_name, name, &dir, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "system/%s%s%s: %s",
		    dir_name == NULL ? "" : dir_name,
		    dir_name == NULL ? "" : "/", name, err_text(rc));
	return node_each(t, dir.n.ino, 0, each_in_file, w, err);
}

enum err_code
trust_each(struct txn *t, trust_fn *fn, void *arg, struct err *err)
{
	struct walk w = { PLACE_TRUST_FILE, fn, arg };

	return each_in_dir(t, NULL, "trust", &w, err);
}

enum err_code
apple_trust_each(struct txn *t, trust_fn *fn, void *arg, struct err *err)
{
	struct walk w = { PLACE_APPLE_DEVICE_FILE, fn, arg };

	return each_in_dir(t, "trust", "apple-device", &w, err);
}

enum err_code
trust_judge(struct change *c, struct err *err)
{
	struct bundle *b = NULL;
	enum err_code rc = bundle_parse(c->w->bytes, NULL, 0, &b, err);
	size_t i, n;

	if (rc != ERR_OK)
		return rc;
	n = bundle_n_certs(b);
	if (n == 0)
		rc = err_set(err, ERR_INVALID,
		    "there is no certificate in it: the root certificates "
		    "that devices shall trust belong here");
	if (rc == ERR_OK && bundle_n_keys(b) > 0)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "there is a private key in it: only the certificates of "
		    "roots belong here, keys never leave their slot");
	for (i = 0; rc == ERR_OK && i < n; i++)
		if (cert_expires(bundle_cert(b, i)) < c->now)
			rc = err_set(err, ERR_KEY_EXPIRED, "%s has ended",
			    cert_label(bundle_cert(b, i)));
	bundle_free(b);
	return rc;
}

/* Its end is no reason to refuse it: Apple's own ended in 2014. */
enum err_code
apple_trust_judge(struct change *c, struct err *err)
{
	struct bundle *b = NULL;
	enum err_code rc = bundle_parse(c->w->bytes, NULL, 0, &b, err);
	size_t i;

	if (rc != ERR_OK)
		return rc;
	if (bundle_n_certs(b) == 0)
		rc = err_set(err, ERR_INVALID,
		    "there is no certificate in it: the certificate of Apple's "
		    "CA for devices belongs here (\"Apple iPhone Device CA\")");
	if (rc == ERR_OK && bundle_n_keys(b) > 0)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "there is a private key in it: Apple keeps that of its CA "
		    "to itself; only certificates belong here");
	for (i = 0; rc == ERR_OK && i < bundle_n_certs(b); i++)
		if (!cert_is_ca(bundle_cert(b, i)))
			rc = err_set(err, ERR_INVALID,
			    "%s is not a CA, so it has issued no certificate "
			    "of a device: \"Apple iPhone Device CA\" belongs "
			    "here",
			    cert_label(bundle_cert(b, i)));
	bundle_free(b);
	return rc;
}
