#include <string.h>

#include <openssl/crypto.h>

#include "engine/mdm/ota.h"
#include "engine/mdm/profile.h"
#include "engine/model/orgs.h"
#include "engine/model/ota_sessions.h"

bool
ota_wanted(struct txn *t, uint32_t org)
{
	struct node n;

	return org_file(t, org, "enrollment", "encrypted", &n, NULL) == ERR_OK;
}

struct begin {
	struct engine *engine;
	const struct admission_ask *ask;
	struct admission admission;
	struct profile_inputs in;
	char challenge[CHALLENGE_LEN + 1];
	struct buf payload;
};

/*
 * Where serial numbers decide, the device tells its own in the next step.
 * Then the gate is asked again, also where the door is open.
 */
static enum err_code
admit(struct txn *t, struct begin *x, bool take, struct err *err)
{
	bool person = x->ask->user != NULL || x->ask->invitation != NULL;
	bool listed = false;
	enum err_code rc;

	if (take && person)
		return admission_take(t, x->engine, x->ask, &x->admission, err);
	rc = admission_check(t, x->ask, &x->admission, err);
	if (rc == ERR_DENIED && !person) {
		(void)admission_serial(t, x->ask->org, "", &listed);
		if (listed)
			rc = ERR_OK;
	}
	if (!person)
		x->admission = (struct admission){ .way = ADMISSION_NONE };
	return rc;
}

static enum err_code
look_txn(struct txn *t, void *arg, struct err *err)
{
	struct begin *x = arg;
	enum err_code rc = admit(t, x, false, err);

	profile_inputs_fini(&x->in);
	if (rc == ERR_OK)
		rc = profile_inputs(t, x->engine, x->ask->org, &x->in, err);
	return rc;
}

static enum err_code
keep_txn(struct txn *t, void *arg, struct err *err)
{
	struct begin *x = arg;
	struct ota o = { .org = x->ask->org, .state = OTA_BEGUN };
	enum err_code rc = admit(t, x, true, err);

	o.admission = x->admission;
	if (rc == ERR_OK)
		rc = ota_add(t, &o, x->challenge, engine_now(x->engine), err);
	return rc;
}

enum err_code
ota_begin(struct engine *e, const struct enroll_grant *g, struct buf *b,
    struct err *err)
{
	struct begin x = { .engine = e, .ask = g->ask };
	enum err_code rc = store_view(e->store, look_txn, &x, err);

	if (rc == ERR_OK)
		rc = challenge_make(x.challenge, err);
	if (rc == ERR_OK)
		rc = profile_make_service(&x.in, x.challenge, &x.payload, err);
	if (rc == ERR_OK)
		rc = store_update(e->store, keep_txn, &x, err);
	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&x.payload));
		rc = buf_error(b, err);
	}
	profile_inputs_fini(&x.in);
	buf_wipe(&x.payload);
	OPENSSL_cleanse(x.challenge, sizeof(x.challenge));
	return rc;
}
