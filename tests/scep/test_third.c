/* What another CA said, out of its CertRep. */
#include "engine/scep/third.h"

#include "tests/scep/talk.h"
#include "tests/tap.h"

/* A CertRep as NDES makes one: no certificates, one byte for content. */
static struct buf
reply(const char *state, const char *fault, const char *microsoft,
    const char *text)
{
	EVP_PKEY *key = client_key(2048);
	X509 *x = client_self_sign(key, "RA");
	BIO *in = BIO_new_mem_buf("\0", 1);
	CMS_ContentInfo *cms =
	    CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
	CMS_SignerInfo *si = CMS_add1_signer(cms, x, key, EVP_sha1(),
	    CMS_PARTIAL | CMS_BINARY | CMS_NOCERTS | CMS_NOSMIMECAP);
	uint8_t *der = NULL;
	struct buf b;

	NEED(si != NULL);
	client_attr(si, "2.16.840.1.113733.1.9.2", V_ASN1_PRINTABLESTRING, "3");
	client_attr(
	    si, "2.16.840.1.113733.1.9.3", V_ASN1_PRINTABLESTRING, state);
	client_attr(
	    si, "2.16.840.1.113733.1.9.4", V_ASN1_PRINTABLESTRING, fault);
	client_attr(
	    si, "1.3.6.1.4.1.311.21.33", V_ASN1_PRINTABLESTRING, microsoft);
	client_attr(si, "1.3.6.1.5.5.7.24.1", V_ASN1_UTF8STRING, text);
	NEED(CMS_final(cms, in, NULL, CMS_BINARY) == 1);
	b = client_take_der(&der, i2d_CMS_ContentInfo(cms, &der));
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	X509_free(x);
	EVP_PKEY_free(key);
	return b;
}

static bool
means(struct buf reply, const char *words, bool issued)
{
	struct buf b = { 0 };
	bool is = !issued;
	bool yes = third_outcome(buf_view(&reply), &b, &is) && is == issued &&
	           strcmp(buf_str(&b), words) == 0;

	if (!yes)
		printf("# got %s\n", buf_str(&b));
	buf_free(&b);
	buf_free(&reply);
	return yes;
}

/* No beginning of it, nor it with a byte changed, does harm. */
static void
test_damage(void)
{
	struct buf whole = reply("2", "2", "-2147024809", "no");
	struct buf b = { 0 };
	size_t i, fine = 0;
	bool issued;

	for (i = 0; i < whole.len; i++)
		fine += third_outcome(bytes_of(whole.p, i), &b, &issued);
	ok(fine == 0, "a reply that is cut short is none");
	for (i = 0; i < whole.len; i++) {
		whole.p[i] ^= 0x21;
		fine += third_outcome(buf_view(&whole), &b, &issued);
		whole.p[i] ^= 0x21;
		buf_reset(&b);
	}
	ok(fine < whole.len && ERR_peek_error() == 0,
	    "a damaged one does no harm");
	buf_free(&b);
	buf_free(&whole);
}

int
main(void)
{
	struct buf garbage = { 0 }, b = { 0 };
	bool issued;

	ok(means(reply("0", NULL, NULL, NULL), "issued", true), "a success");
	ok(means(reply("3", NULL, NULL, NULL), "pending", false),
	    "one that is to come");
	ok(means(reply("2", "2", NULL, NULL), "refused: badRequest", false),
	    "a refusal has its reason");
	ok(means(reply("2", "2", "-2147024809", NULL),
	       "refused: badRequest (Microsoft: 0x80070057)", false),
	    "and Microsoft's, as Microsoft writes it elsewhere");
	ok(means(reply("2", "1", NULL, "wrong challenge"),
	       "refused: badMessageCheck: wrong challenge", false),
	    "and words, if there are any");
	ok(means(reply("2", "99", NULL, NULL), "refused: 99", false),
	    "a reason that nobody knows");
	ok(means(reply("2", NULL, NULL, "two\nlines"), "refused: no reason",
	       false),
	    "text that is no line is left out");
	buf_text(&garbage, "<html>");
	ok(!third_outcome(buf_view(&garbage), &b, &issued) && b.len == 0,
	    "a page is no reply");
	ok(!third_outcome(BYTES_NONE, &b, &issued), "nor is nothing");
	buf_free(&garbage);
	buf_free(&b);
	test_damage();
	return tap_done();
}
