/*
 * queue.h - the commands that wait for a device or user.
 *
 * A command waits as a QUEUE record (small) under a number that says its place
 * in the order: what is in commands/first/ goes before everything else, and
 * each of the two is in the order of writing.  Beside it are its file in
 * commands/ and the COMMAND plist that the device is sent; the answer removes
 * all three and becomes a file in results/.
 *
 * A command for many devices (mass.h) has one file and one plist for all, and
 * a QUEUE record for each device.
 */
#ifndef MDMFS_MODEL_QUEUE_H
#define MDMFS_MODEL_QUEUE_H

#include "engine/model/channels.h"
#include "engine/model/place.h"

#define QUEUE_UUID_MAX  255
#define QUEUE_TYPE_MAX  127
#define QUEUE_FOLLOWERS 100 /* that share one answer */

/* The order is one of these and a sequence number; records of older stores
 * have neither bit and go before all others. */
#define QUEUE_LANE_FIRST (UINT64_C(1) << 61)
#define QUEUE_LANE       (UINT64_C(1) << 62)
#define QUEUE_SEQ(order) ((order) & (QUEUE_LANE_FIRST - 1))

enum queue_state {
	QUEUE_WAITING = 1,
	QUEUE_SENT = 2,
	QUEUE_NOT_NOW = 3,
	QUEUE_MERGED = 4, /* shares the answer of another: into */
	QUEUE_SPOILT = 5, /* the device came for it, and it is made anew */
};

/* It cannot be sent as it is: it is made anew when the device comes. */
#define QUEUE_UNFIT 1

/* How a command ends. */
enum queue_end {
	QUEUE_CANCELLED,
	QUEUE_DONE,
	QUEUE_FAILED,
	QUEUE_EXPIRED,
	QUEUE_DROPPED, /* the device left, or enrolled anew */
};

struct queued {
	struct channel_id channel;
	uint64_t order;
	enum queue_state state;
	uint64_t command; /* COMMAND; not of a mass command */
	uint64_t ino;     /* of the file in commands/ */
	char uuid[QUEUE_UUID_MAX + 1];
	char type[QUEUE_TYPE_MAX + 1]; /* RequestType */
	int64_t since;                 /* when it was written */
	int64_t sent_at;               /* the last time; 0: never */
	uint64_t not_now_session;      /* see struct channel */
	uint32_t mass;                 /* mass.h; 0: it is the device's own */
	uint64_t hash;   /* of what it asks; 0: never merged (queue_hash()) */
	int64_t expires; /* seconds; 0: never */
	uint64_t into;   /* QUEUE_MERGED: the order of the other */
	uint32_t followers; /* that are merged into this one */
	int64_t fit_until;  /* seconds; 0: for ever; QUEUE_UNFIT */
	/* not stored: of queue_finish() */
	enum queue_end ending;
	const char *reason; /* why it failed; NULL: none */
};

/* ERR_NOT_FOUND */
enum err_code queue_get(struct txn *t, struct channel_id id, uint64_t order,
    struct queued *ret, struct err *err);
enum err_code queue_by_uuid(struct txn *t, struct channel_id id,
    const char *uuid, struct queued *ret, struct err *err);
/* n: a file in commands/, as it was before anything was done to it. */
enum err_code queue_by_file(struct txn *t, struct channel_id id,
    const struct node *n, struct queued *ret, struct err *err);
enum err_code queue_store(
    struct txn *t, const struct queued *q, struct err *err);

/*
 * Put a command at the end of the queue: q with channel, ino, uuid, type,
 * since, hash and expires filled in; plist is the whole envelope.  If first is
 * set, at the end of those that go before all others.  The file's node must be
 * there.  Changes c; store it afterwards.
 *
 * A hash that a waiting command has, too, merges q into that one, unless a
 * command that changes the device stands between them: q is then QUEUE_MERGED
 * and has the other's CommandUUID.
 * ERR_NOT_UNIQUE: that CommandUUID is waiting already.
 */
enum err_code queue_add(struct txn *t, struct channel *c, struct queued *q,
    bool first, struct bytes plist, struct err *err);

/* Put in a record for a mass command: its order is given. */
enum err_code queue_add_shared(
    struct txn *t, struct channel *c, struct queued *q, struct err *err);

typedef enum err_code queue_fn(
    void *arg, const struct queued *q, bool *stop, struct err *err);
enum err_code queue_each(struct txn *t, struct channel_id id, queue_fn *fn,
    void *arg, struct err *err);

/*
 * The next command to hand out in this session: the first that did not answer
 * NotNow in it.  It is marked as sent; the whole plist is appended to ret.
 * One that is not fit any more is passed over and marked as QUEUE_SPOILT, and
 * *spoilt is set: whoever can make it anew is to be told.
 * ERR_NOT_FOUND: nothing.
 */
enum err_code queue_take(struct txn *t, const struct channel *c, int64_t now,
    struct queued *q, struct buf *ret, bool *spoilt, struct err *err);

/* The device said NotNow. */
enum err_code queue_not_now(
    struct txn *t, const struct channel *c, struct queued *q, struct err *err);

/* A push was taken that was for everything up to that sequence number. */
enum err_code queue_pushed(
    struct txn *t, struct channel *c, uint64_t seq, struct err *err);

/* "queued", "pushed", "sent", "not-now" or "merged". */
const char *queue_word(const struct queued *q, const struct channel *c);

/* The command is over, as q->ending says: the record and the plist go,
 * c->waiting falls; the caller stores c.  The file in commands/ goes, too, if
 * drop_file.  Unless it was answered, one that was merged into it takes its
 * place. */
enum err_code queue_finish(struct txn *t, struct channel *c,
    const struct queued *q, bool drop_file, struct err *err);

/* One that was merged into q.  ERR_NOT_FOUND: no other. */
enum err_code queue_follower(
    struct txn *t, const struct queued *q, struct queued *ret, struct err *err);

/* Drop everything that waits; *n says how many.  The caller stores c. */
enum err_code queue_drop(
    struct txn *t, struct channel *c, uint32_t *n, struct err *err);

/* Of {RequestType, ...}: the same for the same keys in any order, never 0. */
struct pl;
uint64_t queue_hash(const struct pl *command);
/* Whether such a command only asks. */
bool queue_only_asks(const char *request_type);

/* Rules for places: see place.c. */
enum err_code command_judge(struct change *c, struct err *err);
enum err_code command_gather(struct txn *t, struct change *c, struct err *err);
enum err_code command_apply(struct txn *t, struct change *c, struct err *err);
enum err_code command_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
enum err_code command_may_remove(
    struct txn *t, const struct node *n, struct err *err);
void command_release(struct change *c);

#endif
