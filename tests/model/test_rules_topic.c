/* The topic of the push certificate, when a request is answered with another:
 * refused, allowed, told. */
#include "tests/model/requests.h"

#define OTHER "com.apple.mgmt.External.2"

static void
test_topic(void)
{
	uint64_t dir = put(org_dir("acme"), "apns", PLACE_APNS, "").ino;

	must(ask(dir, "CN=apple-id@example.com"));
	key_of_request(acme, PLACE_APNS);
	sign("push.pem", "/UID=" TOPIC "/CN=APSP", 300);
	must(copy_as(dir, "push.pem", "push.pem", PLACE_APNS_FILE));
	ok(strcmp(facts_of(acme, SLOT_OF_APNS).topic, TOPIC) == 0,
	    "the answer of the push portal, whose subject is another, fits");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "S-1", "SERIAL"));
	must(token_update(acme, 1, "S-1", "", TOPIC));

	must(ask(dir, "CN=apple-id@example.com"));
	ok(told("apns.csr", "choose Renew") && told("apns.csr", TOPIC),
	    "the event of a renewal names the topic to be renewed");
	key_of_request(acme, PLACE_APNS);
	sign("new.pem", "/UID=" OTHER "/CN=APSP", 365);
	ok(copy_as(dir, "new.pem", "new.pem", PLACE_APNS_FILE) ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, TOPIC) && says(&rules_err, OTHER) &&
		says(&rules_err, "1 enrolled device uses") &&
		says(&rules_err, "note it in apns/apple-account"),
	    "another topic is refused: both topics, the number of devices");
	ok(!is_none(key_of_request(acme, PLACE_APNS)),
	    "and the request still waits");
	put(dir, "apple-account", PLACE_APPLE_ACCOUNT, "push@acme.example\n");
	ok(copy_as(dir, "new.pem", "new.pem", PLACE_APNS_FILE) ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, "push@acme.example"),
	    "with the account on record");
	put(dir, "allow-topic-change", PLACE_ALLOW_TOPIC, OTHER "\n");
	must(copy_as(dir, "new.pem", "new.pem", PLACE_APNS_FILE));
	ok(strcmp(facts_of(acme, SLOT_OF_APNS).topic, OTHER) == 0 &&
		told("the topic changes from " TOPIC " to " OTHER,
		    "1 device that enrolled with " TOPIC
		    " will not hear pushes"),
	    "once it is allowed, an event says what will happen");
	take_away(dir, "allow-topic-change");
	must(copy_as(dir, "ca.pem", "ca.pem", PLACE_APNS_FILE));
	ok(strcmp(facts_of(acme, SLOT_OF_APNS).topic, OTHER) == 0,
	    "what was allowed once stays");
	take_away(dir, "new.pem");
	ok(strcmp(facts_of(acme, SLOT_OF_APNS).topic, TOPIC) == 0,
	    "the old topic may come back: its devices hear it");
}

int
main(void)
{
	requests_begin();
	test_topic();
	return requests_done();
}
