/* Requests of slots: their keys, names, answers, renewal; what never gets
 * lost; and what an event says of a new topic. */
#include "engine/model/slot_keys.h"
#include "engine/model/slot_names.h"
#include "engine/model/slot_request.h"
#include "engine/model/slots.h"
#include "engine/pki/csr.h"
#include "engine/pki/pem.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;

/* ---- small tools -------------------------------------------------------- */

static enum err_code
ask(uint64_t dir, const char *subject)
{
	return try(dir, "subject", PLACE_SLOT_SUBJECT, subject);
}

static enum err_code
key_type(uint64_t dir, const char *type)
{
	return try(dir, "key-type", PLACE_SLOT_KEY_TYPE, type);
}

/* The text of the newest event that holds part; "" if none does. */
static const char *
event_with(const char *part)
{
	static char line[4096];
	struct event_read r = { .max = SIZE_MAX };
	struct event_range range;
	struct buf b = { 0 };
	uint64_t next;
	char *p, *rest = NULL;

	must(event_range(rules, &range, &rules_err));
	r.from = range.begin;
	r.end = range.end;
	must(event_read(rules, &r, &b, &next, &rules_err));
	buf_char(&b, '\0');
	line[0] = '\0';
	for (p = strtok_r((char *)b.p, "\n", &rest); p != NULL;
	     p = strtok_r(NULL, "\n", &rest))
		if (strstr(p, part) != NULL)
			snprintf(line, sizeof(line), "%s", p);
	buf_free(&b);
	return line;
}

static bool
told(const char *part, const char *and_part)
{
	bool yes = strstr(event_with(part), and_part) != NULL;

	if (!yes)
		printf("# no event with \"%s\" and \"%s\"\n", part, and_part);
	return yes;
}

/* The page of a slot's request, as a parsed request; NULL: none is there. */
static struct csr *
request(uint32_t org, enum place place)
{
	struct csr *r = NULL;
	struct buf b = { 0 };
	enum err_code rc = org_request_page(rules, org, place, &b, NULL);

	if (rc == ERR_OK) {
		save("csr", buf_view(&b));
		must(csr_parse(buf_view(&b), &r, &rules_err));
	} else if (rc != ERR_NOT_FOUND) {
		printf("Bail out! page of a request\n");
		exit(1);
	}
	buf_free(&b);
	return r;
}

/* Its key, for comparisons; all zero if there is none. */
struct id {
	uint8_t v[KEYSPEC_ID_LEN];
};

static struct id
key_of_request(uint32_t org, enum place place)
{
	struct csr *r = request(org, place);
	struct id id = { { 0 } };

	if (r != NULL)
		memcpy(id.v, csr_key_id(r), sizeof(id.v));
	csr_free(r);
	return id;
}

static bool
same(struct id a, struct id b)
{
	return memcmp(a.v, b.v, sizeof(a.v)) == 0;
}

static bool
is_none(struct id a)
{
	return same(a, (struct id){ { 0 } });
}

