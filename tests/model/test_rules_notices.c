/* Events before the end of certificates. */
#include "engine/model/notices.h"

#include "engine/base/text.h"
#include "engine/model/settings.h"
#include "engine/model/slots.h"
#include "engine/pki/slot.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

#define DAY INT64_C(86400)

static uint32_t acme, umbrella;
static int64_t ends; /* of the certificate that was installed last */
static struct notices_watch watch;
static uint64_t seen; /* offset behind the events that were looked at */

struct install {
	struct slot_id id;
	const struct identity *identity;
};

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	const struct install *i = arg;

	return slot_install(t, i->id, i->identity, err);
}

static enum err_code
clear_txn(struct txn *t, void *arg, struct err *err)
{
	return slot_clear(t, *(struct slot_id *)arg, err);
}

/* A self-signed certificate of so many days, from the test's now on. */
static void
install(struct slot_id id, int days)
{
	struct bundle *bundle = NULL;
	const struct bundle *bundles[1];
	struct identity *identity = NULL;
	struct install i = { .id = id };
	struct buf b;

	sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	   "-nodes -keyout k -out c -subj /CN=acme -days %d -addext "
	   "keyUsage=digitalSignature 2>/dev/null; cat c k > both",
	    days);
	b = load("both");
	must(bundle_parse(buf_view(&b), NULL, 0, &bundle, &rules_err));
	bundles[0] = bundle;
	must(slot_pick(SLOT_SIGNING, bundles, 1, engine_now(rules), &identity,
	    &rules_err));
	i.identity = identity;
	must(store_update(rules->store, install_txn, &i, &rules_err));
	ends = cert_expires(identity_leaf(identity));
	identity_free(identity);
	bundle_free(bundle);
	buf_free(&b);
}

/* What was said since the last look that holds the word. */
static const char *
news(void)
{
	static struct buf b;
	struct event_range range;
	struct event_read r = { .from = seen, .max = 1 << 20 };
	struct buf all = { 0 };
	struct bytes rest, line;

	must(event_range(rules, &range, &rules_err));
	r.end = range.end;
	must(event_read(rules, &r, &all, &seen, &rules_err));
	buf_reset(&b);
	rest = buf_view(&all);
	while (text_line(&rest, &line))
		if (memmem(line.p, line.len, "certificate-end", 15) != NULL) {
			buf_bytes(&b, line);
			buf_char(&b, '\n');
		}
	buf_free(&all);
	return buf_str(&b);
}

/* Look at that time; what is said then. */
static const char *
look_at(int64_t seconds)
{
	int64_t next = 0;

	rules_ns = seconds * 1000000000;
	watch = (struct notices_watch){ 0 }; /* as after a restart */
	must(notices_run(rules, &watch, &next, &rules_err));
	if (next <= seconds || next > seconds + 3600)
		return "next look out of range";
	return news();
}

static void
clear(struct slot_id id)
{
	must(store_update(rules->store, clear_txn, &id, &rules_err));
}

static bool
said(const char *got, const char *wanted)
{
	if (strstr(got, wanted) != NULL &&
	    strchr(got, '\n') == got + strlen(got) - 1)
		return true;
	printf("# got: %s# wanted: %s\n", got, wanted);
	return false;
}

static bool
silent(const char *got)
{
	if (got[0] != '\0')
		printf("# got: %s\n", got);
	return got[0] == '\0';
}

/* ---- thresholds --------------------------------------------------------- */

static void
test_thresholds(void)
{
	struct slot_id push = slot_of(acme, SLOT_OF_APNS);
	static const int days[] = { 60, 30, 10, 3, 1 };
	bool all = true, once = true, before = true;
	char word[64];

	install(push, 100);
	ok(silent(look_at(ends - 90 * DAY)), "nothing is said long before");
	for (size_t i = 0; i < 5; i++) {
		before &= silent(look_at(ends - (days[i] + 1) * DAY));
		snprintf(word, sizeof(word),
		    "Z certificate-ends org=acme role=push days-left=%d ends=",
		    days[i]);
		all &= said(look_at(ends - (days[i] + 1) * DAY + 1), word);
		once &= silent(look_at(ends - days[i] * DAY)) &&
		        silent(look_at(ends - days[i] * DAY + 3600));
	}
	ok(all, "60, 30, 10, 3 and 1 days before the end there is an event");
	ok(before, "not a second earlier");
	ok(once, "each once, also over restarts");
	ok(silent(look_at(ends)), "the last second is good");
	ok(said(look_at(ends + 1),
	       "Z certificate-ended org=acme role=push days-left=-1 ends="),
	    "the first second after it is told");
	ok(silent(look_at(ends + DAY)), "once a day");
	ok(said(look_at(ends + DAY + 1), "days-left=-2 ") &&
		said(look_at(ends + 2 * DAY + 1), "days-left=-3 "),
	    "and every day");
	ok(said(look_at(ends + 20 * DAY), "days-left=-20 "),
	    "after days without the server only the last one is told");
	ok(silent(look_at(ends + 19 * DAY)), "a clock set back says nothing");
	clear(push);
	ok(silent(look_at(ends + 30 * DAY)), "nor does one that was removed");
}

