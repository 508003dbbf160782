/* mdmcert.download: the account there, and what its signrequest takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/events.h"
#include "engine/model/vendor_priv.h"
#include "engine/pki/ca.h"
#include "engine/pki/pem.h"

/* ---- orgs/ORG/apns/mdmcert ---------------------------------------------- */

struct account {
	char email[256];
	char key[256]; /* a secret */
};

static enum err_code
set_word(char ret[static 256], struct bytes value, const char *name,
    size_t line, struct err *err)
{
	size_t i;

	if (ret[0] != '\0')
		return err_set(
		    err, ERR_INVALID, "line %zu: %s stands twice", line, name);
	if (value.len == 0 || value.len > 255)
		return err_set(err, ERR_INVALID,
		    "line %zu: %s has 1 to 255 characters", line, name);
	for (i = 0; i < value.len; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f ||
		    value.p[i] == '"' || value.p[i] == '\\')
			return err_set(err, ERR_INVALID,
			    "line %zu: %s is one word of ASCII without quotes "
			    "and backslashes",
			    line, name);
	memcpy(ret, value.p, value.len);
	ret[value.len] = '\0';
	return ERR_OK;
}

static enum err_code
check_email(const char *email, size_t line, struct err *err)
{
	const char *at = strchr(email, '@');

	if (at == NULL || at == email || at[1] == '\0' ||
	    strchr(at + 1, '@') != NULL)
		return err_set(err, ERR_INVALID,
		    "line %zu: email is the address that was registered at "
		    "mdmcert.download, name@example.com",
		    line);
	return ERR_OK;
}

static enum err_code
account_line(
    struct account *a, struct bytes line, size_t number, struct err *err)
{
	const uint8_t *colon;
	struct bytes name, value;
	enum err_code rc;

	line = text_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return ERR_OK;
	colon = memchr(line.p, ':', line.len);
	name = text_trim(bytes_of(
	    line.p, colon == NULL ? line.len : (size_t)(colon - line.p)));
	value = colon == NULL ? BYTES_NONE
	                      : text_trim(bytes_of(colon + 1,
				    line.len - (size_t)(colon + 1 - line.p)));
	if (bytes_equal(name, bytes_text("key")))
		return set_word(a->key, value, "key", number, err);
	if (!bytes_equal(name, bytes_text("email")))
		return err_set(err, ERR_INVALID,
		    "line %zu: \"email: ADDRESS\" and \"key: SERVICEKEY\" "
		    "stand here, nothing else",
		    number);
	rc = set_word(a->email, value, "email", number, err);
	return rc == ERR_OK ? check_email(a->email, number, err) : rc;
}

static enum err_code
account_lines(struct account *a, struct bytes rest, struct err *err)
{
	struct bytes line;
	enum err_code rc = ERR_OK;
	size_t n = 0;

	while (rc == ERR_OK && text_line(&rest, &line))
		rc = account_line(a, line, ++n, err);
	return rc;
}

/* Wipe ret. */
static enum err_code
account_parse(struct bytes file, struct account *ret, struct err *err)
{
	enum err_code rc = account_lines(ret, file, err);

	if (rc == ERR_OK && ret->email[0] == '\0')
		rc = err_set(err, ERR_INVALID,
		    "a line \"email: ADDRESS\" is missing: the address that "
		    "was registered at https://mdmcert.download/registration");
	if (rc == ERR_OK && ret->key[0] == '\0')
		rc = err_set(err, ERR_INVALID,
		    "a line \"key: SERVICEKEY\" is missing: the key that the "
		    "service gives to client programs; mdmfs has none of its "
		    "own");
	return rc;
}

enum err_code
mdmcert_judge(struct change *c, struct err *err)
{
	struct account a = { .email = "" };
	enum err_code rc = account_parse(c->w->bytes, &a, err);

	explicit_bzero(&a, sizeof(a));
	return rc;
}

enum err_code
mdmcert_judge_lines(struct bytes lines, struct err *err)
{
	struct account a = { .email = "" };
	enum err_code rc = account_lines(&a, lines, err);

	explicit_bzero(&a, sizeof(a));
	return rc;
}

