/*
 * mass.h - an organization of 20 devices and a group of 4, for the tests of
 * groups and of commands for many.
 */
#ifndef MDMFS_TESTS_MODEL_MASS_H
#define MDMFS_TESTS_MODEL_MASS_H

#include "engine/model/group_settle.h"
#include "engine/model/mass.h"
#include "engine/model/queue_expiry.h"
#include "tests/model/rules.h"

#define PHONES 20

static uint32_t acme;
static uint64_t org_commands, group, group_commands_dir;
static uint32_t numbers[PHONES + 1];

static inline const char *
udid(unsigned i)
{
	static char name[4][16];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(name[at], sizeof(name[at]), "P-%02u", i);
	return name[at];
}

static inline uint64_t
dir(unsigned i, enum file_device_part part)
{
	return file_device_dir(numbers[i], 0, part);
}

static inline void
enroll(unsigned i, const char *product)
{
	struct pl *message = pl_new_dict();
	struct said x = { .what = AUTHENTICATE };
	char serial[16];

	snprintf(serial, sizeof(serial), "SN%02u", i);
	pl_set_string(message, "SerialNumber", serial);
	pl_set_string(message, "ProductName", product);
	pl_set_string(message, "OSVersion", "18.1");
	issue(acme, (uint8_t)i, 0);
	x.s = speaker(acme, (uint8_t)i, udid(i), message);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	must(token_update(acme, (uint8_t)i, udid(i), "", TOPIC));
	numbers[i] = device_number(udid(i));
	pl_free(message);
}

static inline void
to_group(const char *name, const char *text)
{
	put(group_commands_dir, name, PLACE_GROUP_COMMAND, text);
}

static inline void
run(void)
{
	struct groups_watch watch = { 0 };
	int64_t next;

	must(queue_expire(rules, &next, &rules_err));
	must(groups_settle(rules, &watch, &next, &rules_err));
	groups_watch_fini(&watch);
	do
		must(mass_run(rules, &next, &rules_err));
	while (next != 0);
}

/* Whether the page of progress has that line, or part of one. */
static inline bool
page_has(uint64_t of_group, const char *name, const char *part)
{
	struct group_commands_of of = { acme, of_group, 0 };
	struct buf b = { 0 };
	uint32_t command;
	bool yes;

	if (group_command_find(rules, &of, name, &command, &rules_err) !=
	    ERR_OK)
		return false;
	must(group_command_page(rules, command, &b, &rules_err));
	yes = strstr(buf_str(&b), part) != NULL;
	if (!yes)
		printf("# no %s in:\n# %s\n", part, buf_str(&b));
	buf_free(&b);
	return yes;
}

static char uuid[256];

/* The device says something; the type of what it is sent. */
static inline const char *
says(unsigned i, enum report_status status, const char *of)
{
	static char type[64];
	struct pl *message = pl_new_dict(), *command = NULL;
	struct speaker s = speaker(acme, (uint8_t)i, udid(i), message);
	struct buf reply;

	if (status == REPORT_ERROR) {
		struct pl *chain = pl_new_array(), *link = pl_new_dict();

		pl_set_string(link, "USEnglishDescription", "no room");
		pl_array_add(chain, link);
		pl_dict_set(message, "ErrorChain", chain);
	}
	reply = connect_as(&s, status, of);
	type[0] = uuid[0] = '\0';
	if (reply.len > 0) {
		must(pl_parse(buf_view(&reply), &command, &rules_err));
		snprintf(uuid, sizeof(uuid), "%s",
		    pl_get_string(command, "CommandUUID"));
		snprintf(type, sizeof(type), "%s",
		    pl_get_string(
			pl_get_dict(command, "Command"), "RequestType"));
	}
	pl_free(command);
	pl_free(message);
	buf_free(&reply);
	return type;
}

static inline const char *
answers(unsigned i, enum report_status status)
{
	char of[256];

	memcpy(of, uuid, sizeof(of));
	return says(i, status, of);
}

/* ---- many of them -------------------------------------------------------- */

struct crowd {
	unsigned from, n;
};

static inline enum err_code
crowd_txn(struct txn *t, void *arg, struct err *err)
{
	const struct crowd *c = arg;
	unsigned i;
	enum err_code rc = ERR_OK;

	for (i = c->from; rc == ERR_OK && i < c->from + c->n; i++) {
		struct issued issued = { .org = acme,
			.state = CERT_VALID,
			.expires = INT64_C(1990000000) };
		struct pl *message = pl_new_dict();
		struct push_token token = { .len = 32, .topic = TOPIC };
		struct speaker s = speaker(acme, 0, "", message);

		memcpy(issued.fingerprint, &i, sizeof(i));
		issued.fingerprint[31] = 1;
		memcpy(s.fingerprint, issued.fingerprint, 32);
		snprintf(s.id, sizeof(s.id), "C-%05u", i);
		pl_set_string(message, "ProductName", "iPhone15,2");
		rc = issued_store(t, &issued, err);
		if (rc == ERR_OK)
			rc = enrollment_authenticate(t, &s, err);
		if (rc == ERR_OK)
			rc = enrollment_token_update(t, &s, &token, err);
		pl_free(message);
	}
	return rc;
}

/* C-xxxxx: n iPhones in acme. */
static inline void
crowd(unsigned from, unsigned n)
{
	struct crowd c = { from, n };

	must(store_update(rules->store, crowd_txn, &c, &rules_err));
}

/* P-01 to P-20 in acme; P-04 is a Mac; the first four are the group. */
static inline void
mass_begin(void)
{
	static const struct engine_options options;
	uint64_t groups;
	unsigned i;

	rules_begin(&options);
	acme = org_number("acme");
	for (i = 1; i <= PHONES; i++)
		enroll(i, i == 4 ? "MacBookPro18,3" : "iPhone15,2");
	org_commands =
	    put(org_dir("acme"), "commands", PLACE_ORG_COMMANDS, "").ino;
	groups = put(org_dir("acme"), "groups", PLACE_GROUPS, "").ino;
	group = put(groups, "four", PLACE_GROUP, "").ino;
	group_commands_dir =
	    put(group, "commands", PLACE_GROUP_COMMANDS, "").ino;
	put(group, "members", PLACE_GROUP_MEMBERS, "P-0[1-3]\nSN04\n");
}

#endif
