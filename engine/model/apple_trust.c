#include "engine/model/apple_trust.h"

#include "engine/pki/bundle.h"

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
