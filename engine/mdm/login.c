#include "engine/mdm/login.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/model/accounts.h"
#include "engine/model/rate.h"

#define AT_ONCE 2 /* each takes a core for up to a second */
#define WAITING 2 /* each holds a request thread */

struct login {
	struct rate *names;
	pthread_mutex_t mutex;
	pthread_cond_t less;
	/* protected by mutex */
	unsigned running;
	unsigned waiting;
};

struct login *
login_new(void)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	if ((l->names = rate_new(&rate_profiles)) == NULL) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->less, NULL);
	return l;
}

void
login_free(struct login *l)
{
	if (l == NULL)
		return;
	pthread_cond_destroy(&l->less);
	pthread_mutex_destroy(&l->mutex);
	rate_free(l->names);
	free(l);
}

static bool
begin(struct login *l)
{
	bool yes;

	pthread_mutex_lock(&l->mutex);
	yes = l->running < AT_ONCE || l->waiting < WAITING;
	if (yes) {
		l->waiting++;
		while (l->running == AT_ONCE)
			pthread_cond_wait(&l->less, &l->mutex);
		l->waiting--;
		l->running++;
	}
	pthread_mutex_unlock(&l->mutex);
	return yes;
}

static void
end(struct login *l)
{
	pthread_mutex_lock(&l->mutex);
	l->running--;
	pthread_cond_signal(&l->less);
	pthread_mutex_unlock(&l->mutex);
}

struct find {
	const struct login_ask *ask;
	struct account account;
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct find *f = arg;

	return account_find(t, f->ask->org, f->ask->user, &f->account, err);
}

/* All ways to write one account count together (ann, ann@acme.example, and
 * with one domain more behind it), also if there is none: else that would
 * tell. */
static void
bucket(const struct login_ask *a, char *ret, size_t size)
{
	snprintf(
	    ret, size, "%u/%.*s", a->org, (int)strcspn(a->user, "@"), a->user);
}

enum err_code
login_check(struct login *l, struct engine *e, const struct login_ask *a,
    struct login_who *ret, struct err *err)
{
	struct find f = { .ask = a };
	char name[320];
	enum err_code rc;
	bool yes;

	*ret = (struct login_who){ .retry = "60" };
	bucket(a, name, sizeof(name));
	if (!rate_take_name(l->names, name, LOGIN_TRIES, LOGIN_EVERY, a->now)) {
		return err_set(err, ERR_QUOTA,
		    "too many wrong passwords were tried for this name: try "
		    "again in a minute");
	}
	if ((rc = store_view(e->store, find_txn, &f, err)) != ERR_OK)
		return rc;
	ret->known = f.account.known;
	memcpy(ret->account, f.account.name, sizeof(ret->account));
	if (!begin(l)) {
		rate_give_name(l->names, name, LOGIN_TRIES);
		ret->retry = "5";
		OPENSSL_cleanse(&f.account, sizeof(f.account));
		return err_set(err, ERR_QUOTA,
		    "many people sign in at this moment: try again in a few "
		    "seconds");
	}
	yes = account_proves(&f.account, a->password);
	end(l);
	OPENSSL_cleanse(&f.account, sizeof(f.account));
	if (!yes)
		return err_set(
		    err, ERR_DENIED, "the name or the password is not right");
	rate_give_name(l->names, name, LOGIN_TRIES);
	return ERR_OK;
}
