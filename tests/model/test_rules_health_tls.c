/* The doctor on what devices are told and shown: URLs, names, the HTTPS
 * certificate. */
#include "tests/model/health.h"

static uint64_t acme_dir;

/* Something is there and does not work yet. */
static void
test_waiting(void)
{
	struct file_node tls;
	struct buf cert;

	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
	tls = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, "");
	put(tls.ino, "subject", PLACE_SLOT_SUBJECT, "CN=mdm.example.com\n");
	install(slot_of(0, SLOT_OF_OWN_TLS),
	    &(struct leaf){ .by = "own-sub", .days = 40, .chain = OWN_CHAIN });
	expect("tls.own", "", HEALTH_WARN, "sign status/system/tls.csr",
	    "a request that waits for its answer is what to do next");
	take_away(tls.ino, "subject");
	make_leaf(&(struct leaf){ .by = "own-sub", .days = 40 });
	cert = load("c");
	put(tls.ino, "c.pem", PLACE_TLS_FILE, buf_str(&cert));
	expect("tls.own", "", HEALTH_WARN, "status/system/tls says",
	    "files that cannot be used are not nothing");
	take_away(tls.ino, "c.pem");
	take_away(FILE_INO_SYSTEM, "tls");
	clear(slot_of(0, SLOT_OF_OWN_TLS));
	take_away(FILE_INO_SYSTEM, "url");
	buf_free(&cert);
}

static void
test_urls(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);

	expect("url", "", HEALTH_FAIL, "echo https://", "no system/url fails");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL, "https://localhost\n");
	expect("url", "", HEALTH_WARN, "the device itself",
	    "localhost is not what a device can reach");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
	expect_pass("url", "", "a URL with https passes");
	expect_none("url", "acme", "an organization needs none of its own");
	install(tls, &(struct leaf){ .by = "world-sub", .chain = WORLD_CHAIN });
	expect_pass("tls.names", "", "its host is among the SAN names");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://other.example.com\n");
	expect("tls.names", "", HEALTH_FAIL, "mdm.example.com, *.wild.example",
	    "a host that is not fails, with the names that are there");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://a.wild.example\n");
	expect_pass("tls.names", "", "a star stands for a label");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://a.b.wild.example\n");
	expect("tls.names", "", HEALTH_FAIL, "", "and not for two");
	put(acme_dir, "url", PLACE_ORG_URL, "https://acme.example\n");
	expect_pass("url", "acme", "an organization may have its own");
	expect("tls.names", "acme", HEALTH_FAIL, "orgs/acme/tls/",
	    "a certificate must be for that, too");
	install(slot_of(acme, SLOT_OF_TLS),
	    &(struct leaf){ .by = "world-sub", .chain = WORLD_CHAIN });
	put(acme_dir, "url", PLACE_ORG_URL, "https://MDM.example.com\n");
	expect_pass("tls.names", "acme", "its own one counts");
	clear(slot_of(acme, SLOT_OF_TLS));
	take_away(acme_dir, "url");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com\n");
}

/* What is served stops below a root of one's own. */
static void
test_tls_trust(void)
{
	struct buf root = load("own.pem");
	struct file_node trust;

	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ .by = "own-sub", .chain = "own-sub.pem" });
	expect("tls.chain", "", HEALTH_FAIL, "a root of your own",
	    "a root that nobody has is missing");
	trust = put(FILE_INO_SYSTEM, "trust", PLACE_TRUST, "");
	put(trust.ino, "own.pem", PLACE_TRUST_FILE, buf_str(&root));
	expect("tls.chain", "", HEALTH_PASS, "system/trust",
	    "one in system/trust is not: devices get it");
	take_away(trust.ino, "own.pem");
	take_away(FILE_INO_SYSTEM, "trust");
	buf_free(&root);
}

