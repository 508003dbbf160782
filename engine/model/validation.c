#include "engine/model/validation.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/settings.h"
#include "engine/pki/cms.h"

static const char *const words[] = {
	[VALIDATION_STRICT] = "strict",
	[VALIDATION_WARN] = "warn",
	[VALIDATION_OFF] = "off",
};

static bool
word_of(struct bytes s, enum validation *ret)
{
	unsigned i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!bytes_equal(s, bytes_text(words[i])))
			continue;
		*ret = (enum validation)i;
		return true;
	}
	return false;
}

enum err_code
validation_judge(struct change *c, struct err *err)
{
	enum validation v;

	if (word_of(text_trim(c->w->bytes), &v))
		return ERR_OK;
	return err_set(err, ERR_INVALID,
	    "validation: one word is expected: strict (what Apple's schema "
	    "forbids is refused), warn (it is taken, the event says so) or "
	    "off");
}

enum validation
validation_read(struct txn *t)
{
	enum validation v = VALIDATION_STRICT;
	char line[16];

	if (org_setting(t, 0, NULL, "validation", line, sizeof(line)) !=
		ERR_OK ||
	    !word_of(bytes_text(line), &v))
		return VALIDATION_STRICT;
	return v;
}

/* ---- the device --------------------------------------------------------- */

static enum schema_known
known(struct txn *t, uint32_t device, const char *fact)
{
	struct buf b = { 0 };
	enum schema_known k = SCHEMA_UNKNOWN;

	if (fact_get(t, device, fact, &b, NULL) == ERR_OK) {
		if (bytes_equal(buf_view(&b), bytes_text("true")))
			k = SCHEMA_YES;
		else if (bytes_equal(buf_view(&b), bytes_text("false")))
			k = SCHEMA_NO;
	}
	buf_free(&b);
	return k;
}

void
validation_device_read(struct txn *t, const struct device *device,
    uint32_t user, struct validation_device *ret)
{
	struct schema_device *d = &ret->d;
	struct buf b = { 0 };

	*ret = (struct validation_device){ 0 };
	if (fact_get(t, device->number, "ProductName", &b, NULL) == ERR_OK)
		d->os_known = schema_os_of_product(buf_str(&b), &d->os);
	buf_reset(&b);
	if (fact_get(t, device->number, "OSVersion", &b, NULL) == ERR_OK)
		snprintf(ret->version, sizeof(ret->version), "%s", buf_str(&b));
	buf_free(&b);
	d->version = ret->version;
	d->supervised = known(t, device->number, "IsSupervised");
	/* what SecurityInfo says */
	d->automated =
	    known(t, device->number, "ManagementStatus.EnrolledViaDEP");
	d->approved =
	    known(t, device->number, "ManagementStatus.UserApprovedEnrollment");
	d->shared = known(t, device->number, "IsMultiUser");
	d->enrollment = device->user_enrollment ? SCHEMA_ENROLLMENT_USER
	                                        : SCHEMA_ENROLLMENT_DEVICE;
	d->channel = user != 0 ? SCHEMA_CHANNEL_USER : SCHEMA_CHANNEL_DEVICE;
	if (access_rights_read(t, device->org, &d->rights, NULL) != ERR_OK)
		d->rights = 0;
}

/* ---- commands ----------------------------------------------------------- */

/* What a signed profile holds; who signed it is the device's to judge. */
static enum err_code
unwrap(void *arg, struct bytes der, struct buf *content, struct err *err)
{
	struct cert *signer = NULL;
	enum err_code rc = cms_verify_attached(der, content, &signer, err);

	(void)arg;
	cert_free(signer);
	return rc;
}

/* Findings in one line. */
static void
say(const struct schema_findings *findings, struct buf *note)
{
	struct buf b = { 0 };
	struct bytes rest, line;
	const char *between = "";

	schema_findings_say(findings, &b, 300);
	rest = buf_view(&b);
	while (text_line(&rest, &line)) {
		buf_text(note, between);
		buf_bytes(note, line);
		between = "; ";
	}
	buf_free(&b);
}

enum err_code
validation_command(const struct validation_job *job,
    const struct schema_envelope *env, struct buf *note, struct err *err)
{
	struct schema_check c = {
		.schema = job->schema, .device = job->device, .unwrap = unwrap
	};
	struct schema_findings findings = { 0 };
	enum err_code rc = ERR_OK;

	if (job->validation == VALIDATION_OFF)
		return ERR_OK;
	schema_validate_command(&c, env, &findings);
	schema_findings_lines(&findings, job->document);
	if (job->validation == VALIDATION_STRICT)
		rc = schema_findings_error(&findings, err);
	if (rc != ERR_OK)
		(void)err_add(err, rc,
		    "(by %s; with the word warn in system/validation it is "
		    "taken all the same)",
		    schema_release(job->schema));
	else if (findings.n > 0)
		say(&findings, note);
	schema_findings_free(&findings);
	return rc;
}
