#include "engine/model/report.h"

#include <string.h>

#include "engine/model/answers.h"
#include "engine/model/events.h"
#include "engine/model/queue.h"
#include "engine/model/renewals.h"
#include "engine/model/results.h"

#define SEEN_STEP 300 /* seconds; finer would cost a write for each visit */
/* A device that answered NotNow comes back by itself only if that was the
 * last thing it said: MDM protocol, "Handling NotNow Status Responses". */
#define PUSH_AGAIN  INT64_C(600)
#define PUSH_NOTNOW INT64_C(3600)

/* clang-format off */
static const struct after {
	const char *word; /* in events */
	bool over;        /* the command has ended */
} after[REPORT_STATUSES] = {
	/*                         word                    over  */
	[REPORT_IDLE]         = { "idle",                 false },
	[REPORT_ACKNOWLEDGED] = { "acknowledged",         true  },
	[REPORT_ERROR]        = { "failed",               true  },
	[REPORT_FORMAT_ERROR] = { "not understood",       true  },
	[REPORT_NOT_NOW]      = { "not now",              false },
};
/* clang-format on */

/* The file of the command becomes one in results/. */
static enum err_code
file_over(struct txn *t, const struct report *r, struct channel *c,
    const struct queued *q, struct node *file, struct err *err)
{
	struct result result = { r->speaker.engine, file, r->bytes };
	enum err_code rc = node_get(t, q->ino, file, NULL);

	if (rc == ERR_OK)
		rc = results_add(t, c, &result, err);
	else if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	return rc == ERR_OK ? queue_finish(t, c, q, true, err) : rc;
}

/* Those that were merged into it have the same answer. */
static enum err_code
followers_over(struct txn *t, const struct report *r, struct channel *c,
    const struct queued *q, struct err *err)
{
	struct queued other;
	struct node file = { .name = "" };
	enum err_code rc;

	while ((rc = queue_follower(t, q, &other, NULL)) == ERR_OK) {
		other.ending = q->ending;
		rc = file_over(t, r, c, &other, &file, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc == ERR_NOT_FOUND
	           ? ERR_OK
	           : err_set(err, rc, "queue: %s", err_text(rc));
}

static enum err_code
command_over(struct txn *t, const struct report *r, struct channel *c,
    struct queued *q, struct err *err)
{
	struct answer answer = { .q = q,
		.message = r->speaker.message,
		.acknowledged = r->status == REPORT_ACKNOWLEDGED };
	struct report shown = *r;
	struct buf reason = { 0 };
	struct node file = { .name = "" };
	enum err_code rc;

	if (r->status != REPORT_ACKNOWLEDGED)
		answer_errors(r->speaker.message, &reason);
	q->ending =
	    r->status == REPORT_ACKNOWLEDGED ? QUEUE_DONE : QUEUE_FAILED;
	q->reason = reason.len > 0 ? buf_str(&reason) : NULL;
	rc = answer_learn(t, &answer, err);
	if (answer.shown.len > 0)
		shown.bytes = buf_view(&answer.shown);
	if (rc == ERR_OK)
		rc = followers_over(t, &shown, c, q, err);
	if (rc == ERR_OK)
		rc = file_over(t, &shown, c, q, &file, err);
	if (rc == ERR_OK)
		rc = event_record(t, r->speaker.engine, r->speaker.org, err,
		    "device=%s %s %s %s%s%s%s", r->speaker.id, q->type,
		    file.name[0] != '\0' ? file.name : q->uuid,
		    after[r->status].word, reason.len > 0 ? ": " : "",
		    buf_str(&reason), buf_str(&answer.note));
	answer_free(&answer);
	buf_free(&reason);
	return rc;
}

/* What the device said of one command. */
static enum err_code
take_answer(
    struct txn *t, const struct report *r, struct channel *c, struct err *err)
{
	struct queued q;
	enum err_code rc;

	if (r->status == REPORT_IDLE || r->uuid == NULL)
		return ERR_OK;
	rc = queue_by_uuid(t, c->id, r->uuid, &q, NULL);
	if (rc == ERR_NOT_FOUND)
		/* said twice, or cancelled: the device repeats it until it
		 * hears 200 */
		return event_record(t, r->speaker.engine, r->speaker.org, err,
		    "device=%s answered %.64s (%s), which is not waiting: "
		    "nothing changed",
		    r->speaker.id, r->uuid, after[r->status].word);
	if (rc != ERR_OK)
		return err_set(err, rc, "queue: %s", err_text(rc));
	if (after[r->status].over)
		return command_over(t, r, c, &q, err);
	return queue_not_now(t, c, &q, err);
}

/* The exchange is over; what still waits needs a push some day. */
static enum err_code
plan_push(
    struct txn *t, const struct report *r, struct channel *c, struct err *err)
{
	enum err_code rc = channel_calm(t, c, err);

	if (rc != ERR_OK || c->waiting == 0)
		return rc;
	return channel_wake(t, c,
	    r->speaker.now +
		(r->status == REPORT_NOT_NOW ? PUSH_NOTNOW : PUSH_AGAIN),
	    err);
}

enum err_code
report_take(
    struct txn *t, const struct report *r, struct buf *reply, struct err *err)
{
	struct channel c;
	struct device d;
	struct queued q;
	bool spoilt = false;
	enum err_code rc;

	buf_reset(reply);
	rc = enrollment_find(t, &r->speaker, &d, &c, err);
	if (rc != ERR_OK)
		return rc;
	if (r->status == REPORT_IDLE)
		c.session++;
	c.push_tries = 0;
	c.last_was_not_now = r->status == REPORT_NOT_NOW;
	if ((rc = take_answer(t, r, &c, err)) != ERR_OK)
		return rc;
	rc = queue_take(t, &c, r->speaker.now, &q, reply, &spoilt, err);
	/* A lost reply is as good as a lost device: the push stays planned
	 * until the answer is here. */
	if (rc == ERR_OK || rc == ERR_NOT_FOUND)
		rc = plan_push(t, r, &c, err);
	if (rc == ERR_OK)
		rc = channel_store(t, &c, err);
	/* renewals alone spoil; the keeper sees to it at once */
	if (rc == ERR_OK && spoilt)
		rc = renewal_set(t, &d, r->speaker.now, err);
	if (rc == ERR_OK &&
	    (spoilt || r->speaker.now - d.seen_at >= SEEN_STEP)) {
		d.seen_at = r->speaker.now;
		rc = device_store(t, &d, err);
	}
	return rc;
}

enum err_code
report_is_idle(struct txn *t, const struct report *r, struct err *err)
{
	struct channel c;
	struct device d;
	enum err_code rc = enrollment_find(t, &r->speaker, &d, &c, err);

	if (rc != ERR_OK)
		return rc;
	if (r->status != REPORT_IDLE || c.waiting > 0 || c.push_due != 0 ||
	    r->speaker.now - d.seen_at >= SEEN_STEP)
		return err_set(err, ERR_CHANGED, "something is to be done");
	return ERR_OK;
}
