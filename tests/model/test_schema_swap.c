/* The schema is replaced while others judge by it. */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/schema/page.h"
#include "tests/model/rules.h"

static atomic_bool ending;

/* Pages, as long as it lasts; NULL if each was whole. */
static void *
read_pages(void *arg)
{
	unsigned *n = arg;

	do {
		const struct schema *schema = engine_schema(rules);
		struct buf b = { 0 };

		schema_page(schema, schema_command(schema, "Settings"), "", &b);
		*n += strstr(buf_str(&b), "Item=DeviceName") != NULL ? 1 : 0;
		schema_free(schema);
		if (b.len < 1000)
			*n = 0;
		buf_free(&b);
	} while (!ending);
	return NULL;
}

int
main(void)
{
	static const struct engine_options options;
	const struct schema *held;
	pthread_t threads[2];
	unsigned n[2] = { 0 }, i;
	struct engine_options broken = { .schema_dir = "tests/schema" };

	rules_begin(&options);
	held = engine_schema(rules);
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, read_pages, &n[i]) != 0)
			return 1;
	for (i = 0; i < 20; i++)
		must(engine_reload(rules, &rules_err));
	ending = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ok(n[0] > 0 && n[1] > 0, "readers are not disturbed by a new schema");
	ok(held != rules->schema, "there is a new one");
	ok(schema_command(held, "DeviceLock") != NULL,
	    "who holds an old one keeps it");
	ok(has_event("schema: Apple's schema of"), "an event says which");
	schema_free(held);

	held = rules->schema;
	rules->options = &broken;
	ok(engine_reload(rules, &rules_err) == ERR_NOT_FOUND &&
		strstr(rules_err.msg, "tests/schema/commands.tsv") != NULL,
	    "a directory without tables is refused by its file's name");
	ok(rules->schema == held, "and the one before stays");
	ok(has_event("schema: refused, the one before stays"),
	    "which an event says, too");
	rules->options = &options;
	engine_close(rules);
	return tap_done();
}
