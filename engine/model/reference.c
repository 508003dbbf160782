#include "mdmfs/reference.h"

#include "engine/model/answers.h"
#include "engine/schema/page.h"

/* FNV-1a: of some dozens of names no two are alike. */
static uint32_t
number_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

void
reference_list(struct engine *e, uint32_t after, reference_fn *fn, void *arg)
{
	const struct schema *schema = engine_schema(e);
	const struct schema_type *t = schema_types(schema, SCHEMA_COMMANDS);
	uint32_t place = 1;

	for (; t != NULL; t = t->next, place++)
		if (place > after &&
		    !fn(arg, t->name, place, number_of(t->name)))
			break;
	schema_free(schema);
}

enum err_code
reference_page(
    struct engine *e, uint32_t number, struct buf *b, struct err *err)
{
	const struct schema *schema = engine_schema(e);
	const struct schema_type *t = schema_types(schema, SCHEMA_COMMANDS);
	struct buf goes = { 0 };
	bool found;

	while (t != NULL && number_of(t->name) != number)
		t = t->next;
	found = t != NULL;
	if (found) {
		answer_goes(t->name, &goes);
		schema_page(schema, t, buf_str(&goes), b);
	}
	buf_free(&goes);
	schema_free(schema);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "no such request type");
	return buf_error(b, err);
}
