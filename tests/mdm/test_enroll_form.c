/* The doors of enrollment as exchanges: forms and their proof, and what is
 * answered to whom.  There is no push certificate, so "no push certificate"
 * means: it was let in. */
#include "engine/mdm/form.h"

#include "engine/model/invitations.h"
#include "tests/mdm/doors.h"

#define IN "no push certificate"

/* A script's POST. */
static int
post(const char *body)
{
	return ask(mdm_enroll, &(struct request){ .body = bytes_text(body) });
}

/* A browser's, with that cookie and that token. */
static int
browse(const char *with_cookie, const char *token)
{
	char body[1024];
	struct request r = { .header = { "accept", "text/html,*/*", "origin",
				 "https://mdm.example.com", "cookie",
				 with_cookie } };

	snprintf(body, sizeof(body), "user=alice&password=x&form=%s", token);
	r.body = bytes_text(body);
	return ask(mdm_enroll, &r);
}

/* What stands in text between start and end; "" if nothing does. */
static const char *
between(char ret[static 256], const char *text, const char *start, char end)
{
	const char stop[] = { end, '\0' };
	const char *p = strstr(text, start);

	if (p == NULL)
		return "";
	p += strlen(start);
	snprintf(ret, 256, "%.*s", (int)strcspn(p, stop), p);
	return ret;
}

/* Of the last answer. */
static const char *
cookie(void)
{
	static char value[256];

	return between(value, headers, "set-cookie: ", ';');
}

static const char *
token_of_form(void)
{
	static char value[256];

	return between(value, buf_str(&reply), "name=\"form\" value=\"", '"');
}

static int
open_page(door_fn *door, const char *org, const char *query)
{
	struct request r = { .method = "GET",
		.org = org,
		.query = query,
		.header = { "accept", "text/html" } };

	return ask(door, &r);
}

/* ---- scripts ------------------------------------------------------------ */

