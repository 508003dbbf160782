/* Lists of a device as files: NAME.plist, NAME.tsv. */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/answers_priv.h"
#include "engine/pki/pem.h"

#define COLUMNS_MAX 64
#define COLUMN_MAX  80 /* bytes of a name that only the device knows */

static struct key
list_key(uint32_t device, const char *name, size_t len)
{
	struct key k = key_of(KIND_LIST);

	key_u32(&k, device);
	key_bytes(&k, bytes_of(name, len));
	return k;
}

bool
answer_file(const char *name, enum answer_form *form, size_t *len)
{
	static const char *const endings[] = { [ANSWER_PLIST] = ".plist",
		[ANSWER_TSV] = ".tsv",
		[ANSWER_PEM] = ".pem" };
	size_t n = strlen(name), e, i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		e = strlen(endings[i]);
		if (n <= e || n - e > FACT_KEY_MAX ||
		    strcmp(name + n - e, endings[i]) != 0)
			continue;
		*form = (enum answer_form)i;
		*len = n - e;
		return true;
	}
	return false;
}

/* What is an array of certificates, the device's own first. */
static bool
is_chain(const char *name, size_t len)
{
	static const char chain[] = "DevicePropertiesAttestation";

	return len == sizeof(chain) - 1 && memcmp(name, chain, len) == 0;
}

/* ---- columns ------------------------------------------------------------ */

struct table {
	struct buf *b;
	const char *first; /* heading of the row's name; NULL: it has none */
	char columns[COLUMNS_MAX][COLUMN_MAX];
	size_t n;
};

static void
add_column(struct table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->columns[i], name) == 0)
			return;
	if (t->n < COLUMNS_MAX && strlen(name) < COLUMN_MAX &&
	    text_is_clean(bytes_text(name)))
		snprintf(t->columns[t->n++], COLUMN_MAX, "%s", name);
}

/* What fits into a field: scalars and lists of them. */
static bool
is_field(const struct pl *value)
{
	enum pl_type type = pl_type(value);

	if (type == PL_ARRAY)
		type = pl_type(pl_array_at(value, 0));
	return type != PL_DICT && type != PL_ARRAY && type != PL_NONE;
}

static bool
is_field_key(const struct schema_key *key)
{
	const struct schema_key *k =
	    key->vtype == SCHEMA_ARRAY ? key->items : key;

	return k != NULL && !key->wild && k->vtype != SCHEMA_DICTIONARY &&
	       k->vtype != SCHEMA_ARRAY;
}

/* The key that a dotted name leads to below list, without its prefix. */
static const struct schema_key *
walk(const struct schema_key *list, const char *name)
{
	const struct schema_key *key = NULL;
	char part[COLUMN_MAX];
	size_t n;

	for (; *name != '\0'; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		if (n >= sizeof(part))
			return NULL;
		snprintf(part, sizeof(part), "%.*s", (int)n, name);
		key = schema_key(list, part);
		if (key == NULL || key->wild)
			return NULL;
		list = key->keys;
	}
	return key;
}

/* The array or dictionary that was kept under name, in the schema. */
static const struct schema_key *
key_of_list(const struct schema *schema, const char *name)
{
	const struct answer_row *row;
	const struct schema_key *key;
	const struct schema_type *type;

	for (row = answer_rows; row->type != NULL; row++) {
		type = schema_find(schema, SCHEMA_RESPONSES, row->type);
		if (type == NULL)
			continue;
		key = row->key[0] == '\0'
		          ? &type->root
		          : schema_key(type->root.keys, row->key);
		if (row->how != ANSWER_FACTS && strcmp(row->name, name) == 0)
			return key;
		if (row->how == ANSWER_FACTS && key != NULL &&
		    strncmp(name, row->name, strlen(row->name)) == 0 &&
		    walk(key->keys, name + strlen(row->name)) != NULL)
			return walk(key->keys, name + strlen(row->name));
	}
	return NULL;
}

