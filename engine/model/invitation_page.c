/* What people see of invitations: include/mdmfs/invitation.h. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/model/invitations_priv.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"

struct listing {
	struct engine *engine;
	uint32_t org;
	const char *name;
	uint64_t dir;
	struct file_node node;
	struct buf b;
	uint64_t ino;
};

/* ---- names -------------------------------------------------------------- */

static enum err_code
dir_txn(struct txn *t, void *arg, struct err *err)
{
	struct listing *l = arg;
	struct node dir, n;
	enum err_code rc =
	    org_file(t, l->org, "enrollment", "invitations", &dir, err);

	if (rc == ERR_OK)
		l->dir = dir.n.ino;
	if (rc != ERR_OK || l->name == NULL)
		return rc;
	rc = node_find(t, dir.n.ino, l->name, &n, err);
	if (rc == ERR_OK && n.n.place != PLACE_INVITATION)
		return err_set(err, ERR_NOT_FOUND, "no invitation");
	if (rc == ERR_OK)
		l->node = n.n;
	return rc;
}

enum err_code
invitation_find(struct engine *e, uint32_t org, const char *name,
    struct file_node *ret, struct err *err)
{
	struct listing l = { .org = org, .name = name };
	enum err_code rc = store_view(e->store, dir_txn, &l, err);

	if (rc == ERR_OK)
		*ret = l.node;
	return rc;
}

struct filter {
	file_entry_fn *fn;
	void *arg;
};

static bool
pass_on(
    void *arg, const char *name, const struct file_node *node, uint64_t cookie)
{
	struct filter *f = arg;

	return node->place != PLACE_INVITATION ||
	       f->fn(f->arg, name, node, cookie);
}

enum err_code
invitation_list(struct engine *e, uint32_t org, uint64_t after,
    file_entry_fn *fn, void *arg, struct err *err)
{
	struct listing l = { .org = org };
	struct filter f = { fn, arg };
	enum err_code rc = store_view(e->store, dir_txn, &l, err);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	return rc == ERR_OK ? file_list(e, l.dir, after, pass_on, &f, err) : rc;
}

/* ---- the page ----------------------------------------------------------- */

static void
line(struct buf *b, const char *key, const char *text)
{
	if (text[0] == '\0')
		return;
	buf_printf(b, "%s: ", key);
	text_escape(b, bytes_text(text));
	buf_char(b, '\n');
}

/* https://mdm.example.com/enroll/acme?invitation=CODE */
static void
line_link(struct txn *t, uint32_t org, const char *code, struct buf *b)
{
	struct system_url url;
	struct org o;

	if (org_read(t, org, &o, NULL) != ERR_OK ||
	    org_url_read(t, org, &url, NULL) != ERR_OK) {
		buf_text(b, "link: none: system/url is missing\n");
		return;
	}
	buf_printf(b, "link: %s/enroll/", url.text);
	text_url(b, o.name);
	buf_printf(b, "?invitation=%s\n", code);
}

static void
lines_notes(const struct invitation_state *s, struct buf *b)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct invitation_note *n = &s->notes[i];

		buf_text(b, n->device[0] == '\0' ? "used: " : "device: ");
		if (n->device[0] != '\0')
			buf_printf(b, "%s ", n->device);
		text_time(b, n->at);
		if (n->device[0] == '\0')
			buf_printf(b, " from %s", n->from);
		buf_char(b, '\n');
	}
}

static void
write_page(struct txn *t, const struct node *n,
    const struct invitation_terms *terms, const struct invitation_state *s,
    struct listing *l)
{
	int64_t ends = invitation_ends(terms, s);
	const char *state = s->used >= terms->uses          ? "used"
	                    : ends <= engine_now(l->engine) ? "ended"
	                                                    : "good";

	buf_printf(&l->b, "state: %s\n", state);
	line_link(t, n->n.org, s->code, &l->b);
	buf_printf(&l->b, "code: %s\nends: ", s->code);
	text_time(&l->b, ends);
	buf_printf(&l->b, "\nuses: %u of %u\n", s->used, terms->uses);
	line(&l->b, "user", terms->user);
	line(&l->b, "serial", terms->serial);
	line(&l->b, "note", terms->note);
	lines_notes(s, &l->b);
}

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct listing *l = arg;
	struct invitation_terms terms;
	struct invitation_state s;
	struct node n;
	enum err_code rc = node_get(t, l->ino, &n, err);

	buf_reset(&l->b);
	if (rc == ERR_OK &&
	    (n.removal_due != 0 || n.n.place != PLACE_INVITATION))
		rc = err_set(err, ERR_NOT_FOUND, "the invitation was removed");
	if (rc == ERR_OK)
		rc = invitation_terms_of(t, &n, &terms, err);
	if (rc == ERR_OK)
		rc = invitation_state_read(t, l->ino, &s, err);
	if (rc != ERR_OK)
		return rc;
	write_page(t, &n, &terms, &s, l);
	OPENSSL_cleanse(&s, sizeof(s));
	return ERR_OK;
}

enum err_code
invitation_page(struct engine *e, uint64_t ino, struct buf *b, struct err *err)
{
	struct listing l = { .engine = e, .ino = ino };
	enum err_code rc = store_view(e->store, page_txn, &l, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&l.b));
		rc = buf_error(b, err);
	}
	buf_wipe(&l.b);
	return rc;
}
