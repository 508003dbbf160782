#include "engine/schema/command_text.h"

#include "engine/schema/validate.h"
#include "tests/tap.h"

static const struct schema *schema;

static struct pl *
make(const char *text)
{
	struct pl *r = NULL;
	struct err err = { 0 };

	if (schema_command_from_text(schema, bytes_text(text), &r, &err) !=
	    ERR_OK)
		printf("# %s: %s\n", text, err.msg);
	return r;
}

/* The command of text is what the dictionary in xml says. */
static bool
makes(const char *text, const char *xml)
{
	struct pl *r = make(text), *want = NULL;
	struct buf doc = { 0 };
	bool same;

	buf_printf(&doc, "<plist><dict>%s</dict></plist>", xml);
	same = pl_parse(buf_view(&doc), &want, NULL) == ERR_OK &&
	       pl_equal(r, want);
	pl_free(r);
	pl_free(want);
	buf_free(&doc);
	return same;
}

/* Refused, by the text or by the validator, and the message has says. */
static bool
refused(const char *text, enum err_code code, const char *says)
{
	struct schema_check c = { .schema = schema };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct pl *r = NULL;
	struct err err = { 0 };
	enum err_code e =
	    schema_command_from_text(schema, bytes_text(text), &r, &err);
	bool good = (e == ERR_OK) == (r != NULL);

	if (e == ERR_OK)
		e = schema_command_check_envelope(schema, r, &env, &err);
	if (e == ERR_OK) {
		schema_validate_command(&c, &env, &f);
		e = schema_findings_error(&f, &err);
	}
	good = good && e == code && err.code == code &&
	       strstr(err.msg, says) != NULL;
	if (!good)
		printf("# %s: %s\n", err_name(e), err.msg);
	schema_findings_free(&f);
	pl_free(r);
	return good;
}

#define TYPE(s) "<key>RequestType</key><string>" s "</string>"

static void
test_forms(void)
{
	ok(makes("DeviceLock PIN=123456\n",
	       TYPE("DeviceLock") "<key>PIN</key><string>123456</string>"),
	    "words");
	ok(makes("# lock it\n\nDeviceLock # now\nPIN=123456\r\nMessage='a b'",
	       TYPE("DeviceLock") "<key>PIN</key><string>123456</string>"
				  "<key>Message</key><string>a b</string>"),
	    "lines and comments");
	ok(makes("DeviceLock Message=\"say \\\"hi\\\"\\n\"'\\'x,y",
	       TYPE("DeviceLock") "<key>Message</key>"
				  "<string>say \"hi\"\n\\x,y</string>"),
	    "quotes, escapes, pieces that adjoin");
	ok(makes("DeviceInformation Queries=UDID,OSVersion Queries=Model",
	       TYPE("DeviceInformation") "<key>Queries</key><array>"
					 "<string>UDID</string>"
					 "<string>OSVersion</string>"
					 "<string>Model</string></array>"),
	    "arrays by commas and by repetition");
	ok(makes("RestartDevice KextPaths='/a,b',/c NotifyUser=Yes",
	       TYPE("RestartDevice") "<key>KextPaths</key><array>"
				     "<string>/a,b</string>"
				     "<string>/c</string></array>"
				     "<key>NotifyUser</key><true/>"),
	    "a comma in quotes does not separate");
	ok(makes("Settings Item=DeviceName DeviceName=\"Ann's phone\"",
	       TYPE("Settings") "<key>Settings</key><array><dict>"
				"<key>Item</key><string>DeviceName</string>"
				"<key>DeviceName</key>"
				"<string>Ann's phone</string>"
				"</dict></array>"),
	    "a setting");
	ok(makes("Settings DataRoaming.x= Item=x", "<key>a</key><true/>") ==
		false,
	    "an unknown setting is none");
	ok(makes("InstallProfile Payload=aGVsbG8=",
	       TYPE("InstallProfile") "<key>Payload</key>"
				      "<data>aGVsbG8=</data>"),
	    "data in base64");
	ok(makes("InstallApplication iTunesStoreID=0x10 "
		 "Attributes.Removable=no Configuration.a.b=7 "
		 "Configuration.s='7'",
	       TYPE("InstallApplication") "<key>iTunesStoreID</key>"
					  "<integer>16</integer>"
					  "<key>Attributes</key><dict>"
					  "<key>Removable</key><false/></dict>"
					  "<key>Configuration</key><dict>"
					  "<key>a.b</key><integer>7</integer>"
					  "<key>s</key><string>7</string>"
					  "</dict>"),
	    "nested keys; below a free dictionary the rest is one name");
	ok(makes("ScheduleOSUpdate Updates.InstallAction=Default "
		 "Updates.1.InstallAction=NotifyOnly",
	       TYPE("ScheduleOSUpdate") "<key>Updates</key><array><dict>"
					"<key>InstallAction</key>"
					"<string>Default</string></dict><dict>"
					"<key>InstallAction</key>"
					"<string>NotifyOnly</string></dict>"
					"</array>"),
	    "arrays of dictionaries");
}

