#include "mdmfs/device.h"

#include <string.h>

#include "mdmfs/org.h"

#include "fs/handlers.h"
#include "fs/keys.h"

/* ---- names -------------------------------------------------------------- */

struct listing {
	const struct at *at;
	tree_entry_fn *fn;
	void *arg;
};

/* What the links to a device begin with. */
#define LINK_DIR    "devices/"
#define FROM_SERIAL "../../"
#define FROM_ORG    "../../../../"

static void
fill_listed(struct tree_entry *entry, const struct device_view *d)
{
	entry->at.device = d->number;
	entry->at.org = d->org;
	entry->listed = true;
	entry->seconds = d->seen_at != 0 ? d->seen_at : d->enrolled_at;
}

static bool
list_device(void *arg, const struct device_view *d)
{
	const struct listing *l = arg;
	struct tree_entry entry = {
		.name = d->udid, .at = *l->at, .cookie = d->number
	};

	fill_listed(&entry, d);
	if (l->at->org != 0)
		entry.size = strlen(FROM_ORG LINK_DIR) + strlen(d->udid);
	return l->fn(l->arg, &entry);
}

static enum err_code
list_devices(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	if (after > UINT32_MAX)
		return ERR_OK;
	return device_list(
	    at->engine, at->org, (uint32_t)after, list_device, &l, err);
}

static void
fill(const struct at *at, const struct device_view *d, struct tree_entry *ret)
{
	*ret = (struct tree_entry){ .at = *at, .cookie = d->number };
	fill_listed(ret, d);
}

static enum err_code
find_device(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct device_view d;
	enum err_code rc = device_find(at->engine, name, &d, err);

	if (rc == ERR_OK && at->org != 0 && d.org != at->org)
		rc = err_set(err, ERR_NOT_FOUND, "in another organization");
	if (rc == ERR_OK)
		fill(at, &d, ret);
	return rc;
}

const struct tree_names device_names = { list_devices, find_device };
const struct tree_names device_of_org = { list_devices, find_device };

static bool
list_serial(void *arg, const char *serial, const struct device_view *d)
{
	const struct listing *l = arg;
	struct tree_entry entry = {
		.name = serial, .at = *l->at, .cookie = d->number
	};

	/* what a device calls its serial number may be no name at all */
	if (!tree_clean_name(serial) || strcmp(serial, ".") == 0 ||
	    strcmp(serial, "..") == 0)
		return true;
	fill_listed(&entry, d);
	entry.size = strlen(FROM_SERIAL LINK_DIR) + strlen(d->udid);
	return l->fn(l->arg, &entry);
}

static enum err_code
list_serials(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	if (after > UINT32_MAX)
		return ERR_OK;
	return device_serials(
	    at->engine, (uint32_t)after, list_serial, &l, err);
}

static enum err_code
find_serial(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct device_view d;
	enum err_code rc = device_by_serial(at->engine, name, &d, err);

	if (rc == ERR_OK)
		fill(at, &d, ret);
	return rc;
}

const struct tree_names device_serial = { list_serials, find_serial };

static bool
list_user(void *arg, const char *name, uint32_t user)
{
	const struct listing *l = arg;
	struct tree_entry entry = {
		.name = name, .at = *l->at, .cookie = user
	};

	entry.at.user = user;
	return l->fn(l->arg, &entry);
}

static enum err_code
list_users(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	if (after > UINT32_MAX)
		return ERR_OK;
	return device_users(
	    at->engine, at->device, (uint32_t)after, list_user, &l, err);
}

static enum err_code
find_user(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	uint32_t user;
	enum err_code rc =
	    device_user_find(at->engine, at->device, name, &user, err);

	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at, .cookie = user };
		ret->at.user = user;
	}
	return rc;
}

const struct tree_names device_user_name = { list_users, find_user };

/* ---- keys: info and secrets --------------------------------------------- */

struct key_walk {
	struct listing l;
	uint64_t after;
	uint64_t index;
	struct keys keys;
	/* looking for one of them: by name, or by number */
	const char *name;
	uint32_t number;
	char found[256]; /* "": not yet */
};

static bool
walk_key(void *arg, const char *key)
{
	struct key_walk *w = arg;
	struct tree_entry entry = {
		.name = key, .at = *w->l.at, .cookie = ++w->index
	};
	uint32_t number;

	if (!tree_clean_name(key) || *key == '.')
		return true;
	if ((number = keys_next(&w->keys, key)) == 0)
		return false;
	if (w->l.fn != NULL) {
		entry.at.number = number;
		return w->index <= w->after || w->l.fn(w->l.arg, &entry);
	}
	if (w->name != NULL ? strcmp(w->name, key) != 0 : w->number != number)
		return true;
	w->number = number;
	strncpy(w->found, key, sizeof(w->found) - 1);
	return false;
}

