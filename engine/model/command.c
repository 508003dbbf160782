#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "engine/base/text.h"
#include "engine/model/command_words.h"
#include "engine/model/mass_limit.h"
#include "engine/model/queue.h"
#include "engine/model/queue_expiry.h"
#include "engine/model/users.h"
#include "engine/model/validation.h"

/* What gather() and judge() leave to apply(). */
struct command {
	struct validation_device device;
	enum validation validation;
	char udid[DEVICE_ID_MAX + 1];
	uint32_t limit;
	int64_t expires;
	const char *what;    /* of irreversible() */
	bool confirmed;      /* for this very device */
	uint64_t hash;       /* 0: it has a CommandUUID of its own */
	struct buf findings; /* what the event is to say of it */
	struct buf plist;    /* the whole envelope, as the device is sent it */
	char uuid[QUEUE_UUID_MAX + 1];
	char queued_as[QUEUE_UUID_MAX + 1]; /* another's, if it was merged */
	char type[QUEUE_TYPE_MAX + 1];
};

static void
command_free(struct command *x)
{
	if (x == NULL)
		return;
	buf_wipe(&x->plist);
	buf_free(&x->findings);
	free(x);
}

void
command_release(struct change *c)
{
	command_free(c->context);
}

/* The one that is in the way, if it was handed out already. */
static enum err_code
check_not_sent(struct txn *t, const struct node *n, struct err *err)
{
	struct channel_id id = { n->n.device, n->n.user };
	struct buf since = { 0 };
	struct queued q;
	enum err_code rc = queue_by_file(t, id, n, &q, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "queue: %s", err_text(rc));
	if (q.state != QUEUE_SENT)
		return ERR_OK;
	text_time(&since, q.sent_at);
	rc = err_set(err, ERR_CHANGED,
	    "%s was sent to the device at %s: it can no longer be changed or "
	    "taken back; its answer will appear in results/%s",
	    n->name, buf_str(&since), n->name);
	buf_free(&since);
	return rc;
}

/* Whether the device, and the user, can be sent commands at all. */
static enum err_code
check_channel(
    struct txn *t, struct change *c, struct device *d, struct err *err)
{
	enum err_code rc = device_read(t, c->node.n.device, d, err);

	if (rc != ERR_OK)
		return rc;
	if (d->state == DEVICE_CHECKED_OUT)
		return err_set(err, ERR_UNSUPPORTED,
		    "device %s has left the management: it takes no commands "
		    "until it enrolls again",
		    d->udid);
	if (c->node.n.user != 0 && !user_exists(t, d->number, c->node.n.user))
		return err_set(err, ERR_NOT_FOUND,
		    "device %s has no such user any more", d->udid);
	return c->replaces ? check_not_sent(t, &c->old, err) : ERR_OK;
}

static bool
is_first(const struct change *c)
{
	return c->node.n.parent == file_device_dir(c->node.n.device,
				       c->node.n.user, FILE_DEVICE_FIRST);
}

/* commands/ and commands/first/ share results/. */
static enum err_code
check_name(struct txn *t, const struct change *c, struct err *err)
{
	bool first = is_first(c);
	uint64_t beside = file_device_dir(c->node.n.device, c->node.n.user,
	    first ? FILE_DEVICE_COMMANDS : FILE_DEVICE_FIRST);
	struct node n;

	if (node_find(t, beside, c->node.name, &n, NULL) != ERR_OK ||
	    n.n.ino == c->node.n.ino)
		return ERR_OK;
	return err_set(err, ERR_EXISTS,
	    "%s waits in commands/%s already, and both would be answered as "
	    "results/%s: %s",
	    c->node.name, first ? "" : "first/", c->node.name,
	    first ? "mv it here" : "take another name");
}

enum err_code
command_gather(struct txn *t, struct change *c, struct err *err)
{
	struct command *x = calloc(1, sizeof(*x));
	struct device d;
	enum err_code rc;

	if (x == NULL)
		return err_set(err, ERR_NO_MEMORY, "command");
	if ((rc = check_channel(t, c, &d, err)) != ERR_OK ||
	    (rc = check_name(t, c, err)) != ERR_OK) {
		command_free(x);
		return rc;
	}
	x->validation = validation_read(t);
	x->limit = mass_limit_read(t);
	x->expires = expiry_default(t, d.org, engine_now(c->engine));
	memcpy(x->udid, d.udid, sizeof(x->udid));
	validation_device_read(t, &d, c->node.n.user, &x->device);
	command_free(c->context);
	c->context = x;
	return ERR_OK;
}

static enum err_code
make_uuid(char uuid[static QUEUE_UUID_MAX + 1], struct err *err)
{
	struct buf b = { 0 };
	uint8_t random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_set(err, ERR_INTERNAL, "no random bytes");
	text_uuid(&b, random);
	snprintf(uuid, QUEUE_UUID_MAX + 1, "%s", buf_str(&b));
	buf_free(&b);
	return ERR_OK;
}

/* What it says to mdmfs. */
static enum err_code
check_words(struct command *x, const struct command_words *words,
    const struct pl *command, struct err *err)
{
	if (words->expires != 0)
		x->expires = words->expires;
	x->what = irreversible(command);
	x->confirmed = strcmp(words->confirm, x->udid) == 0;
	if (words->confirm[0] != '\0' && !x->confirmed &&
	    strcmp(words->confirm, "1") != 0)
		return err_set(err, ERR_INVALID,
		    "confirm=%s: the command is for one device: confirm=%s",
		    words->confirm, x->udid);
	return ERR_OK;
}