static void
test_refusals(void)
{
	ok(refused("", ERR_INVALID, "empty"), "an empty file");
	ok(refused("DeviceLok PIN=1", ERR_INVALID,
	       "unknown request type DeviceLok: did you mean DeviceLock?"),
	    "an unknown request type");
	ok(refused("devicelock", ERR_INVALID, "did you mean DeviceLock?"),
	    "its case counts");
	ok(refused("DeviceLock PIN=abc Mesage=x", ERR_INVALID,
	       "PIN: 6 digits expected, got 'abc'\n"
	       "Mesage: unknown key: did you mean Message?"),
	    "all findings, a line each");
	ok(refused("InstallApplication stray iTunesStoreID=x\nmore",
	       ERR_INVALID,
	       "line 1: 'stray' is no Key=Value (a value with blanks needs "
	       "quotes)\niTunesStoreID: integer expected, got 'x'\n"
	       "line 2: 'more' is no Key=Value"),
	    "those of the text alone, too");
	ok(refused("ApplyRedemptionCode", ERR_INVALID,
	       "Identifier: is missing, ApplyRedemptionCode needs it "
	       "(string)\nRedemptionCode: is missing"),
	    "what is missing");
	ok(refused("ScheduleOSUpdate Updates.Priority=High", ERR_INVALID,
	       "Updates[0]/InstallAction: is missing"),
	    "what is missing inside");
	ok(refused("InstallApplication iTunesStoreID=x", ERR_INVALID,
	       "iTunesStoreID: integer expected, got 'x'"),
	    "no integer");
	ok(refused("InstallApplication iTunesStoreID=99999999999999999999",
	       ERR_INVALID, "integer expected"),
	    "an integer that is too large");
	ok(refused("InstallApplication InstallAsManaged=maybe", ERR_INVALID,
	       "true or false expected"),
	    "no boolean");
	ok(refused("InstallApplication ManagementFlags=2", ERR_INVALID,
	       "one of 1, 4, 5 expected"),
	    "a value that is not in the list");
	ok(refused("DeviceInformation Queries=Udid", ERR_INVALID,
	       "did you mean UDID?"),
	    "a query in the wrong case");
	ok(refused("InstallProfile Payload=@x", ERR_INVALID, "Payload=@-"),
	    "@FILE, with advice");
	ok(refused("InstallProfile Payload=%", ERR_INVALID, "base64"),
	    "no base64");
	ok(refused("DeviceLock PIN=123456 PIN=123456", ERR_INVALID,
	       "PIN: given twice"),
	    "a key that is given twice");
	ok(refused("Settings Item=TimeZone Item=HostName TimeZone=UTC",
	       ERR_INVALID, "Item: given twice"),
	    "two settings");
	ok(refused("Settings Item=DevName", ERR_INVALID,
	       "did you mean DeviceName?"),
	    "an unknown setting");
	ok(refused("Settings DeviceName=x", ERR_INVALID,
	       "Settings[0]/Item: is missing: it names the setting"),
	    "a setting without name");
	ok(refused("InstallApplication Attributes=x", ERR_INVALID,
	       "Attributes.KEY=VALUE"),
	    "a dictionary takes keys");
	ok(refused("ScheduleOSUpdate Updates.1.InstallAction=Default",
	       ERR_INVALID, "Updates.1.InstallAction: leads nowhere"),
	    "an array has no holes");
	ok(refused("LogOutUser X=1", ERR_INVALID, "no such key"),
	    "a command that takes no keys");
	ok(refused("DeviceLock Message='x", ERR_UNDECODABLE,
	       "the quote ' is not closed"),
	    "an open quote");
	ok(refused("DeviceLock Message=\x01", ERR_UNDECODABLE, "control"),
	    "control characters");
	ok(refused("DeviceLock Message=\xff", ERR_UNDECODABLE, "UTF-8"),
	    "no UTF-8");
	ok(refused("SetRecoveryLock NewPassword=hunter2 x", ERR_INVALID,
	       "'x' is no"),
	    "a stray word");
	ok(refused("RequestMirroring ScanTime=hunter2", ERR_INVALID, "hunter2"),
	    "values are shown");
	ok(refused("ScheduleOSUpdate Updates.=1", ERR_INVALID,
	       "Updates.: leads nowhere"),
	    "a name that ends too early");
	ok(refused("InstallApplication Attributes.Removeable=no", ERR_INVALID,
	       "Attributes/Removeable: unknown key: did you mean Removable?"),
	    "an unknown key inside");
	ok(makes("DeviceLock NotYetKnown=7 New.Key=x",
	       TYPE("DeviceLock") "<key>NotYetKnown</key><integer>7</integer>"
				  "<key>New.Key</key><string>x</string>"),
	    "what is not known is what it looks like");
}

