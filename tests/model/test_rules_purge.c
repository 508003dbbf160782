/* What is left of an organization that was removed. */
#include "engine/model/org_purge.h"
#include "engine/model/slots.h"
#include "tests/model/rules.h"

#define DAY INT64_C(86400000)

static uint32_t
number_of(const char *name)
{
	struct org_view o = { .number = 0 };

	(void)!org_find(rules, name, &o, NULL);
	return o.number;
}

static void
enroll(uint32_t org, unsigned i)
{
	char udid[32], serial[32];
	uint8_t cert = (uint8_t)i;

	snprintf(udid, sizeof(udid), "P-%u", i);
	snprintf(serial, sizeof(serial), "SERIAL-%u", i);
	issue(org, cert, 0);
	must(authenticate(org, cert, udid, serial));
	must(token_update(org, cert, udid, "", TOPIC));
}

int
main(void)
{
	static const struct engine_options options;
	struct identity *ca = NULL;
	uint32_t acme, umbrella;

	rules_begin(&options);
	acme = number_of("acme");
	umbrella = number_of("umbrella");
	must(slot_ca(rules, acme, &ca, &rules_err));
	identity_free(ca);
	for (unsigned i = 1; i <= 150; i++)
		enroll(acme, i);
	enroll(umbrella, 200);
	take_away(FILE_INO_ORGS, "acme");

	pass(29 * DAY);
	must(orgs_purge(rules, &rules_err));
	ok(device_number("P-1") != 0 && device_number("P-150") != 0,
	    "for 30 days everything is kept");
	put(FILE_INO_ORGS, "acme", PLACE_ORG, "");
	ok(number_of("acme") == acme, "and mkdir brings it back");
	pass(60 * DAY);
	must(orgs_purge(rules, &rules_err));
	ok(device_number("P-1") != 0, "for good");

	take_away(FILE_INO_ORGS, "acme");
	pass(31 * DAY);
	must(orgs_purge(rules, &rules_err));
	ok(device_number("P-1") == 0 && device_number("P-150") == 0,
	    "after 30 days its devices are forgotten");
	ok(device_number("P-200") != 0, "others' are not");
	put(FILE_INO_ORGS, "acme", PLACE_ORG, "");
	ok(number_of("acme") != 0 && number_of("acme") != acme,
	    "and its name begins anew");
	must(orgs_purge(rules, &rules_err));
	ok(number_of("umbrella") == umbrella, "nothing else is touched");
	engine_close(rules);
	return tap_done();
}
