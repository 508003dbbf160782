/* What becomes of a wish to push when Apple answers. */
#include "engine/model/slots.h"
#include "engine/push/push_priv.h"
#include "tests/model/rules.h"

#define UDID "P-1"

static uint32_t acme;
static struct channel_id channel_id;

/* The organization's push certificate: of its facts alone is asked. */
static enum err_code
certificate_txn(struct txn *t, void *arg, struct err *err)
{
	struct identity *id = arg;

	return slot_install(t, slot_of(acme, SLOT_OF_APNS), id, err);
}

static enum err_code
channel_txn(struct txn *t, void *arg, struct err *err)
{
	return channel_read(t, channel_id, arg, err);
}

static struct channel
channel(void)
{
	struct channel c;

	must(store_view(rules->store, channel_txn, &c, &rules_err));
	return c;
}

static void
tell_token(uint8_t first)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = TOKEN_UPDATE, .token = { .len = 32 } };

	x.token.token[0] = first;
	snprintf(x.token.topic, sizeof(x.token.topic), TOPIC);
	x.s = speaker(acme, 1, UDID, message);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	pl_free(message);
}

/* Lease the push that is due. */
static struct sending
lease(void)
{
	static struct batch b;
	struct sending s = { .id = channel_id };

	must(device_push(rules, channel_id.device, 0, &rules_root, &rules_err));
	b.engine = rules;
	b.now = engine_now(rules);
	must(outbox_lease(&b, &rules_err));
	ok(b.n == 1, "a push that is due is leased");
	s.lease = b.out[0].lease;
	outbox_token_hash(&b.out[0].token, s.token);
	return s;
}

static void
settle(struct sending *s, enum apns_outcome outcome, int64_t dead_since)
{
	s->result.outcome = outcome;
	s->result.dead_since = dead_since;
	snprintf(s->result.text, sizeof(s->result.text), "%s",
	    apns_outcome_name(outcome));
	must(outbox_settle(rules, s, &rules_err));
}

static void
test_tokens(void)
{
	struct sending s;

	tell_token(1);
	s = lease();
	tell_token(2);
	settle(&s, APNS_BAD_TOKEN, 0);
	ok(channel().has_token && channel().push_due == engine_now(rules),
	    "an answer about an old token leaves the new one, which is tried");

	s = lease();
	settle(&s, APNS_DEAD_TOKEN, channel().token_at - 100);
	ok(channel().has_token && channel().push_due > engine_now(rules),
	    "a token that was said again after it had died is tried again, "
	    "later");
	pass(INT64_C(3600000));

	s = lease();
	settle(&s, APNS_DEAD_TOKEN, engine_now(rules));
	ok(!channel().has_token && channel().push_due == 0,
	    "a dead token is not pushed again");

	tell_token(2);
	ok(channel().has_token, "until the device says it again");
	s = lease();
	settle(&s, APNS_TRY_LATER, 0);
	ok(channel().push_due > engine_now(rules) &&
		channel().push_due <= engine_now(rules) + 60,
	    "what failed for a while is tried again soon");
}

/* Its seal does not hold. */
static enum err_code
damage_txn(struct txn *t, void *arg, struct err *err)
{
	struct key k = key_of(KIND_TOKEN);

	(void)arg;
	key_u32(&k, channel_id.device);
	key_u32(&k, 0);
	return txn_put(t, key_view(&k), bytes_text("garbage"), err);
}

static void
test_damage(void)
{
	static struct batch b;

	tell_token(3);
	must(device_push(rules, channel_id.device, 0, &rules_root, &rules_err));
	must(store_update(rules->store, damage_txn, NULL, &rules_err));
	b.engine = rules;
	b.now = engine_now(rules);
	ok(outbox_lease(&b, &rules_err) == ERR_OK && b.n == 0,
	    "a token that cannot be read does not stop the others");
	ok(channel().outcome[0] != '\0', "and says so");
}

static void
test_many(void)
{
	static struct sending many[OUTBOX_BATCH * 2 + 10];
	size_t i, n = sizeof(many) / sizeof(many[0]);
	struct sending s;

	tell_token(4);
	s = lease();
	for (i = 0; i < n; i++) {
		many[i] = s;
		many[i].next = i + 1 < n ? &many[i + 1] : NULL;
		many[i].result.outcome =
		    i + 1 < n ? APNS_TRY_LATER : APNS_ACCEPTED;
	}
	must(outbox_settle(rules, many, &rules_err));
	ok(channel().pushed_at == engine_now(rules),
	    "a long list of outcomes is written down to its end");
}

int
main(void)
{
	static const struct engine_options options;
	struct identity *id = NULL;

	rules_begin(&options);
	acme = org_number("acme");
	must(slot_ca(rules, acme, &id, &rules_err));
	must(store_update(rules->store, certificate_txn, id, &rules_err));
	identity_free(id);
	issue(acme, 1, 0);
	must(authenticate(acme, 1, UDID, "SERIAL"));
	channel_id = (struct channel_id){ device_number(UDID), 0 };
	test_tokens();
	test_damage();
	test_many();
	engine_close(rules);
	return tap_done();
}
