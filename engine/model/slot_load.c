#include <stdlib.h>
#include <string.h>

#include "engine/model/orgs.h"
#include "engine/model/removal.h"
#include "engine/model/slot_priv.h"

static const struct slot_kind kinds[] = {
	/* clang-format off */
	{ PLACE_APNS,      PLACE_APNS_FILE,      "apns",    SLOT_OF_APNS,    SLOT_APNS,    false },
	{ PLACE_SIGNING,   PLACE_SIGNING_FILE,   "signing", SLOT_OF_SIGNING, SLOT_SIGNING, false },
	{ PLACE_TLS,       PLACE_TLS_FILE,       "tls",     SLOT_OF_TLS,     SLOT_TLS,     false },
	{ PLACE_TLS_NAMED, PLACE_TLS_NAMED_FILE, "tls",     SLOT_OF_TLS,     SLOT_TLS,     true },
	{ PLACE_VENDOR,    PLACE_VENDOR_FILE,    "vendor",  SLOT_OF_VENDOR,  SLOT_VENDOR,  false },
	/* clang-format on */
};

const struct slot_kind *
slot_kind(enum place place)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].dir == place || kinds[i].file == place)
			return &kinds[i];
	return NULL;
}

const struct slot_kind *
slot_kind_of(struct slot_id id)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].slot == id.slot && kinds[i].named == (id.dir != 0))
			return &kinds[i];
	return NULL;
}

struct slot_id
slot_id_of(const struct slot_kind *kind, const struct file_node *file)
{
	struct slot_id id = slot_of(file->org, kind->slot);

	if (kind->named)
		id.dir = file->parent;
	return id;
}

void
slot_files_fini(struct slot_files *x)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		buf_wipe(&x->files[i].bytes);
		bundle_free(x->files[i].bundle);
	}
	x->n = 0;
}

static struct key
material_key(uint64_t ino)
{
	struct key k = key_of(KIND_MATERIAL);

	key_u64(&k, ino);
	return k;
}

enum err_code
slot_material_put(
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

enum err_code
slot_material_get(
    struct txn *t, uint64_t ino, struct bundle **ret, struct err *err)
{
	struct key k = material_key(ino);
	struct buf b = { 0 };
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK)
		rc = bundle_decode(buf_view(&b), ret, err);
	buf_wipe(&b);
	return rc;
}

enum err_code
slot_material_drop(struct txn *t, uint64_t ino, struct err *err)
{
	struct key k = material_key(ino);

	return txn_drop(t, &k, err);
}

static enum err_code
add_file(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct slot_files *x = arg;
	struct slot_file *f;
	enum err_code rc;

	if (n->n.place != x->kind->file)
		return ERR_OK;
	if (x->n == SLOT_FILES_MAX) {
		*stop = true;
		return ERR_OK;
	}
	f = &x->files[x->n];
	f->ino = n->n.ino;
	f->version = n->n.version;
	f->leaving = n->removal_due != 0;
	memcpy(f->name, n->name, sizeof(f->name));
	if ((rc = slot_material_get(t, n->n.ino, &f->bundle, err)) == ERR_OK)
		x->n++;
	return rc;
}

static enum err_code
add_leaving(void *arg, struct txn *t, const struct node *n, struct err *err)
{
	bool stop;

	return add_file(arg, t, n, &stop, err);
}

static int
by_version(const void *a, const void *b)
{
	const struct slot_file *f = a, *g = b;

	return f->version < g->version ? -1 : f->version > g->version;
}

/* Whether a certificate of the files belongs to that key. */
static bool
wants_key(const struct slot_files *x, const uint8_t *key_id)
{
	size_t i, k;

	for (i = 0; i < x->n; i++)
		for (k = 0; k < bundle_n_certs(x->files[i].bundle); k++)
			if (memcmp(
				cert_key_id(bundle_cert(x->files[i].bundle, k)),
				key_id, KEYSPEC_ID_LEN) == 0)
				return true;
	return false;
}

static enum err_code
add_own_keys(struct txn *t, struct slot_files *x, struct err *err)
{
	struct slot_own_keys keys = { .n = 0 };
	enum err_code rc = slot_keys_list(t, x->id, &keys, err);
	size_t i;

	for (i = 0; i < keys.n && rc == ERR_OK; i++) {
		struct slot_file *f = &x->files[x->n];
		struct pkey *key = NULL;

		if (!wants_key(x, keys.v[i].id))
			continue;
		memset(f, 0, sizeof(*f));
		rc = slot_key_read(t, x->id, keys.v[i].id, &key, err);
		if (rc == ERR_OK)
			rc = bundle_new(key, NULL, 0, &f->bundle, err);
		if (rc == ERR_OK)
			x->n++;
		pkey_free(key);
	}
	return rc;
}

enum err_code
slot_files_load(struct txn *t, struct slot_files *x, struct err *err)
{
	struct node dir;
	enum err_code rc = x->id.dir != 0 ? node_get(t, x->id.dir, &dir, NULL)
	                                  : org_file(t, x->id.org, NULL,
						x->kind->name, &dir, NULL);

	x->n = 0;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_each(t, dir.n.ino, 0, add_file, x, err);
	if (rc == ERR_OK && x->with_leaving)
		rc = removal_each(t, dir.n.ino, add_leaving, x, err);
	if (rc == ERR_OK)
		qsort(x->files, x->n, sizeof(x->files[0]), by_version);
	if (rc == ERR_OK)
		rc = add_own_keys(t, x, err);
	return rc;
}
