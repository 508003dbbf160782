/* What key-type may say. */
#include "engine/model/slot_keys.h"

#include "tests/tap.h"

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

int
main(void)
{
	test_types();
	return tap_done();
}
