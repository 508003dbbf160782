#include "engine/model/place.h"

#include "engine/model/accounts.h"
#include "engine/model/admission.h"
#include "engine/model/challenges.h"
#include "engine/model/groups.h"
#include "engine/model/import.h"
#include "engine/model/invitations.h"
#include "engine/model/mass.h"
#include "engine/model/mass_limit.h"
#include "engine/model/orgs.h"
#include "engine/model/queue.h"
#include "engine/model/queue_expiry.h"
#include "engine/model/renewals.h"
#include "engine/model/required_os.h"
#include "engine/model/results.h"
#include "engine/model/scep_settings.h"
#include "engine/model/settings.h"
#include "engine/model/slot_names.h"
#include "engine/model/slot_request.h"
#include "engine/model/slots.h"
#include "engine/model/staging.h"
#include "engine/model/trust.h"
#include "engine/model/validation.h"
#include "engine/model/vendor.h"

#define SLOT_FILE                                                              \
	.gather = slot_file_gather, .judge = slot_file_judge,                  \
	.apply = slot_file_apply, .removed = slot_file_removed,                \
	.release = slot_release

#define MASS_COMMAND                                                           \
	.gather = mass_command_gather, .judge = mass_command_judge,            \
	.apply = mass_command_apply, .removed = mass_command_removed,          \
	.release = mass_command_release, .remove_now = true

/* clang-format off */
/* PLACES stands behind the last row, so that must be the greatest number. */
#define PLACE(number, name, limit, secrecy)                                    \
	_Static_assert((number) < PLACES, "place.tbl: the greatest stands last");
#include "mdmfs/place.tbl"

static const struct place_rule rules[PLACES] = {
	[PLACE_ORG]           = { .apply = org_apply, .removed = org_removed },
	[PLACE_ORG_NAME]      = { .judge = line_judge },
	[PLACE_APNS_FILE]     = { SLOT_FILE },
	[PLACE_SIGNING_FILE]  = { SLOT_FILE },
	[PLACE_TLS_FILE]      = { SLOT_FILE },
	[PLACE_TLS_NAMED_FILE] = { SLOT_FILE },
	[PLACE_VENDOR_FILE]   = { SLOT_FILE },
	[PLACE_MDMCERT]       = { .judge = mdmcert_judge },
	[PLACE_MDMCERT_ANSWER] = { .gather = mdmcert_answer_gather, .judge = mdmcert_answer_judge,
				  .apply = mdmcert_answer_apply, .release = mdmcert_answer_release },
	[PLACE_VENDOR_REQUEST] = { .gather = vendor_request_gather, .judge = vendor_request_judge,
				  .apply = vendor_request_apply, .release = vendor_request_release },
	[PLACE_SLOT_PASSWORD] = { .gather = slot_password_gather, .judge = slot_password_judge,
				  .apply = slot_password_apply, .release = slot_release },
	[PLACE_SLOT_SUBJECT]  = { .gather = slot_subject_gather, .judge = slot_subject_judge,
				  .apply = slot_subject_apply, .removed = slot_subject_removed,
				  .release = slot_request_release, .again = true },
	[PLACE_SLOT_KEY_TYPE] = { .gather = slot_key_type_gather, .judge = slot_key_type_judge,
				  .apply = slot_key_type_apply, .release = slot_request_release },
	[PLACE_SLOT_NAMES]    = { .judge = slot_names_judge, .apply = slot_names_apply,
				  .removed = slot_names_removed },
	[PLACE_APPLE_ACCOUNT] = { .judge = line_judge },
	[PLACE_ALLOW_TOPIC]   = { .judge = line_judge },
	[PLACE_ACCESS_RIGHTS] = { .judge = rights_judge },
	[PLACE_SYSTEM_URL]    = { .judge = url_judge, .apply = url_apply, .removed = url_removed },
	[PLACE_TRUST_FILE]    = { .judge = trust_judge },
	[PLACE_METRICS_ALLOW] = { .judge = networks_judge },
	[PLACE_IMPORT_FILE]   = { .judge = import_judge, .apply = import_apply, .release = import_release },
	[PLACE_IMPORT_CA]     = { .judge = import_ca_judge },
	[PLACE_RENEWAL_GRACE] = { .judge = renewal_grace_judge },
	[PLACE_KEEP_RESULTS]  = { .judge = keep_judge },
	[PLACE_NOTICE_DAYS]   = { .judge = notice_days_judge },
	[PLACE_VALIDATION]    = { .judge = validation_judge },
	[PLACE_COMMAND]       = { .gather = command_gather, .judge = command_judge,
				  .apply = command_apply, .removed = command_removed,
				  .may_remove = command_may_remove,
				  .release = command_release, .remove_now = true },
	[PLACE_GROUP_MEMBERS] = { .gather = members_gather, .judge = members_judge,
				  .apply = members_apply, .removed = members_removed,
				  .release = members_release },
	[PLACE_GROUP_COMMAND] = { MASS_COMMAND },
	[PLACE_ORG_COMMAND]   = { MASS_COMMAND },
	[PLACE_MASS_LIMIT]    = { .judge = mass_limit_judge },
	[PLACE_COMMAND_EXPIRY] = { .judge = command_expiry_judge },
	[PLACE_RESULT]        = { .removed = result_removed, .remove_now = true },
	[PLACE_SCEP_SETTING]  = { .judge = scep_setting_judge },
	[PLACE_SCEP_SECRET]   = { .judge = scep_setting_judge },
	[PLACE_SCEP_CHALLENGE] = { .judge = challenge_file_judge, .apply = challenge_file_apply,
				  .removed = challenge_file_removed },
	[PLACE_USER_PASSWORD] = { .judge = password_judge },
	[PLACE_USER_FULL_NAME] = { .judge = line_judge },
	[PLACE_INVITATION]    = { .judge = invitation_judge,
				  .apply = invitation_apply, .removed = invitation_removed },
	[PLACE_ENROLLMENT_SERIALS] = { .judge = serials_judge },
	[PLACE_ENROLLMENT_DOMAINS] = { .judge = domains_judge, .apply = domains_apply },
	[PLACE_APPLE_DEVICE_FILE] = { .judge = apple_trust_judge },
	[PLACE_REQUIRED_OS]   = { .judge = required_os_judge },
	[PLACE_STAGE]         = { .apply = stage_apply, .removed = stage_removed, .remove_now = true,
				  .quiet = true },
	[PLACE_STAGED_DIR]    = { .apply = stage_apply, .removed = stage_removed, .remove_now = true,
				  .quiet = true },
	[PLACE_STAGED_FILE]   = { .apply = stage_apply, .removed = stage_removed, .remove_now = true,
				  .quiet = true },
	[PLACE_ORG_URL]       = { .judge = url_judge, .apply = url_apply, .removed = url_removed },
};
/* clang-format on */

const struct place_rule *
place_rule(enum place place)
{
	return &rules[place];
}
