/* orgs/ORG/scep: templates, settings, strings for one device, what is kept of
 * certificates, and certificates of another CA. */
#include "engine/model/certs.h"
#include "engine/model/challenges.h"
#include "engine/model/scep_settings.h"
#include "engine/model/third_party.h"
#include "engine/pki/ca.h"
#include "engine/pki/csr.h"
#include "tests/model/rules.h"

#define UDID   "00008030-001C2D3E4F506172"
#define SERIAL "C02XK0AAJG5J"
#define ID     "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#define DAY    INT64_C(86400)

static uint32_t acme, umbrella;
static uint64_t scep; /* the directory in orgs/acme */

/* ---- templates ----------------------------------------------------------- */

static const struct scep_values all = { UDID, SERIAL, "Acme, Inc\\", ID };
static const struct scep_values none = { "", NULL, "Acme", ID };

/* Whether the template gives the subject. */
static bool
gives(const char *template, const struct scep_values *v, const char *subject)
{
	struct buf b = { 0 };
	bool yes = scep_subject_fill(template, v, &b, &rules_err) == ERR_OK &&
	           strcmp(buf_str(&b), subject) == 0;

	if (!yes)
		printf("# got %s (%s)\n", buf_str(&b), rules_err.msg);
	buf_free(&b);
	return yes;
}

static bool
gives_none(const char *template, const char *why)
{
	struct buf b = { 0 };
	bool yes =
	    scep_subject_fill(template, &all, &b, &rules_err) == ERR_INVALID &&
	    strstr(rules_err.msg, why) != NULL && b.len == 0;

	if (!yes)
		printf("# got %s (%s)\n", buf_str(&b), rules_err.msg);
	buf_free(&b);
	return yes;
}

static void
put_part(void *arg, const char *type, const char *value)
{
	buf_printf(arg, "%s=%s;", type, value);
}

static void
put_name(void *arg, unsigned kind, const char *text)
{
	buf_printf(arg, "%u=%s;", kind, text);
}

static void
test_subjects(void)
{
	struct buf b = { 0 };

	ok(gives("CN=%UDID%, O=%ORG%", &all, "CN=" UDID ", O=Acme\\, Inc\\\\"),
	    "variables are filled in, their commas part nothing");
	ok(gives("CN=%SERIAL%,OU=a\\, b", &all, "CN=" SERIAL ", OU=a\\, b"),
	    "a comma of the template's own may be written with a backslash");
	ok(gives("CN=%SERIAL%, O=%ORG%", &none, "O=Acme"),
	    "a part whose variable is not known is left out");
	ok(gives("CN=%SERIAL%", &none, "CN=" ID),
	    "and if nothing is left it is the random name");
	ok(gives("CN=100%% %ORG%", &none, "CN=100% Acme"),
	    "two percent signs are one");
	ok(gives("CN=" ID ID "tail", &none, "CN=" ID ID),
	    "what is too long for a certificate is cut");
	ok(gives_none("CN=%NAME%", "is not known"), "an unknown variable");
	ok(gives_none("CN=%UDID", "another one"), "one that does not end");
	ok(gives_none("CN=${UDID}", "not with $"), "a variable of the shell");
	ok(gives_none("XY=%UDID%", "not known as a part"), "an unknown part");
	ok(gives_none("C=Germany", "two letters"), "a bad country");

	must(scep_subject_parts("cn=a\\, b, email=x@y.z, 2.5.4.5=1, L=c",
	    put_part, &b, &rules_err));
	ok(strcmp(buf_str(&b), "CN=a, b;1.2.840.113549.1.9.1=x@y.z;2.5.4.5=1;"
			       "L=c;") == 0,
	    "parts are named as Apple's payload names them");
	buf_reset(&b);
	must(scep_san_fill("dns:%SERIAL%.example\n# no\nemail:a@%ID%.example\n"
			   "URI:urn:x:%UDID%\nUPN:u@x\nDNS:a b\n",
	    &none, put_name, &b, &rules_err));
	ok(strcmp(buf_str(&b), "4=a@" ID ".example;256=u@x;") == 0,
	    "names whose variables are not known, or that are none, are left "
	    "out");
	buf_free(&b);
}

/* ---- settings ------------------------------------------------------------ */

static struct scep_settings settings;

static enum err_code
settings_txn(struct txn *t, void *arg, struct err *err)
{
	return scep_settings_read(t, *(uint32_t *)arg, &settings, err);
}

