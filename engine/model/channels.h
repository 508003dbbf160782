/*
 * channels.h - the way to a device (user 0) or to one of its users: push
 * token, push state, where its queue stands.
 */
#ifndef MDMFS_MODEL_CHANNELS_H
#define MDMFS_MODEL_CHANNELS_H

#include "engine/model/devices.h"

struct channel_id {
	uint32_t device;
	uint32_t user; /* 0: the device channel */
};

struct channel {
	struct channel_id id;
	bool has_token;   /* a TokenUpdate came, and the token is not dead */
	int64_t token_at; /* when, in seconds */
	uint32_t waiting; /* commands in the queue */
	uint32_t results; /* answers that are kept */
	uint32_t shared;  /* commands in the queue that are for many: mass.h */
	uint64_t last_change; /* sequence number of the newest command that
			       * does more than ask */
	/* Raised by each Idle: a command that answered NotNow in this session
	 * is not offered again before the next one. */
	uint64_t session;
	bool last_was_not_now; /* then the device comes back by itself */
	int64_t push_due;      /* 0: no push is wanted */
	uint32_t push_tries;   /* in a row without success */
	/* The push waits for another push certificate than that (a
	 * slot_facts.version; 0: there was none), which did not take it. */
	bool push_held;
	uint64_t held_version;
	int64_t pushed_at;   /* the last push that Apple took */
	uint64_t pushed_seq; /* of the newest command that it was for */
	int64_t outcome_at;  /* of the last outcome, for people: */
	char outcome[160];
};

/* A zeroed record with its id if there is none yet. */
enum err_code channel_read(
    struct txn *t, struct channel_id id, struct channel *ret, struct err *err);
enum err_code channel_store(
    struct txn *t, const struct channel *c, struct err *err);
/* Record, token and pending push. */
enum err_code channel_drop(
    struct txn *t, struct channel_id id, struct err *err);

struct push_token {
	uint8_t token[256];
	size_t len;
	char magic[256];
	char topic[256];
};

/* Sealed.  channel_put_token() also sets c's fields; store c afterwards. */
enum err_code channel_put_token(struct txn *t, struct channel *c,
    const struct push_token *token, int64_t now, struct err *err);
enum err_code channel_get_token(struct txn *t, struct channel_id id,
    struct push_token *ret, struct err *err);

/*
 * Want a push at the time due (seconds): a record of the outbox, drained by
 * push/ after the commit.  An earlier wish stays.  Changes c; store it
 * afterwards.  Without a token nothing is wanted.
 */
enum err_code channel_wake(
    struct txn *t, struct channel *c, int64_t due, struct err *err);
/* No push is wanted any more. */
enum err_code channel_calm(struct txn *t, struct channel *c, struct err *err);

/* Pushes that are due until now, the oldest first, at most max; *next is when
 * the next one is due (0: none). */
enum err_code channels_due(struct txn *t, int64_t now, struct channel_id *ret,
    size_t max, size_t *n, int64_t *next, struct err *err);

#endif
