/*
 * answers.h - a device that is asked and answers, for the tests of what answers
 * teach.
 */
#ifndef MDMFS_TESTS_MODEL_ANSWERS_H
#define MDMFS_TESTS_MODEL_ANSWERS_H

#include "engine/model/answers.h"
#include "engine/model/validation.h"
#include "tests/model/rules.h"

#define HEAD    "<plist version=\"1.0\"><dict>"
#define TAIL    "</dict></plist>"
#define S(k, v) "<key>" k "</key><string>" v "</string>"
#define B(k, v) "<key>" k "</key><data>" v "</data>"
#define T(k)    "<key>" k "</key><true/>"
#define F(k)    "<key>" k "</key><false/>"
#define I(k, v) "<key>" k "</key><integer>" v "</integer>"
#define D(k, v) "<key>" k "</key><dict>" v "</dict>"
#define A(k, v) "<key>" k "</key><array>" v "</array>"
#define R(v)    "<dict>" v "</dict>"

#define SECRET "c2VjcmV0LXNlY3JldA==" /* secret-secret */

static uint32_t acme, device;
static uint64_t commands, results;

/* The device is asked, and answers with the keys in xml. */
static inline void
ask(const char *command, enum report_status status, const char *xml)
{
	struct said x = { .what = CONNECT };
	struct pl *sent = NULL, *message = NULL;
	struct buf whole = { 0 }, got;

	put(commands, "ask", PLACE_COMMAND, command);
	x.report.speaker = speaker(acme, 1, "A-1", NULL);
	got = connect_as(&x.report.speaker, REPORT_IDLE, NULL);
	must(pl_parse(buf_view(&got), &sent, &rules_err));
	x.report.uuid = pl_get_string(sent, "CommandUUID");
	buf_printf(&whole,
	    HEAD S("UDID", "A-1") S("CommandUUID", "%s") "%s" TAIL,
	    x.report.uuid, xml);
	must(pl_parse(buf_view(&whole), &message, &rules_err));
	x.report.speaker.message = message;
	x.report.status = status;
	x.report.bytes = buf_view(&whole);
	must(store_update(rules->store, said_txn, &x, &rules_err));
	buf_free(&x.reply);
	buf_free(&whole);
	buf_free(&got);
	pl_free(message);
	pl_free(sent);
}

static inline bool
info_is(const char *name, const char *wanted)
{
	struct buf b = { 0 };
	bool same = device_info(rules, device, name, &b, NULL) == ERR_OK &&
	            strcmp(buf_str(&b), wanted) == 0;

	if (!same)
		printf("# %s: %s\n", name, buf_str(&b));
	buf_free(&b);
	return same;
}

static inline bool
info_has(const char *name, const char *part)
{
	struct buf b = { 0 };
	bool has = device_info(rules, device, name, &b, NULL) == ERR_OK &&
	           strstr(buf_str(&b), part) != NULL;

	if (!has)
		printf("# %s: %s\n", name, buf_str(&b));
	buf_free(&b);
	return has;
}

static inline bool
secret_is(const char *name, const char *wanted)
{
	struct buf b = { 0 };
	bool same = device_secret(rules, device, name, &b, NULL) == ERR_OK &&
	            strcmp(buf_str(&b), wanted) == 0;

	buf_wipe(&b);
	return same;
}

/* A line for each name. */
static inline bool
note_name(void *arg, const char *key, struct bytes text)
{
	(void)text;
	buf_printf(arg, "%s\n", key);
	return true;
}

static inline bool
in_info(const char *what)
{
	struct buf names = { 0 }, b = { 0 };
	char *name, *rest = NULL;
	bool found = false;

	must(device_infos(rules, device, note_name, &names, &rules_err));
	buf_char(&names, '\0');
	for (name = strtok_r((char *)names.p, "\n", &rest); name != NULL;
	     name = strtok_r(NULL, "\n", &rest)) {
		buf_reset(&b);
		must(device_info(rules, device, name, &b, &rules_err));
		found = found || strstr(buf_str(&b), what) != NULL;
	}
	buf_free(&names);
	buf_free(&b);
	return found;
}

/* Whether what is anywhere in info/, in the result or in the events. */
static inline bool
leaked(const char *what)
{
	bool found = has_event(what) || in_info(what);
	struct file_node n;
	struct buf b = { 0 };

	must(file_find(rules, results, "ask", &n, &rules_err));
	must(file_read(rules, n.ino, &b, &rules_err));
	found = found || strstr(buf_str(&b), what) != NULL;
	buf_reset(&b);
	must(device_info_plist(rules, device, &b, &rules_err));
	found = found || strstr(buf_str(&b), what) != NULL;
	buf_free(&b);
	return found;
}

static inline bool
result_has(const char *part)
{
	struct file_node n;
	struct buf b = { 0 };
	bool has;

	must(file_find(rules, results, "ask", &n, &rules_err));
	must(file_read(rules, n.ino, &b, &rules_err));
	has = strstr(buf_str(&b), part) != NULL;
	buf_free(&b);
	return has;
}

static inline void
answers_begin(const struct engine_options *options)
{
	rules_begin(options);
	acme = org_number("acme");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "A-1", "SERIAL"));
	must(token_update(acme, 1, "A-1", "", TOPIC));
	device = device_number("A-1");
	commands = file_device_dir(device, 0, FILE_DEVICE_COMMANDS);
	results = file_device_dir(device, 0, FILE_DEVICE_RESULTS);
	put(FILE_INO_SYSTEM, "validation", PLACE_VALIDATION, "off\n");
}

#endif
