#include "engine/model/mass_limit.h"

#include <string.h>

#include "engine/base/pl.h"
#include "engine/base/text.h"
#include "engine/model/orgs.h"

/* ---- what cannot be undone ---------------------------------------------- */

static bool
any(const struct pl *command)
{
	(void)command;
	return true;
}

static bool
has_pin(const struct pl *command)
{
	return pl_dict_get(command, "PIN") != NULL;
}

/* The identifiers that profile.c gives. */
static bool
is_enrollment(const struct pl *command)
{
	const char *id = pl_get_string(command, "Identifier");

	return id != NULL && strncmp(id, "mdmfs.", 6) == 0;
}

/* clang-format off */
static const struct {
	const char *type;
	bool (*is)(const struct pl *command);
	const char *what;
} rows[] = {
	{ "EraseDevice",               any,           "wipes the device" },
	{ "DeleteUser",                any,           "deletes a user with all data" },
	{ "ClearPasscode",             any,           "takes the passcode away: whoever holds the device can open it" },
	{ "ClearRestrictionsPassword", any,           "takes the restrictions' password away" },
	{ "ShutDownDevice",            any,           "switches it off: somebody has to go there" },
	{ "DeviceLock",                has_pin,       "locks it until somebody types the PIN on it" },
	{ "RemoveProfile",             is_enrollment, "takes it out of the management" },
};
/* clang-format on */

const char *
irreversible(const struct pl *command)
{
	const char *type = pl_get_string(command, "RequestType");
	size_t i;

	for (i = 0; type != NULL && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].type, type) == 0 && rows[i].is(command))
			return rows[i].what;
	return NULL;
}

/* ---- how many ----------------------------------------------------------- */

static enum err_code
limit_parse(struct bytes file, uint32_t *ret, struct err *err)
{
	struct bytes s = text_trim(file);
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < s.len && s.p[i] >= '0' && s.p[i] <= '9' && i < 8; i++)
		v = v * 10 + (uint32_t)(s.p[i] - '0');
	if (s.len == 0 || i < s.len)
		return err_set(err, ERR_INVALID,
		    "mass-limit: the most devices that are wiped, shut down "
		    "and the like without confirm=COUNT, a number; 0: each "
		    "needs it");
	*ret = v;
	return ERR_OK;
}

enum err_code
mass_limit_judge(struct change *c, struct err *err)
{
	uint32_t v;

	return limit_parse(c->w->bytes, &v, err);
}

uint32_t
mass_limit_read(struct txn *t)
{
	uint32_t v = MASS_LIMIT;
	char text[32];

	if (org_setting(t, 0, NULL, "mass-limit", text, sizeof(text)) == ERR_OK)
		(void)!limit_parse(bytes_text(text), &v, NULL);
	return v;
}

enum err_code
drops_count(struct txn *t, const struct drop_check *d, struct err *err)
{
	struct key k = key_of(KIND_DROPS);
	struct buf b = { 0 };
	struct bytes value;
	struct reader r;
	int64_t since = d->now;
	uint32_t n = 0;
	uint8_t version;
	enum err_code rc;

	key_u32(&k, d->uid);
	if (txn_get(t, key_view(&k), &value, NULL) == ERR_OK) {
		r = reader_of(value, &version);
		since = read_i64(&r);
		n = read_u32(&r);
		if (d->now - since >= DROPS_SPAN || d->now < since) {
			since = d->now;
			n = 0;
		}
	}
	if (n >= d->limit)
		return err_set(err, ERR_INVALID,
		    "%s %s, and you gave it to %u devices within a minute: if "
		    "that is meant, write confirm=%s into the command, or one "
		    "file into commands/ of a group or of the organization "
		    "with confirm=COUNT (system/mass-limit is %u)",
		    d->type, d->what, n, d->udid, d->limit);
	record_u8(&b, 1);
	record_i64(&b, since);
	record_u32(&b, n + 1);
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put(t, key_view(&k), buf_view(&b), err);
	buf_free(&b);
	return rc;
}
