#include "engine/model/renewals.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "engine/base/pl.h"
#include "engine/base/text.h"
#include "engine/model/certs.h"
#include "engine/model/due.h"
#include "engine/model/orgs.h"

#define LATEST     INT64_C(30 * 86400) /* before the end */
#define GRACE_MOST 3650                /* days */

static struct key
renewal_key(int64_t due, uint32_t device)
{
	struct key k = key_of(KIND_RENEWAL);

	key_u64(&k, (uint64_t)due);
	key_u32(&k, device);
	return k;
}

enum err_code
renewal_set(struct txn *t, struct device *d, int64_t due, struct err *err)
{
	struct key old = renewal_key(d->renew_at, d->number);
	struct key k = renewal_key(due, d->number);
	enum err_code rc = ERR_OK;

	if (d->renew_at != 0)
		rc = txn_drop(t, &old, err);
	d->renew_at = due;
	if (rc == ERR_OK && due != 0)
		rc = txn_put(t, key_view(&k), BYTES_NONE, err);
	return rc;
}

enum err_code
renewal_plan(struct txn *t, struct device *d, int64_t now, struct err *err)
{
	struct issued i;
	int64_t due;
	enum err_code rc = issued_read(t, d->fingerprint, &i, NULL);

	if (rc == ERR_NOT_FOUND)
		return renewal_set(t, d, 0, err);
	if (rc != ERR_OK)
		return err_set(err, rc, "certificate: %s", err_text(rc));
	due = i.expires - LATEST;
	if (i.begins != 0 && i.begins + (i.expires - i.begins) / 2 < due)
		due = i.begins + (i.expires - i.begins) / 2;
	return renewal_set(t, d, due > now ? due : now, err);
}

enum err_code
renewal_grace_parse(struct bytes file, uint32_t *days, struct err *err)
{
	struct bytes s = text_trim(file);
	uint32_t v = 0;
	size_t i;

	for (i = 0;
	     i < s.len && s.p[i] >= '0' && s.p[i] <= '9' && v <= GRACE_MOST;
	     i++)
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	if (s.len == 0 || i < s.len || v > GRACE_MOST)
		return err_set(err, ERR_INVALID,
		    "renewal-grace: for how many days after its end a "
		    "certificate still lets a device in, a number from 0 to "
		    "%d",
		    GRACE_MOST);
	*days = v;
	return ERR_OK;
}

enum err_code
renewal_grace_judge(struct change *c, struct err *err)
{
	uint32_t days;

	return renewal_grace_parse(c->w->bytes, &days, err);
}

struct list {
	uint32_t *ret;
	size_t n;
};

static enum err_code
list_one(
    void *arg, struct txn *t, int64_t due, struct bytes key, struct err *err)
{
	struct list *l = arg;

	(void)t;
	(void)due;
	(void)err;
	l->ret[l->n++] = key_get_u32(key, DUE_REST);
	return ERR_OK;
}

enum err_code
renewals_due(struct txn *t, int64_t now, uint32_t *ret, size_t max, size_t *n,
    int64_t *next, struct err *err)
{
	struct due d = { .now = now, .max = max };
	struct list l = { .ret = ret };
	enum err_code rc = due_each(t, KIND_RENEWAL, &d, list_one, &l, err);

	*n = l.n;
	*next = d.next;
	return rc;
}

/* The command that waits, and its file.  ERR_NOT_FOUND. */
static enum err_code
waiting(struct txn *t, const struct device *d, struct queued *q, struct node *n)
{
	struct channel_id id = { d->number, 0 };
	enum err_code rc =
	    node_find(t, file_device_dir(d->number, 0, FILE_DEVICE_COMMANDS),
		RENEWAL_NAME, n, NULL);

	return rc == ERR_OK ? queue_by_file(t, id, n, q, NULL) : rc;
}

enum err_code
renewal_wanted(struct txn *t, const struct device *d, int64_t now, bool *ret,
    struct err *err)
{
	struct queued q;
	struct node n;
	struct org o;
	enum err_code rc = org_read(t, d->org, &o, err);

	if (rc != ERR_OK)
		return rc;
	*ret = false;
	if (d->state != DEVICE_ENROLLED || o.removed_at != 0)
		return ERR_OK;
	rc = waiting(t, d, &q, &n);
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "queue: %s", err_text(rc));
	*ret = rc == ERR_NOT_FOUND || now - q.since >= RENEWAL_FRESH ||
	       q.state == QUEUE_SPOILT;
	return ERR_OK;
}

