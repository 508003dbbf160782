#include "engine/model/required_os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/text.h"
#include "engine/model/orgs.h"

#define FILE_MAX 4096

/* clang-format off */
static const struct { const char *product; const char *system; } products[] = {
	{ "iPhone",  "iOS" },
	{ "iPod",    "iOS" },
	{ "iPad",    "iPadOS" },
	{ "AppleTV", "tvOS" },
	{ "Watch",   "watchOS" },
	{ "Reality", "visionOS" },
	{ "Mac",     "macOS" },
	{ "iMac",    "macOS" },
	{ "Xserve",  "macOS" },
	{ "VirtualMac", "macOS" },
};
/* clang-format on */

static const char *const systems[] = { "iOS", "iPadOS", "macOS", "tvOS",
	"watchOS", "visionOS" };

/* NULL: not known. */
static const char *
system_of(const char *product)
{
	size_t i;

	for (i = 0; i < sizeof(products) / sizeof(products[0]); i++)
		if (strncmp(product, products[i].product,
			strlen(products[i].product)) == 0)
			return products[i].system;
	return NULL;
}

/* 18, 18.1, 18.1.2 */
static bool
is_version(struct bytes s)
{
	size_t i, parts = 1, digits = 0;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '.' && digits > 0) {
			parts++;
			digits = 0;
		} else if (s.p[i] < '0' || s.p[i] > '9' || ++digits > 5) {
			return false;
		}
	}
	return digits > 0 && parts <= 4;
}

int
os_version_compare(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		char *a_end, *b_end;
		unsigned long x = strtoul(a, &a_end, 10);
		unsigned long y = strtoul(b, &b_end, 10);

		if (x != y)
			return x < y ? -1 : 1;
		a = *a_end == '.' ? a_end + 1 : "";
		b = *b_end == '.' ? b_end + 1 : "";
	}
	return 0;
}

/* "iOS 18.1" or "18.1"; name.len 0: for all. */
struct line {
	struct bytes name;
	struct bytes version;
};

static struct line
split(struct bytes text)
{
	struct line l = { .version = text };
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.p[i] == ' ' || text.p[i] == '\t') {
			l.name = bytes_of(text.p, i);
			l.version =
			    text_trim(bytes_of(text.p + i, text.len - i));
			break;
		}
	return l;
}

static bool
is_named(struct bytes name, const char *system)
{
	return name.len == strlen(system) &&
	       strncasecmp((const char *)name.p, system, name.len) == 0;
}

/* The next line that says something. */
static bool
next_line(struct bytes *rest, struct line *ret, size_t *number)
{
	struct bytes text;

	while (text_line(rest, &text)) {
		++*number;
		text = text_trim(text);
		if (text.len == 0 || text.p[0] == '#')
			continue;
		*ret = split(text);
		return true;
	}
	return false;
}

/* The version for that system; iPads had iOS for long. */
static struct bytes
version_for(struct bytes rest, const char *system)
{
	struct bytes all = BYTES_NONE, near = BYTES_NONE;
	struct line l;
	size_t number = 0;

	while (next_line(&rest, &l, &number)) {
		if (l.name.len == 0)
			all = l.version;
		else if (system != NULL && is_named(l.name, system))
			return l.version;
		else if (system != NULL && strcmp(system, "iPadOS") == 0 &&
			 is_named(l.name, "iOS"))
			near = l.version;
	}
	return near.len > 0 ? near : all;
}

bool
required_os(struct txn *t, uint32_t org, const char *product,
    const char *version, char *ret)
{
	char text[FILE_MAX], least[REQUIRED_OS_MAX + 1];
	struct bytes wanted;

	if (product == NULL || version == NULL ||
	    !is_version(bytes_text(version)) ||
	    org_setting(t, org, "enrollment", "required-os", text,
		sizeof(text)) != ERR_OK)
		return false;
	wanted = version_for(bytes_text(text), system_of(product));
	if (wanted.len == 0 || wanted.len > REQUIRED_OS_MAX)
		return false;
	snprintf(least, sizeof(least), "%.*s", (int)wanted.len,
	    (const char *)wanted.p);
	if (os_version_compare(version, least) >= 0)
		return false;
	memcpy(ret, least, sizeof(least));
	return true;
}

static enum err_code
judge_line(const struct line *l, size_t number, struct err *err)
{
	size_t i;

	if (!is_version(l->version))
		return err_set(err, ERR_INVALID,
		    "line %zu: \"%.*s\" is not a version; write lines like "
		    "\"iOS 18.1\", \"macOS 15.1\", or a version alone for all",
		    number, text_fit(l->version, 40),
		    (const char *)l->version.p);
	for (i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (l->name.len == 0 || is_named(l->name, systems[i]))
			return ERR_OK;
	return err_set(err, ERR_INVALID,
	    "line %zu: \"%.*s\" is no system that enrolls: iOS, iPadOS, macOS, "
	    "tvOS, watchOS and visionOS are known",
	    number, text_fit(l->name, 40), (const char *)l->name.p);
}

enum err_code
required_os_judge(struct change *c, struct err *err)
{
	struct bytes rest = c->w->bytes;
	struct line l;
	size_t number = 0;
	enum err_code rc = ERR_OK;

	if (!text_is_utf8(rest) || rest.len >= FILE_MAX)
		return err_set(err, ERR_UNDECODABLE,
		    "it is not a text of a few lines, like \"iOS 18.1\"");
	while (rc == ERR_OK && next_line(&rest, &l, &number))
		rc = judge_line(&l, number, err);
	return rc;
}
