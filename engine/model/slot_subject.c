/* The files of a slot that ask for a request: subject, key-type, names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/slot_names.h"
#include "engine/model/slot_priv.h"
#include "engine/pki/csr.h"

/* What a change of subject or key-type needs to know. */
struct wish {
	const struct slot_kind *kind;
	enum slot_key_type type;
	bool wanted;      /* a key of that type */
	bool there;       /* an unanswered one is */
	struct pkey *key; /* made for it */
};

static void
wish_free(struct wish *w)
{
	if (w == NULL)
		return;
	pkey_free(w->key);
	free(w);
}

void
slot_request_release(struct change *c)
{
	wish_free(c->context);
	c->context = NULL;
}

static enum err_code
wish_new(struct change *c, struct wish **ret, struct err *err)
{
	struct wish *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return err_set(err, ERR_NO_MEMORY, "request");
	slot_request_release(c); /* gather() was run again */
	c->context = *ret = w;
	w->kind = slot_kind(c->parent.n.place);
	if (w->kind == NULL)
		return err_set(err, ERR_INTERNAL, "not an identity slot");
	return ERR_OK;
}

/* What the file key-type in dir says. */
static enum err_code
read_type(struct txn *t, uint64_t dir, enum slot_key_type *ret, struct err *err)
{
	struct buf b = { 0 };
	struct node n;
	enum err_code rc = node_find(t, dir, "key-type", &n, NULL);

	*ret = SLOT_KEY_RSA2048;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "key-type: %s", err_text(rc));
	if ((rc = node_get_content(t, &n, &b, err)) == ERR_OK)
		rc = slot_key_type_parse(buf_view(&b), ret, err);
	buf_free(&b);
	return rc;
}

static enum err_code
look_for_key(struct txn *t, struct change *c, struct wish *w, struct err *err)
{
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc =
	    slot_keys_list(t, slot_id_of(w->kind, &c->node.n), &keys, err);

	w->there = slot_keys_unanswered(&keys, w->type) != NULL;
	return rc;
}

/* In judge(), which may take long. */
static enum err_code
make_key(struct change *c, struct err *err)
{
	struct wish *w = c->context;

	if (w == NULL || !w->wanted || w->there || w->key != NULL)
		return ERR_OK;
	return slot_key_generate(w->type, &w->key, err);
}

/* ---- room for a key ----------------------------------------------------- */

static bool
is_used(const struct slot_files *x, const struct identity *in_effect,
    const struct slot_own_key *k)
{
	size_t i, c;

	if (in_effect != NULL &&
	    memcmp(pkey_id(identity_key(in_effect)), k->id, sizeof(k->id)) == 0)
		return true;
	for (i = 0; i < x->n; i++)
		for (c = 0; c < bundle_n_certs(x->files[i].bundle); c++)
			if (memcmp(
				cert_key_id(bundle_cert(x->files[i].bundle, c)),
				k->id, sizeof(k->id)) == 0)
				return true;
	return false;
}

/* The oldest one that was answered and that no certificate here needs, goes.
 * An unanswered one never does: its answer may be under way. */
static enum err_code
drop_oldest(struct txn *t, const struct slot_files *x,
    const struct slot_own_keys *keys, struct err *err)
{
	struct identity *in_effect = NULL;
	enum err_code rc = slot_identity(t, x->id, &in_effect, NULL);
	size_t i;

	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "identity: %s", err_text(rc));
	for (i = 0; i < keys->n; i++)
		if (keys->v[i].answered && !is_used(x, in_effect, &keys->v[i]))
			break;
	if (i < keys->n)
		rc = slot_key_drop(t, x->id, keys->v[i].id, err);
	else
		rc = err_set(err, ERR_QUOTA,
		    "this slot has %d keys for requests, and each is waiting "
		    "for its answer or belongs to a certificate here: remove "
		    "certificates that are no longer of use, then write this "
		    "again",
		    SLOT_KEYS_MAX);
	identity_free(in_effect);
	return rc;
}