/* The schema's columns first, in its order and also where nothing was told, so
 * that scripts find them. */
static void
schema_columns(struct table *t, const struct schema *schema, const char *name)
{
	const struct schema_key *key = key_of_list(schema, name), *k = NULL;

	if (key != NULL && key->vtype == SCHEMA_ARRAY && key->items != NULL)
		k = key->items->keys;
	else if (key != NULL && key->keys != NULL)
		k = key->keys->keys;
	for (; k != NULL; k = k->next)
		if (is_field_key(k))
			add_column(t, k->name);
}

static bool
told_column(void *arg, const char *key, struct pl *value)
{
	if (is_field(value))
		add_column(arg, key);
	return true;
}

/* ---- rows --------------------------------------------------------------- */

static void
put_scalar(struct buf *b, const struct pl *value)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct bytes data = pl_data(value);

	if (pl_type(value) != PL_DATA) {
		fact_text(value, b);
		return;
	}
	/* for a certificate: its fingerprint */
	SHA256(data.p, data.len, hash);
	buf_text(b, "sha256:");
	text_hex(b, bytes_of(hash, sizeof(hash)));
}

static void
put_field(struct buf *b, const struct pl *value)
{
	size_t i;

	if (pl_type(value) != PL_ARRAY) {
		put_scalar(b, value);
		return;
	}
	for (i = 0; i < pl_array_len(value); i++) {
		if (i > 0)
			buf_char(b, ',');
		put_scalar(b, pl_array_at(value, i));
	}
}

static bool
put_row(void *arg, const char *name, struct pl *row)
{
	const struct table *t = arg;
	size_t i;

	if (t->first != NULL)
		text_escape(t->b, bytes_text(name));
	for (i = 0; i < t->n; i++) {
		if (i > 0 || t->first != NULL)
			buf_char(t->b, '\t');
		if (is_field(pl_dict_get(row, t->columns[i])))
			put_field(t->b, pl_dict_get(row, t->columns[i]));
	}
	buf_char(t->b, '\n');
	return true;
}

static void
put_heading(const struct table *t)
{
	size_t i;

	if (t->first != NULL)
		buf_text(t->b, t->first);
	for (i = 0; i < t->n; i++)
		buf_printf(t->b, "%s%s", i > 0 || t->first != NULL ? "\t" : "",
		    t->columns[i]);
	buf_char(t->b, '\n');
}

static bool
told_columns(void *arg, const char *name, struct pl *row)
{
	(void)name;
	pl_dict_each(row, told_column, arg);
	return true;
}

static void
put_table(struct table *t, const struct pl *list)
{
	size_t i, n = pl_array_len(list);

	if (t->n == 0 && n > 0 && pl_type(pl_array_at(list, 0)) != PL_DICT) {
		for (i = 0; i < n; i++) {
			if (is_field(pl_array_at(list, i)))
				put_field(t->b, pl_array_at(list, i));
			buf_char(t->b, '\n');
		}
		return;
	}

	pl_dict_each(list, told_columns, t);
	for (i = 0; i < n; i++)
		told_columns(t, "", pl_array_at(list, i));
	put_heading(t);
	pl_dict_each(list, put_row, t);
	for (i = 0; i < n; i++)
		put_row(t, "", pl_array_at(list, i));
}

/* ---- Restrictions ------------------------------------------------------- */

/* One line a restriction: its profile ("" for the effective ones), its kind,
 * its name, the value. */
struct restrictions {
	struct buf *b;
	const char *profile;
	const char *kind;
};

