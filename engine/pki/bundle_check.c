#include "engine/base/text.h"
#include "engine/pki/bundle_priv.h"
#include "engine/pki/der_priv.h"
#include "engine/pki/pem.h"

enum check_state {
	CHECK_START = 0,
	CHECK_DER,
	CHECK_BER, /* of indefinite length */
	CHECK_TEXT,
	CHECK_BLOCK, /* between BEGIN and END */
};

#define FOREIGN_LOOK 64 /* bytes that tell what a file is */

static enum err_code
start(struct bundle_check *c, struct bytes s, struct err *err)
{
	size_t header, content;

	if (s.len < 2)
		return ERR_OK;
	if (s.p[0] != DER_SEQUENCE) {
		c->state = CHECK_TEXT;
		return ERR_OK;
	}
	if (s.p[1] == 0x80) {
		c->state = CHECK_BER;
		return ERR_OK;
	}
	if (!der_header(s, &header, &content)) {
		if (s.len < 6)
			return ERR_OK;
		return err_set(
		    err, ERR_UNDECODABLE, "this is neither text (PEM) nor DER");
	}
	c->total = header + content;
	c->state = CHECK_DER;
	if (c->total > BUNDLE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "%zu bytes are too many for certificates and keys: at most "
		    "%u",
		    c->total, BUNDLE_MAX);
	return ERR_OK;
}

/* The block that begins at c->block is all there: judge it alone. */
static enum err_code
judge_block(struct bundle_check *c, struct bytes s, size_t end, size_t line,
    struct err *err)
{
	struct pem_reader r;
	struct pem_block block;
	struct opener none = { 0 };
	struct bundle *b = NULL;
	enum err_code rc;

	if ((rc = bundle_new(NULL, NULL, 0, &b, err)) != ERR_OK)
		return rc;
	pem_open(&r, bytes_of(s.p + c->block, end - c->block));
	r.line = line;
	rc = pem_next(&r, &block, err);
	if (rc == ERR_OK) /* without passwords: what is encrypted is fine */
		rc = bundle_read_block(b, &block, &none, err);
	bundle_free(b);
	if (rc == ERR_OK)
		c->whole = end;
	return rc;
}

static enum err_code
look_at_line(struct bundle_check *c, struct bytes s, struct bytes line,
    size_t begin, size_t end, struct err *err)
{
	struct pem_reader r;
	struct pem_block block = { 0 };
	bool begins = bytes_begin(text_trim(line), bytes_text("-----BEGIN "));
	bool ends = bytes_begin(text_trim(line), bytes_text("-----END "));

	if (memchr(line.p, '\0', line.len) != NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "this is neither text (PEM) nor DER: no certificate or key "
		    "looks like that");
	if (c->state == CHECK_BLOCK && (begins || ends)) {
		c->state = CHECK_TEXT;
		return judge_block(c, s, end, c->total, err);
	}
	if (!begins || c->state == CHECK_BLOCK)
		return ERR_OK;
	/* one line: the label is set although the block is not there yet */
	pem_open(&r, line);
	(void)!pem_next(&r, &block, NULL);
	if (block.label[0] == '\0')
		return ERR_OK; /* no BEGIN line after all */
	c->state = CHECK_BLOCK;
	c->block = begin;
	c->total = c->line; /* lines in front of it */
	return bundle_refuse_label(block.label, c->line + 1, err);
}

static enum err_code
look_at_text(struct bundle_check *c, struct bytes s, struct err *err)
{
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && c->seen < s.len) {
		struct bytes rest = bytes_of(s.p + c->seen, s.len - c->seen);
		struct bytes line;
		size_t begin = c->seen;

		if (memchr(rest.p, '\n', rest.len) == NULL)
			break; /* the line may go on */
		text_line(&rest, &line);
		if (begin == 0 && bytes_begin(line, bytes_text("\xef\xbb\xbf")))
			line = bytes_of(line.p + 3, line.len - 3);
		rc = look_at_line(c, s, line, begin, s.len - rest.len, err);
		c->seen = s.len - rest.len;
		c->line++;
	}
	return rc;
}

enum err_code
bundle_check_prefix(
    struct bundle_check *c, struct bytes so_far, struct err *err)
{
	enum err_code rc;

	if (so_far.len > BUNDLE_MAX)
		return err_set(err, ERR_TOO_BIG,
		    "more than %u bytes are too many for certificates and keys",
		    BUNDLE_MAX);
	if (c->seen < FOREIGN_LOOK) {
		struct bytes front = so_far;

		if (front.len > 16 * FOREIGN_LOOK)
			front.len = 16 * FOREIGN_LOOK;
		if ((rc = bundle_refuse_foreign(front, err)) != ERR_OK)
			return rc;
	}
	if (c->state == CHECK_START && (rc = start(c, so_far, err)) != ERR_OK)
		return rc;
	if (c->state == CHECK_TEXT || c->state == CHECK_BLOCK)
		return look_at_text(c, so_far, err);
	if (c->state == CHECK_DER) {
		c->seen = so_far.len;
		if (so_far.len > c->total)
			return err_set(err, ERR_UNDECODABLE,
			    "something else follows the document of %zu bytes: "
			    "one file, one document (PEM files may be joined, "
			    "DER files not)",
			    c->total);
		c->complete = so_far.len == c->total;
	}
	return ERR_OK;
}
