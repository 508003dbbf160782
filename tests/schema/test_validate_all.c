/*
 * Every schema of commands, profiles and declarations: documents made from the
 * tables are good, and with one mistake they are not.
 */
#include "engine/schema/validate.h"

#include "engine/schema/validate_priv.h"
#include "tests/schema/generate.h"
#include "tests/tap.h"

static const struct schema *schema;

struct kind {
	enum schema_table table;
	struct pl *(*make)(struct generate *, const struct schema_type *);
	void (*validate)(const struct schema_check *, const struct pl *,
	    struct schema_findings *);
	const char *class; /* of the schemas, "": any */
	/* of an unknown key */
	enum schema_severity unknown;
	/* of a key that the device cannot take */
	enum schema_severity unfit;
};

static void
validate_command(const struct schema_check *c, const struct pl *root,
    struct schema_findings *f)
{
	struct schema_envelope env;

	if (schema_command_check_envelope(c->schema, root, &env, NULL) ==
	    ERR_OK)
		schema_validate_command(c, &env, f);
}

static const struct kind commands = { SCHEMA_COMMANDS, generate_command,
	validate_command, "command", SCHEMA_ERROR, SCHEMA_UNSUPPORTED };
static const struct kind profiles = { SCHEMA_PROFILES, generate_profile,
	schema_validate_profile, "payload", SCHEMA_WARNING, SCHEMA_WARNING };
static const struct kind declarations = { SCHEMA_DECLARATIONS,
	generate_declaration, schema_validate_declaration, "", SCHEMA_ERROR,
	SCHEMA_WARNING };

/* What has been tried, and how often it was as it should be. */
struct score {
	unsigned tried;
	unsigned good;
};

static bool
is_of(const struct kind *k, const struct schema_type *t)
{
	struct bytes class = schema_extra(&t->root, "class");

	if (k->class[0] != '\0')
		return bytes_equal(class, bytes_text(k->class));
	return !bytes_equal(class, bytes_text("base")) &&
	       !bytes_equal(class, bytes_text("credential"));
}

static void
show(const struct schema_findings *f, const struct pl *root, const char *why)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s\n", why);
	schema_findings_say(f, &b, 2000);
	buf_char(&b, '\n');
	if (root != NULL)
		pl_write_xml(root, &b);
	for (char *line = strtok((char *)(uintptr_t)buf_str(&b), "\n");
	     line != NULL; line = strtok(NULL, "\n"))
		printf("# %s\n", line);
	buf_free(&b);
}

/* ---- good documents ----------------------------------------------------- */

static void
expect_good(struct score *s, const struct kind *k, const struct schema_type *t,
    struct generate g)
{
	struct schema_check c = { .schema = schema, .device = g.device };
	struct schema_findings f = { 0 };
	struct pl *root = k->make(&g, t);

	k->validate(&c, root, &f);
	s->tried++;
	if (f.count[SCHEMA_ERROR] == 0 && f.count[SCHEMA_UNSUPPORTED] == 0 &&
	    (f.n == 0 || g.device != NULL))
		s->good++;
	else
		show(&f, s->tried - s->good < 3 ? root : NULL, t->name);
	schema_findings_free(&f);
	pl_free(root);
}

typedef void key_fn(struct score *s, const struct kind *k,
    const struct schema_type *t, const struct schema_key *key);

/* Every key below dict, items too. */
static void
each_key(struct score *s, const struct kind *k, const struct schema_type *t,
    const struct schema_key *dict, key_fn *fn)
{
	const struct schema_key *key;

	for (key = dict->keys; key != NULL; key = key->next) {
		fn(s, k, t, key);
		each_key(s, k, t, key, fn);
	}
	for (key = dict->items; key != NULL; key = key->next) {
		fn(s, k, t, key);
		each_key(s, k, t, key, fn);
	}
}

static const struct schema_key *
top_of(const struct kind *k, const struct schema_type *t)
{
	return k == &commands ? t->command : &t->root;
}

static void
good_with(struct score *s, const struct kind *k, const struct schema_type *t,
    const struct schema_key *key)
{
	expect_good(s, k, t, (struct generate){ .target = key });
}

static void
each_type(struct score *s, const struct kind *k,
    void (*fn)(struct score *, const struct kind *, const struct schema_type *))
{
	const struct schema_type *t;

	for (t = schema_types(schema, k->table); t != NULL; t = t->next)
		if (is_of(k, t))
			fn(s, k, t);
}

static void
good_type(struct score *s, const struct kind *k, const struct schema_type *t)
{
	expect_good(s, k, t, (struct generate){ 0 });
	expect_good(s, k, t, (struct generate){ .all = true });
	if (top_of(k, t) != NULL)
		each_key(s, k, t, top_of(k, t), good_with);
}

