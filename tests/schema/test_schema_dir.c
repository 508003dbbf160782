/*
 * Tables from a directory, made by examples/yaml2tsv.py from YAML in Apple's
 * format (tests/schema/yaml, written for this test).
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/schema/schema.h"
#include "engine/schema/validate.h"

#include "tests/tap.h"

static char dir[] = "/tmp/mdmfs-schema-XXXXXX";

__attribute__((format(printf, 1, 2))) static bool
run(const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;
	int status;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	status = system(buf_str(&b));
	buf_free(&b);
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- alike -------------------------------------------------------------- */

static bool same_list(
    const struct schema_key *a, const struct schema_key *b, unsigned *n);

static bool
same_key(const struct schema_key *a, const struct schema_key *b, unsigned *n)
{
	unsigned i;
	bool same = strcmp(a->name, b->name) == 0 && a->vtype == b->vtype &&
	            a->presence == b->presence && a->wild == b->wild &&
	            strcmp(a->values, b->values) == 0 &&
	            strcmp(a->range, b->range) == 0 &&
	            strcmp(a->count, b->count) == 0 &&
	            strcmp(a->dflt, b->dflt) == 0 &&
	            strcmp(a->format, b->format) == 0 &&
	            strcmp(a->extra, b->extra) == 0 &&
	            (a->ref == NULL) == (b->ref == NULL);

	for (i = 0; i < SCHEMA_OSES; i++)
		same = same && strcmp(a->os[i], b->os[i]) == 0;
	++*n;
	if (!same)
		printf("# %s is not %s\n", a->name, b->name);
	return same && same_list(a->keys, b->keys, n) &&
	       same_list(a->items, b->items, n) &&
	       same_list(a->allowed, b->allowed, n);
}

/* b may have more at its end: the sample is shorter. */
static bool
same_list(const struct schema_key *a, const struct schema_key *b, unsigned *n)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next)
		if (!same_key(a, b, n))
			return false;
	return a == NULL;
}

/* Every schema of the sample that the program has as well. */
static void
test_round_trip(const struct schema *sample, const struct schema *built_in)
{
	const struct schema_type *a, *b;
	unsigned i, keys = 0, types = 0;
	bool same = true;

	for (i = 0; i < SCHEMA_TABLES; i++) {
		for (a = schema_types(sample, i); a != NULL; a = a->next) {
			b = schema_find(built_in, i, a->name);
			while (b != NULL && strcmp(a->variant, b->variant) != 0)
				b = b->next;
			if (b == NULL)
				continue;
			types++;
			same = same_key(&a->root, &b->root, &keys) && same;
		}
	}
	ok(same && types == 7 && keys > 40,
	    "YAML in Apple's format becomes the lines that the program has");
}

static const struct schema_key *
key_of(const struct schema *s, const char *name)
{
	const struct schema_type *t = schema_command(s, "ExampleCommand");

	return t == NULL ? NULL : schema_key(t->command->keys, name);
}

static void
test_forms(const struct schema *s)
{
	const struct schema_key *k = key_of(s, "Questions");

	ok(k != NULL && strcmp(k->count, "1..2") == 0 &&
		schema_value(k->items, "Why") != NULL &&
		strcmp(schema_value(k->items, "Why")->os[SCHEMA_MACOS],
		    "in=n/a") == 0,
	    "repetitions, and values with facts of their own");
	k = key_of(s, "Code");
	ok(k != NULL && schema_format_fits(k, "12") &&
		schema_format_fits(k, "1234") && !schema_format_fits(k, "123"),
	    "formats");
	k = key_of(s, "Share");
	ok(k != NULL && strcmp(k->range, "0.0..1.0") == 0 &&
		strcmp(k->dflt, "0.5") == 0,
	    "ranges and defaults");
	k = key_of(s, "Separator");
	ok(k != NULL && schema_value_allowed(k, "|") &&
		schema_value_allowed(k, "\t") &&
		schema_value_allowed(k, "\\") && !schema_value_allowed(k, ""),
	    "values with odd characters");
	ok(key_of(s, "Options")->keys->wild, "any key");
	ok(strcmp(schema_release(s), "release 99") == 0, "the release");
}

/* ---- refusals ----------------------------------------------------------- */

/* The directory does not load, and the message says it; ret is untouched. */
static bool
broken(enum err_code code, const char *says)
{
	const struct schema *s = NULL;
	struct err err = { 0 };
	enum err_code e = schema_load_dir(dir, &s, &err);
	bool good = e == code && s == NULL && strstr(err.msg, says) != NULL;

	if (!good)
		printf("# %s: %s\n", err_name(e), err.msg);
	schema_free(s);
	return good;
}

/* The same after a change of one table, which is undone. */
static bool
breaks(const char *table, const char *edit, const char *says)
{
	bool good = run("cp %s/%s.tsv %s/kept && %s %s/%s.tsv", dir, table, dir,
	    edit, dir, table);

	good = good && broken(ERR_INVALID, says);
	return run("mv %s/kept %s/%s.tsv", dir, dir, table) && good;
}

