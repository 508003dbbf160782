#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/events.h"
#include "engine/tls_priv.h"

/* ---- to the server ------------------------------------------------------ */

struct given {
	struct wire_identity *wire;
	size_t n;
	const char **names; /* of all */
	size_t n_names;
	const char *
	    *valid; /* sorted: those of certificates that have not ended */
	size_t n_valid;
	struct bytes *certs; /* of the fresh ones */
	struct buf *keys;
	size_t n_fresh;
	struct one **order;
};

static void
given_fini(struct given *g)
{
	size_t i;

	for (i = 0; i < g->n_fresh; i++)
		buf_wipe(&g->keys[i]);
	free(g->keys);
	free(g->certs);
	free(g->names);
	free(g->valid);
	free(g->wire);
	free(g->order);
}

/* Those that have ended are last.  The system's, then organizations'; of the system's further ones, the newest
 * first. */
static int
by_precedence(const void *a, const void *b)
{
	const struct one *const *f = a, *const *g = b;
	const struct slot_id *x = &(*f)->id, *y = &(*g)->id;

	if ((*f)->ended != (*g)->ended)
		return (*f)->ended ? 1 : -1;
	if (x->org != y->org)
		return x->org < y->org ? -1 : 1;
	if ((x->dir == 0) != (y->dir == 0))
		return x->dir == 0 ? -1 : 1;
	return (*f)->version > (*g)->version ? -1
	                                     : (*f)->version < (*g)->version;
}

/*
 * Whether an organization's certificate may speak for that name: not for a
 * host that only others have in their url.
 */
static bool
may_serve(const struct tls_served *s, uint32_t org, const char *name)
{
	size_t low = 0, high = s->n_hosts, mid;
	bool known = false;

	if (org == 0)
		return true;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(s->hosts[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->n_hosts && strcmp(s->hosts[low].name, name) == 0;
	     low++) {
		if (s->hosts[low].org == org)
			return true;
		known = true;
	}
	return !known;
}

/*
 * What an organization's certificate with a star speaks for: if the star covers
 * a host of others, too, only for the organization's own, which is returned;
 * NULL: it covers none of its own either.
 */
static const char *
narrow_star(const struct tls_served *s, uint32_t org, const char *star)
{
	size_t low = 0, high = s->n_hosts, mid;
	const char *own = NULL;
	bool others = false;

	if (org == 0)
		return star;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(host_parent(s->by_parent[mid]->name), star + 1) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->n_hosts &&
	       strcmp(host_parent(s->by_parent[low]->name), star + 1) == 0;
	     low++)
		if (s->by_parent[low]->org == org)
			own = s->by_parent[low]->name;
		else
			others = true;
	return others ? own : star;
}

/* The name that it is served for; NULL: for none of that. */
static const char *
served_name(const struct tls_served *s, uint32_t org, const char *name)
{
	if (name[0] == '*')
		return narrow_star(s, org, name);
	return may_serve(s, org, name) ? name : NULL;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *f = a, *const *g = b;

	return strcmp(*f, *g);
}

static bool
valid_has(const struct given *g, const char *name)
{
	return g->n_valid > 0 && bsearch(&name, g->valid, g->n_valid,
				     sizeof(*g->valid), by_name) != NULL;
}

/* A client would refuse one that has ended, whatever its kind of key: it gets
 * one that still goes, also if that has the name by a star alone. */
static bool
gives_way(const struct given *g, const struct one *o, const char *name)
{
	char star[256];

	if (!o->ended)
		return false;
	snprintf(star, sizeof(star), "*%s", host_parent(name));
	return valid_has(g, name) || (name[0] != '*' && valid_has(g, star));
}

static void
give_names(struct given *g, const struct tls_served *s, const struct one *o,
    struct wire_identity *w)
{
	const struct one *with = o->old != NULL ? o->old : o;
	const char *name;
	size_t i;

	w->names = g->names + g->n_names;
	for (i = 0; i < with->n_names; i++) {
		name = served_name(s, o->id.org, with->names[i]);
		if (name == NULL || gives_way(g, o, name))
			continue;
		g->names[g->n_names++] = name;
		w->n_names++;
	}
}

static enum err_code
give_bytes(struct given *g, const struct one *o, struct wire_identity *w,
    struct err *err)
{
	struct bytes *certs = g->certs + g->n_fresh * IDENTITY_MAX_CHAIN;
	struct buf *key = &g->keys[g->n_fresh++];
	size_t i;
	enum err_code rc = pkey_encode(identity_key(o->fresh), key, err);

	if (rc != ERR_OK)
		return rc;
	w->key = buf_view(key);
	w->certs = certs;
	w->n_certs = identity_n_sent(o->fresh);
	for (i = 0; i < w->n_certs; i++)
		certs[i] = cert_der(identity_cert(o->fresh, i));
	return ERR_OK;
}

static bool
given_reserve(struct given *g, const struct tls_served *s)
{
	size_t i, names = 0, fresh = 0;

	for (i = 0; i < s->n; i++) {
		const struct one *o = &s->list[i];

		names += o->old != NULL ? o->old->n_names : o->n_names;
		fresh += o->fresh != NULL;
	}
	g->wire = calloc(s->n + 2, sizeof(*g->wire));
	g->order = calloc(s->n + 1, sizeof(*g->order));
	g->names = calloc(names + 1, sizeof(*g->names));
	g->valid = calloc(names + 1, sizeof(*g->valid));
	g->certs = calloc(fresh * IDENTITY_MAX_CHAIN + 1, sizeof(*g->certs));
	g->keys = calloc(fresh + 1, sizeof(*g->keys));
	return g->wire != NULL && g->order != NULL && g->names != NULL &&
	       g->valid != NULL && g->certs != NULL && g->keys != NULL;
}

