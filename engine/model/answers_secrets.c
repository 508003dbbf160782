/* What answers carry that opens a device, or lets somebody speak to it. */
#include <stdio.h>
#include <string.h>

#include "engine/model/answers_priv.h"
#include "engine/model/mass.h"
#include "engine/model/queue_priv.h"

#define DEPTH_MAX 8

/* Keys of Apple's answers, wherever they stand; in secrets/ under that name. */
static const char *const names[] = {
	"ActivationLockBypassCode",         /* of the request of that name */
	"UnlockToken",                      /* RequestUnlockToken */
	"BootstrapToken",                   /* by check-in otherwise */
	"EncryptedNewRecoveryKey",          /* RotateFileVaultKey: CMS */
	"NewRecoveryKey",                   /* the same, in the clear */
	"FDE_PersonalRecoveryKeyCMS",       /* SecurityInfo */
	"FDE_PersonalRecoveryKeyDeviceKey", /* SecurityInfo */
	"PushToken",                        /* DeviceInformation */
};

/* What apps say for themselves: their keys are not Apple's. */
static const char *const foreign[] = { "ManagedApplicationFeedback",
	"ManagedApplicationConfiguration" };

/* clang-format off */
/* What a command has set, once it is acknowledged. */
static const struct {
	const char *type;
	const char *key;   /* in the command */
	const char *dict;  /* in the answer: where a boolean must not be false */
	const char *truth;
	const char *name;  /* in secrets/ */
} set_by[] = {
	{ "SetRecoveryLock",     "NewPassword", NULL, NULL, "RecoveryLockPassword" },
	{ "SetFirmwarePassword", "NewPassword", "SetFirmwarePassword", "PasswordChanged", "FirmwarePassword" },
	{ "DeviceLock",          "PIN",         NULL, NULL, "DeviceLockPIN" },
	{ "EraseDevice",         "PIN",         NULL, NULL, "EraseDevicePIN" },
};
/* clang-format on */

