#include "engine/model/group_settle.h"

#include "engine/base/log.h"
#include "engine/model/events.h"
#include "engine/model/group_file.h"
#include "engine/model/group_plan.h"
#include "engine/model/removal.h"

static struct key
open_key(uint64_t group)
{
	struct key k = key_of(KIND_GROUP_OPEN);

	key_u64(&k, group);
	return k;
}

enum err_code
group_open_read(
    struct txn *t, uint64_t group, struct group_open *ret, struct err *err)
{
	struct key k = open_key(group);
	struct group_open o;
	struct bytes value;
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get(t, key_view(&k), &value, NULL);

	if (rc == ERR_NOT_FOUND)
		return rc;
	if (rc != ERR_OK)
		return err_set(err, rc, "members: %s", err_text(rc));
	r = reader_of(value, &version);
	o.seq = read_u64(&r);
	o.org = read_u32(&r);
	o.since = read_i64(&r);
	o.joined = read_u32(&r);
	o.parted = read_u32(&r);
	if ((rc = record_end(&r, "group", err)) == ERR_OK)
		*ret = o;
	return rc;
}

enum err_code
group_open_store(
    struct txn *t, uint64_t group, const struct group_open *o, struct err *err)
{
	struct key k = open_key(group);
	struct buf b = { 0 };
	enum err_code rc;

	record_u8(&b, 1);
	record_u64(&b, o->seq);
	record_u32(&b, o->org);
	record_i64(&b, o->since);
	record_u32(&b, o->joined);
	record_u32(&b, o->parted);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}

enum err_code
group_open_drop(struct txn *t, uint64_t group, struct err *err)
{
	struct key k = open_key(group);

	return txn_drop(t, &k, err);
}

bool
group_is_open(struct txn *t, uint64_t group)
{
	struct key k = open_key(group);
	struct bytes value;

	return txn_get(t, key_view(&k), &value, NULL) == ERR_OK;
}

/* ---- what its file says ------------------------------------------------- */

/* A removed file is in effect until its removal is due. */
static enum err_code
file_of(struct txn *t, uint64_t group, struct buf *ret, struct err *err)
{
	struct node n;
	uint64_t removed;
	enum err_code rc = node_find(t, group, "members", &n, NULL);

	if (rc == ERR_NOT_FOUND) {
		removed = removal_of(t, group, "members", PLACE_GROUP_MEMBERS);
		if (removed == 0)
			return ERR_OK;
		rc = node_get(t, removed, &n, err);
	}
	return rc == ERR_OK ? node_get_content(t, &n, ret, err)
	                    : err_set(err, rc, "members: %s", err_text(rc));
}

static enum err_code
plan_of(struct txn *t, uint32_t org, uint64_t group, struct plan **ret,
    struct err *err)
{
	struct buf file = { 0 };
	enum err_code rc = file_of(t, group, &file, err);

	if (rc == ERR_OK)
		rc = plan_new(org, group, buf_view(&file), ret, err);
	buf_free(&file);
	return rc;
}

enum err_code
group_each_named(struct txn *t, uint32_t org, uint64_t group, uint32_t after,
    group_member_fn *fn, void *arg, struct err *err)
{
	struct buf bytes = { 0 };
	struct group_file file = { .lines = { 0 } };
	enum err_code rc;

	if (!group_is_open(t, group))
		return group_each_member(t, group, after, fn, arg, err);
	if ((rc = file_of(t, group, &bytes, err)) == ERR_OK)
		rc = group_file_parse(&file, buf_view(&bytes), err);
	if (rc == ERR_OK)
		rc = group_file_each(t, &file, org, after, fn, arg, err);
	group_file_fini(&file);
	buf_free(&bytes);
	return rc;
}

/* ---- slices ------------------------------------------------------------- */

struct run {
	struct engine *engine;
	uint64_t group; /* 0: none is open */
	struct group_open open;
	struct groups_watch *watch;
	uint32_t looked;
	uint32_t members; /* when it is over */
};

