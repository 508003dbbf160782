/* Which HTTPS identity is for whom, and what the server is given of them. */
#include "engine/model/tls.h"

#include "engine/pki/ca.h"
#include "engine/tls.h"
#include "tests/lib/wire_client.h"
#include "tests/model/rules.h"

static struct identity *root;
static uint64_t dirs; /* of system/tls/NAME, as the tests number them */

/* An identity for those names, in effect in that slot. */
struct install {
	struct slot_id id;
	struct identity *identity;
};

static enum err_code
install_txn(struct txn *t, void *arg, struct err *err)
{
	const struct install *x = arg;

	return x->identity == NULL ? slot_clear(t, x->id, err)
	                           : slot_install(t, x->id, x->identity, err);
}

static void
install_names(
    uint32_t org, uint64_t dir, const struct san *names, size_t n_names)
{
	struct ca_server server = {
		.names = names, .n_names = n_names, .days = 90
	};
	struct install x = { .id = { org, SLOT_OF_TLS, dir } };
	struct cert *leaf = NULL, *pool[1];
	struct pkey *key = NULL;

	if (n_names > 0) {
		must(pkey_generate_p256(&key, &rules_err));
		must(ca_issue_server(
		    root, key, &server, engine_now(rules), &leaf, &rules_err));
		pool[0] = identity_leaf(root);
		must(identity_new(key, leaf, pool, 1, &x.identity, &rules_err));
	}
	must(store_update(rules->store, install_txn, &x, &rules_err));
	identity_free(x.identity);
	cert_free(leaf);
	pkey_free(key);
}

/* a NULL: out of effect */
static void
install(uint32_t org, uint64_t dir, const char *a, const char *b)
{
	struct san names[2] = { { SAN_DNS, a }, { SAN_DNS, b } };

	install_names(org, dir, names, a == NULL ? 0 : b == NULL ? 1 : 2);
}

struct asked {
	uint32_t org;
	const char *host;
	struct tls_choice choice;
};

static enum err_code
choose_txn(struct txn *t, void *arg, struct err *err)
{
	struct asked *x = arg;

	return tls_choose(
	    t, x->org, x->host, engine_now(rules), &x->choice, err);
}

/* The first name of the certificate that devices of org get for host, with
 * "!" behind it if it does not carry the name. */
static const char *
chosen(uint32_t org, const char *host)
{
	static char name[128];
	struct asked x = { .org = org, .host = host };

	must(store_view(rules->store, choose_txn, &x, &rules_err));
	snprintf(name, sizeof(name), "%s%s",
	    cert_name(x.choice.chains[0].leaf, 0)->text,
	    x.choice.covered ? "" : "!");
	tls_choice_fini(&x.choice);
	return name;
}

static bool
is(const char *got, const char *wanted)
{
	bool yes = strcmp(got, wanted) == 0;

	if (!yes)
		printf("# got \"%s\", not \"%s\"\n", got, wanted);
	return yes;
}

static void
test_choice(uint32_t acme, uint32_t umbrella)
{
	install(0, 0, "mdm.example.com", "*.example.com");
	ok(is(chosen(acme, "mdm.example.com"), "mdm.example.com"),
	    "system/tls for its names");
	ok(is(chosen(acme, "a.example.com"), "mdm.example.com"),
	    "also by a star");
	ok(is(chosen(acme, "a.b.example.com"), "mdm.example.com!"),
	    "and for all others, which it does not carry");
	install(0, dirs, "west.example.com", NULL);
	ok(is(chosen(acme, "west.example.com"), "west.example.com"),
	    "an exact name goes before a star");
	install(acme, 0, "acme.example.com", NULL);
	ok(is(chosen(acme, "ACME.example.com"), "acme.example.com"),
	    "an organization's own for its devices");
	ok(is(chosen(umbrella, "acme.example.com"), "mdm.example.com"),
	    "not for those of another one");
	ok(is(chosen(0, "acme.example.com"), "acme.example.com"),
	    "who is asked by name alone looks at all");
	install(acme, 0, "acme.example.com", "mdm.example.com");
	ok(is(chosen(acme, "mdm.example.com"), "mdm.example.com"),
	    "the system's goes before it for the same name");
}

/* Certificates of tests end after 90 days. */
#define LATER (INT64_C(100) * 86400 * 1000)

