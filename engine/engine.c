#include "mdmfs/engine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/net.h"
#include "engine/base/text.h"
#include "engine/keeper.h"
#include "engine/mdm/profile.h"
#include "engine/metrics.h"
#include "engine/model/certs.h"
#include "engine/model/events.h"
#include "engine/model/model.h"
#include "engine/model/node.h"
#include "engine/model/tls.h"
#include "engine/push/push.h"
#include "engine/routes.h"
#include "engine/schema/schema.h"
#include "engine/store/copy.h"
#include "engine/wire/server.h"

/* The composition root: everything that runs. */
struct parts {
	struct routes_ctx ctx;
	struct push *push; /* protected by mutex while threads run */
	struct server *server;
	struct keeper *keeper;
	pthread_mutex_t mutex;
};

static int64_t
wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t
wall_seconds(void)
{
	return wall_clock() / 1000000000;
}

/* ---- open --------------------------------------------------------------- */

/* The directories that are always there, and what older stores lack. */
static enum err_code
plant_txn(struct txn *t, void *arg, struct err *err)
{
	/* clang-format off */
	static const struct { uint64_t ino; uint64_t parent; enum place place; const char *name; } rows[] = {
		{ FILE_INO_ROOT,   FILE_INO_ROOT, PLACE_ROOT,   "" },
		{ FILE_INO_ORGS,   FILE_INO_ROOT, PLACE_ORGS,   "orgs" },
		{ FILE_INO_SYSTEM, FILE_INO_ROOT, PLACE_SYSTEM, "system" },
		{ FILE_INO_STAGING, FILE_INO_ROOT, PLACE_STAGING, "staging" },
	};
	/* clang-format on */
	const struct engine *e = arg;
	struct node n;
	size_t i;
	enum err_code rc;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = node_get(t, rows[i].ino, &n, NULL);
		if (rc == ERR_OK)
			continue;
		if (rc != ERR_NOT_FOUND)
			return err_set(
			    err, rc, "%s: %s", rows[i].name, err_text(rc));
		n = (struct node){ .n = { .ino = rows[i].ino,
				       .parent = rows[i].parent,
				       .place = rows[i].place,
				       .is_dir = true,
				       .mode = 0755,
				       .mtime_ns = engine_now_ns(e),
				       .ctime_ns = engine_now_ns(e) } };
		memcpy(n.name, rows[i].name, strlen(rows[i].name) + 1);
		if ((rc = node_put(t, &n, err)) != ERR_OK)
			return rc;
		if (n.n.ino != FILE_INO_ROOT &&
		    (rc = node_link(t, &n, err)) != ERR_OK)
			return rc;
	}
	return issued_index(t, err);
}

static enum err_code
open_store(struct engine *e, struct err *err)
{
	struct store_options options = { .dir = e->options->state_dir,
		.key_file = e->options->key_file };
	enum err_code rc = options.dir == NULL
	                       ? store_open_memory(&e->store, err)
	                       : store_open(&options, &e->store, err);

	if (rc == ERR_OK)
		rc = store_update(e->store, plant_txn, e, err);
	if (rc == ERR_OK)
		rc = profile_install_id(e, err);
	return rc;
}

/* One that is none would never match, and nobody would be told. */
static enum err_code
check_proxies(const struct engine_options *options, struct err *err)
{
	for (size_t i = 0;
	     i < ENGINE_MAX_PROXIES && options->proxies[i] != NULL; i++)
		if (!net_valid(options->proxies[i]))
			return err_set(err, ERR_INVALID,
			    "--trusted-proxy %s: that is no network; write "
			    "10.0.0.0/8, 192.0.2.1 or 2001:db8::/32",
			    options->proxies[i]);
	return ERR_OK;
}

static enum err_code
load_schema(const struct engine_options *options, const struct schema **ret,
    struct err *err)
{
	return options->schema_dir == NULL
	           ? schema_load(ret, err)
	           : schema_load_dir(options->schema_dir, ret, err);
}

enum err_code
engine_open(
    const struct engine_options *options, struct engine **ret, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	enum err_code rc;

	if (e == NULL || (e->parts = calloc(1, sizeof(*e->parts))) == NULL) {
		free(e);
		return err_set(err, ERR_NO_MEMORY, "engine");
	}
	e->options = options;
	e->clock = wall_clock;
	pthread_mutex_init(&e->parts->mutex, NULL);
	rc = check_proxies(options, err);
	if (rc == ERR_OK)
		rc = load_schema(options, &e->schema, err);
	if (rc == ERR_OK)
		rc = open_store(e, err);
	if (rc == ERR_OK) {
		*ret = e;
		e = NULL;
	}
	engine_close(e);
	return rc;
}

struct reloaded {
	const struct engine *engine;
	char what[600];
};

static enum err_code
reloaded_txn(struct txn *t, void *arg, struct err *err)
{
	const struct reloaded *r = arg;

	return event_record(t, r->engine, 0, err, "%s", r->what);
}

enum err_code
engine_reload(struct engine *e, struct err *err)
{
	const struct schema *schema = NULL;
	struct reloaded r = { .engine = e };
	enum err_code rc = load_schema(e->options, &schema, err);

	if (rc == ERR_OK) {
		snprintf(r.what, sizeof(r.what), "schema: %.500s in effect",
		    schema_release(schema));
		engine_schema_set(e, schema);
	} else {
		snprintf(r.what, sizeof(r.what),
		    "schema: refused, the one before stays in effect: %.500s",
		    err->msg);
	}
	(void)!store_update(e->store, reloaded_txn, &r, NULL);
	return rc;
}

void
engine_on_commit(struct engine *e, void (*fn)(void *arg), void *arg)
{
	store_on_commit(e->store, fn, arg);
}

