/*
 * What happens when a command for many is written, replaced or removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/command_words.h"
#include "engine/model/mass.h"
#include "engine/model/mass_judge.h"
#include "engine/model/mass_limit.h"
#include "engine/model/queue_expiry.h"

#define LOOK_AT 10000 /* devices, before one is found that takes it */
#define SAMPLES 64    /* kinds of device */

/* Until the command has its number. */
#define HOLE "00000000-0000-8000-8000-000000000000"

struct sample {
	struct validation_device d;
	char udid[DEVICE_ID_MAX + 1]; /* of one of them */
};

struct mass_change {
	enum validation validation;
	struct schema_device any; /* what all of them have in common */
	uint32_t members;
	uint32_t limit;
	int64_t expires;
	bool all; /* no kind of device is missing in samples */
	size_t n;
	struct sample samples[SAMPLES];
	struct buf findings; /* what the event is to say of it */
	struct buf plist;
	size_t hole; /* where each device's CommandUUID will stand in it */
	char type[QUEUE_TYPE_MAX + 1];
};

void
mass_command_release(struct change *c)
{
	struct mass_change *x = c->context;

	if (x != NULL) {
		buf_wipe(&x->plist);
		buf_free(&x->findings);
	}
	free(x);
	c->context = NULL;
}

static uint64_t
group_of(const struct change *c)
{
	return c->w->place == PLACE_GROUP_COMMAND ? c->parent.n.parent : 0;
}

/* ---- gathering ---------------------------------------------------------- */

struct look {
	struct txn *t;
	struct mass_change *x;
	unsigned seen;
};

static enum err_code
look_one(void *arg, const struct device *d, bool *stop, struct err *err)
{
	struct look *l = arg;
	struct mass_change *x = l->x;
	struct sample *s = &x->samples[x->n];
	size_t i;

	(void)err;
	if (l->seen++ == LOOK_AT || x->n == SAMPLES) {
		x->all = false;
		*stop = true;
		return ERR_OK;
	}
	validation_device_read(l->t, d, 0, &s->d);
	memcpy(s->udid, d->udid, sizeof(s->udid));
	for (i = 0; i < x->n; i++)
		if (mass_judge_alike(&x->samples[i].d, &s->d))
			return ERR_OK;
	x->n++;
	return ERR_OK;
}

enum err_code
mass_command_gather(struct txn *t, struct change *c, struct err *err)
{
	struct mass_change *x = calloc(1, sizeof(*x));
	struct mass m = { .org = c->node.n.org, .group = group_of(c) };
	struct look look = { t, x, 0 };
	enum err_code rc;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "command");
	mass_command_release(c);
	c->context = x;
	x->validation = validation_read(t);
	x->limit = mass_limit_read(t);
	x->expires = expiry_default(t, m.org, engine_now(c->engine));
	x->all = true;
	x->any.channel = SCHEMA_CHANNEL_DEVICE;
	rc = mass_members(t, m.org, m.group, &x->members, err);
	return rc == ERR_OK ? mass_each_device(t, &m, look_one, &look, err)
	                    : rc;
}

/* ---- judging ------------------------------------------------------------ */

/* There is somebody who takes it. */
static enum err_code
judge_devices(const struct change *c, const struct schema *schema,
    const struct schema_envelope *env, struct err *err)
{
	struct mass_change *x = c->context;
	struct mass_judge *j = NULL;
	const char *why = "";
	bool takes = !x->all;
	size_t i;
	enum err_code rc = mass_judge_new(schema, x->validation, env, &j, err);

	for (i = 0; rc == ERR_OK && !takes && i < x->n; i++)
		takes = mass_judge(j, &x->samples[i].d, &why);
	if (rc == ERR_OK && !takes && x->n > 0)
		rc = err_set(err, ERR_UNSUPPORTED,
		    "none of the %u devices takes it; %s: %s", x->members,
		    x->samples[x->n - 1].udid, why);
	mass_judge_free(j);
	return rc;
}

static enum err_code
check_limit(const struct change *c, const struct pl *command,
    const struct command_words *words, struct err *err)
{
	const struct mass_change *x = c->context;
	const char *what = irreversible(command);
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%u", x->members);
	if (words->confirm[0] != '\0' && strcmp(words->confirm, wanted) != 0)
		return err_set(err, ERR_INVALID,
		    "confirm=%s: the command is for %u devices: look whether "
		    "it is meant for all of them, then write confirm=%u",
		    words->confirm, x->members, x->members);
	if (what == NULL || x->members <= x->limit || words->confirm[0] != '\0')
		return ERR_OK;
	return err_set(err, ERR_INVALID,
	    "%s %s, which cannot be undone, and this is for %u devices: if "
	    "that is meant, add confirm=%u to the command, or call the file "
	    "%.100s.confirm=%u (system/mass-limit is %u)",
	    x->type, what, x->members, x->members, c->w->name, x->members,
	    x->limit);
}

