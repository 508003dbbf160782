#include "engine/schema/schema.h"

#include "tests/tap.h"

static const struct schema *schema;

static size_t
count(enum schema_table table)
{
	const struct schema_type *t;
	size_t n = 0;

	for (t = schema_types(schema, table); t != NULL; t = t->next)
		n++;
	return n;
}

static const struct schema_key *
key_of(const char *command, const char *name)
{
	const struct schema_type *t = schema_command(schema, command);

	return t == NULL ? NULL : schema_key(t->command->keys, name);
}

static bool
near_is(const char *name, const char *want)
{
	const char *near = schema_command_near(schema, name);

	if (want == NULL || near == NULL)
		return near == want;
	return strcmp(near, want) == 0;
}

static void
test_tables(void)
{
	ok(count(SCHEMA_COMMANDS) == 66 && count(SCHEMA_CHECKIN) == 9 &&
		count(SCHEMA_PROFILES) == 128 &&
		count(SCHEMA_DECLARATIONS) == 63 &&
		count(SCHEMA_STATUS) == 46 && count(SCHEMA_ERRORS) == 7 &&
		count(SCHEMA_RESPONSES) == 38 && count(SCHEMA_PROTOCOL) == 3 &&
		count(SCHEMA_OTHER) == 5,
	    "every type of every table is there");
	ok(schema_find(schema, SCHEMA_PROFILES,
	       "com.apple.TCC.configuration-profile-policy") != NULL &&
		schema_find(schema, SCHEMA_COMMANDS, "com.apple.TCC") == NULL,
	    "types are found by their whole name");
}

static void
test_keys(void)
{
	const struct schema_key *pin = key_of("DeviceLock", "PIN");
	const struct schema_key *queries =
	    key_of("DeviceInformation", "Queries");
	const struct schema_key *settings = key_of("Settings", "Settings");
	const struct schema_key *flags =
	    key_of("InstallApplication", "ManagementFlags");
	const struct schema_key *any =
	    key_of("InstallApplication", "Configuration");
	const struct schema_key *item;
	struct buf says = { 0 };
	size_t n = 0;

	ok(pin != NULL && pin->vtype == SCHEMA_STRING &&
		pin->presence == SCHEMA_OPTIONAL,
	    "a key has a type and a presence");
	ok(schema_format_fits(pin, "123456") &&
		!schema_format_fits(pin, "1234567") &&
		!schema_format_fits(pin, "abc"),
	    "and a form");
	schema_format_says(pin, &says);
	ok(strcmp(buf_str(&says), "6 digits") == 0, "that people understand");
	buf_free(&says);
	ok(key_of("DeviceLock", "pin") == NULL, "the case of a key counts");
	ok(key_of("DeviceInformation", "Queries")->presence == SCHEMA_REQUIRED,
	    "a required key");
	ok(queries->items->vtype == SCHEMA_STRING &&
		schema_value_allowed(queries->items, "UDID") &&
		!schema_value_allowed(queries->items, "UDIDs"),
	    "an array's item has its allowed values");
	ok(schema_value_allowed(flags, "4") &&
		!schema_value_allowed(flags, "2") &&
		!schema_value_allowed(flags, "1|4"),
	    "so has a key");
	for (item = settings->items; item != NULL; item = item->next)
		n++;
	ok(n == 20, "Settings has 20 alternatives");
	ok(schema_key(any->keys, "whatever") != NULL &&
		schema_key(any->keys, "whatever")->wild,
	    "a dictionary may take any key");
	ok(key_of("ScheduleOSUpdate", "Updates")->presence == SCHEMA_OPTIONAL,
	    "overrides are applied");
	ok(strcmp(pin->os[SCHEMA_IOS], "") != 0 ||
		strcmp(
		    schema_command(schema, "DeviceLock")->root.os[SCHEMA_IOS],
		    "") != 0,
	    "OS facts are kept");
}

static void
test_near(void)
{
	ok(near_is("DeviceLok", "DeviceLock"), "a missing letter");
	ok(near_is("devicelock", "DeviceLock"), "the wrong case");
	ok(near_is("DeivceLock", "DeviceLock"), "swapped letters");
	ok(near_is("InstalProfiles", "InstallProfile"), "two mistakes");
	ok(near_is("xyzzy", NULL) && near_is("", NULL),
	    "nothing near is nothing");
	ok(strcmp(schema_key_near(
		      schema_command(schema, "DeviceLock")->command->keys,
		      "Mesage"),
	       "Message") == 0,
	    "keys, too");
}

int
main(void)
{
	struct err err = { 0 };

	if (!ok(schema_load(&schema, &err) == ERR_OK, "the tables load"))
		printf("# %s\n", err.msg);
	test_tables();
	test_keys();
	test_near();
	schema_free(schema);
	schema_free(NULL);
	return tap_done();
}
