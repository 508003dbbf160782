/* Access tokens: whose they are, and until when. */
#include "engine/model/bearers.h"

#include "engine/model/device_acts.h"
#include "tests/model/admission.h"

struct token {
	char text[BEARER_TOKEN + 1];
	int64_t now;
	uint32_t org;
	bool add;
	struct bearer b;
};

static enum err_code
token_txn(struct txn *t, void *arg, struct err *err)
{
	struct token *k = arg;
	struct bearer b = { .made_at = k->now, .user = "alice" };

	return k->add ? bearer_add(t, k->org, k->text, &b, err)
	              : bearer_find(
			    t, k->org, bytes_text(k->text), k->now, &k->b, err);
}

static bool
is_good(struct token *k)
{
	k->add = false;
	k->now = engine_now(rules);
	return store_view(rules->store, token_txn, k, &rules_err) == ERR_OK;
}

static void
make_token(struct token *k)
{
	*k = (struct token){
		.org = acme, .add = true, .now = engine_now(rules)
	};
	must(bearer_make(k->text, &rules_err));
	must(store_update(rules->store, token_txn, k, &rules_err));
}

static void
test_tokens(void)
{
	struct token one, two;
	struct gate g = ask("alice", NULL, NULL);

	put_user(put(org_dir("acme"), "users", PLACE_ORG_USERS, "").ino,
	    "alice", CHEAP_HASH);
	make_token(&one);
	ok(is_good(&one) && strcmp(one.b.user, "alice") == 0,
	    "an access token tells its user");
	one.org = umbrella;
	ok(!is_good(&one), "in its organization");
	one.org = acme;
	must(check(&g));
	g.got.mode = ADMISSION_MODE_BYOD;
	memcpy(g.got.token, one.b.hash, sizeof(g.got.token));
	issue_for(&g, 30);
	must(authenticate(acme, 30, "UDID-30", "C"));
	make_token(&two);
	pass(2 * DAY * 1000);
	ok(is_good(&one) && one.b.device == device_number("UDID-30"),
	    "one that a device has stays good");
	ok(!is_good(&two), "one that none has does not");
	must(device_remove(
	    rules, device_number("UDID-30"), &rules_root, &rules_err));
	ok(!is_good(&one), "it goes with its device");
}

int
main(void)
{
	admission_begin();
	test_tokens();
	engine_close(rules);
	return tap_done();
}
