/*
 * admission.h - the gate of an organization, for the tests of who may enroll.
 */
#ifndef MDMFS_TESTS_MODEL_ADMISSION_H
#define MDMFS_TESTS_MODEL_ADMISSION_H

#include "engine/model/admission.h"
#include "tests/model/rules.h"

#define DAY INT64_C(86400)

static uint32_t acme, umbrella;
static uint64_t enrollment;

static inline enum err_code
judge(enum place place, const char *name, const char *text)
{
	struct file_write w = { .parent = enrollment,
		.name = name,
		.place = place,
		.ino = 99999,
		.mode = 0600,
		.bytes = bytes_text(text),
		.actor = rules_root };

	rules_err.msg[0] = '\0';
	return file_judge(rules, &w, &rules_err);
}

/* What a file holds, as the name of a test. */
static inline const char *
named(const char *text)
{
	static char name[128];
	char *p;

	snprintf(name, sizeof(name), "a file of: %s", text);
	for (p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = '/';
		else if (*p == '#')
			*p = '*';
	return name;
}

static inline bool
says(const char *part)
{
	bool yes = strstr(rules_err.msg, part) != NULL;

	if (!yes)
		printf("# says \"%s\", not \"%s\"\n", rules_err.msg, part);
	return yes;
}

/* ---- the gate ----------------------------------------------------------- */

struct gate {
	struct admission_ask ask;
	bool take;
	struct admission got;
};

static inline enum err_code
gate_txn(struct txn *t, void *arg, struct err *err)
{
	struct gate *g = arg;

	return g->take ? admission_take(t, rules, &g->ask, &g->got, err)
	               : admission_check(t, &g->ask, &g->got, err);
}

static inline struct gate
ask(const char *user, const char *invitation, const char *serial)
{
	return (struct gate){ .ask = { .org = acme,
				  .door = "test",
				  .from = "192.0.2.1",
				  .user = user,
				  .invitation = invitation,
				  .serial = serial,
				  .now = engine_now(rules) } };
}

static inline enum err_code
check(struct gate *g)
{
	g->take = false;
	return store_view(rules->store, gate_txn, g, &rules_err);
}

static inline enum err_code
take(struct gate *g)
{
	g->take = true;
	return store_update(rules->store, gate_txn, g, &rules_err);
}

/* A certificate that was let in by g. */
static inline void
issue_for(const struct gate *g, uint8_t cert)
{
	struct issued i = { .org = acme,
		.state = CERT_VALID,
		.expires = INT64_C(1990000000),
		.admission = g->got };

	memset(i.fingerprint, cert, sizeof(i.fingerprint));
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

static inline void
admission_begin(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	enrollment =
	    put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "").ino;
}

#endif