/* ---- the request -------------------------------------------------------- */

struct wish {
	struct engine *engine;
	uint32_t org;
	struct pending pending;
	struct buf account;
	struct identity *id; /* for the answer */
	struct identity *made;
};

static enum err_code
wish_txn(struct txn *t, void *arg, struct err *err)
{
	struct wish *w = arg;
	struct node n;
	enum err_code rc = org_file(t, w->org, "apns", "mdmcert", &n, err);

	pending_fini(&w->pending);
	identity_free(w->id);
	w->id = NULL;
	buf_wipe(&w->account);
	w->account = (struct buf){ 0 };
	if (rc != ERR_OK ||
	    (rc = node_get_content(t, &n, &w->account, err)) != ERR_OK ||
	    (rc = pending_read(t, w->org, &w->pending, err)) != ERR_OK)
		return rc;
	return vendor_identity(t, w->org, SLOT_OF_MDMCERT, &w->id, err);
}

/* Keep the one that was made, unless another reader was faster. */
static enum err_code
keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct wish *w = arg;
	enum err_code rc;

	identity_free(w->id);
	w->id = NULL;
	rc = vendor_identity(t, w->org, SLOT_OF_MDMCERT, &w->id, err);
	if (rc != ERR_OK || w->id != NULL)
		return rc;
	rc = slot_install(t, slot_of(w->org, SLOT_OF_MDMCERT), w->made, err);
	if (rc == ERR_OK)
		rc = event_record(t, w->engine, w->org, err,
		    "apns: organization %s has a key for the answers of "
		    "mdmcert.download: serial %s",
		    w->pending.org.name, cert_serial(identity_leaf(w->made)));
	if (rc == ERR_OK)
		w->id = identity_ref(w->made);
	return rc;
}

static enum err_code
make_identity(struct wish *w, struct err *err)
{
	char name[ORG_NAME_MAX + 32];
	enum err_code rc;

	/* RFC 5280: 64 characters of common name at most */
	snprintf(name, sizeof(name), "%.*s mdmcert.download",
	    text_fit(bytes_text(w->pending.org.name), 44), w->pending.org.name);
	rc = ca_create(name, engine_now(w->engine), &w->made, err);
	if (rc == ERR_OK)
		rc = store_update(w->engine->store, keep_txn, w, err);
	return rc;
}

/* "name": "base64 of pem", which the service decodes twice. */
static void
put_pem(struct buf *b, const char *name, struct buf *pem)
{
	if (pem->error != ERR_OK)
		b->error = pem->error;
	buf_printf(b, "\"%s\": \"", name);
	text_base64(b, buf_view(pem));
	buf_char(b, '"');
	buf_free(pem);
}

/* No text needs to be escaped: see set_word(). */
static enum err_code
put_json(const struct wish *w, const struct account *a, struct buf *b,
    struct err *err)
{
	struct buf csr = { 0 }, cert = { 0 };

	pem_put(&csr, "CERTIFICATE REQUEST", csr_der(w->pending.csr));
	cert_pem(identity_leaf(w->id), &cert);
	buf_text(b, "{");
	put_pem(b, "csr", &csr);
	buf_printf(
	    b, ", \"email\": \"%s\", \"key\": \"%s\", ", a->email, a->key);
	put_pem(b, "encrypt", &cert);
	buf_text(b, "}\n");
	return buf_error(b, err);
}

enum err_code
vendor_mdmcert_request(
    struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct wish w = { .engine = e, .org = org };
	struct account a = { .email = "" };
	enum err_code rc = store_view(e->store, wish_txn, &w, err);

	if (rc == ERR_OK)
		rc = pending_check(&w.pending, err);
	if (rc == ERR_OK)
		rc = account_parse(buf_view(&w.account), &a, err);
	if (rc == ERR_OK && w.id == NULL)
		rc = make_identity(&w, err);
	if (rc == ERR_OK)
		rc = put_json(&w, &a, b, err);
	explicit_bzero(&a, sizeof(a));
	pending_fini(&w.pending);
	identity_free(w.id);
	identity_free(w.made);
	buf_wipe(&w.account);
	return rc;
}
