/*
 * bench_schema: what validation costs beside parsing, for documents made from
 * the tables.  One line each: WHAT, KEYS, parsing and validation in ns a key.
 */
#include <stdio.h>
#include <time.h>

#include "engine/schema/validate.h"

#include "tests/schema/generate.h"

#define SECONDS 0.3 /* of each measurement */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t keys_of(const struct pl *node);

static bool
count_pair(void *arg, const char *key, struct pl *value)
{
	(void)key;
	*(size_t *)arg += 1 + keys_of(value);
	return true;
}

/* Keys and items, at every level. */
static size_t
keys_of(const struct pl *node)
{
	size_t n = 0, i;

	pl_dict_each(node, count_pair, &n);
	for (i = 0; i < pl_array_len(node); i++)
		n += 1 + keys_of(pl_array_at(node, i));
	return n;
}

static void
command(const struct schema_check *c, const struct pl *root,
    struct schema_findings *f)
{
	struct schema_envelope env;

	if (schema_command_check_envelope(c->schema, root, &env, NULL) ==
	    ERR_OK)
		schema_validate_command(c, &env, f);
}

typedef void validate_fn(
    const struct schema_check *, const struct pl *, struct schema_findings *);

/* Takes root. */
static void
measure(const struct schema *schema, const char *what, struct pl *root,
    validate_fn *validate)
{
	struct schema_device d = {
		.os_known = true, .os = SCHEMA_IOS, .version = "18.1"
	};
	struct schema_check c = { .schema = schema,
		.device = getenv("DEV") == NULL ? NULL : &d };
	struct schema_findings f = { 0 };
	struct buf xml = { 0 };
	size_t keys = keys_of(root), n;
	double begin, parsing, validating;

	pl_write_xml(root, &xml);
	begin = now();
	for (n = 0; now() - begin < SECONDS * 1e9; n++) {
		struct pl *again = NULL;

		if (pl_parse(buf_view(&xml), &again, NULL) != ERR_OK)
			break;
		pl_free(again);
	}
	parsing = (now() - begin) / (double)(n + (n == 0));
	begin = now();
	for (n = 0; now() - begin < SECONDS * 1e9; n++) {
		validate(&c, root, &f);
		schema_findings_free(&f);
	}
	validating = (now() - begin) / (double)(n + (n == 0));
	printf("%-28s %7zu keys, %7zu bytes: parsed in %6.0f ns a key, "
	       "validated in %4.0f: %.0f %% of it (%.1f us in all)\n",
	    what, keys, xml.len, parsing / (double)keys,
	    validating / (double)keys, 100 * validating / parsing,
	    validating / 1e3);
	buf_free(&xml);
	pl_free(root);
}

static struct pl *
one(const struct schema *s, const char *type, bool all)
{
	struct generate g = { .all = all };

	return generate_command(&g, schema_command(s, type));
}

/* DeviceInformation with all of its queries. */
static struct pl *
queries(const struct schema *s)
{
	struct pl *root = one(s, "DeviceInformation", true);
	struct pl *list = pl_get_array(root, "Queries");
	const struct schema_key *key = schema_key(
	    schema_command(s, "DeviceInformation")->command->keys, "Queries");
	const struct schema_key *a;

	pl_array_remove(list, 0);
	for (a = key->items->allowed; a != NULL; a = a->next)
		pl_array_add(list, pl_new_string(a->name));
	return root;
}

/* A payload of every type, times n. */
static struct pl *
profile(const struct schema *s, unsigned n)
{
	struct pl *root = pl_new_dict(), *list = pl_new_array();
	const struct schema_type *t;

	generate_common(root, "Configuration");
	pl_dict_set(root, "PayloadContent", list);
	while (n-- > 0) {
		t = schema_types(s, SCHEMA_PROFILES);
		for (; t != NULL; t = t->next) {
			struct generate g = { .all = true };
			struct pl *payload;

			if (!bytes_equal(schema_extra(&t->root, "class"),
				bytes_text("payload")))
				continue;
			payload = pl_new_dict();
			generate_keys(&g, &t->root, payload);
			generate_common(payload, t->name);
			pl_array_add(list, payload);
		}
	}
	return root;
}

int
main(void)
{
	const struct schema *s = NULL;
	double begin = now();
	struct err err = { 0 };
	int i;

	for (i = 0; i < 20; i++) {
		schema_free(s);
		s = NULL;
		if (schema_load(&s, &err) != ERR_OK) {
			fprintf(stderr, "bench_schema: %s\n", err.msg);
			return 1;
		}
	}
	printf("%-28s %7.2f ms\n", "all tables loaded",
	    (now() - begin) / 1e6 / 20);
	measure(s, "DeviceLock", one(s, "DeviceLock", true), command);
	measure(s, "InstallApplication, all keys",
	    one(s, "InstallApplication", true), command);
	measure(s, "DeviceInformation, all", queries(s), command);
	measure(s, "a payload of every type", profile(s, 1),
	    schema_validate_profile);
	measure(
	    s, "five of every type", profile(s, 5), schema_validate_profile);
	schema_free(s);
	return 0;
}
