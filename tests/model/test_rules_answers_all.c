/* An answer to each request type, made of Apple's tables with every key in it:
 * where each value goes. */
#include "engine/base/text.h"
#include "tests/model/answers.h"

#define LEAVES 512
#define DEPTH  6

struct leaf {
	char path[200];
	char value[40]; /* as text, or the text that is the data */
	bool data;
	bool secret;
};

static struct leaf leaves[LEAVES];
static size_t n_leaves;
static unsigned serial;

static void put_value(
    struct buf *b, const struct schema_key *key, const char *path, unsigned d);

static void
put_keys(
    struct buf *b, const struct schema_key *key, const char *path, unsigned d)
{
	const struct schema_key *k;
	char below[300];

	for (k = key; k != NULL && d < DEPTH; k = k->next) {
		const char *name = k->wild ? "com.example" : k->name;

		snprintf(below, sizeof(below), "%.190s/%.80s", path, name);
		buf_printf(b, "<key>%s</key>", name);
		put_value(b, k, below, d + 1);
	}
}

static void
put_leaf(
    struct buf *b, const struct schema_key *key, const char *path, bool data)
{
	struct leaf *l = &leaves[n_leaves++];

	snprintf(l->path, sizeof(l->path), "%.190s", path);
	snprintf(l->value, sizeof(l->value), "value-%05u", ++serial);
	l->data = data;
	l->secret = answer_is_secret(key->name);
	if (!data) {
		buf_printf(b, "<string>%s</string>", l->value);
		return;
	}
	buf_text(b, "<data>");
	text_base64(b, bytes_text(l->value));
	buf_text(b, "</data>");
}

static void
put_value(
    struct buf *b, const struct schema_key *key, const char *path, unsigned d)
{
	switch (key->vtype) {
	case SCHEMA_DICTIONARY:
		buf_text(b, "<dict>");
		put_keys(
		    b, key->ref != NULL ? key->ref->keys : key->keys, path, d);
		buf_text(b, "</dict>");
		break;
	case SCHEMA_ARRAY:
		buf_text(b, "<array>");
		if (key->items != NULL && d < DEPTH)
			put_value(b, key->items, path, d + 1);
		buf_text(b, "</array>");
		break;
	case SCHEMA_INTEGER:
		buf_text(b, "<integer>7</integer>");
		break;
	case SCHEMA_REAL:
		buf_text(b, "<real>0.5</real>");
		break;
	case SCHEMA_BOOLEAN:
		buf_text(b, "<true/>");
		break;
	case SCHEMA_DATE:
		buf_text(b, "<date>2026-01-01T00:00:00Z</date>");
		break;
	case SCHEMA_DATA:
		put_leaf(b, key, path, true);
		break;
	case SCHEMA_STRING:
	case SCHEMA_ANY:
	case SCHEMA_VALUE:
		put_leaf(b, key, path, false);
		break;
	}
}

static bool
is_envelope(const char *path)
{
	static const char *const keys[] = { "/UDID", "/Status", "/CommandUUID",
		"/EnrollmentID", "/UserID", "/ErrorChain" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(path, keys[i], strlen(keys[i])) == 0)
			return true;
	return false;
}

static bool
in_secrets(const struct leaf *l)
{
	const char *name = strrchr(l->path, '/') + 1;

	return secret_is(name, l->value);
}

static bool
shows(const struct leaf *l)
{
	struct buf b = { 0 };
	bool yes;

	if (l->data)
		text_base64(&b, bytes_text(l->value));
	else
		buf_text(&b, l->value);
	yes = result_has(buf_str(&b));
	buf_free(&b);
	return yes;
}

/* Nothing is dropped, and no secret is anywhere but in secrets/. */
static bool
is_right(const char *type, const struct leaf *l)
{
	struct buf b = { 0 };
	bool good;

	if (is_envelope(l->path))
		return true;
	if (l->secret) {
		text_base64(&b, bytes_text(l->value));
		good =
		    in_secrets(l) && !leaked(l->value) && !leaked(buf_str(&b));
		buf_free(&b);
	} else {
		good = shows(l);
	}
	if (!good)
		printf("# %s%s is %s\n", type, l->path,
		    l->secret ? "not in secrets/ alone" : "nowhere");
	return good;
}

static unsigned secrets, types, values;

static bool
one_type(const struct schema_type *type)
{
	struct buf xml = { 0 };
	bool good = true;
	size_t i;

	n_leaves = 0;
	put_keys(&xml, type->root.keys, "", 0);
	ask(type->name, REPORT_ACKNOWLEDGED, buf_str(&xml));
	for (i = 0; i < n_leaves; i++) {
		good = is_right(type->name, &leaves[i]) && good;
		secrets += leaves[i].secret;
	}
	values += (unsigned)n_leaves;
	types++;
	buf_free(&xml);
	return good;
}

static void
test_all(void)
{
	const struct schema *schema = engine_schema(rules);
	const struct schema_type *t = schema_types(schema, SCHEMA_RESPONSES);
	bool good = true;

	for (; t != NULL; t = t->next)
		if (schema_command(schema, t->name) != NULL)
			good = one_type(t) && good;
	printf("# %u request types, %u values, %u of them secrets\n", types,
	    values, secrets);
	ok(good, "each value of each answer is in results/, or in secrets/ "
		 "alone");
	ok(types > 20 && values > 150 && secrets >= 6,
	    "the tables have answers, and secrets in them");
	schema_free(schema);
}

static void
test_attestation(void)
{
	ask("DeviceInformation Queries=DevicePropertiesAttestation",
	    REPORT_ACKNOWLEDGED,
	    D("QueryResponses",
		A("DevicePropertiesAttestation",
		    "<data>MDAwMQ==</data><data>MDAwMg==</data>")));
	ok(info_is("DevicePropertiesAttestation.pem",
	       "-----BEGIN CERTIFICATE-----\nMDAwMQ==\n"
	       "-----END CERTIFICATE-----\n"
	       "-----BEGIN CERTIFICATE-----\nMDAwMg==\n"
	       "-----END CERTIFICATE-----\n"),
	    "an attestation is a chain of certificates");
	ok(info_has("DevicePropertiesAttestation.plist", "MDAwMQ=="),
	    "and as the device told it");
	ok(device_info(rules, device, "DevicePropertiesAttestation.tsv",
	       &(struct buf){ 0 }, NULL) == ERR_NOT_FOUND &&
		device_info(rules, device, "CertificateList.pem",
		    &(struct buf){ 0 }, NULL) == ERR_NOT_FOUND,
	    "each has its forms");
	ask("DeviceInformation Queries=DeviceName", REPORT_ACKNOWLEDGED,
	    D("QueryResponses",
		A("Future", "<data>MDAwMQ==</data><data>MDAwMg==</data>")
		    A("Nested", "<array><string>x</string></array>")));
	ok(info_has("Future.tsv", "sha256:") && info_has("Nested.plist", "x"),
	    "an array that no fact can hold is a list");
}

int
main(void)
{
	static const struct engine_options options;

	answers_begin(&options);
	test_all();
	test_attestation();
	engine_close(rules);
	return tap_done();
}
