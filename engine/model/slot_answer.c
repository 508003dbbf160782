/* Certificates that come for a request. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/slot_priv.h"

static bool
has_key(const struct bundle *b, const uint8_t *key_id)
{
	size_t i;

	for (i = 0; i < bundle_n_keys(b); i++)
		if (memcmp(pkey_id(bundle_key(b, i)), key_id, KEYSPEC_ID_LEN) ==
		    0)
			return true;
	return false;
}

static bool
is_own(const struct slot_own_keys *keys, const uint8_t *key_id)
{
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (memcmp(keys->v[i].id, key_id, KEYSPEC_ID_LEN) == 0)
			return true;
	return false;
}

/* Whether the slot has that key, or may have it in a locked file. */
static bool
files_have(const struct slot_files *x, const uint8_t *key_id)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (bundle_is_locked(x->files[i].bundle) ||
		    has_key(x->files[i].bundle, key_id))
			return true;
	return false;
}

/* A certificate of b, not a CA's, if no key of such a one is known: neither in
 * b nor among keys nor in x (NULL: not looked at). */
static const struct cert *
find_lone(const struct bundle *b, const struct slot_own_keys *keys,
    const struct slot_files *x)
{
	const struct cert *lone = NULL;
	size_t i;

	for (i = 0; i < bundle_n_certs(b); i++) {
		const struct cert *c = bundle_cert(b, i);

		if (cert_is_ca(c))
			continue;
		if (has_key(b, cert_key_id(c)) ||
		    is_own(keys, cert_key_id(c)) ||
		    (x != NULL && files_have(x, cert_key_id(c))))
			return NULL;
		if (lone == NULL)
			lone = c;
	}
	return lone;
}

static enum err_code
refuse(struct txn *t, const struct slot_request *r, const struct cert *c,
    struct err *err)
{
	struct buf path = { 0 };
	char fingerprint[17];
	enum err_code rc;

	slot_request_fingerprint(r->key_id, fingerprint);
	slot_request_path(t, r->id, &path);
	rc = err_set(err, ERR_KEY_REJECTED,
	    "the certificate %.*s answers another request than the one that "
	    "waits here: its key is not that of the request for %.*s (key %s) "
	    "in %s. Have that one signed, and copy its answer here. If the "
	    "certificate belongs to a key of your own, copy the key first, or "
	    "one file with both",
	    text_fit(bytes_text(cert_subject(c)), 200), cert_subject(c),
	    text_fit(bytes_text(r->subject), 200), r->subject, fingerprint,
	    buf_str(&path));
	buf_free(&path);
	return rc;
}

enum err_code
slot_request_judge_answer(struct txn *t, const struct slot_kind *kind,
    struct slot_id id, const struct bundle *answer, struct err *err)
{
	struct slot_request r = { .made = 0 };
	const struct cert *lone = NULL;
	struct slot_files *x = NULL;
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc;

	if (bundle_n_certs(answer) == 0 || bundle_is_locked(answer))
		return ERR_OK;
	rc = slot_request_get(t, id, &r, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "request: %s", err_text(rc));
	if (r.der.len == 0)
		goto out; /* nobody has seen it yet */
	if ((rc = slot_keys_list(t, id, &keys, err)) != ERR_OK ||
	    find_lone(answer, &keys, NULL) == NULL)
		goto out;
	if ((x = calloc(1, sizeof(*x))) == NULL) {
		rc = err_set(err, ERR_NO_MEMORY, "slot");
		goto out;
	}
	x->kind = kind;
	x->id = id;
	if ((rc = slot_files_load(t, x, err)) != ERR_OK)
		goto out;
	lone = find_lone(answer, &keys, x);
	if (lone != NULL)
		rc = refuse(t, &r, lone, err);
out:
	if (x != NULL)
		slot_files_fini(x);
	free(x);
	slot_request_fini(&r);
	return rc;
}

/* ---- an answer ---------------------------------------------------------- */

/* The certificate for that key that serves the slot; NULL: none. */
static const struct cert *
find_answer(const struct slot_files *x, const uint8_t *key_id)
{
	size_t i, k;

	for (i = 0; i < x->n; i++)
		for (k = 0; k < bundle_n_certs(x->files[i].bundle); k++) {
			const struct cert *c =
			    bundle_cert(x->files[i].bundle, k);

			if (memcmp(cert_key_id(c), key_id, KEYSPEC_ID_LEN) ==
				0 &&
			    slot_judge_fit(x->kind->purpose, c, NULL) == ERR_OK)
				return c;
		}
	return NULL;
}

static enum err_code
answer_one(struct txn *t, struct engine *e, const struct slot_files *x,
    const struct slot_own_key *k, struct err *err)
{
	const struct cert *c = find_answer(x, k->id);
	struct slot_request r = { .made = 0 };
	struct slot_facts facts;
	char fingerprint[17];
	bool in_effect;
	enum err_code rc;

	if (c == NULL)
		return ERR_OK;
	if ((rc = slot_key_answered(t, x->id, k->id, err)) != ERR_OK ||
	    (rc = slot_facts(t, x->id, &facts, err)) != ERR_OK)
		return rc;
	rc = slot_request_get(t, x->id, &r, NULL);
	if (rc == ERR_OK && memcmp(r.key_id, k->id, sizeof(r.key_id)) == 0)
		rc = slot_request_drop(t, &r, err);
	slot_request_fini(&r);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "request: %s", err_text(rc));
	in_effect =
	    facts.version != 0 && memcmp(facts.fingerprint, cert_fingerprint(c),
				      sizeof(facts.fingerprint)) == 0;
	slot_request_fingerprint(k->id, fingerprint);
	return event_record(t, e, x->id.org, err,
	    "%s: certificate %s serial %s answers the request with the key "
	    "%s%s. To renew it later, write subject again",
	    x->kind->name, cert_subject(c), cert_serial(c), fingerprint,
	    in_effect ? ""
		      : "; another certificate is the better one and goes on");
}

enum err_code
slot_request_answered(struct txn *t, struct engine *e,
    const struct slot_files *x, struct err *err)
{
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc = slot_keys_list(t, x->id, &keys, err);
	size_t i;

	for (i = 0; i < keys.n && rc == ERR_OK; i++)
		if (!keys.v[i].answered)
			rc = answer_one(t, e, x, &keys.v[i], err);
	return rc;
}
