/* A private root that takes another one's place under enrolled devices. */
#include <time.h>

#include "engine/model/slots.h"
#include "tests/model/rules.h"
#include "tests/pki/material.h"

static uint64_t tls;

static void
make_root(const char *name)
{
	sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout %s.key -out "
	   "%s.pem -days 3000 -subj /CN=%s",
	    name, name, name);
}

/* Files of those names: certificate, key and root in each. */
static void
make_leaf(const char *root, const char *name)
{
	sh("printf 'subjectAltName=DNS:mdm.example.com\\n"
	   "extendedKeyUsage=serverAuth' > ext; "
	   "openssl req -new -newkey rsa:2048 -nodes -keyout k -out csr -subj "
	   "/CN=mdm; openssl x509 -req -in csr -CA %s.pem -CAkey %s.key "
	   "-days 300 -extfile ext -out c; cat c k %s.pem > %s",
	    root, root, root, name);
}

static void
copy(const char *name)
{
	struct buf b = load(name);

	must(try_bytes(tls, "tls.pem", PLACE_TLS_FILE, buf_view(&b)));
	buf_free(&b);
}

int
main(void)
{
	static const struct engine_options options;
	static const char told[] = "lacks the new root refuses to connect";
	static const char gone[] = "shows a certificate of its own now";
	uint32_t acme;

	material_begin();
	rules_ns = (int64_t)time(NULL) * 1000000000;
	rules_begin(&options);
	acme = org_number("acme");
	tls = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, "").ino;
	make_root("one");
	make_root("two");
	make_leaf("one", "a.pem");
	make_leaf("one", "b.pem");
	make_leaf("two", "c.pem");

	copy("a.pem");
	copy("c.pem");
	ok(!has_event(told), "without devices roots come and go");
	copy("a.pem");
	issue(acme, 1, 0);
	must(authenticate(acme, 1, "R-1", "SERIAL"));
	must(token_update(acme, 1, "R-1", "", TOPIC));
	copy("b.pem");
	ok(!has_event(told), "a renewal under the same root is no matter");
	copy("c.pem");
	ok(has_event(told) && has_event("(CN=two)") && has_event("(CN=one)") &&
		has_event("enrolled (1)") && has_event("trust.mobileconfig"),
	    "another private root is told, with both roots, the number of "
	    "devices and the way out");
	ok(!has_event(gone), "as long as there is one, no other is spoken of");
	take_away(tls, "tls.pem");
	ok(has_event(gone) && has_event("enrolled device (1)"),
	    "so is the server's own in place of one that was removed");
	engine_close(rules);
	return tap_done();
}
