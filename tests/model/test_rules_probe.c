/* When the push service is asked about a push certificate, and what becomes of
 * its answer. */
#include <time.h>

#include "engine/model/slots.h"
#include "engine/pki/ca.h"
#include "engine/push/push_priv.h"
#include "mdmfs/health.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

#define HOUR (3600 * 1000)

static struct prober prober;
static uint32_t acme, umbrella;

struct install {
	uint32_t org;
	struct identity *id;
	struct probe probe;
	struct slot_facts facts;
};

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	const struct install *i = arg;

	return slot_install(t, slot_of(i->org, SLOT_OF_APNS), i->id, err);
}

/* Any certificate will do: what is asked is the model's. */
static void
install(uint32_t org)
{
	struct install i = { .org = org };

	must(ca_create("push", engine_now(rules), &i.id, &rules_err));
	must(store_update(rules->store, install_txn, &i, &rules_err));
	identity_free(i.id);
}

static enum err_code
read_txn(struct txn *t, void *arg, struct err *err)
{
	struct install *i = arg;
	enum err_code rc = probe_read(t, i->org, &i->probe, err);

	if (rc == ERR_OK)
		rc = slot_facts(
		    t, slot_of(i->org, SLOT_OF_APNS), &i->facts, err);
	return rc;
}

static struct install
look(uint32_t org)
{
	struct install i = { .org = org };

	must(store_view(rules->store, read_txn, &i, &rules_err));
	return i;
}

/* How many tests begin now; the last of them in *ret. */
static unsigned
due(struct probing *ret)
{
	unsigned n = 0;

	while (prober_next(&prober, engine_now(rules), ret))
		n++;
	return n;
}

static void
answer(const struct probing *p, enum apns_outcome outcome, const char *text)
{
	struct probing *list = malloc(sizeof(*list));

	*list = *p;
	list->result = (struct apns_result){ .outcome = outcome,
		.status = outcome == APNS_TRY_LATER ? 0 : 403 };
	snprintf(list->result.text, sizeof(list->result.text), "%s", text);
	prober_settle(&prober, list);
}

static void
test_when(void)
{
	struct probing p;

	ok(due(&p) == 0, "without a push certificate nothing is asked");
	ok(prober_due(&prober) == 0, "and there is nothing to wait for");
	install(acme);
	ok(due(&p) == 1 && p.org == acme, "a new certificate is tried");
	ok(due(&p) == 0, "once");
	ok(prober_due(&prober) == 0, "its outcome wakes the thread");
	answer(&p, APNS_ACCEPTED, "it takes it");
	ok(look(acme).probe.outcome == PROBE_ACCEPTED &&
		look(acme).probe.identity_version == look(acme).facts.version,
	    "the outcome is kept, with the certificate it is for");
	ok(has_event("takes the push certificate of acme"), "and is an event");
	ok(due(&p) == 0 && prober_due(&prober) > engine_now(rules),
	    "then there is time");
	pass(21 * HOUR);
	ok(due(&p) == 0, "until nearly a day later");
	pass(4 * HOUR);
	ok(due(&p) == 1, "when it is tried again");
	answer(&p, APNS_ACCEPTED, "it takes it");
	ok(count_events("takes the push certificate") == 1,
	    "what is so again is said once");
	install(acme);
	ok(due(&p) == 1, "a replaced certificate is tried at once");
	install(acme);
	answer(&p, APNS_BAD_CERTIFICATE, "403 BadCertificate");
	ok(!has_event("refuses"), "what was replaced meanwhile is no news");
	ok(due(&p) == 1, "its successor is tried");
	answer(&p, APNS_BAD_CERTIFICATE, "403 BadCertificate: revoked");
	ok(look(acme).probe.outcome == PROBE_REFUSED &&
		has_event("refuses the push certificate of acme") &&
		has_event("403 BadCertificate: revoked"),
	    "a refusal is an event with Apple's reason");
	ok(due(&p) == 0, "and is not asked again and again");
}

static void
test_wishes(void)
{
	struct probing p, q;

	install(umbrella);
	ok(due(&p) == 1 && p.org == umbrella,
	    "another organization's new one is tried alone");
	answer(&p, APNS_ACCEPTED, "it takes it");
	must(health_doctor_write(rules, bytes_text("live\n"), &rules_err));
	ok(health_doctor_write(rules, bytes_text("dead"), &rules_err) ==
		    ERR_INVALID &&
		says(&rules_err, "\"live\""),
	    "status/doctor takes one word");
	ok(prober_next(&prober, engine_now(rules), &p) &&
		prober_next(&prober, engine_now(rules), &q) && p.org != q.org &&
		due(&p) == 0,
	    "who asks has all of them tried");
	p.org = acme;
	answer(&p, APNS_TRY_LATER,
	    "cannot connect to x: refused; sent again later");
	q.org = umbrella;
	answer(&q, APNS_ACCEPTED, "it takes it");
	ok(look(acme).probe.outcome == PROBE_UNREACHABLE &&
		strcmp(look(acme).probe.text, "cannot connect to x: refused") ==
		    0,
	    "no answer is neither acceptance nor refusal");
	ok(due(&p) == 0, "a wish is fulfilled once");
	pass(HOUR);
	ok(due(&p) == 1 && p.org == acme, "no answer: again in half an hour");
	answer(&p, APNS_TRY_LATER, "cannot connect to y: refused");
	ok(count_events("could not be asked") == 1, "but it is said once");
}

/* More than are tried at once. */
static void
test_many(void)
{
	struct probing p, first[PROBES_AT_ONCE];
	char name[16];
	unsigned i, n = 0;

	for (i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "org%u", i);
		put(FILE_INO_ORGS, name, PLACE_ORG, "");
		install(org_number(name));
	}
	for (i = 0; i < PROBES_AT_ONCE; i++)
		n += prober_next(&prober, engine_now(rules), &first[i]);
	ok(n == PROBES_AT_ONCE && due(&p) == 0, "a few are tried at once");
	answer(&first[0], APNS_ACCEPTED, "it takes it");
	ok(due(&p) == 1, "an answer makes room for the next");
	answer(&p, APNS_ACCEPTED, "it takes it");
	for (i = 1; i < PROBES_AT_ONCE; i++)
		answer(&first[i], APNS_ACCEPTED, "it takes it");
	for (n = PROBES_AT_ONCE + 1;
	     prober_next(&prober, engine_now(rules), &p); n++)
		answer(&p, APNS_ACCEPTED, "it takes it");
	ok(n == 10, "until all were");
}

int
main(void)
{
	static const struct engine_options options;

	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	prober.engine = rules;
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	test_when();
	test_wishes();
	test_many();
	engine_close(rules);
	return tap_done();
}
