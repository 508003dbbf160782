#include "engine/model/health_priv.h"

/*
 * Every check.  Adding one is adding a row, and its name to section DOCTOR of
 * fs/mdmfs.7 (a test compares).  Names are for ever: scripts read them.  One
 * name may stand at several subjects.
 *
 * name, what it is asked of, the check, also of a certificate that is missing
 */
/* clang-format off */
const struct health_row health_rows[] = {
	{ "clock",            OF_SYSTEM,  health_clock,            false },
	{ "store.space",      OF_SYSTEM,  health_store,            false },
	{ "roots",            OF_SYSTEM,  health_roots_known,      false },
	{ "trust.end",        OF_SYSTEM,  health_trust_end,        false },
	{ "url",              OF_SYSTEM,  health_url,              false },
	{ "url",              OF_ORG,     health_url,              false },
	{ "tls.names",        OF_SYSTEM,  health_tls_names,        false },
	{ "tls.names",        OF_ORG,     health_tls_names,        false },
	{ "tls.san",          OF_TLS,     health_tls_san,          false },
	{ "tls.chain",        OF_TLS,     health_tls_chain,        false },
	{ "tls.root",         OF_TLS,     health_tls_root,         false },
	{ "tls.lifetime",     OF_TLS,     health_tls_lifetime,     false },
	{ "tls.key",          OF_TLS,     health_tls_key,          false },
	{ "tls.digest",       OF_TLS,     health_tls_digest,       false },
	{ "tls.purpose",      OF_TLS,     health_tls_purpose,      false },
	{ "tls.end",          OF_TLS,     health_tls_end,          false },
	{ "tls.own",          OF_TLS,     health_tls_own,          false },
	{ "signing.present",  OF_SIGNING, health_signing_present,  true },
	{ "signing.chain",    OF_SIGNING, health_signing_chain,    false },
	{ "signing.root",     OF_SIGNING, health_signing_root,     false },
	{ "signing.lifetime", OF_SIGNING, health_signing_lifetime, false },
	{ "signing.strength", OF_SIGNING, health_signing_strength, false },
	{ "signing.end",      OF_SIGNING, health_signing_end,      false },
	{ "push.present",     OF_PUSH,    health_push_present,     true },
	{ "push.topic",       OF_PUSH,    health_push_topic,       false },
	{ "push.issuer",      OF_PUSH,    health_push_issuer,      false },
	{ "push.account",     OF_PUSH,    health_push_account,     false },
	{ "push.live",        OF_PUSH,    health_push_live,        false },
	{ "push.end",         OF_PUSH,    health_push_end,         false },
	{ "push.outbox",      OF_SYSTEM,  health_outbox,           false },
	{ "enrollment.open",  OF_ORG,     health_open,             false },
	{ "enrollment.apple-device", OF_ORG, health_apple_device, false },
	{ "enrollment.import", OF_ORG,    health_import,           false },
	{ "ca.end",           OF_CA,      health_ca_end,           false },
	{ "vendor.issuer",    OF_VENDOR,  health_vendor_issuer,    false },
	{ "vendor.chain",     OF_VENDOR,  health_vendor_chain,     false },
	{ "vendor.end",       OF_VENDOR,  health_vendor_end,       false },
	{ "scep.ca",          OF_ORG,     health_scep_ca,          false },
	{ "scep.pin",         OF_ORG,     health_scep_pin,         false },
	{ "scep.caps",        OF_ORG,     health_scep_caps,        false },
	{ "scep.end",         OF_ORG,     health_scep_end,         false },
	{ "scep.ndes",        OF_ORG,     health_scep_ndes,        false },
};
/* clang-format on */

const size_t n_health_rows = sizeof(health_rows) / sizeof(health_rows[0]);
