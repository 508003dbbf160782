#include "engine/pki/slot.h"

#include "engine/base/text.h"
#include "engine/pki/openssl_priv.h"

static const char mgmt[] = "com.apple.mgmt.";

/* clang-format off */
static const struct {
	const char *name;
	unsigned ext_usages; /* one of them, if the certificate names any */
	const char *renewal; /* what to do when it has ended */
} purposes[] = {
	[SLOT_TLS]     = { "tls",     CERT_EKU_SERVER | CERT_EKU_ANY,
		"renew it, and put the new one here" },
	[SLOT_SIGNING] = { "signing", 0,
		"renew it, and put the new one here" },
	[SLOT_APNS]    = { "apns",    0,
		"renew it (do not create another one) at "
		"https://identity.apple.com/pushcert with the Apple Account "
		"that it was made with, and put the new one here: devices stay "
		"enrolled" },
	[SLOT_VENDOR]  = { "vendor",  0,
		"renew it in Apple's developer portal, and put the new one "
		"here" },
};

static const struct { unsigned usage; const char *name; } usages[] = {
	{ CERT_EKU_SERVER,    "serverAuth" },
	{ CERT_EKU_CLIENT,    "clientAuth" },
	{ CERT_EKU_EMAIL,     "emailProtection" },
	{ CERT_EKU_CODE,      "codeSigning" },
	{ CERT_EKU_TIMESTAMP, "timeStamping" },
	{ CERT_EKU_OTHER,     "another one" },
};
/* clang-format on */

const char *
slot_purpose_name(enum slot_purpose purpose)
{
	return purposes[purpose].name;
}

static enum err_code
judge_topic(const struct cert *c, struct err *err)
{
	const char *topic = cert_topic(c);

	if (topic == NULL)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s is not an MDM push certificate: its subject (%s) has "
		    "no topic (UID=%s*). Push certificates come from "
		    "https://identity.apple.com/pushcert",
		    cert_label(c), cert_subject(c), mgmt);
	if (strncmp(topic, mgmt, sizeof(mgmt) - 1) != 0 ||
	    topic[sizeof(mgmt) - 1] == '\0')
		return err_set(err, ERR_KEY_REJECTED,
		    "topic %s is an app's; need %s*. MDM push certificates "
		    "come from https://identity.apple.com/pushcert, not from "
		    "the developer portal",
		    topic, mgmt);
	return ERR_OK;
}

static enum err_code
judge_not_push(enum slot_purpose purpose, const struct cert *c, struct err *err)
{
	const char *topic = cert_topic(c);

	if (topic != NULL && strncmp(topic, mgmt, sizeof(mgmt) - 1) == 0)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s is an MDM push certificate (topic %s): it belongs into "
		    "an organization's apns/, not into %s/",
		    cert_label(c), topic, slot_purpose_name(purpose));
	return ERR_OK;
}

static enum err_code
judge_tls(const struct cert *c, struct err *err)
{
	if (cert_signature_is_weak(c) && !cert_is_self_signed(c))
		return err_set(err, ERR_KEY_REJECTED,
		    "%s is signed with %s, which no device trusts any more: "
		    "have it issued again with SHA-256",
		    cert_label(c), cert_signature(c));
	return ERR_OK;
}

static enum err_code
refuse_usages(const struct cert *c, struct err *err)
{
	struct buf names = { 0 };
	enum err_code rc;
	size_t i;

	for (i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
		if ((cert_ext_usages(c) & usages[i].usage) != 0)
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "",
			    usages[i].name);
	rc = err_set(err, ERR_KEY_REJECTED,
	    "%s is not for a TLS server: its extended key usage is %s, not "
	    "serverAuth. Have one issued for a web server",
	    cert_label(c), buf_str(&names));
	buf_free(&names);
	return rc;
}

enum err_code
slot_judge_fit(enum slot_purpose purpose, const struct cert *c, struct err *err)
{
	unsigned have = cert_ext_usages(c), want = purposes[purpose].ext_usages;
	struct err why = { 0 };
	enum err_code rc;

	if (purpose == SLOT_APNS)
		rc = judge_topic(c, err);
	else
		rc = judge_not_push(purpose, c, err);
	if (rc != ERR_OK)
		return rc;
	if (have != 0 && want != 0 && (have & want) == 0)
		return refuse_usages(c, err);
	if (purpose != SLOT_TLS && (cert_key_usages(c) & CERT_KU_SIGN) == 0)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s may not sign: its key usage lacks digitalSignature. "
		    "Have one issued with it",
		    cert_label(c));
	if ((rc = keyspec_check(cert_keyspec(c), &why)) != ERR_OK)
		return err_set(err, rc, "%s: %s", cert_label(c), why.msg);
	if (purpose == SLOT_VENDOR && cert_keyspec(c)->kind != KEYSPEC_RSA)
		return err_set(err, ERR_KEY_REJECTED,
		    "%s has a key of the kind %s: Apple takes requests for "
		    "push certificates that a vendor signed with RSA alone. "
		    "Have a vendor certificate issued for an RSA key",
		    cert_label(c), cert_keyspec(c)->name);
	return purpose == SLOT_TLS ? judge_tls(c, err) : ERR_OK;
}

