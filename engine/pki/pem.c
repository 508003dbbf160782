#include "engine/pki/pem.h"

#include "engine/base/text.h"

static const char begin[] = "-----BEGIN ", end[] = "-----END ";

void
pem_put(struct buf *b, const char *label, struct bytes der)
{
	struct buf text = { 0 };
	size_t i;

	text_base64(&text, der);
	if (text.error != ERR_OK)
		b->error = text.error;
	buf_printf(b, "-----BEGIN %s-----\n", label);
	for (i = 0; i < text.len; i += 64) {
		buf_put(b, text.p + i, text.len - i < 64 ? text.len - i : 64);
		buf_char(b, '\n');
	}
	buf_printf(b, "-----END %s-----\n", label);
	buf_wipe(&text);
}

void
pem_open(struct pem_reader *r, struct bytes text)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	if (bytes_begin(text, bytes_of(bom, sizeof(bom)))) {
		text.p += sizeof(bom);
		text.len -= sizeof(bom);
	}
	r->rest = text;
	r->line = 0;
}

/* Whether line is "-----BEGIN label-----"; the label goes to ret. */
static bool
read_label(struct bytes line, const char *word, char ret[static 64])
{
	size_t len = strlen(word);

	line = text_trim(line);
	if (!bytes_begin(line, bytes_text(word)) || line.len < len + 5 ||
	    memcmp(line.p + line.len - 5, "-----", 5) != 0)
		return false;
	line = bytes_of(line.p + len, line.len - len - 5);
	if (line.len >= 64 || !text_is_clean(line))
		return false;
	memcpy(ret, line.p, line.len);
	ret[line.len] = '\0';
	return true;
}

/* Take lines with a colon, and what continues them, off the block's front
 * (RFC 1421 4.4). */
static void
split_headers(struct pem_block *b)
{
	struct bytes rest = b->base64, line;

	b->headers = bytes_of(rest.p, 0);
	while (text_line(&rest, &line)) {
		bool blank = text_trim(line).len == 0;

		if (!blank && b->headers.len == 0 &&
		    memchr(line.p, ':', line.len) == NULL)
			return;
		b->headers.len = (size_t)(rest.p - b->headers.p);
		b->base64 = rest;
		if (blank)
			return;
	}
}

enum err_code
pem_next(struct pem_reader *r, struct pem_block *ret, struct err *err)
{
	struct pem_block b = { 0 };
	struct bytes line;
	char label[64];

	for (;;) {
		if (!text_line(&r->rest, &line))
			return err_set(
			    err, ERR_NOT_FOUND, "no further PEM block");
		r->line++;
		if (read_label(line, begin, b.label))
			break;
	}
	b.line = r->line;
	b.base64 = bytes_of(r->rest.p, 0);
	for (;;) {
		const uint8_t *at = r->rest.p;

		if (!text_line(&r->rest, &line)) {
			*ret = b;
			return err_set(err, ERR_UNDECODABLE,
			    "the block \"%s\" that begins in line %zu has no "
			    "END line: the file is cut short",
			    b.label, b.line);
		}
		r->line++;
		if (read_label(line, begin, label) ||
		    (read_label(line, end, label) &&
			strcmp(label, b.label) != 0)) {
			*ret = b;
			return err_set(err, ERR_UNDECODABLE,
			    "line %zu: the block \"%s\" that begins in line "
			    "%zu has no END line of its own",
			    r->line, b.label, b.line);
		}
		if (read_label(line, end, label)) {
			b.base64.len = (size_t)(at - b.base64.p);
			break;
		}
	}
	split_headers(&b);
	*ret = b;
	return ERR_OK;
}

enum err_code
pem_decode(const struct pem_block *block, struct buf *ret, struct err *err)
{
	struct err why = { 0 };
	size_t before = ret->len;

	if (text_unbase64(block->base64, ret, &why) != ERR_OK)
		return err_set(err, ERR_UNDECODABLE,
		    "the block \"%s\" that begins in line %zu is damaged: %s",
		    block->label, block->line, why.msg);
	if (ret->error == ERR_OK && ret->len == before)
		return err_set(err, ERR_UNDECODABLE,
		    "the block \"%s\" that begins in line %zu is empty",
		    block->label, block->line);
	return buf_error(ret, err);
}
