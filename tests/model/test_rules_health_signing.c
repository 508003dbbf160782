/* The doctor on the certificate that signs profiles, and system/trust. */
#include "tests/model/health.h"

static void
test_signing(void)
{
	struct slot_id signing = slot_of(0, SLOT_OF_SIGNING);
	struct file_node trust;
	struct buf root = load("Apple.pem");

	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ .by = "world-sub", .chain = WORLD_CHAIN });
	expect("signing.present", "", HEALTH_WARN, "2 organizations",
	    "without a signing certificate profiles are not signed");
	install(
	    slot_of(acme, SLOT_OF_SIGNING), &(struct leaf){ .by = "world-sub",
						.ext = "signing.ext",
						.subject = "/CN=signer",
						.chain = WORLD_CHAIN });
	expect("signing.present", "", HEALTH_WARN,
	    "1 organization:", "those that have their own do not need it");
	expect_pass("signing.root", "acme", "a known root is Verified");
	expect_pass("signing.lifetime", "acme", "300 days are fine");
	clear(slot_of(acme, SLOT_OF_SIGNING));
	install(signing, &(struct leaf){ .by = "world-sub",
			     .ext = "signing.ext",
			     .subject = "/CN=signer" });
	expect("signing.chain", "", HEALTH_WARN, "Not Verified",
	    "a missing intermediate makes it Not Verified");
	install(signing, &(struct leaf){ .by = "Apple-sub",
			     .ext = "signing.ext",
			     .subject = "/CN=signer",
			     .chain = APPLE_CHAIN });
	expect("signing.root", "", HEALTH_WARN, "CN=Apple-root, which devices",
	    "so does a root that devices do not know");
	trust = put(FILE_INO_SYSTEM, "trust", PLACE_TRUST, "");
	put(trust.ino, "root.pem", PLACE_TRUST_FILE, buf_str(&root));
	expect("signing.root", "", HEALTH_PASS, "goes along",
	    "unless system/trust has it");
	expect("trust.end", "", HEALTH_PASS, "days-left=39",
	    "the end of that root is watched");
	rules_ns += INT64_C(3960) * 86400 * 1000000000;
	expect("trust.end", "", HEALTH_WARN, "system/trust/root.pem",
	    "and told before it comes");
	rules_ns -= INT64_C(3960) * 86400 * 1000000000;
	take_away(trust.ino, "root.pem");
	install(slot_of(0, SLOT_OF_TLS),
	    &(struct leaf){ .by = "Apple-sub", .chain = APPLE_CHAIN });
	expect_pass("signing.root", "", "or the HTTPS certificate");
	install(signing, &(struct leaf){ .by = "Apple-sub",
			     .ext = "signing.ext",
			     .subject = "/CN=signer",
			     .days = 90,
			     .digest = "sha1",
			     .chain = APPLE_CHAIN });
	expect("signing.lifetime", "", HEALTH_WARN, "90 days only",
	    "a signer of 90 days flips to Not Verified");
	expect("signing.strength", "", HEALTH_WARN, "SHA-1", "SHA-1, too");
	buf_free(&root);
}

int
main(void)
{
	health_begin("world.pem");
	test_signing();
	return health_done();
}
