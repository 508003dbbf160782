/*
 * os_facts.h - the OS cells of the tables: "in=10.15;sup=1;dc=1;uc=0".
 */
#ifndef MDMFS_SCHEMA_OS_FACTS_H
#define MDMFS_SCHEMA_OS_FACTS_H

#include "engine/schema/device.h"

enum facts_mode {
	FACTS_UNSAID,
	FACTS_ALLOWED,
	FACTS_FORBIDDEN,
	FACTS_REQUIRED,
	FACTS_IGNORED,
};

/* Ways of enrollment, and scopes, as bits; all clear: not said. */
#define FACTS_SUPERVISED 1u
#define FACTS_DEVICE     2u
#define FACTS_USER       4u
#define FACTS_LOCAL      8u
#define FACTS_NONE       16u /* said, and none of them */

/* Versions are 1000000 x major + 1000 x minor + patch; 0: not said. */
struct os_facts {
	bool never; /* in=n/a */
	bool removed_always;
	uint32_t introduced;
	uint32_t deprecated;
	uint32_t removed;
	enum schema_known supervised, automated, approved;
	enum schema_known device_channel, user_channel;
	enum schema_known shared_device_channel, shared_user_channel;
	enum facts_mode user_enrollment, shared;
	unsigned enrollments, scopes, shared_scopes;
	unsigned right; /* bit of AccessRights */
};

enum facts_verdict { FACTS_FIT, FACTS_UNCERTAIN, FACTS_UNFIT };

/* Whether a cell is understood. */
bool facts_valid(const char *cell);
/* Of a valid cell. */
struct os_facts facts_of(const char *cell);

/* What a key and everything above it say of os. */
struct os_facts facts_effective(
    const struct schema_key *key, enum schema_os os);

/*
 * Whether d can take what has these facts.  What above demands as well (NULL:
 * nothing) counts as given where it is not known.  FACTS_UNFIT: the reason is
 * appended to why (NULL: nobody asks).
 */
enum facts_verdict facts_judge(const struct os_facts *f,
    const struct os_facts *above, const struct schema_device *d,
    struct buf *why);

/* "17.4.1"; 0 if it is none. */
uint32_t facts_version(const char *text);
/* Append 17004001 as 17.4.1. */
void facts_version_say(uint32_t version, struct buf *b);

#endif
