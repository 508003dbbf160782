#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/slot_priv.h"

/* What a change of the slot needs to know. */
struct slot_context {
	struct slot_files slot; /* the file itself, or those that were locked */
	struct buf secrets; /* the passwords' text, which lines point into */
	char *passwords[BUNDLE_MAX_PASSWORDS];
	size_t n_passwords;
	const char *only; /* FILE of FILE.password; NULL: all */
};

static void
context_free(struct slot_context *x)
{
	if (x == NULL)
		return;
	buf_wipe(&x->secrets);
	slot_files_fini(&x->slot);
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
	x->slot.kind = slot_kind(c->parent.n.place);
	if (x->slot.kind == NULL)
		return err_set(err, ERR_INTERNAL, "not an identity slot");
	return ERR_OK;
}

/* Each line of text is a password; point at them once the text is whole. */
static void
split_passwords(struct slot_context *x)
{
	char *p, *end;

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
	struct slot_file *f = &x->slot.files[0];
	enum err_code rc = bundle_parse(c->w->bytes,
	    (const char *const *)x->passwords, x->n_passwords, &f->bundle, err);

	if (rc != ERR_OK)
		return rc;
	x->slot.n = 1;
	return slot_judge_file(x->slot.kind->purpose, f->bundle, c->now, err);
}

enum err_code
slot_judge_early(
    enum place place, const struct bundle *b, int64_t now, struct err *err)
{
	return slot_judge_prefix(slot_kind(place)->purpose, b, now, err);
}

/* What of the file just written is not in use, for the event: else a PFX
 * without its key would be accepted without a word. */
static enum err_code
note_waiting(
    struct txn *t, struct change *c, struct slot_files *all, struct err *err)
{
	const struct bundle *bundles[SLOT_FILES_MAX + SLOT_KEYS_MAX];
	struct identity *in_use = NULL;
	struct buf lines = { 0 };
	struct bytes rest, line;
	enum err_code rc;
	size_t i, own = SIZE_MAX;

	if ((rc = slot_files_load(t, all, err)) != ERR_OK)
		return rc;
	rc = slot_identity(t, all->id, &in_use, NULL);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "identity: %s", err_text(rc));
	for (i = 0; i < all->n; i++) {
		bundles[i] = all->files[i].bundle;
		if (all->files[i].ino == c->node.n.ino)
			own = i;
	}
	if (own != SIZE_MAX)
		slot_waiting_of(
		    all->kind->purpose, bundles, all->n, own, in_use, &lines);
	rest = buf_view(&lines);
	if (text_line(&rest, &line))
		snprintf(c->note, sizeof(c->note), "%.*s",
		    text_fit(line, (int)sizeof(c->note) - 1),
		    (const char *)line.p);
	rc = buf_error(&lines, err);
	buf_free(&lines);
	identity_free(in_use);
	return rc;
}

static enum err_code
tell_waiting(struct txn *t, struct change *c, const struct slot_kind *kind,
    struct err *err)
{
	struct slot_files *all = calloc(1, sizeof(*all));
	enum err_code rc;

	if (all == NULL)
		return err_set(err, ERR_NO_MEMORY, "slot");
	all->kind = kind;
	all->id = slot_id_of(kind, &c->node.n);
	rc = note_waiting(t, c, all, err);
	slot_files_fini(all);
	free(all);
	return rc;
}

enum err_code
slot_file_apply(struct txn *t, struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	const struct bundle *own = x->slot.files[0].bundle;
	enum err_code rc;

	if (c->before != 0 && c->before != c->node.n.ino) {
		rc = slot_material_drop(t, c->before, err);
		if (rc != ERR_OK)
			return rc;
	}
	if ((rc = slot_material_put(t, c->node.n.ino, own, err)) != ERR_OK ||
	    (rc = slot_request_judge_answer(t, x->slot.kind,
		 slot_id_of(x->slot.kind, &c->node.n), own, err)) != ERR_OK)
		return rc;
	rc = slot_repick(t, c->engine, x->slot.kind,
	    slot_id_of(x->slot.kind, &c->node.n), false, err);
	if (rc != ERR_OK)
		return rc;
	if (!bundle_is_locked(own))
		return tell_waiting(t, c, x->slot.kind, err);
	snprintf(c->note, sizeof(c->note),
	    "it is locked and waits for its password: write it into "
	    "%s.password or password beside it",
	    c->w->name);
	return ERR_OK;
}

enum err_code
slot_file_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	const struct slot_kind *kind = slot_kind(n->n.place);
	enum err_code rc = slot_material_drop(t, n->n.ino, err);

	if (rc == ERR_OK)
		rc =
		    slot_repick(t, e, kind, slot_id_of(kind, &n->n), true, err);
	return rc;
}

/* ---- a password --------------------------------------------------------- */

/* The bytes of a locked file, for which the password may have come. */
static enum err_code
add_locked(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct slot_context *x = arg;
	struct slot_file *f = &x->slot.files[x->slot.n];
	enum err_code rc;

	(void)stop;
	if (n->n.place != x->slot.kind->file || x->slot.n == SLOT_FILES_MAX ||
	    (x->only != NULL && strcmp(x->only, n->name) != 0))
		return ERR_OK;
	if ((rc = slot_material_get(t, n->n.ino, &f->bundle, err)) != ERR_OK)
		return rc;
	if (bundle_is_locked(f->bundle)) {
		f->ino = n->n.ino;
		f->version = n->n.version;
		memcpy(f->name, n->name, sizeof(f->name));
		if ((rc = node_get_content(t, n, &f->bytes, err)) == ERR_OK) {
			x->slot.n++;
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
	for (i = 0; i < x->slot.n; i++) {
		struct slot_file *f = &x->slot.files[i];
		struct bundle *b = NULL;

		rc = bundle_parse(buf_view(&f->bytes),
		    (const char *const *)x->passwords, x->n_passwords, &b, err);
		if (rc == ERR_OK && !bundle_is_locked(b))
			rc = slot_judge_file(
			    x->slot.kind->purpose, b, c->now, err);
		if (rc != ERR_OK) {
			bundle_free(b);
			return err_context(err, "%s", f->name);
		}
		opened += !bundle_is_locked(b);
		bundle_free(f->bundle);
		f->bundle = b;
	}
	if (x->slot.n > 0 && opened == 0)
		return err_set(err, ERR_KEY_REJECTED,
		    "no password here opens %s; one password a line, all of "
		    "them are tried",
		    x->slot.files[0].name);
	return ERR_OK;
}

enum err_code
slot_password_apply(struct txn *t, struct change *c, struct err *err)
{
	struct slot_context *x = c->context;
	enum err_code rc;
	struct node n;
	size_t i;

	for (i = 0; i < x->slot.n; i++) {
		const struct slot_file *f = &x->slot.files[i];

		if (bundle_is_locked(f->bundle))
			continue;
		rc = node_get(t, f->ino, &n, err);
		if (rc == ERR_NOT_FOUND ||
		    (rc == ERR_OK && n.n.version != f->version))
			continue; /* removed or written anew since */
		if (rc == ERR_OK)
			rc = slot_material_put(t, f->ino, f->bundle, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (x->slot.n == 0)
		return ERR_OK;
	return slot_repick(t, c->engine, x->slot.kind,
	    slot_id_of(x->slot.kind, &c->node.n), false, err);
}
