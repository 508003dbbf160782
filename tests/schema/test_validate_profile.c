/*
 * Profiles, also inside of commands, and declarations with one mistake each,
 * and what is said of it.
 */
#include "tests/schema/documents.h"

static const struct schema *schema;

typedef void validate_fn(
    const struct schema_check *, const struct pl *, struct schema_findings *);

static bool
document(validate_fn *fn, const char *s, const struct schema_device *d,
    const char *want)
{
	struct schema_check c = { .schema = schema, .device = d };
	struct schema_findings f = { 0 };
	struct pl *root = NULL;
	struct buf b;

	if (pl_parse(bytes_text(s), &root, NULL) != ERR_OK)
		return false;
	fn(&c, root, &f);
	b = findings_of(&f, s);
	pl_free(root);
	return same(&b, s, want);
}

static bool
profile(const char *s, const struct schema_device *d, const char *want)
{
	return document(schema_validate_profile, s, d, want);
}

static bool
declaration(const char *s, const struct schema_device *d, const char *want)
{
	return document(schema_validate_declaration, s, d, want);
}

/* ---- profiles ----------------------------------------------------------- */

#define COMMON(type)                                                           \
	S("PayloadType", type)                                                 \
	S("PayloadIdentifier", "a.b")                                          \
	S("PayloadUUID", "u") I("PayloadVersion", "1")
#define PROFILE(payloads)                                                      \
	DICT(COMMON("Configuration") A("PayloadContent", payloads))

static void
test_profiles(void)
{
	struct schema_device phone = { .os_known = true,
		.os = SCHEMA_IOS,
		.version = "17.0",
		.supervised = SCHEMA_NO };

	ok(profile(PROFILE(ITEM(COMMON("com.apple.webClip.managed")
			   S("URL", "https://x") S("Label", "x"))),
	       NULL, ""),
	    "a good profile");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.webClip.managed") "\n" S(
		       "URI", "https://x") S("Label", "x"))),
	       NULL,
	       "line 1: PayloadContent[0]/URL: is missing, "
	       "com.apple.webClip.managed needs it (string)\n"
	       "line 2: PayloadContent[0]/URI: unknown key: did you mean URL? "
	       "(a warning)"),
	    "an unknown key is a warning, the missing one an error");
	ok(profile(
	       PROFILE(ITEM(COMMON("com.apple.webClip.manged") S("Any", "x"))),
	       NULL,
	       "line 1: PayloadContent[0]/PayloadType: unknown payload type "
	       "com.apple.webClip.manged: did you mean "
	       "com.apple.webClip.managed? (a warning)"),
	    "an unknown payload type");
	ok(profile(PROFILE(ITEM(S("PayloadType", "com.apple.dock"))), NULL,
	       "line 1: PayloadContent[0]/PayloadIdentifier: is missing, "
	       "com.apple.dock needs it (string)\n"
	       "line 1: PayloadContent[0]/PayloadUUID: is missing, "
	       "com.apple.dock needs it (string)\n"
	       "line 1: PayloadContent[0]/PayloadVersion: is missing, "
	       "com.apple.dock needs it (integer)"),
	    "what every payload has");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.dock"))), &phone,
	       "line 1: PayloadContent[0]/PayloadType: com.apple.dock is not "
	       "for iOS"),
	    "a payload that is not for the system");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.app.lock")
			   D("App", S("Identifier", "a")))),
	       &phone,
	       "line 1: PayloadContent[0]/PayloadType: com.apple.app.lock "
	       "needs supervision, which this device has not"),
	    "a payload that needs supervision");
	ok(profile(DICT(COMMON("Configuration") T("IsEncrypted")), NULL, ""),
	    "an encrypted profile has no payloads");
	ok(profile(DICT(COMMON("Profile Service") D("PayloadContent", "")),
	       NULL,
	       "line 1: PayloadType: Configuration expected, got "
	       "'Profile Service'\nline 1: PayloadContent: array expected, got "
	       "dictionary"),
	    "no configuration profile");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.TCC.configuration-profile-"
				       "policy") D("Services",
		       A("Camera", ITEM(S("Identifier", "a") S("IdentifierType",
				       "bundleID") S("CodeRequirement", "c")
					   T("Allowed")
					       S("Authorization", "Allow")))))),
	       NULL,
	       "line 1: PayloadContent[0]/Services/Camera[0]: exactly one of "
	       "Allowed or Authorization must stand here, there are more"),
	    "keys that exclude each other");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.proxy.http.global") S(
		       "ProxyType", "Manual") I("ProxyServerPort", "80"))),
	       NULL,
	       "line 1: PayloadContent[0]/ProxyServer: is missing, with "
	       "ProxyType=Manual it is needed (string)"),
	    "a key that another one's value needs");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.MCX") T("DisableGuestAccount")
			   S("timeServer", "t") I("SleepDisabeld", "1"))),
	       NULL,
	       "line 1: PayloadContent[0]/SleepDisabeld: unknown key: did you "
	       "mean SleepDisabled? (a warning)"),
	    "a payload that spans several schemas");
	ok(profile(PROFILE(ITEM(COMMON("com.apple.extensiblesso") S(
		       "ExtensionIdentifier",
		       "com.apple.AppSSOKerberos.KerberosExtension")
			   S("Type", "Redirect") S("TeamIdentifier", "apple") S(
			       "Realm", "R") A("Hosts", "<string>a</string>"))),
	       NULL,
	       "line 1: PayloadContent[0]/Type: Credential expected, "
	       "got "
	       "'Redirect'"),
	    "a variant that is recognized by a key");
}

