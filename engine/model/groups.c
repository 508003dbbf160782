#include "engine/model/groups.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/facts.h"
#include "engine/model/groups_priv.h"

/* ---- keys --------------------------------------------------------------- */

static struct key
member_key(uint64_t group, uint32_t device)
{
	struct key k = key_of(KIND_GROUP_MEMBER);

	key_u64(&k, group);
	key_u32(&k, device);
	return k;
}

static struct key
of_device_key(uint32_t device, uint64_t group)
{
	struct key k = key_of(KIND_DEVICE_GROUP);

	key_u32(&k, device);
	key_u64(&k, group);
	return k;
}

static struct key
line_prefix(uint32_t org, struct bytes line)
{
	struct key k = key_of(KIND_GROUP_LINE);

	key_u32(&k, org);
	key_bytes(&k, line);
	key_u8(&k, 0);
	return k;
}

struct key
group_line_key(uint32_t org, struct bytes line, uint64_t group)
{
	struct key k = line_prefix(org, line);

	key_u64(&k, group);
	return k;
}

struct key
group_says_key(uint64_t group, struct bytes line)
{
	struct key k = key_of(KIND_GROUP_SAYS);

	key_u64(&k, group);
	key_bytes(&k, line);
	return k;
}

struct key
group_glob_key(uint32_t org, uint64_t group, struct bytes glob)
{
	struct key k = key_of(KIND_GROUP_GLOB);

	key_u32(&k, org);
	key_u64(&k, group);
	key_bytes(&k, glob);
	return k;
}

/* ---- who is in what ----------------------------------------------------- */

struct each {
	group_member_fn *member;
	device_group_fn *group;
	void *arg;
};

static enum err_code
each_member(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct each *each = arg;

	(void)value;
	return each->member(each->arg, key_get_u32(key, 9), stop, err);
}

enum err_code
group_each_member(struct txn *t, uint64_t group, uint32_t after,
    group_member_fn *fn, void *arg, struct err *err)
{
	struct each each = { .member = fn, .arg = arg };
	struct key prefix = key_of(KIND_GROUP_MEMBER);
	struct key from = member_key(group, after + 1);

	if (after == UINT32_MAX)
		return ERR_OK;
	key_u64(&prefix, group);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), each_member, &each, err);
}

static enum err_code
each_group(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct each *each = arg;

	(void)value;
	return each->group(each->arg, key_get_u64(key, 5), stop, err);
}

enum err_code
device_each_group(struct txn *t, uint32_t device, device_group_fn *fn,
    void *arg, struct err *err)
{
	struct each each = { .group = fn, .arg = arg };
	struct key prefix = key_of(KIND_DEVICE_GROUP);

	key_u32(&prefix, device);
	return txn_each(
	    t, key_view(&prefix), BYTES_NONE, each_group, &each, err);
}

enum err_code
group_join(struct txn *t, uint64_t group, uint32_t device, struct err *err)
{
	struct key member = member_key(group, device);
	struct key of = of_device_key(device, group);
	enum err_code rc = txn_put(t, key_view(&member), BYTES_NONE, err);

	return rc == ERR_OK ? txn_put(t, key_view(&of), BYTES_NONE, err) : rc;
}

bool
group_has(struct txn *t, uint64_t group, uint32_t device)
{
	struct key member = member_key(group, device);
	struct bytes value;

	return txn_get(t, key_view(&member), &value, NULL) == ERR_OK;
}

enum err_code
group_part(struct txn *t, uint64_t group, uint32_t device, struct err *err)
{
	struct key member = member_key(group, device);
	struct key of = of_device_key(device, group);
	enum err_code rc = txn_drop(t, &member, err);

	return rc == ERR_OK ? txn_drop(t, &of, err) : rc;
}

/* ---- one device --------------------------------------------------------- */

/* The groups that a device belongs in, in the order they were found. */
struct groups {
	uint64_t *p;
	size_t n;
	size_t cap;
};

static enum err_code
groups_add(struct groups *g, uint64_t group, struct err *err)
{
	uint64_t *more;
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->p[i] == group)
			return ERR_OK;
	if (g->n == g->cap) {
		g->cap = g->cap * 2 + 16;
		more = reallocarray(g->p, g->cap, sizeof(*more));
		if (more == NULL)
			return err_set(err, ERR_NO_MEMORY, "groups");
		g->p = more;
	}
	g->p[g->n++] = group;
	return ERR_OK;
}

