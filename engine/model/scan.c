#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/settings.h"
#include "engine/model/slots.h"
#include "engine/model/vendor.h"
#include "engine/pki/slot.h"
#include "engine/schema/command.h"

/*
 * Shells lose what close() returns, so a document is refused in write() as
 * soon as nothing can mend it.  One row of scanners[] for each place that can
 * be told early.
 */
struct file_scan {
	const char *name; /* of the file; good during the call */
	size_t seen;
	struct bundle_check bundle;
	size_t judged; /* bytes of whole PEM blocks that were looked at */
	struct schema_command_scan command;
	const struct schema *schema; /* held for command; NULL: not used */
	bool started;
};

typedef enum err_code scan_fn(struct engine *e, enum place place,
    struct file_scan *s, struct bytes so_far, struct err *err);

static enum err_code
scan_command(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	(void)place;
	if (!s->started)
		schema_command_scan_init(
		    &s->command, s->schema = engine_schema(e));
	return schema_command_scan_feed(&s->command,
	    bytes_of(so_far.p + s->seen, so_far.len - s->seen), err);
}

static enum err_code
scan_bundle(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	struct bundle *b = NULL;
	size_t whole;
	enum err_code rc = bundle_check_prefix(&s->bundle, so_far, err);

	whole = s->bundle.complete ? so_far.len : s->bundle.whole;
	if (rc != ERR_OK || whole == s->judged)
		return rc;
	s->judged = whole;
	/* no password is tried here: that may take long, close() does it */
	rc = bundle_parse(bytes_of(so_far.p, whole), NULL, 0, &b, err);
	if (rc == ERR_OK)
		rc = slot_judge_early(place, b, engine_now(e), err);
	bundle_free(b);
	return rc;
}

/* A line that has ended is judged as if the file had: more lines are refused
 * anyway. */
static enum err_code
scan_line(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	struct file_write w = {
		.place = place, .name = s->name, .bytes = so_far
	};
	struct change c = { .engine = e, .w = &w };

	if (so_far.len == 0 || so_far.p[so_far.len - 1] != '\n' ||
	    text_trim(so_far).len == 0)
		return ERR_OK;
	return place_rule(place)->judge(&c, err);
}

/* Lines that have ended are judged as if they were all. */
static enum err_code
scan_lines(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	const uint8_t *end =
	    so_far.len == 0 ? NULL : memrchr(so_far.p, '\n', so_far.len);
	struct bytes whole =
	    bytes_of(so_far.p, end == NULL ? 0 : (size_t)(end - so_far.p));
	struct file_write w = { .place = place, .name = "", .bytes = whole };
	struct change c = { .engine = e, .w = &w };

	(void)s;
	return place_rule(place)->judge(&c, err);
}

/* A request for a certificate that is all there: behind its END line. */
static enum err_code
scan_request(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	static const char end[] = "-----END CERTIFICATE REQUEST-----\n";
	struct file_write w = { .place = place, .name = "", .bytes = so_far };
	struct change c = { .engine = e, .w = &w };

	(void)s;
	if (so_far.len < strlen(end) ||
	    memcmp(so_far.p + so_far.len - strlen(end), end, strlen(end)) != 0)
		return ERR_OK;
	return place_rule(place)->judge(&c, err);
}

static enum err_code
scan_mdmcert(struct engine *e, enum place place, struct file_scan *s,
    struct bytes so_far, struct err *err)
{
	(void)e;
	(void)place;
	(void)s;
	while (so_far.len > 0 && so_far.p[so_far.len - 1] != '\n')
		so_far.len--; /* the last line may go on */
	return mdmcert_judge_lines(so_far, err);
}

static scan_fn *
scanner_of(enum place place)
{
	/* clang-format off */
	static scan_fn *const scanners[] = {
		[PLACE_COMMAND]       = scan_command,
		[PLACE_GROUP_COMMAND] = scan_command,
		[PLACE_ORG_COMMAND]   = scan_command,
		[PLACE_GROUP_MEMBERS] = scan_lines,
		[PLACE_MASS_LIMIT]    = scan_line,
		[PLACE_COMMAND_EXPIRY] = scan_line,
		[PLACE_MDMCERT]       = scan_mdmcert,
		[PLACE_VENDOR_REQUEST] = scan_request,
		[PLACE_APNS_FILE]     = scan_bundle,
		[PLACE_SIGNING_FILE]  = scan_bundle,
		[PLACE_TLS_FILE]      = scan_bundle,
		[PLACE_TLS_NAMED_FILE] = scan_bundle,
		[PLACE_VENDOR_FILE] = scan_bundle,
		[PLACE_SYSTEM_URL]    = scan_line,
		[PLACE_ORG_URL]       = scan_line,
		[PLACE_ACCESS_RIGHTS] = scan_line,
		[PLACE_SCEP_SETTING]  = scan_line,
		[PLACE_SCEP_SECRET]   = scan_line,
		[PLACE_SCEP_CHALLENGE] = scan_line,
		[PLACE_SLOT_SUBJECT]  = scan_line,
		[PLACE_SLOT_KEY_TYPE] = scan_line,
		[PLACE_SLOT_NAMES]    = scan_line,
	};
	/* clang-format on */

	if ((size_t)place >= sizeof(scanners) / sizeof(scanners[0]))
		return NULL;
	return scanners[place];
}

enum err_code
file_scan(struct engine *e, enum place place, const char *name,
    struct file_scan **state, struct bytes so_far, struct err *err)
{
	scan_fn *fn = scanner_of(place);
	enum err_code rc;

	if (fn == NULL)
		return ERR_OK;
	if (*state == NULL)
		*state = calloc(1, sizeof(**state));
	if (*state == NULL)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	(*state)->name = name;
	rc = fn(e, place, *state, so_far, err);
	(*state)->started = true;
	(*state)->seen = so_far.len;
	return rc;
}

void
file_scan_free(struct file_scan *state)
{
	if (state != NULL)
		schema_free(state->schema);
	free(state);
}