static enum err_code
judge_time(enum slot_purpose purpose, const struct cert *c, int64_t now,
    struct err *err)
{
	struct buf when = { 0 };
	enum err_code rc = ERR_OK;

	if (now > cert_expires(c)) {
		text_time(&when, cert_expires(c));
		rc = err_set(err, ERR_KEY_EXPIRED,
		    "%s ended on %s, %lld days ago: %s", cert_label(c),
		    buf_str(&when), (long long)(now - cert_expires(c)) / 86400,
		    purposes[purpose].renewal);
	} else if (now + SLOT_SKEW < cert_begins(c)) {
		text_time(&when, cert_begins(c));
		rc = err_set(err, ERR_KEY_EXPIRED,
		    "%s is not valid before %s: put it here then, or check "
		    "this server's clock",
		    cert_label(c), buf_str(&when));
	}
	buf_free(&when);
	return rc;
}

enum err_code
slot_judge_cert(enum slot_purpose purpose, const struct cert *c, int64_t now,
    struct err *err)
{
	/* first what renewing would not mend */
	enum err_code rc = slot_judge_fit(purpose, c, err);

	return rc != ERR_OK ? rc : judge_time(purpose, c, now, err);
}

static enum err_code
judge_keys(const struct bundle *b, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < bundle_n_keys(b) && rc == ERR_OK; i++)
		rc = keyspec_check(pkey_keyspec(bundle_key(b, i)), err);
	return rc;
}

static enum err_code
judge_leaves(enum slot_purpose purpose, const struct bundle *b, int64_t now,
    struct err *err)
{
	struct err first = { 0 }, why;
	size_t i, good = 0;

	for (i = 0; i < bundle_n_certs(b); i++) {
		const struct cert *c = bundle_cert(b, i);

		if (cert_is_ca(c))
			continue;
		memset(&why, 0, sizeof(why));
		if (slot_judge_cert(purpose, c, now, &why) == ERR_OK)
			good++;
		else
			(void)!err_add(&first, why.code, "%s", why.msg);
	}
	if (first.code == ERR_OK || (good > 0 && bundle_is_export(b)))
		return ERR_OK;
	return err_set(err, first.code, "%s%s", first.msg,
	    good > 0 ? "\nA good certificate is in the file, too: take the "
		       "others out"
		     : "");
}

/* Append what each certificate but a CA's is called. */
static void
put_labels(const struct bundle *b, struct buf *ret)
{
	size_t i, n = 0;

	for (i = 0; i < bundle_n_certs(b); i++)
		if (!cert_is_ca(bundle_cert(b, i)) && n++ < 5)
			buf_printf(ret, "%s%s", n > 1 ? ", " : "",
			    cert_label(bundle_cert(b, i)));
	if (n > 5)
		buf_printf(ret, " and %zu more", n - 5);
}

static enum err_code
refuse_pair(const struct bundle *b, struct err *err)
{
	struct buf labels = { 0 };
	enum err_code rc;

	put_labels(b, &labels);
	rc = err_set(err, ERR_KEY_REJECTED,
	    "the key in this file (%s) is not that of the certificate in it: "
	    "%s. %s",
	    pkey_keyspec(bundle_key(b, 0))->name, buf_str(&labels),
	    bundle_is_pkcs12(b)
		? "Export the certificate again, with its own key"
		: "Put each beside what it belongs to, in files of their own");
	buf_free(&labels);
	return rc;
}

/* What came together must belong together: no key of the file fits any of
 * its certificates. */
static enum err_code
judge_pairs(const struct bundle *b, struct err *err)
{
	bool lone = false;
	size_t i, k;

	for (i = 0; i < bundle_n_certs(b); i++) {
		for (k = 0; k < bundle_n_keys(b); k++)
			if (identity_pair_fits(
				bundle_key(b, k), bundle_cert(b, i)))
				return ERR_OK;
		lone |= !cert_is_ca(bundle_cert(b, i));
	}
	if (!lone || bundle_n_keys(b) == 0)
		return ERR_OK; /* chain and key of a certificate to come */
	return refuse_pair(b, err);
}

enum err_code
slot_judge_prefix(enum slot_purpose purpose, const struct bundle *b,
    int64_t now, struct err *err)
{
	enum err_code rc = judge_keys(b, err);

	if (rc != ERR_OK || bundle_is_export(b))
		return rc;
	return judge_leaves(purpose, b, now, err);
}

static enum err_code
refuse_password(const struct bundle *b, struct err *err)
{
	struct buf labels = { 0 };
	enum err_code rc;

	put_labels(b, &labels);
	rc = err_set(err, ERR_KEY_REJECTED,
	    "no password that is here opens %s%s: write the right one into "
	    "`password` (or FILE.password), then put this file here again",
	    labels.len > 0 ? "what is encrypted in this file, beside "
			   : "this file",
	    buf_str(&labels));
	buf_free(&labels);
	return rc;
}

enum err_code
slot_judge_file(enum slot_purpose purpose, const struct bundle *b, int64_t now,
    struct err *err)
{
	enum err_code rc;

	if (bundle_wrong_password(b))
		return refuse_password(b, err);
	if ((rc = judge_keys(b, err)) != ERR_OK ||
	    (rc = judge_leaves(purpose, b, now, err)) != ERR_OK)
		return rc;
	return bundle_is_locked(b) ? ERR_OK : judge_pairs(b, err);
}