static enum err_code
line_of(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)value;
	(void)stop;
	return groups_add(arg, key_get_u64(key, key.len - 8), err);
}

struct globs {
	struct groups *groups;
	const struct member_names *names;
};

bool
member_matches(const struct member_names *names, struct bytes glob)
{
	char pattern[GROUP_LINE_MAX + 1];

	if (glob.len > GROUP_LINE_MAX)
		return false;
	if (glob.len > 0)
		memcpy(pattern, glob.p, glob.len);
	pattern[glob.len] = '\0';
	return fnmatch(pattern, names->udid, 0) == 0 ||
	       (names->serial[0] != '\0' &&
		   fnmatch(pattern, names->serial, 0) == 0);
}

static enum err_code
glob_of(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct globs *g = arg;

	(void)value;
	(void)stop;
	if (!member_matches(g->names, bytes_of(key.p + 13, key.len - 13)))
		return ERR_OK;
	return groups_add(g->groups, key_get_u64(key, 5), err);
}

/* A serial number that another device has by now is no name of this one. */
void
member_names_read(
    struct txn *t, const struct device *d, struct member_names *ret)
{
	struct buf serial = { 0 };
	uint32_t holder = 0;

	*ret = (struct member_names){ .udid = "" };
	memcpy(ret->udid, d->udid, sizeof(ret->udid));
	if (fact_get(t, d->number, "SerialNumber", &serial, NULL) == ERR_OK &&
	    serial.len > 0 && serial.len < sizeof(ret->serial) &&
	    fact_serial(t, buf_str(&serial), &holder, NULL) == ERR_OK &&
	    holder == d->number)
		memcpy(ret->serial, buf_str(&serial), serial.len + 1);
	buf_free(&serial);
}

/* Where its names are written. */
static enum err_code
find_groups(
    struct txn *t, const struct device *d, struct groups *ret, struct err *err)
{
	struct member_names names;
	struct globs globs = { ret, &names };
	struct key udid = line_prefix(d->org, bytes_text(d->udid)), serial;
	struct key glob = key_of(KIND_GROUP_GLOB);
	enum err_code rc;

	member_names_read(t, d, &names);
	key_u32(&glob, d->org);
	rc = txn_each(t, key_view(&udid), BYTES_NONE, line_of, ret, err);
	if (rc == ERR_OK && names.serial[0] != '\0') {
		serial = line_prefix(d->org, bytes_text(names.serial));
		rc = txn_each(
		    t, key_view(&serial), BYTES_NONE, line_of, ret, err);
	}
	return rc == ERR_OK ? txn_each(t, key_view(&glob), BYTES_NONE, glob_of,
				  &globs, err)
	                    : rc;
}

struct stay {
	struct txn *t;
	uint32_t device;
	const struct groups *groups;
};

static enum err_code
part_others(void *arg, uint64_t group, bool *stop, struct err *err)
{
	struct stay *s = arg;
	struct key member;
	struct key of = of_device_key(s->device, group);
	enum err_code rc;
	size_t i;

	(void)stop;
	for (i = 0; i < s->groups->n; i++)
		if (s->groups->p[i] == group)
			return ERR_OK;
	member = member_key(group, s->device);
	rc = txn_drop(s->t, &member, err);
	return rc == ERR_OK ? txn_drop(s->t, &of, err) : rc;
}

enum err_code
groups_follow(struct txn *t, uint32_t device, struct err *err)
{
	struct groups groups = { 0 };
	struct stay stay = { t, device, &groups };
	struct device d;
	uint64_t changes;
	size_t i;
	enum err_code rc = device_read(t, device, &d, err);

	if (rc == ERR_OK)
		rc = counter_next(t, GROUP_CHANGES, &changes, err);
	if (rc == ERR_OK)
		rc = find_groups(t, &d, &groups, err);
	if (rc == ERR_OK)
		rc = device_each_group(t, device, part_others, &stay, err);
	for (i = 0; rc == ERR_OK && i < groups.n; i++)
		rc = group_join(t, groups.p[i], device, err);
	free(groups.p);
	return rc;
}

enum err_code
groups_leave(struct txn *t, uint32_t device, struct err *err)
{
	struct groups none = { 0 };
	struct stay stay = { t, device, &none };

	return device_each_group(t, device, part_others, &stay, err);
}
