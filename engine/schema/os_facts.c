#include "engine/schema/os_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- versions ----------------------------------------------------------- */

uint32_t
facts_version(const char *text)
{
	uint32_t part[3] = { 0 };
	const char *p = text;
	int i;

	for (i = 0; i < 3; i++) {
		if (*p < '0' || *p > '9')
			return 0;
		while (*p >= '0' && *p <= '9' && part[i] < 1000)
			part[i] = part[i] * 10 + (uint32_t)(*p++ - '0');
		if (part[i] >= 1000)
			return 0;
		if (*p != '.')
			break;
		p++;
	}
	return part[0] * 1000000 + part[1] * 1000 + part[2];
}

void
facts_version_say(uint32_t version, struct buf *b)
{
	buf_printf(b, "%u.%u", version / 1000000, version / 1000 % 1000);
	if (version % 1000 != 0)
		buf_printf(b, ".%u", version % 1000);
}

/* ---- cells -------------------------------------------------------------- */

/* Apple's names of the bits of AccessRights, in the documentation of the
 * com.apple.mdm payload. */
static const struct {
	const char *name;
	unsigned bit;
} rights[] = {
	{ "AllowInspection", 1 },
	{ "AllowInstallationRemoval", 2 },
	{ "AllowPasscodeRemovalAndLock", 4 },
	{ "DeviceLockAndRemovePasscode", 4 },
	{ "AllowDeviceErase", 8 },
	{ "AllowQueryDeviceInformation", 16 },
	{ "AllowQueryNetworkInformation", 32 },
	{ "AllowProvisioningInspection", 64 },
	{ "AllowProvisioningInstallationRemoval", 128 },
	{ "AllowQueryApplications", 256 },
	{ "QueryInstalledApps", 256 },
	{ "AllowQueryRestrictions", 512 },
	{ "AllowQuerySecurity", 1024 },
	{ "AllowSettings", 2048 },
	{ "AllowAppInstallation", 4096 },
};

static unsigned
right_of(struct bytes name)
{
	size_t i;

	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if (bytes_equal(bytes_text(rights[i].name), name))
			return rights[i].bit;
	return 0; /* None, n/a, Special Case */
}

static bool
is(struct bytes s, const char *text)
{
	return bytes_equal(s, bytes_text(text));
}

static bool
known_of(struct bytes s, enum schema_known *ret)
{
	*ret = is(s, "1") ? SCHEMA_YES : SCHEMA_NO;
	return is(s, "1") || is(s, "0");
}

static bool
mode_of(struct bytes s, enum facts_mode *ret)
{
	static const char *const names[] = { [FACTS_UNSAID] = "",
		[FACTS_ALLOWED] = "allowed",
		[FACTS_FORBIDDEN] = "forbidden",
		[FACTS_REQUIRED] = "required",
		[FACTS_IGNORED] = "ignored" };
	unsigned i;

	for (i = FACTS_ALLOWED; i <= FACTS_IGNORED; i++) {
		if (!is(s, names[i]))
			continue;
		*ret = (enum facts_mode)i;
		return true;
	}
	return false;
}

/* "supervised,device,user,local", "system,user"; a word that is not known is
 * one that this program need not know. */
static bool
bits_of(struct bytes s, unsigned *ret)
{
	static const struct {
		const char *name;
		unsigned bit;
	} words[] = { { "supervised", FACTS_SUPERVISED },
		{ "device", FACTS_DEVICE }, { "system", FACTS_DEVICE },
		{ "user", FACTS_USER }, { "local", FACTS_LOCAL } };
	size_t i, n;

	*ret = FACTS_NONE;
	for (;;) {
		const uint8_t *comma =
		    s.len == 0 ? NULL : memchr(s.p, ',', s.len);

		n = comma == NULL ? s.len : (size_t)(comma - s.p);
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (is(bytes_of(s.p, n), words[i].name))
				*ret |= words[i].bit;
		if (comma == NULL)
			return true;
		s = bytes_of(comma + 1, s.len - n - 1);
	}
}

static bool
version_of(struct bytes s, uint32_t *ret)
{
	char text[24];

	if (s.len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)s.len, (const char *)s.p);
	*ret = facts_version(text);
	return *ret != 0 || is(s, "0");
}

static bool
introduced_of(struct bytes s, struct os_facts *f)
{
	if (is(s, "all"))
		return true;
	if (is(s, "n/a")) {
		f->never = true;
		return true;
	}
	return version_of(s, &f->introduced);
}