/* On every system that has it, for a device that can do everything. */
static void
good_on_devices(
    struct score *s, const struct kind *k, const struct schema_type *t)
{
	struct schema_device d = { .os_known = true,
		.version = "26.0",
		.supervised = SCHEMA_YES,
		.automated = SCHEMA_YES,
		.approved = SCHEMA_YES,
		.enrollment = SCHEMA_ENROLLMENT_DEVICE,
		.rights = 8191 };
	struct os_facts root;
	unsigned os, channel, shared;

	for (os = 0; os < SCHEMA_OSES; os++) {
		d.os = (enum schema_os)os;
		root = facts_of(t->root.os[os]);
		for (shared = SCHEMA_NO; shared <= SCHEMA_YES; shared++) {
			for (channel = SCHEMA_CHANNEL_DEVICE;
			     channel <= SCHEMA_CHANNEL_USER; channel++) {
				d.shared = (enum schema_known)shared;
				d.channel = (enum schema_channel)channel;
				if (facts_judge(&root, NULL, &d, NULL) ==
				    FACTS_UNFIT)
					continue;
				expect_good(s, k, t,
				    (struct generate){
					.all = true, .device = &d });
			}
		}
	}
}

/* ---- mistakes ----------------------------------------------------------- */

/* A finding of that severity whose path or text names the key. */
static bool
named(const struct schema_findings *f, enum schema_severity severity,
    const char *name, const char *says)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->list[i].severity == severity &&
		    (strstr(f->list[i].path, name) != NULL ||
			strstr(f->list[i].wrong, name) != NULL) &&
		    strstr(f->list[i].wrong, says) != NULL)
			return true;
	return false;
}

static void
expect_refused(struct score *s, const struct kind *k,
    const struct schema_type *t, const struct schema_key *key,
    enum mistake mistake)
{
	static const char *const says[] = { [MISSING] = "missing",
		[MISSPELT] = "unknown key",
		[WRONG_TYPE] = "expected",
		[WRONG_VALUE] = "expected" };
	struct generate g = { .target = key, .mistake = mistake };
	struct schema_check c = { .schema = schema };
	struct schema_findings f = { 0 };
	struct pl *root = k->make(&g, t);
	const char *name = key->name;

	if (key->wild)
		name = "Any";
	/* an item has no name on the wire, its array has */
	if (key->parent != NULL && key->parent->items != NULL)
		name = "[0]";
	k->validate(&c, root, &f);
	s->tried++;
	if (named(&f, mistake == MISSPELT ? k->unknown : SCHEMA_ERROR, name,
		says[mistake]))
		s->good++;
	else
		show(&f, s->tried - s->good < 3 ? root : NULL, key->name);
	schema_findings_free(&f);
	pl_free(root);
}

static bool
beside_any(const struct schema_key *key)
{
	const struct schema_key *k;

	for (k = key->parent == NULL ? NULL : key->parent->keys; k != NULL;
	     k = k->next)
		if (k->wild)
			return true;
	return false;
}

static bool
below_any(const struct schema_key *key)
{
	for (; key != NULL; key = key->parent)
		if (rule_of(key, "alt") != NULL)
			return true;
	return false;
}

static void
mistakes(struct score *s, const struct kind *k, const struct schema_type *t,
    const struct schema_key *key)
{
	bool item = key->parent != NULL && key->parent->items != NULL &&
	            schema_key(key->parent->keys, key->name) != key;
	bool choosing = strcmp(key->name, "Item") == 0;
	bool several = key->parent != NULL && key->parent->items != NULL &&
	               key->parent->items->next != NULL;

	/* variants are told apart by it */
	if (t->variant[0] != '\0' &&
	    strcmp(key->name, "ExtensionIdentifier") == 0)
		return;
	/* judged before: it says which document this is */
	if (strcmp(key->name, "Payload") == 0 && k == &declarations)
		return;
	if (!item && !beside_any(key) && schema_key_demanded(key, NULL) &&
	    rule_of(key, "optional") == NULL)
		expect_refused(s, k, t, key, MISSING);
	if (!item && !beside_any(key) && !choosing)
		expect_refused(s, k, t, key, MISSPELT);
	if (key->vtype != SCHEMA_ANY && !below_any(key) && !choosing &&
	    !several && key->vtype != SCHEMA_VALUE)
		expect_refused(s, k, t, key, WRONG_TYPE);
	if (can_be_wrong(key) && !choosing)
		expect_refused(s, k, t, key, WRONG_VALUE);
}

static void
wrong_type(struct score *s, const struct kind *k, const struct schema_type *t)
{
	if (top_of(k, t) != NULL)
		each_key(s, k, t, top_of(k, t), mistakes);
}

/* ---- devices that cannot take it ---------------------------------------- */

