/*
 * bench_queue: what a device's exchange costs after a long history; groups,
 * and commands for a group of 10,000 and for the whole organization.
 *
 *   bench_queue [DEVICES]
 *
 * In a store below /var/tmp, through the functions that files and
 * messages go through; without HTTP, TLS and FUSE.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/model/enrollment.h"
#include "engine/model/group_settle.h"
#include "engine/model/mass.h"
#include "engine/model/orgs.h"
#include "engine/model/report.h"

#define BATCH  2000
#define ROUNDS 300

static const struct actor root = { .comm = "bench_queue" };
static struct engine *engine;
static struct err err;

static void
must(enum err_code rc)
{
	if (rc == ERR_OK)
		return;
	fprintf(stderr, "bench_queue: %s\n", err.msg);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
row(const char *what, double value, const char *unit)
{
	printf("%-46s %12.1f  %s\n", what, value, unit);
}

static uint64_t
put(uint64_t parent, const char *name, enum place place, const char *text)
{
	struct file_node n;
	struct file_write w = { .parent = parent,
		.name = name,
		.place = place,
		.mode = 0755,
		.bytes = bytes_text(text),
		.actor = root };

	must(file_reserve(engine, 1, &w.ino, &err));
	must(place_limit(place) == 0 ? file_mkdir(engine, &w, &n, &err)
				     : file_write(engine, &w, &n, &err));
	return n.ino;
}

/* ---- devices ------------------------------------------------------------ */

static struct speaker
speaker(unsigned i, const struct pl *message)
{
	struct speaker s = { .engine = engine,
		.org = 1,
		.message = message,
		.now = engine_now(engine) };

	memcpy(s.fingerprint, &i, sizeof(i));
	snprintf(s.id, sizeof(s.id), "B-%07u", i);
	return s;
}

static enum err_code
enroll(struct txn *t, unsigned i, struct err *e)
{
	struct issued issued = {
		.org = 1, .state = CERT_VALID, .expires = INT64_C(2000000000)
	};
	struct push_token token = { .len = 32, .topic = "com.apple.mgmt.x" };
	struct pl *message = pl_new_dict();
	struct speaker s = speaker(i, message);
	enum err_code rc;

	memcpy(issued.fingerprint, &i, sizeof(i));
	pl_set_string(message, "ProductName", "iPhone17,1");
	pl_set_string(message, "OSVersion", "26.1");
	if ((rc = issued_store(t, &issued, e)) == ERR_OK &&
	    (rc = enrollment_authenticate(t, &s, e)) == ERR_OK)
		rc = enrollment_token_update(t, &s, &token, e);
	pl_free(message);
	return rc;
}

struct range {
	unsigned from;
	unsigned to;
};

static enum err_code
range_txn(struct txn *t, void *arg, struct err *e)
{
	const struct range *r = arg;
	enum err_code rc = ERR_OK;
	unsigned i;

	for (i = r->from; rc == ERR_OK && i < r->to; i++)
		rc = enroll(t, i, e);
	return rc;
}

/* ---- one device's exchanges --------------------------------------------- */

struct said {
	struct report report;
	struct buf reply;
};

static enum err_code
report_txn(struct txn *t, void *arg, struct err *e)
{
	struct said *x = arg;

	return report_take(t, &x->report, &x->reply, e);
}

/* Idle, and the answer to what it is sent; no other command may wait. */
static void
exchange(unsigned device)
{
	struct pl *message = pl_new_dict(), *command = NULL;
	struct said x = { .report = { .speaker = speaker(device, message) } };

	must(store_update(engine->store, report_txn, &x, &err));
	must(pl_parse(buf_view(&x.reply), &command, &err));
	x.report.status = REPORT_ACKNOWLEDGED;
	x.report.uuid = pl_get_string(command, "CommandUUID");
	x.report.bytes = bytes_text("<plist/>");
	must(store_update(engine->store, report_txn, &x, &err));
	pl_free(command);
	pl_free(message);
	buf_free(&x.reply);
}

static uint64_t
commands_of(unsigned device)
{
	struct device_view d;
	struct speaker s = speaker(device, NULL);

	must(device_find(engine, s.id, &d, &err));
	return file_device_dir(d.number, 0, FILE_DEVICE_COMMANDS);
}

static void
history(unsigned device, unsigned from, unsigned n)
{
	uint64_t dir = commands_of(device);
	char name[32];

	for (unsigned i = from; i < from + n; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		put(dir, name, PLACE_COMMAND, "ProfileList");
		exchange(device);
	}
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double
timed_exchange(unsigned device, unsigned number)
{
	double begin = now_ms();

	history(device, number, 1);
	return now_ms() - begin;
}

/* In turn, and medians: the machine is the same for both. */
static void
bench_history(void)
{
	double few[ROUNDS], many[ROUNDS];
	unsigned i;

	put(FILE_INO_SYSTEM, "keep-results", PLACE_KEEP_RESULTS, "100000");
	history(1, 0, 10000);
	history(4, 0, 10);
	for (i = 0; i < ROUNDS; i++) {
		few[i] = timed_exchange(4, 20000 + i);
		many[i] = timed_exchange(1, 20000 + i);
	}
	qsort(few, ROUNDS, sizeof(few[0]), compare);
	qsort(many, ROUNDS, sizeof(many[0]), compare);
	row("command, Idle and answer, 10 results", few[ROUNDS / 2],
	    "ms, 3 syncs");
	row("the same with 10,000 results", many[ROUNDS / 2], "ms");
}

/* rm of one among many that wait. */
static void
bench_cancel(void)
{
	uint64_t dir = commands_of(2);
	struct file_node n;
	double begin, few, many;
	char name[32], text[80];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "w%u", i);
		snprintf(text, sizeof(text),
		    "Settings Item=DeviceName DeviceName=%u", i);
		put(dir, name, PLACE_COMMAND, text);
	}
	begin = now_ms();
	for (unsigned i = 4000; i < 4200; i++) {
		snprintf(name, sizeof(name), "w%u", i);
		must(file_find(engine, dir, name, &n, &err));
		must(file_remove(engine, n.ino, &root, &err));
	}
	many = (now_ms() - begin) / 200;
	dir = commands_of(3);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "w%u", i);
		snprintf(text, sizeof(text),
		    "Settings Item=DeviceName DeviceName=%u", i);
		put(dir, name, PLACE_COMMAND, text);
	}
	begin = now_ms();
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "w%u", i);
		must(file_find(engine, dir, name, &n, &err));
		must(file_remove(engine, n.ino, &root, &err));
	}
	few = (now_ms() - begin) / 200;
	row("rm of a command, 200 wait", few, "ms, 1 sync");
	row("rm of a command, 5,000 wait", many, "ms");
}

