/* Users: what a file of a password may hold, and whom it lets in. */
#include "engine/model/accounts.h"

#include "tests/model/admission.h"

/* of "x" */
#define YESCRYPT                                                               \
	"$y$j75$u.vqYzo3cfRknbt1ZOIVq1$2j9DMXrwTCIxrpbh60aZsnYgD732uW787Q51y"  \
	"Jg6wYA"

static void
test_password_file(void)
{
	/* clang-format off */
	static const struct { const char *text; enum err_code rc; const char *says; } files[] = {
		{ YESCRYPT,                          ERR_OK,           "" },
		{ YESCRYPT "\n",                     ERR_OK,           "" },
		{ "",                                ERR_INVALID,      "it is empty" },
		{ "secret",                          ERR_INVALID,      "plain password" },
		{ "secret\nsecond\n",                ERR_INVALID,      "more than one line" },
		{ YESCRYPT "\n" YESCRYPT,            ERR_INVALID,      "more than one line" },
		{ "saxRH9pMbBbhc",                   ERR_INVALID,      "plain password" },
		{ "$",                               ERR_INVALID,      "" },
		{ "$$",                              ERR_INVALID,      "" },
		{ "$1$6XC.nXCx$XhIRvzkkgZIwFeP8A2SP6/", ERR_KEY_REJECTED, "" },
		{ "$y$jZT$u.vqYzo3cfRknbt1ZOIVq1$2j", ERR_KEY_REJECTED, "cost" },
		{ "$y$j75$u.vqYzo3cfRknbt1ZOIVq1$2j9", ERR_UNDECODABLE, "cut off" },
		{ "$6$rounds=99999999$abcdefgh$x",   ERR_KEY_REJECTED, "cost" },
		{ "$7$CU..../....saltsaltsalt$NctUPgomRI3Fl.Zl/r8nuLvG/0PmBTj/yymn3GFIMkC", ERR_OK, "" },
		{ "$7$CU....cD...saltsaltsalt$NctUPgomRI3Fl.Zl/r8nuLvG/0PmBTj/yymn3GFIMkC", ERR_KEY_REJECTED, "cost" },
		{ "$7$8..6../....saltsaltsalt$NctUPgomRI3Fl.Zl/r8nuLvG/0PmBTj/yymn3GFIMkC", ERR_KEY_REJECTED, "cost" },
		{ "$7$",                             ERR_KEY_REJECTED, "" },
		{ "$2b$31$SxXz8eWacfGKIpQ/tectJuLWXhqPH1Ai0PJwgBqz.SQ3EoqigWhwy", ERR_KEY_REJECTED, "cost" },
		{ CHEAP_HASH,                        ERR_OK,           "" },
		{ "$9$nobody$knows",                 ERR_INVALID,      "mkpasswd -m yescrypt" },
	};
	/* clang-format on */
	char long_one[2000];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ok(judge(PLACE_USER_PASSWORD, "password", files[i].text) ==
			    files[i].rc &&
			says(files[i].says),
		    named(files[i].text));
	memset(long_one, 'a', sizeof(long_one));
	long_one[0] = '$';
	long_one[sizeof(long_one) - 1] = '\0';
	ok(judge(PLACE_USER_PASSWORD, "password", long_one) == ERR_INVALID,
	    "what is longer than any hash");
	ok(judge(PLACE_USER_FULL_NAME, "full-name", "a\nb") == ERR_INVALID,
	    "a full name of two lines");
	ok(!strstr(rules_err.msg, "secret"), "no refusal repeats a password");
}

struct login {
	const char *name;
	struct account a;
};

static enum err_code
find_txn(struct txn *t, void *arg, struct err *err)
{
	struct login *l = arg;

	return account_find(t, acme, l->name, &l->a, err);
}

static struct account
account(const char *name)
{
	struct login l = { .name = name };

	must(store_view(rules->store, find_txn, &l, &rules_err));
	return l.a;
}

static void
test_accounts(void)
{
	uint64_t users, alice;
	struct account a;
	char again[ACCOUNT_HASH_MAX];

	a = account("alice");
	ok(!a.known && strncmp(a.hash, "$y$", 3) == 0,
	    "without users a name that is not known has a hash");
	ok(!account_proves(&a, "x"), "which no password has");
	put(put(FILE_INO_ORGS, "empty", PLACE_ORG, "").ino, "users",
	    PLACE_ORG_USERS, "");
	users = put(org_dir("acme"), "users", PLACE_ORG_USERS, "").ino;
	alice = put(users, "alice", PLACE_ORG_USER, "").ino;
	a = account("alice");
	ok(!a.known, "one without a password is not known");
	put(alice, "password", PLACE_USER_PASSWORD, YESCRYPT);
	put(alice, "full-name", PLACE_USER_FULL_NAME, "Alice\n");
	a = account("alice");
	ok(a.known && strcmp(a.full_name, "Alice") == 0, "then it is");
	ok(account_proves(&a, "x"), "by its password");
	ok(!account_proves(&a, "y") && !account_proves(&a, ""), "and no other");
	a = account("mallory");
	ok(!a.known && strcmp(a.hash, YESCRYPT) == 0 &&
		!account_proves(&a, "x"),
	    "who is not known is compared with somebody, and never let in");
	put_user(users, "bob", CHEAP_HASH);
	a = account("mallory");
	memcpy(again, a.hash, sizeof(again));
	a = account("mallory");
	ok(strcmp(again, a.hash) == 0, "always with the same one");
	ok(!account("").known && !account("../acme").known,
	    "nothing, and a path, are no names");
}

int
main(void)
{
	admission_begin();
	test_password_file();
	test_accounts();
	engine_close(rules);
	return tap_done();
}
