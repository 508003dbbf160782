#include "engine/scep/authority.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/slots.h"

/* More organizations than this share places; the last one used stays. */
#define PLACES 256

struct kept {
	uint32_t org; /* 0: the place is free */
	uint64_t version;
	struct identity *ca;
};

struct authorities {
	struct engine *engine;
	pthread_mutex_t mutex;
	struct kept kept[PLACES]; /* protected by mutex */
};

enum err_code
authorities_new(struct engine *e, struct authorities **ret, struct err *err)
{
	struct authorities *a = calloc(1, sizeof(*a));

	if (a == NULL || pthread_mutex_init(&a->mutex, NULL) != 0) {
		free(a);
		return err_set(err, ERR_NO_MEMORY, "SCEP");
	}
	a->engine = e;
	*ret = a;
	return ERR_OK;
}

void
authorities_free(struct authorities *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < PLACES; i++)
		identity_free(a->kept[i].ca);
	pthread_mutex_destroy(&a->mutex);
	free(a);
}

/* The one that is kept, counted once more; NULL: none of that version. */
static struct identity *
recall(struct authorities *a, uint32_t org, uint64_t version)
{
	struct kept *k = &a->kept[org % PLACES];
	struct identity *ca = NULL;

	pthread_mutex_lock(&a->mutex);
	if (k->org == org && k->version == version)
		ca = identity_ref(k->ca);
	pthread_mutex_unlock(&a->mutex);
	return ca;
}

static void
keep(struct authorities *a, uint32_t org, uint64_t version, struct identity *ca)
{
	struct kept *k = &a->kept[org % PLACES];
	struct identity *old;

	pthread_mutex_lock(&a->mutex);
	old = k->ca;
	*k = (struct kept){ org, version, identity_ref(ca) };
	pthread_mutex_unlock(&a->mutex);
	identity_free(old);
}

struct find {
	struct authorities *a;
	const char *name;
	struct org org;
	uint64_t version;    /* of its CA; 0: it has none yet */
	struct identity *ca; /* counted */
	bool is_new;         /* not out of the cache */
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;
	struct slot_facts facts;
	enum err_code rc = org_by_name(t, f->name, &f->org, err);

	identity_free(f->ca);
	f->ca = NULL;
	f->is_new = false;
	if (rc != ERR_OK ||
	    (rc = slot_facts(
		 t, slot_of(f->org.number, SLOT_OF_CA), &facts, err)) != ERR_OK)
		return rc;
	f->version = facts.version;
	if (f->version == 0)
		return ERR_OK;
	f->ca = recall(f->a, f->org.number, f->version);
	if (f->ca != NULL)
		return ERR_OK;
	f->is_new = true;
	return slot_identity(
	    t, slot_of(f->org.number, SLOT_OF_CA), &f->ca, err);
}

/* A CA that the organization did not have. */
static enum err_code
make(struct find *f, struct err *err)
{
	struct identity *ca = NULL;
	enum err_code rc = slot_ca(f->a->engine, f->org.number, &ca, err);

	identity_free(ca);
	if (rc == ERR_OK) /* again, for its version */
		rc = store_view(f->a->engine->store, find_txn, f, err);
	return rc;
}

enum err_code
authority_find(struct authorities *a, const char *name, struct authority *ret,
    struct err *err)
{
	struct find f = { .a = a, .name = name };
	enum err_code rc = store_view(a->engine->store, find_txn, &f, err);

	if (rc == ERR_OK && f.ca == NULL)
		rc = make(&f, err);
	if (rc == ERR_OK && f.ca == NULL)
		rc = err_set(err, ERR_DAMAGED,
		    "the CA of organization %s was made, but is not there",
		    f.org.name);
	if (rc != ERR_OK) {
		identity_free(f.ca);
		return rc;
	}
	if (f.is_new)
		keep(a, f.org.number, f.version, f.ca);
	*ret = (struct authority){ f.org.number, f.ca };
	return ERR_OK;
}
