/*
 * orgs.h - organizations in the store.
 */
#ifndef MDMFS_MODEL_ORGS_H
#define MDMFS_MODEL_ORGS_H

#include "engine/model/place.h"
#include "mdmfs/org.h"

/* A removed organization keeps its CA, devices and queues this long. */
#define ORG_KEPT (30 * 86400)

#define ORG_NAME_MAX  64
#define ORG_TOPIC_MAX 255

struct org {
	uint32_t number;
	char name[ORG_NAME_MAX + 1];
	uint64_t dir;       /* ino of orgs/ORG; stale while removed */
	int64_t removed_at; /* 0: it is there */
	uint32_t enrolled;  /* devices that are enrolled now */
	char topic[ORG_TOPIC_MAX + 1]; /* that they use; "": none yet */
};

/* ERR_NOT_FOUND; also finds removed ones: look at removed_at. */
enum err_code org_read(
    struct txn *t, uint32_t number, struct org *ret, struct err *err);
/* Only those that are there. */
enum err_code org_by_name(
    struct txn *t, const char *name, struct org *ret, struct err *err);
enum err_code org_store(struct txn *t, const struct org *o, struct err *err);
/* Record and name; what belongs to it is the caller's matter. */
enum err_code org_drop(struct txn *t, const struct org *o, struct err *err);
/* The value of an ORG record. */
enum err_code org_decode(
    struct bytes value, uint32_t number, struct org *ret, struct err *err);

/* The file of that name in orgs/ORG (org 0: system/), or below dir_name there
 * (NULL: directly).  ERR_NOT_FOUND. */
enum err_code org_file(struct txn *t, uint32_t org, const char *dir_name,
    const char *name, struct node *ret, struct err *err);
/* Whether the directory of that name there holds a node of that place; false
 * also where there is none. */
bool org_holds(struct txn *t, uint32_t org, const char *dir_name,
    const char *name, enum place place);
/* Its contents without white space around them, NUL-terminated, in ret (size
 * bytes).  ERR_NOT_FOUND: no such file. */
enum err_code org_setting(struct txn *t, uint32_t org, const char *dir_name,
    const char *name, char *ret, size_t size);

/* Rules for places: see place.c. */
enum err_code org_apply(struct txn *t, struct change *c, struct err *err);
enum err_code org_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err);

#endif