/* What has been given so far is what certificates that have not ended are for. */
static void
note_valid(struct given *g)
{
	memcpy(g->valid, g->names, g->n_names * sizeof(*g->names));
	g->n_valid = g->n_names;
	qsort(g->valid, g->n_valid, sizeof(*g->valid), by_name);
}

static enum err_code
given_fill(struct given *g, struct tls_served *s, struct err *err)
{
	size_t i, n = 0;
	enum err_code rc = ERR_OK;

	if (!given_reserve(g, s))
		return err_set(err, ERR_NO_MEMORY, "HTTPS certificates");
	for (i = 0; i < s->n; i++)
		if (!s->list[i].broken)
			g->order[n++] = &s->list[i];
	if (n > 0)
		qsort(g->order, n, sizeof(*g->order), by_precedence);
	for (i = 0; i < n && rc == ERR_OK; i++) {
		struct one *o = g->order[i];
		struct wire_identity w = { .version = o->version }, listed;
		bool for_all = o->id.org == 0 && o->id.dir == 0;

		if (o->fresh != NULL)
			rc = give_bytes(g, o, &w, err);
		listed = w;
		if (o->ended && (i == 0 || !g->order[i - 1]->ended))
			note_valid(g);
		if (o->id.slot == SLOT_OF_TLS)
			give_names(g, s, o, &listed);
		if (listed.n_names > 0)
			g->wire[g->n++] = listed;
		if (for_all)
			g->wire[g->n++] = w;
		o->given = for_all || listed.n_names > 0;
	}
	return rc;
}

/* ---- what cannot be served ---------------------------------------------- */

struct told {
	const struct engine *engine;
	struct slot_id id;
	size_t beyond;
	const char *why;
};

static enum err_code
tell_txn(struct txn *t, void *arg, struct err *err)
{
	const struct told *x = arg;
	struct buf path = { 0 };
	enum err_code rc;

	if (x->why == NULL)
		return event_record(t, x->engine, 0, err,
		    "tls: %d certificates are served at most, and %zu more "
		    "are in effect: those of the newest organizations are not "
		    "served, clients of their names get the one of system/tls",
		    SERVER_MAX_IDENTITIES - 1, x->beyond);
	tls_path(t, x->id, &path);
	rc = event_record(t, x->engine, x->id.org, err,
	    "tls: the certificate in %s is not served: %s", buf_str(&path),
	    x->why);
	buf_free(&path);
	return rc;
}

static enum err_code
give_up(struct engine *e, struct one *o, const char *why, struct err *err)
{
	struct told x = { .engine = e, .id = o->id, .why = why };

	o->broken = true;
	return store_update(e->store, tell_txn, &x, err);
}

/* Those that the server does not take are told and left out: they must not
 * take the others down. */
static enum err_code
leave_out(struct engine *e, struct tls_served *s, bool *found, struct err *err)
{
	struct err why = { 0 };
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < s->n && rc == ERR_OK; i++) {
		struct one *o = &s->list[i];
		struct bytes certs[IDENTITY_MAX_CHAIN];
		struct buf key = { 0 };
		struct given g = { .certs = certs, .keys = &key };
		struct wire_identity w = { .n_names = 0 };

		if (o->broken || o->fresh == NULL)
			continue;
		rc = give_bytes(&g, o, &w, &why);
		if (rc == ERR_OK)
			rc = server_check_identity(&w, &why);
		buf_wipe(&key);
		if (rc == ERR_OK || rc == ERR_NO_MEMORY)
			continue;
		*found = true;
		rc = give_up(e, o, why.msg, err);
	}
	return rc;
}

static enum err_code
give(struct engine *e, struct server *server, struct tls_served *s,
    bool tell_beyond, struct err *err)
{
	struct told beyond = { .engine = e, .beyond = s->beyond };
	bool again = true;
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < s->n && rc == ERR_OK; i++)
		if (s->list[i].old == NULL && s->list[i].fresh == NULL)
			rc = give_up(e, &s->list[i], "it cannot be read", err);
	while (rc == ERR_OK && again) {
		struct given g = { .n = 0 };

		again = false;
		rc = given_fill(&g, s, err);
		if (rc == ERR_OK)
			rc = server_set_identities(server, g.wire, g.n, err);
		given_fini(&g);
		if (rc == ERR_INVALID || rc == ERR_KEY_REJECTED) {
			rc = leave_out(e, s, &again, err);
			if (rc == ERR_OK && !again)
				rc = err_set(err, ERR_INTERNAL,
				    "the certificates are not taken");
		}
	}
	if (rc == ERR_OK && tell_beyond)
		rc = store_update(e->store, tell_txn, &beyond, err);
	return rc;
}

enum err_code
tls_serve(struct engine *e, struct server *server, struct tls_served **served,
    struct err *err)
{
	struct tls_served next = { .n = 0 };
	bool changed = false;
	enum err_code rc;

	if (*served == NULL && (*served = calloc(1, sizeof(**served))) == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS certificates");
	rc = served_look(e, *served, &next, &changed, err);
	if (rc == ERR_OK && changed)
		rc = give(
		    e, server, &next, next.beyond > (*served)->beyond, err);
	if (rc == ERR_OK && changed)
		served_replace(*served, &next);
	served_reset(&next);
	return rc;
}

void
tls_served_free(struct tls_served *served)
{
	if (served == NULL)
		return;
	served_reset(served);
	free(served);
}
