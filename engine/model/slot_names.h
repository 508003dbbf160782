/*
 * slot_names.h - the names that a request for a TLS certificate carries.
 */
#ifndef MDMFS_MODEL_SLOT_NAMES_H
#define MDMFS_MODEL_SLOT_NAMES_H

#include "engine/model/place.h"
#include "engine/pki/san.h"

#define SLOT_NAMES_MAX 100

/* Zeroed: none. */
struct slot_names {
	char *text; /* what v points into */
	struct san v[SLOT_NAMES_MAX];
	size_t n;
};

/*
 * Names from a text: one a line, or with commas or spaces between them; lines
 * that begin with # are left out.  In lower case, each one once.  DNS names,
 * also with "*." in front, and IP addresses.  None at all is fine.
 * ERR_INVALID names the first that is none.
 */
enum err_code slot_names_parse(
    struct bytes text, struct slot_names *ret, struct err *err);
void slot_names_fini(struct slot_names *names);

/* Append "a.example, b.example". */
void slot_names_text(const struct slot_names *names, struct buf *ret);

/*
 * What the request of the organization's TLS slot (0: the system's) in the
 * directory dir shall carry: the file names there, else the host of the url.
 * None: n is 0.
 */
enum err_code slot_names_read(struct txn *t, uint32_t org, uint64_t dir,
    struct slot_names *ret, struct err *err);

/* Rules for places: see place.c.  What they change, slot_request.h makes
 * again. */
enum err_code slot_names_judge(struct change *c, struct err *err);

#endif
