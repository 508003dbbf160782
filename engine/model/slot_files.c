#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/orgs.h"
#include "engine/model/slots.h"
#include "engine/pki/slot.h"

#define FILES_MAX 64 /* in one slot */

/* One row a kind of slot: its directory, its files, what it is for. */
static const struct kind_of_slot {
	enum place dir;
	enum place file;
	const char *name;
	enum slot slot;
	enum slot_purpose purpose;
} kinds[] = {
	/* clang-format off */
	{ PLACE_APNS,    PLACE_APNS_FILE,    "apns",    SLOT_OF_APNS,    SLOT_APNS },
	{ PLACE_SIGNING, PLACE_SIGNING_FILE, "signing", SLOT_OF_SIGNING, SLOT_SIGNING },
	{ PLACE_TLS,     PLACE_TLS_FILE,     "tls",     SLOT_OF_TLS,     SLOT_TLS },
	/* clang-format on */
};

static const struct kind_of_slot *
kind_of(enum place place)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].dir == place || kinds[i].file == place)
			return &kinds[i];
	return NULL;
}

/* A file of the slot: what it holds, unlocked as far as passwords go. */
struct slot_file {
	uint64_t ino;
	uint64_t version;
	char name[NODE_NAME_MAX + 1];
	struct buf bytes; /* only of locked ones, to try a new password */
	struct bundle *bundle;
};

struct slot_context {
	const struct kind_of_slot *kind;
	struct txn *t;
	struct buf secrets; /* the passwords' text, which lines point into */
	char *passwords[BUNDLE_MAX_PASSWORDS];
	size_t n_passwords;
	struct slot_file files[FILES_MAX];
	size_t n_files;
	const char *only; /* FILE of FILE.password; NULL: all */
	size_t n_locked, n_opened;
};

static void
context_free(struct slot_context *x)
{
	size_t i;

	if (x == NULL)
		return;
	buf_wipe(&x->secrets);
	for (i = 0; i < x->n_files; i++) {
		buf_wipe(&x->files[i].bytes);
		bundle_free(x->files[i].bundle);
	}
	free(x);
}

void
slot_release(struct change *c)
{
	context_free(c->context);
}

static enum err_code
context_new(struct change *c, struct err *err)
{
	struct slot_context *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	context_free(c->context); /* gather() was run again */
	c->context = x;
	x->kind = kind_of(c->parent.n.place);
	if (x->kind == NULL)
		return err_set(err, ERR_INTERNAL, "not an identity slot");
	return ERR_OK;
}

/* Each line of text is a password; point at them once the text is whole. */
static void
split_passwords(struct slot_context *x)
{
	char *p = (char *)x->secrets.p, *end;

	if (x->secrets.error != ERR_OK || x->secrets.len == 0)
		return;
	buf_char(&x->secrets, '\0');
	if (x->secrets.error != ERR_OK)
		return;
	p = (char *)x->secrets.p;
	x->n_passwords = 0;
	while (*p != '\0' && x->n_passwords < BUNDLE_MAX_PASSWORDS) {
		end = strchr(p, '\n');
		if (end != NULL)
			*end = '\0';
		if (strlen(p) > 0 && p[strlen(p) - 1] == '\r')
			p[strlen(p) - 1] = '\0';
		x->passwords[x->n_passwords++] = p;
		if (end == NULL)
			break;
		p = end + 1;
	}
}

static enum err_code
add_passwords(struct txn *t, struct slot_context *x, uint64_t dir,
    const char *name, struct err *err)
{
	struct node n;
	enum err_code rc = node_find(t, dir, name, &n, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &x->secrets, err);
	if (rc == ERR_OK && x->secrets.len > 0 &&
	    x->secrets.p[x->secrets.len - 1] != '\n')
		buf_char(&x->secrets, '\n');
	return rc;
}

/* ---- a certificate or key ----------------------------------------------- */

enum err_code
slot_file_gather(struct txn *t, struct change *c, struct err *err)
{
	char own[NODE_NAME_MAX + 16];
	struct slot_context *x;
	enum err_code rc;

	if ((rc = context_new(c, err)) != ERR_OK)
		return rc;
	x = c->context;
	snprintf(own, sizeof(own), "%s.password", c->w->name);
	rc = add_passwords(t, x, c->w->parent, own, err);
	if (rc == ERR_OK)
		rc = add_passwords(t, x, c->w->parent, "password", err);
	split_passwords(x);
	return rc;
}

