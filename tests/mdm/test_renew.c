/* The identity of a device is renewed before it ends. */
#include "engine/mdm/renew.h"

#include "engine/mdm/profile.h"
#include "engine/model/renewals.h"
#include "engine/model/slots.h"
#include "engine/model/third_party.h"
#include "engine/model/tls.h"
#include "tests/model/rules.h"

#define DAY  INT64_C(86400)
#define UDID "R-1"

static uint32_t acme, device;
static uint64_t commands;

static void
pass_days(int64_t days)
{
	rules_ns += days * DAY * 1000000000;
}

/* A certificate for a year from now. */
static void
certificate(uint8_t number, uint32_t meant)
{
	struct issued i = { .org = acme,
		.meant = meant,
		.state = CERT_VALID,
		.begins = engine_now(rules),
		.expires = engine_now(rules) + 365 * DAY,
		.admission = { .way = ADMISSION_USER,
		    .mode = ADMISSION_MODE_BYOD,
		    .user = "alice",
		    .apple_id = "alice@acme.example" } };

	memset(i.fingerprint, number, sizeof(i.fingerprint));
	must(store_update(rules->store, issue_txn, &i, &rules_err));
}

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	return slot_install(t, slot_of(acme, SLOT_OF_APNS), arg, err);
}

/* What an enrollment profile needs. */
static void
prepare(void)
{
	struct tls_watch watch = { 0 };
	struct identity *push = NULL;

	must(profile_install_id(rules, &rules_err));
	must(slot_ca(rules, acme, &push, &rules_err));
	must(store_update(rules->store, install_txn, push, &rules_err));
	identity_free(push);
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL, "https://mdm.example\n");
	must(tls_ensure(rules, &watch, &rules_err));
}

static int64_t
round_of(void)
{
	int64_t next;

	must(renew_due(rules, &next, &rules_err));
	return next;
}

static bool
queued(void)
{
	return exists(commands, RENEWAL_NAME);
}

static uint64_t
queued_ino(void)
{
	return ino_of(commands, RENEWAL_NAME);
}

/* The device takes what is next; the UUID, "" if it is nothing. */
static void
take(uint8_t cert, char uuid[static 64], struct buf *profile)
{
	struct speaker s = speaker(acme, cert, UDID, NULL);
	struct buf sent = connect_as(&s, REPORT_IDLE, NULL);
	struct pl *root = NULL;
	const struct pl *command;

	uuid[0] = '\0';
	if (sent.len > 0 &&
	    pl_parse(buf_view(&sent), &root, &rules_err) == ERR_OK) {
		command = pl_get_dict(root, "Command");
		snprintf(uuid, 64, "%s", pl_get_string(root, "CommandUUID"));
		buf_bytes(profile, pl_get_data(command, "Payload"));
	}
	pl_free(root);
	buf_free(&sent);
}

static void
answer(uint8_t cert, enum report_status status, const char *uuid)
{
	struct pl *message = pl_new_dict();
	struct speaker s = speaker(acme, cert, UDID, message);
	struct buf sent = connect_as(&s, status, uuid);

	buf_free(&sent);
	pl_free(message);
}

static void
test_in_time(void)
{
	struct buf profile = { 0 };
	char uuid[64];
	uint64_t ino;

	ok(round_of() > engine_now(rules) + 180 * DAY,
	    "nothing happens in the first half of its life");
	pass_days(181);
	round_of();
	ok(!queued(), "nor a day before its half");
	pass_days(2);
	round_of();
	ok(queued(), "then the enrollment profile is queued again");
	ino = queued_ino();
	pass_days(1);
	round_of();
	ok(queued_ino() == ino, "once, while it is fresh");
	pass_days(5);
	round_of();
	ok(queued() && queued_ino() != ino,
	    "a device that is silent gets a new challenge in it");
	take(1, uuid, &profile);
	ok(uuid[0] != '\0' &&
		strstr(buf_str(&profile), "com.apple.mdm") != NULL &&
		strstr(buf_str(&profile), "com.apple.security.scep") != NULL,
	    "the device is sent a whole enrollment profile");
	ok(strstr(buf_str(&profile), "BYOD") != NULL &&
		strstr(buf_str(&profile), "alice@acme.example") != NULL &&
		strstr(buf_str(&profile), "AccessRights") == NULL,
	    "of the same kind: a user enrollment stays one");
	buf_free(&profile);

	certificate(2, device);
	must(authenticate(acme, 2, UDID, "SERIAL"));
	answer(1, REPORT_ACKNOWLEDGED, uuid);
	must(token_update(acme, 2, UDID, "", TOPIC));
	ok(!queued(), "it installs it, and comes with its new certificate");
	ok(round_of() > engine_now(rules) + 180 * DAY,
	    "which lives as long as the first");
}

static void
test_trouble(void)
{
	struct buf profile = { 0 };
	char uuid[64];

	pass_days(183);
	round_of();
	take(2, uuid, &profile);
	answer(2, REPORT_ERROR, uuid);
	ok(!queued(), "a device that cannot install it says so");
	round_of();
	ok(!queued(), "and is left in peace for a day");
	pass_days(1);
	round_of();
	ok(queued(), "then it is tried again");
	buf_free(&profile);
}