static void
test_replacement(void)
{
	int64_t first;

	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(acme, SLOT_OF_APNS), 100);
	first = ends;
	ok(said(look_at(first - 2 * DAY), "days-left=2 "),
	    "if the server was down over several only the most urgent is told");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(acme, SLOT_OF_APNS), 200);
	ok(silent(look_at(first - DAY)), "a renewed one is quiet");
	ok(said(look_at(ends - 60 * DAY), "days-left=60 "), "until its time");
	ok(said(look_at(ends - 30 * DAY), "days-left=30 "), "and starts anew");
}

/* ---- words -------------------------------------------------------------- */

static void
test_words(void)
{
	const char *s;
	char serial[256];
	struct slot_id id;
	struct file_node tls, mail, system = { .ino = FILE_INO_SYSTEM };

	clear(slot_of(acme, SLOT_OF_APNS));
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(umbrella, SLOT_OF_SIGNING), 50);
	s = look_at(ends - 40 * DAY);
	snprintf(serial, sizeof(serial), "%s", s);
	ok(strstr(s, " certificate-ends org=\"umbrella corp\" role=signing "
		     "days-left=40 ends=20") != NULL &&
		strstr(s, "Z serial=") != NULL,
	    "a value with a space is quoted");
	ok(strstr(s, ": after that devices show profiles as not verified; copy "
		     "a renewed one with its key into orgs/umbrella "
		     "corp/signing/\n") != NULL,
	    "the event says what happens and what to do");
	clear(slot_of(umbrella, SLOT_OF_SIGNING));

	tls = put(system.ino, "tls", PLACE_TLS, "");
	mail = put(tls.ino, "mail", PLACE_TLS_NAMED, "");
	id = (struct slot_id){ 0, SLOT_OF_TLS, mail.ino };
	install(id, 50);
	s = look_at(ends - 10 * DAY);
	ok(strstr(s, " certificate-ends org=- role=tls name=mail "
		     "days-left=10 ") != NULL &&
		strstr(s, " into system/tls/mail/\n") != NULL,
	    "one of several of the system has its name");
	clear(id);

	install(slot_of(0, SLOT_OF_OWN_TLS), 50);
	ok(silent(look_at(ends - 10 * DAY)),
	    "what the server renews by itself is not spoken of");
	install(slot_of(0, SLOT_OF_TLS_CA), 50);
	ok(said(look_at(ends - 10 * DAY), "role=tls-root days-left=10 "),
	    "but its root is");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(0, SLOT_OF_TLS), 300);
	ok(silent(look_at(ends - 290 * DAY)), "while it is in use");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(0, SLOT_OF_VENDOR), 50);
	ok(said(look_at(ends - 10 * DAY), "org=- role=vendor "), "vendor");
	clear(slot_of(0, SLOT_OF_VENDOR));
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(acme, SLOT_OF_CA), 60);
	ok(said(look_at(ends - 9 * DAY), "org=acme role=device-ca "),
	    "device CA");
}

/* ---- system/notice-days ------------------------------------------------- */

static enum err_code
parse(const char *text, struct notice_days *d)
{
	return notice_days_parse(bytes_text(text), d, &rules_err);
}

