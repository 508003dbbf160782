#include "mdmfs/engine.h"

#include "mdmfs/org.h"

#include "fs/handlers.h"
#include "fs/refusal.h"

static const char readme[] =
    "This is an Apple MDM server.  What you write here is configuration and\n"
    "commands; what the server knows appears beside it.\n"
    "\n"
    "Start:\n"
    "  echo https://mdm.example.com > system/url    what devices are told\n"
    "  mkdir system/tls && cp tls.pem system/tls/   HTTPS certificate and key\n"
    "  mkdir orgs/acme orgs/acme/apns               an organization\n"
    "  cp push.p12 orgs/acme/apns/                  its push certificate\n"
    "  cp status/orgs/acme/enroll.mobileconfig ...  enrolls a device\n"
    "\n"
    "Devices:\n"
    "  ls devices/  status/serials/                 by UDID, by serial number\n"
    "  cat devices/UDID/status                      its state\n"
    "  echo 'DeviceLock PIN=123456' > devices/UDID/commands/lock\n"
    "  cat devices/UDID/results/lock                the answer, when it came\n"
    "\n"
    "Is everything in order?\n"
    "  cat status/certificates                      what each certificate "
    "does\n"
    "  cat status/doctor                            every check, with the "
    "remedy\n"
    "\n"
    "A write that is refused changes nothing and says why:\n"
    "  cat status/last-error                        your last refused write\n"
    "  cat orgs/acme/apns/push.p12.error            why that file was refused\n"
    "Use cp or mv rather than > where a script must notice: a shell does not\n"
    "hear that a cut-off document was refused when the file was closed.\n"
    "\n"
    "What happens:\n"
    "  tail -F events       everything, one line each\n"
    "  cat follow           the same, without delay\n"
    "\n"
    "orgs/ and system/ hold your files byte for byte: rsync -a --delete, git\n"
    "(with --git-dir outside of the mount) and tar work; mkdir staging/next,\n"
    "rsync a tree into it and write to staging/next/commit: all of it takes\n"
    "effect at once, or nothing.  Owner, group and\n"
    "mode decide who may do what: chown -R alice orgs/acme.  See mdmfs(7).\n";

enum err_code
status_follow_link(const struct at *at, struct buf *b, struct err *err)
{
	(void)at;
	buf_text(b, ".follow");
	return buf_error(b, err);
}

enum err_code
status_readme_read(const struct at *at, struct buf *b, struct err *err)
{
	(void)at;
	buf_text(b, readme);
	return buf_error(b, err);
}

enum err_code
status_last_error_read(const struct at *at, struct buf *b, struct err *err)
{
	uint64_t number = refusal_of_user(at->refusals, at->caller->uid);

	/* nothing refused, or no longer kept: an empty page */
	if (number != 0 &&
	    refusal_page(at->refusals, number, b, NULL) == ERR_NO_MEMORY)
		return buf_error(b, err);
	return buf_error(b, err);
}

enum err_code
status_server_read(const struct at *at, struct buf *b, struct err *err)
{
	return engine_server_page(at->engine, b, err);
}

enum err_code
status_tls_read(const struct at *at, struct buf *b, struct err *err)
{
	return org_slot_page(at->engine, 0, PLACE_TLS, b, err);
}