static bool
speaks(uint8_t cert)
{
	struct said x = { .what = CONNECT,
		.report = { .speaker = speaker(acme, cert, UDID, NULL),
		    .status = REPORT_NOT_NOW } };
	bool yes =
	    store_update(rules->store, said_txn, &x, &rules_err) == ERR_OK;

	buf_free(&x.reply);
	return yes;
}

static void
test_grace(void)
{
	struct file_node dir;
	struct buf profile = { 0 };
	char uuid[64];

	pass_days(200);
	ok(!speaks(2), "a device that was away too long is locked out");
	dir = put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "");
	put(dir.ino, "renewal-grace", PLACE_RENEWAL_GRACE, "60\n");
	ok(speaks(2), "unless its organization grants it some time");
	round_of();
	take(2, uuid, &profile);
	ok(uuid[0] != '\0', "in which it is sent a new profile");
	buf_free(&profile);
	pass_days(60);
	ok(!speaks(2), "and no longer");
	pass_days(-60);
}

/* ---- a challenge that has to be fetched ---------------------------------- */

static int fetched;
static bool ndes_is_full;

static enum err_code
show_ca(void *ctx, const struct scep_settings *s, struct err *err)
{
	(void)ctx;
	(void)s;
	(void)err;
	return ERR_OK;
}

static enum err_code
fetch(void *ctx, const struct scep_settings *s, const char *id, struct buf *ret,
    struct err *err)
{
	(void)ctx;
	(void)s;
	(void)id;
	fetched++;
	if (ndes_is_full)
		return err_set(err, ERR_REMOTE, "NDES: five are outstanding");
	buf_printf(ret, "NDES-CHALLENGE-%d", fetched);
	return buf_error(ret, err);
}

/* What the device takes has that challenge; NULL: it is told of nothing. */
static bool
takes(const char *challenge)
{
	struct buf profile = { 0 };
	char uuid[64];
	bool yes;

	take(2, uuid, &profile);
	yes = challenge == NULL ? uuid[0] == '\0'
	                        : strstr(buf_str(&profile), challenge) != NULL;
	buf_free(&profile);
	return yes;
}

static void
test_fetched(void)
{
	struct scep_source ndes = { .prepare = show_ca, .challenge = fetch };
	struct file_node dir;

	rules->scep = &ndes;
	dir = put(org_dir("acme"), "scep", PLACE_SCEP, "");
	put(dir.ino, "url", PLACE_SCEP_SETTING, "https://ca.example/scep\n");
	put(dir.ino, "ndes-url", PLACE_SCEP_SETTING,
	    "https://ndes.example/certsrv/mscep_admin/\n");
	put(dir.ino, "ndes-user", PLACE_SCEP_SETTING, "scep@acme.example\n");
	put(dir.ino, "ndes-password", PLACE_SCEP_SECRET, "secret\n");
	pass_days(6);
	round_of();
	ok(queued() && fetched == 0,
	    "a renewal waits without a challenge that would age");
	ok(takes(NULL) && queued(), "nor is the device that comes sent any");
	ndes_is_full = true;
	round_of();
	ok(fetched == 1 && takes(NULL), "while NDES has none for it");
	ndes_is_full = false;
	round_of();
	ok(fetched == 2 && takes("NDES-CHALLENGE-2"),
	    "when it comes again one is fetched for it, and sent");
	ok(takes("NDES-CHALLENGE-2"), "the same if the answer was lost");
	rules_ns += INT64_C(53 * 60) * 1000000000;
	round_of();
	ok(fetched == 2, "one that has aged is not fetched anew by itself");
	ok(takes(NULL), "and sent no more");
	round_of();
	ok(fetched == 3 && takes("NDES-CHALLENGE-3"),
	    "another one takes its place");
	rules->scep = NULL;
}

static void
test_end(void)
{
	struct said x = { .what = CHECK_OUT,
		.s = speaker(acme, 2, UDID, NULL) };

	must(store_update(rules->store, said_txn, &x, &rules_err));
	pass_days(3);
	round_of();
	ok(!queued(), "a device that has left is sent nothing");
	must(device_remove(rules, device, &rules_root, &rules_err));
	pass_days(3);
	ok(round_of() == 0,
	    "and one that is forgotten is no longer thought of");
}

int
main(void)
{
	static const struct engine_options options;

	rules_begin(&options);
	acme = org_number("acme");
	prepare();
	certificate(1, 0);
	must(authenticate(acme, 1, UDID, "SERIAL"));
	must(token_update(acme, 1, UDID, "", TOPIC));
	device = device_number(UDID);
	commands = file_device_dir(device, 0, FILE_DEVICE_COMMANDS);
	test_in_time();
	test_trouble();
	test_grace();
	test_fetched();
	test_end();
	engine_close(rules);
	return tap_done();
}
