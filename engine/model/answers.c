#include "engine/model/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/answers_priv.h"

#define DEPTH_MAX 4 /* dictionaries in another */

/* clang-format off */
const struct answer_row answer_rows[] = {
	/* request type                  key in the answer             how                  name */
	{ "DeviceInformation",           "QueryResponses",             ANSWER_FACTS,        "" },
	{ "SecurityInfo",                "SecurityInfo",               ANSWER_FACTS,        "" },
	{ "ContentCachingInformation",   "StatusResponse",             ANSWER_FACTS,        "ContentCaching." },
	{ "DeviceLocation",              "",                           ANSWER_FACTS,        "DeviceLocation." },
	{ "LOMSetupRequest",             "",                           ANSWER_FACTS,        "LOM." },
	{ "InstalledApplicationList",    "InstalledApplicationList",   ANSWER_LIST,         "InstalledApplicationList" },
	{ "ManagedApplicationList",      "ManagedApplicationList",     ANSWER_NAMED,        "ManagedApplicationList" },
	{ "ManagedApplicationAttributes", "ApplicationAttributes",     ANSWER_LIST,         "ManagedApplicationAttributes" },
	{ "ManagedMediaList",            "Books",                      ANSWER_LIST,         "ManagedMediaList" },
	{ "CertificateList",             "CertificateList",            ANSWER_LIST,         "CertificateList" },
	{ "ProfileList",                 "ProfileList",                ANSWER_LIST,         "ProfileList" },
	{ "ProvisioningProfileList",     "ProvisioningProfileList",    ANSWER_LIST,         "ProvisioningProfileList" },
	{ "Restrictions",                "",                           ANSWER_RESTRICTIONS, "Restrictions" },
	{ "UserList",                    "Users",                      ANSWER_LIST,         "UserList" },
	{ "AvailableOSUpdates",          "AvailableOSUpdates",         ANSWER_LIST,         "AvailableOSUpdates" },
	{ "OSUpdateStatus",              "OSUpdateStatus",             ANSWER_LIST,         "OSUpdateStatus" },
	{ "ActiveNSExtensions",          "Extensions",                 ANSWER_LIST,         "ActiveNSExtensions" },
	{ "NSExtensionMappings",         "Extensions",                 ANSWER_LIST,         "NSExtensionMappings" },
	{ NULL, NULL, 0, NULL },
};

/* Keys of every answer, which are no facts. */
static const char *const envelope[] = { "CommandUUID", "Status", "UDID",
	"EnrollmentID", "EnrollmentUserID", "UserID", "UserShortName",
	"UserLongName", "NotOnConsole", "RequestType", "ErrorChain", NULL };
/* clang-format on */

struct learner {
	struct txn *t;
	struct answer *answer;
	uint32_t device;
	struct pl *facts; /* flat */
	size_t n;         /* of them */
	const char *prefix;
	unsigned depth;
	bool whole; /* the keys of envelope[] are beside the facts */
	struct err *err;
	enum err_code rc;
};

/* ---- lists -------------------------------------------------------------- */

static enum err_code
count_one(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	size_t *n = arg;

	(void)key;
	(void)value;
	(void)err;
	*stop = ++*n >= ANSWER_LISTS_MAX;
	return ERR_OK;
}

static bool
has_room(struct txn *t, const struct key *prefix, const struct key *k)
{
	struct bytes old;
	size_t n = 0;

	return txn_get(t, key_view(k), &old, NULL) == ERR_OK ||
	       (txn_each(t, key_view(prefix), BYTES_NONE, count_one, &n,
		    NULL) == ERR_OK &&
		   n < ANSWER_LISTS_MAX);
}

static enum err_code
put_list(struct learner *l, const char *name, const struct pl *list)
{
	struct key prefix = key_of(KIND_LIST), k;
	struct buf b = { 0 };
	enum err_code rc = ERR_OK;

	if (!fact_name_valid(name))
		return ERR_OK;
	key_u32(&prefix, l->device);
	k = prefix;
	key_bytes(&k, bytes_text(name));
	pl_write_binary(list, &b);
	if (b.len > ANSWER_LIST_MAX || !has_room(l->t, &prefix, &k))
		buf_printf(&l->answer->note,
		    "; %.80s is too much for info/, results/ has it", name);
	else if ((rc = buf_error(&b, l->err)) == ERR_OK)
		rc = txn_put(l->t, key_view(&k), buf_view(&b), l->err);
	buf_free(&b);
	return rc;
}

/* ---- facts -------------------------------------------------------------- */

static bool learn_pair(void *arg, const char *key, struct pl *value);

static void
learn_dict(struct learner *l, const char *prefix, const struct pl *dict)
{
	const char *before = l->prefix;

	if (l->depth++ < DEPTH_MAX) {
		l->prefix = prefix;
		pl_dict_each(dict, learn_pair, l);
		l->prefix = before;
	}
	l->depth--;
}

/* "a,b,c"; false if it holds others than short scalars. */
static bool
join(const struct pl *array, struct buf *b)
{
	size_t i;

	for (i = 0; i < pl_array_len(array); i++) {
		const struct pl *item = pl_array_at(array, i);

		if (i > 0)
			buf_char(b, ',');
		if (pl_type(item) == PL_DATA || !fact_text(item, b) ||
		    b->len > FACT_VALUE_MAX)
			return false;
	}
	return true;
}

