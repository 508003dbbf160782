/* What answers teach, and what they may not show. */
#include "tests/model/answers.h"

/* ---- facts -------------------------------------------------------------- */

static void
test_facts(void)
{
	ask("DeviceInformation Queries=OSVersion", REPORT_ACKNOWLEDGED,
	    D("QueryResponses",
		S("OSVersion", "15.1") S("ProductName", "MacBookPro18,3") T(
		    "IsSupervised") D("MDMOptions",
		    T("BootstrapTokenAllowed")) A("ActiveManagedUsers",
		    "<string>ann</string>"
		    "<string>bob</string>") A("ServiceSubscriptions",
		    R(S("Slot", "CTSubscriptionSlotOne") S("IMEI", "35")))));
	ok(info_is("OSVersion", "15.1\n"), "a fact a file");
	ok(info_is("MDMOptions.BootstrapTokenAllowed", "true\n"),
	    "facts in a dictionary");
	ok(info_is("ActiveManagedUsers", "ann,bob\n"), "a list of words");
	ok(info_has("ServiceSubscriptions.tsv", "CTSubscriptionSlotOne"),
	    "a list of dictionaries is a table of its own");
	ok(info_has("ServiceSubscriptions.tsv", "\tSlot"),
	    "with the schema's columns");
	ask("DeviceLocation", REPORT_ACKNOWLEDGED,
	    "<key>Latitude</key><real>52.5</real>");
	ok(info_is("DeviceLocation.Latitude", "52.5\n"),
	    "facts at the top of an answer");
	ok(device_info(rules, device, "DeviceLocation.CommandUUID",
	       &(struct buf){ 0 }, NULL) == ERR_NOT_FOUND,
	    "its envelope is none");
}

static enum err_code
device_txn(struct txn *t, void *arg, struct err *err)
{
	struct device d;
	enum err_code rc = device_read(t, device, &d, err);

	if (rc == ERR_OK)
		validation_device_read(t, &d, 0, arg);
	return rc;
}

static void
device_is(struct validation_device *ret)
{
	must(store_view(rules->store, device_txn, ret, &rules_err));
}

static void
test_security(void)
{
	struct validation_device d;

	device_is(&d);
	ok(d.d.automated == SCHEMA_UNKNOWN, "how it enrolled is not known");
	ask("SecurityInfo", REPORT_ACKNOWLEDGED,
	    D("SecurityInfo",
		T("FDE_Enabled") B("FDE_PersonalRecoveryKeyCMS", SECRET)
		    S("FDE_PersonalRecoveryKeyDeviceKey", "DEVICE-KEY-1")
			D("ManagementStatus",
			    T("EnrolledViaDEP") F("UserApprovedEnrollment"))
			    D("FirewallSettings",
				A("Applications", R(S("BundleID", "a.b")))
				    T("StealthMode"))));
	ok(info_is("FDE_Enabled", "true\n"), "SecurityInfo");
	ok(info_is("FirewallSettings.StealthMode", "true\n"), "what is in it");
	ok(info_is("FirewallSettings.Applications.tsv",
	       "Allowed\tBundleID\tName\n\ta.b\t\n"),
	    "a list in it");
	ok(secret_is("FDE_PersonalRecoveryKeyCMS", "secret-secret") &&
		secret_is("FDE_PersonalRecoveryKeyDeviceKey", "DEVICE-KEY-1"),
	    "recovery keys go to secrets/");
	ok(!leaked(SECRET) && !leaked("DEVICE-KEY-1"), "and nowhere else");
	ok(result_has("(kept in secrets/FDE_PersonalRecoveryKeyCMS)"),
	    "the result says where they are");
	ok(has_event("secrets/FDE_PersonalRecoveryKeyCMS is new"),
	    "and so does the event");
	device_is(&d);
	ok(d.d.automated == SCHEMA_YES && d.d.approved == SCHEMA_NO &&
		d.d.supervised == SCHEMA_YES,
	    "ADE, user approval and supervision are known to validation");
}

