/*
 * ndes.h - challenges of Microsoft's NDES, out of its page for administrators
 * (.../certsrv/mscep_admin/).
 *
 * Each view of the page uses up one of a few passwords (5) that live for an
 * hour.  So they are fetched just in time, one after the other, and no more
 * than that at a time.
 */
#ifndef MDMFS_SCEP_NDES_H
#define MDMFS_SCEP_NDES_H

#include "engine/model/scep_settings.h"

#define NDES_OUTSTANDING   5 /* PasswordMax */
#define NDES_CHALLENGE_MAX 128
#define NDES_WAITING       3 /* for their turn, of the whole server */

/*
 * The challenge on the page: UTF-16 in either order, with or without a mark,
 * or UTF-8; appended to ret.  A secret.
 * ERR_REMOTE: the password cache is full.  ERR_DENIED: the user has no right
 * to enroll.  ERR_UNDECODABLE: the page is not understood.
 */
enum err_code ndes_parse(struct bytes page, struct buf *ret, struct err *err);

struct ndes;

/* NULL: out of memory.  e outlives it. */
struct ndes *ndes_new(struct engine *e);
void ndes_free(struct ndes *n);

/*
 * Fetch one for the profile that is known as id (third_party.h), and append
 * it.  Waits for its turn; up to a minute.  Any thread, outside of
 * transactions.  Every failure has a sentence with the HTTP status, if it came
 * that far.  ERR_CHANGED: NDES was not asked.
 */
enum err_code ndes_challenge(struct ndes *n, const struct scep_settings *s,
    const char *id, struct buf *ret, struct err *err);

/* The profile has its certificate: its password is not outstanding any more. */
void ndes_used(struct ndes *n, uint32_t org, const char *id);

#endif