static void
test_recursion(void)
{
	struct buf b = { 0 };
	int i;

	buf_text(&b,
	    "<plist><dict>" COMMON("Configuration") "<key>PayloadContent</"
						    "key><array><dict>" COMMON(
							"com.apple."
							"applicationaccess."
							"new") "<key>"
							       "familyContr"
							       "olsEnabled<"
							       "/key><true/"
							       ">"
							       "<key>"
							       "whiteList</"
							       "key><array>"
							       "<dict>"
							       "<key>"
							       "bundleID</"
							       "key><"
							       "string>a</"
							       "string>"
							       "<key>appID<"
							       "/key><data>"
							       "</data>");
	for (i = 0; i < 12; i++)
		buf_text(&b, "<key>subApps</key><array><dict>"
			     "<key>bundleID</key><string>a</string>"
			     "<key>appID</key><data></data>");
	buf_text(&b, "<key>displayNam</key><string>x</string>");
	for (i = 0; i < 13; i++)
		buf_text(&b, "</dict></array>");
	buf_text(&b, "</dict></array></dict></plist>");
	ok(profile(buf_str(&b), NULL,
	       "line 1: PayloadContent[0]/whiteList[0]/subApps[0]/subApps[0]/"
	       "subApps[0]/subApps[0]/subApps[0]/subApps[0]/subApps[0]/"
	       "subApps[0]/subApps[0]/subApps[0]/subApps[0]/subApps[0]/"
	       "displayNam: unknown key: did you mean displayName? (a "
	       "warning)"),
	    "a schema that contains itself");
	buf_free(&b);
}

/* ---- profiles in commands ----------------------------------------------- */

static enum err_code
unwrap(void *arg, struct bytes der, struct buf *content, struct err *err)
{
	if (arg == NULL)
		return err_set(err, ERR_UNDECODABLE, "no signature");
	(void)der;
	buf_text(content, arg);
	return ERR_OK;
}

static bool
installed(const char *payload, char *inside, const char *want)
{
	struct schema_check c = {
		.schema = schema, .unwrap = unwrap, .arg = inside
	};
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct pl *root = pl_new_dict();
	struct buf b;
	bool good;

	pl_set_string(root, "RequestType", "InstallProfile");
	pl_set_data(root, "Payload", bytes_text(payload));
	good =
	    schema_command_check_envelope(schema, root, &env, NULL) == ERR_OK;
	schema_validate_command(&c, &env, &f);
	b = findings_of(&f, "");
	pl_free(root);
	return same(&b, payload, want) && good;
}