static enum err_code
make_room(struct txn *t, const struct slot_kind *kind, struct slot_id id,
    const struct slot_own_keys *keys, struct err *err)
{
	struct slot_files *x;
	enum err_code rc;

	if (keys->n < SLOT_KEYS_MAX)
		return ERR_OK;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	x->kind = kind;
	x->id = id;
	if ((rc = slot_files_load(t, x, err)) == ERR_OK)
		rc = drop_oldest(t, x, keys, err);
	slot_files_fini(x);
	free(x);
	return rc;
}

/* ---- asking ------------------------------------------------------------- */

/* The key for the request, into r; *fresh: it is a new one. */
static enum err_code
choose_key(struct txn *t, struct change *c, struct slot_request *r, bool *fresh,
    struct err *err)
{
	const struct wish *w = c->context;
	const struct slot_own_key *k;
	struct slot_own_key made = { .type = w->type, .made = c->now };
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc = slot_keys_list(t, r->id, &keys, err);

	if (rc != ERR_OK)
		return rc;
	k = slot_keys_unanswered(&keys, w->type);
	*fresh = k == NULL;
	if (k != NULL) {
		memcpy(r->key_id, k->id, sizeof(r->key_id));
		return ERR_OK;
	}
	if (w->key == NULL)
		return err_set(err, ERR_CHANGED,
		    "an answer has just come: write this again if another "
		    "request is wanted");
	if ((rc = make_room(t, w->kind, r->id, &keys, err)) != ERR_OK)
		return rc;
	memcpy(r->key_id, pkey_id(w->key), sizeof(r->key_id));
	return slot_key_put(t, r->id, w->key, &made, err);
}

static enum err_code
explain(struct txn *t, const struct slot_request *r, bool fresh,
    struct buf *ret, struct err *err)
{
	struct slot_facts facts;
	enum err_code rc = slot_facts(t, r->id, &facts, err);

	if (rc != ERR_OK)
		return rc;
	buf_text(ret,
	    fresh ? "its key was made now and never leaves the server"
		  : "it has the key that was made before, so that an answer "
		    "that is under way fits as well");
	if (facts.version != 0)
		buf_printf(ret,
		    "; it is for the renewal of the certificate %s serial %s, "
		    "which stays in effect until the new one is here",
		    facts.subject, facts.serial);
	return buf_error(ret, err);
}

static enum err_code
ask(struct txn *t, struct change *c, struct slot_request *r, struct err *err)
{
	struct buf why = { 0 };
	enum err_code rc;
	bool fresh;

	r->dir = c->node.n.parent;
	r->made = c->now;
	rc = choose_key(t, c, r, &fresh, err);
	if (rc == ERR_OK && fresh)
		snprintf(c->note, sizeof(c->note), "with a new key");
	if (rc == ERR_OK && (rc = explain(t, r, fresh, &why, err)) == ERR_OK)
		rc = slot_request_store(t, c->engine, r, buf_str(&why), err);
	buf_free(&why);
	return rc;
}

/* ---- subject ------------------------------------------------------------ */

enum err_code
slot_subject_gather(struct txn *t, struct change *c, struct err *err)
{
	struct wish *w;
	enum err_code rc;

	if ((rc = wish_new(c, &w, err)) != ERR_OK ||
	    (rc = read_type(t, c->parent.n.ino, &w->type, err)) != ERR_OK)
		return rc;
	w->wanted = true;
	return look_for_key(t, c, w, err);
}

static enum err_code
parse_subject(
    struct bytes file, char ret[static SLOT_SUBJECT_MAX + 1], struct err *err)
{
	struct bytes s = text_trim(file);

	if (s.len > SLOT_SUBJECT_MAX)
		return err_set(err, ERR_INVALID,
		    "subject: it has more than %d bytes; write one line like "
		    "\"CN=apple-id@example.com, O=Acme\"",
		    SLOT_SUBJECT_MAX);
	if (s.len == 0 || memchr(s.p, '\0', s.len) != NULL)
		return err_set(err, ERR_INVALID,
		    "subject: %s; write one line like "
		    "\"CN=apple-id@example.com, O=Acme\"",
		    s.len == 0 ? "it is empty" : "it is not plain text");
	memcpy(ret, s.p, s.len);
	ret[s.len] = '\0';
	if (csr_check_subject(ret, err) != ERR_OK)
		return err_context(err, "subject");
	return ERR_OK;
}

