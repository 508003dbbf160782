#include <stdio.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/token_message.h"

/* One message in its transaction. */
struct checkin {
	const struct speaker *s;
	struct buf reply;
};

static enum err_code
authenticate(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;

	return enrollment_authenticate(t, c->s, err);
}

static enum err_code
token_update(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;
	struct push_token token;
	enum err_code rc = token_of_message(c->s->message, &token, err);

	return rc == ERR_OK ? enrollment_token_update(t, c->s, &token, err)
	                    : rc;
}

static enum err_code
check_out(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;

	return enrollment_check_out(t, c->s, err);
}

/* Apple: a missing or empty BootstrapToken deletes the one that is kept. */
static enum err_code
set_bootstrap_token(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;
	struct bytes token = pl_get_data(c->s->message, "BootstrapToken");
	struct channel channel;
	struct device d;
	enum err_code rc = enrollment_find(t, c->s, &d, &channel, err);

	if (rc == ERR_OK)
		rc = secret_put(t, d.number, "BootstrapToken", token, err);
	if (rc == ERR_OK)
		rc = event_record(t, c->s->engine, c->s->org, err,
		    "device=%s %s its bootstrap token", c->s->id,
		    token.len > 0 ? "escrowed" : "took back");
	return rc;
}

/* None kept: 200 and nothing, no error. */
static enum err_code
get_bootstrap_token(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;
	struct buf token = { 0 };
	struct channel channel;
	struct device d;
	struct pl *reply;
	enum err_code rc = enrollment_find(t, c->s, &d, &channel, err);

	buf_reset(&c->reply);
	if (rc != ERR_OK)
		return rc;
	rc = secret_get(t, d.number, "BootstrapToken", &token, NULL);
	if (rc == ERR_OK) {
		reply = pl_new_dict();
		pl_set_data(reply, "BootstrapToken", buf_view(&token));
		pl_write_xml(reply, &c->reply);
		pl_free(reply);
		rc = buf_error(&c->reply, err);
	} else if (rc == ERR_NOT_FOUND) {
		rc = ERR_OK;
	} else {
		rc = err_set(err, rc, "bootstrap token: %s", err_text(rc));
	}
	buf_wipe(&token);
	return rc;
}

/* 410: network and mobile users of macOS are not managed (Apple: "Enabling
 * Network and Mobile User Logins"). */
static enum err_code
user_authenticate(struct txn *t, void *arg, struct err *err)
{
	(void)t;
	(void)arg;
	return err_set(
	    err, ERR_GONE, "network and mobile users are not managed here");
}

static enum err_code
get_token(struct txn *t, void *arg, struct err *err)
{
	struct checkin *c = arg;
	const char *service = pl_get_string(c->s->message, "TokenServiceType");

	(void)t;
	return err_set(err, ERR_INVALID, "no token service %.64s here",
	    service == NULL ? "(none named)" : service);
}

/* clang-format off */
static const struct message {
	const char *type;
	bool changes; /* the store */
	bool binds;   /* it may be the first of an imported device */
	txn_fn *fn;
} messages[] = {
	{ "Authenticate",      true,  true,  authenticate },
	{ "TokenUpdate",       true,  true,  token_update },
	{ "CheckOut",          true,  true,  check_out },
	{ "SetBootstrapToken", true,  true,  set_bootstrap_token },
	{ "GetBootstrapToken", false, true,  get_bootstrap_token },
	{ "UserAuthenticate",  false, false, user_authenticate },
	{ "GetToken",          false, false, get_token },
};
/* clang-format on */

static const struct message *
message_of(const char *type, struct err *err)
{
	size_t i, n = sizeof(messages) / sizeof(messages[0]);

	for (i = 0; i < n; i++)
		if (strcmp(messages[i].type, type) == 0)
			return &messages[i];
	(void)err_set(err, ERR_INVALID,
	    "MDM check-in: MessageType %.64s is not known here", type);
	return NULL;
}

enum err_code
checkin_may_bind(const struct pl *message, struct err *err)
{
	const struct message *m =
	    message_of(pl_get_string(message, "MessageType"), err);
	struct push_token token;

	if (m == NULL)
		return ERR_INVALID;
	if (!m->binds)
		return err_set(err, ERR_DENIED,
		    "an imported device does not begin with %s", m->type);
	return m->fn == token_update ? token_of_message(message, &token, err)
	                             : ERR_OK;
}

/* Refusals that an administrator wants to hear of.  Whose the device is the
 * client does not hear. */
static void
refuse_device(struct mdm *m, struct exchange *x, const struct speaker *s,
    enum err_code rc, const struct err *err)
{
	char line[sizeof(err->msg) + 160];
	struct err failed = { 0 };

	snprintf(line, sizeof(line), "device=%s authenticate refused: %s",
	    s->id, err->msg);
	if (event_note(m->engine, s->org, line, &failed) != ERR_OK)
		log_error("%s (no event: %s)", line, failed.msg);
	if (rc == ERR_NOT_UNIQUE)
		exchange_text(x, 400, "the device is enrolled elsewhere");
	else
		mdm_refuse(x, rc, err);
}

void
checkin_answer(struct mdm *m, struct exchange *x, const struct speaker *s)
{
	struct checkin c = { .s = s };
	struct err err = { 0 };
	const struct message *message =
	    message_of(pl_get_string(s->message, "MessageType"), &err);
	enum err_code rc;

	if (message == NULL)
		rc = ERR_INVALID;
	else if (message->changes)
		rc = store_update(m->engine->store, message->fn, &c, &err);
	else
		rc = store_view(m->engine->store, message->fn, &c, &err);
	if (rc == ERR_NOT_UNIQUE || rc == ERR_NOT_HERE)
		refuse_device(m, x, s, rc, &err);
	else if (rc != ERR_OK)
		mdm_refuse(x, rc, &err);
	else {
		x->status = 200;
		if (c.reply.len > 0)
			x->content_type = "application/xml";
		buf_bytes(&x->reply, buf_view(&c.reply));
	}
	buf_wipe(&c.reply);
}