/* ---- lists -------------------------------------------------------------- */

static void
test_lists(void)
{
	ask("InstalledApplicationList", REPORT_ACKNOWLEDGED,
	    A("InstalledApplicationList",
		R(S("Identifier", "com.apple.a") S("Name", "A\tb")
			I("BundleSize", "7") S("New Key", "x"))
		    R(S("Identifier", "com.apple.b") T("IsAppClip"))));
	ok(info_has("InstalledApplicationList.tsv", "Identifier\t"),
	    "the first line names the columns");
	ok(info_has("InstalledApplicationList.tsv", "\tSource\tNew Key\n"),
	    "the schema's first, then what only this device tells");
	ok(info_has("InstalledApplicationList.tsv", "\tA\\tb\t7\t"),
	    "a tab in a value is no column");
	ok(info_has("InstalledApplicationList.plist",
	       "<string>com.apple.b</string>"),
	    "as a property list, too");
	ask("CertificateList", REPORT_ACKNOWLEDGED,
	    A("CertificateList",
		R(S("CommonName", "Root") F("IsIdentity") B("Data", "YWJj"))));
	ok(info_is("CertificateList.tsv",
	       "CommonName\tIsIdentity\tData\nRoot\tfalse\tsha256:"
	       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
	       "d"
	       "\n"),
	    "data is shown by its SHA-256");
	ok(info_has("CertificateList.plist", "YWJj"), "and whole in the plist");
	ask("ManagedApplicationList", REPORT_ACKNOWLEDGED,
	    D("ManagedApplicationList",
		D("com.example.app", S("Status", "Managed"))));
	ok(info_has("ManagedApplicationList.tsv", "Name\tStatus\t") &&
		info_has(
		    "ManagedApplicationList.tsv", "com.example.app\tManaged\t"),
	    "a dictionary of dictionaries begins with its names");
	ask("Restrictions ProfileRestrictions=true", REPORT_ACKNOWLEDGED,
	    D("GlobalRestrictions",
		D("restrictedBool",
		    D("allowCamera", F("value")))) D("ProfileRestrictions",
		D("p.q", D("union", D("autonomous",
					A("values", "<string>a</string>"
						    "<string>b</string>"))))));
	ok(info_is("Restrictions.tsv", "Profile\tKind\tRestriction\tValue\n"
				       "\trestrictedBool\tallowCamera\tfalse\n"
				       "p.q\tunion\tautonomous\ta,b\n"),
	    "restrictions, in effect and by profile");
	ask("UserList", REPORT_ACKNOWLEDGED,
	    A("Users", R(S("UserName", "ann") I("DataUsed", "5"))));
	ok(info_has("UserList.tsv", "ann\t"), "users");
	ask("ProfileList", REPORT_ACKNOWLEDGED,
	    A("ProfileList", R(S("PayloadIdentifier", "p.q") A(
				 "PayloadContent", R(S("PayloadType", "t"))))));
	ok(info_has("ProfileList.tsv", "PayloadUUID\tPayloadIdentifier\t") &&
		info_has("ProfileList.tsv", "p.q"),
	    "profiles");
	ask("ProfileList", REPORT_ACKNOWLEDGED, A("ProfileList", ""));
	ok(!info_has("ProfileList.tsv", "p.q"), "the newest answer counts");
	ask("ProfileList", REPORT_ERROR, "");
	ok(info_has("ProfileList.tsv", "PayloadUUID"),
	    "an error teaches nothing");
	ask("ProvisioningProfileList", REPORT_ACKNOWLEDGED,
	    A("ProvisioningProfileList", "<string>odd</string>"));
	ok(info_has("ProvisioningProfileList.tsv", "Name\tUUID"),
	    "rows that are none");
	ask("OSUpdateStatus", REPORT_ACKNOWLEDGED, S("OSUpdateStatus", "odd"));
	ok(device_info(rules, device, "OSUpdateStatus.tsv", &(struct buf){ 0 },
	       NULL) == ERR_NOT_FOUND,
	    "what is not what the schema says is not kept");
}