/* ---- every command ------------------------------------------------------ */

/* Text that key's type takes. */
static const char *
example(const struct schema_key *key, char out[static 80])
{
	const char *words[] = { [SCHEMA_STRING] = "text",
		[SCHEMA_INTEGER] = "1",
		[SCHEMA_BOOLEAN] = "true",
		[SCHEMA_REAL] = "1.5",
		[SCHEMA_DATA] = "AAAA",
		[SCHEMA_DATE] = "2026-11-25T14:11:00Z",
		[SCHEMA_ANY] = "x" };

	if (key->values[0] != '\0')
		snprintf(out, 80, "%.*s", (int)strcspn(key->values, "|"),
		    key->values);
	else if (key->allowed != NULL)
		snprintf(out, 80, "%s", key->allowed->name);
	else if (key->format[0] != '\0')
		snprintf(out, 80, "123456");
	else
		snprintf(out, 80, "%s", words[key->vtype]);
	return out;
}

/* Every key (or only the required ones) as words. */
static void
words(
    struct buf *b, const struct schema_key *keys, const char *prefix, bool all)
{
	char name[200], value[80];
	size_t before;

	for (; keys != NULL; keys = keys->next) {
		if ((!all && keys->presence != SCHEMA_REQUIRED) ||
		    strcmp(keys->name, "Item") == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", prefix,
		    keys->wild ? "Any" : keys->name);
		if (keys->vtype == SCHEMA_DICTIONARY) {
			before = b->len;
			strcat(name, ".");
			words(b, keys->keys, name, all);
			name[strlen(name) - 1] = '\0';
			if (b->len == before)
				buf_printf(b, " %s={}", name);
		} else if (keys->vtype == SCHEMA_ARRAY &&
			   keys->items->vtype == SCHEMA_DICTIONARY) {
			strcat(name, ".");
			words(b, keys->items->keys, name, all);
		} else {
			buf_printf(b, " %s=%s", name,
			    example(keys->vtype == SCHEMA_ARRAY ? keys->items
								: keys,
				value));
		}
	}
}