static bool
page_says(uint32_t org, enum place place, const char *part)
{
	struct buf b = { 0 };
	bool yes;

	must(org_slot_page(rules, org, place, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	if (!yes)
		printf("# no \"%s\" in:\n# %s\n", part, buf_str(&b));
	buf_free(&b);
	return yes;
}

/* Have the request in csr signed as name with that subject. */
static void
sign(const char *name, const char *subject, int days)
{
	sh("openssl req -in csr -pubkey -noout >pub && "
	   "printf 'basicConstraints=CA:FALSE\\nkeyUsage=digitalSignature\\n"
	   "subjectAltName=DNS:mdm.example.com\\n' >ext && "
	   "openssl x509 -new -force_pubkey pub -subj '%s' -CA ca.pem "
	   "-CAkey ca.key -days %d -extfile ext -out %s",
	    subject, days, name);
}

static enum err_code
copy_as(uint64_t dir, const char *file, const char *name, enum place place)
{
	struct buf b = load(file);
	enum err_code rc = try_bytes(dir, name, place, buf_view(&b));

	buf_free(&b);
	return rc;
}

static struct slot_facts facts_of(uint32_t org, enum slot slot);

struct facts_arg {
	struct slot_id id;
	struct slot_facts facts;
};

static enum err_code
facts_txn(struct txn *t, void *arg, struct err *err)
{
	struct facts_arg *a = arg;

	return slot_facts(t, a->id, &a->facts, err);
}

static struct slot_facts
facts_of(uint32_t org, enum slot slot)
{
	struct facts_arg a = { .id = slot_of(org, slot) };

	must(store_view(rules->store, facts_txn, &a, &rules_err));
	return a.facts;
}

/* ---- pieces ------------------------------------------------------------- */

static void
test_types(void)
{
	static const struct {
		const char *text;
		enum slot_key_type type;
	} good[] = {
		{ "rsa2048", SLOT_KEY_RSA2048 },
		{ "RSA", SLOT_KEY_RSA2048 },
		{ "RSA 2048\n", SLOT_KEY_RSA2048 },
		{ "RSA-2048 bits", SLOT_KEY_RSA2048 },
		{ "2048", SLOT_KEY_RSA2048 },
		{ "rsa:3072", SLOT_KEY_RSA3072 },
		{ " rsa_4096 ", SLOT_KEY_RSA4096 },
		{ "P-256", SLOT_KEY_P256 },
		{ "prime256v1", SLOT_KEY_P256 },
		{ "secp256r1", SLOT_KEY_P256 },
		{ "EC", SLOT_KEY_P256 },
		{ "ECDSA P-256", SLOT_KEY_P256 },
		{ "NIST P-256", SLOT_KEY_P256 },
	};
	static const char *const bad[] = { "", "rsa1024", "ed25519", "p384",
		"rsa 2048 rsa", "rsa2048;", "2", "s", "\xff", " ",
		"rsa20482048204820482048204820482048204820482048" };
	enum slot_key_type type;
	bool all = true;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		type = 0;
		if (slot_key_type_parse(
			bytes_text(good[i].text), &type, NULL) != ERR_OK ||
		    type != good[i].type) {
			printf("# %s\n", good[i].text);
			all = false;
		}
	}
	ok(all, "types of keys are read in the spellings that people use");
	for (all = true, i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		all &= slot_key_type_parse(bytes_text(bad[i]), &type, NULL) ==
		       ERR_INVALID;
	ok(all && slot_key_type_parse(bytes_of("rsa\0x", 5), &type, NULL) ==
		      ERR_INVALID,
	    "others are refused");
	ok(slot_key_type_fits(SLOT_KEY_P256, SLOT_APNS, NULL) ==
		    ERR_KEY_REJECTED &&
		slot_key_type_fits(SLOT_KEY_P256, SLOT_VENDOR, NULL) ==
		    ERR_KEY_REJECTED &&
		slot_key_type_fits(SLOT_KEY_P256, SLOT_TLS, NULL) == ERR_OK,
	    "P-256 is not for what Apple signs");
}

static bool
names_are(const char *text, const char *wanted)
{
	struct slot_names names = { .n = 0 };
	struct buf b = { 0 };
	bool yes =
	    slot_names_parse(bytes_text(text), &names, &rules_err) == ERR_OK;

	slot_names_text(&names, &b);
	yes = yes && strcmp(buf_str(&b), wanted) == 0;
	if (!yes)
		printf("# %s\n", buf_str(&b));
	buf_free(&b);
	slot_names_fini(&names);
	return yes;
}

static void
test_names(void)
{
	static const char *const bad[] = { "https://a.example", "a b:443",
		"a..b", "*", "a.*.b", "300.1.1.1", "m\xc3\xbcll.example",
		"\xff", "a/b" };
	struct slot_names names = { .n = 0 };
	struct buf many = { 0 };
	bool all = true;
	size_t i;

	ok(names_are("a.example\nB.Example, *.c.example\r\n# no d\n"
		     "192.0.2.1 2001:DB8::1\na.example.\n",
	       "a.example, b.example, *.c.example, 192.0.2.1, 2001:db8::1"),
	    "names: one a line or with commas, each once, in lower case");
	ok(names_are("", "") && names_are("# none\n\n", ""),
	    "none at all is fine");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (slot_names_parse(bytes_text(bad[i]), &names, NULL) ==
		    ERR_OK) {
			printf("# %s\n", bad[i]);
			slot_names_fini(&names);
			all = false;
		}
	ok(all, "what is no name is refused");
	for (i = 0; i < SLOT_NAMES_MAX + 1; i++)
		buf_printf(&many, "n%zu.example\n", i);
	ok(slot_names_parse(buf_view(&many), &names, NULL) == ERR_INVALID,
	    "and too many are");
	ok(slot_names_parse(bytes_of("a\0b", 3), &names, NULL) ==
		ERR_UNDECODABLE,
	    "and what is no text");
	buf_free(&many);
}

/* ---- a slot whose answers a CA gives ------------------------------------ */

static void
test_signing(uint64_t org)
{
	uint64_t dir = put(org, "signing", PLACE_SIGNING, "").ino;
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
test_answers(uint64_t org)
{
	struct file_node n;
	struct id first = key_of_request(acme, PLACE_SIGNING), second;

	must(file_find(rules, org, "signing", &n, &rules_err));
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out "
	   "other.pem -days 9 -subj /CN=Somebody -addext "
	   "basicConstraints=CA:FALSE");
	ok(copy_as(n.ino, "other.pem", "c.pem", PLACE_SIGNING_FILE) ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, "CN=Somebody") &&
		says(&rules_err, "CN=Acme Inc") &&
		says(&rules_err, "status/orgs/acme/signing.csr") &&
		says(&rules_err, "copy the key first") &&
		!exists(n.ino, "c.pem"),
	    "an answer to another request is refused by name");
	must(copy_as(n.ino, "ca.pem", "ca.pem", PLACE_SIGNING_FILE));
	ok(exists(n.ino, "ca.pem"), "a CA's certificate is taken");
	must(copy_as(n.ino, "other.key", "other.key", PLACE_SIGNING_FILE));
	must(copy_as(n.ino, "other.pem", "other.pem", PLACE_SIGNING_FILE));
	ok(!is_none(key_of_request(acme, PLACE_SIGNING)),
	    "one with a key of its own is taken; the request goes on");
	take_away(n.ino, "other.pem");
	take_away(n.ino, "other.key");

	key_of_request(acme, PLACE_SIGNING);
	sign("answer.pem", "/CN=Acme Inc", 90);
	must(copy_as(n.ino, "answer.pem", "answer.pem", PLACE_SIGNING_FILE));
	ok(strcmp(facts_of(acme, SLOT_OF_SIGNING).subject, "CN=Acme Inc") == 0,
	    "the answer is in effect with the key that never left");
	ok(is_none(key_of_request(acme, PLACE_SIGNING)) &&
		told("answers the request", "write subject again"),
	    "the request is done, and an event says so");
	must(key_type(n.ino, "ec"));
	ok(is_none(key_of_request(acme, PLACE_SIGNING)),
	    "key-type alone starts nothing");

	must(ask(n.ino, "CN=Acme Inc"));
	second = key_of_request(acme, PLACE_SIGNING);
	ok(!is_none(second) && !same(first, second) &&
		told("signing.csr", "stays in effect until the new one"),
	    "the same subject after the answer: a renewal with a new key");
	ok(facts_of(acme, SLOT_OF_SIGNING).version != 0,
	    "the old identity stays in effect");
	must(copy_as(n.ino, "answer.pem", "again.pem", PLACE_SIGNING_FILE));
	ok(exists(n.ino, "again.pem"),
	    "an answer for an earlier key of the slot is no stranger");
	sign("renewed.pem", "/CN=Acme Inc", 30);
	must(copy_as(n.ino, "renewed.pem", "renewed.pem", PLACE_SIGNING_FILE));
	ok(is_none(key_of_request(acme, PLACE_SIGNING)) &&
		told("answers the request", "another certificate is"),
	    "an answer that ends earlier is one, but not in effect");
	take_away(n.ino, "answer.pem");
	take_away(n.ino, "again.pem");
	ok(facts_of(acme, SLOT_OF_SIGNING).version != 0,
	    "it is once the better one is gone");
}

/* Everything of the slot is removed, and the organization. */
static void
test_lost(void)
{
	struct file_node org, dir, n;
	struct id before, after;
	uint64_t slot;

	must(file_find(rules, FILE_INO_ORGS, "umbrella", &org, &rules_err));
	slot = put(org.ino, "apns", PLACE_APNS, "").ino;
	must(ask(slot, "CN=apple-id@example.com, O=Umbrella"));
	before = key_of_request(org_number("umbrella"), PLACE_APNS);
	must(file_find(rules, slot, "subject", &n, &rules_err));
	must(file_remove(rules, n.ino, &rules_root, &rules_err));
	must(file_find(rules, org.ino, "apns", &dir, &rules_err));
	must(file_remove(rules, dir.ino, &rules_root, &rules_err));
	must(file_remove(rules, org.ino, &rules_root, &rules_err));
	pass_removals();
	org = put(FILE_INO_ORGS, "umbrella", PLACE_ORG, "");
	slot = put(org.ino, "apns", PLACE_APNS, "").ino;
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

/* ---- TLS ---------------------------------------------------------------- */

static size_t
names_of_request(enum place place, const char *first)
{
	struct csr *r = request(0, place);
	size_t n = 0;

	if (r != NULL && csr_n_names(r) > 0 &&
	    strcmp(csr_name(r, 0)->text, first) == 0)
		n = csr_n_names(r);
	csr_free(r);
	return n;
}

static void
test_tls(void)
{
	uint64_t dir = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, "").ino;
	struct id first, now;
	uint64_t mail;
	struct buf b = { 0 };

	must(ask(dir, "CN=mdm.example.com"));
	ok(is_none(key_of_request(0, PLACE_TLS)) &&
		page_says(0, PLACE_TLS, "request: waits for a name") &&
		told("waits for a name", "system/url"),
	    "a TLS request without a name waits, and says for what");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://MDM.example.com:8443");
	first = key_of_request(0, PLACE_TLS);
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "it appears with the host of system/url");
	put(dir, "names", PLACE_SLOT_NAMES, "*.example.com, 192.0.2.1\n");
	now = key_of_request(0, PLACE_TLS);
	ok(names_of_request(PLACE_TLS, "*.example.com") == 2 &&
		same(first, now) && told("made again", "*.example.com"),
	    "names come before it; the key stays");
	take_away(dir, "names");
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "without them it is the url again");
	take_away(FILE_INO_SYSTEM, "url");
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "a request that is there does not go because the url does");

	mail = put(dir, "mail", PLACE_TLS_NAMED, "").ino;
	put(mail, "names", PLACE_SLOT_NAMES, "mail.example.com");
	must(ask(mail, "CN=mail"));
	must(org_tls_request_page(rules, mail, &b, &rules_err));
	ok(told("tls.d/mail.csr", "system/tls/mail/"),
	    "system/tls/NAME has a request of its own");
	take_away(mail, "names");
	take_away(mail, "subject");
	take_away(dir, "mail");
	mail = put(dir, "mail", PLACE_TLS_NAMED, "").ino;
	put(mail, "names", PLACE_SLOT_NAMES, "mail.example.com");
	must(ask(mail, "CN=mail"));
	buf_reset(&b);
	must(org_tls_page(rules, mail, &b, &rules_err));
	ok(strstr(event_with("tls.d/mail.csr"), "made before") != NULL,
	    "its key is there again when a directory of that name is");
	buf_free(&b);
}

/* ---- a slot that is full ------------------------------------------------ */

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

/* ---- the topic ---------------------------------------------------------- */

#define OTHER "com.apple.mgmt.External.2"

static void
test_topic(uint64_t org)
{
	uint64_t dir = put(org, "apns", PLACE_APNS, "").ino;

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
	static const struct engine_options options;
	struct file_node org;

	material_begin();
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out "
	   "ca.pem -subj /CN=Test-CA -days 900");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
	must(file_find(rules, FILE_INO_ORGS, "acme", &org, &rules_err));
	test_types();
	test_names();
	test_signing(org.ino);
	test_answers(org.ino);
	test_lost();
	test_tls();
	test_full();
	test_topic(org.ino);
	ok(ERR_peek_error() == 0, "OpenSSL's queue of errors is empty");
	engine_close(rules);
	return tap_done();
}
