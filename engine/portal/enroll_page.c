#include "engine/portal/enroll_page.h"

#include <string.h>

#include "engine/base/text.h"

/* Contrast of all text is 4.5 and more in both schemes (WCAG 2.1 1.4.3). */
static const char style[] =
    ":root{color-scheme:light dark;--back:#f2f2f7;--card:#fff;--text:#1c1c1e;"
    "--soft:#5c5c61;--line:#8e8e93;--act:#0058d0;--on:#fff;--bad:#b3001b;"
    "--badback:#fdecee}"
    "@media(prefers-color-scheme:dark){:root{--back:#000;--card:#1c1c1e;"
    "--text:#f2f2f7;--soft:#aeaeb2;--line:#8e8e93;--act:#0a6ff0;--on:#fff;"
    "--bad:#ff9d9d;--badback:#3a1418}}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:1.5rem 1rem;background:var(--back);"
    "color:var(--text);font:1.0625rem/1.45 system-ui,sans-serif}"
    "main{max-width:27rem;margin:0 auto}"
    "h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 .75rem;"
    "overflow-wrap:anywhere}"
    "h2{font-size:1.1rem;margin:0 0 .25rem}"
    "p{margin:.5rem 0}.soft{color:var(--soft);font-size:.9375rem}"
    "form{background:var(--card);border-radius:.75rem;padding:1rem 1.1rem "
    "1.2rem;margin:1rem 0}"
    "label{display:block;margin:.8rem 0 .25rem;font-weight:600}"
    "input{width:100%;font:inherit;padding:.6rem .7rem;border:1px solid "
    "var(--line);border-radius:.5rem;background:var(--back);"
    "color:var(--text)}"
    "button{width:100%;font:inherit;font-weight:600;margin-top:1.1rem;"
    "padding:.7rem;border:0;border-radius:.5rem;background:var(--act);"
    "color:var(--on)}"
    "input:focus-visible,button:focus-visible{outline:3px solid var(--act);"
    "outline-offset:2px}"
    ".bad{background:var(--badback);color:var(--bad);border-radius:.75rem;"
    "padding:.8rem 1.1rem;margin:1rem 0}";

static void
xml(struct buf *b, const char *s)
{
	text_xml(b, bytes_text(s));
}

/* What goes along unseen. */
static void
hidden(struct buf *b, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	xml(b, value);
	buf_text(b, "\">\n");
}

/* The problem, which begins like a line of a log. */
static void
problem(struct buf *b, const struct enroll_form *f)
{
	const char *s = f->problem;
	size_t len = strlen(s);

	if (len == 0)
		return;
	buf_text(b, "<p class=\"bad\" role=\"alert\">");
	if (*s >= 'a' && *s <= 'z')
		buf_char(b, (char)(*s++ - 32));
	xml(b, s);
	buf_text(b,
	    strchr(".?!", f->problem[len - 1]) == NULL ? ".</p>\n" : "</p>\n");
}

struct field {
	const char *name;
	const char *label;
	const char *value;
	const char *more; /* attributes */
};

static void
field(struct buf *b, const struct field *f)
{
	buf_printf(b,
	    "<label for=\"%s\">%s</label>\n"
	    "<input id=\"%s\" name=\"%s\" required %s value=\"",
	    f->name, f->label, f->name, f->name, f->more);
	xml(b, f->value);
	buf_text(b, "\">\n");
}

static void
form_begin(struct buf *b, const struct enroll_form *f, const char *method)
{
	buf_printf(b, "<form method=\"%s\" action=\"", method);
	xml(b, f->action);
	buf_text(b, "\">\n");
	if (method[0] == 'p') {
		hidden(b, "form", f->token);
		hidden(b, "user-identifier", f->mail);
	}
}

static void
form_end(struct buf *b, const char *button)
{
	buf_printf(b, "<button type=\"submit\">%s</button>\n</form>\n", button);
}