static bool
walk_info(void *arg, const char *key, struct bytes text)
{
	(void)text;
	return walk_key(arg, key);
}

static enum err_code
walk(const struct at *at, bool secrets, struct key_walk *w, struct err *err)
{
	enum err_code rc =
	    secrets ? device_secrets(at->engine, at->device, walk_key, w, err)
		    : device_infos(at->engine, at->device, walk_info, w, err);

	keys_fini(&w->keys);
	return rc;
}

static enum err_code
list_infos(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct key_walk w = { .l = { at, fn, arg }, .after = after };

	return walk(at, false, &w, err);
}

static enum err_code
list_secrets(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct key_walk w = { .l = { at, fn, arg }, .after = after };

	return walk(at, true, &w, err);
}

static enum err_code
find_key(const struct at *at, bool secrets, const char *name,
    struct tree_entry *ret, struct err *err)
{
	struct key_walk w = { .l = { .at = at }, .name = name };
	enum err_code rc = walk(at, secrets, &w, err);

	if (rc == ERR_OK && w.found[0] == '\0')
		rc = err_set(err, ERR_NOT_FOUND, "no such fact");
	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at, .cookie = w.index };
		ret->at.number = w.number;
	}
	return rc;
}

static enum err_code
find_info(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	return find_key(at, false, name, ret, err);
}

static enum err_code
find_secret(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	return find_key(at, true, name, ret, err);
}

const struct tree_names device_info_key = { list_infos, find_info };
const struct tree_names device_secret_key = { list_secrets, find_secret };

static enum err_code
read_key(const struct at *at, bool secrets, struct buf *b, struct err *err)
{
	struct key_walk w = { .l = { .at = at }, .number = at->number };
	enum err_code rc = walk(at, secrets, &w, err);

	if (rc != ERR_OK)
		return rc;
	if (w.found[0] == '\0')
		return err_set(err, ERR_NOT_FOUND, "no such fact");
	if (secrets)
		return device_secret(at->engine, at->device, w.found, b, err);
	return device_info(at->engine, at->device, w.found, b, err);
}

enum err_code
device_info_read(const struct at *at, struct buf *b, struct err *err)
{
	return read_key(at, false, b, err);
}

enum err_code
device_secret_read(const struct at *at, struct buf *b, struct err *err)
{
	return read_key(at, true, b, err);
}

/* ---- links -------------------------------------------------------------- */

enum err_code
device_org_link(const struct at *at, struct buf *b, struct err *err)
{
	struct device_view d;
	struct org_view org;
	enum err_code rc = device_get(at->engine, at->device, &d, err);

	if (rc == ERR_OK)
		rc = org_get(at->engine, d.org, &org, err);
	if (rc != ERR_OK)
		return rc;
	buf_printf(b, "../../orgs/%s", org.name);
	return buf_error(b, err);
}

static enum err_code
link_to(const struct at *at, const char *up, struct buf *b, struct err *err)
{
	struct device_view d;
	enum err_code rc = device_get(at->engine, at->device, &d, err);

	if (rc != ERR_OK)
		return rc;
	buf_printf(b, "%s%s", up, d.udid);
	return buf_error(b, err);
}

enum err_code
device_serial_link(const struct at *at, struct buf *b, struct err *err)
{
	return link_to(at, FROM_SERIAL LINK_DIR, b, err);
}

enum err_code
device_org_device_link(const struct at *at, struct buf *b, struct err *err)
{
	return link_to(at, FROM_ORG LINK_DIR, b, err);
}

/* ---- pages -------------------------------------------------------------- */

enum err_code
device_status_read(const struct at *at, struct buf *b, struct err *err)
{
	return device_status_page(at->engine, at->device, at->user, b, err);
}

enum err_code
device_queue_read(const struct at *at, struct buf *b, struct err *err)
{
	return device_queue_page(at->engine, at->device, at->user, b, err);
}

enum err_code
device_push_read(const struct at *at, struct buf *b, struct err *err)
{
	return device_push_page(at->engine, at->device, at->user, b, err);
}

enum err_code
device_push_write(const struct at *at, struct bytes bytes, struct err *err)
{
	(void)bytes; /* anything means: push */
	return device_push(at->engine, at->device, at->user, at->caller, err);
}

enum err_code
device_info_plist_read(const struct at *at, struct buf *b, struct err *err)
{
	return device_info_plist(at->engine, at->device, b, err);
}

enum err_code
device_certificate_read(const struct at *at, struct buf *b, struct err *err)
{
	return device_certificate_page(at->engine, at->device, b, err);
}
