/* Commands to begin with: made by hand where that says more, else of what the
 * tables require.  What does not validate is never shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schema/command_text.h"
#include "engine/schema/page_priv.h"
#include "engine/schema/validate.h"

#define DEPTH_MAX 8

/* clang-format off */
static const struct {
	const char *type; /* the first word of text */
	const char *text; /* what follows it */
	const char *file; /* whose bytes stand behind it */
} known[] = {
	{ "AccountConfiguration", "PrimaryAccountFullName=\"Ann Smith\" PrimaryAccountUserName=ann", NULL },
	{ "ClearPasscode", "UnlockToken=@-", "devices/UDID/secrets/UnlockToken" },
	{ "DeleteUser", "UserName=ann@example.com", NULL },
	{ "DeviceInformation", "Queries=DeviceName,OSVersion,SerialNumber", NULL },
	{ "DeviceLock", "PIN=123456 Message=\"Please call 555 0100\"", NULL },
	{ "EnableLostMode", "Message=\"Lost: please call\" PhoneNumber=\"555 0100\"", NULL },
	{ "EraseDevice", "PIN=123456", NULL },
	{ "InstallApplication", "iTunesStoreID=361309726 Options.PurchaseMethod=1 ManagementFlags=1", NULL },
	{ "InstallEnterpriseApplication", "ManifestURL=https://example.com/app.plist", NULL },
	{ "InstallMedia", "MediaType=Book MediaURL=https://example.com/guide.pdf PersistentID=guide Kind=pdf", NULL },
	{ "InstallProfile", "Payload=@-", "wifi.mobileconfig" },
	{ "InstallProvisioningProfile", "ProvisioningProfile=@-", "app.mobileprovision" },
	{ "InstalledApplicationList", "Items=Identifier,Name,ShortVersion", NULL },
	{ "RemoveMedia", "MediaType=Book PersistentID=guide", NULL },
	{ "RequestMirroring", "DestinationName=\"Meeting room\" ScanTime=30", NULL },
	{ "RestartDevice", "NotifyUser=true", NULL },
	{ "RotateFileVaultKey", "KeyType=personal FileVaultUnlock.Password=\"the present key\"", NULL },
	{ "ScheduleOSUpdate", "Updates.0.ProductVersion=18.1 Updates.0.InstallAction=InstallASAP", NULL },
	{ "SetAutoAdminPassword", "GUID=01234567-89AB-CDEF-0123-456789ABCDEF passwordHash=@-", "hash.plist" },
	{ "Settings", "Item=DeviceName DeviceName=\"Reception iPad\"", NULL },
};

/* Values by what a key's name ends with. */
static const struct {
	const char *ending;
	const char *value;
} values[] = {
	{ "UUID",       "01234567-89AB-CDEF-0123-456789ABCDEF" },
	{ "GUID",       "01234567-89AB-CDEF-0123-456789ABCDEF" },
	{ "URL",        "https://example.com/" },
	{ "UserName",   "ann" },
	{ "Password",   "\"correct horse\"" },
	{ "Identifier", "com.example.app" },
	{ "Identifiers", "com.example.app" },
	{ "DNSName",    "mac.example.com" },
	{ "IPv6AddressList", "fe80::1" },
	{ "RedemptionCode", "ABCDEF123456" },
	{ "",           "text" },
};
/* clang-format on */

/* ---- of what the tables require ----------------------------------------- */

struct made {
	struct schema_example *x;
	unsigned depth;
	struct buf last; /* KEY=@-, which ends the line */
};

static void made_keys(
    struct made *m, const char *prefix, const struct schema_key *list);

static bool
ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), e = strlen(ending);

	return n >= e && strcmp(s + n - e, ending) == 0;
}

/* The first of "A|B", or of the =Value lines. */
static bool
first_value(const struct schema_key *key, struct buf *b)
{
	if (key->values[0] != '\0')
		buf_printf(
		    b, "%.*s", (int)strcspn(key->values, "|"), key->values);
	else if (key->allowed != NULL)
		buf_text(b, key->allowed->name);
	return key->values[0] != '\0' || key->allowed != NULL;
}

static const char *
by_name(const char *name)
{
	size_t i = 0;

	while (!ends_with(name, values[i].ending))
		i++;
	return values[i].value;
}

