#include <string.h>

#include "engine/mdm/mdm_priv.h"
#include "engine/model/report.h"

struct connect {
	struct report report;
	struct buf reply;
};

static enum err_code
idle_txn(struct txn *t, void *arg, struct err *err)
{
	struct connect *c = arg;

	return report_is_idle(t, &c->report, err);
}

static enum err_code
take_txn(struct txn *t, void *arg, struct err *err)
{
	struct connect *c = arg;

	return report_take(t, &c->report, &c->reply, err);
}

static enum err_code
read_report(const struct exchange *x, struct report *r, struct err *err)
{
	static const char *const words[REPORT_STATUSES] = {
		[REPORT_IDLE] = "Idle",
		[REPORT_ACKNOWLEDGED] = "Acknowledged",
		[REPORT_ERROR] = "Error",
		[REPORT_FORMAT_ERROR] = "CommandFormatError",
		[REPORT_NOT_NOW] = "NotNow",
	};
	const char *status = pl_get_string(r->speaker.message, "Status");
	int i;

	if (status == NULL)
		return err_set(err, ERR_INVALID,
		    "the message has neither MessageType nor Status");
	for (i = 0; i < REPORT_STATUSES; i++)
		if (strcmp(words[i], status) == 0)
			break;
	if (i == REPORT_STATUSES)
		return err_set(err, ERR_INVALID,
		    "MDM connect: Status %.64s is not known", status);
	r->status = (enum report_status)i;
	r->uuid = pl_get_string(r->speaker.message, "CommandUUID");
	r->bytes = x->body;
	if (r->status != REPORT_IDLE && r->uuid == NULL)
		return err_set(err, ERR_INVALID,
		    "MDM connect: %s without CommandUUID", status);
	return ERR_OK;
}

enum err_code
connect_may_bind(
    const struct exchange *x, const struct speaker *s, struct err *err)
{
	struct report r = { .speaker = *s };

	return read_report(x, &r, err);
}

void
connect_answer(struct mdm *m, struct exchange *x, const struct speaker *s)
{
	struct connect c = { .report = { .speaker = *s } };
	struct err err = { 0 };
	enum err_code rc = read_report(x, &c.report, &err);

	/* Most visits change nothing: they cost a look, not a write. */
	if (rc == ERR_OK)
		rc = c.report.status == REPORT_IDLE
		         ? store_view(m->engine->store, idle_txn, &c, &err)
		         : ERR_CHANGED;
	if (rc == ERR_CHANGED)
		rc = store_update(m->engine->store, take_txn, &c, &err);
	if (rc == ERR_GONE) /* a user that is not known: no dismissal */
		rc = ERR_INVALID;
	if (rc != ERR_OK) {
		mdm_refuse(x, rc, &err);
	} else {
		x->status = 200;
		if (c.reply.len > 0)
			x->content_type = "application/xml; charset=UTF-8";
		buf_bytes(&x->reply, buf_view(&c.reply));
	}
	buf_wipe(&c.reply);
}
