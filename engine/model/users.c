#include "engine/model/users.h"

#include <stdio.h>
#include <string.h>

#include "engine/model/queue.h"
#include "engine/model/results.h"

static struct key
user_key(uint32_t device, uint32_t user)
{
	struct key k = key_of(KIND_USER);

	key_u32(&k, device);
	key_u32(&k, user);
	return k;
}

static struct key
id_key(uint32_t device, const char *id)
{
	struct key k = key_of(KIND_USER_ID);

	key_u32(&k, device);
	key_bytes(&k, bytes_text(id));
	return k;
}

bool
user_escape(const char *id, char ret[static USER_ID_MAX + 1])
{
	const unsigned char *p = (const unsigned char *)id;
	size_t n = 0;

	for (; *p != '\0'; p++) {
		bool plain = *p > ' ' && *p != '%' && *p != '/' && *p != 0x7f &&
		             !(*p == '.' && n == 0);

		if (n + 3 > USER_ID_MAX)
			return false;
		if (plain)
			ret[n++] = (char)*p;
		else
			n += (size_t)snprintf(ret + n, 4, "%%%02X", *p);
	}
	ret[n] = '\0';
	return n > 0;
}

enum err_code
user_find(struct txn *t, uint32_t device, const char *id, uint32_t *user,
    struct err *err)
{
	struct key k;
	enum err_code rc = ERR_NOT_FOUND;

	if (strlen(id) <= USER_ID_MAX) {
		k = id_key(device, id);
		rc = index_get_u32(t, &k, user);
	}
	if (rc != ERR_OK)
		return err_set(err, rc, "the device has no user %.200s", id);
	return ERR_OK;
}

/* Names are for people: cut what is too long. */
static void
record_name(struct buf *b, const char *s)
{
	size_t len = s == NULL ? 0 : strlen(s);

	while (len > 255 || (len > 0 && ((uint8_t)s[len] & 0xc0) == 0x80))
		len--;
	record_bytes(b, bytes_of(s, len));
}

bool
user_exists(struct txn *t, uint32_t device, uint32_t user)
{
	struct key k = user_key(device, user);
	struct bytes value;

	return txn_get(t, key_view(&k), &value, NULL) == ERR_OK;
}

static enum err_code
count_one(void *arg, const struct user *u, bool *stop, struct err *err)
{
	uint32_t *n = arg;

	(void)u;
	(void)err;
	*stop = ++*n >= USERS_MAX;
	return ERR_OK;
}

static enum err_code
check_room(struct txn *t, const struct device *d, struct err *err)
{
	uint32_t n = 0;
	enum err_code rc = users_each(t, d->number, 0, count_one, &n, err);

	if (rc == ERR_OK && (n >= USERS_MAX || d->last_user >= 0xffffff))
		rc = err_set(err, ERR_QUOTA,
		    "%s has %d users already: no more are taken", d->udid,
		    USERS_MAX);
	return rc;
}

enum err_code
user_ensure(struct txn *t, struct device *d, const char *id,
    const char *short_name, const char *long_name, uint32_t *user,
    struct err *err)
{
	struct key by_id = id_key(d->number, id), k;
	struct buf b = { 0 };
	enum err_code rc = index_get_u32(t, &by_id, user);

	if (rc == ERR_NOT_FOUND) {
		if ((rc = check_room(t, d, err)) != ERR_OK)
			return rc;
		*user = ++d->last_user;
		rc = index_put_u32(t, &by_id, *user, err);
	}
	if (rc != ERR_OK)
		return rc;
	k = user_key(d->number, *user);
	record_u8(&b, 1);
	record_text(&b, id);
	record_name(&b, short_name);
	record_name(&b, long_name);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

struct each {
	user_fn *fn;
	void *arg;
};

static enum err_code
each_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct each *each = arg;
	struct user u = { .number = key_get_u32(key, 5) };
	uint8_t version;
	struct reader r = reader_of(value, &version);
	enum err_code rc;

