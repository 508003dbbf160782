#include "engine/mdm/mdm.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "engine/base/log.h"
#include "engine/mdm/mdm_priv.h"
#include "engine/model/rate.h"

enum err_code
mdm_open(struct engine *e, struct mdm **ret, struct err *err)
{
	struct mdm *m = calloc(1, sizeof(*m));
	enum err_code rc = ERR_OK;

	if (m == NULL)
		return err_set(err, ERR_NO_MEMORY, "mdm");
	m->engine = e;
	if ((m->rate = rate_new(&rate_profiles)) == NULL ||
	    (m->login = login_new()) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "mdm");
	if (rc == ERR_OK && RAND_bytes(m->form_key, sizeof(m->form_key)) != 1)
		rc = err_set(err, ERR_INTERNAL, "no random bytes");
	if (rc == ERR_OK) {
		*ret = m;
		m = NULL;
	}
	mdm_close(m);
	return rc;
}

void
mdm_close(struct mdm *m)
{
	if (m == NULL)
		return;
	rate_free(m->rate);
	login_free(m->login);
	OPENSSL_cleanse(m->form_key, sizeof(m->form_key));
	free(m);
}

void
mdm_refuse(struct exchange *x, enum err_code rc, const struct err *err)
{
	int status = err_http(rc);

	if (rc == ERR_GONE || rc == ERR_NOT_FOUND || status >= 500)
		;
	else
		status = 400;
	log_stranger("%s %s from %s: %d: %s", x->method, x->path, x->peer,
	    status, err->msg);
	exchange_text(x, status, "%s", err->msg);
}

void
mdm_exchange(struct exchange *x, struct mdm *m)
{
	struct pl *message = NULL;
	struct speaker s = { .cert = NULL };
	struct err err = { 0 };
	enum err_code rc = pl_parse(x->body, &message, &err);

	if (rc == ERR_OK)
		rc = door_speaker(m, x, message, &s, &err);
	if (rc != ERR_OK)
		mdm_refuse(x, rc, &err);
	else if (!account_may_speak(m, x, &s))
		;
	else if (pl_get_string(message, "MessageType") != NULL)
		checkin_answer(m, x, &s);
	else
		connect_answer(m, x, &s);
	cert_free(s.cert);
	pl_free(message);
}
