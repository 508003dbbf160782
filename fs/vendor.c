#include "mdmfs/vendor.h"

#include <stdio.h>
#include <string.h>

#include "mdmfs/org.h"

#include "fs/handlers.h"

static const char ending[] = ".push-request";

struct listing {
	const struct at *at;
	tree_entry_fn *fn;
	void *arg;
};

static bool
list_one(void *arg, const char *stem, uint32_t number)
{
	const struct listing *l = arg;
	struct tree_entry entry = { .at = *l->at, .cookie = number };
	char name[512];

	snprintf(name, sizeof(name), "%s%s", stem, ending);
	entry.name = name;
	entry.at.number = number;
	return l->fn(l->arg, &entry);
}

static bool
take_first(void *arg, const char *stem, uint32_t number)
{
	(void)stem;
	*(uint32_t *)arg = number;
	return false;
}

/* Whether they can be signed: if one can, all can. */
static bool
are_ready(struct engine *e)
{
	struct buf b = { 0 };
	uint32_t first = 0;
	bool ready =
	    vendor_request_list(e, 0, take_first, &first, NULL) == ERR_OK &&
	    first != 0 && vendor_request_page(e, first, &b, NULL) == ERR_OK;

	buf_free(&b);
	return ready;
}

static enum err_code
list(const struct at *at, uint64_t after, tree_entry_fn *fn, void *arg,
    struct err *err)
{
	struct listing l = { at, fn, arg };

	/* one that cannot be made says why when it is opened by name */
	if (after >= UINT32_MAX || !are_ready(at->engine))
		return ERR_OK;
	return vendor_request_list(
	    at->engine, (uint32_t)after, list_one, &l, err);
}

/* Of the names in the directory, those that are data have the ending. */
static enum err_code
find(const struct at *at, const char *name, struct tree_entry *ret,
    struct err *err)
{
	size_t len = strlen(name), end = strlen(ending);
	uint32_t number = 0;
	enum err_code rc = ERR_OK;
	char stem[256];

	if (len > end && len - end < sizeof(stem) &&
	    strcmp(name + len - end, ending) == 0) {
		memcpy(stem, name, len - end);
		stem[len - end] = '\0';
		rc = vendor_request_find(at->engine, stem, &number, err);
	}
	if (rc == ERR_OK) {
		*ret = (struct tree_entry){ .at = *at, .cookie = number };
		ret->at.number = number;
	}
	return rc;
}

const struct tree_names vendor_names = { list, find };

enum err_code
vendor_identity_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_slot_page(at->engine, 0, PLACE_VENDOR, b, err);
}

enum err_code
vendor_signed_read(const struct at *at, struct buf *b, struct err *err)
{
	return vendor_request_page(at->engine, at->number, b, err);
}

enum err_code
org_push_request_read(const struct at *at, struct buf *b, struct err *err)
{
	return vendor_push_request(at->engine, at->org, b, err);
}

enum err_code
org_mdmcert_request_read(const struct at *at, struct buf *b, struct err *err)
{
	return vendor_mdmcert_request(at->engine, at->org, b, err);
}