enum err_code
slot_file_judge(struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	struct slot_file *f = &x->files[0];
	enum err_code rc = bundle_parse(c->w->bytes,
	    (const char *const *)x->passwords, x->n_passwords, &f->bundle, err);

	if (rc != ERR_OK)
		return rc;
	x->n_files = 1;
	return slot_judge_file(x->kind->purpose, f->bundle, c->now, err);
}

enum err_code
slot_judge_early(
    enum place place, const struct bundle *b, int64_t now, struct err *err)
{
	return slot_judge_prefix(kind_of(place)->purpose, b, now, err);
}

static struct key
material_key(uint64_t ino)
{
	struct key k = key_of(KIND_MATERIAL);

	key_u64(&k, ino);
	return k;
}

static enum err_code
put_material(
    struct txn *t, uint64_t ino, const struct bundle *bundle, struct err *err)
{
	struct key k = material_key(ino);
	struct buf b = { 0 };
	enum err_code rc = bundle_encode(bundle, &b, err);

	if (rc == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_wipe(&b);
	return rc;
}

static enum err_code
get_material(struct txn *t, uint64_t ino, struct bundle **ret, struct err *err)
{
	struct key k = material_key(ino);
	struct buf b = { 0 };
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK)
		rc = bundle_decode(buf_view(&b), ret, err);
	buf_wipe(&b);
	return rc;
}

static enum err_code
add_file(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct slot_context *x = arg;
	struct slot_file *f;
	enum err_code rc;

	if (n->n.place != x->kind->file)
		return ERR_OK;
	if (x->n_files == FILES_MAX) {
		*stop = true;
		return ERR_OK;
	}
	f = &x->files[x->n_files];
	f->ino = n->n.ino;
	f->version = n->n.version;
	memcpy(f->name, n->name, sizeof(f->name));
	if ((rc = get_material(t, n->n.ino, &f->bundle, err)) == ERR_OK)
		x->n_files++;
	return rc;
}

static int
by_version(const void *a, const void *b)
{
	const struct slot_file *f = a, *g = b;

	return f->version < g->version ? -1 : f->version > g->version;
}

/* All files of the slot, the last written last. */
static enum err_code
load_files(struct txn *t, struct slot_context *x, uint32_t org, struct err *err)
{
	struct node dir;
	enum err_code rc = org_file(t, org, NULL, x->kind->name, &dir, NULL);

	x->n_files = 0;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_each(t, dir.n.ino, 0, add_file, x, err);
	if (rc == ERR_OK)
		qsort(x->files, x->n_files, sizeof(x->files[0]), by_version);
	return rc;
}

/* ---- what is in effect -------------------------------------------------- */

/*
 * Devices keep the topic that they enrolled with: with a certificate of
 * another one they would never hear from this server again.
 */
static enum err_code
guard_topic(struct txn *t, uint32_t org, const char *topic, struct err *err)
{
	char allowed[ORG_TOPIC_MAX + 1] = "", account[128] = "";
	struct org o;
	enum err_code rc = org_read(t, org, &o, err);

	if (rc != ERR_OK || o.enrolled == 0 || o.topic[0] == '\0' ||
	    strcmp(o.topic, topic) == 0)
		return rc;
	rc = org_setting(
	    t, org, "apns", "allow-topic-change", allowed, sizeof(allowed));
	if (rc == ERR_OK && strcmp(allowed, topic) == 0)
		return ERR_OK;
	if (org_setting(t, org, "apns", "apple-account", account,
		sizeof(account)) != ERR_OK)
		account[0] = '\0';
	return err_set(err, ERR_KEY_REJECTED,
	    "this push certificate has the topic %s, but the %u enrolled "
	    "devices use %s and would fall silent. Renew the old certificate "
	    "at identity.apple.com with the Apple Account that made it%s%s; do "
	    "not create a new one. If every device shall enroll again, write "
	    "the new topic into apns/allow-topic-change first",
	    topic, o.enrolled, o.topic, account[0] ? ": " : "", account);
}

