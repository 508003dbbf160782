#include "engine/store/seal.h"

#include <openssl/err.h>

#include "tests/tap.h"

#define B(s) bytes_text(s)

static const uint8_t key[STORE_MASTER_KEY_LEN] =
    "0123456789abcdef0123456789abcde";
static const uint8_t other[STORE_MASTER_KEY_LEN] =
    "another key, another key, anoth";

static bool
opens(const uint8_t *with, const char *name, struct bytes sealed,
    const char *expected)
{
	struct buf b = { 0 };
	enum err_code rc;
	bool good;

	buf_text(&b, "before ");
	rc = seal_open(with, B(name), sealed, &b, NULL);
	if (expected == NULL)
		good = rc == ERR_DAMAGED && strcmp(buf_str(&b), "before ") == 0;
	else
		good = rc == ERR_OK && strcmp(buf_str(&b) + 7, expected) == 0;
	buf_wipe(&b);
	return good && ERR_peek_error() == 0;
}

static void
test_tampering(struct bytes sealed)
{
	uint8_t copy[256];
	bool all = true;
	size_t i;

	for (i = 0; i < sealed.len * 8; i++) {
		memcpy(copy, sealed.p, sealed.len);
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		all =
		    all && opens(key, "name", bytes_of(copy, sealed.len), NULL);
	}
	ok(all, "no bit of it can be changed");
	for (i = 0, all = true; i < sealed.len; i++)
		all = all && opens(key, "name", bytes_of(sealed.p, i), NULL);
	ok(all, "it cannot be cut short");
	memcpy(copy, sealed.p, sealed.len);
	copy[sealed.len] = 0;
	ok(opens(key, "name", bytes_of(copy, sealed.len + 1), NULL),
	    "nor made longer");
}

/* Sealed with the documented layout by another implementation: Python's
 * cryptography, AESGCM(key).encrypt(nonce, b"hello", b"name"). */
static void
test_layout(void)
{
	static const uint8_t known[] = { 0x01, 0x00, 0x01, 0x02, 0x03, 0x04,
		0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0xd6, 0xbb, 0x65,
		0xdb, 0x19, 0xb5, 0x10, 0x04, 0x01, 0xbb, 0x0e, 0xf7, 0x3d,
		0x28, 0x8d, 0x96, 0x85, 0xf0, 0xaa, 0x09, 0x73 };

	ok(opens(key, "name", bytes_of(known, sizeof(known)), "hello"),
	    "what another implementation has sealed opens");
}

int
main(void)
{
	struct buf a = { 0 }, b = { 0 }, empty = { 0 };
	struct err err = { 0 };

	buf_text(&a, "x");
	ok(seal_close(key, B("name"), B("secret"), &a, &err) == ERR_OK &&
		a.len == 1 + 6 + SEAL_OVERHEAD && a.p[0] == 'x',
	    "a sealed value is appended, 29 bytes longer than the plain one");
	ok(a.p[1] == 1, "its first byte is the version");
	ok(seal_close(key, B("name"), B("secret"), &b, &err) == ERR_OK &&
		memcmp(a.p + 1, b.p, b.len) != 0,
	    "sealed twice, it is something else");
	ok(opens(key, "name", buf_view(&b), "secret"), "it opens");
	ok(opens(other, "name", buf_view(&b), NULL), "not with another key");
	ok(opens(key, "nam", buf_view(&b), NULL) &&
		opens(key, "", buf_view(&b), NULL),
	    "not under another name");
	test_tampering(buf_view(&b));
	ok(seal_close(key, B(""), BYTES_NONE, &empty, &err) == ERR_OK &&
		opens(key, "", buf_view(&empty), ""),
	    "nothing can be sealed, too");
	ok(seal_open(key, B("name"), BYTES_NONE, &a, &err) == ERR_DAMAGED &&
		err.code == ERR_DAMAGED,
	    "an empty record is no sealed value");
	test_layout();
	buf_free(&a);
	buf_free(&b);
	buf_free(&empty);
	return tap_done();
}
