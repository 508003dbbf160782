/*
 * mass.h - commands for many devices: orgs/ORG/commands/NAME and
 * orgs/ORG/groups/GROUP/commands/NAME.
 *
 * MASS is the command: stored once, with its plist (COMMAND) and its file.
 * Each device has a small QUEUE record and an entry in MASS_DEVICE; its file
 * in devices/UDID/commands/ is not stored, but made of the two
 * (mass_node.h).  The CommandUUID of each device follows from the numbers of
 * both.  Counts move with each change of a device's record, so that the page
 * of progress needs no scan.
 *
 * The first devices are queued with the file, the rest in slices behind it
 * (mass_run()), so that nobody waits for a million of them; all of them in
 * slices while members of the group are still to be found (group_settle.h).
 * Who joins the group later does not get old commands.
 */
#ifndef MDMFS_MODEL_MASS_H
#define MDMFS_MODEL_MASS_H

#include "engine/model/queue.h"

#define MASS_SLICE  1000 /* devices in one transaction */
#define MASS_ROUND  20   /* slices before the others in the house have a turn */
#define MASS_PUSHES 200  /* a second, of all mass commands together */
#define MASS_NOTES  100  /* of one command: who failed, and why */
#define MASS_KEPT   100  /* finished ones of an organization: their pages */

/* What is counted of the devices: where the command stands. */
enum mass_count {
	MASS_LEFT, /* not yet queued: the slices have not come so far */
	MASS_QUEUED,
	MASS_PUSHED,
	MASS_SENT,
	MASS_NOT_NOW,
	MASS_DONE,
	MASS_FAILED,
	MASS_SKIPPED, /* cannot take it */
	MASS_CANCELLED,
	MASS_EXPIRED,
	MASS_DROPPED, /* the device left, or enrolled anew */
	MASS_COUNTS,
};

struct mass {
	uint32_t number; /* from 1, below 2^27; never used twice */
	uint32_t org;
	uint64_t group; /* the directory's number; 0: the whole organization */
	uint64_t file;  /* its number; the file goes when all is over */
	char name[NODE_NAME_MAX + 1];
	char type[QUEUE_TYPE_MAX + 1];
	int64_t since;
	uint64_t order; /* in every queue */
	int64_t expires;
	int64_t ended_at; /* 0: it goes on */
	bool fanning;     /* slices are to come */
	bool stopping;    /* cancelled or expired: what was not sent goes */
	enum queue_end stopped_as;
	uint32_t after; /* the device that slices have reached */
	uint32_t members;
	uint32_t notes;
	uint32_t n[MASS_COUNTS];
};

/* ERR_NOT_FOUND */
enum err_code mass_read(
    struct txn *t, uint32_t number, struct mass *ret, struct err *err);
enum err_code mass_store(struct txn *t, const struct mass *m, struct err *err);
/* The newest of that name; group 0: of the organization. */
enum err_code mass_find(struct txn *t, uint32_t org, uint64_t group,
    const char *name, struct mass *ret, struct err *err);

/* Number a new one (m with all but number and order) and store it with the
 * plist, whose CommandUUID is mass_uuid() with device 0. */
enum err_code mass_create(struct txn *t, struct mass *m, struct err *err);
enum err_code mass_put_plist(
    struct txn *t, const struct mass *m, struct bytes plist, struct err *err);
/* As a device is sent it; appends. */
enum err_code mass_plist(struct txn *t, uint32_t number, const char *uuid,
    struct buf *ret, struct err *err);

/* The CommandUUID of one device, and the number of the command in it (false:
 * it is none of these). */
void mass_uuid(uint32_t mass, uint32_t device, int64_t since, char *ret);
bool mass_of_uuid(const char *uuid, uint32_t device, uint32_t *mass);

/* Its place in the device's queue.  ERR_NOT_FOUND: it does not wait there. */
enum err_code mass_order(
    struct txn *t, uint32_t mass, uint32_t device, uint64_t *order);
