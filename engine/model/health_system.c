#include <string.h>

#include "engine/base/text.h"
#include "engine/model/channels.h"
#include "engine/model/events.h"
#include "engine/model/health_priv.h"
#include "engine/model/import.h"

/* What belongs to the whole installation, and what is short. */

#define YEAR_2026 INT64_C(1767225600) /* nothing of mdmfs is older */
#define LATE      900                 /* seconds */

void
health_clock(struct look *x)
{
	struct buf now = { 0 };
	int64_t newest = 0;

	text_time(&now, x->h.now);
	if (event_newest(x->t, &newest, NULL) != ERR_OK)
		newest = 0;
	if (x->h.now < YEAR_2026) {
		health_say(x, HEALTH_FAIL,
		    "this machine's clock says %s: every certificate looks as "
		    "if it were not valid yet",
		    buf_str(&now));
		health_do(x, "timedatectl set-ntp true");
	} else if (newest > x->h.now + 300) {
		health_say(x, HEALTH_FAIL,
		    "this machine's clock says %s, but something happened here "
		    "%lld minutes later: it went backwards",
		    buf_str(&now), (long long)((newest - x->h.now) / 60));
		health_do(x, "timedatectl set-ntp true");
	} else {
		health_say(x, HEALTH_PASS, "the clock says %s",
		    health_date(x, x->h.now));
	}
	buf_free(&now);
}

void
health_store(struct look *x)
{
	struct store_stat st;
	uint64_t percent;

	if (store_stat(x->engine->store, &st, NULL) != ERR_OK ||
	    st.limit_bytes == 0)
		return;
	percent = st.used_bytes / (st.limit_bytes / 100 + 1);
	if (percent < 85) {
		health_say(x, HEALTH_PASS, "the store has room");
		return;
	}
	health_say(x, percent < 95 ? HEALTH_WARN : HEALTH_FAIL,
	    "the store uses %llu of %llu megabytes; when it is full, devices "
	    "and writes are refused",
	    (unsigned long long)(st.used_bytes >> 20),
	    (unsigned long long)(st.limit_bytes >> 20));
	health_do(x,
	    "make room on the disk of the state directory, and rm results "
	    "that nobody needs: devices/UDID/results/");
}

void
health_roots_known(struct look *x)
{
	size_t i;

	for (i = 0; i < x->h.n_certs; i++)
		if ((x->h.certs[i].facts.flaws & FLAW_ROOTS_UNKNOWN) != 0)
			break;
	if (i == x->h.n_certs) {
		health_say(x, HEALTH_PASS,
		    "certificates were compared with the roots that the world "
		    "knows");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "this machine has no list of the roots that the world knows, so "
	    "nobody can say whether devices know yours");
	health_do(x, "apt install ca-certificates, restart mdmfs, and copy the "
		     "certificates in again");
}

void
health_trust_end(struct look *x)
{
	const struct health_root *first = NULL;
	int64_t left;
	size_t i;

	for (i = 0; i < x->n_roots; i++)
		if (first == NULL || x->roots[i].ends < first->ends)
			first = &x->roots[i];
	if (first == NULL)
		return;
	left = (first->ends - x->h.now) / 86400;
	if (left * 86400 >= x->soon) {
		health_say(x, HEALTH_PASS,
		    "the first root in system/trust ends %s, days-left=%lld",
		    health_date(x, first->ends), (long long)left);
		return;
	}
	health_say(x, first->ends < x->h.now ? HEALTH_FAIL : HEALTH_WARN,
	    "the root %s in system/trust/%s ends %s, days-left=%lld: after "
	    "that devices trust nothing that hangs on it",
	    first->subject, first->file, health_date(x, first->ends),
	    (long long)left);
	health_do(x,
	    "put its successor into system/trust/ beside it and hand out the "
	    "enrollment profile again; rm %s if nobody needs it",
	    health_shell(x, "system/trust/%s", first->file));
}

void
health_outbox(struct look *x)
{
	struct channel_id late;
	int64_t next;
	size_t n = 0;

	if (channels_due(x->t, x->h.now - LATE, &late, 1, &n, &next, NULL) !=
	    ERR_OK)
		return;
	if (n == 0) {
		health_say(x, HEALTH_PASS, "no push is overdue");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "pushes wait for more than %d minutes to be sent", LATE / 60);
	health_do(x,
	    "look at what the server logs (journalctl -u mdmfs) and at "
	    "devices/UDID/push; restart mdmfs if it says nothing");
}

