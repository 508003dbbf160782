/*
 * queue_priv.h - the keys of a queue, within the model.
 */
#ifndef MDMFS_MODEL_QUEUE_PRIV_H
#define MDMFS_MODEL_QUEUE_PRIV_H

#include "engine/model/queue.h"

static inline struct key
queue_prefix(enum kind kind, struct channel_id id)
{
	struct key k = key_of(kind);

	key_u32(&k, id.device);
	key_u32(&k, id.user);
	return k;
}

/* Of QUEUE, and of QUEUE_SAME with a hash. */
static inline struct key
queue_key(enum kind kind, struct channel_id id, uint64_t order)
{
	struct key k = queue_prefix(kind, id);

	key_u64(&k, order);
	return k;
}

/* Of QUEUE_ID, whose value is the order. */
static inline struct key
queue_uuid_key(struct channel_id id, const char *uuid)
{
	struct key k = queue_prefix(KIND_QUEUE_ID, id);

	key_bytes(&k, bytes_text(uuid));
	return k;
}

/* Of QUEUE_END. */
static inline struct key
queue_end_key(int64_t end, struct channel_id id, uint64_t order)
{
	struct key k = key_of(KIND_QUEUE_END);

	key_u64(&k, (uint64_t)end);
	key_u32(&k, id.device);
	key_u32(&k, id.user);
	key_u64(&k, order);
	return k;
}

/* Of COMMAND. */
static inline struct key
queue_command_key(uint64_t command)
{
	struct key k = key_of(KIND_COMMAND);

	key_u64(&k, command);
	return k;
}

#endif
