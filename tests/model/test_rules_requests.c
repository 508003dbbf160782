/* Requests of slots: their keys, their answers, their renewal; what never gets
 * lost. */
#include "tests/model/requests.h"

#include "engine/model/slot_keys.h"

static void
test_signing(void)
{
	uint64_t dir = put(org_dir("acme"), "signing", PLACE_SIGNING, "").ino;
	struct id first, now;
	struct buf a = { 0 }, b = { 0 };

	ok(ask(dir, "") == ERR_INVALID && says(&rules_err, "CN=apple-id@") &&
		ask(dir, "\n") == ERR_INVALID &&
		ask(dir, "Acme") == ERR_INVALID &&
		ask(dir, "CN=a\nCN=b") == ERR_INVALID &&
		ask(dir, "XX=a") == ERR_INVALID,
	    "a subject that is none is refused with an example");
	ok(!exists(dir, "subject") &&
		is_none(key_of_request(acme, PLACE_SIGNING)),
	    "and makes nothing");
	must(key_type(dir, "P-256"));
	must(ask(dir, "CN=Acme Profiles, O=Acme\n"));
	first = key_of_request(acme, PLACE_SIGNING);
	ok(!is_none(first) &&
		page_says(acme, PLACE_SIGNING, "request-key: p256 "),
	    "subject makes a request with a key of the wanted type");
	ok(told("is in status/orgs/acme/signing.csr", "CN=Acme Profiles"),
	    "an event says where it is");
	must(org_request_page(rules, acme, PLACE_SIGNING, &a, &rules_err));
	must(ask(dir, "CN=Acme Profiles, O=Acme\n"));
	must(org_request_page(rules, acme, PLACE_SIGNING, &b, &rules_err));
	ok(bytes_equal(buf_view(&a), buf_view(&b)),
	    "the same subject again: the same bytes, though ECDSA is random");
	must(ask(dir, "CN=Acme Inc"));
	now = key_of_request(acme, PLACE_SIGNING);
	ok(same(first, now) && told("signing.csr", "under way fits as well"),
	    "another subject: another request with the same key");
	take_away(dir, "subject");
	ok(is_none(key_of_request(acme, PLACE_SIGNING)) &&
		page_says(acme, PLACE_SIGNING, "key-waiting: p256 ") &&
		told("subject was removed", "is kept"),
	    "without subject there is no request, but the key stays");
	must(ask(dir, "CN=Acme Inc"));
	now = key_of_request(acme, PLACE_SIGNING);
	ok(same(first, now), "and comes back with the next one");
	must(key_type(dir, "rsa2048"));
	now = key_of_request(acme, PLACE_SIGNING);
	ok(!same(first, now) && !is_none(now) &&
		page_says(acme, PLACE_SIGNING, "key-waiting: p256 "),
	    "another key-type: a request with such a key, the first is kept");
	must(key_type(dir, "p256"));
	now = key_of_request(acme, PLACE_SIGNING);
	ok(same(first, now), "and is there again with its type");
	buf_free(&a);
	buf_free(&b);
}

static void
test_answers(void)
{
	uint64_t dir = ino_of(org_dir("acme"), "signing");
	struct id first = key_of_request(acme, PLACE_SIGNING), second;

	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out "
	   "other.pem -days 9 -subj /CN=Somebody -addext "
	   "basicConstraints=CA:FALSE");
	ok(copy_as(dir, "other.pem", "c.pem", PLACE_SIGNING_FILE) ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, "CN=Somebody") &&
		says(&rules_err, "CN=Acme Inc") &&
		says(&rules_err, "status/orgs/acme/signing.csr") &&
		says(&rules_err, "copy the key first") && !exists(dir, "c.pem"),
	    "an answer to another request is refused by name");
	must(copy_as(dir, "ca.pem", "ca.pem", PLACE_SIGNING_FILE));
	ok(exists(dir, "ca.pem"), "a CA's certificate is taken");
	must(copy_as(dir, "other.key", "other.key", PLACE_SIGNING_FILE));
	must(copy_as(dir, "other.pem", "other.pem", PLACE_SIGNING_FILE));
	ok(!is_none(key_of_request(acme, PLACE_SIGNING)),
	    "one with a key of its own is taken; the request goes on");
	take_away(dir, "other.pem");
	take_away(dir, "other.key");

	key_of_request(acme, PLACE_SIGNING);
	sign("answer.pem", "/CN=Acme Inc", 90);
	must(copy_as(dir, "answer.pem", "answer.pem", PLACE_SIGNING_FILE));
	ok(strcmp(facts_of(acme, SLOT_OF_SIGNING).subject, "CN=Acme Inc") == 0,
	    "the answer is in effect with the key that never left");
	ok(is_none(key_of_request(acme, PLACE_SIGNING)) &&
		told("answers the request", "write subject again"),
	    "the request is done, and an event says so");
	must(key_type(dir, "ec"));
	ok(is_none(key_of_request(acme, PLACE_SIGNING)),
	    "key-type alone starts nothing");

	must(ask(dir, "CN=Acme Inc"));
	second = key_of_request(acme, PLACE_SIGNING);
	ok(!is_none(second) && !same(first, second) &&
		told("signing.csr", "stays in effect until the new one"),
	    "the same subject after the answer: a renewal with a new key");
	ok(facts_of(acme, SLOT_OF_SIGNING).version != 0,
	    "the old identity stays in effect");
	must(copy_as(dir, "answer.pem", "again.pem", PLACE_SIGNING_FILE));
	ok(exists(dir, "again.pem"),
	    "an answer for an earlier key of the slot is no stranger");
	sign("renewed.pem", "/CN=Acme Inc", 30);
	must(copy_as(dir, "renewed.pem", "renewed.pem", PLACE_SIGNING_FILE));
	ok(is_none(key_of_request(acme, PLACE_SIGNING)) &&
		told("answers the request", "another certificate is"),
	    "an answer that ends earlier is one, but not in effect");
	take_away(dir, "answer.pem");
	take_away(dir, "again.pem");
	ok(facts_of(acme, SLOT_OF_SIGNING).version != 0,
	    "it is once the better one is gone");
}

