#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/scep/ndes.h"

#define PAGE_MAX 65536 /* characters that are looked at */

/* ---- into ASCII ---------------------------------------------------------- */

/* What is behind a byte-order mark, and how it is encoded. */
enum encoding { BYTES_AS_THEY_ARE, UTF16_LITTLE, UTF16_BIG };

static enum encoding
encoding_of(struct bytes *page)
{
	static const struct {
		uint8_t mark[3];
		size_t len;
		enum encoding is;
	} marks[] = { { { 0xff, 0xfe }, 2, UTF16_LITTLE },
		{ { 0xfe, 0xff }, 2, UTF16_BIG },
		{ { 0xef, 0xbb, 0xbf }, 3, BYTES_AS_THEY_ARE } };
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (page->len >= marks[i].len &&
		    memcmp(page->p, marks[i].mark, marks[i].len) == 0) {
			page->p += marks[i].len;
			page->len -= marks[i].len;
			return marks[i].is;
		}
	/* IIS sends none: the page begins with '<' or white space */
	if (page->len >= 2 && page->p[1] == 0)
		return UTF16_LITTLE;
	if (page->len >= 2 && page->p[0] == 0)
		return UTF16_BIG;
	return BYTES_AS_THEY_ARE;
}

/* Tags become one '<', other characters than those of ASCII that can be seen
 * '?', white space one blank; nothing else is looked for. */
static void
plain(struct bytes page, struct buf *b)
{
	enum encoding e = encoding_of(&page);
	size_t step = e == BYTES_AS_THEY_ARE ? 1 : 2, i;
	bool tag = false;
	char last = '\0';

	for (i = 0; i + step <= page.len && b->len < PAGE_MAX; i += step) {
		unsigned c =
		    e == UTF16_LITTLE ? page.p[i] | (unsigned)page.p[i + 1] << 8
		    : e == UTF16_BIG  ? (unsigned)page.p[i] << 8 | page.p[i + 1]
				      : page.p[i];
		char now = c > ' ' && c < 0x7f ? (char)c : '?';

		if (c == '<')
			tag = true;
		else if (tag && c != '>')
			continue;
		else if (c == '>')
			tag = false;
		if (c == '>' || (c != '<' && tag))
			continue;
		if ((c < 0x80 && isspace((int)c)) || c == 0xa0 || c == 0)
			now = ' ';
		if (now == ' ' && last == ' ')
			continue;
		buf_char(b, now);
		last = now;
	}
}

/* ---- what it says -------------------------------------------------------- */

/* Behind the text, without blanks and tags; NULL: it does not stand there. */
static const char *
behind(const char *page, const char *text)
{
	const char *p = strcasestr(page, text);

	if (p == NULL)
		return NULL;
	p += strlen(text);
	return p + strspn(p, " <:");
}

static size_t
hex_len(const char *p)
{
	return strspn(p, "0123456789ABCDEFabcdef");
}

/* Where the sentences are translated: the one run of 16 to 32 hexadecimal
 * digits that stands alone between tags (the thumbprint has blanks). */
static const char *
lone_hex(const char *page, size_t *len)
{
	const char *p = page, *found = NULL;

	while ((p = strchr(p, '<')) != NULL) {
		const char *word;
		size_t n;

		p++;
		word = p + strspn(p, " ");
		n = hex_len(word);
		if (n < 16 || n > 32 || word[n + strspn(word + n, " ")] != '<')
			continue;
		if (found != NULL)
			return NULL; /* which? */
		found = word;
		*len = n;
	}
	return found;
}

static enum err_code
read_page(const char *page, struct buf *ret, struct err *err)
{
	const char *p;
	size_t len;

	if (strcasestr(page, "password cache is full") != NULL)
		return err_set(err, ERR_REMOTE,
		    "NDES: the password cache is full: more challenges than it "
		    "allows (PasswordMax, 5) are not used yet; they end after "
		    "an hour, or when IIS is restarted there");
	if (strcasestr(page, "sufficient permission") != NULL)
		return err_set(err, ERR_DENIED,
		    "NDES: the user in scep/ndes-user has no permission to "
		    "enroll: give it Enroll on the certificate template that "
		    "NDES uses");
	p = behind(page, "enrollment challenge password is");
	len = p == NULL ? 0 : strcspn(p, " <");
	if (p == NULL)
		p = lone_hex(page, &len);
	if (p == NULL || len == 0 || len > NDES_CHALLENGE_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "NDES: the page is not understood: there is no challenge "
		    "password on it; scep/ndes-url must be the page of "
		    "certsrv/mscep_admin/, and EnforcePassword be set there");
	buf_put(ret, p, len);
	return buf_error(ret, err);
}

enum err_code
ndes_parse(struct bytes page, struct buf *ret, struct err *err)
{
	struct buf b = { 0 };
	enum err_code rc;

	plain(page, &b);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = read_page(buf_str(&b), ret, err);
	buf_wipe(&b);
	return rc;
}
