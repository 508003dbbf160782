/*
 * rules.h - an engine in memory with two organizations and a clock of the
 * test's own, for the tests of the model's rules.
 */
#ifndef MDMFS_TESTS_MODEL_RULES_H
#define MDMFS_TESTS_MODEL_RULES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/enrollment.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/removal.h"
#include "engine/model/report.h"
#include "tests/tap.h"

#define TOPIC "com.apple.mgmt.External.1"

static int64_t rules_ns = INT64_C(1790000000) * 1000000000;
static struct engine *rules;
static struct err rules_err;
static const struct actor rules_root = { .pid = 1, .comm = "test" };

static inline int64_t
rules_clock(void)
{
	return rules_ns;
}

static inline void
pass(int64_t ms)
{
	rules_ns += ms * 1000000;
}

static inline void
must(enum err_code rc)
{
	if (rc == ERR_OK)
		return;
	printf("Bail out! %s: %s\n", err_name(rc), rules_err.msg);
	exit(1);
}

/* How often part stands in the events. */
static inline unsigned
count_events(const char *part)
{
	struct event_read r = { .end = UINT64_MAX, .max = 1 << 20 };
	struct buf b = { 0 };
	const char *s;
	uint64_t next;
	unsigned n = 0;

	must(event_read(rules, &r, &b, &next, &rules_err));
	for (s = buf_str(&b); (s = strstr(s, part)) != NULL; s++)
		n++;
	buf_free(&b);
	return n;
}

static inline bool
has_event(const char *part)
{
	return count_events(part) > 0;
}

/* ---- files -------------------------------------------------------------- */

/* A file, or a directory where place is one; rules_err says why not. */
static inline enum err_code
try_file(uint64_t parent, const char *name, enum place place,
    struct bytes bytes, struct file_node *ret)
{
	struct file_write w = { .parent = parent,
		.name = name,
		.place = place,
		.mode = place_limit(place) == 0 ? 0755 : 0644,
		.bytes = bytes,
		.actor = rules_root };

	rules_err.msg[0] = '\0';
	must(file_reserve(rules, 1, &w.ino, &rules_err));
	return place_limit(place) == 0 ? file_mkdir(rules, &w, ret, &rules_err)
	                               : file_write(rules, &w, ret, &rules_err);
}

static inline enum err_code
try_bytes(
    uint64_t parent, const char *name, enum place place, struct bytes bytes)
{
	struct file_node n;

	return try_file(parent, name, place, bytes, &n);
}

static inline enum err_code
try(uint64_t parent, const char *name, enum place place, const char *text)
{
	return try_bytes(parent, name, place, bytes_text(text));
}

static inline struct file_node
put(uint64_t parent, const char *name, enum place place, const char *text)
{
	struct file_node n = { 0 };

	must(try_file(parent, name, place, bytes_text(text), &n));
	return n;
}

static inline bool
exists(uint64_t parent, const char *name)
{
	struct file_node n;

	return file_find(rules, parent, name, &n, NULL) == ERR_OK;
}

/* Of what must be there. */
static inline uint64_t
ino_of(uint64_t parent, const char *name)
{
	struct file_node n = { 0 };

	must(file_find(rules, parent, name, &n, &rules_err));
	return n.ino;
}

static inline uint64_t
org_dir(const char *name)
{
	return ino_of(FILE_INO_ORGS, name);
}

static inline enum err_code
try_remove(uint64_t parent, const char *name)
{
	return file_remove(
	    rules, ino_of(parent, name), &rules_root, &rules_err);
}

/* It may still be brought back. */
static inline void
remove_file(uint64_t parent, const char *name)
{
	must(try_remove(parent, name));
}

/* What was removed cannot be brought back any more. */
static inline void
pass_removals(void)
{
	int64_t next;

	pass(3000);
	must(removal_run(rules, &next, &rules_err));
}

/* For good. */
static inline void
take_away(uint64_t parent, const char *name)
{
	remove_file(parent, name);
	pass_removals();
}

