#include "engine/schema/command.h"

#include "tests/tap.h"

static const struct schema *schema;

#define DICT(s)  "<plist><dict>" s "</dict></plist>"
#define TYPE(s)  "<key>RequestType</key><string>" s "</string>"
#define UUID(s)  "<key>CommandUUID</key><string>" s "</string>"
#define INNER(s) "<key>Command</key><dict>" s "</dict>"

/* The document is a command of that type and UUID (NULL: none). */
static bool
accepted(const char *s, const char *type, const char *uuid)
{
	struct pl *root = NULL;
	struct schema_envelope env = { 0 };
	struct err err = { 0 };
	bool good;

	good =
	    schema_command_read(schema, bytes_text(s), &root, &env, &err) ==
		ERR_OK &&
	    strcmp(env.request_type, type) == 0 &&
	    env.type == schema_command(schema, type) &&
	    (uuid == NULL ? env.uuid == NULL : strcmp(env.uuid, uuid) == 0) &&
	    pl_get_string(env.command, "RequestType") != NULL;
	if (!good)
		printf("# %s\n", err.msg);
	pl_free(root);
	return good;
}

static bool
refused(const char *s, enum err_code code, const char *says)
{
	struct pl *root = NULL;
	struct schema_envelope env = { 0 };
	struct err err = { 0 };
	enum err_code e =
	    schema_command_read(schema, bytes_text(s), &root, &env, &err);
	bool good = e == code && root == NULL && env.command == NULL &&
	            strstr(err.msg, says) != NULL;

	if (!good)
		printf("# %s: %s\n", err_name(e), err.msg);
	return good;
}

static void
test_envelopes(void)
{
	char text[400] = DICT(INNER(TYPE("DeviceLock")) UUID(""));
	struct buf b = { 0 };
	int i;

	ok(accepted(DICT(TYPE("DeviceLock")), "DeviceLock", NULL), "bare");
	ok(accepted(DICT(UUID("u-1") INNER(TYPE("DeviceLock"))), "DeviceLock",
	       "u-1"),
	    "in its envelope");
	ok(accepted(DICT(INNER(TYPE("DeviceLock"))), "DeviceLock", NULL),
	    "in an envelope without UUID");
	ok(accepted("DeviceLock PIN=123456\n", "DeviceLock", NULL), "as text");
	ok(refused(DICT(""), ERR_INVALID, "neither RequestType nor Command"),
	    "an empty dictionary");
	ok(refused("<plist><array/></plist>", ERR_INVALID, "this is a array"),
	    "no dictionary");
	ok(refused(DICT(INNER("")), ERR_INVALID, "RequestType is missing"),
	    "no request type");
	ok(refused(DICT("<key>RequestType</key><true/>"), ERR_INVALID,
	       "string expected, got boolean"),
	    "a request type that is not a string");
	ok(accepted(DICT(TYPE("DeviceLok")), "DeviceLok", NULL),
	    "an unknown one is for the validator");
	ok(refused("DeviceLok", ERR_INVALID, "did you mean DeviceLock?"),
	    "as text nothing can be made of it");
	ok(refused(DICT(TYPE("a\nb")), ERR_INVALID, "1 to 127 printable") &&
		refused(DICT(TYPE("")), ERR_INVALID, "1 to 127 printable"),
	    "one that is no name");
	ok(refused(DICT("<key>Command</key><string/>"), ERR_INVALID,
	       "Command: dictionary expected, got string"),
	    "a Command that is not a dictionary");
	ok(refused(DICT(INNER(TYPE("DeviceLock"))
			   TYPE("x") "<key>PIN</key><string/>" UUID("")),
	       ERR_INVALID,
	       "RequestType stands beside Command: it belongs inside that "
	       "dictionary\nPIN stands beside Command: it belongs inside that "
	       "dictionary\nCommandUUID: a string of 1 to 255"),
	    "all findings, a line each");
	ok(refused(DICT(TYPE("DeviceLock") UUID("u")), ERR_INVALID,
	       "beside RequestType"),
	    "a UUID without envelope");
	ok(refused(text, ERR_INVALID, "CommandUUID"), "an empty UUID");
	ok(refused(DICT(INNER(TYPE("DeviceLock")) UUID("a\nb")), ERR_INVALID,
	       "CommandUUID"),
	    "a UUID with a line end");
	buf_text(&b, "<plist><dict>" INNER(
			 TYPE("DeviceLock")) "<key>CommandUUID</key><string>");
	for (i = 0; i <= SCHEMA_UUID_MAX; i++)
		buf_char(&b, 'u');
	buf_text(&b, "</string></dict></plist>");
	ok(refused(buf_str(&b), ERR_INVALID, "CommandUUID"),
	    "a UUID that is too long");
	buf_free(&b);
	ok(refused(DICT(TYPE("DeviceLock")) "x", ERR_UNDECODABLE, "</plist>"),
	    "no property list");
	ok(refused("", ERR_INVALID, "empty"), "an empty file");
}

/* How many bytes are taken before the refusal; -1 if there is none. */
static int
taken(const char *s, const char *says)
{
	struct schema_command_scan scan;
	struct err err = { 0 };
	int i;

	schema_command_scan_init(&scan, schema);
	for (i = 0; s[i] != '\0'; i++)
		if (schema_command_scan_feed(&scan, bytes_of(s + i, 1), &err) !=
		    ERR_OK)
			return strstr(err.msg, says) != NULL ? i : -2;
	return -1;
}

static void
test_scan(void)
{
	struct schema_command_scan scan;

	ok(taken("DeviceLok PIN=1", "did you mean DeviceLock?") == 9,
	    "a first word that is whole and unknown is refused");
	ok(taken("DeviceLok", "") == -1, "not before it is whole");
	ok(taken("# DeviceLok\n \nDeviceLock PIN=x", "") == -1,
	    "what follows is judged at the end");
	ok(taken("'DeviceLok' ", "") == -1, "and so are quotes");
	ok(taken("<plist><foo>", "<foo>") == 11,
	    "a property list is judged by its structure");
	ok(taken("{\"a\":1}\n", "unknown request type") == 1,
	    "JSON is no request type");
	schema_command_scan_init(&scan, schema);
	ok(schema_command_scan_feed(
	       &scan, bytes_text("\n# c\nDeviceLock\n"), NULL) == ERR_OK,
	    "in one piece");
	ok(schema_command_scan_feed(&scan, BYTES_NONE, NULL) == ERR_OK,
	    "and nothing more");
}

int
main(void)
{
	ok(schema_load(&schema, NULL) == ERR_OK, "the tables load");
	test_envelopes();
	test_scan();
	schema_free(schema);
	return tap_done();
}
