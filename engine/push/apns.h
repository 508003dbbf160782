/*
 * apns.h - Apple's push service: "come and ask", over HTTP/2.
 *
 * A client that knows neither store nor model.  One thread of its own does
 * all sending; every function here may be called from any thread.  A push is
 * answered exactly once, whatever happens to the network or to this process'
 * end of it.
 *
 * Apple: "Sending notification requests to APNs", "Handling notification
 * responses from APNs", "Sending MDM Commands to a Device".
 */
#ifndef MDMFS_PUSH_APNS_H
#define MDMFS_PUSH_APNS_H

#include <stddef.h>
#include <stdint.h>

#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define APNS_URL "https://api.push.apple.com"

struct apns;
struct apns_identity;

/*
 * Everything that can be waited for, in milliseconds; 0 means the default.
 */
struct apns_times {
	int64_t connect_ms; /* one address: TCP and TLS, 10,000 */
	int64_t stream_ms;  /* the answer to one push, 30,000 */
	int64_t queue_ms;   /* a place on a connection, 60,000 */
	/* A connection that says nothing is asked with a PING: after idle_ms
	 * (60,000; it also keeps NATs from forgetting it), or silence_ms
	 * (10,000) when answers are due.  It is dead answer_ms (10,000) later. */
	int64_t idle_ms;
	int64_t silence_ms;
	int64_t answer_ms;
	/* Between attempts to connect: first (1,000), doubled each time up to
	 * last (60,000), less up to half at random. */
	int64_t backoff_first_ms;
	int64_t backoff_last_ms;
	int64_t close_ms; /* what is under way when stopping, 5,000 */
};

struct apns_options {
	const char *url;        /* https://HOST[:PORT]; NULL: APNS_URL */
	const char *trust_file; /* PEM roots; NULL: the system's */
	unsigned connections;   /* at most, for each identity; 0: 2 */
	size_t waiting;         /* unanswered pushes at most; 0: 100,000 */
	struct apns_times times;
	/* Seconds since 1970 UTC; NULL: time(2).  Judges the service's
	 * certificate.  Called in the client's thread. */
	int64_t (*now)(void *arg);
	void *now_arg;
};

/*
 * Start the client's thread.  No connection is made before the first push.
 * The options are copied.  *ret is the caller's, until apns_close().
 * ERR_INVALID: url; ERR_NOT_FOUND, ERR_UNDECODABLE: trust_file;
 * ERR_INTERNAL, ERR_NO_MEMORY.
 */
enum err_code apns_open(
    const struct apns_options *options, struct apns **ret, struct err *err);

/*
 * A push certificate with its key, ready for TLS.
 *
 * key is PKCS#8 (or any private key OpenSSL reads), chain n_chain
 * certificates, the push certificate first, all DER and borrowed for the
 * call.  topic: the subject's UID (com.apple.mgmt...), copied.  *ret counts
 * one reference, the caller's.
 * ERR_UNDECODABLE; ERR_KEY_REJECTED: key and certificate are no pair or too
 * weak; ERR_INVALID: no certificate, or topic cannot be sent;
 * ERR_NO_MEMORY.
 */
enum err_code apns_identity_new(struct bytes key, const struct bytes *chain,
    size_t n_chain, const char *topic, struct apns_identity **ret,
    struct err *err);

/* Borrowed from id. */
const char *apns_identity_topic(const struct apns_identity *id);

/* One more reference; returns id. */
struct apns_identity *apns_identity_ref(struct apns_identity *id);

/* One reference less.  The client has its own while it needs id. */
void apns_identity_free(struct apns_identity *id);

/* What the caller has to do about it. */
enum apns_outcome {
	APNS_ACCEPTED = 0,    /* taken by Apple; says nothing of the device */
	APNS_BAD_TOKEN,       /* never again; wait for a TokenUpdate */
	APNS_WRONG_TOPIC,     /* the configuration is wrong, not the token */
	APNS_DEAD_TOKEN,      /* as BAD_TOKEN, unless a TokenUpdate came after
	                         dead_since */
	APNS_BAD_CERTIFICATE, /* stop everything of this topic, alarm */
	APNS_TRY_LATER,       /* back off, then send it again: pushing twice
	                         does no harm, Apple keeps the last one */
	APNS_OUR_FAULT,       /* this program's mistake; alarm, no retry */
};

/* "accepted", "bad-token", ...: for logs and metrics; static. */
const char *apns_outcome_name(enum apns_outcome outcome);

struct apns_result {
	enum apns_outcome outcome;
	int status;         /* HTTP's; 0: there was no answer */
	char reason[64];    /* Apple's word, printable ASCII; "" if none */
	char apns_id[40];   /* for talking with Apple's support; "" if none */
	int64_t dead_since; /* DEAD_TOKEN: seconds since 1970 UTC, else 0 */
	char text[160];     /* one line for people, UTF-8 */
};

/* Called in the client's thread; must not block.  r is borrowed for the
 * call.  May call apns_send(), not apns_close(). */
typedef void apns_done_fn(void *arg, const struct apns_result *r);

/* All borrowed for the call. */
struct apns_push {
	struct apns_identity *identity;
	const char *topic;  /* NULL: the identity's */
	struct bytes token; /* the decoded bytes, 1 to 256 */
	const char *magic;  /* PushMagic, UTF-8 */
	int64_t expiration; /* seconds since 1970 UTC Apple keeps it; 0: try
	                        once */
	void *arg;
};

/*
 * Queue a push.  After ERR_OK, done is called exactly once, also when the
 * client is closed; after an error, never.
 * ERR_INVALID: token, topic or magic cannot be sent; ERR_TOO_BIG: the body
 * would exceed Apple's 4,096 bytes; ERR_FULL: too many are waiting;
 * ERR_STANDBY: the client is stopping; ERR_NO_MEMORY.
 */
enum err_code apns_send(struct apns *apns, const struct apns_push *push,
    apns_done_fn *done, struct err *err);

/*
 * Find out whether the service takes this certificate: sends a push to a
 * token that cannot exist.  APNS_ACCEPTED: it does.  Anything else is what is
 * in the way; a failure to connect is reported at once instead of retried.
 * A connection is tried although the back-off between attempts is not over.
 * Errors as with apns_send().
 */
enum err_code apns_probe(struct apns *apns, struct apns_identity *id,
    apns_done_fn *done, void *arg, struct err *err);

/*
 * id was replaced or removed: finish what was sent with it, then close its
 * connections and drop the client's reference.  A push that is sent with it
 * nevertheless starts it anew.
 */
void apns_retire(struct apns *apns, struct apns_identity *id);

/* Pushes not yet answered. */
size_t apns_waiting(struct apns *apns);

/*
 * Take no more pushes.  Those without a connection are answered with
 * APNS_TRY_LATER, the others get close_ms to finish.  Returns at once.
 */
void apns_stop(struct apns *apns);

/* apns_stop(), wait until all are answered, free.  Not from a callback.
 * NULL does nothing. */
void apns_close(struct apns *apns);

#endif