/* Of the password "x", cheap to compare. */
#define CHEAP_HASH                                                             \
	"$2b$05$SxXz8eWacfGKIpQ/tectJuLWXhqPH1Ai0PJwgBqz.SQ3EoqigWhwy"

static inline void
put_user(uint64_t users, const char *login, const char *hash)
{
	put(put(users, login, PLACE_ORG_USER, "").ino, "password",
	    PLACE_USER_PASSWORD, hash);
}

static inline void
rules_begin(const struct engine_options *options)
{
	must(engine_open(options, &rules, &rules_err));
	rules->clock = rules_clock;
	put(FILE_INO_ORGS, "acme", PLACE_ORG, "");
	put(FILE_INO_ORGS, "umbrella", PLACE_ORG, "");
}

/* ---- devices ------------------------------------------------------------ */

/* One message from a device that has certificate number cert. */
struct said {
	struct speaker s;
	struct report report;
	struct push_token token;
	enum { AUTHENTICATE, TOKEN_UPDATE, CHECK_OUT, CONNECT } what;
	struct buf reply;
};

static inline enum err_code
said_txn(struct txn *t, void *arg, struct err *err)
{
	struct said *x = arg;

	switch (x->what) {
	case AUTHENTICATE:
		return enrollment_authenticate(t, &x->s, err);
	case TOKEN_UPDATE:
		return enrollment_token_update(t, &x->s, &x->token, err);
	case CHECK_OUT:
		return enrollment_check_out(t, &x->s, err);
	case CONNECT:
		return report_take(t, &x->report, &x->reply, err);
	}
	return ERR_OK;
}

static inline struct speaker
speaker(uint32_t org, uint8_t cert, const char *udid, const struct pl *message)
{
	struct speaker s = { .engine = rules,
		.org = org,
		.message = message,
		.now = engine_now(rules) };

	memset(s.fingerprint, cert, sizeof(s.fingerprint));
	snprintf(s.id, sizeof(s.id), "%s", udid);
	return s;
}

static inline enum err_code
authenticate(uint32_t org, uint8_t cert, const char *udid, const char *serial)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = AUTHENTICATE };
	enum err_code rc;

	pl_set_string(message, "SerialNumber", serial);
	x.s = speaker(org, cert, udid, message);
	rc = store_update(rules->store, said_txn, &x, &rules_err);
	pl_free(message);
	return rc;
}

static inline enum err_code
token_update(uint32_t org, uint8_t cert, const char *udid, const char *user,
    const char *topic)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = TOKEN_UPDATE, .token = { .len = 32 } };
	enum err_code rc;

	x.s = speaker(org, cert, udid, message);
	snprintf(x.s.user, sizeof(x.s.user), "%s", user);
	snprintf(x.token.topic, sizeof(x.token.topic), "%s", topic);
	rc = store_update(rules->store, said_txn, &x, &rules_err);
	pl_free(message);
	return rc;
}

/* What the device is sent; *rc as report_take() answers. */
static inline struct buf
connect_as(const struct speaker *s, enum report_status status, const char *uuid)
{
	struct said x = { .what = CONNECT,
		.report = { .speaker = *s, .status = status, .uuid = uuid } };

	must(store_update(rules->store, said_txn, &x, &rules_err));
	return x.reply;
}

static inline enum err_code
issue_txn(struct txn *t, void *arg, struct err *err)
{
	return issued_store(t, arg, err);
}

/* A certificate of an organization; meant: for that device alone. */
static inline void
issue(uint32_t org, uint8_t cert, uint32_t meant)
{
	struct issued i = { .org = org,
		.meant = meant,
		.state = CERT_VALID,
		.expires = INT64_C(1990000000) };

	memset(i.fingerprint, cert, sizeof(i.fingerprint));
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

static inline uint32_t
org_number(const char *name)
{
	struct org_view o;

	must(org_find(rules, name, &o, &rules_err));
	return o.number;
}

static inline uint32_t
device_number(const char *udid)
{
	struct device_view d = { 0 };

	return device_find(rules, udid, &d, NULL) == ERR_OK ? d.number : 0;
}

#endif