enum err_code
command_judge(struct change *c, struct err *err)
{
	struct schema_envelope env;
	struct pl *root = NULL, *whole = NULL;
	struct command *x = c->context;
	struct command_words words = { 0 };
	struct validation_job job;
	const struct schema *schema = engine_schema(c->engine);
	enum err_code rc;

	rc = schema_command_read(schema, c->w->bytes, &root, &env, err);
	if (rc != ERR_OK)
		goto out;
	rc = command_words_take(root, &env, c->w->name, c->now, &words, err);
	if (rc != ERR_OK)
		goto out;
	if ((rc = check_words(x, &words, env.command, err)) != ERR_OK)
		goto out;
	job = (struct validation_job){ schema, x->validation, &x->device.d,
		c->w->bytes };
	rc = validation_command(&job, &env, &x->findings, err);
	if (rc != ERR_OK)
		goto out;
	snprintf(x->type, sizeof(x->type), "%s", env.request_type);
	if (env.uuid != NULL)
		snprintf(x->uuid, sizeof(x->uuid), "%s", env.uuid);
	else if ((rc = make_uuid(x->uuid, err)) != ERR_OK)
		goto out;
	if (env.uuid == NULL)
		x->hash = queue_hash(env.command);
	whole = pl_new_dict();
	pl_dict_set(whole, "Command", pl_copy(env.command));
	pl_set_string(whole, "CommandUUID", x->uuid);
	pl_write_xml(whole, &x->plist);
	rc = buf_error(&x->plist, err);
out:
	pl_free(whole);
	pl_free(root);
	schema_free(schema);
	return rc;
}

static enum err_code
enqueue(struct txn *t, struct change *c, struct channel *channel, bool *merged,
    struct err *err)
{
	struct command *x = c->context;
	enum err_code rc;
	struct queued q = { .channel = channel->id,
		.ino = c->node.n.ino,
		.since = engine_now(c->engine),
		.hash = x->hash,
		.expires = x->expires };

	memcpy(q.uuid, x->uuid, sizeof(q.uuid));
	memcpy(q.type, x->type, sizeof(q.type));
	rc = queue_add(t, channel, &q, is_first(c), buf_view(&x->plist), err);
	c->node.queued = q.order;
	*merged = rc == ERR_OK && q.state == QUEUE_MERGED;
	memcpy(x->queued_as, q.uuid, sizeof(x->queued_as));
	return rc;
}

/* The command that had the name. */
static enum err_code
replace(struct txn *t, const struct change *c, struct channel *channel,
    struct err *err)
{
	struct queued old;
	enum err_code rc;

	if (!c->replaces)
		return ERR_OK;
	rc = queue_by_file(t, channel->id, &c->old, &old, NULL);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	return rc == ERR_OK ? queue_finish(t, channel, &old, false, err)
	                    : err_set(err, rc, "queue: %s", err_text(rc));
}

/* A glob over devices/ is a mass command, too. */
static enum err_code
count_drop(struct txn *t, const struct change *c, struct err *err)
{
	const struct command *x = c->context;
	struct drop_check d = { c->w->actor.uid, engine_now(c->engine),
		x->limit, x->type, x->what, x->udid };

	return x->what == NULL || x->confirmed ? ERR_OK
	                                       : drops_count(t, &d, err);
}

static void
say(struct change *c, const struct channel *channel, bool merged)
{
	struct command *x = c->context;

	snprintf(c->note, sizeof(c->note), "%s %s %s%s%s%s%.*s", x->type,
	    merged ? "is asked already and shares the answer to" : "queued as",
	    x->queued_as, is_first(c) ? ", before all others" : "",
	    channel->has_token ? ""
			       : "; no push yet: the device has sent no "
				 "push token",
	    x->findings.len > 0 ? "; " : "",
	    text_fit(buf_view(&x->findings), 300), buf_str(&x->findings));
}

enum err_code
command_apply(struct txn *t, struct change *c, struct err *err)
{
	struct channel_id id = { c->node.n.device, c->node.n.user };
	struct channel channel;
	struct device d;
	bool merged;
	enum err_code rc;

	if ((rc = check_channel(t, c, &d, err)) != ERR_OK ||
	    (rc = check_name(t, c, err)) != ERR_OK ||
	    (rc = count_drop(t, c, err)) != ERR_OK ||
	    (rc = channel_read(t, id, &channel, err)) != ERR_OK ||
	    (rc = replace(t, c, &channel, err)) != ERR_OK ||
	    (rc = enqueue(t, c, &channel, &merged, err)) != ERR_OK ||
	    (rc = channel_wake(t, &channel, engine_now(c->engine), err)) !=
		ERR_OK)
		return rc;
	say(c, &channel, merged);
	return channel_store(t, &channel, err);
}

enum err_code
command_may_remove(struct txn *t, const struct node *n, struct err *err)
{
	return check_not_sent(t, n, err);
}

enum err_code
command_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct channel_id id = { n->n.device, n->n.user };
	struct channel channel;
	struct queued q;
	enum err_code rc = queue_by_file(t, id, n, &q, NULL);

	(void)e;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK || (rc = channel_read(t, id, &channel, err)) != ERR_OK)
		return rc;
	if ((rc = queue_finish(t, &channel, &q, false, err)) != ERR_OK)
		return rc;
	if (channel.waiting == 0 &&
	    (rc = channel_calm(t, &channel, err)) != ERR_OK)
		return rc;
	return channel_store(t, &channel, err);
}