/* The directory loads. */
static bool
loads(void)
{
	const struct schema *s = NULL;
	struct err err = { 0 };
	bool good = schema_load_dir(dir, &s, &err) == ERR_OK &&
	            key_of(s, "Code")->form == NULL &&
	            schema_format_fits(key_of(s, "Code"), "?");

	if (!good)
		printf("# %s\n", err.msg);
	schema_free(s);
	return good;
}

static void
test_broken(void)
{
	char where[80];

	snprintf(where, sizeof(where), "%s/commands.tsv:7: ", dir);
	ok(breaks("commands", "sed -i '7s/boolean/bolean/'", where) &&
		breaks("commands", "sed -i '7s/boolean/bolean/'",
		    "unknown type of value"),
	    "a broken line is named");
	ok(breaks("commands", "sed -i '7s/$/\\t/'", "not 16 columns"),
	    "so are columns");
	ok(breaks("commands", "sed -i '6s/Command/Cmd/'",
	       "a key before its parent"),
	    "and parents");
	ok(breaks("status", "sed -i 's/in=17.0/in=seventeen/'",
	       "an OS cell that is not understood"),
	    "and facts");
	ok(breaks("profiles", "sed -i 's/ref=whiteList/ref=blackList/'",
	       "the ref of whiteListItem leads nowhere"),
	    "and references");
	ok(breaks("commands", "sed -i 's/\\^(\\[/^((\\[/'",
	       "no regular expression"),
	    "and formats");
	ok(run("cp %s/commands.tsv %s/kept && sed -i 's/{2}/{20000}/' "
	       "%s/commands.tsv",
	       dir, dir, dir) &&
		loads() &&
		run("sed -i 's/{20000}/(?:x)/' %s/commands.tsv", dir) &&
		loads() && run("mv %s/kept %s/commands.tsv", dir, dir),
	    "a format that POSIX reads otherwise, or for ever, is not judged");
	ok(breaks("other", "printf 'a\\000b\\n' >", "not UTF-8 text"),
	    "a file that is no text");
	ok(breaks("other", "printf '# no end' >", "the last line has no end"),
	    "a file that was cut");
	ok(run("mv %s/errors.tsv %s/kept", dir, dir) &&
		broken(ERR_NOT_FOUND, "errors.tsv: No such file") &&
		run("mv %s/kept %s/errors.tsv", dir, dir),
	    "all of the tables must be there");
	ok(run("printf 'commands\\tDeviceLock\\t\\tCommand/PIN\\tformat\\t"
	       "^x$\\n' >%s/overrides.tsv",
	       dir) &&
		broken(ERR_INVALID, "overrides.tsv:1: no such key"),
	    "overrides of its own must fit");
	ok(run("rm %s/overrides.tsv", dir), "they may be missing");
}

static void
test_own(void)
{
	const struct schema *s = NULL;
	struct err err = { 0 };

	ok(schema_load_dir("engine/schema/tables", &s, &err) == ERR_OK &&
		schema_command(s, "DeviceLock") != NULL,
	    "the program's own tables load from their directory, too");
	schema_free(s);
}

int
main(void)
{
	const struct schema *sample = NULL, *built_in = NULL;
	struct err err = { 0 };

	ok(schema_load(&built_in, NULL) == ERR_OK, "the tables load");
	if (!ok(mkdtemp(dir) != NULL && run("examples/yaml2tsv.py "
					    "tests/schema/yaml %s 'release 99'",
					    dir),
		"yaml2tsv.py makes tables"))
		goto out;
	if (ok(schema_load_dir(dir, &sample, &err) == ERR_OK,
		"which load from their directory")) {
		test_round_trip(sample, built_in);
		test_forms(sample);
	} else {
		printf("# %s\n", err.msg);
	}
	schema_free(sample);
	test_broken();
	test_own();
	ok(!run(
	       "examples/yaml2tsv.py tests/fuzz %s/none 2>%s/says", dir, dir) &&
		run("grep -q 'none of Apple' %s/says", dir),
	    "yaml2tsv.py of something else fails, and says so");
	ok(run("mkdir -p %s/y/mdm/commands && printf 'payload: {requesttype: X}"
	       "\\npayloadkeys: [{key: A, type: <strange>}]\\n' "
	       ">%s/y/mdm/commands/x.yaml",
	       dir, dir) &&
		!run("examples/yaml2tsv.py %s/y %s/none 2>%s/says", dir, dir,
		    dir) &&
		run("grep -q 'mdm/commands/x.yaml: A: an unknown type' "
		    "%s/says",
		    dir),
	    "and names the file that it does not understand");
out:
	(void)!run("rm -r %s", dir);
	schema_free(built_in);
	return tap_done();
}
