/* Commands with one mistake each, and what is said of it. */
#include "tests/schema/documents.h"

static const struct schema *schema;

/* The command, property list or text, has these findings for that device. */
static bool
command(const char *s, const struct schema_device *d, const char *want)
{
	struct schema_check c = { .schema = schema, .device = d };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct pl *root = NULL;
	struct err err = { 0 };
	struct buf b;

	if (schema_command_read(schema, bytes_text(s), &root, &env, &err) !=
	    ERR_OK) {
		printf("# %s\n", err.msg);
		return false;
	}
	schema_validate_command(&c, &env, &f);
	b = findings_of(&f, s);
	pl_free(root);
	return same(&b, s, want);
}

/* ---- commands ----------------------------------------------------------- */

static void
test_commands(void)
{
	ok(command("DeviceLock PIN=123456 Message=Hi", NULL, ""),
	    "a good command has no findings");
	ok(command(COMMAND(S("RequestType", "DeviceLock") S("PIN", "1234")),
	       NULL, "line 1: Command/PIN: 6 digits expected, got '1234'"),
	    "a form");
	ok(command(DICT(S("RequestType", "DeviceLock") "\n" S("Mesage", "x")),
	       NULL, "line 2: Mesage: unknown key: did you mean Message?"),
	    "an unknown key, the nearest one, the line");
	ok(command(DICT(S("RequestType", "DeviceLock") S("Xyzzyx", "x")), NULL,
	       "line 1: Xyzzyx: unknown key: DeviceLock has no such key here"),
	    "no near one");
	ok(command(DICT(S("RequestType", "LogOutUser") S("X", "x")), NULL,
	       "line 1: X: unknown key: LogOutUser has no such key here"),
	    "a command without keys");
	ok(command(DICT(S("RequestType", "DeviceLok")), NULL,
	       "line 1: RequestType: unknown request type DeviceLok: did you "
	       "mean DeviceLock?"),
	    "an unknown request type");
	ok(command(DICT(S("RequestType", "DeviceLock") I("PIN", "123456")),
	       NULL, "line 1: PIN: string expected, got integer"),
	    "a wrong type");
	ok(command(COMMAND(S("RequestType", "ApplyRedemptionCode")), NULL,
	       "line 1: Command/Identifier: is missing, ApplyRedemptionCode "
	       "needs it (string)\nline 1: Command/RedemptionCode: is missing, "
	       "ApplyRedemptionCode needs it (string)"),
	    "all that is missing");
	ok(command(
	       DICT(S("RequestType", "CertificateList") I("ManagedOnly", "1")),
	       NULL,
	       "line 1: ManagedOnly: boolean expected (<true/>), got the "
	       "integer 1 (a warning)"),
	    "1 for a boolean is a warning");
	ok(command(DICT(S("RequestType", "DeviceInformation") A("Queries",
		       "<string>UDID</string>\n<string>OSVersoin</string>")),
	       NULL,
	       "line 2: Queries[1]: a known value expected, got 'OSVersoin': "
	       "did you mean OSVersion?"),
	    "an unknown query");
	ok(command(DICT(S("RequestType", "Settings") A("Settings",
		       ITEM(S("Item", "DeviceName") S("DeviceName", "x"))
			   ITEM(S("Item", "TimeZone")))),
	       NULL,
	       "line 1: Settings[1]/TimeZone: is missing, Settings needs it "
	       "(string)"),
	    "settings by their Item");
	ok(command(DICT(S("RequestType", "Settings") A("Settings",
		       ITEM(S("Item", "DevName")) ITEM(T("Enabled")))),
	       NULL,
	       "line 1: Settings[0]/Item: unknown setting 'DevName': did you "
	       "mean DeviceName?\nline 1: Settings[1]/Item: is missing: it "
	       "names the setting, for example Wallpaper"),
	    "an unknown setting, and none");
	ok(command(
	       "Settings Item=DefaultApplications WebBrowser=a.b", NULL, ""),
	    "the setting that has no Item in the tables");
	ok(command("Settings Item=SharedDeviceConfiguration "
		   "UserSessionTimeout=0 TemporarySessionTimeout=29",
	       NULL,
	       "Settings[0]/TemporarySessionTimeout: 0 or at least 30 "
	       "expected, got "
	       "'29'"),
	    "0 or at least 30");
	ok(command(DICT(S("RequestType", "ProfileList")
			   T("RequestRequiresNetworkTether")),
	       NULL, ""),
	    "a key of every command");
}

