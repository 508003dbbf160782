/*
 * Command files under libFuzzer, property lists and text: a refusal has a
 * reason, and what is read was never refused while it was written.
 */
#include <stdlib.h>

#include "engine/schema/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const struct schema *schema; /* for the process */
	struct schema_command_scan scan;
	struct schema_envelope env;
	struct pl *root = NULL;
	struct err err = { 0 };
	size_t half = len / 2;

	if (schema == NULL)
		must(schema_load(&schema, NULL) == ERR_OK);
	if (schema_command_read(schema, bytes_of(p, len), &root, &env, &err) !=
	    ERR_OK) {
		must(err.msg[0] != '\0' && root == NULL);
		return 0;
	}
	schema_command_scan_init(&scan, schema);
	must(
	    schema_command_scan_feed(&scan, bytes_of(p, half), NULL) == ERR_OK);
	must(schema_command_scan_feed(
		 &scan, bytes_of(p + half, len - half), NULL) == ERR_OK);
	pl_free(root);
	return 0;
}
