/*
 * populate: a store of any size, for measuring.
 *
 *   populate STATE_DIR DEVICES [ORGANIZATIONS]
 *
 * Makes organizations o00001 ... and devices POP-0000001 ..., all enrolled,
 * spread over them in turn, with a serial number (POPS0000001), a few facts
 * and a push token each, through the same functions that messages of devices
 * go through.  The server must not run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/enrollment.h"
#include "engine/model/orgs.h"
#include "mdmfs/org.h"

#define BATCH 2000

static const struct actor root = { .comm = "populate" };
static struct engine *engine;
static struct err err;

static void
must(enum err_code rc)
{
	if (rc == ERR_OK)
		return;
	fprintf(stderr, "populate: %s\n", err.msg);
	exit(1);
}

static void
make_org(unsigned i)
{
	char name[32];
	struct file_node n;
	struct file_write w = { .parent = FILE_INO_ORGS,
		.name = name,
		.place = PLACE_ORG,
		.mode = 0755,
		.actor = root };

	snprintf(name, sizeof(name), "o%05u", i);
	must(file_reserve(engine, 1, &w.ino, &err));
	must(file_mkdir(engine, &w, &n, &err));
}

struct range {
	unsigned from;
	unsigned to;
	unsigned orgs;
};

static enum err_code
enroll(struct txn *t, unsigned i, unsigned orgs, struct err *e)
{
	struct issued issued = { .org = 1 + i % orgs,
		.state = CERT_VALID,
		.expires = INT64_C(2000000000) };
	struct push_token token = {
		.len = 32, .magic = "magic", .topic = "com.apple.mgmt.x"
	};
	struct pl *message = pl_new_dict();
	struct speaker s = { .engine = engine,
		.org = issued.org,
		.message = message,
		.now = engine_now(engine) };
	char serial[32], name[32];
	enum err_code rc;

	memcpy(issued.fingerprint, &i, sizeof(i));
	memcpy(s.fingerprint, &i, sizeof(i));
	memcpy(token.token, &i, sizeof(i));
	snprintf(s.id, sizeof(s.id), "POP-%07u", i);
	snprintf(serial, sizeof(serial), "POPS%07u", i);
	snprintf(name, sizeof(name), "Device %u", i);
	pl_set_string(message, "SerialNumber", serial);
	pl_set_string(message, "DeviceName", name);
	pl_set_string(message, "OSVersion", "26.1");
	pl_set_string(message, "ProductName", "iPhone17,1");
	if ((rc = issued_store(t, &issued, e)) == ERR_OK &&
	    (rc = enrollment_authenticate(t, &s, e)) == ERR_OK)
		rc = enrollment_token_update(t, &s, &token, e);
	pl_free(message);
	return rc;
}

static enum err_code
range_txn(struct txn *t, void *arg, struct err *e)
{
	const struct range *r = arg;
	enum err_code rc = ERR_OK;
	unsigned i;

	for (i = r->from; rc == ERR_OK && i < r->to; i++)
		rc = enroll(t, i, r->orgs, e);
	return rc;
}

int
main(int argc, char **argv)
{
	struct engine_options options = { .state_dir = argv[1] };
	unsigned i, devices, orgs;

	if (argc != 3 && argc != 4) {
		fprintf(stderr,
		    "Usage: populate STATE_DIR DEVICES [ORGANIZATIONS]\n");
		return 2;
	}
	devices = (unsigned)strtoul(argv[2], NULL, 10);
	orgs = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
	must(engine_open(&options, &engine, &err));
	for (i = 1; i <= orgs; i++)
		make_org(i);
	for (i = 0; i < devices; i += BATCH) {
		struct range r = { i + 1,
			1 + (i + BATCH < devices ? i + BATCH : devices), orgs };

		must(store_update(engine->store, range_txn, &r, &err));
	}
	engine_close(engine);
	return 0;
}