static void
test_devices(void)
{
	struct schema_device mac = { .os_known = true, .os = SCHEMA_MACOS };
	struct schema_device phone = { .os_known = true, .os = SCHEMA_IOS };
	struct schema_device nothing = { 0 };

	ok(command("EraseDevice ObliterationBehavior=Always", &phone,
	       "ObliterationBehavior: is not for iOS"),
	    "a key that is not for the system");
	ok(command("DeviceLock PIN=123456", &phone,
	       "PIN: is not for iOS: the device passes it over (a warning)"),
	    "one command does for a mixed fleet, where nothing is at stake");
	ok(command("DeviceLock PIN=123456", &mac, ""), "and is for another");
	ok(command("EnableLostMode Message=x", &nothing, ""),
	    "nothing known refuses nothing");
	ok(command("EnableLostMode Message=x", &mac,
	       "RequestType: EnableLostMode is not for macOS"),
	    "a command that is not for the system");
	ok(command("EnableLostMode Message=x", &phone, ""),
	    "supervision that is not known");
	phone.supervised = SCHEMA_NO;
	ok(command("EnableLostMode Message=x", &phone,
	       "RequestType: EnableLostMode needs supervision, which this "
	       "device has not"),
	    "a device that is not supervised");
	phone.supervised = SCHEMA_YES;
	phone.version = "9.2.1";
	ok(command("EnableLostMode Message=x", &phone,
	       "RequestType: EnableLostMode needs iOS 9.3; this device has "
	       "9.2.1"),
	    "a version");
	phone.version = "16.4";
	ok(command("EraseDevice ReturnToService.Enabled=true", &phone,
	       "ReturnToService: needs iOS 17.0; this device has 16.4"),
	    "of a key");
	ok(command("DeviceInformation Queries=UDID,HasBattery,IMEI", &phone,
	       "Queries[1]: HasBattery is not for iOS\n"
	       "Queries[2]: IMEI is deprecated since iOS 16.0 (a warning)"),
	    "of a value");
	phone.enrollment = SCHEMA_ENROLLMENT_USER;
	ok(command("EraseDevice", &phone,
	       "RequestType: EraseDevice is not for User Enrollment, by which "
	       "this device is enrolled"),
	    "User Enrollment");
	phone.enrollment = SCHEMA_ENROLLMENT_DEVICE;
	phone.rights = 8191 & ~8;
	ok(command("EraseDevice", &phone,
	       "RequestType: EraseDevice needs the access right 8, which the "
	       "server was not given (access-rights: 8183)"),
	    "access rights");
	phone.rights = 0;
	phone.shared = SCHEMA_NO;
	ok(command("DeleteUser UserName=x", &phone,
	       "RequestType: DeleteUser needs a Shared iPad, which this device "
	       "is not"),
	    "Shared iPad");
	mac.channel = SCHEMA_CHANNEL_USER;
	ok(command("EraseDevice", &mac,
	       "RequestType: EraseDevice is for the device channel only, not "
	       "for one of its users"),
	    "the user channel");
	mac.channel = SCHEMA_CHANNEL_DEVICE;
	ok(command("ActiveNSExtensions", &mac,
	       "RequestType: ActiveNSExtensions is for the user channel only "
	       "(users/USER/ of the device)"),
	    "the device channel");
}

/* ---- findings ----------------------------------------------------------- */

static void
test_bounds(void)
{
	struct schema_check c = { .schema = schema };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct pl *root = pl_new_dict();
	struct err err = { 0 };
	char name[32];
	int i;

	pl_set_string(root, "RequestType", "DeviceLock");
	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "Wrong%d", i);
		pl_set_bool(root, name, true);
	}
	ok(schema_command_check_envelope(schema, root, &env, NULL) == ERR_OK,
	    "150 unknown keys");
	schema_validate_command(&c, &env, &f);
	ok(f.n == SCHEMA_FINDINGS_MAX && f.more == 50 &&
		f.count[SCHEMA_ERROR] == 150,
	    "are counted, and 100 of them told");
	ok(schema_findings_error(&f, &err) == ERR_INVALID &&
		err.code == ERR_INVALID &&
		strstr(err.msg, "Wrong0: unknown key") == err.msg &&
		strstr(err.msg, "\nand ") != NULL &&
		strlen(err.msg) < sizeof(err.msg) - 300,
	    "an error has what it has room for");
	schema_findings_free(&f);
	schema_findings_free(&f);
	pl_free(root);
}

/* The path of a finding, and the line that it is found at. */
static bool
line_is(const char *document, const char *path, unsigned line)
{
	struct schema_findings f = { 0 };
	struct schema_finding one = { .path = path, .wrong = "x" };
	bool good;

	schema_findings_add(&f, &one);
	schema_findings_lines(&f, bytes_text(document));
	good = f.list[0].line == line;
	if (!good)
		printf("# line %u\n", f.list[0].line);
	schema_findings_free(&f);
	return good;
}

static void
test_lines(void)
{
	static const char document[] =
	    "<?xml version=\"1.0\"?>\n<!-- <key>a</key> -->\n"
	    "<plist><dict>\n<key>a</key>\n<array>\n<string>x</string>\n"
	    "<dict>\n<key>b&amp;c</key>\n<true/></dict>\n<array/>\n"
	    "<dict/>\n</array>\n<key>d</key><data>\nAAAA\n</data>\n"
	    "<key>e</key><string><![CDATA[<key>z</key>]]></string>\n"
	    "<key>f</key><dict/></dict></plist>";

	ok(line_is(document, "a", 4), "a key");
	ok(line_is(document, "a[0]", 6), "an item");
	ok(line_is(document, "a[1]", 7), "one that is a dictionary");
	ok(line_is(document, "a[1]/missing", 7), "what is missing in it");
	ok(line_is(document, "a[2]", 10) && line_is(document, "a[3]", 11),
	    "empty ones");
	ok(line_is(document, "d", 13) && line_is(document, "f", 17),
	    "behind values of several lines");
	ok(line_is(document, "g", 3), "what is missing in the whole");
	ok(line_is(
	       "DeviceLock Message='<dict><key>PIN</key><true/>'", "PIN", 0),
	    "text has none");
	ok(line_is(
	       "<plist><dict><key>a</key></dict></dict></array><a", "a", 1) &&
		line_is("<", "a", 0) && line_is("<plist><key>", "a", 0),
	    "nonsense does no harm");
}

int
main(void)
{
	ok(schema_load(&schema, NULL) == ERR_OK, "the tables load");
	test_commands();
	test_devices();
	test_bounds();
	test_lines();
	schema_free(schema);
	return tap_done();
}