static enum err_code
count_one(void *arg, uint32_t device, bool *stop, struct err *err)
{
	struct run *r = arg;

	(void)device;
	(void)stop;
	(void)err;
	r->members++;
	return ERR_OK;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	enum err_code rc = txn_first_number(t, KIND_GROUP_OPEN, &r->group, err);

	if (rc != ERR_OK || r->group == 0 ||
	    (rc = group_open_read(t, r->group, &r->open, err)) != ERR_OK)
		return rc;
	if (r->watch->plan == NULL || r->watch->seq != r->open.seq) {
		groups_watch_fini(r->watch);
		r->watch->seq = r->open.seq;
		rc = plan_of(t, r->open.org, r->group, &r->watch->plan, err);
	}
	if (rc == ERR_OK)
		rc = plan_look(t, r->watch->plan, &r->looked, err);
	r->members = 0;
	return rc == ERR_OK && plan_is_over(r->watch->plan)
	           ? group_each_member(t, r->group, 0, count_one, r, err)
	           : rc;
}

static enum err_code
say_settled(struct txn *t, const struct run *r, const struct group_open *o,
    struct err *err)
{
	struct buf path = { 0 };
	struct node n;
	enum err_code rc = node_get(t, r->group, &n, NULL);

	if (rc == ERR_NOT_FOUND) /* it was removed */
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "group: %s", err_text(rc));
	node_path(t, &n, &path);
	rc = event_record(t, r->engine, o->org, err,
	    "%s: %u devices are members: %u joined, %u left", buf_str(&path),
	    r->members + o->joined - r->open.joined, o->joined, o->parted);
	buf_free(&path);
	return rc;
}

static enum err_code
slice_txn(struct txn *t, void *arg, struct err *err)
{
	struct run *r = arg;
	struct group_open o;
	enum err_code rc = group_open_read(t, r->group, &o, err);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && o.seq != r->watch->seq))
		return ERR_OK; /* another file took its place */
	if (rc == ERR_OK)
		rc = plan_act(t, r->watch->plan, &o.joined, &o.parted, err);
	if (rc != ERR_OK)
		return rc;
	if (!plan_is_over(r->watch->plan))
		return group_open_store(t, r->group, &o, err);
	rc = group_open_drop(t, r->group, err);
	return rc == ERR_OK ? say_settled(t, r, &o, err) : rc;
}

/* One that cannot be settled must not keep the others. */
static enum err_code
give_up_txn(struct txn *t, void *arg, struct err *err)
{
	const struct run *r = arg;

	return group_open_drop(t, r->group, err);
}

static enum err_code
slice(struct run *r, struct err *err)
{
	enum err_code rc = store_view(r->engine->store, look_txn, r, err);
	struct plan *p = r->watch->plan;

	engine_scanned(r->engine, r->looked);
	r->looked = 0;
	if (rc != ERR_OK || r->group == 0)
		return rc;
	if (plan_noted(p) > 0 || plan_is_over(p))
		rc = store_update(r->engine->store, slice_txn, r, err);
	plan_next(p);
	if (plan_is_over(p))
		groups_watch_fini(r->watch);
	return rc;
}

enum err_code
groups_settle(
    struct engine *e, struct groups_watch *w, int64_t *next, struct err *err)
{
	struct run r = { .engine = e, .watch = w };
	struct err why = { 0 };
	unsigned i = 0;
	enum err_code rc = ERR_OK;

	do {
		r.group = 0;
		if (slice(&r, &why) == ERR_OK)
			continue;
		groups_watch_fini(w);
		if (why.code == ERR_STANDBY || why.code == ERR_FULL ||
		    r.group == 0)
			return err_set(err, why.code, "%s", why.msg);
		log_error("members of group %llu are not as its file says: %s",
		    (unsigned long long)r.group, why.msg);
		rc = store_update(e->store, give_up_txn, &r, err);
	} while (rc == ERR_OK && r.group != 0 && ++i < GROUP_ROUND);
	*next = rc == ERR_OK && r.group != 0 ? engine_now(e) : 0;
	return rc;
}

void
groups_watch_fini(struct groups_watch *w)
{
	plan_free(w->plan);
	w->plan = NULL;
}
