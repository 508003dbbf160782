/*
 * Tables of a schema that somebody else made: what is loaded can be searched,
 * what is not has a reason.
 */
#include <stdlib.h>

#include "engine/schema/tables.h"
#include "engine/schema/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* A document of every key that the first command has, one level deep. */
static void
use(const struct schema *s)
{
	const struct schema_type *t = schema_types(s, SCHEMA_COMMANDS);
	struct schema_device d = { .os_known = true, .version = "17.0" };
	struct schema_check c = { .schema = s, .device = &d };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	const struct schema_key *key;
	struct pl *root = pl_new_dict();

	pl_set_string(root, "RequestType", t == NULL ? "X" : t->name);
	key = t == NULL || t->command == NULL ? NULL : t->command->keys;
	for (; key != NULL; key = key->next)
		pl_set_string(root, key->name, "7");
	if (schema_command_check_envelope(s, root, &env, NULL) == ERR_OK)
		schema_validate_command(&c, &env, &f);
	schema_findings_free(&f);
	pl_free(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct table_set set = { .overrides = table_overrides(),
		.dir = "fuzz",
		.release = "fuzz",
		.broken = ERR_INVALID,
		.lenient = true };
	const struct schema *s = NULL;
	struct err err = { 0 };
	unsigned i;

	for (i = 0; i < SCHEMA_TABLES; i++)
		set.tables[i] = bytes_text("# none\n");
	set.tables[SCHEMA_COMMANDS] = bytes_of(p, len);
	if (schema_load_set(&set, &s, &err) == ERR_OK)
		use(s);
	else
		must(err.msg[0] != '\0' && s == NULL);
	schema_free(s);
	return 0;
}