static void
test_scripts(void)
{
	/* clang-format off */
	static const struct { const char *body; int status; const char *says; const char *what; } rows[] = {
		{ "user=alice&password=x",            403, IN, "user and password" },
		{ "password=x&user=alice",            403, IN, "in any order" },
		{ "user=%61lice&password=%78\r\n",    403, IN, "percent-encoded, with the end of a line" },
		{ "user=+alice+&password=x",          403, IN, "spaces around a name" },
		{ "user=alice&password=x+",           403, "not right", "spaces are a part of a password" },
		{ "user=alice&password=%00x",         400, "enter name", "a NUL" },
		{ "user=alice%0a&password=x",         403, IN, "the end of a line behind a name" },
		{ "user=al%0aice&password=x",         400, "enter name", "one within it" },
		{ "user=%ff&password=x",              400, "enter name", "what is no UTF-8" },
		{ "user=alice",                       400, "enter name", "no password" },
		{ "user=alice&password=",             400, "enter name", "an empty one" },
		{ "password=x",                       400, "enter name", "no name" },
		{ "",                                 400, "enter name", "nothing" },
		{ "&&&=&user&password=%",             400, "enter name", "rubbish" },
		{ "xuser=alice&xpassword=x",          400, "enter name", "other fields" },
		{ "user=..&password=x",               403, "not right", "a path" },
		{ "user=bob%2fpassword&password=x",   403, "not right", "one with a slash" },
		{ "invitation=A",                     403, "not known", "a made-up invitation" },
		{ "invitation=%25s%25n",              403, "not known", "one that is a format" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ok(post(rows[i].body) == rows[i].status &&
			answers(rows[i].says),
		    rows[i].what);
	ok(ask(mdm_enroll, &(struct request){ .org = "nowhere",
			       .body = bytes_text("user=alice&password=x") }) ==
		404,
	    "no such organization");
	ok(ask(mdm_enroll, &(struct request){ .method = "GET" }) == 403 &&
		answers("not open to everybody") && answers("curl -d"),
	    "a script that asks hears how");
	ok(has_event("enroll: refused, user (not known), from 127.0.0.1"),
	    "refusals are events");
	ok(!has_event("bob/"), "without what was typed");
}

/* ---- browsers ----------------------------------------------------------- */

static void
test_form(void)
{
	char mine[256], token[256], theirs[256];

	ok(open_page(mdm_enroll, "acme", NULL) == 200, "a form");
	snprintf(mine, sizeof(mine), "%s", cookie());
	snprintf(token, sizeof(token), "%s", token_of_form());
	ok(strlen(token) == 80 && strncmp(mine, "__Host-form=", 12) == 0,
	    "with a token and a cookie");
	ok(strstr(headers, "Secure; HttpOnly; SameSite=Strict") &&
		strstr(headers, "cache-control: no-store") &&
		strstr(headers, "default-src 'none'") &&
		strstr(headers, "frame-ancestors 'none'") &&
		strstr(headers, "nosniff") &&
		strstr(headers, "referrer-policy: same-origin"),
	    "and the headers that keep others out");
	ok(browse(mine, token) == 403, "it comes back");
	ok(answers("no push certificate"), "and is let in");
	ok(browse("other=1", token) == 403 && answers("cookies"),
	    "without the cookie it is not");
	ok(browse("x__Host-form=00000000000000000000000000000000", token) ==
		    403 &&
		answers("cookies"),
	    "nor with one that only looks like it");
	ok(browse("a=b; __Host-form=00000000000000000000000000000000", token) ==
		    403 &&
		answers("did not come from this page"),
	    "nor with another one");
	ok(browse(mine, "") == 403 && answers("did not come"), "no token");
	ok(browse(mine, "zz") == 403, "no hexadecimal");
	token[3] ^= 1;
	ok(browse(mine, token) == 403 && answers("did not come"),
	    "an altered time");
	token[3] ^= 1;
	token[79] = token[79] == '0' ? '1' : '0';
	ok(browse(mine, token) == 403 && answers("did not come"),
	    "an altered seal");
	open_page(mdm_enroll, "umbrella", NULL);
	ok(browse(cookie(), token_of_form()) == 403 && answers("did not come"),
	    "the token of another organization's page");
	open_page(mdm_authenticate, "acme", NULL);
	ok(browse(cookie(), token_of_form()) == 403 && answers("did not come"),
	    "the token of another page");
	open_page(mdm_enroll, "acme", NULL);
	snprintf(theirs, sizeof(theirs), "%s", cookie());
	ok(strcmp(mine, theirs) != 0, "every browser has its own cookie");
	ask(mdm_enroll,
	    &(struct request){ .method = "GET",
		.header = { "accept", "text/html", "cookie", theirs } });
	ok(strcmp(theirs, cookie()) == 0, "and keeps it on further pages");
	snprintf(token, sizeof(token), "%s", token_of_form());
	pass((FORM_LIFE - 1) * 1000);
	ok(browse(theirs, token) == 403 && answers(IN),
	    "a page may be open for an hour");
	pass(2000);
	ok(browse(theirs, token) == 403 && answers("open for too long"),
	    "and no longer");
	ok(strcmp(token_of_form(), token) != 0, "it has a new token then");
	pass(-FORM_LIFE * 2000);
	ok(browse(theirs, token) == 403 && answers("too long"),
	    "a token from the future");
	pass(FORM_LIFE * 2000);
}

static void
test_browser_signs(void)
{
	static const char *const signs[] = { "origin", "referer",
		"sec-fetch-site", "cookie" };
	size_t i;

	for (i = 0; i < 4; i++)
		ok(ask(mdm_enroll,
		       &(struct request){
			   .body = bytes_text("user=alice&password=x"),
			   .header = { signs[i], "https://evil.example" } }) ==
			    403 &&
			answers("cookies"),
		    signs[i]);
}

static void
test_invitation_kept(void)
{
	struct file_node file;
	struct buf page = { 0 };
	char body[256], *code;

	file = put(ino_of(org_dir("acme"), "enrollment"), "invitations",
	    PLACE_INVITATIONS, "");
	file = put(file.ino, "guest", PLACE_INVITATION, "");
	must(invitation_page(rules, file.ino, &page, &rules_err));
	code = strstr(buf_str(&page), "code: ") + 6;
	snprintf(body, sizeof(body), "invitation=%.*s", INVITATION_CODE, code);
	ok(open_page(mdm_enroll, "acme", body) == 200 &&
		answers("name=\"invitation\""),
	    "the link of an invitation shows a form");
	ok(post(body) == 403 && answers(IN), "it is good");
	buf_reset(&page);
	must(invitation_page(rules, file.ino, &page, &rules_err));
	ok(strstr(buf_str(&page), "uses: 0 of 1\n") != NULL,
	    "a profile that could not be made uses nothing up");
	buf_free(&page);
}

/* ---- how often ---------------------------------------------------------- */

static void
test_brute_force(void)
{
	char body[64];
	int i, refused = 0;

	for (i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "user=name%d&password=x", i);
		refused +=
		    ask(mdm_enroll, &(struct request){ .body = bytes_text(body),
					.peer = "192.0.2.7" }) == 429;
	}
	ok(refused >= 130 && strstr(headers, "retry-after: 10\n"),
	    "an address that tries many names is told to wait");
	ok(ask(mdm_authenticate, &(struct request){ .body = bytes_text(body),
				     .peer = "192.0.2.7" }) == 429,
	    "on every page");
	for (i = refused = 0; i < 20; i++)
		refused +=
		    ask(mdm_authenticate,
			&(struct request){
			    .body = bytes_text("user=alice&password=y") }) ==
		    429;
	ok(refused == 10 && strstr(headers, "retry-after: 60\n"),
	    "so is who tries many passwords");
	ok(post("user=alice&password=x") == 429,
	    "which counts for both pages together");
}

int
main(void)
{
	const struct engine_options options = { .state_dir = NULL };
	struct file_node users;

	doors_begin(&options);
	put(org_dir("acme"), "enrollment", PLACE_ENROLLMENT, "");
	users = put(org_dir("acme"), "users", PLACE_ORG_USERS, "");
	put_user(users.ino, "alice", CHEAP_HASH);
	users = put(org_dir("umbrella"), "users", PLACE_ORG_USERS, "");
	put(users.ino, "alice", PLACE_ORG_USER, "");
	test_scripts();
	test_form();
	test_browser_signs();
	test_invitation_kept();
	test_brute_force();
	return doors_done();
}
