/*
 * requests.h - slots that ask for certificates, and a CA that answers, for the
 * tests of their requests.
 */
#ifndef MDMFS_TESTS_MODEL_REQUESTS_H
#define MDMFS_TESTS_MODEL_REQUESTS_H

#include "engine/model/slot_request.h"
#include "engine/model/slots.h"
#include "engine/pki/csr.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint32_t acme;

static inline enum err_code
ask(uint64_t dir, const char *subject)
{
	return try(dir, "subject", PLACE_SLOT_SUBJECT, subject);
}

static inline enum err_code
key_type(uint64_t dir, const char *type)
{
	return try(dir, "key-type", PLACE_SLOT_KEY_TYPE, type);
}

static inline enum err_code
copy_as(uint64_t dir, const char *file, const char *name, enum place place)
{
	struct buf b = load(file);
	enum err_code rc = try_bytes(dir, name, place, buf_view(&b));

	buf_free(&b);
	return rc;
}

/* ---- what is said ------------------------------------------------------- */

/* The text of the newest event that holds part; "" if none does. */
static inline const char *
event_with(const char *part)
{
	static char line[4096];
	struct event_read r = { .end = UINT64_MAX, .max = SIZE_MAX };
	struct buf b = { 0 };
	uint64_t next;
	char *p, *rest = NULL;

	must(event_read(rules, &r, &b, &next, &rules_err));
	buf_char(&b, '\0');
	line[0] = '\0';
	for (p = strtok_r((char *)b.p, "\n", &rest); p != NULL;
	     p = strtok_r(NULL, "\n", &rest))
		if (strstr(p, part) != NULL)
			snprintf(line, sizeof(line), "%s", p);
	buf_free(&b);
	return line;
}

static inline bool
told(const char *part, const char *and_part)
{
	bool yes = strstr(event_with(part), and_part) != NULL;

	if (!yes)
		printf("# no event with \"%s\" and \"%s\"\n", part, and_part);
	return yes;
}

static inline bool
page_says(uint32_t org, enum place place, const char *part)
{
	struct buf b = { 0 };
	bool yes;

	must(org_slot_page(rules, org, place, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	if (!yes)
		printf("# no \"%s\" in:\n# %s\n", part, buf_str(&b));
	buf_free(&b);
	return yes;
}

/* ---- requests and answers ----------------------------------------------- */

/* The page of a slot's request, as a parsed request; NULL: none is there. */
static inline struct csr *
request(uint32_t org, enum place place)
{
	struct csr *r = NULL;
	struct buf b = { 0 };
	enum err_code rc = org_request_page(rules, org, place, &b, NULL);

	if (rc == ERR_OK) {
		save("csr", buf_view(&b));
		must(csr_parse(buf_view(&b), &r, &rules_err));
	} else if (rc != ERR_NOT_FOUND) {
		printf("Bail out! page of a request\n");
		exit(1);
	}
	buf_free(&b);
	return r;
}

/* Its key, for comparisons; all zero if there is none. */
struct id {
	uint8_t v[KEYSPEC_ID_LEN];
};

static inline struct id
key_of_request(uint32_t org, enum place place)
{
	struct csr *r = request(org, place);
	struct id id = { { 0 } };

	if (r != NULL)
		memcpy(id.v, csr_key_id(r), sizeof(id.v));
	csr_free(r);
	return id;
}

static inline bool
same(struct id a, struct id b)
{
	return memcmp(a.v, b.v, sizeof(a.v)) == 0;
}

static inline bool
is_none(struct id a)
{
	return same(a, (struct id){ { 0 } });
}

/* Have the request in csr signed as name with that subject. */
static inline void
sign(const char *name, const char *subject, int days)
{
	sh("openssl req -in csr -pubkey -noout >pub && "
	   "printf 'basicConstraints=CA:FALSE\\nkeyUsage=digitalSignature\\n"
	   "subjectAltName=DNS:mdm.example.com\\n' >ext && "
	   "openssl x509 -new -force_pubkey pub -subj '%s' -CA ca.pem "
	   "-CAkey ca.key -days %d -extfile ext -out %s",
	    subject, days, name);
}

struct facts_arg {
	struct slot_id id;
	struct slot_facts facts;
};

static inline enum err_code
facts_txn(struct txn *t, void *arg, struct err *err)
{
	struct facts_arg *a = arg;

	return slot_facts(t, a->id, &a->facts, err);
}

static inline struct slot_facts
facts_of(uint32_t org, enum slot slot)
{
	struct facts_arg a = { .id = slot_of(org, slot) };

	must(store_view(rules->store, facts_txn, &a, &rules_err));
	return a.facts;
}

static inline void
requests_begin(void)
{
	static const struct engine_options options;

	material_begin();
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out "
	   "ca.pem -subj /CN=Test-CA -days 900");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
}

static inline int
requests_done(void)
{
	ok(ERR_peek_error() == 0, "OpenSSL's queue of errors is empty");
	engine_close(rules);
	return tap_done();
}

#endif
