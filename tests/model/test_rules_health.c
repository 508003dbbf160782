/* The doctor as a whole: what is not about one certificate, who hears what,
 * many organizations; each check is in the manual. */
#include "tests/model/health.h"

#include "engine/model/health_priv.h"
#include "engine/model/probe.h"

static void
test_clock(void)
{
	int64_t now = rules_ns;

	expect_pass("clock", "", "a clock that goes on");
	rules_ns -= INT64_C(3600) * 1000000000;
	expect("clock", "", HEALTH_FAIL, "backwards", "one that went back");
	rules_ns = INT64_C(1000000000) * 1000000000;
	expect("clock", "", HEALTH_FAIL, "2001-", "one that was never set");
	rules_ns = now;
}

static void
test_enrollment(void)
{
	struct file_node enrollment;

	expect_pass("enrollment.open", "acme", "enrollment is closed");
	enrollment = put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "");
	put(enrollment.ino, "open", PLACE_ENROLLMENT_OPEN, "");
	expect("enrollment.open", "acme", HEALTH_WARN,
	    "rm orgs/acme/enrollment/open", "open enrollment is warned of");
}

static void
test_ca(void)
{
	struct identity *ca = NULL;

	expect_none("ca.end", "acme", "a CA is made when it is needed");
	must(slot_ca(rules, acme, &ca, &rules_err));
	identity_free(ca);
	expect_pass("ca.end", "acme", "then its end is watched");
}

static void
test_vendor(void)
{
	struct leaf vendor = { .by = "own-sub",
		.ext = "signing.ext",
		.subject = "/CN=vendor",
		.days = 365 };

	expect_none("vendor.end", "", "a vendor certificate is rare");
	install(slot_of(0, SLOT_OF_VENDOR), &vendor);
	expect("vendor.issuer", "", HEALTH_WARN, "CN=own-sub",
	    "where it is, Apple should have issued it");
	expect("vendor.chain", "", HEALTH_FAIL, "CN=own-sub",
	    "its chain must be whole");
	expect_pass("vendor.end", "", "and not end");
}

static bool
only_umbrella(void *arg, uint32_t org)
{
	(void)arg;
	return org == 0 || org != acme;
}

static void
test_filter(void)
{
	bool other = false;
	size_t i;

	health_fini(&h);
	must(health_examine(rules, only_umbrella, NULL, &h, &rules_err));
	for (i = 0; i < h.n_checks; i++)
		other |= strcmp(h.checks[i].whose, "acme") == 0 ||
		         strstr(h.checks[i].cause, "acme") != NULL;
	for (i = 0; i < h.n_certs; i++)
		other |= h.certs[i].slot.org == acme;
	ok(!other && h.n_devices == 1,
	    "who sees one organization hears nothing of another");
	for (i = 1; i < h.n_checks; i++)
		if (h.checks[i - 1].state < h.checks[i].state)
			break;
	ok(i == h.n_checks, "the worst stands first");
}

/* ---- many organizations ------------------------------------------------- */

#define MANY 10000

static enum err_code
many_txn(struct txn *t, void *arg, struct err *err)
{
	enum err_code rc = ERR_OK;
	uint32_t i;

	for (i = 0; rc == ERR_OK && i < MANY; i++) {
		struct org o = { .number = 1000 + i };
		struct probe p = { .org = 1000 + i,
			.outcome = PROBE_ACCEPTED,
			.tried_at = engine_now(rules) };
		struct slot_facts f;

		snprintf(o.name, sizeof(o.name), "many%u", i);
		rc = org_store(t, &o, err);
		if (rc == ERR_OK)
			rc = slot_install(
			    t, slot_of(o.number, SLOT_OF_APNS), arg, err);
		if (rc == ERR_OK)
			rc = slot_facts(
			    t, slot_of(o.number, SLOT_OF_APNS), &f, err);
		p.identity_version = f.version;
		if (rc == ERR_OK)
			rc = probe_store(t, &p, err);
	}
	return rc;
}

static void
test_many(void)
{
	struct leaf leaf = { .by = "Apple-sub",
		.ext = "push.ext",
		.subject = "/UID=" TOPIC "/CN=APSP:x",
		.days = 365 };
	struct timespec a, b;
	struct install i = { .id = NULL };
	struct bundle *bundle = NULL;
	struct buf bytes;
	double ms;

	make_leaf(&leaf);
	bytes = load("leaf.pem");
	must(bundle_parse(buf_view(&bytes), NULL, 0, &bundle, &rules_err));
	must(identity_new(bundle_key(bundle, 0), bundle_cert(bundle, 0), NULL,
	    0, &i.id, &rules_err));
	must(store_update(rules->store, many_txn, i.id, &rules_err));
	put(FILE_INO_ORGS, "A B", PLACE_ORG, "");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	examine();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1000 +
	     (double)(b.tv_nsec - a.tv_nsec) / 1000000;
	printf(
	    "# %d organizations, %zu checks: %.0f ms\n", MANY, h.n_checks, ms);
	ok(find("push.end", "many7") == NULL &&
		strstr(find("push.end", "")->cause,
		    " organizations, the first has days-left=364") != NULL,
	    "of many organizations the passes are counted");
	ok(find("push.account", "many7") != NULL, "the warnings are not");
	ok(strstr(find("push.present", "A B")->remedy,
	       "echo CN='A B' > 'orgs/A B/apns/subject'") != NULL,
	    "a command can be typed although a name has a space");
	ok(ms < 1000, "thousands of organizations cost no second");
	identity_free(i.id);
	bundle_free(bundle);
	buf_free(&bytes);
}

/* ---- the table ---------------------------------------------------------- */

static void
test_names(void)
{
	char page[1 << 17], item[64];
	FILE *f = fopen("fs/mdmfs.7", "r");
	size_t i, n = f == NULL ? 0 : fread(page, 1, sizeof(page) - 1, f);

	page[n] = '\0';
	for (i = 0; i < n_health_rows; i++) {
		snprintf(
		    item, sizeof(item), ".It Ic %s\n", health_rows[i].name);
		if (strstr(page, item) == NULL)
			break;
	}
	ok(n > 0 && i == n_health_rows, "every check is in the manual");
	if (i < n_health_rows)
		printf("# %s is not\n", health_rows[i].name);
	if (f != NULL)
		fclose(f);
}

int
main(void)
{
	health_begin("world.pem");
	test_names();
	expect_pass("roots", "", "this machine knows the world's roots");
	test_clock();
	test_enrollment();
	test_ca();
	test_vendor();
	test_filter();
	test_many();
	return health_done();
}
