/* Mail domains, by which an organization is found. */
#include "tests/model/admission.h"

static enum err_code
write_domains(uint64_t dir, const char *text)
{
	return try(dir, "domains", PLACE_ENROLLMENT_DOMAINS, text);
}

struct domain {
	const char *name;
	uint32_t org;
};

static enum err_code
domain_txn(struct txn *t, void *arg, struct err *err)
{
	struct domain *d = arg;

	return domain_org(t, d->name, &d->org, err);
}

static uint32_t
org_of(const char *domain)
{
	struct domain d = { .name = domain };

	return store_view(rules->store, domain_txn, &d, &rules_err) == ERR_OK
	           ? d.org
	           : 0;
}

static void
test_domains(void)
{
	uint64_t other;

	ok(write_domains(enrollment, "acme.example # mail\nacme.test\n") ==
		ERR_OK,
	    "domains");
	ok(org_of("ACME.Example") == acme && org_of("acme.test") == acme,
	    "lead to their organization");
	ok(org_of("example") == 0 && org_of("") == 0 && org_of("mail") == 0,
	    "others do not");
	other =
	    put(org_dir("umbrella"), "enrollment", PLACE_ENROLLMENT, "").ino;
	ok(write_domains(other, "a.example\nAcme.test") == ERR_NOT_UNIQUE &&
		says("Acme.test is another organization's"),
	    "one belongs to one organization");
	ok(org_of("a.example") == 0, "and nothing of a refused file counts");
	ok(write_domains(enrollment, "acme.test\n") == ERR_OK &&
		org_of("acme.example") == 0,
	    "a list that is written anew is not in its own way");
	/* clang-format off */
	static const char *const wrong[] = { "localhost", "a@b.example", ".example", "example.", "a..b", "https://a.example", "a.example b.example" };
	/* clang-format on */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(judge(PLACE_ENROLLMENT_DOMAINS, "domains", wrong[i]) ==
			ERR_INVALID,
		    wrong[i]);
}

int
main(void)
{
	admission_begin();
	test_domains();
	engine_close(rules);
	return tap_done();
}
