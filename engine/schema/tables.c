#include "engine/schema/tables.h"

/* clang-format off */
#define TABLE(name)                                                          \
	extern const char table_##name##_text[], table_##name##_end[];              \
	__asm__(".pushsection .rodata\n"                                     \
		"table_" #name "_text: .incbin \"engine/schema/tables/" #name     \
		".tsv\"\n"                                                   \
		"table_" #name "_end: .byte 0\n"                             \
		".popsection\n")

TABLE(commands);
TABLE(checkin);
TABLE(profiles);
TABLE(declarations);
TABLE(status);
TABLE(errors);
TABLE(responses);
TABLE(protocol);
TABLE(other);
TABLE(overrides);

#define ROW(name) { #name, table_##name##_text, table_##name##_end }

static const struct {
	const char *name;
	const char *begin;
	const char *end;
} tables[] = {
	[SCHEMA_COMMANDS] = ROW(commands),
	[SCHEMA_CHECKIN] = ROW(checkin),
	[SCHEMA_PROFILES] = ROW(profiles),
	[SCHEMA_DECLARATIONS] = ROW(declarations),
	[SCHEMA_STATUS] = ROW(status),
	[SCHEMA_ERRORS] = ROW(errors),
	[SCHEMA_RESPONSES] = ROW(responses),
	[SCHEMA_PROTOCOL] = ROW(protocol),
	[SCHEMA_OTHER] = ROW(other),
};
/* clang-format on */

struct bytes
table_text(enum schema_table table)
{
	return bytes_of(tables[table].begin,
	    (size_t)(tables[table].end - tables[table].begin));
}

struct bytes
table_overrides(void)
{
	return bytes_of(table_overrides_text,
	    (size_t)(table_overrides_end - table_overrides_text));
}

const char *
table_name(enum schema_table table)
{
	return tables[table].name;
}