static void
read_settings(uint32_t org)
{
	must(store_view(rules->store, settings_txn, &org, &rules_err));
}

static void
test_settings(void)
{
	read_settings(umbrella);
	ok(settings.key_bits == 2048 && settings.days == 365 &&
		settings.retries == 3 && settings.retry_delay == 10 &&
		settings.url[0] == '\0' && settings.subject[0] == '\0',
	    "without files it is as it always was");
	ok(scep_challenge_life(&settings, true) == 3600 &&
		scep_challenge_life(&settings, false) == 7 * DAY,
	    "challenges too");
	put(scep, "key-size", PLACE_SCEP_SETTING, "4096\n");
	put(scep, "validity", PLACE_SCEP_SETTING, " 90 \n");
	put(scep, "challenge-validity", PLACE_SCEP_SETTING, "90m");
	put(scep, "fingerprint", PLACE_SCEP_SETTING,
	    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD");
	put(scep, "proxy", PLACE_SCEP_SETTING, "");
	put(scep, "challenge", PLACE_SCEP_SECRET, "hush hush\n");
	read_settings(acme);
	ok(settings.key_bits == 4096 && settings.days == 90 && settings.proxy &&
		strcmp(settings.challenge, "hush hush") == 0,
	    "files count, white space around them does not");
	ok(scep_challenge_life(&settings, true) == 5400, "a time has a unit");
	ok(settings.fingerprint_len == 20 && settings.fingerprint[0] == 0xaa &&
		settings.fingerprint[19] == 0xdd,
	    "a fingerprint is read as tools print it");
	scep_settings_wipe(&settings);
}

/* ---- strings for one device ---------------------------------------------- */

struct ask {
	const char *text;
	struct challenge c;
	enum err_code file; /* of challenge_check_file() */
	struct buf own;
	const char *udid, *serial;
};

static enum err_code
ask_txn(struct txn *t, void *arg, struct err *err)
{
	struct ask *a = arg;
	enum err_code rc = ERR_OK;

	buf_reset(&a->own);
	if (a->text != NULL &&
	    (rc = challenge_read(t, a->text, &a->c, err)) == ERR_OK)
		a->file = challenge_check_file(t, &a->c, err);
	if (a->text == NULL)
		rc = challenge_of_device(
		    t, acme, a->udid, a->serial, &a->own, err);
	return rc;
}

static enum err_code
ask(struct ask *a)
{
	return store_view(rules->store, ask_txn, a, &rules_err);
}

static void
test_strings(void)
{
	uint64_t dir = put(scep, "challenges", PLACE_SCEP_CHALLENGES, "").ino;
	struct ask a = { .text = "open sesame" };
	struct buf b = { 0 };

	put(dir, SERIAL, PLACE_SCEP_CHALLENGE, "open sesame\n");
	ok(ask(&a) == ERR_OK && a.c.org == acme &&
		strcmp(a.c.name, SERIAL) == 0 && a.file == ERR_OK,
	    "a string is good for its organization and device");
	a = (struct ask){ .udid = UDID, .serial = SERIAL };
	ok(ask(&a) == ERR_OK && strcmp(buf_str(&a.own), "open sesame") == 0,
	    "and can be looked up by what the device calls itself");
	buf_free(&a.own);
	put(dir, "EMPTY1", PLACE_SCEP_CHALLENGE, "");
	must(org_scep_challenges_page(rules, acme, &b, &rules_err));
	ok(strstr(buf_str(&b), SERIAL "\twaiting\t20") != NULL &&
		strstr(buf_str(&b), "open sesame") == NULL,
	    "the page has no string that was written");
	ok(strstr(buf_str(&b), "EMPTY1\twaiting\t") != NULL,
	    "but that which was made for an empty file");
	buf_free(&b);
	put(dir, SERIAL, PLACE_SCEP_CHALLENGE, "open barley\n");
	a = (struct ask){ .text = "open sesame" };
	ok(ask(&a) == ERR_OK && a.file == ERR_GONE,
	    "a string that was replaced is not good any more");
	remove_file(dir, SERIAL);
	a = (struct ask){ .text = "open barley" };
	ok(ask(&a) == ERR_OK && a.file == ERR_GONE, "nor one that was removed");
	a = (struct ask){ .udid = UDID, .serial = SERIAL };
	ok(ask(&a) == ERR_NOT_FOUND, "and nothing is found for the device");
	buf_free(&a.own);
}

/* ---- certificates that were made for a name ------------------------------ */

static void
issue_for(uint8_t cert, const char *name, int64_t expires)
{
	struct issued i = {
		.org = acme, .state = CERT_VALID, .expires = expires
	};

	memset(i.fingerprint, cert, sizeof(i.fingerprint));
	snprintf(i.name, sizeof(i.name), "%s", name);
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

static void
test_names(void)
{
	issue_for(0x41, "SERIALX", INT64_C(1990000000));
	ok(authenticate(acme, 0x41, "other", "SERIALY") == ERR_DENIED &&
		strstr(rules_err.msg, "made for SERIALX") != NULL,
	    "a certificate for a serial number is no other device's");
	ok(authenticate(acme, 0x41, "right", "serialx") == ERR_OK,
	    "but the device's with that number");
	issue_for(0x42, "by-udid", INT64_C(1990000000));
	ok(authenticate(acme, 0x42, "by-udid", "SERIALZ") == ERR_OK,
	    "or with that UDID");
}

/* ---- forgetting ---------------------------------------------------------- */

struct trim {
	int64_t now;
	bool more;
	uint8_t cert;
	bool known;
};

static enum err_code
trim_txn(struct txn *t, void *arg, struct err *err)
{
	struct trim *x = arg;

	return issued_trim(t, x->now, &x->more, err);
}

static enum err_code
known_txn(struct txn *t, void *arg, struct err *err)
{
	struct trim *x = arg;
	uint8_t fingerprint[32];
	struct issued i;

	(void)err;
	memset(fingerprint, x->cert, sizeof(fingerprint));
	x->known = issued_read(t, fingerprint, &i, NULL) == ERR_OK;
	return ERR_OK;
}

static bool
is_known(uint8_t cert)
{
	struct trim x = { .cert = cert };

	must(store_view(rules->store, known_txn, &x, &rules_err));
	return x.known;
}

static void
test_forgetting(void)
{
	int64_t now = engine_now(rules), i;
	struct trim x = { .now = now };
	struct issued many = { .org = acme, .state = CERT_VALID };

	issue_for(0x51, "", now - 91 * DAY);
	issue_for(0x52, "", now - 89 * DAY);
	issue_for(0x53, "", now + DAY);
	issue_for(0x54, "", now + DAY);
	must(authenticate(acme, 0x54, "away", "SERIAL4"));
	must(store_update(rules->store, trim_txn, &x, &rules_err));
	ok(!is_known(0x51) && is_known(0x52) && is_known(0x53) && !x.more,
	    "certificates that ended 90 days ago are forgotten, others not");
	x.now = now + 365 * DAY;
	must(store_update(rules->store, trim_txn, &x, &rules_err));
	ok(is_known(0x54) && !is_known(0x53),
	    "but not that which a device has, however long it was away");
	must(store_update(rules->store, trim_txn, &x, &rules_err));
	ok(is_known(0x54) && !x.more, "nor is it looked at every hour");
	many.expires = now - 100 * DAY;
	for (i = 0; i < 501; i++) {
		memset(many.fingerprint, 0x61, sizeof(many.fingerprint));
		many.fingerprint[0] = (uint8_t)i;
		many.fingerprint[1] = (uint8_t)(i >> 8);
		must(store_update(rules->store, issue_txn, &many, &rules_err));
	}
	x.now = now;
	must(store_update(rules->store, trim_txn, &x, &rules_err));
	ok(x.more, "at most 500 are forgotten at once");
	must(store_update(rules->store, trim_txn, &x, &rules_err));
	ok(!x.more, "the rest in the next round");
}

/* ---- certificates of another CA ------------------------------------------ */

static struct third_party party;

static enum err_code
show_txn(struct txn *t, void *arg, struct err *err)
{
	(void)arg;
	return third_party_store(t, &settings, &party, err);
}

static enum err_code
expect_txn(struct txn *t, void *arg, struct err *err)
{
	return challenge_add(t, arg, acme, 0, engine_now(rules) + 3600, err);
}

/* A certificate of the CA for that common name. */
static struct cert *
certificate(const struct identity *ca, const char *cn)
{
	struct csr_wanted wanted = { .subject = cn };
	struct ca_profile profile = { .days = 10, .client_auth = true };
	struct pkey *key = NULL;
	struct csr *csr = NULL;
	struct cert *c = NULL;
	struct buf der = { 0 };

	must(pkey_generate_p256(&key, &rules_err));
	must(csr_make(key, &wanted, &der, &rules_err));
	must(csr_parse(buf_view(&der), &csr, &rules_err));
	must(ca_issue(ca, csr, &profile, engine_now(rules), &c, &rules_err));
	buf_free(&der);
	csr_free(csr);
	pkey_free(key);
	return c;
}

static enum err_code
speak(struct cert *c, const char *udid)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = AUTHENTICATE };
	enum err_code rc;

	x.s = speaker(acme, 0, udid, message);
	x.s.cert = c;
	memcpy(x.s.fingerprint, cert_fingerprint(c), sizeof(x.s.fingerprint));
	rc = store_update(rules->store, said_txn, &x, &rules_err);
	pl_free(message);
	return rc;
}

