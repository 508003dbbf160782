/*
 * authority.h - the CAs of organizations, ready for use.
 *
 * To unseal and parse a CA costs more than an answer; so they are kept, as
 * long as the store says that they are still the ones in effect.
 */
#ifndef MDMFS_SCEP_AUTHORITY_H
#define MDMFS_SCEP_AUTHORITY_H

#include "engine/model/orgs.h"
#include "engine/pki/identity.h"

struct authorities;

enum err_code authorities_new(
    struct engine *e, struct authorities **ret, struct err *err);
void authorities_free(struct authorities *a);

struct authority {
	uint32_t org;
	struct identity *ca; /* the caller's, until identity_free() */
};

/*
 * The organization of that name and its CA, made if it has none yet (0.2 s).
 * From any thread, outside of transactions.  ERR_NOT_FOUND: there is no such
 * organization, or it was removed.
 */
enum err_code authority_find(struct authorities *a, const char *name,
    struct authority *ret, struct err *err);

#endif
