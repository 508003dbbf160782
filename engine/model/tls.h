/*
 * tls.h - the HTTPS identities: which are served, and to whom.
 *
 * system/tls, or one that the server makes for itself while that is empty, is
 * for everybody; system/tls/NAME and orgs/ORG/tls are for the names in their
 * certificates.  One that has ended gives way to any that has not; then an exact
 * name goes before one with a star, the system's identities before
 * organizations', those before each other by number.
 */
#ifndef MDMFS_MODEL_TLS_H
#define MDMFS_MODEL_TLS_H

#include "engine/model/settings.h"
#include "engine/model/slots.h"

struct tls_state {
	struct slot_facts facts; /* version 0: none yet */
	bool own;                /* made here: system/tls is empty */
};

/* The one for everybody. */
enum err_code tls_state(struct txn *t, struct tls_state *ret, struct err *err);
/* Its identity, the caller's; or its chain, without its key:
 * identity_ends_fini() it.  ERR_NOT_FOUND. */
enum err_code tls_identity(
    struct txn *t, struct identity **ret, struct err *err);
enum err_code tls_ends(
    struct txn *t, struct identity_ends *ret, struct err *err);

/* ---- all of them -------------------------------------------------------- */

/* Numbers that grow whenever an HTTPS identity, or the address in a url file,
 * may have changed. */
struct tls_change {
	uint64_t identities;
	uint64_t urls;
};
enum err_code tls_change(
    struct txn *t, struct tls_change *ret, struct err *err);

/* Called with every HTTPS identity of system/tls, system/tls/NAME and
 * orgs/ORG/tls, the system's first, then by organization. */
typedef enum err_code tls_fn(void *arg, struct txn *t, struct slot_id id,
    const struct slot_facts *facts, struct err *err);
enum err_code tls_each(struct txn *t, tls_fn *fn, void *arg, struct err *err);

/* facts->names does not hold all of the certificate's. */
bool tls_names_cut(const struct slot_facts *facts);

/* Called with the address of each organization that has one of its own. */
typedef enum err_code tls_url_fn(
    void *arg, uint32_t org, const struct system_url *url, struct err *err);
enum err_code tls_urls(
    struct txn *t, tls_url_fn *fn, void *arg, struct err *err);

/* "system/tls", "system/tls/NAME" or "orgs/ORG/tls", for people. */
void tls_path(struct txn *t, struct slot_id id, struct buf *ret);

/* The chains that a client gets who asks for one host. */
struct tls_choice {
	struct identity_ends chains[8]; /* until tls_choice_fini() */
	size_t n;
	bool covered; /* one of them carries that name */
};

/*
 * Those that devices of org are served (0: of any), beginning with the one
 * that goes first.  Several have different kinds of keys, or are for the same
 * name.  now is seconds since 1970 UTC.  tls_choose() takes the one for everybody if no name fits, or fails
 * with ERR_NOT_FOUND; tls_listed() finds none then.
 */
enum err_code tls_listed(struct txn *t, uint32_t org, const char *host,
    int64_t now, struct tls_choice *ret, struct err *err);
enum err_code tls_choose(struct txn *t, uint32_t org, const char *host,
    int64_t now, struct tls_choice *ret, struct err *err);
void tls_choice_fini(struct tls_choice *c);

/* ---- the self-made one -------------------------------------------------- */

#define TLS_OWN_MAX_NAMES 100 /* in one certificate */

/* What tls_ensure() has seen, so that it costs next to nothing while nothing
 * changes.  Zeroed: nothing yet. */
struct tls_watch {
	struct tls_change change;
	int64_t look_at; /* seconds: at the latest */
};

/*
 * Make sure that there is an identity: with nothing in system/tls, a root of
 * the server's own and a certificate for the host in system/url, and for those
 * in orgs/ORG/url that no other certificate covers, are made, and made again
 * when the hosts change or the end is near.  Not inside a transaction.
 */
enum err_code tls_ensure(
    struct engine *e, struct tls_watch *watch, struct err *err);

#endif
