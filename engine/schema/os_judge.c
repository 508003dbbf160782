/* Whether a device can take what has certain facts. */
#include <stdarg.h>
#include <string.h>

#include "engine/schema/os_facts.h"

struct judge {
	const struct os_facts *f;
	const struct os_facts *above;
	const struct schema_device *d;
	struct buf *why;
	bool uncertain;
};

__attribute__((format(printf, 2, 3))) static bool
no(struct judge *j, const char *fmt, ...)
{
	va_list ap;

	if (j->why != NULL) {
		va_start(ap, fmt);
		buf_vprintf(j->why, fmt, ap);
		va_end(ap);
	}
	return false;
}

const char *
schema_os_name(enum schema_os os)
{
	static const char *const names[] = { [SCHEMA_IOS] = "iOS",
		[SCHEMA_MACOS] = "macOS",
		[SCHEMA_TVOS] = "tvOS",
		[SCHEMA_VISIONOS] = "visionOS",
		[SCHEMA_WATCHOS] = "watchOS" };

	return os < SCHEMA_OSES ? names[os] : "an unknown system";
}

bool
schema_os_of_product(const char *product, enum schema_os *ret)
{
	static const struct {
		const char *begin;
		enum schema_os os;
	} models[] = { { "iPhone", SCHEMA_IOS }, { "iPad", SCHEMA_IOS },
		{ "iPod", SCHEMA_IOS }, { "AppleTV", SCHEMA_TVOS },
		{ "RealityDevice", SCHEMA_VISIONOS },
		{ "Watch", SCHEMA_WATCHOS }, { "Mac", SCHEMA_MACOS },
		{ "iMac", SCHEMA_MACOS }, { "Xserve", SCHEMA_MACOS },
		{ "VirtualMac", SCHEMA_MACOS } };
	size_t i;

	for (i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (strncmp(
			product, models[i].begin, strlen(models[i].begin)) != 0)
			continue;
		*ret = models[i].os;
		return true;
	}
	return false;
}

/* ---- the parts ---------------------------------------------------------- */

static void
say_version(struct buf *why, const char *before, const struct judge *j,
    uint32_t version, const char *after)
{
	if (why == NULL)
		return;
	buf_printf(why, "%s %s ", before, schema_os_name(j->d->os));
	facts_version_say(version, why);
	buf_printf(why, "%s%.40s", after, j->d->version);
}

static bool
version_fits(struct judge *j)
{
	const struct os_facts *f = j->f;
	uint32_t has = j->d->version == NULL ? 0 : facts_version(j->d->version);

	if (f->removed_always)
		return no(j, "is no longer in use");
	if (has == 0) {
		uint32_t given = j->above == NULL ? 0 : j->above->introduced;

		if (f->introduced > given || f->removed != 0)
			j->uncertain = true;
		return true;
	}
	if (f->introduced > has) {
		say_version(
		    j->why, "needs", j, f->introduced, "; this device has ");
		return false;
	}
	if (f->removed != 0 && has >= f->removed) {
		say_version(j->why, "was removed in", j, f->removed,
		    "; this device has ");
		return false;
	}
	return true;
}

/* A demand that is YES or not there, against what is known. */
static bool
demand_fits(struct judge *j, enum schema_known demand, enum schema_known given,
    enum schema_known has, const char *what)
{
	if (demand != SCHEMA_YES || has == SCHEMA_YES || given == SCHEMA_YES)
		return true;
	if (has == SCHEMA_NO)
		return no(j, "%s", what);
	j->uncertain = true;
	return true;
}

static bool
enrollment_fits(struct judge *j)
{
	enum schema_enrollment e = j->d->enrollment;
	enum facts_mode mode = j->f->user_enrollment;

	if (mode != FACTS_FORBIDDEN && mode != FACTS_REQUIRED)
		return true;
	if (j->above != NULL && j->above->user_enrollment == mode)
		return true;
	if (e == SCHEMA_ENROLLMENT_UNKNOWN) {
		j->uncertain = true;
		return true;
	}
	if (mode == FACTS_FORBIDDEN && e == SCHEMA_ENROLLMENT_USER)
		return no(j, "is not for User Enrollment, by which this device "
			     "is enrolled");
	if (mode == FACTS_REQUIRED && e != SCHEMA_ENROLLMENT_USER)
		return no(j,
		    "is for User Enrollment only; this device is enrolled as a "
		    "whole");
	return true;
}

static bool
shared_fits(struct judge *j)
{
	enum facts_mode mode = j->f->shared;

	if (mode != FACTS_FORBIDDEN && mode != FACTS_REQUIRED)
		return true;
	if (j->above != NULL && j->above->shared == mode)
		return true;
	if (j->d->shared == SCHEMA_UNKNOWN)
		j->uncertain = true;
	if (mode == FACTS_FORBIDDEN && j->d->shared == SCHEMA_YES)
		return no(j, "is not for a Shared iPad, which this one is");
	if (mode == FACTS_REQUIRED && j->d->shared == SCHEMA_NO)
		return no(j, "needs a Shared iPad, which this device is not");
	return true;
}

