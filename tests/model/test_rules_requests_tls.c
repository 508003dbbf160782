/* Requests for HTTPS certificates: their names, and further directories. */
#include "tests/model/requests.h"

static size_t
names_of_request(enum place place, const char *first)
{
	struct csr *r = request(0, place);
	size_t n = 0;

	if (r != NULL && csr_n_names(r) > 0 &&
	    strcmp(csr_name(r, 0)->text, first) == 0)
		n = csr_n_names(r);
	csr_free(r);
	return n;
}

static void
test_tls(void)
{
	uint64_t dir = put(FILE_INO_SYSTEM, "tls", PLACE_TLS, "").ino;
	struct id first, now;
	uint64_t mail;
	struct buf b = { 0 };

	must(ask(dir, "CN=mdm.example.com"));
	ok(is_none(key_of_request(0, PLACE_TLS)) &&
		page_says(0, PLACE_TLS, "request: waits for a name") &&
		told("waits for a name", "system/url"),
	    "a TLS request without a name waits, and says for what");
	put(FILE_INO_SYSTEM, "url", PLACE_SYSTEM_URL,
	    "https://MDM.example.com:8443");
	first = key_of_request(0, PLACE_TLS);
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "it appears with the host of system/url");
	put(dir, "names", PLACE_SLOT_NAMES, "*.example.com, 192.0.2.1\n");
	now = key_of_request(0, PLACE_TLS);
	ok(names_of_request(PLACE_TLS, "*.example.com") == 2 &&
		same(first, now) && told("made again", "*.example.com"),
	    "names come before it; the key stays");
	take_away(dir, "names");
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "without them it is the url again");
	take_away(FILE_INO_SYSTEM, "url");
	ok(names_of_request(PLACE_TLS, "mdm.example.com") == 1,
	    "a request that is there does not go because the url does");

	mail = put(dir, "mail", PLACE_TLS_NAMED, "").ino;
	put(mail, "names", PLACE_SLOT_NAMES, "mail.example.com");
	must(ask(mail, "CN=mail"));
	must(org_tls_request_page(rules, mail, &b, &rules_err));
	ok(told("tls.d/mail.csr", "system/tls/mail/"),
	    "system/tls/NAME has a request of its own");
	take_away(mail, "names");
	take_away(mail, "subject");
	take_away(dir, "mail");
	mail = put(dir, "mail", PLACE_TLS_NAMED, "").ino;
	put(mail, "names", PLACE_SLOT_NAMES, "mail.example.com");
	must(ask(mail, "CN=mail"));
	buf_reset(&b);
	must(org_tls_page(rules, mail, &b, &rules_err));
	ok(strstr(event_with("tls.d/mail.csr"), "made before") != NULL,
	    "its key is there again when a directory of that name is");
	buf_free(&b);
}

int
main(void)
{
	requests_begin();
	test_tls();
	return requests_done();
}
