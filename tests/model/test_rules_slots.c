/* Which identity of a slot is in effect, and the guard of the topic. */
#include "engine/model/slots.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;
static uint64_t apns;

static void
make_certificate(const char *name, const char *topic, int days)
{
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c "
	   "-subj /UID=%s/CN=APSP -days %d -addext "
	   "extendedKeyUsage=clientAuth -addext keyUsage=digitalSignature "
	   "-addext 1.2.840.113635.100.6.3.2=DER:0500; cat c k > %s",
	    topic, days, name);
}

static enum err_code
copy_file(const char *name)
{
	struct buf b = load(name);
	enum err_code rc = try_bytes(apns, name, PLACE_APNS_FILE, buf_view(&b));

	buf_free(&b);
	return rc;
}

static enum err_code
copy_in(const char *name, const char *topic, int days)
{
	make_certificate(name, topic, days);
	return copy_file(name);
}

static enum err_code
facts_txn(struct txn *t, void *arg, struct err *err)
{
	return slot_facts(t, slot_of(acme, SLOT_OF_APNS), arg, err);
}

/* "" if nothing is in effect. */
static const char *
topic(void)
{
	static struct slot_facts f;

	must(store_view(rules->store, facts_txn, &f, &rules_err));
	return f.version == 0 ? "" : f.topic;
}

/* A file that is taken and does not work yet says so. */
static void
test_waiting(void)
{
	make_certificate("all.pem", TOPIC, 400);
	sh("cp k other.key; openssl genrsa -out k 2048; cp c lone.pem; "
	   "openssl pkcs12 -export -nokeys -in c -out lone.p12 -passout pass:");
	must(copy_file("lone.pem"));
	ok(has_event("apns/lone.pem: certificate APSP") &&
		has_event("has no key yet"),
	    "the event of a certificate without its key says what it waits "
	    "for");
	must(copy_file("lone.p12"));
	ok(has_event("apns/lone.p12: certificate APSP") &&
		has_event("came without a private key"),
	    "so does that of a PFX without a key");
	must(copy_file("other.key"));
	ok(!has_event("apns/other.key:") && strcmp(topic(), TOPIC) == 0,
	    "the key that completes it says nothing, and is in use");
}

/* All are removed, and one of them is brought back when the first is due. */
static void
test_brought_back(void)
{
	struct file_node n;
	int64_t next;

	remove_file(apns, "renewed.pem");
	pass(1000);
	remove_file(apns, "held.pem");
	pass(1500);
	must(removal_run(rules, &next, &rules_err));
	must(file_restore(rules, apns, "held.pem", &n, &rules_err));
	pass(3000);
	must(removal_run(rules, &next, &rules_err));
	ok(strcmp(topic(), TOPIC) == 0,
	    "one that was removed with others and brought back in time stays "
	    "in effect");
}

/* The better one goes first, the other one is on its way out. */
static void
test_removed_one_by_one(void)
{
	int64_t next;

	must(copy_in("second.pem", TOPIC, 366));
	remove_file(apns, "held.pem");
	pass(1000);
	remove_file(apns, "second.pem");
	pass(1500);
	must(removal_run(rules, &next, &rules_err));
	ok(strcmp(topic(), "") == 0,
	    "one that is being removed does not slip into effect");
	pass(3000);
	must(removal_run(rules, &next, &rules_err));
	must(copy_file("held.pem"));
}

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	(void)key;
	(void)value;
	(void)stop;
	(void)err;
	(*(size_t *)arg)++;
	return ERR_OK;
}

static enum err_code
count_txn(struct txn *t, void *arg, struct err *err)
{
	struct key prefix = key_of(KIND_MATERIAL);

	*(size_t *)arg = 0;
	return txn_each(t, key_view(&prefix), BYTES_NONE, count_one, arg, err);
}

static void
test_written_anew(void)
{
	size_t before = 0, after = 0;

	must(store_view(rules->store, count_txn, &before, &rules_err));
	remove_file(apns, "held.pem");
	must(copy_file("held.pem"));
	must(store_view(rules->store, count_txn, &after, &rules_err));
	ok(before > 0 && after == before,
	    "the key of a file that was removed and written anew is not kept "
	    "twice");
}

int
main(void)
{
	static const struct engine_options options;

	material_begin();
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
	apns = put(org_dir("acme"), "apns", PLACE_APNS, "").ino;

	must(copy_in("old.pem", "com.apple.mgmt.External.old", 100));
	must(copy_in("new.pem", TOPIC, 200));
	ok(strcmp(topic(), TOPIC) == 0,
	    "the certificate that ends last is in effect");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "S-1", "SERIAL"));
	must(token_update(acme, 1, "S-1", "", TOPIC));
	ok(copy_in("third.pem", "com.apple.mgmt.External.third", 300) ==
		    ERR_KEY_REJECTED &&
		says(&rules_err, "fall silent") && !exists(apns, "third.pem"),
	    "one with another topic than the devices' is refused");
	take_away(apns, "new.pem");
	ok(strcmp(topic(), "") == 0,
	    "one that was there before does not slip in by a removal");
	must(copy_in("renewed.pem", TOPIC, 365));
	ok(strcmp(topic(), TOPIC) == 0, "a renewed one is taken");
	take_away(apns, "old.pem");
	must(copy_in("held.pem", TOPIC, 370));
	test_brought_back();
	test_removed_one_by_one();
	test_written_anew();
	take_away(apns, "held.pem");
	ok(strcmp(topic(), "") == 0, "without files nothing is in effect");
	test_waiting();
	engine_close(rules);
	return tap_done();
}
