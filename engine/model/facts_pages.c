#include <stdlib.h>
#include <string.h>

#include "engine/model/answers.h"

static struct key
prefix_of(enum kind kind, uint32_t device)
{
	struct key k = key_of(kind);

	key_u32(&k, device);
	return k;
}

struct ask {
	struct txn *t;
	uint32_t device;
	const char *key;
	struct buf text;
	device_info_fn *info;
	device_secret_fn *secret;
	device_serial_fn *serial;
	void *arg;
	uint32_t after;
	struct pl *dict;
	const struct schema *schema;
	bool stopped;
	uint32_t n; /* how many records were read */
};

static enum err_code
info_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;

	buf_reset(&a->text);
	if (a->schema != NULL)
		return answer_page(
		    t, a->schema, a->device, a->key, &a->text, err);
	return fact_get(t, a->device, a->key, &a->text, err);
}

/* The text with a newline behind it, as a file. */
static enum err_code
read_line(struct engine *e, txn_fn *fn, struct ask *a, bool newline,
    struct buf *b, struct err *err)
{
	enum err_code rc = store_view(e->store, fn, a, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&a->text));
		if (newline)
			buf_char(b, '\n');
		rc = buf_error(b, err);
	}
	buf_wipe(&a->text);
	return rc;
}

enum err_code
device_info(struct engine *e, uint32_t device, const char *key, struct buf *b,
    struct err *err)
{
	struct ask a = { .device = device, .key = key };
	enum answer_form form;
	size_t len;
	bool list = answer_file(key, &form, &len);
	enum err_code rc;

	if (list)
		a.schema = engine_schema(e);
	rc = read_line(e, info_txn, &a, !list, b, err);
	schema_free(a.schema);
	return rc;
}

static enum err_code
secret_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;

	buf_reset(&a->text);
	return secret_get(t, a->device, a->key, &a->text, err);
}

enum err_code
device_secret(struct engine *e, uint32_t device, const char *name,
    struct buf *b, struct err *err)
{
	struct ask a = { .device = device, .key = name };

	return read_line(e, secret_txn, &a, false, b, err);
}

/* The name behind kind and device in a key, NUL-terminated. */
static void
name_of(struct bytes key, char name[static FACT_KEY_MAX + 1])
{
	size_t len = key.len - 5;

	if (len > FACT_KEY_MAX)
		len = FACT_KEY_MAX;
	memcpy(name, key.p + 5, len);
	name[len] = '\0';
}

static enum err_code
info_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	char name[FACT_KEY_MAX + 1];
	struct ask *a = arg;
	enum pl_type type;

	(void)err;
	name_of(key, name);
	*stop = a->stopped = !a->info(a->arg, name, fact_decode(value, &type));
	return ERR_OK;
}

static bool
info_list(void *arg, const char *file)
{
	const struct ask *a = arg;

	return a->info(a->arg, file, BYTES_NONE);
}

static enum err_code
infos_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;
	struct key k = prefix_of(KIND_FACT, a->device);

	enum err_code rc;

	a->stopped = false;
	rc = txn_each(t, key_view(&k), BYTES_NONE, info_one, a, err);
	return rc == ERR_OK && !a->stopped
	           ? answer_files(t, a->device, info_list, a, err)
	           : rc;
}

enum err_code
device_infos(struct engine *e, uint32_t device, device_info_fn *fn, void *arg,
    struct err *err)
{
	struct ask a = { .device = device, .info = fn, .arg = arg };

	return store_view(e->store, infos_txn, &a, err);
}

static enum err_code
secret_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	char name[FACT_KEY_MAX + 1];
	struct ask *a = arg;

	(void)value;
	(void)err;
	name_of(key, name);
	*stop = !a->secret(a->arg, name);
	return ERR_OK;
}

static enum err_code
secrets_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;
	struct key k = prefix_of(KIND_SECRET, a->device);

	return txn_each(t, key_view(&k), BYTES_NONE, secret_one, a, err);
}

enum err_code
device_secrets(struct engine *e, uint32_t device, device_secret_fn *fn,
    void *arg, struct err *err)
{
	struct ask a = { .device = device, .secret = fn, .arg = arg };

	return store_view(e->store, secrets_txn, &a, err);
}

static struct pl *
to_pl(enum pl_type type, struct bytes text)
{
	char s[64];
	size_t len = text.len < sizeof(s) - 1 ? text.len : sizeof(s) - 1;

	if (len > 0)
		memcpy(s, text.p, len);
	s[len] = '\0';
	if (type == PL_INTEGER)
		return pl_new_int(strtoll(s, NULL, 10));
	if (type == PL_REAL)
		return pl_new_real(strtod(s, NULL));
	if (type == PL_BOOL)
		return pl_new_bool(strcmp(s, "true") == 0);
	return pl_new_string_bytes(text);
}

static enum err_code
plist_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	char name[FACT_KEY_MAX + 1];
	struct ask *a = arg;
	enum pl_type type;
	struct bytes text = fact_decode(value, &type);

	(void)stop;
	(void)err;
	name_of(key, name);
	pl_dict_set(a->dict, name, to_pl(type, text));
	return ERR_OK;
}

static enum err_code
plist_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;
	struct key k = prefix_of(KIND_FACT, a->device);

	return txn_each(t, key_view(&k), BYTES_NONE, plist_one, a, err);
}

enum err_code
device_info_plist(
    struct engine *e, uint32_t device, struct buf *b, struct err *err)
{
	struct ask a = { .device = device, .dict = pl_new_dict() };
	enum err_code rc = store_view(e->store, plist_txn, &a, err);

	if (rc == ERR_OK)
		pl_write_xml(a.dict, b);
	pl_free(a.dict);
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

static enum err_code
serial_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct ask *a = arg;
	struct device_view view = { 0 };
	struct buf serial = { 0 };
	struct device d;
	enum err_code rc;

	(void)value;
	a->n++;
	rc = device_read(a->t, key_get_u32(key, 1), &d, err);
	if (rc != ERR_OK)
		return rc;
	if (fact_get(a->t, d.number, "SerialNumber", &serial, NULL) == ERR_OK) {
		view.number = d.number;
		view.org = d.org;
		view.state = d.state;
		view.enrolled_at = d.enrolled_at;
		view.seen_at = d.seen_at;
		memcpy(view.udid, d.udid, sizeof(view.udid));
		*stop = !a->serial(a->arg, buf_str(&serial), &view);
	}
	buf_free(&serial);
	return ERR_OK;
}

static enum err_code
serials_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;
	struct key prefix = key_of(KIND_DEVICE), from = prefix;

	a->t = t;
	key_u32(&from, a->after + 1);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), serial_one, a, err);
}

enum err_code
device_serials(struct engine *e, uint32_t after, device_serial_fn *fn,
    void *arg, struct err *err)
{
	struct ask a = { .serial = fn, .arg = arg, .after = after };
	enum err_code rc = store_view(e->store, serials_txn, &a, err);

	engine_scanned(e, 4 * a.n); /* each with its facts */
	return rc;
}