static void
test_limits(void)
{
	struct buf b = { 0 };
	unsigned i;

	buf_text(&b, "<key>ProvisioningProfileList</key><array>");
	for (i = 0; i < 3000; i++)
		buf_printf(&b, R(S("Name", "%0800u")), i);
	buf_text(&b, "</array>");
	ask("ProvisioningProfileList", REPORT_ACKNOWLEDGED, buf_str(&b));
	ok(!info_has("ProvisioningProfileList.tsv", "0000") &&
		has_event("ProvisioningProfileList is too much for info/"),
	    "a list that is too long stays in results/, and the event says so");
	buf_reset(&b);
	buf_text(&b, "<key>QueryResponses</key><dict>");
	for (i = 0; i < 2000; i++)
		buf_printf(&b, A("L%u", R(S("a", "b"))) S("F%u", "x"), i, i);
	buf_text(&b, "</dict>");
	ask("DeviceInformation Queries=UDID", REPORT_ACKNOWLEDGED, buf_str(&b));
	ok(device_info(rules, device, "F1999", &(struct buf){ 0 }, NULL) ==
		    ERR_NOT_FOUND &&
		device_info(rules, device, "L1999.tsv", &(struct buf){ 0 },
		    NULL) == ERR_NOT_FOUND,
	    "neither facts nor lists without end");
	buf_free(&b);
	ask("DeviceInformation Queries=UDID", REPORT_ACKNOWLEDGED,
	    D("QueryResponses", S("UserList.tsv", "forged")));
	ok(!info_has("UserList.tsv", "forged"), "no fact stands in for a list");
}

/* ---- secrets ------------------------------------------------------------ */

static void
test_secrets(void)
{
	ask("ActivationLockBypassCode", REPORT_ACKNOWLEDGED,
	    S("ActivationLockBypassCode", "ABCD-EFGH"));
	ok(secret_is("ActivationLockBypassCode", "ABCD-EFGH") &&
		!leaked("ABCD-EFGH"),
	    "a bypass code");
	ask("RequestUnlockToken", REPORT_ACKNOWLEDGED,
	    B("UnlockToken", SECRET));
	ok(secret_is("UnlockToken", "secret-secret") && !leaked(SECRET),
	    "an unlock token");
	ask("RequestUnlockToken", REPORT_ACKNOWLEDGED, B("UnlockToken", ""));
	ok(secret_is("UnlockToken", "secret-secret"),
	    "nothing does not take its place");
	ask("RotateFileVaultKey KeyType=personal FileVaultUnlock.Password=x",
	    REPORT_ACKNOWLEDGED,
	    D("RotateResult", B("EncryptedNewRecoveryKey", SECRET)));
	ok(secret_is("EncryptedNewRecoveryKey", "secret-secret") &&
		!leaked(SECRET),
	    "a new recovery key");
	ask("RotateFileVaultKey KeyType=personal FileVaultUnlock.Password=x",
	    REPORT_ERROR,
	    D("RotateResult", S("NewRecoveryKey", "AAAA-BBBB-CCCC")));
	ok(secret_is("NewRecoveryKey", "AAAA-BBBB-CCCC") &&
		!leaked("AAAA-BBBB-CCCC"),
	    "one in the clear, even if the device says Error");
	ask("DeviceInformation Queries=PushToken", REPORT_ACKNOWLEDGED,
	    D("QueryResponses", B("PushToken", SECRET) S("OSVersion", "15.2")));
	ok(secret_is("PushToken", "secret-secret") && !leaked(SECRET) &&
		info_is("OSVersion", "15.2\n"),
	    "a push token; facts beside it are facts");
	ask("ProfileList", REPORT_ACKNOWLEDGED,
	    A("New", R(D("Deep", B("UnlockToken", "b3RoZXI=")))));
	ok(secret_is("UnlockToken", "other") && !leaked("b3RoZXI="),
	    "wherever it stands");
	ask("ManagedApplicationFeedback Identifiers=a.b", REPORT_ACKNOWLEDGED,
	    A("ManagedApplicationFeedback",
		R(S("Identifier", "a.b")
			D("Feedback", S("UnlockToken", "the app's")))));
	ok(secret_is("UnlockToken", "other"),
	    "what an app calls so is not the device's");
}