/* The text becomes a command, and the command's bytes the same command. */
static bool
round_trip(struct buf *text)
{
	struct pl *r = make(buf_str(text)), *back = NULL;
	struct schema_envelope env;
	struct buf xml = { 0 };
	bool good;

	pl_write_xml(r, &xml);
	good = r != NULL &&
	       schema_command_read(schema, buf_view(&xml), &back, &env, NULL) ==
	           ERR_OK &&
	       pl_equal(r, back) && env.uuid == NULL && env.command == back;
	pl_free(r);
	pl_free(back);
	buf_free(&xml);
	buf_reset(text);
	return good;
}

static void
test_all(void)
{
	const struct schema_type *t;
	const struct schema_key *s;
	struct buf b = { 0 };
	int least = 0, most = 0, commands = 0, settings = 0, n = 0;

	for (t = schema_types(schema, SCHEMA_COMMANDS); t; t = t->next) {
		if (strcmp(t->name, "Settings") == 0)
			continue;
		commands++;
		buf_text(&b, t->name);
		if (t->command != NULL)
			words(&b, t->command->keys, "", false);
		least += round_trip(&b);
		buf_text(&b, t->name);
		if (t->command != NULL)
			words(&b, t->command->keys, "", true);
		most += round_trip(&b);
	}
	ok(commands == 65 && least == commands,
	    "every command can be written with its required keys");
	ok(most == commands, "and with all its keys");
	t = schema_command(schema, "Settings");
	for (s = t->command->keys->items; s != NULL; s = s->next) {
		n++;
		buf_printf(&b, "Settings Item=%s", s->name);
		words(&b, s->keys, "", true);
		settings += round_trip(&b);
	}
	ok(n == 20 && settings == n, "and so can every setting");
	buf_free(&b);
}

static void
test_tails(void)
{
	struct pl *r = NULL;
	uint8_t text[64] = "InstallProvisioningProfile ProvisioningProfile=@-"
			   "\n\0\xff\n";
	size_t len = strlen((char *)text) + 3;
	struct bytes got;

	ok(makes("InstallProvisioningProfile\nProvisioningProfile=@-\nabc\n",
	       TYPE("InstallProvisioningProfile") "<key>ProvisioningProfile</"
						  "key><data>YWJjCg==</data>"),
	    "KEY=@- is what stands behind that line, its end included");
	ok(schema_command_from_text(schema, bytes_of(text, len), &r, NULL) ==
		    ERR_OK &&
		(got = pl_get_data(r, "ProvisioningProfile")).len == 3 &&
		memcmp(got.p, "\0\xff\n", 3) == 0,
	    "byte for byte");
	pl_free(r);
	ok(makes("DeviceLock Message=@- PIN=123456 # first\na \"b' # c\nd=@-\n",
	       TYPE("DeviceLock") "<key>Message</key><string>a \"b' # "
				  "c\nd=@-</string>"
				  "<key>PIN</key><string>123456</string>"),
	    "text, too, whatever it holds; other words may share the line");
	ok(makes("DeviceLock Message='@-'\nPIN=123456\n",
	       TYPE("DeviceLock") "<key>Message</key><string>@-</string>"
				  "<key>PIN</key><string>123456</string>"),
	    "quoted, it is those two characters");
	ok(refused("InstallProfile Payload=@-", ERR_INVALID, "cat FILE"),
	    "nothing behind it");
	ok(refused("InstallProfile Payload=@-\n", ERR_INVALID, "cat FILE"),
	    "not a byte");
	ok(refused("DeviceLock Message=@- PIN=@-\nx\n", ERR_INVALID,
	       "only one value"),
	    "two of them");
	ok(refused("DeviceLock Message=@-\n\xff\n", ERR_INVALID, "no UTF-8"),
	    "a string that is none");
	ok(refused("InstallApplication iTunesStoreID=@-\n1\n", ERR_INVALID,
	       "integer expected"),
	    "not for numbers");
	ok(refused("DeviceLock\nProfileList\n", ERR_INVALID,
	       "line 2: 'ProfileList' begins another command"),
	    "a second command in one file");
}

int
main(void)
{
	ok(schema_load(&schema, NULL) == ERR_OK, "the tables load");
	test_forms();
	test_tails();
	test_refusals();
	test_all();
	schema_free(schema);
	return tap_done();
}
