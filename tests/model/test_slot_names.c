/* The names that a request carries, as names says them. */
#include "engine/model/slot_names.h"

#include <string.h>

#include "tests/tap.h"

static bool
names_are(const char *text, const char *wanted)
{
	struct slot_names names = { .n = 0 };
	struct buf b = { 0 };
	bool yes = slot_names_parse(bytes_text(text), &names, NULL) == ERR_OK;

	slot_names_text(&names, &b);
	yes = yes && strcmp(buf_str(&b), wanted) == 0;
	if (!yes)
		printf("# %s\n", buf_str(&b));
	buf_free(&b);
	slot_names_fini(&names);
	return yes;
}

static void
test_names(void)
{
	static const char *const bad[] = { "https://a.example", "a b:443",
		"a..b", "*", "a.*.b", "300.1.1.1", "m\xc3\xbcll.example",
		"\xff", "a/b" };
	struct slot_names names = { .n = 0 };
	struct buf many = { 0 };
	bool all = true;
	size_t i;

	ok(names_are("a.example\nB.Example, *.c.example\r\n# no d\n"
		     "192.0.2.1 2001:DB8::1\na.example.\n",
	       "a.example, b.example, *.c.example, 192.0.2.1, 2001:db8::1"),
	    "names: one a line or with commas, each once, in lower case");
	ok(names_are("", "") && names_are("# none\n\n", ""),
	    "none at all is fine");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (slot_names_parse(bytes_text(bad[i]), &names, NULL) ==
		    ERR_OK) {
			printf("# %s\n", bad[i]);
			slot_names_fini(&names);
			all = false;
		}
	ok(all, "what is no name is refused");
	for (i = 0; i < SLOT_NAMES_MAX + 1; i++)
		buf_printf(&many, "n%zu.example\n", i);
	ok(slot_names_parse(buf_view(&many), &names, NULL) == ERR_INVALID,
	    "and too many are");
	ok(slot_names_parse(bytes_of("a\0b", 3), &names, NULL) ==
		ERR_UNDECODABLE,
	    "and what is no text");
	buf_free(&many);
}

int
main(void)
{
	test_names();
	return tap_done();
}
