#include "engine/model/facts.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/model/groups.h"

#define SERIAL_MAX 255 /* bytes: it becomes a file name */

static struct key
fact_prefix(enum kind kind, uint32_t device)
{
	struct key k = key_of(kind);

	key_u32(&k, device);
	return k;
}

static struct key
fact_key(enum kind kind, uint32_t device, const char *name)
{
	struct key k = fact_prefix(kind, device);

	key_bytes(&k, bytes_text(name));
	return k;
}

static struct key
serial_key(const char *serial)
{
	struct key k = key_of(KIND_SERIAL);

	key_bytes(&k, bytes_text(serial));
	return k;
}

static bool
ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), e = strlen(ending);

	return n >= e && strcmp(s + n - e, ending) == 0;
}

/* What Apple's keys look like; lists are shown with those two endings. */
bool
fact_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= FACT_KEY_MAX && name[0] != '.' &&
	       strchr(name, '/') == NULL && text_is_clean(bytes_text(name)) &&
	       !ends_with(name, ".tsv") && !ends_with(name, ".plist");
}

bool
fact_text(const struct pl *value, struct buf *b)
{
	int64_t i = 0;
	double d = 0;
	bool yes = false;

	switch (pl_type(value)) {
	case PL_STRING:
		text_escape(b, bytes_text(pl_string(value)));
		return true;
	case PL_INTEGER:
		if (!pl_int(value, &i))
			return false;
		buf_printf(b, "%lld", (long long)i);
		return true;
	case PL_REAL:
		if (!pl_real(value, &d))
			return false;
		buf_printf(b, "%.17g", d);
		return true;
	case PL_BOOL:
		if (!pl_bool(value, &yes))
			return false;
		buf_text(b, yes ? "true" : "false");
		return true;
	case PL_DATE:
		if (!pl_date(value, &i))
			return false;
		text_time(b, i);
		return true;
	case PL_DATA:
		text_base64(b, pl_data(value));
		return true;
	case PL_NONE:
	case PL_DICT:
	case PL_ARRAY:
		break;
	}
	return false;
}

/* The device's serial number, if it has one, leaves the index. */
static enum err_code
unindex_serial(struct txn *t, uint32_t device, struct err *err)
{
	struct buf serial = { 0 };
	struct key k;
	uint32_t holder;
	enum err_code rc = ERR_OK;

	if (fact_get(t, device, "SerialNumber", &serial, NULL) == ERR_OK &&
	    serial.len > 0 && serial.len <= SERIAL_MAX) {
		k = serial_key(buf_str(&serial));
		if (index_get_u32(t, &k, &holder) == ERR_OK && holder == device)
			rc = txn_drop(t, &k, err);
	}
	buf_free(&serial);
	return rc;
}

/* Whether a device of another organization has that serial number: a device
 * may say what it likes, but not take a name away from other people's. */
static bool
is_others_serial(struct txn *t, const struct key *k, uint32_t device)
{
	struct device mine, theirs;
	uint32_t holder;

	return index_get_u32(t, k, &holder) == ERR_OK && holder != device &&
	       device_read(t, holder, &theirs, NULL) == ERR_OK &&
	       theirs.state != DEVICE_CHECKED_OUT &&
	       device_read(t, device, &mine, NULL) == ERR_OK &&
	       theirs.org != mine.org;
}

static bool
has_serial(struct txn *t, uint32_t device, struct bytes serial)
{
	struct buf old = { 0 };
	bool yes = fact_get(t, device, "SerialNumber", &old, NULL) == ERR_OK &&
	           bytes_equal(buf_view(&old), serial);

	buf_free(&old);
	return yes;
}

/* The serial number's index: the newest device that says so has it. */
static enum err_code
index_serial(
    struct txn *t, uint32_t device, struct bytes serial, struct err *err)
{
	struct key k = key_of(KIND_SERIAL);
	uint32_t holder = device;
	enum err_code rc = unindex_serial(t, device, err);

	if (rc != ERR_OK || serial.len == 0 || serial.len > SERIAL_MAX)
		return rc;
	key_bytes(&k, serial);
	if (is_others_serial(t, &k, device))
		return ERR_OK;
	(void)!index_get_u32(t, &k, &holder);
	rc = index_put_u32(t, &k, device, err);
	return rc == ERR_OK && holder != device ? groups_follow(t, holder, err)
	                                        : rc;
}

enum err_code
fact_put(struct txn *t, uint32_t device, const char *key,
    const struct pl *value, struct err *err)
{
	struct buf text = { 0 }, b = { 0 };
	struct key k;
	bool renamed = false;
	enum err_code rc = ERR_OK;

	if (!fact_name_valid(key) || !fact_text(value, &text) ||
	    text.len > FACT_VALUE_MAX)
		goto out;
	if (strcmp(key, "SerialNumber") == 0)
		renamed = !has_serial(t, device, buf_view(&text));
	if (strcmp(key, "SerialNumber") == 0 &&
	    (rc = index_serial(t, device, buf_view(&text), err)) != ERR_OK)
		goto out;
	k = fact_key(KIND_FACT, device, key);
	record_u8(&b, 1);
	record_u8(&b, (uint8_t)pl_type(value));
	record_bytes(&b, buf_view(&text));
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	if (rc == ERR_OK && renamed)
		rc = groups_follow(t, device, err);
out:
	buf_free(&text);
	buf_free(&b);
	return rc;
}