static void
expect_unfit(struct score *s, const struct kind *k, const struct schema_type *t,
    const struct schema_key *key, const struct schema_device *d,
    const char *says)
{
	/* a variant is known by its keys */
	struct generate g = { .target = key != NULL || t->variant[0] == '\0'
		                            ? key
		                            : t->root.keys };
	struct schema_check c = { .schema = schema, .device = d };
	struct schema_findings f = { 0 };
	struct pl *root = k->make(&g, t);
	const char *name = key == NULL ? t->name : key->name;

	if (key != NULL && key->parent->items != NULL)
		name = "[0]";
	k->validate(&c, root, &f);
	s->tried++;
	if (named(&f, key == NULL ? SCHEMA_UNSUPPORTED : k->unfit, name, says))
		s->good++;
	else
		show(&f, s->tried - s->good < 3 ? root : NULL, name);
	schema_findings_free(&f);
	pl_free(root);
}

static void
unfit_type(struct score *s, const struct kind *k, const struct schema_type *t)
{
	unsigned os;

	for (os = 0; os < SCHEMA_OSES; os++) {
		struct os_facts f = facts_of(t->root.os[os]);
		struct schema_device d = { .os_known = true,
			.os = (enum schema_os)os };

		if (f.never) {
			expect_unfit(s, k, t, NULL, &d, "is not for");
			continue;
		}
		if (f.introduced > 1000000) {
			d.version = "1.0";
			expect_unfit(
			    s, k, t, NULL, &d, "; this device has 1.0");
			d.version = NULL;
		}
		d.supervised = SCHEMA_NO;
		if (f.supervised == SCHEMA_YES)
			expect_unfit(s, k, t, NULL, &d, "needs supervision");
		d.supervised = SCHEMA_UNKNOWN;
		d.channel = SCHEMA_CHANNEL_DEVICE;
		if (f.device_channel == SCHEMA_NO)
			expect_unfit(s, k, t, NULL, &d, "channel");
		d.channel = SCHEMA_CHANNEL_USER;
		if (f.user_channel == SCHEMA_NO)
			expect_unfit(s, k, t, NULL, &d, "device channel only");
		d.channel = SCHEMA_CHANNEL_UNKNOWN;
		d.enrollment = SCHEMA_ENROLLMENT_USER;
		if (f.user_enrollment == FACTS_FORBIDDEN)
			expect_unfit(s, k, t, NULL, &d, "User Enrollment");
	}
}

/* A key that a system which has everything above it lacks. */
static void
unfit_key(struct score *s, const struct kind *k, const struct schema_type *t,
    const struct schema_key *key)
{
	unsigned os;

	for (os = 0; os < SCHEMA_OSES; os++) {
		struct os_facts f, above;
		struct schema_device d = { .os_known = true,
			.os = (enum schema_os)os };

		if (key->os[os][0] == '\0' || rule_arg(key, "ignored") != NULL)
			continue;
		f = facts_of(key->os[os]);
		above = facts_effective(key->parent, (enum schema_os)os);
		if (above.never || above.removed_always)
			continue;
		if (f.never)
			expect_unfit(s, k, t, key, &d, "is not for");
		d.supervised = SCHEMA_NO;
		if (!f.never && f.supervised == SCHEMA_YES &&
		    above.supervised != SCHEMA_YES)
			expect_unfit(s, k, t, key, &d, "needs supervision");
	}
}

static void
unfit_keys(struct score *s, const struct kind *k, const struct schema_type *t)
{
	unfit_type(s, k, t);
	if (top_of(k, t) != NULL)
		each_key(s, k, t, top_of(k, t), unfit_key);
}

/* ------------------------------------------------------------------------- */

static void
test_kind(const struct kind *k, const char *name, unsigned least)
{
	struct score good = { 0 }, devices = { 0 }, wrong = { 0 },
		     unfit = { 0 };
	char what[120];

	each_type(&good, k, good_type);
	snprintf(what, sizeof(what), "%u good %s, with each key of each",
	    good.tried, name);
	ok(good.tried > 0 && good.good == good.tried, what);
	each_type(&devices, k, good_on_devices);
	snprintf(what, sizeof(what), "%u %s for devices that can take them",
	    devices.tried, name);
	ok(devices.tried > 0 && devices.good == devices.tried, what);
	each_type(&wrong, k, wrong_type);
	snprintf(what, sizeof(what),
	    "%u mistakes in %s are found, with key and reason", wrong.tried,
	    name);
	ok(wrong.tried >= least && wrong.good == wrong.tried, what);
	each_type(&unfit, k, unfit_keys);
	snprintf(what, sizeof(what),
	    "%u times %s that a device cannot take, with the reason",
	    unfit.tried, name);
	ok(unfit.tried >= 100 && unfit.good == unfit.tried, what);
}

int
main(void)
{
	ok(schema_load(&schema, NULL) == ERR_OK, "the tables load");
	test_kind(&commands, "commands", 500);
	test_kind(&profiles, "profiles", 2000);
	test_kind(&declarations, "declarations", 500);
	schema_free(schema);
	return tap_done();
}