/* Everything of the slot is removed, and the organization. */
static void
test_lost(void)
{
	uint64_t org = org_dir("umbrella");
	uint64_t slot = put(org, "apns", PLACE_APNS, "").ino;
	struct id before, after;

	must(ask(slot, "CN=apple-id@example.com, O=Umbrella"));
	before = key_of_request(org_number("umbrella"), PLACE_APNS);
	remove_file(slot, "subject");
	remove_file(org, "apns");
	take_away(FILE_INO_ORGS, "umbrella");
	org = put(FILE_INO_ORGS, "umbrella", PLACE_ORG, "").ino;
	slot = put(org, "apns", PLACE_APNS, "").ino;
	ok(is_none(key_of_request(org_number("umbrella"), PLACE_APNS)),
	    "a removed slot has no request when it is there again");
	must(ask(slot, "CN=apple-id@example.com, O=Umbrella"));
	after = key_of_request(org_number("umbrella"), PLACE_APNS);
	ok(!is_none(before) && same(before, after),
	    "but the key of the request before");
	ok(told("umbrella/apns.csr", "identity.apple.com") &&
		told("umbrella/apns.csr", "MDM vendor sign") &&
		told("umbrella/apns.csr", "note it in apns/apple-account"),
	    "the event of a push request says what to do next");
	ok(key_type(slot, "p256") == ERR_KEY_REJECTED &&
		says(&rules_err, "2048"),
	    "P-256 for a push certificate is refused with the reason");
}

static void
test_full(void)
{
	uint64_t dir = put(FILE_INO_SYSTEM, "signing", PLACE_SIGNING, "").ino;
	char name[32];
	int i;

	must(key_type(dir, "p256"));
	for (i = 0; i < SLOT_KEYS_MAX; i++) {
		must(ask(dir, "CN=Signer"));
		key_of_request(0, PLACE_SIGNING);
		snprintf(name, sizeof(name), "%d.pem", i);
		sign(name, "/CN=Signer", 20 + i);
		must(copy_as(dir, name, name, PLACE_SIGNING_FILE));
	}
	ok(ask(dir, "CN=Signer") == ERR_QUOTA &&
		says(&rules_err, "remove certificates"),
	    "a slot full of keys that are in use takes no more");
	ok(is_none(key_of_request(0, PLACE_SIGNING)), "and nothing changes");
	take_away(dir, "0.pem");
	must(ask(dir, "CN=Signer"));
	ok(!is_none(key_of_request(0, PLACE_SIGNING)),
	    "one that no certificate needs makes room");
	take_away(dir, "1.pem");
	must(key_type(dir, "rsa2048"));
	ok(page_says(0, PLACE_SIGNING, "request-key: rsa2048 ") &&
		page_says(0, PLACE_SIGNING, "key-waiting: p256 "),
	    "an unanswered one never goes");
	ok(ask(dir, "CN=Signer") == ERR_OK &&
		page_says(0, PLACE_SIGNING, "key-waiting: p256 "),
	    "neither by asking again");
}

int
main(void)
{
	requests_begin();
	test_signing();
	test_answers();
	test_lost();
	test_full();
	return requests_done();
}