bool
renewal_asked(struct txn *t, const struct device *d)
{
	struct queued q;
	struct node n;

	return waiting(t, d, &q, &n) == ERR_OK && q.state == QUEUE_SPOILT;
}

enum err_code
renewal_failed(struct txn *t, const struct device *d, struct err *err)
{
	struct queued q;
	struct node n;

	if (waiting(t, d, &q, &n) != ERR_OK || q.state != QUEUE_SPOILT)
		return ERR_OK;
	q.state = QUEUE_WAITING;
	return queue_store(t, &q, err);
}

/* InstallProfile as the device is sent it. */
static enum err_code
make_command(struct bytes profile, char uuid[static QUEUE_UUID_MAX + 1],
    struct buf *ret, struct err *err)
{
	struct pl *root = pl_new_dict(), *command = pl_new_dict();
	struct buf text = { 0 };
	uint8_t random[16];
	enum err_code rc = ERR_OK;

	if (RAND_bytes(random, sizeof(random)) != 1)
		rc = err_set(err, ERR_INTERNAL, "no random bytes");
	text_uuid(&text, random);
	snprintf(uuid, QUEUE_UUID_MAX + 1, "%s", buf_str(&text));
	buf_free(&text);
	pl_set_string(command, "RequestType", "InstallProfile");
	pl_set_data(command, "Payload", profile);
	pl_dict_set(root, "Command", command);
	pl_set_string(root, "CommandUUID", uuid);
	pl_write_xml(root, ret);
	pl_free(root);
	return rc == ERR_OK ? buf_error(ret, err) : rc;
}

/* The file in commands/: root's, since it holds the challenge. */
static enum err_code
make_file(struct txn *t, const struct engine *e, const struct device *d,
    struct bytes bytes, struct node *n, struct err *err)
{
	uint64_t number;
	enum err_code rc = counter_next(t, "ino", &number, err);

	if (rc != ERR_OK)
		return rc;
	*n = (struct node){ .name = RENEWAL_NAME,
		.n = { .ino = number + FILE_INO_FIRST - 1,
		    .parent =
			file_device_dir(d->number, 0, FILE_DEVICE_COMMANDS),
		    .place = PLACE_COMMAND,
		    .mode = 0600,
		    .size = bytes.len,
		    .mtime_ns = engine_now_ns(e),
		    .ctime_ns = engine_now_ns(e),
		    .org = d->org,
		    .device = d->number } };
	n->n.version = n->n.ino;
	if ((rc = node_put(t, n, err)) == ERR_OK &&
	    (rc = node_link(t, n, err)) == ERR_OK)
		rc = node_put_content(t, n, bytes, err);
	return rc;
}

/* Take the one away that waits. */
static enum err_code
drop_old(
    struct txn *t, const struct device *d, struct channel *c, struct err *err)
{
	struct queued q;
	struct node n;
	enum err_code rc = waiting(t, d, &q, &n);

	if (rc == ERR_OK)
		return queue_finish(t, c, &q, true, err);
	return rc == ERR_NOT_FOUND
	           ? ERR_OK
	           : err_set(err, rc, "queue: %s", err_text(rc));
}

enum err_code
renewal_queue(struct txn *t, const struct engine *e, struct device *d,
    struct bytes profile, int64_t fit_until, struct err *err)
{
	int64_t now = engine_now(e);
	struct queued q = { .channel = { d->number, 0 },
		.type = "InstallProfile",
		.since = now,
		.fit_until = fit_until };
	struct buf plist = { 0 };
	struct channel c;
	struct node n;
	enum err_code rc = make_command(profile, q.uuid, &plist, err);

	if (rc != ERR_OK ||
	    (rc = channel_read(t, q.channel, &c, err)) != ERR_OK ||
	    (rc = drop_old(t, d, &c, err)) != ERR_OK ||
	    (rc = make_file(t, e, d, buf_view(&plist), &n, err)) != ERR_OK)
		goto out;
	q.ino = n.n.ino;
	if ((rc = queue_add(t, &c, &q, false, buf_view(&plist), err)) !=
		ERR_OK ||
	    (rc = channel_wake(t, &c, now, err)) != ERR_OK ||
	    (rc = channel_store(t, &c, err)) != ERR_OK ||
	    (rc = renewal_set(t, d, now + RENEWAL_AGAIN, err)) != ERR_OK)
		goto out;
	rc = device_store(t, d, err);
out:
	buf_wipe(&plist);
	return rc;
}
