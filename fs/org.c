#include "mdmfs/org.h"

#include "fs/handlers.h"

struct listing {
	const struct at *at;
	tree_entry_fn *fn;
	void *arg;
};

static bool
list_one(void *arg, const struct org_view *org)
{
	const struct listing *l = arg;
	struct tree_entry entry = { .name = org->name,
		.at = *l->at,
		.cookie = org->number,
		.listed = true };

	entry.at.org = org->number;
	return l->fn(l->arg, &entry);
}

static enum err_code
list(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	if (after > UINT32_MAX)
		return ERR_OK;
	return org_list(at->engine, (uint32_t)after, list_one, &l, err);
}

static enum err_code
find(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	struct org_view org;
	enum err_code rc = org_find(at->engine, name, &org, err);

	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at, .cookie = org.number };
		ret->at.org = org.number;
	}
	return rc;
}

const struct tree_names org_names = { list, find };

enum err_code
org_apns_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_slot_page(at->engine, at->org, PLACE_APNS, b, err);
}

enum err_code
org_signing_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_slot_page(at->engine, at->org, PLACE_SIGNING, b, err);
}

enum err_code
org_tls_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_slot_page(at->engine, at->org, PLACE_TLS, b, err);
}

enum err_code
org_apns_csr_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_request_page(at->engine, at->org, PLACE_APNS, b, err);
}

enum err_code
org_signing_csr_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_request_page(at->engine, at->org, PLACE_SIGNING, b, err);
}

enum err_code
org_tls_csr_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_request_page(at->engine, at->org, PLACE_TLS, b, err);
}

enum err_code
org_vendor_csr_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_request_page(at->engine, 0, PLACE_VENDOR, b, err);
}

enum err_code
org_enroll_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_enroll_profile(at->engine, at->org, b, err);
}

enum err_code
org_ca_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_ca_page(at->engine, at->org, b, err);
}

enum err_code
org_scep_challenges_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_scep_challenges_page(at->engine, at->org, b, err);
}

enum err_code
org_anchor_certs_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_anchor_certs(at->engine, at->org, b, err);
}
