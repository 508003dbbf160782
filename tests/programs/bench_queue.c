/*
 * bench_queue: what a device's exchange costs after a long history, and a
 * command for a group of 10,000.
 *
 *   bench_queue [DEVICES]
 *
 * In a store below /var/tmp, through the functions that files and
 * messages go through; without HTTP, TLS and FUSE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/model/enrollment.h"
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

static double
exchanges(unsigned device, unsigned from)
{
	double begin = now_ms();

	history(device, from, ROUNDS);
	return (now_ms() - begin) / ROUNDS;
}

static void
bench_history(void)
{
	double young = exchanges(1, 0), old;

	put(FILE_INO_SYSTEM, "keep-results", PLACE_KEEP_RESULTS, "100000");
	history(1, ROUNDS, 3000);
	old = exchanges(1, 20000);
	row("command, Idle and answer, a new device", young, "ms, 3 syncs");
	row("the same after 3,300 answers", old, "ms");
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

static void
bench_group(uint64_t org, unsigned devices)
{
	struct buf members = { 0 };
	uint64_t group, commands;
	unsigned step = devices / 10000 > 0 ? devices / 10000 : 1;
	struct store_stat before, after;
	int64_t next;
	double begin;

	group =
	    put(put(org, "groups", PLACE_GROUPS, ""), "ten", PLACE_GROUP, "");
	commands = put(group, "commands", PLACE_GROUP_COMMANDS, "");
	for (unsigned i = 0; i < 10000 && i * step < devices; i++)
		buf_printf(&members, "B-%07u\n", 1 + i * step);
	begin = now_ms();
	put(group, "members", PLACE_GROUP_MEMBERS, buf_str(&members));
	row("a group of 10,000: members", now_ms() - begin, "ms");
	must(store_stat(engine->store, &before, &err));
	begin = now_ms();
	put(commands, "ask", PLACE_GROUP_COMMAND, "ProfileList");
	row("a command for them: accepted, durable", now_ms() - begin, "ms");
	must(mass_run(engine, &next, &err));
	row("queued for all of them", now_ms() - begin, "ms");
	must(store_stat(engine->store, &after, &err));
	row("small records for each",
	    (double)(after.pairs - before.pairs) / 10000, "");
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