struct put_all {
	struct txn *t;
	uint32_t device;
	const char *const *skip;
	struct err *err;
	enum err_code rc;
	size_t n; /* facts of the device */
};

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	size_t *n = arg;

	(void)key;
	(void)value;
	(void)err;
	*stop = ++*n >= FACTS_MAX;
	return ERR_OK;
}

/* Whether there is room for key: it is known, or not one too many. */
static bool
has_room(struct put_all *p, const char *key)
{
	struct bytes value;
	struct key k;

	if (!fact_name_valid(key))
		return false;
	k = fact_key(KIND_FACT, p->device, key);
	return txn_get(p->t, key_view(&k), &value, NULL) == ERR_OK ||
	       p->n++ < FACTS_MAX;
}

static bool
put_pair(void *arg, const char *key, struct pl *value)
{
	struct put_all *p = arg;
	size_t i;

	for (i = 0; p->skip[i] != NULL; i++)
		if (strcmp(p->skip[i], key) == 0)
			return true;
	if (has_room(p, key))
		p->rc = fact_put(p->t, p->device, key, value, p->err);
	return p->rc == ERR_OK;
}

enum err_code
fact_put_all(struct txn *t, uint32_t device, const struct pl *dict,
    const char *const skip[], struct err *err)
{
	struct put_all p = { t, device, skip, err, ERR_OK, 0 };
	struct key k = fact_prefix(KIND_FACT, device);

	p.rc = txn_each(t, key_view(&k), BYTES_NONE, count_one, &p.n, err);
	if (p.rc == ERR_OK)
		pl_dict_each(dict, put_pair, &p);
	return p.rc;
}

struct bytes
fact_decode(struct bytes value, enum pl_type *type)
{
	uint8_t version;
	struct reader r = reader_of(value, &version);

	*type = (enum pl_type)read_u8(&r);
	return read_bytes(&r);
}

enum err_code
fact_get(struct txn *t, uint32_t device, const char *key, struct buf *ret,
    struct err *err)
{
	struct key k;
	struct bytes value;
	enum pl_type type;
	enum err_code rc = ERR_NOT_FOUND;

	if (fact_name_valid(key)) {
		k = fact_key(KIND_FACT, device, key);
		rc = txn_get(t, key_view(&k), &value, NULL);
	}
	if (rc != ERR_OK)
		return err_set(
		    err, rc, "the device has not told its %.128s", key);
	buf_bytes(ret, fact_decode(value, &type));
	return buf_error(ret, err);
}

enum err_code
fact_serial(
    struct txn *t, const char *serial, uint32_t *device, struct err *err)
{
	struct key k;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(serial) <= SERIAL_MAX) {
		k = serial_key(serial);
		rc = index_get_u32(t, &k, device);
	}
	if (rc != ERR_OK)
		return err_set(err, rc,
		    "no device has told that serial "
		    "number");
	return ERR_OK;
}

enum err_code
secret_put(struct txn *t, uint32_t device, const char *name, struct bytes value,
    struct err *err)
{
	struct key k = fact_key(KIND_SECRET, device, name);

	if (value.len == 0)
		return txn_drop(t, &k, err);
	return txn_put_sealed(t, key_view(&k), value, err);
}

enum err_code
secret_get(struct txn *t, uint32_t device, const char *name, struct buf *ret,
    struct err *err)
{
	struct key k = fact_prefix(KIND_SECRET, device);

	if (!fact_name_valid(name))
		return err_set(err, ERR_NOT_FOUND, "there is no such secret");
	key_bytes(&k, bytes_text(name));
	return txn_get_sealed(t, key_view(&k), ret, err);
}

static enum err_code
drop_pair(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)value;
	(void)stop;
	return txn_del(arg, key, err);
}

enum err_code
facts_drop(struct txn *t, uint32_t device, bool facts, struct err *err)
{
	struct key k = fact_prefix(KIND_SECRET, device);
	enum err_code rc =
	    txn_each(t, key_view(&k), BYTES_NONE, drop_pair, t, err);

	if (rc != ERR_OK || !facts)
		return rc;
	rc = unindex_serial(t, device, err);
	k = fact_prefix(KIND_FACT, device);
	if (rc == ERR_OK)
		rc = txn_each(t, key_view(&k), BYTES_NONE, drop_pair, t, err);
	k = fact_prefix(KIND_LIST, device);
	return rc == ERR_OK
	           ? txn_each(t, key_view(&k), BYTES_NONE, drop_pair, t, err)
	           : rc;
}
