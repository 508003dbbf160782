/* The pages about request types. */
#include "engine/schema/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schema/command_text.h"
#include "engine/schema/validate.h"
#include "tests/tap.h"

static const struct schema *schema;

/* The first line above 80 columns that could have been broken. */
static bool
fits(const char *page)
{
	const char *end, *line;
	int columns;

	for (; *page != '\0'; page = end + (*end == '\n')) {
		end = page + strcspn(page, "\n");
		columns = 0;
		for (line = page; line < end; line++)
			columns += (*line & 0xc0) != 0x80;
		/* one word cannot be */
		if (columns > 80 &&
		    memchr(page + strspn(page, " "), ' ',
			(size_t)(end - page) - strspn(page, " ")) != NULL) {
			printf("# %.*s\n", (int)(end - page), page);
			return false;
		}
	}
	return true;
}

/* Whether every key that a command has at its top is named. */
static bool
names_all(const struct schema_type *t, const char *page)
{
	const struct schema_key *k;
	char row[200];

	if (t->command == NULL || strcmp(t->name, "Settings") == 0)
		return true;
	for (k = t->command->keys; k != NULL; k = k->next) {
		snprintf(row, sizeof(row), "\n%s", k->name);
		if (strstr(page, row) == NULL) {
			printf("# %s: %s\n", t->name, k->name);
			return false;
		}
	}
	return true;
}

static bool
validates(const struct schema_example *x)
{
	struct schema_check c = { .schema = schema };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct buf whole = { 0 }, says = { 0 };
	struct pl *root = NULL;
	struct err err = { 0 };
	bool good = false;

	schema_example_whole(x, &whole);
	if (schema_command_read(schema, buf_view(&whole), &root, &env, &err) ==
	    ERR_OK) {
		schema_validate_command(&c, &env, &f);
		good = f.n == 0;
		schema_findings_say(&f, &says, 1000);
	}
	if (!good)
		printf(
		    "# %s: %s %s\n", buf_str(&whole), err.msg, buf_str(&says));
	schema_findings_free(&f);
	pl_free(root);
	buf_free(&whole);
	buf_free(&says);
	return good;
}

/* What the page shows as an example is the same command. */
static bool
shows(const char *page, const struct schema_example *x)
{
	struct schema_example shown = { .file = x->file };
	struct buf whole = { 0 }, seen = { 0 };
	struct pl *a = NULL, *b = NULL;
	const char *from = strstr(page, "\nEXAMPLE\n\n"), *to = NULL;
	bool same = false;

	if (from != NULL)
		to = strstr(from, "\n\nWritten by");
	if (to != NULL)
		buf_put(&shown.text, from + 10, (size_t)(to - from) - 10);
	schema_example_whole(x, &whole);
	schema_example_whole(&shown, &seen);
	if (schema_command_from_text(schema, buf_view(&whole), &a, NULL) ==
		ERR_OK &&
	    schema_command_from_text(schema, buf_view(&seen), &b, NULL) ==
		ERR_OK)
		same = pl_equal(a, b);
	pl_free(a);
	pl_free(b);
	buf_free(&shown.text);
	buf_free(&whole);
	buf_free(&seen);
	return same;
}

static void
test_all(void)
{
	const struct schema_type *t;
	unsigned n = 0;

	for (t = schema_types(schema, SCHEMA_COMMANDS); t != NULL;
	     t = t->next, n++) {
		struct schema_example x;
		struct buf page = { 0 };
		bool has = schema_example_of(schema, t, &x);

		ok(has && validates(&x), "its example validates");
		schema_page(schema, t, "", &page);
		ok(shows(buf_str(&page), &x), "and stands in the page");
		ok(fits(buf_str(&page)), "which fits in 80 columns");
		ok(names_all(t, buf_str(&page)), "and names every key");
		if (getenv("SHOW") != NULL)
			printf("%s", buf_str(&page));
		buf_free(&page);
		buf_free(&x.text);
	}
	ok(n >= 60, "every request type");
}

static bool
says(const char *type, const char *what)
{
	struct buf page = { 0 };
	bool yes;

	schema_page(schema, schema_command(schema, type), "It goes.", &page);
	yes = strstr(buf_str(&page), what) != NULL;
	if (!yes)
		printf("# %s", buf_str(&page));
	buf_free(&page);
	return yes;
}

static void
test_words(void)
{
	ok(says("DeviceLock", "iOS 4.0, macOS 10.7 (device channel alone"),
	    "which systems take it from which version on, and the channel");
	ok(says("DeviceLock", "not by tvOS."), "which do not");
	ok(says("DeviceLock", "the access right 4."), "the access right");
	ok(says("RestartDevice", "supervised"), "supervision");
	ok(says("DeviceLock", "\n      6 digits\n      macOS 10.8; not iOS"),
	    "the form of a value, and where a key is not");
	ok(says("ScheduleOSUpdate", "\nUpdates.0.InstallAction"),
	    "nested keys as a text command writes them");
	ok(says("ScheduleOSUpdate", "one of Default, DownloadOnly"),
	    "what is allowed");
	ok(says("ScheduleOSUpdate", "Low without it"), "the default");
	ok(says("DeviceInformation", "array of string     required"),
	    "types, and what is required");
	ok(says("DeviceInformation", "\n        OSVersion\n") &&
		says("DeviceInformation", "\n        SupplementalBuildVersion  "
					  "        iOS 16.1, macOS "
					  "13.0, tvOS 16.1\n") &&
		says("DeviceInformation",
		    "\n        ProvisioningUDID\n            macOS 11.3 (not "
		    "with User Enrollment); not iOS, tvOS"),
	    "which systems take each value, where they are not those of the "
	    "request");
	ok(says("Settings", "\nItem=Wallpaper\n"), "each item of Settings");
	ok(says("Settings", "0, or at least 30"), "a rule of the overrides");
	ok(says("InstallProfile",
	       "{ echo 'InstallProfile Payload=@-'; cat wifi.mobileconfig; }"),
	    "how a file goes in");
	ok(says("ProfileList", "<key>RequestType</key>"),
	    "the same as a property list");
	ok(says("ProfileList", "\nIt goes.\n"), "where the answer goes");
	ok(says("ShutDownDevice", "It has no keys."), "no keys");
}

int
main(void)
{
	if (!ok(schema_load(&schema, NULL) == ERR_OK, "the tables load"))
		return tap_done();
	test_all();
	test_words();
	schema_free(schema);
	return tap_done();
}