static void
test_inside(void)
{
	char signed_one[] = PROFILE(
	    ITEM(COMMON("com.apple.webClip.managed") S("URL", "https://x")));

	ok(installed(PROFILE(""), NULL, ""), "a profile inside of a command");
	ok(installed(PROFILE("<true/>"), NULL,
	       "Payload/PayloadContent[0]: dictionary expected, got boolean"),
	    "is validated as well");
	ok(installed("0signed", signed_one,
	       "Payload/PayloadContent[0]/Label: is missing, "
	       "com.apple.webClip.managed needs it (string)"),
	    "also if it is signed");
	ok(installed("0signed", NULL,
	       "Payload: the signed profile cannot be opened: no signature"),
	    "and if that cannot be opened");
	ok(installed("hello", NULL,
	       "Payload: is no configuration profile: neither a property list "
	       "nor a signed one"),
	    "what is none");
	ok(installed("<plist>", NULL,
	       "Payload: the profile cannot be read: cut short: </plist> is "
	       "missing"),
	    "half of one");
}

/* ---- declarations ------------------------------------------------------- */

static void
test_declarations(void)
{
	struct schema_device phone = { .os_known = true,
		.os = SCHEMA_IOS,
		.version = "16.0",
		.supervised = SCHEMA_NO,
		.enrollment = SCHEMA_ENROLLMENT_DEVICE };

#define PASSCODE "com.apple.configuration.passcode.settings"
	ok(declaration(DICT(S("Type", PASSCODE) S("Identifier", "a")
			       D("Payload", I("MinimumLength", "6"))),
	       &phone, ""),
	    "a good declaration");
	ok(declaration(DICT(S("Type", PASSCODE) D("Payload",
			   I("MinimumLength", "17") I("MinimumLenght", "6"))),
	       NULL,
	       "line 1: Payload/MinimumLength: 0 to 16 expected, got '17'\n"
	       "line 1: Payload/MinimumLenght: unknown key: did you mean "
	       "MinimumLength?\nline 1: Identifier: is missing, " PASSCODE
	       " needs it (string)"),
	    "a range, an unknown key, a missing one");
	ok(declaration(DICT(S("Type", PASSCODE) S("Identifier", "a") D(
			   "Payload", I("MaximumPasscodeAgeInDays", "6"))),
	       &phone,
	       "line 1: Payload/MaximumPasscodeAgeInDays: needs iOS 16.2; this "
	       "device has 16.0: the device passes it over (a warning)"),
	    "a key that the device passes over is a warning");
	ok(declaration(
	       DICT(S("Type", "com.apple.configuration.passcode.setting")
		       S("Identifier", "a") D("Payload", "")),
	       NULL,
	       "line 1: Type: unknown declaration "
	       "com.apple.configuration.passcode.setting: did you "
	       "mean " PASSCODE "?"),
	    "an unknown type");
	ok(declaration(DICT(S("Type", "com.apple.configuration.math.settings")
			       S("Identifier", "a") D("Payload", "")),
	       &phone,
	       "line 1: Type: com.apple.configuration.math.settings needs iOS "
	       "18.0; this device has 16.0"),
	    "a version");
	phone.version = "18.0";
	ok(declaration(DICT(S("Type", "com.apple.configuration.math.settings")
			       S("Identifier", "a") D("Payload", "")),
	       &phone,
	       "line 1: Type: com.apple.configuration.math.settings needs "
	       "supervision, which this device has not"),
	    "a way of enrollment");
	ok(declaration(DICT(S("Type", "com.apple.credential.scep")
			       S("Identifier", "a") D("Payload", "")),
	       NULL,
	       "line 1: Type: com.apple.credential.scep is the document that "
	       "an "
	       "asset leads to, not a declaration"),
	    "no declaration");
	ok(declaration("<plist><array/></plist>", NULL,
	       "line 1: a declaration is a dictionary, this is a array"),
	    "no dictionary");
}

int
main(void)
{
	ok(schema_load(&schema, NULL) == ERR_OK, "the tables load");
	test_profiles();
	test_recursion();
	test_inside();
	test_declarations();
	schema_free(schema);
	return tap_done();
}
