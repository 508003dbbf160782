/*
 * push_priv.h - between push.c (the thread), outbox.c and outbox_revive.c (the
 * transactions) and push_probe.c (tests of the push certificates).
 */
#ifndef MDMFS_PUSH_PUSH_PRIV_H
#define MDMFS_PUSH_PUSH_PRIV_H

#include "engine/model/channels.h"
#include "engine/model/probe.h"
#include "engine/push/apns.h"
#include "engine/push/push.h"

#define OUTBOX_BATCH 256 /* pushes in one transaction */
/* Seconds: */
#define OUTBOX_LEASE  INT64_C(120)  /* longer than any answer may take */
#define OUTBOX_BROKEN INT64_C(1800) /* until the same certificate is tried */

/* A push that is under way, and later its outcome. */
struct sending {
	struct sending *next;
	struct push *push;
	struct channel_id id;
	/* The wake is put off this far while the answer is awaited; if the
	 * process dies, it is tried again then. */
	int64_t lease;
	uint8_t token[32]; /* SHA-256 of the one it goes to */
	uint64_t newest;   /* command when it was leased */
	uint32_t org;
	uint64_t identity_version; /* of its certificate */
	struct apns_result result;
};

/* What the thread is to send. */
struct outgoing {
	struct channel_id id;
	int64_t lease;
	uint64_t newest;
	uint32_t org;
	uint64_t identity_version; /* 0: the organization has no certificate */
	struct push_token token;
};

struct batch {
	struct engine *engine;
	int64_t now;
	uint64_t newest;       /* command that is queued anywhere */
	uint64_t certificates; /* probe_changes() that were looked at */
	struct outgoing out[OUTBOX_BATCH];
	size_t n;
	int64_t next; /* when the next push is due; 0: none */
};

/* Before the first lease: what a process that died had leased is due now. */
enum err_code outbox_recover(struct engine *e, struct err *err);

/* What waits for a push certificate is due where there is another one now. */
enum err_code outbox_unhold(struct engine *e, struct err *err);
/* Whether the organization has a certificate that can be tried, and another one
 * than that of this version. */
enum err_code outbox_has_another(struct txn *t, uint32_t org, uint64_t version,
    int64_t now, bool *ret, struct err *err);

/* Lease what is due: a batch of at most OUTBOX_BATCH, behind
 * outbox_unhold() if certificates have changed. */
enum err_code outbox_lease(struct batch *b, struct err *err);

/* The number by which a token is told from the one that came after it. */
void outbox_token_hash(const struct push_token *token, uint8_t ret[static 32]);

/* Write down the outcomes of a list, a batch in a transaction. */
enum err_code outbox_settle(
    struct engine *e, const struct sending *list, struct err *err);

/* ---- tests of the push certificates ------------------------------------- */

#define PROBES_AT_ONCE 4
#define PROBES_BATCH   64

/* A test that is under way, and later its outcome. */
struct probing {
	struct probing *next;
	struct push *push;
	uint32_t org;
	uint64_t version;               /* of the identity */
	uint64_t wish;                  /* that it fulfils */
	struct apns_identity *identity; /* made for this test; NULL: kept */
	struct apns_result result;
};

/* Zeroed but engine: nothing known yet.  The push thread's own. */
struct prober {
	struct engine *engine;
	uint64_t wish, changes; /* when it looked last */
	bool news;
	int64_t next;       /* when to look again at the latest */
	int64_t not_before; /* the store did not take an outcome */
	struct probing due[PROBES_BATCH];
	size_t n, at;
	unsigned under_way;
};

/* The next test to begin; false: none now.  After true, prober_settle() must
 * get the outcome. */
bool prober_next(struct prober *r, int64_t now, struct probing *ret);
/* When prober_next() is to be asked again (seconds); 0: when woken. */
int64_t prober_due(const struct prober *r);
/* Write the outcomes down and free them. */
void prober_settle(struct prober *r, struct probing *list);

#endif