	read_text(&r, u.id, sizeof(u.id));
	read_text(&r, u.short_name, sizeof(u.short_name));
	read_text(&r, u.long_name, sizeof(u.long_name));
	if ((rc = record_end(&r, "user", err)) == ERR_OK)
		rc = each->fn(each->arg, &u, stop, err);
	return rc;
}

enum err_code
users_each(struct txn *t, uint32_t device, uint32_t after, user_fn *fn,
    void *arg, struct err *err)
{
	struct each each = { fn, arg };
	struct key prefix = key_of(KIND_USER),
		   from = user_key(device, after + 1);

	key_u32(&prefix, device);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), each_one, &each, err);
}

struct named {
	uint32_t number;
	char *ret;
	bool found;
};

static enum err_code
name_one(void *arg, const struct user *u, bool *stop, struct err *err)
{
	struct named *n = arg;

	(void)err;
	*stop = true;
	if (u->number == n->number) {
		memcpy(n->ret, u->id, sizeof(u->id));
		n->found = true;
	}
	return ERR_OK;
}

bool
user_id(struct txn *t, uint32_t device, uint32_t user,
    char ret[static USER_ID_MAX + 1])
{
	struct named n = { .number = user, .ret = ret };

	return user > 0 &&
	       users_each(t, device, user - 1, name_one, &n, NULL) == ERR_OK &&
	       n.found;
}

struct drop {
	struct txn *t;
	uint32_t device;
};

static enum err_code
drop_one(void *arg, const struct user *u, bool *stop, struct err *err)
{
	struct drop *d = arg;
	struct channel_id id = { d->device, u->number };
	struct key k = user_key(d->device, u->number);
	struct key by_id = id_key(d->device, u->id);
	struct channel c;
	uint32_t n;
	enum err_code rc = channel_read(d->t, id, &c, err);

	(void)stop;
	if (rc == ERR_OK)
		rc = queue_drop(d->t, &c, &n, err);
	if (rc == ERR_OK)
		rc = channel_drop(d->t, id, err);
	if (rc == ERR_OK)
		rc = results_drop(d->t, d->device, u->number, err);
	if (rc == ERR_OK)
		rc = txn_drop(d->t, &by_id, err);
	return rc == ERR_OK ? txn_drop(d->t, &k, err) : rc;
}

enum err_code
users_drop(struct txn *t, struct device *d, struct err *err)
{
	struct drop drop = { t, d->number };

	return users_each(t, d->number, 0, drop_one, &drop, err);
}

/* ---- the public verbs --------------------------------------------------- */

struct list {
	uint32_t device;
	uint32_t after;
	const char *name;
	uint32_t user;
	device_user_fn *fn;
	void *arg;
};

static enum err_code
list_one(void *arg, const struct user *u, bool *stop, struct err *err)
{
	struct list *l = arg;

	(void)err;
	*stop = !l->fn(l->arg, u->id, u->number);
	return ERR_OK;
}

static enum err_code
list_txn(struct txn *t, void *arg, struct err *err)
{
	struct list *l = arg;

	return users_each(t, l->device, l->after, list_one, l, err);
}

enum err_code
device_users(struct engine *e, uint32_t device, uint32_t after,
    device_user_fn *fn, void *arg, struct err *err)
{
	struct list l = {
		.device = device, .after = after, .fn = fn, .arg = arg
	};

	return store_view(e->store, list_txn, &l, err);
}

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct list *l = arg;

	return user_find(t, l->device, l->name, &l->user, err);
}

enum err_code
device_user_find(struct engine *e, uint32_t device, const char *name,
    uint32_t *user, struct err *err)
{
	struct list l = { .device = device, .name = name };
	enum err_code rc = store_view(e->store, find_txn, &l, err);

	if (rc == ERR_OK)
		*user = l.user;
	return rc;
}