static bool
restriction(void *arg, const char *name, struct pl *value)
{
	const struct restrictions *r = arg;
	const struct pl *v = pl_dict_get(value, "value");

	if (v == NULL)
		v = pl_dict_get(value, "values");
	text_escape(r->b, bytes_text(r->profile));
	buf_char(r->b, '\t');
	text_escape(r->b, bytes_text(r->kind));
	buf_char(r->b, '\t');
	text_escape(r->b, bytes_text(name));
	buf_char(r->b, '\t');
	if (is_field(v))
		put_field(r->b, v);
	buf_char(r->b, '\n');
	return true;
}

static bool
restriction_kind(void *arg, const char *kind, struct pl *dict)
{
	struct restrictions *r = arg;

	r->kind = kind;
	pl_dict_each(dict, restriction, r);
	return true;
}

static bool
restriction_profile(void *arg, const char *profile, struct pl *dict)
{
	struct restrictions *r = arg;

	r->profile = profile;
	pl_dict_each(dict, restriction_kind, r);
	return true;
}

static void
put_restrictions(struct buf *b, const struct pl *both)
{
	struct restrictions r = { b, "", "" };

	buf_text(b, "Profile\tKind\tRestriction\tValue\n");
	pl_dict_each(
	    pl_get_dict(both, "GlobalRestrictions"), restriction_kind, &r);
	pl_dict_each(
	    pl_get_dict(both, "ProfileRestrictions"), restriction_profile, &r);
}

/* ---- files -------------------------------------------------------------- */

enum err_code
answer_page(struct txn *t, const struct schema *schema, uint32_t device,
    const char *file, struct buf *b, struct err *err)
{
	char name[FACT_KEY_MAX + 1];
	struct table *table = NULL;
	struct pl *list = NULL;
	enum answer_form form;
	struct bytes value;
	struct key k;
	size_t len, i;
	enum err_code rc = ERR_NOT_FOUND;

	if (answer_file(file, &form, &len) &&
	    (form == ANSWER_PLIST ||
		is_chain(file, len) == (form == ANSWER_PEM))) {
		k = list_key(device, file, len);
		rc = txn_get(t, key_view(&k), &value, NULL);
	}
	if (rc != ERR_OK)
		return err_set(
		    err, rc, "the device has not told its %.128s", file);
	if ((rc = pl_parse(value, &list, err)) != ERR_OK)
		return rc;
	snprintf(name, sizeof(name), "%.*s", (int)len, file);
	if (form == ANSWER_PLIST) {
		pl_write_xml(list, b);
	} else if (form == ANSWER_PEM) {
		for (i = 0; i < pl_array_len(list); i++)
			pem_put(
			    b, "CERTIFICATE", pl_data(pl_array_at(list, i)));
	} else if (strcmp(name, "Restrictions") == 0) {
		put_restrictions(b, list);
	} else if ((table = calloc(1, sizeof(*table))) != NULL) {
		table->b = b;
		table->first = pl_type(list) == PL_DICT ? "Name" : NULL;
		schema_columns(table, schema, name);
		put_table(table, list);
		free(table);
	} else {
		rc = err_set(err, ERR_NO_MEMORY, "a list");
	}
	pl_free(list);
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

struct files {
	answer_list_fn *fn;
	void *arg;
};

static enum err_code
file_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const char *const endings[] = { "plist",
		is_chain((const char *)key.p + 5, key.len - 5) ? "pem"
							       : "tsv" };
	const struct files *f = arg;
	char name[FACT_KEY_MAX + 8];
	size_t i;

	(void)value;
	(void)err;
	for (i = 0; i < 2 && !*stop; i++) {
		snprintf(name, sizeof(name), "%.*s.%s", (int)key.len - 5,
		    (const char *)key.p + 5, endings[i]);
		*stop = !f->fn(f->arg, name);
	}
	return ERR_OK;
}

enum err_code
answer_files(struct txn *t, uint32_t device, answer_list_fn *fn, void *arg,
    struct err *err)
{
	struct files f = { fn, arg };
	struct key k = list_key(device, "", 0);

	return txn_each(t, key_view(&k), BYTES_NONE, file_one, &f, err);
}
