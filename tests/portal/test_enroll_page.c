/* The pages of people who enroll: what is on them, and that nothing that comes
 * from elsewhere is more than text. */
#include "engine/portal/enroll_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/portal/world.h"
#include "tests/tap.h"

static struct buf html;

static const struct enroll_form plain = {
	.kind = ENROLL_FORM_ENROLL,
	.organization = "Acme",
	.action = "/enroll/acme",
	.token = "TOKEN",
	.nonce = "NONCE",
	.ask_user = true,
	.ask_invitation = true,
	.user = "",
	.invitation = "",
	.mail = "",
	.problem = "",
};

static const char *
draw(const struct enroll_form *f)
{
	buf_reset(&html);
	enroll_page(f, &html);
	return buf_str(&html);
}

static bool
has(const char *part)
{
	bool yes = strstr(buf_str(&html), part) != NULL;

	if (!yes)
		printf("# no %s\n", part);
	return yes;
}

/* Whether every input that is seen has a label of its own. */
static bool
labelled(void)
{
	const char *p = buf_str(&html);
	size_t inputs = count(p, "<input ") - count(p, "type=\"hidden\"");
	size_t n = 0;

	for (p = strstr(p, "<label for=\""); p != NULL;
	     p = strstr(p + 1, "<label for=\"")) {
		char id[80];

		snprintf(id, sizeof(id), "id=\"%.*s\"",
		    (int)strcspn(p + 12, "\""), p + 12);
		n += count(buf_str(&html), id) == 1;
	}
	return n == inputs;
}

static void
test_forms(void)
{
	struct enroll_form f = plain;

	draw(&f);
	ok(count(buf_str(&html), "<form method=\"post\" "
				 "action=\"/enroll/acme\">") == 2,
	    "a form to sign in and one for an invitation");
	ok(count(buf_str(&html), "name=\"form\" value=\"TOKEN\"") == 2,
	    "each with the token");
	ok(has("name=\"user\"") && has("name=\"password\"") &&
		has("type=\"password\"") && has("name=\"invitation\""),
	    "and its fields");
	ok(labelled(), "every field has a label");
	ok(has("autocomplete=\"current-password\"") &&
		has("autocapitalize=\"none\""),
	    "phones know what belongs there");
	ok(!strstr(buf_str(&html), "role=\"alert\""), "no problem, no alert");
	f.ask_user = false;
	ok(!strstr(draw(&f), "name=\"user\""), "no users: not asked for");
	f.ask_invitation = false;
	ok(!strstr(draw(&f), "<form"), "closed: no form at all");
	f = plain;
	f.invitation = "CODE";
	draw(&f);
	ok(has("value=\"CODE\"") && !strstr(buf_str(&html), "password"),
	    "who comes with a link has one button");
	f.problem = "this invitation has ended";
	draw(&f);
	ok(has("password") && has("name=\"invitation\""),
	    "unless it is of no use");
	ok(has("role=\"alert\">This invitation has ended.</p>"),
	    "the problem is a sentence");
	f = plain;
	f.open = true;
	ok(count(draw(&f), "<form") == 3, "an open door is a button");
}

static void
test_others(void)
{
	struct enroll_form f = plain;

	f.kind = ENROLL_FORM_SIGN_IN;
	f.mail = "alice@acme.example";
	f.user = "alice@acme.example";
	draw(&f);
	ok(has("<title>Sign in</title>") &&
		count(buf_str(&html), "<form") == 1 && labelled(),
	    "the page of a device's web view");
	ok(has("name=\"user-identifier\" value=\"alice@acme.example\"") &&
		has("name=\"user\" required"),
	    "knows the address again");
	f.kind = ENROLL_FORM_FIND;
	f.organization = "";
	f.action = "/";
	draw(&f);
	ok(has("<form method=\"get\" action=\"/\">") && has("name=\"mail\"") &&
		labelled() && !strstr(buf_str(&html), "TOKEN"),
	    "the page that finds the organization needs no token");
}

static void
test_hostile(void)
{
	static const char evil[] = "\"><script>alert('&')</script>";
	struct enroll_form f = plain;
	int kind;

	for (kind = ENROLL_FORM_ENROLL; kind <= ENROLL_FORM_FIND; kind++) {
		f = plain;
		f.kind = (enum enroll_form_kind)kind;
		f.organization = f.user = f.mail = f.problem = evil;
		f.action = f.token = evil;
		ok(!strstr(draw(&f), "<script") &&
			!strstr(buf_str(&html), "\"><s"),
		    "text is text");
		f.invitation = evil;
		ok(!strstr(draw(&f), "<script"), "also in an invitation");
		ok(has("&lt;script&gt;"), "and is shown");
	}
}

static void
test_document(void)
{
	draw(&plain);
	ok(strncmp(buf_str(&html), "<!DOCTYPE html>\n<html lang=\"en\">", 30) ==
		0,
	    "HTML, in a language");
	ok(has("name=\"viewport\"") && has("<meta charset=\"utf-8\">"),
	    "fit for a phone");
	ok(has("<style nonce=\"NONCE\">") &&
		count(buf_str(&html), "style") == 2 &&
		!strstr(buf_str(&html), "url("),
	    "its style is in it, by the nonce of its policy");
	ok(has("prefers-color-scheme:dark"), "dark where it is wanted");
	ok(!strstr(buf_str(&html), "<script") &&
		!strstr(buf_str(&html), "src=") &&
		!strstr(buf_str(&html), "http"),
	    "nothing runs and nothing is loaded");
	ok(count(buf_str(&html), "<h1>") == 1 && has("<main>"),
	    "one heading, one main part");
}

int
main(void)
{
	test_forms();
	test_others();
	test_hostile();
	test_document();
	buf_free(&html);
	return tap_done();
}