static void
made_value(struct made *m, const struct schema_key *key, const char *name)
{
	struct buf *b = &m->x->text;

	if (first_value(key, b))
		return;
	switch (key->vtype) {
	case SCHEMA_INTEGER:
	case SCHEMA_REAL:
		buf_printf(b, "%ld",
		    key->range[0] != '\0' ? strtol(key->range, NULL, 10) : 1);
		break;
	case SCHEMA_BOOLEAN:
		buf_text(b, "true");
		break;
	case SCHEMA_DATE:
		buf_text(b, "2027-01-31T12:00:00Z");
		break;
	case SCHEMA_DATA:
		buf_text(b, "AQID");
		break;
	case SCHEMA_STRING:
	case SCHEMA_ANY:
	case SCHEMA_VALUE:
	case SCHEMA_ARRAY:
	case SCHEMA_DICTIONARY:
		buf_text(
		    b, key->form != NULL && schema_format_fits(key, "123456")
			   ? "123456"
			   : by_name(name));
		break;
	}
}

static void
made_key(struct made *m, const char *prefix, const struct schema_key *key)
{
	const struct schema_key *item =
	    key->vtype == SCHEMA_ARRAY ? key->items : NULL;
	const struct schema_key *scalar = item != NULL ? item : key;
	char inner[540];

	if (scalar->vtype == SCHEMA_DATA && m->x->file == NULL) {
		buf_printf(&m->last, " %s%s=@-", prefix, key->name);
		m->x->file = "FILE";
		return;
	}
	if (scalar->vtype != SCHEMA_DICTIONARY) {
		buf_printf(&m->x->text, " %s%s=", prefix, key->name);
		made_value(m, scalar, key->name);
		return;
	}
	snprintf(inner, sizeof(inner), "%s%s.%s", prefix, key->name,
	    item != NULL ? "0." : "");
	made_keys(m, inner, scalar->keys);
}

static void
made_keys(struct made *m, const char *prefix, const struct schema_key *list)
{
	if (m->depth++ < DEPTH_MAX)
		for (; list != NULL; list = list->next)
			if (list->presence == SCHEMA_REQUIRED && !list->wild)
				made_key(m, prefix, list);
	m->depth--;
}

static void
make(const struct schema_type *type, struct schema_example *x)
{
	struct made m = { .x = x };

	buf_text(&x->text, type->name);
	if (type->command != NULL)
		made_keys(&m, "", type->command->keys);
	buf_bytes(&x->text, buf_view(&m.last));
	buf_free(&m.last);
}

/* ---- judging ------------------------------------------------------------ */

void
schema_example_whole(const struct schema_example *x, struct buf *b)
{
	static const char profile[] =
	    "<plist><dict><key>PayloadType</key><string>Configuration</string>"
	    "<key>PayloadIdentifier</key><string>com.example</string>"
	    "<key>PayloadUUID</key>"
	    "<string>01234567-89AB-CDEF-0123-456789ABCDEF</string>"
	    "<key>PayloadVersion</key><integer>1</integer>"
	    "<key>PayloadContent</key><array/></dict></plist>\n";

	buf_bytes(b, buf_view(&x->text));
	buf_char(b, '\n');
	if (x->file != NULL)
		buf_text(b, profile);
}

static bool
good(const struct schema *schema, const struct schema_example *x)
{
	struct schema_check c = { .schema = schema };
	struct schema_findings f = { 0 };
	struct schema_envelope env;
	struct buf whole = { 0 };
	struct pl *root = NULL;
	bool yes;

	schema_example_whole(x, &whole);
	yes = schema_command_read(
		  schema, buf_view(&whole), &root, &env, NULL) == ERR_OK;
	if (yes) {
		schema_validate_command(&c, &env, &f);
		yes = f.n == 0;
	}
	schema_findings_free(&f);
	pl_free(root);
	buf_free(&whole);
	return yes;
}

bool
schema_example_of(const struct schema *schema, const struct schema_type *type,
    struct schema_example *ret)
{
	size_t i;

	*ret = (struct schema_example){ 0 };
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].type, type->name) != 0)
			continue;
		buf_printf(&ret->text, "%s %s", type->name, known[i].text);
		ret->file = known[i].file;
		if (good(schema, ret))
			return true;
		buf_reset(&ret->text);
		ret->file = NULL;
	}
	make(type, ret);
	if (good(schema, ret))
		return true;
	buf_reset(&ret->text);
	return false;
}
