/* Passwords: how often, how many at once, and that names are no secret to be
 * found out. */
#include "engine/mdm/login.h"

#include <pthread.h>

#include "engine/model/rate.h"
#include "tests/model/rules.h"

/* Of "x"; about a second to compare. */
#define DEAR                                                                   \
	"$6$rounds=2000000$u.vqYzo3cfRknbt1$"                                  \
	"PMOwHq6bnD2B5ysGOLJBLSL5DytpPX71nbr"                                  \
	"ENVWaHcIplV3JVMKynNBk6DAzrkXqLUZWO6H5BYM8JQZixYEKK/"

static struct login *login;
static uint32_t acme;
static struct login_who who;
static struct file_node users, enrollment;

static enum err_code
attempt(const char *user, const char *password)
{
	struct login_ask a = { acme, user, password, engine_now(rules) };

	return login_check(login, rules, &a, &who, &rules_err);
}

static void
test_words(void)
{
	char right[sizeof(rules_err.msg)];

	ok(attempt("alice", "x") == ERR_OK && who.known, "the password");
	ok(attempt("alice", "y") == ERR_DENIED && who.known, "another one");
	memcpy(right, rules_err.msg, sizeof(right));
	ok(attempt("mallory", "x") == ERR_DENIED && !who.known,
	    "a name that is not known");
	ok(strcmp(right, rules_err.msg) == 0, "in the same words");
	ok(attempt("", "") == ERR_DENIED, "nothing at all");
}

static void
test_addresses(void)
{
	ok(attempt("alice@acme.example", "x") == ERR_DENIED,
	    "an address in a domain that is not the organization's");
	put(enrollment.ino, "domains", PLACE_ENROLLMENT_DOMAINS,
	    "acme.example\n");
	ok(attempt("alice@ACME.example", "x") == ERR_OK &&
		strcmp(who.account, "alice") == 0,
	    "in one of its own it means the name before the @");
	ok(attempt("alice@acme.example", "y") == ERR_DENIED, "by its password");
	ok(attempt("@acme.example", "x") == ERR_DENIED &&
		attempt("alice@", "x") == ERR_DENIED,
	    "half an address");
	put(put(users.ino, "alice@acme.example", PLACE_ORG_USER, "").ino,
	    "full-name", PLACE_USER_FULL_NAME, "Alice\n");
	ok(attempt("alice@acme.example", "x") == ERR_DENIED,
	    "a user of the whole address comes first");
}

static int
tries(const char *user)
{
	int n = 0;

	while (attempt(user, "wrong") == ERR_DENIED)
		n++;
	return n;
}

static void
test_often(void)
{
	int i;

	for (i = 0; i < 3 * LOGIN_TRIES; i++)
		if (attempt("alice", "x") != ERR_OK)
			break;
	ok(i == 3 * LOGIN_TRIES, "who knows it is not counted");
	pass(LOGIN_EVERY * 1000 * LOGIN_TRIES);
	ok(tries("alice") == LOGIN_TRIES, "who guesses is, for each name");
	ok(strcmp(who.retry, "60") == 0 && strstr(rules_err.msg, "in a minute"),
	    "and hears when to come back");
	ok(attempt("alice", "x") == ERR_QUOTA,
	    "then the right one has to wait as well");
	ok(attempt("bob", "x") == ERR_OK, "others have not");
	ok(tries("mallory") == LOGIN_TRIES,
	    "a name that is not known is counted just so");
	ok(attempt("mallory@acme.example", "x") == ERR_QUOTA &&
		attempt("alice@acme.example", "x") == ERR_QUOTA,
	    "an address counts like the name in it, so that neither tells");
	ok(attempt("alice@acme.example@acme.example", "x") == ERR_QUOTA,
	    "also with a domain more behind it, which finds that account, too");
	pass(LOGIN_EVERY * 1000);
	ok(tries("alice") == 1, "a minute is one more");
	pass(LOGIN_EVERY * 1000 * 1000);
	ok(tries("alice") == LOGIN_TRIES, "after a while it has all again");
	pass(LOGIN_EVERY * 1000 * 1000);
}

static void
test_names(void)
{
	struct rate *r = rate_new(&rate_profiles);
	char name[32];
	int i, yes = 0;

	for (i = 0; i < 20; i++)
		yes += rate_take_name(r, "a", 10, 60, 600 + i);
	ok(yes == 10, "a name has its burst");
	rate_give_name(r, "a", 10);
	ok(rate_take_name(r, "a", 10, 60, 620) &&
		!rate_take_name(r, "a", 10, 60, 620),
	    "what was given back counts");
	for (i = 0; i < 20; i++)
		rate_give_name(r, "b", 10);
	for (i = yes = 0; i < 20; i++)
		yes += rate_take_name(r, "b", 10, 60, 620);
	ok(yes == 10, "more than all is not given back");
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		(void)rate_take_name(r, name, 10, 60, 700);
	}
	ok(rate_take_name(r, "c", 10, 60, 760),
	    "a hundred thousand names cost no memory");
	rate_free(r);
}

/* ---- at once ------------------------------------------------------------ */

#define THREADS 8

static pthread_barrier_t barrier;

static void *
one(void *arg)
{
	char name[16];
	struct login_ask a = { acme, name, "wrong", engine_now(rules) };
	struct login_who mine;
	struct err err = { 0 };
	enum err_code *rc = arg;

	snprintf(name, sizeof(name), "slow%p", arg);
	pthread_barrier_wait(&barrier);
	*rc = login_check(login, rules, &a, &mine, &err);
	if (*rc == ERR_QUOTA && strcmp(mine.retry, "5") != 0)
		*rc = ERR_INTERNAL;
	return NULL;
}

static void
test_many(void)
{
	enum err_code rc[THREADS];
	pthread_t t[THREADS];
	int i, denied = 0, quota = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, one, &rc[i]);
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		denied += rc[i] == ERR_DENIED;
		quota += rc[i] == ERR_QUOTA;
	}
	pthread_barrier_destroy(&barrier);
	ok(denied + quota == THREADS && denied >= 4,
	    "eight at once: some are compared");
	ok(quota > 0,
	    "the others are told to wait, so that devices are answered");
	printf("# %d compared, %d told to wait\n", denied, quota);
	ok(denied <= 6, "never more than two at a time and two that wait");
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };
	uint64_t org;

	rules_begin(&options);
	acme = org_number("acme");
	org = org_dir("acme");
	users = put(org, "users", PLACE_ORG_USERS, "");
	put_user(users.ino, "alice", CHEAP_HASH);
	put_user(users.ino, "bob", CHEAP_HASH);
	login = login_new();
	enrollment = put(org, "enrollment", PLACE_ENROLLMENT, "");
	test_words();
	test_addresses();
	test_often();
	test_names();
	login_free(login);
	login_free(NULL);
	engine_close(rules);
	rules_begin(&options);
	acme = org_number("acme");
	org = org_dir("acme");
	users = put(org, "users", PLACE_ORG_USERS, "");
	put_user(users.ino, "dear", DEAR);
	login = login_new();
	test_many();
	login_free(login);
	engine_close(rules);
	return tap_done();
}