/* Whether one of the channels is closed to it. */
static bool
channel_open(struct judge *j, enum schema_known device, enum schema_known user)
{
	if (j->d->channel == SCHEMA_CHANNEL_DEVICE && device == SCHEMA_NO)
		return no(
		    j, user == SCHEMA_NO
			   ? "is not for the device channel"
			   : "is for the user channel only (users/USER/ of the "
			     "device)");
	if (j->d->channel == SCHEMA_CHANNEL_USER && user == SCHEMA_NO)
		return no(j,
		    "is for the device channel only, not for one of its "
		    "users");
	if (j->d->channel == SCHEMA_CHANNEL_UNKNOWN &&
	    (device == SCHEMA_NO || user == SCHEMA_NO))
		j->uncertain = true;
	return true;
}

static bool
channel_fits(struct judge *j)
{
	const struct os_facts *f = j->f;
	bool ipad = j->d->os == SCHEMA_IOS &&
	            (j->d->shared == SCHEMA_YES ||
			(j->d->shared == SCHEMA_UNKNOWN &&
			    j->d->channel == SCHEMA_CHANNEL_USER));

	if (!channel_open(j, f->device_channel, f->user_channel))
		return false;
	if (ipad)
		return channel_open(
		    j, f->shared_device_channel, f->shared_user_channel);
	if (j->d->shared == SCHEMA_UNKNOWN &&
	    f->shared_device_channel == SCHEMA_NO)
		j->uncertain = true;
	return true;
}

static bool
right_fits(struct judge *j)
{
	unsigned bit = j->f->right;

	if (bit == 0 || j->d->enrollment == SCHEMA_ENROLLMENT_USER)
		return true;
	if (j->d->rights == 0) {
		if (j->above == NULL || j->above->right != bit)
			j->uncertain = true;
		return true;
	}
	if ((j->d->rights & bit) != 0)
		return true;
	return no(j,
	    "needs the access right %u, which the server was not given "
	    "(access-rights: %lld)",
	    bit, (long long)j->d->rights);
}

/* Declarations: "enr=supervised,device". */
static bool
way_fits(struct judge *j)
{
	unsigned ways = j->f->enrollments;
	const struct schema_device *d = j->d;

	if (ways == 0 || (j->above != NULL && j->above->enrollments == ways))
		return true;
	if (d->enrollment == SCHEMA_ENROLLMENT_USER) {
		if ((ways & FACTS_USER) != 0)
			return true;
		return no(j,
		    "is not for User Enrollment, by which this device is "
		    "enrolled");
	}
	if ((ways & FACTS_DEVICE) != 0 &&
	    d->enrollment == SCHEMA_ENROLLMENT_DEVICE)
		return true;
	if ((ways & FACTS_SUPERVISED) != 0 && d->supervised == SCHEMA_YES)
		return true;
	if (d->supervised == SCHEMA_NO && (ways & FACTS_DEVICE) == 0 &&
	    d->enrollment == SCHEMA_ENROLLMENT_DEVICE)
		return (ways & FACTS_SUPERVISED) != 0
		           ? no(j, "needs supervision, which this device has "
				   "not")
		           : no(j, "is for User Enrollment only; this device "
				   "is enrolled as a whole");
	j->uncertain = true;
	return true;
}

/* "sco=system,user" */
static bool
scope_fits(struct judge *j)
{
	unsigned scopes = j->f->scopes;
	enum schema_known device, user;

	if (j->d->shared == SCHEMA_YES && j->f->shared_scopes != 0)
		scopes = j->f->shared_scopes;
	else if (j->d->shared == SCHEMA_UNKNOWN && j->f->shared_scopes != 0 &&
		 j->f->shared_scopes != scopes) {
		j->uncertain = true;
		return true;
	}
	if (scopes == 0)
		return true;
	device = (scopes & FACTS_DEVICE) != 0 ? SCHEMA_YES : SCHEMA_NO;
	user = (scopes & FACTS_USER) != 0 ? SCHEMA_YES : SCHEMA_NO;
	return channel_open(j, device, user);
}

enum facts_verdict
facts_judge(const struct os_facts *f, const struct os_facts *above,
    const struct schema_device *d, struct buf *why)
{
	static const struct os_facts nothing;
	struct judge j = { f, above, d, why, false };
	const struct os_facts *a = above != NULL ? above : &nothing;

	if (!d->os_known)
		return FACTS_UNCERTAIN;
	if (f->never && !no(&j, "is not for %s", schema_os_name(d->os)))
		return FACTS_UNFIT;
	if (!version_fits(&j) ||
	    !demand_fits(&j, f->supervised, a->supervised, d->supervised,
		"needs supervision, which this device has not") ||
	    !demand_fits(&j, f->automated, a->automated, d->automated,
		"needs Automated Device Enrollment, by which this device is "
		"not enrolled") ||
	    !demand_fits(&j, f->approved, a->approved, d->approved,
		"needs an enrollment that the user approved, which this "
		"device's is not") ||
	    !enrollment_fits(&j) || !shared_fits(&j) || !channel_fits(&j) ||
	    !right_fits(&j) || !way_fits(&j) || !scope_fits(&j))
		return FACTS_UNFIT;
	return j.uncertain ? FACTS_UNCERTAIN : FACTS_FIT;
}
