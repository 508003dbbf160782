/* What to do with a request, for people. */
#include "engine/base/text.h"
#include "engine/model/orgs.h"
#include "engine/model/slot_priv.h"

#define PUSHCERT "https://identity.apple.com/pushcert"

/* "status/orgs/acme/" */
static void
put_place(struct txn *t, uint32_t org, struct buf *ret)
{
	struct org o;

	buf_text(ret, "status/");
	if (org == 0)
		buf_text(ret, "system/");
	else if (org_read(t, org, &o, NULL) == ERR_OK)
		buf_printf(ret, "orgs/%s/", o.name);
	else
		buf_printf(ret, "orgs/#%u/", org);
}

static void
put_path(struct txn *t, struct slot_id id, const char *ending, struct buf *ret)
{
	struct node dir;

	put_place(t, id.org, ret);
	buf_text(ret, slot_kind_of(id)->name);
	if (id.dir != 0 && node_get(t, id.dir, &dir, NULL) == ERR_OK) {
		buf_text(ret, ".d/");
		text_escape(ret, bytes_text(dir.name));
	}
	buf_text(ret, ending);
}

void
slot_request_path(struct txn *t, struct slot_id id, struct buf *ret)
{
	put_path(t, id, ".csr", ret);
}

/* "orgs/acme/apns/", where its answer goes */
static void
put_slot(struct txn *t, const struct slot_request *r, struct buf *ret)
{
	struct node dir;

	if (node_get(t, r->dir, &dir, NULL) == ERR_OK) {
		node_path(t, &dir, ret);
		buf_char(ret, '/');
	} else {
		buf_text(ret, "the slot");
	}
}

/* With which account, and to which certificate there. */
static enum err_code
put_portal(struct txn *t, const struct slot_request *r, struct buf *ret,
    struct err *err)
{
	char account[128];
	struct slot_facts facts;
	enum err_code rc = slot_facts(t, r->id, &facts, err);

	if (rc != ERR_OK)
		return rc;
	buf_text(ret, " at " PUSHCERT " with ");
	if (org_setting(t, r->id.org, "apns", "apple-account", account,
		sizeof(account)) == ERR_OK &&
	    account[0] != '\0')
		buf_printf(ret, "the Apple Account %s", account);
	else
		buf_text(ret,
		    "an Apple Account that the organization will still have "
		    "in a year, and note it in apns/apple-account");
	if (facts.version != 0)
		buf_printf(ret,
		    " (choose Renew beside the certificate with the topic %s, "
		    "never Create: with another topic enrolled devices fall "
		    "silent)",
		    facts.topic);
	return ERR_OK;
}

static enum err_code
put_push(struct txn *t, const struct slot_request *r, struct buf *ret,
    struct err *err)
{
	struct slot_facts vendor;
	enum err_code rc =
	    slot_facts(t, slot_of(0, SLOT_OF_VENDOR), &vendor, err);

	if (rc != ERR_OK)
		return rc;
	if (vendor.version != 0) {
		buf_text(ret, "upload ");
		put_path(t, r->id, ".push-request", ret);
		buf_text(ret, ", which system/vendor has signed,");
	} else {
		buf_text(ret, "have an MDM vendor sign ");
		slot_request_path(t, r->id, ret);
		buf_text(ret,
		    " (with a vendor certificate in system/vendor this server "
		    "does it), upload what the vendor gives back");
	}
	return put_portal(t, r, ret, err);
}

enum err_code
slot_request_advice(struct txn *t, const struct slot_request *r,
    struct buf *ret, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (slot_kind_of(r->id)->purpose == SLOT_TLS && r->der.len == 0) {
		buf_printf(ret,
		    "write %s, or the names that the certificate "
		    "shall have, one a line, into ",
		    r->id.org == 0 ? "system/url"
				   : "the organization's url or system/url");
		put_slot(t, r, ret);
		buf_text(ret, "names");
		return buf_error(ret, err);
	}
	switch (slot_kind_of(r->id)->purpose) {
	case SLOT_APNS:
		rc = put_push(t, r, ret, err);
		break;
	case SLOT_VENDOR:
		buf_text(ret, "upload ");
		slot_request_path(t, r->id, ret);
		buf_text(ret,
		    " at https://developer.apple.com/account (Certificates, "
		    "MDM CSR)");
		break;
	case SLOT_TLS:
	case SLOT_SIGNING:
		buf_text(ret, "have a certificate authority sign ");
		slot_request_path(t, r->id, ret);
		break;
	}
	if (rc != ERR_OK)
		return rc;
	buf_text(ret,
	    ", then copy the certificate that comes back (.pem, .cer, .p7b, "
	    "with its chain if there is one) into ");
	put_slot(t, r, ret);
	return buf_error(ret, err);
}