enum err_code mass_put_device(
    struct txn *t, const struct mass *m, uint32_t device, struct err *err);

/* Whether it is still to be handed out. */
bool mass_goes_on(struct txn *t, uint32_t mass, int64_t now);

/* A device went from one count to another. */
enum err_code mass_moved(struct txn *t, uint32_t mass, enum mass_count from,
    enum mass_count to, struct err *err);
/* A device's record left its queue, as q->ending and q->reason say. */
enum err_code mass_left(struct txn *t, const struct queued *q,
    enum mass_count from, struct err *err);
/* Remember why it did not end well there, for the page; changes m. */
enum err_code mass_note(struct txn *t, struct mass *m, uint32_t device,
    enum mass_count what, const char *reason, struct err *err);

/* Nobody else is sent it: what waits goes in slices, and its state is the
 * ending's.  Changes and stores m. */
enum err_code mass_stop(
    struct txn *t, struct mass *m, enum queue_end as, struct err *err);
/* Something is to be done about it: mass_run() comes by. */
enum err_code mass_open(struct txn *t, uint32_t mass, struct err *err);

/* One slice more of those that m is for; changes m, the caller stores it. */
enum err_code mass_fan_out(
    struct txn *t, struct engine *e, struct mass *m, struct err *err);
/* No slices yet: they go through the members in the order of their numbers, so
 * all of them must have been found. */
bool mass_waits(struct txn *t, const struct mass *m);
/* How many devices a new one would be for. */
enum err_code mass_members(struct txn *t, uint32_t org, uint64_t group,
    uint32_t *ret, struct err *err);
typedef enum err_code mass_device_fn(
    void *arg, const struct device *d, bool *stop, struct err *err);
/* The enrolled ones with a number above after. */
enum err_code mass_each_device(struct txn *t, const struct mass *m,
    mass_device_fn *fn, void *arg, struct err *err);

/* MASS_ROUND slices of what is to be done; not inside of a transaction.  *next
 * is 0, or now if more are left. */
enum err_code mass_run(struct engine *e, int64_t *next, struct err *err);

/* Record, plist, names and notes; its devices' records must be gone. */
enum err_code mass_drop(struct txn *t, struct mass *m, struct err *err);
/* All of a removed organization, whose devices are gone. */
enum err_code mass_drop_org(struct txn *t, uint32_t org, struct err *err);

/* The number of the file that a device's directory shows: bit 59, 27 bits of
 * the command, 32 of the device. */
#define MASS_INO_BIT (UINT64_C(1) << 59)
static inline uint64_t
mass_ino(uint32_t mass, uint32_t device)
{
	return MASS_INO_BIT | (uint64_t)mass << 32 | device;
}
static inline bool
mass_is_ino(uint64_t ino)
{
	return ino >> 63 == 0 && (ino & MASS_INO_BIT) != 0;
}
static inline uint32_t
mass_of_ino(uint64_t ino)
{
	return (uint32_t)(ino >> 32) & 0x7ffffff;
}

/* For node.c: the nodes of those files.  ERR_NOT_FOUND without a message. */
enum err_code mass_node(struct txn *t, uint64_t ino, struct node *ret);
enum err_code mass_node_find(
    struct txn *t, uint64_t parent, const char *name, struct node *ret);
enum err_code mass_node_each(struct txn *t, uint64_t parent, uint64_t after,
    node_fn *fn, void *arg, struct err *err);
enum err_code mass_node_content(
    struct txn *t, const struct node *n, struct buf *ret, struct err *err);

/* Rules for places: see place.c. */
enum err_code mass_command_gather(
    struct txn *t, struct change *c, struct err *err);
enum err_code mass_command_judge(struct change *c, struct err *err);
enum err_code mass_command_apply(
    struct txn *t, struct change *c, struct err *err);
enum err_code mass_command_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);
void mass_command_release(struct change *c);

#endif