static void
test_tls(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);
	static const char *const names[] = { "tls.san", "tls.chain", "tls.root",
		"tls.lifetime", "tls.key", "tls.digest", "tls.purpose",
		"tls.end" };
	const struct health_check *k;
	bool all = true;
	size_t i;

	install(tls, &(struct leaf){ .by = "world-sub", .chain = WORLD_CHAIN });
	examine();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		all = all && (k = find(names[i], "")) != NULL &&
		      k->state == HEALTH_PASS;
	ok(all, "a certificate of a known authority passes everything");
	ok(h.certs[0].role != HEALTH_TLS, "and is not among the worst");
	install(tls, &(struct leaf){ .by = "world-sub" });
	expect("tls.chain", "", HEALTH_FAIL, "O=world Inc., CN=world-sub",
	    "a missing intermediate is named");
	expect("tls.chain", "", HEALTH_FAIL, "append it", "with the way out");
	expect_none("tls.root", "", "and nothing is said of an unknown root");
	test_tls_trust();
	install(tls, &(struct leaf){ .by = "own-sub", .chain = OWN_CHAIN });
	expect("tls.root", "", HEALTH_PASS, "O=own, CN=own-root",
	    "a private root that goes along with the profile passes");
	install(tls, &(struct leaf){ .by = NULL });
	expect("tls.root", "", HEALTH_WARN, "self-signed",
	    "a self-signed certificate is warned of");
	install(tls,
	    &(struct leaf){ .by = "own-sub", .days = 900, .chain = OWN_CHAIN });
	expect("tls.lifetime", "", HEALTH_FAIL, "900 days",
	    "more than 825 days fail");
	install(
	    tls, &(struct leaf){
		     .by = "own-sub", .digest = "sha1", .chain = OWN_CHAIN });
	expect("tls.digest", "", HEALTH_FAIL, "SHA-1", "SHA-1 fails");
	install(
	    tls, &(struct leaf){
		     .by = "own-sub", .ext = "bare.ext", .chain = OWN_CHAIN });
	expect("tls.san", "", HEALTH_FAIL, "subjectAltName",
	    "a certificate without SAN fails");
	expect("tls.names", "", HEALTH_FAIL, "no name at all", "by name, too");
	install(tls,
	    &(struct leaf){
		.by = "own-sub", .ext = "client.ext", .chain = OWN_CHAIN });
	expect("tls.purpose", "", HEALTH_FAIL, "serverAuth",
	    "so does one that is not for servers");
	sh("openssl req -new -newkey rsa:1024 -nodes -keyout weak.key "
	   "-out csr -subj /CN=weak; openssl x509 -req -in csr -CA own.pem "
	   "-CAkey own.key -days 3000 -extfile ca.ext -out weak.pem");
	install(
	    tls, &(struct leaf){ .by = "weak", .chain = "weak.pem own.pem" });
	expect("tls.key", "", HEALTH_FAIL, "2048", "a weak key above it fails");
}

static void
test_ends(void)
{
	struct slot_id tls = slot_of(0, SLOT_OF_TLS);
	int64_t now = rules_ns;

	install(tls,
	    &(struct leaf){ .by = "own-sub", .days = 400, .chain = OWN_CHAIN });
	expect("tls.end", "", HEALTH_PASS, "days-left=399",
	    "a certificate with a year left passes");
	rules_ns = now + INT64_C(341) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "days-left=58",
	    "one of a year is warned of 60 days before");
	rules_ns = now + INT64_C(394) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "very soon", "10 days before");
	rules_ns = now + INT64_C(401) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_FAIL, "days-left=-1",
	    "and fails once it has ended");
	rules_ns = now;
	install(tls,
	    &(struct leaf){ .by = "own-sub", .days = 90, .chain = OWN_CHAIN });
	rules_ns = now + INT64_C(60) * 86400 * 1000000000;
	expect_pass("tls.end", "",
	    "one of 90 days is quiet while certbot would renew it");
	rules_ns = now + INT64_C(69) * 86400 * 1000000000;
	expect("tls.end", "", HEALTH_WARN, "days-left=20",
	    "and not when it does not");
	rules_ns = now - INT64_C(86400) * 1000000000;
	expect("tls.end", "", HEALTH_FAIL, "clock",
	    "one that is not valid yet may mean the clock");
	rules_ns = now;
	sh("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout short.key -out csr -subj /CN=short; openssl x509 "
	   "-req -in csr -CA own.pem -CAkey own.key -days 20 -extfile ca.ext "
	   "-out short.pem");
	install(
	    tls, &(struct leaf){ .by = "short", .chain = "short.pem own.pem" });
	expect("tls.end", "", HEALTH_WARN, "a certificate above",
	    "an intermediate that ends first is told");
	clear(tls);
	install(slot_of(0, SLOT_OF_OWN_TLS),
	    &(struct leaf){ .by = "own-sub", .days = 40, .chain = OWN_CHAIN });
	expect("tls.own", "", HEALTH_WARN, "production",
	    "the server's own certificate is warned of");
	expect_pass("tls.end", "", "but not of its end: it renews itself");
}

int
main(void)
{
	health_begin("world.pem");
	acme_dir = org_dir("acme");
	test_waiting();
	test_urls();
	test_tls();
	test_ends();
	return health_done();
}