static enum err_code
make_plist(struct change *c, const struct pl *command, struct err *err)
{
	struct mass_change *x = c->context;
	struct pl *whole = pl_new_dict();
	const uint8_t *p, *at = NULL;
	enum err_code rc;

	pl_dict_set(whole, "Command", pl_copy(command));
	pl_set_string(whole, "CommandUUID", HOLE);
	pl_write_xml(whole, &x->plist);
	pl_free(whole);
	if ((rc = buf_error(&x->plist, err)) != ERR_OK)
		return rc;
	for (p = x->plist.p; /* the last one */
	     (p = memmem(p, (size_t)(x->plist.p + x->plist.len - p), HOLE,
		  strlen(HOLE))) != NULL;
	     p++)
		at = p;
	if (at == NULL)
		return err_set(err, ERR_INTERNAL, "command without envelope");
	x->hole = (size_t)(at - x->plist.p);
	return ERR_OK;
}

enum err_code
mass_command_judge(struct change *c, struct err *err)
{
	struct mass_change *x = c->context;
	struct command_words words = { 0 };
	struct schema_envelope env;
	struct pl *root = NULL;
	const struct schema *schema = engine_schema(c->engine);
	struct validation_job job = { schema, x->validation, &x->any,
		c->w->bytes };
	enum err_code rc =
	    schema_command_read(schema, c->w->bytes, &root, &env, err);

	if (rc != ERR_OK)
		goto out;
	snprintf(x->type, sizeof(x->type), "%s", env.request_type);
	rc = command_words_take(root, &env, c->w->name, c->now, &words, err);
	if (rc == ERR_OK)
		rc = validation_command(&job, &env, &x->findings, err);
	if (rc == ERR_OK && x->members == 0)
		rc = err_set(err, ERR_UNSUPPORTED,
		    "there is no enrolled device that it could be for%s",
		    c->w->place == PLACE_GROUP_COMMAND
			? ": look at the group's members"
			: "");
	if (rc == ERR_OK)
		rc = judge_devices(c, schema, &env, err);
	if (rc == ERR_OK)
		rc = check_limit(c, env.command, &words, err);
	if (rc == ERR_OK)
		rc = make_plist(c, env.command, err);
	if (words.expires != 0)
		x->expires = words.expires;
out:
	pl_free(root);
	schema_free(schema);
	return rc;
}

/* ---- taking effect ------------------------------------------------------ */

static enum err_code
put_plist(
    struct txn *t, const struct mass *m, struct mass_change *x, struct err *err)
{
	char hole[QUEUE_UUID_MAX + 1];

	mass_uuid(m->number, 0, m->since, hole);
	memcpy(x->plist.p + x->hole, hole, strlen(HOLE));
	return mass_put_plist(t, m, buf_view(&x->plist), err);
}

static enum err_code
stop_old(struct txn *t, const struct change *c, struct err *err)
{
	struct mass old;
	enum err_code rc =
	    mass_find(t, c->node.n.org, group_of(c), c->node.name, &old, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "command: %s", err_text(rc));
	return mass_stop(t, &old, QUEUE_CANCELLED, err);
}

enum err_code
mass_command_apply(struct txn *t, struct change *c, struct err *err)
{
	struct mass_change *x = c->context;
	struct mass m = { .org = c->node.n.org,
		.group = group_of(c),
		.file = c->node.n.ino,
		.since = engine_now(c->engine),
		.expires = x->expires,
		.fanning = true,
		.members = x->members };
	enum err_code rc;

	memcpy(m.name, c->node.name, sizeof(m.name));
	memcpy(m.type, x->type, sizeof(m.type));
	m.n[MASS_LEFT] = m.members;
	if ((rc = stop_old(t, c, err)) != ERR_OK ||
	    (rc = mass_create(t, &m, err)) != ERR_OK ||
	    (rc = put_plist(t, &m, x, err)) != ERR_OK ||
	    (rc = mass_fan_out(t, c->engine, &m, err)) != ERR_OK ||
	    (rc = mass_store(t, &m, err)) != ERR_OK)
		return rc;
	snprintf(c->note, sizeof(c->note), "%s for %u devices%s%.*s", x->type,
	    m.members, x->findings.len > 0 ? "; " : "",
	    text_fit(buf_view(&x->findings), 300), buf_str(&x->findings));
	return ERR_OK;
}

enum err_code
mass_command_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct node dir;
	struct mass m;
	uint64_t group = 0;
	enum err_code rc = ERR_OK;

	(void)e;
	if (n->n.place == PLACE_GROUP_COMMAND &&
	    (rc = node_get(t, n->n.parent, &dir, NULL)) == ERR_OK)
		group = dir.n.parent;
	if (rc == ERR_OK)
		rc = mass_find(t, n->n.org, group, n->name, &m, NULL);
	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && m.file != n->n.ino))
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "command: %s", err_text(rc));
	return mass_stop(t, &m, QUEUE_CANCELLED, err);
}