void
health_open(struct look *x)
{
	if (!health_has_file(x, "enrollment", "open")) {
		health_say(x, HEALTH_PASS,
		    "nobody enrolls without a profile from you");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "enrollment is open: anybody who reaches the server can enroll a "
	    "device in %s",
	    x->org->name);
	health_do(x, "when that is not meant: rm %s",
	    health_shell(x, "orgs/%s/enrollment/open", x->org->name));
}

/* Of organizations that let devices in by themselves. */
void
health_apple_device(struct look *x)
{
	static const char *const doors[] = { "open", "encrypted", "serials",
		"required-os", "invitations" };
	size_t i = 0, n = sizeof(doors) / sizeof(doors[0]);

	while (i < n && !health_has_file(x, "enrollment", doors[i]))
		i++;
	if (i == n && !health_has_file(x, NULL, "users"))
		return;
	if (org_holds(
		x->t, 0, "trust", "apple-device", PLACE_APPLE_DEVICE_FILE)) {
		health_say(x, HEALTH_PASS,
		    "who enrolls over the air or by ADE must be an Apple "
		    "device");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "who enrolls over the air or by ADE may be any program that says "
	    "it is a device: nothing is in system/trust/apple-device");
	health_do(x, "put the certificate of \"Apple iPhone Device CA\" into "
		     "system/trust/apple-device/");
}

void
health_import(struct look *x)
{
	uint32_t n = import_count(x->t, x->org->number);
	bool many = n != 1;
	struct node import, ca;

	if (n == 0)
		return;
	if (org_file(x->t, x->org->number, "enrollment", "import", &import,
		NULL) == ERR_OK &&
	    node_find(x->t, import.n.ino, "ca.pem", &ca, NULL) == ERR_OK) {
		health_say(x, HEALTH_PASS,
		    "%u imported device%s let in with a certificate of the old "
		    "server's CA alone",
		    n, many ? "s are" : " is");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "%u imported device%s not come yet: whoever names the UDID of one "
	    "first, with any certificate, is taken for it, and gets its "
	    "commands",
	    n, many ? "s have" : " has");
	health_do(x,
	    "copy the certificate of the old server's CA for devices to %s; "
	    "what will not come any more: rmdir devices/UDID",
	    health_shell(x, "orgs/%s/enrollment/import/ca.pem", x->org->name));
}

void
health_ca_end(struct look *x)
{
	const struct health_end end = {
		.what = "the CA of the device certificates",
		.after = "no device certificate of it is accepted",
		.renew = "enroll the devices again before that: this server "
			 "makes a new CA for an organization that has none",
	};

	health_end(x, &end);
}

void
health_vendor_issuer(struct look *x)
{
	if ((x->cert->facts.flaws & FLAW_NOT_APPLE) == 0) {
		health_say(x, HEALTH_PASS, "Apple issued it");
		return;
	}
	health_say(x, HEALTH_WARN,
	    "the issuer of the vendor certificate is not Apple, but %s: "
	    "Apple's portal will not take the requests that it signs",
	    x->cert->facts.issuer);
	health_do(x, "copy the MDM vendor certificate (\"MDM CSR\") of "
		     "developer.apple.com into system/vendor/");
}

void
health_vendor_chain(struct look *x)
{
	if ((x->cert->facts.flaws & FLAW_CHAIN_INCOMPLETE) == 0) {
		health_say(x, HEALTH_PASS, "the chain is whole");
		return;
	}
	health_say(x, HEALTH_FAIL,
	    "intermediate %s of the vendor certificate is missing: Apple's "
	    "portal does not take the requests that it signs",
	    x->cert->facts.missing);
	health_do(x,
	    "append it: download it from www.apple.com/certificateauthority "
	    "and copy it into system/vendor/");
}

void
health_vendor_end(struct look *x)
{
	const struct health_end end = {
		.what = "the vendor certificate",
		.after = "requests for push certificates cannot be signed",
		.renew = "renew it at developer.apple.com and copy it into "
			 "system/vendor/",
	};

	health_end(x, &end);
}