static void
sign_in_form(struct buf *b, const struct enroll_form *f, const char *button)
{
	const struct field user = { "user", "Name or mail address", f->user,
		"autocomplete=\"username\" autocapitalize=\"none\" "
		"autocorrect=\"off\" spellcheck=\"false\"" };
	const struct field password = { "password", "Password", "",
		"type=\"password\" autocomplete=\"current-password\"" };

	form_begin(b, f, "post");
	buf_text(b, "<h2>Sign in</h2>\n");
	field(b, &user);
	field(b, &password);
	form_end(b, button);
}

static void
invitation_form(struct buf *b, const struct enroll_form *f)
{
	const struct field code = { "invitation", "Code", f->invitation,
		"autocomplete=\"one-time-code\" autocapitalize=\"characters\" "
		"autocorrect=\"off\" spellcheck=\"false\"" };

	form_begin(b, f, "post");
	buf_text(b, "<h2>Invitation</h2>\n");
	field(b, &code);
	form_end(b, "Get the profile");
}

static void
find_form(struct buf *b, const struct enroll_form *f)
{
	const struct field mail = { "mail", "Your mail address at work",
		f->mail,
		"type=\"email\" autocomplete=\"email\" "
		"autocapitalize=\"none\"" };

	form_begin(b, f, "get");
	field(b, &mail);
	form_end(b, "Go on");
}

static void
open_form(struct buf *b, const struct enroll_form *f)
{
	form_begin(b, f, "post");
	buf_text(b, "<h2>This device</h2>\n<p class=\"soft\">Nothing is asked "
		    "here.</p>\n");
	form_end(b, "Get the profile");
}

static void
head(struct buf *b, const struct enroll_form *f, const char *title)
{
	buf_text(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"robots\" content=\"noindex\">\n<title>");
	buf_text(b, title);
	buf_printf(b, "</title>\n<style nonce=\"%s\">%s</style>\n</head>\n",
	    f->nonce, style);
	buf_text(b, "<body>\n<main>\n");
}

static void
forms(struct buf *b, const struct enroll_form *f)
{
	buf_text(b, "<p>You get a profile that lets ");
	xml(b, f->organization);
	buf_text(b, " manage this device.</p>\n");
	problem(b, f);
	/* who came with a link needs nothing else, if it is good */
	if (f->ask_invitation && f->invitation[0] != '\0')
		invitation_form(b, f);
	if (f->ask_user && (f->invitation[0] == '\0' || f->problem[0] != '\0'))
		sign_in_form(b, f, "Get the profile");
	if (f->ask_invitation && f->invitation[0] == '\0')
		invitation_form(b, f);
	if (f->open)
		open_form(b, f);
	if (f->open || f->ask_user || f->ask_invitation)
		buf_text(b,
		    "<p class=\"soft\">On an iPhone or iPad, open Settings "
		    "afterwards and choose Profile Downloaded; on a Mac, open "
		    "the file and then System Settings, Device "
		    "Management.</p>\n");
}

static void
sentence(struct buf *b, const struct enroll_form *f, const char *text)
{
	if (f->problem[0] == '\0')
		buf_printf(b, "<p>%s</p>\n", text);
	problem(b, f);
}

void
enroll_page(const struct enroll_form *f, struct buf *b)
{
	head(b, f,
	    f->kind == ENROLL_FORM_SIGN_IN ? "Sign in" : "Enroll this device");
	buf_text(b, "<h1>");
	xml(b, f->organization[0] == '\0' ? "Enroll this device"
					  : f->organization);
	buf_text(b, "</h1>\n");
	switch (f->kind) {
	case ENROLL_FORM_ENROLL:
		forms(b, f);
		break;
	case ENROLL_FORM_SIGN_IN:
		sentence(
		    b, f, "Sign in with your account at this organization.");
		sign_in_form(b, f, "Sign in");
		break;
	case ENROLL_FORM_FIND:
		sentence(b, f,
		    "Which organization does the device belong to? Your mail "
		    "address tells.");
		find_form(b, f);
		break;
	}
	buf_text(b, "</main>\n</body>\n</html>\n");
}
