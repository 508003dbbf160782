/*
 * world.h - the state of an installation, made by hand.
 */
#ifndef MDMFS_TESTS_PORTAL_WORLD_H
#define MDMFS_TESTS_PORTAL_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "engine/portal/certificates.h"

#define WORLD_NOW INT64_C(1795628460) /* 2026-11-25 17:41 UTC */
#define DAY       INT64_C(86400)

/* One that is valid from that many days ago for that many days from now on. */
static inline struct health_cert
world_cert(enum health_role role, uint32_t org, const char *whose, int64_t ago,
    int64_t left)
{
	return (struct health_cert){ .role = role,
		.slot = { .org = org },
		.whose = whose,
		.path = "",
		.present = true,
		.facts = { .version = 1,
		    .begins = WORLD_NOW - ago * DAY,
		    .expires = WORLD_NOW + left * DAY + 60,
		    .topic = "",
		    .subject = "CN=subject",
		    .serial = "0A1B2C",
		    .issuer = "CN=issuer",
		    .missing = "",
		    .root = "",
		    .names = "" },
		.ends = WORLD_NOW + left * DAY + 60,
		.says = "",
		.todo = "" };
}

static inline struct health_cert
world_missing(enum health_role role, uint32_t org, const char *whose)
{
	struct health_cert c = world_cert(role, org, whose, 0, 0);

	c.present = false;
	c.facts = (struct health_facts){ .topic = "",
		.subject = "",
		.serial = "",
		.issuer = "",
		.missing = "",
		.root = "",
		.names = "" };
	c.ends = 0;
	return c;
}

/* How many times needle stands in s. */
static inline size_t
count(const char *s, const char *needle)
{
	size_t n = 0;

	for (s = strstr(s, needle); s != NULL; s = strstr(s + 1, needle))
		n++;
	return n;
}

#endif
