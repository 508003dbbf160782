/*
 * queue.h - the commands that wait for a device or user.
 *
 * Numbers rise, so the order is the order of writing.  A command waits as a
 * QUEUE record (small) beside its file in commands/ and the COMMAND plist
 * that the device is sent; the answer removes all three and becomes a file in
 * results/.
 */
#ifndef MDMFS_MODEL_QUEUE_H
#define MDMFS_MODEL_QUEUE_H

#include "engine/model/channels.h"
#include "engine/model/place.h"

#define QUEUE_UUID_MAX 255
#define QUEUE_TYPE_MAX 127

enum queue_state {
	QUEUE_WAITING = 1,
	QUEUE_SENT = 2,
	QUEUE_NOT_NOW = 3,
};

struct queued {
	struct channel_id channel;
	uint64_t seq;
	enum queue_state state;
	uint64_t command; /* COMMAND */
	uint64_t ino;     /* of the file in commands/ */
	char uuid[QUEUE_UUID_MAX + 1];
	char type[QUEUE_TYPE_MAX + 1]; /* RequestType */
	int64_t since;                 /* when it was written */
	int64_t sent_at;               /* the last time; 0: never */
	uint64_t not_now_session;      /* see struct channel */
};

/* ERR_NOT_FOUND */
enum err_code queue_by_uuid(struct txn *t, struct channel_id id,
    const char *uuid, struct queued *ret, struct err *err);
enum err_code queue_by_file(struct txn *t, struct channel_id id, uint64_t ino,
    struct queued *ret, struct err *err);
/* Of QUEUE_ID, whose value is the sequence number. */
struct key queue_uuid_key(struct channel_id id, const char *uuid);
enum err_code queue_store(
    struct txn *t, const struct queued *q, struct err *err);

/*
 * Put a command at the end of the queue: q with channel, ino, uuid, type and
 * since filled in; plist is the whole envelope.  Changes c; store it
 * afterwards.  ERR_NOT_UNIQUE: that CommandUUID is waiting already.
 */
enum err_code queue_add(struct txn *t, struct channel *c, struct queued *q,
    struct bytes plist, struct err *err);

typedef enum err_code queue_fn(
    void *arg, const struct queued *q, bool *stop, struct err *err);
enum err_code queue_each(struct txn *t, struct channel_id id, queue_fn *fn,
    void *arg, struct err *err);

/*
 * The next command to hand out in this session: the first that did not answer
 * NotNow in it.  It is marked as sent; the whole plist is appended to ret.
 * ERR_NOT_FOUND: nothing.
 */
enum err_code queue_take(struct txn *t, const struct channel *c, int64_t now,
    struct queued *q, struct buf *ret, struct err *err);

/* The command is over: the record and the plist go, c->waiting falls; the
 * caller stores c.  The file in commands/ goes, too, if drop_file. */
enum err_code queue_finish(struct txn *t, struct channel *c,
    const struct queued *q, bool drop_file, struct err *err);

/* Drop everything that waits; *n says how many.  The caller stores c. */
enum err_code queue_drop(
    struct txn *t, struct channel *c, uint32_t *n, struct err *err);

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