/* ---- many devices ------------------------------------------------------- */

/* Somebody who writes meanwhile, and how long he waits at most. */
struct neighbour {
	atomic_bool stop;
	double longest;
	pthread_t thread;
};

static enum err_code
small_txn(struct txn *t, void *arg, struct err *e)
{
	uint64_t n;

	(void)arg;
	return counter_next(t, "bench", &n, e);
}

static void *
write_on(void *arg)
{
	struct neighbour *n = arg;
	struct err e = { 0 };

	while (!n->stop) {
		double begin = now_ms(), took;

		if (store_update(engine->store, small_txn, NULL, &e) != ERR_OK)
			break;
		took = now_ms() - begin;
		if (took > n->longest)
			n->longest = took;
		usleep(1000);
	}
	return NULL;
}

static void
neighbour_begin(struct neighbour *n)
{
	*n = (struct neighbour){ .longest = 0 };
	if (pthread_create(&n->thread, NULL, write_on, n) != 0)
		exit(1);
}

static void
neighbour_end(struct neighbour *n)
{
	n->stop = true;
	pthread_join(n->thread, NULL);
	row("  a neighbour's write meanwhile, at most", n->longest, "ms");
}

static void
settle(void)
{
	struct groups_watch watch = { 0 };
	int64_t next = 1;

	while (next != 0)
		must(groups_settle(engine, &watch, &next, &err));
	groups_watch_fini(&watch);
}

static void
bench_members(uint64_t group, const char *what, const char *members)
{
	struct neighbour n;
	double begin;

	neighbour_begin(&n);
	begin = now_ms();
	put(group, "members", PLACE_GROUP_MEMBERS, members);
	printf("%s\n", what);
	row("  accepted, durable", now_ms() - begin, "ms");
	settle();
	row("  all of them are members", now_ms() - begin, "ms");
	neighbour_end(&n);
}

static void
bench_command(uint64_t dir, enum place place, const char *what, double devices)
{
	struct store_stat before, after;
	struct neighbour n;
	int64_t next = 1;
	double begin;

	must(store_stat(engine->store, &before, &err));
	neighbour_begin(&n);
	begin = now_ms();
	put(dir, "ask", place, "ProfileList");
	printf("%s\n", what);
	row("  accepted, durable", now_ms() - begin, "ms");
	while (next != 0)
		must(mass_run(engine, &next, &err));
	row("  queued for all of them", now_ms() - begin, "ms");
	neighbour_end(&n);
	must(store_stat(engine->store, &after, &err));
	row("  small records for each",
	    (double)(after.pairs - before.pairs) / devices, "");
	row("  bytes of the store for each",
	    ((double)after.used_bytes - (double)before.used_bytes) / devices,
	    "");
}

static void
bench_group(uint64_t org, unsigned devices)
{
	struct buf members = { 0 };
	uint64_t group, commands;
	unsigned step = devices / 10000 > 0 ? devices / 10000 : 1;

	group =
	    put(put(org, "groups", PLACE_GROUPS, ""), "ten", PLACE_GROUP, "");
	commands = put(group, "commands", PLACE_GROUP_COMMANDS, "");
	for (unsigned i = 0; i < 10000 && i * step < devices; i++)
		buf_printf(&members, "B-%07u\n", 1 + i * step);
	bench_members(
	    group, "a group of 10,000, a line each", buf_str(&members));
	bench_command(
	    commands, PLACE_GROUP_COMMAND, "a command for the group", 10000);
	bench_members(group, "a glob for a tenth of the devices", "B-*7\n");
	bench_members(group, "a glob for all of them", "B-*\n");
	bench_command(put(org, "commands", PLACE_ORG_COMMANDS, ""),
	    PLACE_ORG_COMMAND, "a command for the organization", devices);
	buf_free(&members);
}

int
main(int argc, char **argv)
{
	char dir[] = "/var/tmp/bench_queue.XXXXXX";
	struct engine_options options = { .state_dir = dir };
	unsigned i, devices = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
	char clean[64];
	uint64_t org;

	if (mkdtemp(dir) == NULL)
		return 1;
	must(engine_open(&options, &engine, &err));
	org = put(FILE_INO_ORGS, "bench", PLACE_ORG, "");
	for (i = 0; i < devices; i += BATCH) {
		struct range r = { i + 1,
			1 + (i + BATCH < devices ? i + BATCH : devices) };

		must(store_update(engine->store, range_txn, &r, &err));
	}
	bench_history();
	bench_cancel();
	bench_group(org, devices);
	engine_close(engine);
	snprintf(clean, sizeof(clean), "rm -r %s", dir);
	return system(clean) == 0 ? 0 : 1;
}
