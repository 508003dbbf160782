#include "fs/refusal.h"

#include <string.h>

#include "mdmfs/event.h"

#include "tests/tap.h"

static void
record(struct refusals *r, uint64_t dir, const char *name, uint32_t uid,
    const char *why)
{
	struct err err = { 0 };
	struct refusal f = { .dir = dir,
		.name = name,
		.path = name,
		.actor = { .uid = uid, .pid = 12, .comm = "cp" },
		.err = &err };

	if (err_set(&err, ERR_INVALID, "%s", why) == ERR_INVALID)
		refusal_record(r, &f);
}

static bool
page_has(struct refusals *r, uint64_t number, const char *text)
{
	struct buf b = { 0 };
	bool has = refusal_page(r, number, &b, NULL) == ERR_OK &&
	           strstr(buf_str(&b), text) != NULL;

	buf_free(&b);
	return has;
}

static void
test_pages(void)
{
	struct refusals *r = refusals_new(NULL);
	uint64_t n;

	ok(refusal_of_name(r, 5, NULL) == 0 && refusal_of_user(r, 0) == 0,
	    "at first nothing was refused");
	record(r, 5, "a.pem", 7, "first\nsecond");
	n = refusal_of_name(r, 5, "a.pem");
	ok(n != 0 && n == refusal_of_name(r, 5, NULL) &&
		n == refusal_of_user(r, 7),
	    "a refusal is that of its name, directory and user");
	ok(refusal_of_user(r, 8) == 0, "and of no other user");
	ok(page_has(r, n, "EPROTO Protocol error\nfile: a.pem\n"),
	    "the page begins with the errno and the file");
	ok(page_has(r, n, "\nreason: first\nreason: second\ntime: 2"),
	    "has a line for each finding");
	ok(page_has(r, n, "Z\nuid: 7\npid: 12\ncommand: cp\n"),
	    "and says who it was");
	record(r, 5, "b\n.pem", 7, "third");
	ok(page_has(r, refusal_of_user(r, 7), "file: b\\x0a.pem\n"),
	    "a name cannot make lines");
	ok(refusal_of_name(r, 5, "a.pem") == n, "each name has its own");
	refusal_clear(r, 5, "c.pem");
	ok(refusal_of_name(r, 5, NULL) == 0, "a good write clears .error");
	ok(refusal_of_name(r, 5, "a.pem") == n, "not that of other names");
	refusal_clear(r, 5, "a.pem");
	ok(refusal_of_name(r, 5, "a.pem") == 0, "but the one of its own");
	ok(refusal_of_user(r, 7) != 0, "last-error stays");
	refusals_free(r);
}

static void
test_bounds(void)
{
	struct refusals *r = refusals_new(NULL);
	uint64_t first;
	struct buf b = { 0 };

	record(r, 5, "a", 1, "x");
	first = refusal_of_user(r, 1);
	for (unsigned i = 0; i < REFUSAL_MAX; i++)
		record(r, 6, "b", 2, "y");
	ok(refusal_page(r, first, &b, NULL) == ERR_NOT_FOUND,
	    "only the newest are kept");
	ok(refusal_time(r, first, NULL) == 0, "the old one has no time");
	ok(refusal_of_name(r, 6, "b") == first + REFUSAL_MAX,
	    "the newest of a name is shown");
	buf_free(&b);
	refusals_free(r);
}

static void
test_event(void)
{
	struct engine_options options = { 0 };
	struct engine *e = NULL;
	struct refusals *r;
	struct event_range range;
	struct err err = { 0 };
	struct buf b = { 0 };
	struct event_read read = { .max = 65536 };
	uint64_t next;

	ok(engine_open(&options, &e, &err) == ERR_OK, "an engine in memory");
	r = refusals_new(e);
	record(r, 5, "orgs/acme/apns/push.p12", 7, "no topic\nand more");
	ok(event_range(e, &range, &err) == ERR_OK, "has events");
	read.from = range.begin;
	read.end = range.end;
	ok(event_read(e, &read, &b, &next, &err) == ERR_OK &&
		strstr(buf_str(&b), "uid=7 pid=12 comm=cp refused "
				    "orgs/acme/apns/push.p12 EPROTO: "
				    "no topic\n") != NULL,
	    "a refusal is one line of them");
	buf_free(&b);
	refusals_free(r);
	engine_close(e);
}

int
main(void)
{
	test_pages();
	test_bounds();
	test_event();
	return tap_done();
}