static void
test_setting(void)
{
	struct notice_days d = { 0 };

	ok(parse("60, 30,10\n3 1\n", &d) == ERR_OK && d.n == 5 &&
		d.days[0] == 60 && d.days[4] == 1,
	    "numbers stand between commas, blanks and line ends");
	ok(parse("# ours\n7\n90 # early\n7\n", &d) == ERR_OK && d.n == 2 &&
		d.days[0] == 90 && d.days[1] == 7,
	    "in any order, each once, with notes");
	ok(parse("", &d) == ERR_INVALID &&
		says(&rules_err, "remove the file") &&
		parse("# none\n", &d) == ERR_INVALID &&
		notice_days_parse(BYTES_NONE, &d, NULL) == ERR_INVALID &&
		notice_days_parse(bytes_of("7\0", 2), &d, NULL) ==
		    ERR_UNDECODABLE,
	    "none at all is refused, and what is no text");
	ok(parse("0", &d) == ERR_INVALID && parse("-3", &d) == ERR_INVALID &&
		parse("4000", &d) == ERR_INVALID &&
		parse("ten", &d) == ERR_INVALID &&
		parse("10days", &d) == ERR_INVALID &&
		parse("99999999999999999999", &d) == ERR_INVALID &&
		says(&rules_err, "is no number of days"),
	    "and what is no number of days");
	ok(parse("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", &d) ==
		ERR_INVALID,
	    "and too many");
	ok(d.n == 2, "a refusal leaves the result alone");
	put(FILE_INO_SYSTEM, "notice-days", PLACE_NOTICE_DAYS, "45\n");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(acme, SLOT_OF_CA), 100);
	ok(silent(look_at(ends - 60 * DAY)) &&
		said(look_at(ends - 45 * DAY), "days-left=45 ") &&
		silent(look_at(ends - 10 * DAY)),
	    "system/notice-days says when");
}

/* ---- cost --------------------------------------------------------------- */

static void
test_watch(void)
{
	int64_t now = ends - 40 * DAY, next;
	struct store_stat a, b;

	(void)!look_at(now);
	rules_ns = (now + 10) * 1000000000;
	must(notices_run(rules, &watch, &next, &rules_err));
	ok(watch.looked_at == now,
	    "while nothing changes it looks when something is due");
	must(store_stat(rules->store, &a, &rules_err));
	rules_ns = (now + 60) * 1000000000;
	must(notices_run(rules, &watch, &next, &rules_err));
	must(store_stat(rules->store, &b, &rules_err));
	ok(a.updates == b.updates, "and writes nothing");
	rules_ns = (int64_t)time(NULL) * 1000000000;
	install(slot_of(acme, SLOT_OF_APNS), 41);
	rules_ns = (now + 61) * 1000000000;
	must(notices_run(rules, &watch, &next, &rules_err));
	ok(watch.looked_at == now + 61, "a change is looked at");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL, "https://a.example");
	must(notices_run(rules, &watch, &next, &rules_err));
	ok(watch.looked_at == now + 61 && next == now + 66,
	    "a further one seconds later");
	rules_ns = next * 1000000000;
	must(notices_run(rules, &watch, &next, &rules_err));
	ok(watch.looked_at == now + 66, "but not forgotten");
}

static void
test_many(void)
{
	struct install i = { 0 };
	struct identity *identity = NULL;
	size_t lines = 0;
	const char *s;

	must(slot_ca(rules, acme, &identity, &rules_err));
	rules_ns = (int64_t)time(NULL) * 1000000000;
	for (int n = 0; n < 300; n++) {
		char name[32];

		snprintf(name, sizeof(name), "tenant-%d", n);
		put(FILE_INO_ORGS, name, PLACE_ORG, "");
		i.id = slot_of(org_number(name), SLOT_OF_APNS);
		i.identity = identity;
		must(store_update(rules->store, install_txn, &i, &rules_err));
	}
	ends = cert_expires(identity_leaf(identity));
	identity_free(identity);
	(void)!news();
	for (s = look_at(ends - DAY / 2); *s != '\0'; s++)
		lines += *s == '\n';
	ok(lines >= 300, "of hundreds each is spoken of");
	ok(silent(look_at(ends - DAY / 4)), "once");
}

int
main(void)
{
	static const struct engine_options options;

	material_begin();
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	put(FILE_INO_ORGS, "umbrella corp", PLACE_ORG, "");
	acme = org_number("acme");
	umbrella = org_number("umbrella corp");
	test_thresholds();
	test_replacement();
	test_words();
	test_setting();
	test_watch();
	test_many();
	engine_close(rules);
	return tap_done();
}