enum err_code
slot_subject_judge(struct change *c, struct err *err)
{
	char subject[SLOT_SUBJECT_MAX + 1];
	const struct wish *w = c->context;
	enum err_code rc = parse_subject(c->w->bytes, subject, err);

	if (rc == ERR_OK && w != NULL)
		rc = slot_key_type_fits(w->type, w->kind->purpose, err);
	return rc == ERR_OK ? make_key(c, err) : rc;
}

enum err_code
slot_subject_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct wish *w = c->context;
	struct slot_request r = { .file = c->node.n.ino };
	enum err_code rc = parse_subject(c->w->bytes, r.subject, err);

	r.id = slot_id_of(w->kind, &c->node.n);
	if (rc == ERR_OK)
		rc = ask(t, c, &r, err);
	slot_request_fini(&r);
	return rc;
}

enum err_code
slot_subject_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct slot_request r = { .made = 0 };
	struct buf path = { 0 };
	char fingerprint[17];
	enum err_code rc = slot_request_of_file(t, n->n.org, n->n.ino, &r, err);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	slot_request_fingerprint(r.key_id, fingerprint);
	slot_request_path(t, r.id, &path);
	if ((rc = slot_request_drop(t, &r, err)) == ERR_OK)
		rc = event_record(t, e, n->n.org, err,
		    "%s: subject was removed, so %s is gone; its key (%s) is "
		    "kept: an answer to it still fits, and writing subject "
		    "again brings a request with the same key",
		    slot_kind_of(r.id)->name, buf_str(&path), fingerprint);
	buf_free(&path);
	slot_request_fini(&r);
	return rc;
}

/* ---- key-type ----------------------------------------------------------- */

enum err_code
slot_key_type_gather(struct txn *t, struct change *c, struct err *err)
{
	struct slot_request r = { .made = 0 };
	struct wish *w;
	enum err_code rc;

	if ((rc = wish_new(c, &w, err)) != ERR_OK ||
	    (rc = slot_key_type_parse(c->w->bytes, &w->type, err)) != ERR_OK)
		return rc;
	rc = slot_request_get(t, slot_id_of(w->kind, &c->node.n), &r, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "request: %s", err_text(rc));
	w->wanted = rc == ERR_OK;
	slot_request_fini(&r);
	return look_for_key(t, c, w, err);
}

enum err_code
slot_key_type_judge(struct change *c, struct err *err)
{
	const struct wish *w = c->context;
	enum slot_key_type type;
	enum err_code rc = slot_key_type_parse(c->w->bytes, &type, err);

	if (rc == ERR_OK && w != NULL)
		rc = slot_key_type_fits(type, w->kind->purpose, err);
	return rc == ERR_OK ? make_key(c, err) : rc;
}

enum err_code
slot_key_type_apply(struct txn *t, struct change *c, struct err *err)
{
	const struct wish *w = c->context;
	struct slot_request r = { .made = 0 };
	struct slot_id id = slot_id_of(w->kind, &c->node.n);
	enum err_code rc = slot_request_get(t, id, &r, NULL);

	if (rc == ERR_OK) {
		r.id = id;
		rc = ask(t, c, &r, err);
	} else if (rc == ERR_NOT_FOUND) {
		snprintf(c->note, sizeof(c->note),
		    "it counts from the next request on");
		rc = ERR_OK;
	} else {
		rc = err_set(err, rc, "request: %s", err_text(rc));
	}
	slot_request_fini(&r);
	return rc;
}

/* ---- names -------------------------------------------------------------- */

enum err_code
slot_names_apply(struct txn *t, struct change *c, struct err *err)
{
	return slot_request_rename(t, c->engine, c->node.n.org, err);
}

enum err_code
slot_names_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	return slot_request_rename(t, e, n->n.org, err);
}