static enum err_code
put_into_effect(struct txn *t, struct engine *e, const struct slot_context *x,
    uint32_t org, const struct identity *id, struct err *err)
{
	const struct cert *leaf = identity_leaf(id);
	struct slot_facts now;
	struct buf end = { 0 };
	enum err_code rc = slot_facts(t, org, x->kind->slot, &now, err);

	if (rc != ERR_OK)
		return rc;
	if (x->kind->purpose == SLOT_APNS &&
	    (rc = guard_topic(t, org, cert_topic(leaf), err)) != ERR_OK)
		return rc;
	if ((rc = slot_install(t, org, x->kind->slot, id, err)) != ERR_OK)
		return rc;
	if (now.version != 0 && memcmp(now.fingerprint, cert_fingerprint(leaf),
				    sizeof(now.fingerprint)) == 0)
		return ERR_OK; /* the same one, perhaps with a better chain */
	text_time(&end, cert_expires(leaf));
	rc = event_record(t, e, org, err,
	    "%s: certificate %s serial %s is in effect until %s", x->kind->name,
	    cert_subject(leaf), cert_serial(leaf), buf_str(&end));
	buf_free(&end);
	return rc;
}

/* Whether the certificate in effect is still among the files. */
static bool
still_there(const struct slot_context *x, const struct slot_facts *f)
{
	size_t i, j;

	for (i = 0; i < x->n_files; i++)
		for (j = 0; j < bundle_n_certs(x->files[i].bundle); j++)
			if (memcmp(cert_fingerprint(
				       bundle_cert(x->files[i].bundle, j)),
				f->fingerprint, sizeof(f->fingerprint)) == 0)
				return true;
	return false;
}

/*
 * Pick again.  While files are being exchanged one by one there may be no
 * pair: then the old identity goes on, unless its file was removed.
 */
static enum err_code
pick(struct txn *t, struct engine *e, struct slot_context *x, uint32_t org,
    bool removing, struct err *err)
{
	const struct bundle *bundles[FILES_MAX];
	struct identity *id = NULL;
	struct slot_facts facts;
	enum err_code rc;
	size_t i;

	for (i = 0; i < x->n_files; i++)
		bundles[i] = x->files[i].bundle;
	rc = slot_pick(
	    x->kind->purpose, bundles, x->n_files, engine_now(e), &id, err);
	if (rc == ERR_OK) {
		rc = put_into_effect(t, e, x, org, id, err);
		identity_free(id);
		return rc;
	}
	if (rc != ERR_NOT_FOUND || !removing)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	if ((rc = slot_facts(t, org, x->kind->slot, &facts, err)) != ERR_OK ||
	    facts.version == 0 || still_there(x, &facts))
		return rc;
	if ((rc = slot_clear(t, org, x->kind->slot, err)) == ERR_OK)
		rc = event_record(t, e, org, err,
		    "%s: certificate %s is out of effect: its file was removed",
		    x->kind->name, facts.subject);
	return rc;
}

static enum err_code
load_and_pick(struct txn *t, struct engine *e, const struct kind_of_slot *kind,
    uint32_t org, bool removing, struct err *err)
{
	struct slot_context *x = calloc(1, sizeof(*x));
	enum err_code rc;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	x->kind = kind;
	if ((rc = load_files(t, x, org, err)) == ERR_OK)
		rc = pick(t, e, x, org, removing, err);
	context_free(x);
	return rc;
}

enum err_code
slot_file_apply(struct txn *t, struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	const struct bundle *own = x->files[0].bundle;
	enum err_code rc;

	if (c->replaces && c->old.n.ino != c->node.n.ino) {
		struct key old = material_key(c->old.n.ino);

		if ((rc = txn_drop(t, &old, err)) != ERR_OK)
			return rc;
	}
	if ((rc = put_material(t, c->node.n.ino, own, err)) != ERR_OK)
		return rc;
	if (bundle_is_locked(own))
		snprintf(c->note, sizeof(c->note),
		    "it is locked and waits for its password: write it into "
		    "%s.password or password beside it",
		    c->w->name);
	return load_and_pick(t, c->engine, x->kind, c->node.n.org, false, err);
}

