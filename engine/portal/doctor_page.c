#include <string.h>

#include "engine/base/text.h"
#include "engine/model/health.h"
#include "engine/model/probe.h"
#include "engine/model/third_party.h"

/* status/doctor: one line a check, fields between tabs. */

enum err_code
health_doctor_page(struct engine *e, health_filter *filter, void *arg,
    struct buf *b, struct err *err)
{
	struct health h;
	size_t i;
	enum err_code rc = health_examine(e, filter, arg, &h, err);

	if (rc != ERR_OK)
		return rc;
	for (i = 0; i < h.n_checks; i++) {
		const struct health_check *k = &h.checks[i];

		buf_text(b, health_state_name(k->state));
		buf_char(b, '\t');
		buf_text(b, k->name);
		buf_char(b, '\t');
		buf_text(b, k->whose[0] == '\0' ? "-" : k->whose);
		buf_char(b, '\t');
		buf_text(b, k->cause);
		buf_char(b, '\t');
		buf_text(b, k->remedy[0] == '\0' ? "-" : k->remedy);
		buf_char(b, '\n');
	}
	health_fini(&h);
	return buf_error(b, err);
}

static enum err_code
ask_txn(struct txn *t, void *arg, struct err *err)
{
	(void)arg;
	return probe_ask(t, err);
}

enum err_code
health_doctor_write(struct engine *e, struct bytes bytes, struct err *err)
{
	if (!bytes_equal(text_trim(bytes), bytes_text("live")))
		return err_set(err, ERR_INVALID,
		    "status/doctor takes the word \"live\" alone: it asks the "
		    "push service now whether it takes the push certificates, "
		    "and other CAs for what they have");
	if (e->scep != NULL)
		e->scep->live(e->scep->ctx);
	return store_update(e->store, ask_txn, NULL, err);
}
