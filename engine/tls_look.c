#include <stdlib.h>
#include <string.h>

#include "engine/tls_priv.h"

static void
one_fini(struct one *o)
{
	size_t i;

	for (i = 0; i < o->n_names; i++)
		free(o->names[i]);
	free(o->names);
	identity_free(o->fresh);
}

void
served_reset(struct tls_served *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		one_fini(&s->list[i]);
	for (i = 0; i < s->n_hosts; i++)
		free(s->hosts[i].name);
	free(s->list);
	free(s->by_parent);
	free(s->hosts);
	*s = (struct tls_served){ .n = 0 };
}

/* Room for one more of size in a list that has n. */
static void *
more(void *list, size_t n, size_t *room, size_t size)
{
	void *p;

	if (n < *room)
		return list;
	p = reallocarray(list, *room * 2 + 16, size);
	if (p != NULL)
		*room = *room * 2 + 16;
	return p;
}

/* ---- what is in effect -------------------------------------------------- */

struct look {
	const struct tls_served *old;
	struct tls_served next;
	int64_t now;
	bool changed;
};

static enum err_code
add_name(struct tls_served *s, uint32_t org, const char *name, struct err *err)
{
	struct host *p = more(s->hosts, s->n_hosts, &s->hosts_room, sizeof(*p));

	if (p != NULL)
		s->hosts = p;
	if (p == NULL || (p[s->n_hosts].name = strdup(name)) == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS names");
	p[s->n_hosts++].org = org;
	return ERR_OK;
}

static enum err_code
add_host(void *arg, uint32_t org, const struct system_url *url, struct err *err)
{
	return add_name(arg, org, url->host, err);
}

/* What the system's certificates are for is nobody else's, also when no url
 * says so any more: enrolled devices keep the one that they got. */
static enum err_code
add_system_names(struct tls_served *s, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i, k;

	for (i = 0; i < s->n && s->list[i].id.org == 0; i++) {
		const struct one *o = &s->list[i];
		const struct one *with = o->old != NULL ? o->old : o;

		for (k = 0; k < with->n_names && rc == ERR_OK; k++)
			rc = add_name(s, 0, with->names[k], err);
	}
	return rc;
}

static int
by_host(const void *a, const void *b)
{
	const struct host *f = a, *g = b;
	int c = strcmp(f->name, g->name);

	return c != 0 ? c : f->org < g->org ? -1 : f->org > g->org;
}

static int
by_parent(const void *a, const void *b)
{
	const struct host *const *f = a, *const *g = b;
	int c = strcmp(host_parent((*f)->name), host_parent((*g)->name));

	return c != 0 ? c : ((*f)->org > (*g)->org) - ((*f)->org < (*g)->org);
}

static enum err_code
sort_hosts(struct tls_served *s, struct err *err)
{
	size_t i;

	if (s->n_hosts == 0)
		return ERR_OK;
	qsort(s->hosts, s->n_hosts, sizeof(*s->hosts), by_host);
	s->by_parent = calloc(s->n_hosts, sizeof(*s->by_parent));
	if (s->by_parent == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS names");
	for (i = 0; i < s->n_hosts; i++)
		s->by_parent[i] = &s->hosts[i];
	qsort(s->by_parent, s->n_hosts, sizeof(*s->by_parent), by_parent);
	return ERR_OK;
}

static enum err_code
find_hosts(struct txn *t, struct tls_served *s, struct err *err)
{
	struct system_url url;
	enum err_code rc = ERR_OK;

	if (system_url_read(t, &url, NULL) == ERR_OK)
		rc = add_host(s, 0, &url, err);
	if (rc == ERR_OK)
		rc = tls_urls(t, add_host, s, err);
	return rc;
}

/* Both lists are in the same order. */
static const struct one *
find_old(const struct tls_served *old, struct slot_id id, uint64_t version)
{
	size_t low = 0, high = old->n, mid;
	const struct one *o;

	/* the self-made one stands behind the others */
	if (id.slot == SLOT_OF_OWN_TLS)
		low = high > 0 ? high - 1 : 0;
	else if (high > 0 && old->list[high - 1].id.slot == SLOT_OF_OWN_TLS)
		high--;
	while (low < high) {
		mid = low + (high - low) / 2;
		o = &old->list[mid];
		if (o->id.org < id.org ||
		    (o->id.org == id.org &&
			(o->id.slot < id.slot ||
			    (o->id.slot == id.slot && o->id.dir < id.dir))))
			low = mid + 1;
		else
			high = mid;
	}
	return low < old->n && old->list[low].version == version
	           ? &old->list[low]
	           : NULL;
}

static enum err_code
copy_names(struct one *o, struct err *err)
{
	const struct cert *leaf = identity_leaf(o->fresh);
	size_t i;
	char *p;

	o->names = calloc(cert_n_names(leaf) + 1, sizeof(*o->names));
	for (i = 0; o->names != NULL && i < cert_n_names(leaf); i++) {
		if (cert_name(leaf, i)->kind != SAN_DNS)
			continue; /* nobody asks for an address by SNI */
		p = strdup(cert_name(leaf, i)->text);
		if (p == NULL)
			return err_set(err, ERR_NO_MEMORY, "HTTPS names");
		o->names[o->n_names++] = p;
		for (; *p != '\0'; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + 32);
	}
	return o->names != NULL ? ERR_OK
	                        : err_set(err, ERR_NO_MEMORY, "HTTPS names");
}

static enum err_code
add_identity(void *arg, struct txn *t, struct slot_id id,
    const struct slot_facts *facts, struct err *err)
{
	struct look *x = arg;
	struct tls_served *s = &x->next;
	struct one *p, o = { .id = id, .version = facts->version };
	enum err_code rc;

	o.ended = facts->expires < x->now;
	if (!o.ended && (s->next_end == 0 || facts->expires < s->next_end))
		s->next_end = facts->expires;
	if (s->n == SERVER_MAX_IDENTITIES - 1) {
		s->beyond++;
		return ERR_OK;
	}
	p = more(s->list, s->n, &s->room, sizeof(*p));
	if (p == NULL)
		return err_set(err, ERR_NO_MEMORY, "HTTPS certificates");
	s->list = p;
	o.old = find_old(x->old, id, o.version);
	if (o.old != NULL && !o.old->given && !o.old->broken)
		o.old = NULL; /* the server has no bytes of it */
	if (o.old != NULL)
		o.broken = o.old->broken;
	s->list[s->n++] = o;
	p = &s->list[s->n - 1];
	if (o.old != NULL)
		return ERR_OK;
	rc = slot_identity(t, id, &p->fresh, err);
	if (rc == ERR_OK)
		return copy_names(p, err);
	/* a damaged one has no names: give() tells of it */
	return rc == ERR_DAMAGED ? ERR_OK : rc;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct look *x = arg;
	struct tls_change change;
	struct tls_state state;
	enum err_code rc = tls_change(t, &change, err);

	served_reset(&x->next);
	if (rc != ERR_OK)
		return rc;
	x->changed = x->old->n == 0 ||
	             change.identities != x->old->change.identities ||
	             change.urls != x->old->change.urls ||
	             (x->old->next_end != 0 && x->old->next_end < x->now);
	if (!x->changed)
		return ERR_OK;
	x->next.change = change;
	if ((rc = find_hosts(t, &x->next, err)) != ERR_OK ||
	    (rc = tls_each(t, add_identity, x, err)) != ERR_OK ||
	    (rc = add_system_names(&x->next, err)) != ERR_OK ||
	    (rc = sort_hosts(&x->next, err)) != ERR_OK ||
	    (rc = tls_state(t, &state, err)) != ERR_OK)
		return rc;
	/* last: it is for those that no other one is for */
	return state.own && state.facts.version != 0
	           ? add_identity(
			 x, t, slot_of(0, SLOT_OF_OWN_TLS), &state.facts, err)
	           : ERR_OK;
}

enum err_code
served_look(struct engine *e, const struct tls_served *old,
    struct tls_served *next, bool *changed, struct err *err)
{
	struct look x = { .old = old, .now = engine_now(e) };
	enum err_code rc = store_view(e->store, look_txn, &x, err);

	if (rc != ERR_OK) {
		served_reset(&x.next);
		return rc;
	}
	*next = x.next;
	*changed = x.changed;
	return ERR_OK;
}

/* The names of those that stayed move over. */
void
served_replace(struct tls_served *old, struct tls_served *next)
{
	size_t i;

	for (i = 0; i < next->n; i++) {
		struct one *o = &next->list[i], *from;

		identity_free(o->fresh);
		o->fresh = NULL;
		if (o->old == NULL)
			continue;
		from = &old->list[o->old - old->list];
		o->names = from->names;
		o->n_names = from->n_names;
		from->names = NULL;
		from->n_names = 0;
		o->old = NULL;
	}
	served_reset(old);
	*old = *next;
	*next = (struct tls_served){ .n = 0 };
}