enum err_code
slot_file_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	const struct kind_of_slot *kind = kind_of(n->n.place);
	struct key k = material_key(n->n.ino);
	enum err_code rc = txn_drop(t, &k, err);

	if (rc == ERR_OK)
		rc = load_and_pick(t, e, kind, n->n.org, true, err);
	return rc;
}

/* ---- a password --------------------------------------------------------- */

/* The bytes of a locked file, for which the password may have come. */
static enum err_code
add_locked(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct slot_context *x = arg;
	struct slot_file *f = &x->files[x->n_files];
	enum err_code rc;

	(void)stop;
	if (n->n.place != x->kind->file || x->n_files == FILES_MAX ||
	    (x->only != NULL && strcmp(x->only, n->name) != 0))
		return ERR_OK;
	if ((rc = get_material(t, n->n.ino, &f->bundle, err)) != ERR_OK)
		return rc;
	if (bundle_is_locked(f->bundle)) {
		f->ino = n->n.ino;
		f->version = n->n.version;
		memcpy(f->name, n->name, sizeof(f->name));
		if ((rc = node_get_content(t, n, &f->bytes, err)) == ERR_OK) {
			x->n_files++;
			return ERR_OK;
		}
	}
	buf_wipe(&f->bytes);
	bundle_free(f->bundle);
	f->bundle = NULL;
	return rc;
}

enum err_code
slot_password_gather(struct txn *t, struct change *c, struct err *err)
{
	static const char ending[] = ".password";
	size_t len = strlen(c->w->name), n = strlen(ending);
	char only[NODE_NAME_MAX + 1];
	struct slot_context *x;
	enum err_code rc;

	if ((rc = context_new(c, err)) != ERR_OK)
		return rc;
	x = c->context;
	if (len > n && strcmp(c->w->name + len - n, ending) == 0) {
		memcpy(only, c->w->name, len - n);
		only[len - n] = '\0';
		x->only = only;
	}
	buf_bytes(&x->secrets, c->w->bytes);
	split_passwords(x);
	rc = node_each(t, c->parent.n.ino, 0, add_locked, x, err);
	x->only = NULL;
	return rc;
}

enum err_code
slot_password_judge(struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	enum err_code rc;
	size_t i, opened = 0;

	if (!text_is_clean(text_trim(c->w->bytes)) &&
	    memchr(c->w->bytes.p, '\0', c->w->bytes.len) != NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "a password is text, one a line; this holds NUL bytes");
	for (i = 0; i < x->n_files; i++) {
		struct slot_file *f = &x->files[i];
		struct bundle *b = NULL;

		rc = bundle_parse(buf_view(&f->bytes),
		    (const char *const *)x->passwords, x->n_passwords, &b, err);
		if (rc == ERR_OK && !bundle_is_locked(b))
			rc = slot_judge_file(x->kind->purpose, b, c->now, err);
		if (rc != ERR_OK) {
			bundle_free(b);
			return err_context(err, "%s", f->name);
		}
		opened += !bundle_is_locked(b);
		bundle_free(f->bundle);
		f->bundle = b;
	}
	if (x->n_files > 0 && opened == 0)
		return err_set(err, ERR_KEY_REJECTED,
		    "no password here opens %s; one password a line, all of "
		    "them are tried",
		    x->files[0].name);
	return ERR_OK;
}

enum err_code
slot_password_apply(struct txn *t, struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	enum err_code rc;
	struct node n;
	size_t i;

	for (i = 0; i < x->n_files; i++) {
		const struct slot_file *f = &x->files[i];

		if (bundle_is_locked(f->bundle))
			continue;
		rc = node_get(t, f->ino, &n, err);
		if (rc == ERR_NOT_FOUND ||
		    (rc == ERR_OK && n.n.version != f->version))
			continue; /* removed or written anew since */
		if (rc == ERR_OK)
			rc = put_material(t, f->ino, f->bundle, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (x->n_files == 0)
		return ERR_OK;
	return load_and_pick(t, c->engine, x->kind, c->node.n.org, false, err);
}