static void
test_choice_ended(uint32_t acme)
{
	install(0, 0, "old.example.com", NULL);
	install(0, dirs, "mdm.example.com", NULL);
	install(acme, 0, "late.example.com", NULL);
	pass(LATER);
	ok(is(chosen(acme, "mdm.example.com"), "mdm.example.com"),
	    "one that has ended is still told, if there is no other");
	install(0, dirs + 1, "new.example.com", "mdm.example.com");
	ok(is(chosen(acme, "mdm.example.com"), "new.example.com"),
	    "it gives way to a valid one");
	install(acme, 0, "acme.example.com", "*.example.com");
	ok(is(chosen(acme, "old.example.com"), "acme.example.com"),
	    "that may be an organization's, and have the name by a star");
	pass(-LATER);
	install(0, 0, NULL, NULL);
	install(0, dirs, NULL, NULL);
	install(0, dirs + 1, NULL, NULL);
	install(acme, 0, NULL, NULL);
}

static void
test_long_list(uint32_t acme)
{
	static char text[60][64];
	struct san names[60];
	struct tls_watch watch = { .look_at = 0 };
	size_t i;

	for (i = 0; i < 60; i++) {
		snprintf(text[i], sizeof(text[i]),
		    "host%02zu.a-department-with-a-long-name.example.org", i);
		names[i] = (struct san){ SAN_DNS, text[i] };
	}
	install_names(0, dirs, names, 60);
	ok(is(chosen(acme, text[59]), text[0]),
	    "the last of many names is found, too");
	must(tls_ensure(rules, &watch, &rules_err));
}

/* ---- the self-made one -------------------------------------------------- */

static bool
own_carries(const char *host)
{
	struct asked x = { .host = "nobody.invalid" };
	bool yes;

	must(store_view(rules->store, choose_txn, &x, &rules_err));
	yes = cert_covers_host(x.choice.chains[0].leaf, host);
	tls_choice_fini(&x.choice);
	return yes;
}

static void
test_own(uint32_t acme)
{
	struct tls_watch watch = { .look_at = 0 };
	uint64_t changes;

	install(0, 0, NULL, NULL);
	install(0, dirs, NULL, NULL);
	install(acme, 0, NULL, NULL);
	must(tls_ensure(rules, &watch, &rules_err));
	ok(own_carries("localhost") && own_carries("127.0.0.1"),
	    "with system/tls empty there is one for this machine");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://mdm.example.com");
	put(org_dir("acme"), "url", PLACE_ORG_URL,
	    "https://acme.example.net:8443");
	must(tls_ensure(rules, &watch, &rules_err));
	ok(own_carries("mdm.example.com") && own_carries("acme.example.net"),
	    "then for the hosts in system/url and orgs/ORG/url");
	put(org_dir("umbrella"), "url", PLACE_ORG_URL,
	    "https://covered.example.net");
	install(0, dirs, "covered.example.net", NULL);
	must(tls_ensure(rules, &watch, &rules_err));
	ok(!own_carries("covered.example.net"),
	    "not for one that another certificate covers");
	changes = watch.change.identities;
	must(tls_ensure(rules, &watch, &rules_err));
	must(tls_ensure(rules, &watch, &rules_err));
	ok(watch.change.identities == changes, "it is made once");
	pass(INT64_C(380) * 86400 * 1000);
	must(tls_ensure(rules, &watch, &rules_err));
	must(tls_ensure(rules, &watch, &rules_err));
	ok(watch.change.identities == changes + 1, "and again near its end");
	pass(-INT64_C(380) * 86400 * 1000);
}

static void
test_many_urls(void)
{
	struct tls_watch watch = { .look_at = 0 };
	struct file_node org;
	char name[32], url[64];
	int i;

	for (i = 0; i < TLS_OWN_MAX_NAMES + 20; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		org = put(FILE_INO_ORGS, name, PLACE_ORG, "");
		snprintf(url, sizeof(url), "https://many%d.example", i);
		put(org.ino, "url", PLACE_ORG_URL, url);
	}
	must(tls_ensure(rules, &watch, &rules_err));
	ok(own_carries("many90.example") && !own_carries("many119.example"),
	    "it has room for so many names");
}

/* ---- what the server is given ------------------------------------------- */

static struct server *server;