uint64_t
engine_version(const struct engine *e)
{
	return store_version(e->store);
}

/* ---- start and stop ----------------------------------------------------- */

static void
wake(void *arg)
{
	struct parts *p = arg;

	keeper_wake(p->keeper);
	pthread_mutex_lock(&p->mutex);
	if (p->push != NULL)
		push_wake(p->push);
	pthread_mutex_unlock(&p->mutex);
}

/* NULL takes it out of wake()'s reach; returns the one before. */
static struct push *
set_push(struct parts *p, struct push *push)
{
	struct push *old;

	pthread_mutex_lock(&p->mutex);
	old = p->push;
	p->push = push;
	pthread_mutex_unlock(&p->mutex);
	return old;
}

static enum err_code
open_server(struct engine *e, struct err *err)
{
	struct parts *p = e->parts;
	struct server_options options = {
		.listen = e->options->listen,
		.routes = routes,
		.n_routes = n_routes,
		.ctx = &p->ctx,
		.now = wall_seconds,
	};
	enum err_code rc;

	while (options.n_listen < ENGINE_MAX_LISTEN &&
	       e->options->listen[options.n_listen] != NULL)
		options.n_listen++;
	if ((rc = server_open(&options, &p->server, err)) != ERR_OK)
		return rc;
	p->ctx.server = p->server;
	return keeper_serve(p->keeper, p->server, err);
}

enum err_code
engine_start(struct engine *e, struct err *err)
{
	struct parts *p = e->parts;
	struct push *push = NULL;
	enum err_code rc;

	p->ctx.engine = e;
	if ((rc = keeper_new(e, &p->keeper, err)) != ERR_OK)
		return rc;
	/* before any thread uses the store */
	store_on_commit(e->store, wake, p);
	if ((rc = mdm_open(e, &p->ctx.mdm, err)) != ERR_OK ||
	    (rc = scep_open(e, &p->ctx.scep, err)) != ERR_OK ||
	    (rc = open_server(e, err)) != ERR_OK ||
	    (rc = push_open(e, e->options->apns_url, e->options->apns_trust,
		 &push, err)) != ERR_OK)
		return rc;
	set_push(p, push);
	push_wake(push); /* what was committed before it could hear of it */
	if ((rc = keeper_start(p->keeper, err)) != ERR_OK)
		return rc;
	return server_start(p->server, err);
}

void
engine_close(struct engine *e)
{
	struct parts *p;

	if (e == NULL)
		return;
	p = e->parts;
	if (p->server != NULL)
		server_stop(p->server);
	if (p->keeper != NULL)
		keeper_stop(p->keeper);
	server_close(p->server);
	scep_close(p->ctx.scep);       /* it may be asking other CAs */
	push_close(set_push(p, NULL)); /* writes its last outcomes down */
	store_close(e->store);
	mdm_close(p->ctx.mdm);
	schema_free(e->schema);
	keeper_free(p->keeper); /* the store's last commits wake it */
	pthread_mutex_destroy(&p->mutex);
	free(p);
	free(e);
}

/* ---- pages -------------------------------------------------------------- */

static enum err_code
tls_txn(struct txn *t, void *arg, struct err *err)
{
	return tls_state(t, arg, err);
}

static void
describe_tls(struct engine *e, struct buf *b)
{
	struct tls_state s;

	if (store_view(e->store, tls_txn, &s, NULL) != ERR_OK ||
	    s.facts.version == 0)
		return;
	buf_printf(b, "tls-certificate: %s%s, until ", s.facts.subject,
	    s.own ? " (made by this server: system/tls has none)" : "");
	text_time(b, s.facts.expires);
	buf_char(b, '\n');
}

void
engine_describe(struct engine *e, struct buf *b)
{
	size_t i;

	for (i = 0;
	     i == 0 || (i < ENGINE_MAX_LISTEN && e->options->listen[i] != NULL);
	     i++)
		buf_printf(b, "listen: https://%s\n",
		    server_address(e->parts->server, i));
	describe_tls(e, b);
}

enum err_code
engine_server_page(struct engine *e, struct buf *b, struct err *err)
{
	struct server_counts counts = { 0 };
	struct store_stat st;
	const struct schema *schema;
	enum err_code rc = store_stat(e->store, &st, err);

	if (rc != ERR_OK)
		return rc;
	schema = engine_schema(e);
	buf_printf(b, "version: %s\nschema: %s\n", MDMFS_VERSION,
	    schema_release(schema));
	schema_free(schema);
	if (e->parts->server != NULL) {
		engine_describe(e, b);
		server_counts(e->parts->server, &counts);
	}
	buf_printf(b,
	    "connections: %llu\nrequests: %llu\nrequests-refused: %llu\n",
	    (unsigned long long)counts.connections,
	    (unsigned long long)counts.requests,
	    (unsigned long long)counts.refused);
	buf_printf(b,
	    "store-bytes: %llu\nstore-limit: %llu\nstore-records: %llu\n"
	    "store-commits: %llu\nstore-updates: %llu\n",
	    (unsigned long long)st.used_bytes,
	    (unsigned long long)st.limit_bytes, (unsigned long long)st.pairs,
	    (unsigned long long)st.commits, (unsigned long long)st.updates);
	return buf_error(b, err);
}

enum err_code
health_metrics_page(struct engine *e, health_filter *filter, void *arg,
    struct buf *b, struct err *err)
{
	return metrics_text(e, e->parts->server, filter, arg, b, err);
}

enum err_code
engine_backup(const char *state_dir, const char *key_file, const char *path,
    struct err *err)
{
	(void)key_file; /* a copy holds no key */
	return store_copy(state_dir, path, err);
}

enum err_code
engine_restore(const char *path, const char *state_dir, struct err *err)
{
	return store_copy_in(path, state_dir, err);
}
