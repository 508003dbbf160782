/* NDES's page for administrators, in its encodings, and what else it may be. */
#include "engine/scep/ndes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

#define SECRET "0123456789ABCDEF"

static const char page[] =
    "<HTML><Head><Title>Network Device Enrollment Service</Title></Head>\r\n"
    "<Body BgColor=#FFFFFF><P> The thumbprint (hash value) for the CA "
    "certificate is: <B> 11223344 55667788 99AABBCC DDEEFF00 </B>\r\n"
    "<P> The enrollment challenge\r\n password is: <B> " SECRET " </B>\r\n"
    "<P> This password can be used only once.</Body></HTML>";

static struct err err;

/* text in 16 bits a character */
static struct buf
wide(const char *text, bool big, bool mark)
{
	struct buf b = { 0 };

	if (mark)
		buf_put(&b, big ? "\xfe\xff" : "\xff\xfe", 2);
	for (; *text != '\0'; text++) {
		char pair[2] = { *text, '\0' };

		if (big) {
			pair[0] = '\0';
			pair[1] = *text;
		}
		buf_put(&b, pair, 2);
	}
	return b;
}

static bool
says(struct bytes bytes, const char *challenge)
{
	struct buf b = { 0 };
	bool yes = ndes_parse(bytes, &b, &err) == ERR_OK &&
	           strcmp(buf_str(&b), challenge) == 0;

	if (!yes)
		printf("# got %s (%s)\n", buf_str(&b), err.msg);
	buf_free(&b);
	return yes;
}

static bool
says_wide(bool big, bool mark)
{
	struct buf b = wide(page, big, mark);
	bool yes = says(buf_view(&b), SECRET);

	buf_free(&b);
	return yes;
}

static bool
fails(struct bytes bytes, enum err_code code, const char *why)
{
	struct buf b = { 0 };
	bool yes = ndes_parse(bytes, &b, &err) == code && b.len == 0 &&
	           strstr(err.msg, why) != NULL;

	if (!yes)
		printf("# got %s (%s)\n", buf_str(&b), err.msg);
	buf_free(&b);
	return yes;
}

/* Every beginning of the page, and the page with each byte changed: no crash,
 * nothing read behind the end. */
static void
test_damage(void)
{
	struct buf whole = wide(page, false, false);
	size_t i, fine = 0;
	uint8_t *copy;

	for (i = 0; i <= whole.len; i++) {
		struct buf b = { 0 };

		copy = malloc(i + 1);
		memcpy(copy, whole.p, i);
		fine += ndes_parse(bytes_of(copy, i), &b, NULL) == ERR_OK;
		free(copy);
		buf_free(&b);
	}
	ok(fine > 0 && fine < whole.len, "no beginning of a page is too short");
	fine = 0;
	for (i = 0; i < whole.len; i++) {
		struct buf b = { 0 };

		whole.p[i] ^= 0x80;
		fine += ndes_parse(buf_view(&whole), &b, NULL) == ERR_OK;
		whole.p[i] ^= 0x80;
		buf_free(&b);
	}
	ok(fine > whole.len / 2, "a page with one damaged byte is read");
	buf_free(&whole);
}

int
main(void)
{
	char *huge = malloc(1u << 20);

	ok(says(bytes_text(page), SECRET), "ASCII or UTF-8");
	ok(says_wide(false, false), "UTF-16, little-endian, without mark");
	ok(says_wide(false, true), "with one");
	ok(says_wide(true, false), "big-endian");
	ok(says_wide(true, true), "with one");
	ok(says(bytes_text("\xef\xbb\xbfTHE ENROLLMENT CHALLENGE PASSWORD "
			   "IS:<b>abc-1</b>"),
	       "abc-1"),
	    "whatever the letters and the password");
	ok(says(bytes_text("<P> Fingerabdruck: <B> 11223344 55667788 </B> Das "
			   "Kennwort: <B>" SECRET SECRET "</B>"),
	       SECRET SECRET),
	    "in another language by its form");
	ok(fails(bytes_text("<B>" SECRET "</B><B>" SECRET "</B>"),
	       ERR_UNDECODABLE, "not understood"),
	    "but not where two have the form");
	ok(fails(bytes_text("The Password   Cache\r\nis full."), ERR_REMOTE,
	       "cache is full"),
	    "a full cache");
	ok(fails(bytes_text("You do not have sufficient permission to enroll "
			    "with SCEP."),
	       ERR_DENIED, "no permission"),
	    "a user without right");
	ok(fails(BYTES_NONE, ERR_UNDECODABLE, "not understood"), "nothing");
	ok(fails(bytes_of("\0", 1), ERR_UNDECODABLE, "not understood"),
	    "one byte");
	ok(fails(bytes_text("the enrollment challenge password is: <B> </B>"),
	       ERR_UNDECODABLE, "not understood"),
	    "an empty password");
	ok(says(bytes_text("the enrollment challenge password is: "
			   "<B>AB\001CD\177</B>"),
	       "AB?CD?"),
	    "nothing that a property list cannot hold");
	memset(huge, 'A', 1u << 20);
	ok(fails(bytes_of(huge, 1u << 20), ERR_UNDECODABLE, "not understood"),
	    "a megabyte of nothing");
	test_damage();
	free(huge);
	return tap_done();
}