/* The first name of what a client sees that asks for host. */
static const char *
shown(const char *host)
{
	static char name[128];
	struct wire_client_options o = {
		.port = server_port(server, 0), .alpn = "http/1.1", .sni = host
	};
	struct wire_client c;
	X509 *x;

	name[0] = '\0';
	if (wire_connect(&c, &o) &&
	    (x = SSL_get0_peer_certificate(c.ssl)) != NULL)
		X509_NAME_get_text_by_NID(X509_get_subject_name(x),
		    NID_commonName, name, sizeof(name));
	wire_disconnect(&c);
	return name;
}

static enum err_code
damage_txn(struct txn *t, void *arg, struct err *err)
{
	const struct slot_id *id = arg;
	struct key k = key_of(KIND_IDENTITY);

	key_u32(&k, id->org);
	key_u8(&k, (uint8_t)id->slot);
	key_u64(&k, id->dir);
	return txn_put_sealed(t, key_view(&k), bytes_text("rubbish"), err);
}

static void
test_served(uint32_t acme, uint32_t umbrella)
{
	struct tls_served *served = NULL;
	struct server_options o = { .queue = 0 };
	struct wire_pair first;
	struct slot_id broken = { 0, SLOT_OF_TLS, dirs + 1 };

	wire_pair_make(&first, "first", 0, -60, 3600);
	server = wire_serve(o, &first);
	install(0, 0, "mdm.example.com", "*.example.net");
	install(0, dirs, "west.example.com", NULL);
	install(acme, 0, "acme.example.net", "mdm.example.com");
	install(umbrella, 0, "umbrella.example", "acme.example.net");
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "west.example.com") &&
		is(shown("acme.example.net"), "acme.example.net") &&
		is(shown("umbrella.example"), "umbrella.example"),
	    "each is served for its names");
	ok(is(shown("else.example"), "mdm.example.com"),
	    "system/tls for all others");
	ok(is(shown("mdm.example.com"), "mdm.example.com"),
	    "an organization's certificate does not take the system's host");
	install(acme, 0, NULL, NULL);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("acme.example.net"), "mdm.example.com"),
	    "nor the host in another organization's url");
	install(0, dirs + 1, "broken.example", NULL);
	install(acme, 0, "new.example", NULL);
	must(store_update(rules->store, damage_txn, &broken, &rules_err));
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("new.example"), "new.example") &&
		is(shown("west.example.com"), "west.example.com"),
	    "one that is damaged takes no others down");
	ok(is(shown("broken.example"), "mdm.example.com"), "is left out");
	ok(has_event("is not served: it cannot be read"),
	    "and an event says so");
	install(0, dirs + 1, NULL, NULL);
	install(0, dirs, "west.example.com", "more.example.com");
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("more.example.com"), "west.example.com"),
	    "a new certificate is served");
	install(0, dirs, NULL, NULL);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("more.example.com"), "mdm.example.com"),
	    "one that is gone is not");
	tls_served_free(served);
	served = NULL;
	install(0, dirs, "west.example.com", NULL);
	install(acme, 0, NULL, NULL);
	install(umbrella, 0, NULL, NULL);
	must(tls_serve(rules, server, &served, &rules_err));
	pass(LATER);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "west.example.com"),
	    "one that has ended is shown while there is no other");
	install(0, dirs + 1, "*.example.com", NULL);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "*.example.com"),
	    "and gives way to one that has not, by a star, too");
	install(0, dirs + 1, NULL, NULL);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "west.example.com"),
	    "until that is gone");
	pass(-LATER / 2);
	install(0, dirs, "west.example.com", NULL);
	pass(-LATER / 2);
	install(0, dirs + 1, "*.example.com", "west.example.com");
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "*.example.com"),
	    "of two that have not ended, the newest");
	pass(LATER);
	must(tls_serve(rules, server, &served, &rules_err));
	ok(is(shown("west.example.com"), "west.example.com"),
	    "the other one, once the first has ended");
	pass(-LATER);
	tls_served_free(served);
	server_close(server);
	wire_pair_free(&first);
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };
	uint32_t acme, umbrella;

	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
	umbrella = org_number("umbrella");
	dirs = 5000;
	must(ca_create("Root", engine_now(rules), &root, &rules_err));
	test_choice(acme, umbrella);
	test_choice_ended(acme);
	test_long_list(acme);
	test_own(acme);
	test_served(acme, umbrella);
	install(0, 0, NULL, NULL);
	test_many_urls();
	identity_free(root);
	engine_close(rules);
	return tap_done();
}