static void
test_set(void)
{
	ask("SetRecoveryLock NewPassword='open sesame'", REPORT_ERROR, "");
	ok(!secret_is("RecoveryLockPassword", "open sesame"),
	    "a password that was not taken is not kept");
	ask("SetRecoveryLock NewPassword='open sesame'", REPORT_ACKNOWLEDGED,
	    "");
	ok(secret_is("RecoveryLockPassword", "open sesame") &&
		!leaked("open sesame"),
	    "the recovery lock's password, once it is set");
	ask("VerifyRecoveryLock Password='open sesame'", REPORT_ACKNOWLEDGED,
	    T("PasswordVerified"));
	ok(result_has("PasswordVerified") && !leaked("open sesame"),
	    "asking about it shows nothing");
	ask("SetFirmwarePassword NewPassword=fw", REPORT_ACKNOWLEDGED,
	    D("SetFirmwarePassword", F("PasswordChanged")));
	ok(!secret_is("FirmwarePassword", "fw"), "unless it was not changed");
	ask("SetFirmwarePassword NewPassword=fw", REPORT_ACKNOWLEDGED,
	    D("SetFirmwarePassword", T("PasswordChanged")));
	ok(secret_is("FirmwarePassword", "fw"), "the firmware's password");
	ask("DeviceLock PIN=246813", REPORT_ACKNOWLEDGED, "");
	ok(secret_is("DeviceLockPIN", "246813") && !leaked("246813"),
	    "the PIN of a lock");
	ask("SetRecoveryLock NewPassword=''", REPORT_ACKNOWLEDGED, "");
	ok(!secret_is("RecoveryLockPassword", "open sesame"),
	    "a lock that was taken off has no password");
}

/* Every key of the tables that looks like a secret is one here, or is known
 * not to be. */
static bool
known(const struct schema_key *key)
{
	static const char *const harmless[] = { "iTunesStoreAccountHash",
		"TokenData", "ReturnToService", "HasSecureToken" };
	size_t i;

	if (key->vtype != SCHEMA_STRING && key->vtype != SCHEMA_DATA)
		return true;
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (strcmp(key->name, harmless[i]) == 0)
			return true;
	return answer_is_secret(key->name);
}

static bool
walk(const struct schema_key *key, unsigned depth)
{
	const struct schema_key *k;
	bool looks = schema_is_secret(key->name) ||
	             strstr(key->name, "RecoveryKey") != NULL ||
	             strstr(key->name, "Bypass") != NULL;
	bool good = !looks || known(key);

	/* a setting's word: allowed, not supported, ... */
	good = good ||
	       strcmp(key->name, "BootstrapTokenAllowedForAuthentication") == 0;
	if (!good)
		printf("# %s\n", key->name);
	for (k = key->keys; k != NULL && depth < 8; k = k->next)
		good = walk(k, depth + 1) && good;
	for (k = key->items; k != NULL && depth < 8; k = k->next)
		good = walk(k, depth + 1) && good;
	return good;
}

static void
test_tables(void)
{
	const struct schema *schema = engine_schema(rules);
	const struct schema_type *t = schema_types(schema, SCHEMA_RESPONSES);
	bool good = true;

	for (; t != NULL; t = t->next)
		good = walk(&t->root, 0) && good;
	ok(good, "no secret of Apple's tables is forgotten");
	schema_free(schema);
}

int
main(void)
{
	static const struct engine_options options;

	answers_begin(&options);
	test_facts();
	test_security();
	test_lists();
	test_limits();
	test_secrets();
	test_set();
	test_tables();
	engine_close(rules);
	return tap_done();
}