static void
learn_array(struct learner *l, const char *name, const struct pl *array)
{
	struct buf b = { 0 };

	if (pl_type(pl_array_at(array, 0)) != PL_DICT && join(array, &b))
		pl_set_string(l->facts, name, buf_str(&b));
	else
		l->rc = put_list(l, name, array);
	buf_free(&b);
}

static bool
is_envelope(const struct learner *l, const char *key)
{
	size_t i;

	for (i = 0; l->whole && l->depth == 1 && envelope[i] != NULL; i++)
		if (strcmp(envelope[i], key) == 0)
			return true;
	return false;
}

static bool
learn_pair(void *arg, const char *key, struct pl *value)
{
	struct learner *l = arg;
	char name[FACT_KEY_MAX + 2];
	int len = snprintf(name, sizeof(name), "%s%s", l->prefix, key);

	if (is_envelope(l, key) || len >= (int)sizeof(name) - 1)
		return true;
	if (pl_type(value) == PL_ARRAY) {
		learn_array(l, name, value);
	} else if (pl_type(value) == PL_DICT) {
		memcpy(name + len, ".", 2);
		learn_dict(l, name, value);
	} else if (l->n++ < FACTS_MAX) {
		pl_dict_set(l->facts, name, pl_copy(value));
	}
	return l->rc == ERR_OK;
}

static enum err_code
learn_facts(struct learner *l, const char *prefix, const struct pl *dict)
{
	static const char *const none[] = { NULL };

	l->facts = pl_new_dict();
	learn_dict(l, prefix, dict);
	if (l->rc == ERR_OK)
		l->rc = fact_put_all(l->t, l->device, l->facts, none, l->err);
	pl_free(l->facts);
	return l->rc;
}

/* ---- an answer ---------------------------------------------------------- */

static enum err_code
learn_restrictions(struct learner *l, const struct pl *message)
{
	static const char *const keys[] = { "GlobalRestrictions",
		"ProfileRestrictions" };
	struct pl *both = pl_new_dict();
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < 2; i++)
		if (pl_get_dict(message, keys[i]) != NULL)
			pl_dict_set(both, keys[i],
			    pl_copy(pl_get_dict(message, keys[i])));
	if (pl_dict_len(both) > 0)
		rc = put_list(l, "Restrictions", both);
	pl_free(both);
	return rc;
}

static enum err_code
learn_row(
    struct learner *l, const struct answer_row *row, const struct pl *message)
{
	const struct pl *what =
	    row->key[0] == '\0' ? message : pl_dict_get(message, row->key);

	l->whole = row->key[0] == '\0';
	switch (row->how) {
	case ANSWER_FACTS:
		return pl_type(what) == PL_DICT
		           ? learn_facts(l, row->name, what)
		           : ERR_OK;
	case ANSWER_LIST:
		return pl_type(what) == PL_ARRAY ? put_list(l, row->name, what)
		                                 : ERR_OK;
	case ANSWER_NAMED:
		return pl_type(what) == PL_DICT ? put_list(l, row->name, what)
		                                : ERR_OK;
	case ANSWER_RESTRICTIONS:
		return learn_restrictions(l, message);
	}
	return ERR_OK;
}

static enum err_code
learn(
    struct txn *t, struct answer *a, const struct pl *message, struct err *err)
{
	struct learner l = {
		.t = t, .answer = a, .device = a->q->channel.device, .err = err
	};
	const struct answer_row *row = answer_rows;

	/* info/ is the device's, and what a user sees is not always that */
	if (!a->acknowledged || a->q->channel.user != 0)
		return ERR_OK;
	while (row->type != NULL && strcmp(row->type, a->q->type) != 0)
		row++;
	return row->type == NULL ? ERR_OK : learn_row(&l, row, message);
}

enum err_code
answer_learn(struct txn *t, struct answer *a, struct err *err)
{
	struct pl *shown = NULL;
	enum err_code rc = answer_secrets(t, a, &shown, err);

	if (rc == ERR_OK)
		rc = learn(t, a, shown != NULL ? shown : a->message, err);
	if (rc == ERR_OK && a->acknowledged)
		rc = answer_command_secret(t, a, err);
	if (rc == ERR_OK && shown != NULL) {
		pl_write_xml(shown, &a->shown);
		rc = buf_error(&a->shown, err);
	}
	pl_free(shown);
	return rc;
}

void
answer_free(struct answer *a)
{
	buf_free(&a->shown);
	buf_free(&a->note);
}

void
answer_goes(const char *type, struct buf *b)
{
	const struct answer_row *row = answer_rows;

	while (row->type != NULL && strcmp(row->type, type) != 0)
		row++;
	if (row->type == NULL)
		return;
	if (row->how == ANSWER_FACTS)
		buf_printf(b, "What it answers goes to info/%s, a file a fact.",
		    row->name[0] != '\0' ? row->name : "");
	else
		buf_printf(b,
		    "What it answers is shown as info/%s.tsv and "
		    "info/%s.plist.",
		    row->name, row->name);
}