static bool
removed_of(struct bytes s, struct os_facts *f)
{
	f->removed_always = is(s, "0");
	return version_of(s, &f->removed);
}

/* One NAME=VALUE.  Names that say nothing about what a device takes (mul, man,
 * skip, beta, ...) are passed over. */
static bool
fact_of(struct bytes name, struct bytes v, struct os_facts *f)
{
	if (is(name, "in"))
		return introduced_of(v, f);
	if (is(name, "dep"))
		return version_of(v, &f->deprecated);
	if (is(name, "rem"))
		return removed_of(v, f);
	if (is(name, "sup"))
		return known_of(v, &f->supervised);
	if (is(name, "ade"))
		return known_of(v, &f->automated);
	if (is(name, "uam"))
		return known_of(v, &f->approved);
	if (is(name, "dc"))
		return known_of(v, &f->device_channel);
	if (is(name, "uc"))
		return known_of(v, &f->user_channel);
	if (is(name, "sidc"))
		return known_of(v, &f->shared_device_channel);
	if (is(name, "siuc"))
		return known_of(v, &f->shared_user_channel);
	if (is(name, "ue"))
		return mode_of(v, &f->user_enrollment);
	if (is(name, "si"))
		return mode_of(v, &f->shared);
	if (is(name, "enr"))
		return bits_of(v, &f->enrollments);
	if (is(name, "sco"))
		return bits_of(v, &f->scopes);
	if (is(name, "sisco"))
		return bits_of(v, &f->shared_scopes);
	if (is(name, "ar"))
		f->right = right_of(v);
	return name.len > 0;
}

static bool
parse(const char *cell, struct os_facts *f)
{
	size_t n, name;

	for (; *cell != '\0'; cell += n + (cell[n] == ';')) {
		n = strcspn(cell, ";");
		name = strcspn(cell, "=");
		if (name >= n ||
		    !fact_of(bytes_of(cell, name),
			bytes_of(cell + name + 1, n - name - 1), f))
			return false;
	}
	return true;
}

bool
facts_valid(const char *cell)
{
	struct os_facts f = { 0 };

	return *cell == '\0' || parse(cell, &f);
}

struct os_facts
facts_of(const char *cell)
{
	struct os_facts f = { 0 };

	if (!parse(cell, &f))
		return (struct os_facts){ 0 };
	return f;
}

/* ---- together ----------------------------------------------------------- */

static void
inherit_known(enum schema_known *mine, enum schema_known above)
{
	if (*mine == SCHEMA_UNKNOWN)
		*mine = above;
}

static void
inherit_bits(unsigned *mine, unsigned above)
{
	if (*mine == 0)
		*mine = above;
}

/* What f does not say itself, above says; the later introduction counts. */
static void
inherit(struct os_facts *f, const struct os_facts *above)
{
	f->never = f->never || above->never;
	f->removed_always = f->removed_always || above->removed_always;
	if (above->introduced > f->introduced)
		f->introduced = above->introduced;
	if (f->removed == 0 ||
	    (above->removed != 0 && above->removed < f->removed))
		f->removed = above->removed;
	if (above->supervised == SCHEMA_YES)
		f->supervised = SCHEMA_YES;
	inherit_known(&f->automated, above->automated);
	inherit_known(&f->approved, above->approved);
	inherit_known(&f->device_channel, above->device_channel);
	inherit_known(&f->user_channel, above->user_channel);
	inherit_known(&f->shared_device_channel, above->shared_device_channel);
	inherit_known(&f->shared_user_channel, above->shared_user_channel);
	if (f->user_enrollment == FACTS_UNSAID)
		f->user_enrollment = above->user_enrollment;
	if (f->shared == FACTS_UNSAID)
		f->shared = above->shared;
	inherit_bits(&f->enrollments, above->enrollments);
	inherit_bits(&f->scopes, above->scopes);
	inherit_bits(&f->shared_scopes, above->shared_scopes);
	inherit_bits(&f->right, above->right);
}

struct os_facts
facts_effective(const struct schema_key *key, enum schema_os os)
{
	struct os_facts f = facts_of(key->os[os]), above;

	for (key = key->parent; key != NULL; key = key->parent) {
		if (key->os[os][0] == '\0')
			continue;
		above = facts_of(key->os[os]);
		inherit(&f, &above);
	}
	return f;
}