static bool
denied(struct cert *c, const char *why)
{
	bool yes = speak(c, "third") == ERR_DENIED &&
	           strstr(rules_err.msg, why) != NULL;

	if (!yes)
		printf("# %s\n", rules_err.msg);
	cert_free(c);
	return yes;
}

static void
test_third_party(void)
{
	static const char second[] = "BBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEE";
	struct identity *ca = NULL, *other = NULL;
	struct buf hex = { 0 };
	struct cert *c;
	size_t i;

	must(ca_create("Their CA", engine_now(rules), &ca, &rules_err));
	must(ca_create("Their CA", engine_now(rules), &other, &rules_err));
	for (i = 0; i < CERT_FINGERPRINT_LEN; i++)
		buf_printf(
		    &hex, "%02x", cert_fingerprint(identity_leaf(ca))[i]);
	ok(denied(certificate(ca, "CN=" ID), "not issued here"),
	    "without url nobody else's certificate counts");
	put(scep, "url", PLACE_SCEP_SETTING, "https://ca.example/scep");
	put(scep, "fingerprint", PLACE_SCEP_SETTING, buf_str(&hex));
	buf_free(&hex);
	ok(denied(certificate(ca, "CN=" ID), "nor for an enrollment profile"),
	    "with one, a name that no profile asked for does not");
	must(store_update(
	    rules->store, expect_txn, (void *)(uintptr_t)ID, &rules_err));
	must(store_update(
	    rules->store, expect_txn, (void *)(uintptr_t)second, &rules_err));
	ok(denied(certificate(ca, "CN=" ID), "has shown no certificate yet"),
	    "nor any before the CA was asked");
	read_settings(acme);
	party.certs[0] = cert_ref(identity_leaf(ca));
	party.n_certs = 1;
	party.fetched_at = engine_now(rules);
	must(store_update(rules->store, show_txn, NULL, &rules_err));
	ok(third_party_pinned(&party, &settings) == party.certs[0],
	    "the CA is known by its fingerprint");
	ok(denied(certificate(other, "CN=" ID), "was not issued by the CA"),
	    "another CA of the same name does not count");
	ok(denied(certificate(ca, "CN=x" ID), "nor for an enrollment profile"),
	    "nor a name with more around it");
	c = certificate(ca, "O=Acme, OU=" ID ", CN=anything");
	ok(speak(c, "third") == ERR_OK, "the name may stand in any part");
	ok(has_event("accepted for device=third"), "an event tells it");
	ok(speak(c, "third") == ERR_OK, "the same certificate goes on");
	ok(speak(c, "fourth") == ERR_DENIED, "for its device alone");
	cert_free(c);
	ok(denied(certificate(ca, "CN=" ID), "a second certificate"),
	    "each name is good for one certificate");
	pass(3601 * 1000);
	ok(denied(certificate(ca, "CN=BBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEE"),
	       "has expired"),
	    "and until the profile's end");
	put(scep, "fingerprint", PLACE_SCEP_SETTING,
	    "00112233445566778899aabbccddeeff");
	read_settings(acme);
	ok(third_party_pinned(&party, &settings) == NULL,
	    "a CA without the fingerprint is not the one");
	remove_file(scep, "url");
	third_party_fini(&party);
	identity_free(ca);
	identity_free(other);
}

int
main(void)
{
	struct engine_options options = { .state_dir = NULL };

	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	scep = put(org_dir("acme"), "scep", PLACE_SCEP, "").ino;
	test_subjects();
	test_settings();
	test_strings();
	test_names();
	test_forgetting();
	test_third_party();
	engine_close(rules);
	return tap_done();
}
