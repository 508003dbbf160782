/*
 * tls_priv.h - what was found to be in effect, between tls_look.c (which finds
 * it) and tls.c (which hands it to the server).
 */
#ifndef MDMFS_ENGINE_TLS_PRIV_H
#define MDMFS_ENGINE_TLS_PRIV_H

#include <string.h>

#include "engine/model/tls.h"
#include "engine/tls.h"

/* One identity. */
struct one {
	struct slot_id id;
	uint64_t version;
	bool broken; /* it was told in an event */
	bool ended;
	bool given; /* the server has it */
	char **names;
	size_t n_names;
	const struct one *old;  /* the same one as before: with its names */
	struct identity *fresh; /* until the server has it */
};

/* The host of a url file, or a name in a certificate of the system, and whose it
 * is (0: the system's). */
struct host {
	char *name;
	uint32_t org;
};

/* ".example.com" of "mdm.example.com"; "" if it is one label. */
static inline const char *
host_parent(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL ? "" : dot;
}

struct tls_served {
	struct tls_change change;
	struct one *list; /* in the order of tls_each() */
	size_t n, room;
	struct host *hosts;            /* by name, then organization */
	const struct host **by_parent; /* the same, by what follows the label */
	size_t n_hosts, hosts_room;
	size_t beyond;    /* those that found no room */
	int64_t next_end; /* the last second of the next one to end; 0: none */
};

/*
 * Find what is in effect now.  *changed is false, and next empty, if that is
 * what old holds; next borrows from old until served_replace().
 */
enum err_code served_look(struct engine *e, const struct tls_served *old,
    struct tls_served *next, bool *changed, struct err *err);
/* next becomes old, and is empty then. */
void served_replace(struct tls_served *old, struct tls_served *next);
void served_reset(struct tls_served *s);

#endif
