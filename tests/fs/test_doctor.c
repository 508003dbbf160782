/* How `mdmfs doctor` reads and shows a page. */
#include "fs/doctor.h"

#include <locale.h>
#include <string.h>

#include "tests/tap.h"

static struct buf shown;

static enum doctor_exit
show(const char *page, long days, bool pretty)
{
	buf_reset(&shown);
	return doctor_show(bytes_text(page), days, pretty, &shown);
}

#define PASS "pass\tclock\t-\tit is right\t-\n"
#define WARN "warn\tpush.account\tacme\tnobody knows\techo x > y\n"
#define FAIL "FAIL\turl\t-\tthere is none\techo url\n"
#define END  "pass\ttls.end\ttls/mail\tit ends soon, days-left=29\t-\n"

static void
test_codes(void)
{
	ok(show(PASS, -1, false) == DOCTOR_OK, "0: everything passes");
	ok(show(WARN PASS, -1, false) == DOCTOR_WARNING, "1: something warns");
	ok(show(FAIL WARN PASS, -1, false) == DOCTOR_CRITICAL,
	    "2: something fails");
	ok(strcmp(buf_str(&shown), FAIL WARN PASS) == 0,
	    "without a terminal the lines are the page's");
	ok(show("", -1, false) == DOCTOR_UNKNOWN, "3: an empty page");
	ok(show("hello\n", -1, false) == DOCTOR_UNKNOWN &&
		show("pass\n", -1, false) == DOCTOR_UNKNOWN &&
		show(PASS "\n", -1, true) == DOCTOR_UNKNOWN && shown.len == 0,
	    "3: another page, of which nothing is shown");
}

static void
test_days(void)
{
	ok(show(END, 28, false) == DOCTOR_OK, "with days, later ends pass");
	ok(show(WARN END, 29, false) == DOCTOR_CRITICAL, "nearer ones fail");
	ok(strncmp(buf_str(&shown), "FAIL\ttls.end\ttls/mail\t", 22) == 0 &&
		strstr(buf_str(&shown), "renew it") != NULL,
	    "they are the first, and have a remedy");
	ok(show("pass\ta.end\t-\tdays-left=\t-\n", 5, false) == DOCTOR_CRITICAL,
	    "a number that cannot be read counts as 0");
	ok(show("pass\ta.end\t-\tdays-left=-3\t-\n", 0, false) ==
		DOCTOR_CRITICAL,
	    "what has ended fails in any case");
}

static void
test_pretty(void)
{
	const char *line, *end;
	bool narrow = true;

	ok(show("FAIL\ttls.names\tacme\tone two three four five six seven "
		"eight nine ten eleven twelve thirteen fourteen fifteen\tdo "
		"this and that and that and this and this and that and that "
		"and this\n" WARN PASS,
	       -1, true) == DOCTOR_CRITICAL,
	    "in a terminal the code is the same");
	for (line = buf_str(&shown); (end = strchr(line, '\n')) != NULL;
	     line = end + 1)
		narrow = narrow && end - line <= 80;
	ok(narrow, "no line has more than 80 columns");
	ok(strstr(buf_str(&shown),
	       "\nFAIL  tls.names of acme\n      one two") != NULL,
	    "a check has its name, and its cause below");
	ok(strstr(buf_str(&shown), "pass") < strstr(buf_str(&shown), "warn") &&
		strstr(buf_str(&shown), "warn") <
		    strstr(buf_str(&shown), "FAIL"),
	    "what fails stands last, above the count");
	ok(strstr(buf_str(&shown), "\n   -> do this") != NULL,
	    "and what to do below that");
	ok(strstr(buf_str(&shown), "1 fail, 1 warn, 1 pass\n") != NULL,
	    "the last line counts");
	ok(show("warn\ta\t-\tev\x1b[31mil \xff \xc3\xa4\t-\n", -1, true) ==
		    DOCTOR_WARNING &&
		strstr(buf_str(&shown), "ev?[31mil ? \xc3\xa4\n") != NULL,
	    "what a terminal would obey is not sent there");
}

int
main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	test_codes();
	test_days();
	test_pretty();
	buf_free(&shown);
	return tap_done();
}