bool
answer_is_secret(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

/* ---- finding them ------------------------------------------------------- */

struct found {
	unsigned depth;
	bool inside; /* there is one in it or below it */
};

static bool has_secret(const struct pl *node, unsigned depth);

static bool
look(void *arg, const char *key, struct pl *value)
{
	struct found *f = arg;

	f->inside = answer_is_secret(key) ? pl_type(value) == PL_STRING ||
	                                        pl_type(value) == PL_DATA
	                                  : has_secret(value, f->depth + 1);
	return !f->inside;
}

static bool
has_secret(const struct pl *node, unsigned depth)
{
	struct found f = { .depth = depth };
	size_t i;

	if (depth > DEPTH_MAX)
		return false;
	if (pl_type(node) == PL_DICT)
		pl_dict_each(node, look, &f);
	if (pl_type(node) == PL_ARRAY)
		for (i = 0; !f.inside && i < pl_array_len(node); i++)
			f.inside = has_secret(pl_array_at(node, i), depth + 1);
	return f.inside;
}

/* ---- moving them -------------------------------------------------------- */

struct mover {
	struct txn *t;
	struct answer *answer;
	struct err *err;
	enum err_code rc;
};

/* Secrets of a user channel never take a name from the device's own. */
static void
name_of(const struct answer *a, const char *key, char name[static 128])
{
	if (a->q->channel.user == 0)
		snprintf(name, 128, "%s", key);
	else
		snprintf(name, 128, "%s.user-%u", key, a->q->channel.user);
}

/* A secret goes, a sentence stands in its place. */
static void
move_one(struct mover *m, struct pl *dict, const char *key)
{
	const struct pl *value = pl_dict_get(dict, key);
	const char *text = pl_string(value);
	struct bytes bytes = text != NULL ? bytes_text(text) : pl_data(value);
	char name[128], says[256];

	name_of(m->answer, key, name);
	snprintf(says, sizeof(says), "(kept in secrets/%s)", name);
	if (bytes.len > ANSWER_SECRET_MAX) {
		snprintf(says, sizeof(says), "(too long for a secret)");
		buf_printf(&m->answer->note,
		    "; %s is longer than %u bytes and was not kept", key,
		    ANSWER_SECRET_MAX);
	} else if (bytes.len == 0) {
		/* what is known is not overwritten with nothing */
		snprintf(says, sizeof(says), "(empty)");
	} else {
		m->rc = secret_put(
		    m->t, m->answer->q->channel.device, name, bytes, m->err);
		buf_printf(&m->answer->note, "; secrets/%s is new", name);
	}
	pl_set_string(dict, key, says);
}

static void move_all(struct mover *m, struct pl *node, unsigned depth);

struct below {
	struct mover *m;
	unsigned depth;
};

static bool
move_below(void *arg, const char *key, struct pl *value)
{
	const struct below *b = arg;

	if (!answer_is_secret(key))
		move_all(b->m, value, b->depth);
	return b->m->rc == ERR_OK;
}

static void
move_all(struct mover *m, struct pl *node, unsigned depth)
{
	struct below b = { m, depth + 1 };
	size_t i;

	if (depth > DEPTH_MAX)
		return;
	if (pl_type(node) == PL_ARRAY)
		for (i = 0; m->rc == ERR_OK && i < pl_array_len(node); i++)
			move_all(m, pl_array_at(node, i), depth + 1);
	if (pl_type(node) != PL_DICT)
		return;
	for (i = 0; m->rc == ERR_OK && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		enum pl_type type = pl_type(pl_dict_get(node, names[i]));

		if (type == PL_STRING || type == PL_DATA)
			move_one(m, node, names[i]);
	}
	if (m->rc == ERR_OK)
		pl_dict_each(node, move_below, &b);
}

enum err_code
answer_secrets(
    struct txn *t, struct answer *a, struct pl **shown, struct err *err)
{
	struct mover m = { t, a, err, ERR_OK };
	struct pl *copy;
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strcmp(foreign[i], a->q->type) == 0)
			return ERR_OK;
	if (!has_secret(a->message, 0))
		return ERR_OK;
	copy = pl_copy(a->message);
	move_all(&m, copy, 0);
	if (m.rc == ERR_OK)
		*shown = copy;
	else
		pl_free(copy);
	return m.rc;
}

/* ---- what a command has set --------------------------------------------- */

static enum err_code
read_command(
    struct txn *t, const struct queued *q, struct pl **ret, struct err *err)
{
	struct key k = queue_command_key(q->command);
	struct buf b = { 0 };
	enum err_code rc = q->mass != 0
	                       ? mass_plist(t, q->mass, q->uuid, &b, err)
	                       : txn_get_sealed(t, key_view(&k), &b, err);

	if (rc == ERR_OK)
		rc = pl_parse(buf_view(&b), ret, err);
	buf_wipe(&b);
	return rc;
}

enum err_code
answer_command_secret(struct txn *t, const struct answer *a, struct err *err)
{
	const struct queued *q = a->q;
	struct pl *command = NULL;
	const char *value;
	size_t i, n = sizeof(set_by) / sizeof(set_by[0]);
	bool yes = true;
	enum err_code rc;

	for (i = 0; i < n && strcmp(set_by[i].type, q->type) != 0; i++)
		;
	if (i == n || q->channel.user != 0)
		return ERR_OK;
	if (set_by[i].dict != NULL &&
	    pl_get_bool(pl_get_dict(a->message, set_by[i].dict),
		set_by[i].truth, &yes) &&
	    !yes)
		return ERR_OK;
	/* one that is gone is no reason to refuse an answer */
	rc = read_command(t, q, &command, NULL);
	value = rc != ERR_OK ? NULL
	                     : pl_get_string(pl_get_dict(command, "Command"),
				   set_by[i].key);
	rc = ERR_OK;
	if (value != NULL && strlen(value) <= ANSWER_SECRET_MAX)
		rc = secret_put(t, q->channel.device, set_by[i].name,
		    bytes_text(value), err);
	pl_free(command);
	return rc;
}
