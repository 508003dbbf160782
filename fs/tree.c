#include "fs/tree.h"

#include <assert.h>
#include <fnmatch.h>
#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

#include "fs/handlers.h"
#include "fs/scratch.h"

#define D(mode) TREE_DIR, (mode)
#define F(mode) TREE_FILE, (mode)
#define L       TREE_LINK, 0777

/* A configuration row has neither part nor handlers: the engine keeps it. */
#define KEPT(place)  PLACE_##place, 0, OF_NONE, 0, NULL, NULL, NULL
#define FIXED(place) PLACE_##place, 0, OF_NONE, TREE_FIXED, NULL, NULL, NULL
/* The directories of a device are in the engine, under a computed number. */
#define HELD(place, part, of)                                                  \
	PLACE_##place, part, of, TREE_FIXED, NULL, NULL, NULL
/* The same, not listed while it is empty: scripts look whether commands/ is. */
#define QUIET(place, part, of)                                                 \
	PLACE_##place, part, of, TREE_FIXED | TREE_QUIET, NULL, NULL, NULL
#define MADE(part, of) PLACE_NONE, part, of, 0
#define OPT(part, of)  PLACE_NONE, part, of, TREE_OPTIONAL
#define SEEN(part, of) PLACE_NONE, part, of, TREE_VIEW
#define HIDE(part)     PLACE_NONE, part, OF_STAGE, TREE_VIEW | TREE_HIDDEN
/* cp -r and grep -r would wait for its end; a link to it they pass over */
#define FLOW(part)      PLACE_NONE, part, OF_NONE, TREE_HIDDEN
#define READY(part, of) PLACE_NONE, part, of, TREE_READY

/*
 * {identity}: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b
 * {device}: a UDID or serial number, letters, digits and -.
 * {name}: any name that is not a scratch name; {note}: wherever configuration
 * files may be.  Parts are for ever: never change or reuse one.
 */
/* clang-format off */
const struct tree_row tree[] = {
/* path                              kind, mode  kept by the engine, or: part of the inode, of whom, read, names, write;   help */
{ "",                                D(0755), FIXED(ROOT),                                                        "the mount" },
{ "README",                          F(0444), MADE(16, OF_NONE), status_readme_read, NULL, NULL,                  "how to use this mount, on one screen" },
{ "orgs",                            D(0755), FIXED(ORGS),                                                        "organizations; mkdir makes one" },
{ "orgs/{org}",                      D(0755), KEPT(ORG),                                                          "one organization: letters, digits, - _ . and space, at most 64 bytes, beginning with a letter, a digit or _" },
{ "orgs/{org}/name",                 F(0644), KEPT(ORG_NAME),                                                     "one line; shown to users in profiles" },
{ "orgs/{org}/apns",                 D(0755), KEPT(APNS),                                                         "identity slot: the push certificate" },
{ "orgs/{org}/apns/{identity}",      F(0600), KEPT(APNS_FILE),                                                    "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "orgs/{org}/apns/password",        F(0600), KEPT(SLOT_PASSWORD),                                                "passwords that open encrypted files, one a line" },
{ "orgs/{org}/apns/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                            "the password of that file" },
{ "orgs/{org}/apns/subject",           F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/orgs/ORG/apns.csr" },
{ "orgs/{org}/apns/key-type",          F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048, as Apple takes no other" },
{ "orgs/{org}/apns/apple-account",   F(0644), KEPT(APPLE_ACCOUNT),                                                "the Apple account that the certificate belongs to" },
{ "orgs/{org}/apns/allow-topic-change", F(0644), KEPT(ALLOW_TOPIC),                                               "the new topic, when a change of topic is meant" },
{ "orgs/{org}/apns/mdmcert",         F(0600), KEPT(MDMCERT),                                                      "email: ADDRESS and key: SERVICEKEY at mdmcert.download, which signs requests for who has no MDM vendor" },
{ "orgs/{org}/apns/mdmcert-answer",  F(0600), KEPT(MDMCERT_ANSWER),                                               "the attachment of the service's mail, as it came" },
{ "orgs/{org}/signing",              D(0755), KEPT(SIGNING),                                                      "identity slot: signs this organization's profiles" },
{ "orgs/{org}/signing/{identity}",   F(0600), KEPT(SIGNING_FILE),                                                 "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "orgs/{org}/signing/password",     F(0600), KEPT(SLOT_PASSWORD),                                                "passwords that open encrypted files, one a line" },
{ "orgs/{org}/signing/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                         "the password of that file" },
{ "orgs/{org}/signing/subject",        F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/orgs/ORG/signing.csr" },
{ "orgs/{org}/signing/key-type",       F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048 (also without this file), rsa3072, rsa4096 or p256" },
{ "orgs/{org}/url",                   F(0644), KEPT(ORG_URL),                                                     "https://mdm.acme.example: what this organization's devices are told; else system/url" },
{ "orgs/{org}/tls",                   D(0755), KEPT(TLS),                                                         "identity slot: the HTTPS certificate for this organization's url" },
{ "orgs/{org}/tls/{identity}",        F(0600), KEPT(TLS_FILE),                                                    "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "orgs/{org}/tls/password",          F(0600), KEPT(SLOT_PASSWORD),                                               "passwords that open encrypted files, one a line" },
{ "orgs/{org}/tls/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                             "the password of that file" },
{ "orgs/{org}/tls/subject",            F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/orgs/ORG/tls.csr" },
{ "orgs/{org}/tls/key-type",           F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048 (also without this file), rsa3072, rsa4096 or p256" },
{ "orgs/{org}/tls/names",              F(0644), KEPT(SLOT_NAMES),                                                    "names that the request carries, one a line: host names, *.example.com, IP addresses; else the host of url" },
{ "orgs/{org}/scep",                 D(0755), KEPT(SCEP),                                                         "the certificate authority; empty: the built-in one" },
{ "orgs/{org}/scep/key-size",        F(0644), KEPT(SCEP_SETTING),                                                  "bits of the RSA key that devices make: 2048 (also without this file) or 4096; the built-in CA takes no shorter ones" },
{ "orgs/{org}/scep/key-type",        F(0644), KEPT(SCEP_SETTING),                                                  "RSA, as Apple's devices make no other keys for SCEP" },
{ "orgs/{org}/scep/subject",         F(0644), KEPT(SCEP_SETTING),                                                  "subject of certificates, CN=%UDID%, O=%ORG%: %UDID% %SERIAL% %ORG% %ID% are filled in; parts that are not known are left out" },
{ "orgs/{org}/scep/san",             F(0644), KEPT(SCEP_SETTING),                                                  "further names in certificates, one a line, DNS:%SERIAL%.devices.example.com, email:, URI:, UPN: (the last for another CA alone)" },
{ "orgs/{org}/scep/validity",        F(0644), KEPT(SCEP_SETTING),                                                  "days for which a certificate is valid, 1 to 3650; 365 without it" },
{ "orgs/{org}/scep/retries",         F(0644), KEPT(SCEP_SETTING),                                                  "how often a device asks again, 0 to 100; 3 without it" },
{ "orgs/{org}/scep/retry-delay",     F(0644), KEPT(SCEP_SETTING),                                                  "seconds until it does, 1 to 3600; 10 without it" },
{ "orgs/{org}/scep/challenge-validity", F(0644), KEPT(SCEP_SETTING),                                                  "how long a challenge is good, 90m, 24h, 7d; an hour for one that was fetched, a week for one that is shown, without it" },
{ "orgs/{org}/scep/challenges",      D(0755), KEPT(SCEP_CHALLENGES),                                               "strings that are good for one device and one certificate" },
{ "orgs/{org}/scep/challenges/{device}", F(0600), KEPT(SCEP_CHALLENGE),                                                "the string of the device with that UDID or serial number, 8 characters or more; empty: one is made, see status/orgs/ORG/scep-challenges" },
{ "orgs/{org}/scep/url",             F(0644), KEPT(SCEP_SETTING),                                                  "another CA, https://ca.acme.example/scep: it issues the certificates of devices" },
{ "orgs/{org}/scep/name",            F(0644), KEPT(SCEP_SETTING),                                                  "the CA's name for itself, if it has several" },
{ "orgs/{org}/scep/fingerprint",     F(0644), KEPT(SCEP_SETTING),                                                  "SHA-256 (or SHA-1, MD5) of that CA's certificate, hexadecimal: nothing else is accepted" },
{ "orgs/{org}/scep/proxy",           F(0644), KEPT(SCEP_SETTING),                                                  "while it is there, devices reach that CA through this server" },
{ "orgs/{org}/scep/challenge",       F(0600), KEPT(SCEP_SECRET),                                                   "what that CA wants to hear, the same from every device" },
{ "orgs/{org}/scep/ndes-url",        F(0644), KEPT(SCEP_SETTING),                                                  "a page of NDES, https://ndes.acme.example/certsrv/mscep_admin/: a challenge is fetched there for each device, for a renewal when the device comes for it" },
{ "orgs/{org}/scep/ndes-user",       F(0644), KEPT(SCEP_SETTING),                                                  "who may read that page: scep@acme.example, or the domain, a backslash and the name" },
{ "orgs/{org}/scep/ndes-password",   F(0600), KEPT(SCEP_SECRET),                                                   "its password" },
{ "orgs/{org}/enrollment",           D(0755), KEPT(ENROLLMENT),                                                   "settings of the enrollment profile" },
{ "orgs/{org}/enrollment/open",      F(0644), KEPT(ENROLLMENT_OPEN),                                              "who may enroll without being asked" },
{ "orgs/{org}/enrollment/serials",   F(0644), KEPT(ENROLLMENT_SERIALS),                                            "serial numbers of devices that may enroll, one a line: where the device tells it first, by that alone; else what comes without user and invitation must be on the list" },
{ "orgs/{org}/enrollment/domains",   F(0644), KEPT(ENROLLMENT_DOMAINS),                                            "mail domains of the organization, one a line: by them / and devices that sign in find it" },
{ "orgs/{org}/enrollment/invitations", D(0755), KEPT(INVITATIONS),                                                 "links that let a device enroll, once" },
{ "orgs/{org}/enrollment/invitations/{invitation}", F(0644), KEPT(INVITATION),                                     "one invitation, may be empty; lines user:, serial:, note:, ends: (days or a time; 7 without it), uses: (1 without it)" },
{ "orgs/{org}/enrollment/access-rights", F(0644), KEPT(ACCESS_RIGHTS),                                            "what the server may do on a device" },
{ "orgs/{org}/enrollment/renewal-grace", F(0644), KEPT(RENEWAL_GRACE),                                            "for how many days after its end a certificate still lets a device in; 0 without it" },
{ "orgs/{org}/enrollment/import", D(0755), KEPT(IMPORT),                                                          "devices of another server, taken over without touching them" },
{ "orgs/{org}/enrollment/import/*.plist", F(0600), KEPT(IMPORT_FILE),                                             "an Authenticate, TokenUpdate or SetBootstrapToken that the old server has kept" },
{ "orgs/{org}/enrollment/import/ca.pem", F(0644), KEPT(IMPORT_CA),                                                "the old server's CA: only certificates of it are bound at first sight" },
{ "orgs/{org}/groups",               D(0755), KEPT(GROUPS),                                                       "groups of devices; mkdir makes one" },
{ "orgs/{org}/groups/{group}",       D(0755), KEPT(GROUP),                                                        "one group" },
{ "orgs/{org}/groups/{group}/members", F(0644), KEPT(GROUP_MEMBERS),                                              "one serial number, UDID or glob a line; # begins a comment" },
{ "orgs/{org}/groups/{group}/commands", D(0755), KEPT(GROUP_COMMANDS),                                            "commands for every member" },
{ "orgs/{org}/groups/{group}/commands/{name}", F(0644), KEPT(GROUP_COMMAND),                                      "a command that is under way; rm cancels it where it was not yet sent" },
{ "orgs/{org}/commands",             D(0755), KEPT(ORG_COMMANDS),                                                 "commands for every device of the organization" },
{ "orgs/{org}/commands/{name}",      F(0644), KEPT(ORG_COMMAND),                                                  "a command that is under way; rm cancels it where it was not yet sent" },
{ "orgs/{org}/command-expiry",       F(0644), KEPT(COMMAND_EXPIRY),                                               "for how many days a command waits that does not say Expires=; for ever without it" },
{ "orgs/{org}/enrollment/encrypted", F(0644), KEPT(ENROLLMENT_ENCRYPTED),                                         "while it is there, /enroll/ORG begins an enrollment over the air, whose profile is encrypted for the device" },
{ "orgs/{org}/enrollment/required-os", F(0644), KEPT(REQUIRED_OS),                                                "the oldest systems that enroll by ADE, iOS 18.1, one a line; others are told to update first" },
{ "orgs/{org}/users",                D(0755), KEPT(ORG_USERS),                                                     "people who may enroll devices with a password" },
{ "orgs/{org}/users/{login}",        D(0755), KEPT(ORG_USER),                                                      "one of them, called by what is typed to sign in: a mail address or a name" },
{ "orgs/{org}/users/{login}/password", F(0600), KEPT(USER_PASSWORD),                                               "a password hash as mkpasswd -m yescrypt prints it" },
{ "orgs/{org}/users/{login}/full-name", F(0644), KEPT(USER_FULL_NAME),                                             "one line, for people" },
{ "system",                          D(0755), FIXED(SYSTEM),                                                      "settings of the whole server" },
{ "system/url",                      F(0644), KEPT(SYSTEM_URL),                                                   "https://mdm.example.com: what devices are told" },
{ "system/notice-days",              F(0644), KEPT(NOTICE_DAYS),                                                  "how many days before the end of a certificate an event says so: 60, 30, 10, 3, 1 without it" },
{ "system/metrics-allow",            F(0644), KEPT(METRICS_ALLOW),                                                "networks that may read /metrics, one a line" },
{ "system/validation",               F(0644), KEPT(VALIDATION),                                                   "how commands are judged by Apple's schema: strict, warn or off; strict without it" },
{ "system/keep-results",             F(0644), KEPT(KEEP_RESULTS),                                                 "how many answers of each device are kept, the newest; 1000 without it" },
{ "system/mass-limit",               F(0644), KEPT(MASS_LIMIT),                                                   "for how many devices a command that cannot be undone needs no confirm=COUNT; 10 without it" },
{ "system/tls",                      D(0755), KEPT(TLS),                                                          "identity slot: the HTTPS certificate" },
{ "system/tls/{identity}",           F(0600), KEPT(TLS_FILE),                                                     "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "system/tls/password",             F(0600), KEPT(SLOT_PASSWORD),                                                "passwords that open encrypted files, one a line" },
{ "system/tls/{identity}.password",  F(0600), KEPT(SLOT_PASSWORD),                                                "the password of that file" },
{ "system/tls/subject",                F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/system/tls.csr" },
{ "system/tls/key-type",               F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048 (also without this file), rsa3072, rsa4096 or p256" },
{ "system/tls/names",                  F(0644), KEPT(SLOT_NAMES),                                                    "names that the request carries, one a line: host names, *.example.com, IP addresses; else the host of url" },
{ "system/tls/{tls}",                 D(0755), KEPT(TLS_NAMED),                                                   "identity slot: a further HTTPS certificate, for its own names" },
{ "system/tls/{tls}/{identity}",      F(0600), KEPT(TLS_NAMED_FILE),                                              "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "system/tls/{tls}/password",        F(0600), KEPT(SLOT_PASSWORD),                                               "passwords that open encrypted files, one a line" },
{ "system/tls/{tls}/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                           "the password of that file" },
{ "system/tls/{tls}/subject",          F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/system/tls.d/NAME.csr" },
{ "system/tls/{tls}/key-type",         F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048 (also without this file), rsa3072, rsa4096 or p256" },
{ "system/tls/{tls}/names",            F(0644), KEPT(SLOT_NAMES),                                                    "names that the request carries, one a line: host names, *.example.com, IP addresses; else the host of url" },
{ "system/signing",                  D(0755), KEPT(SIGNING),                                                      "identity slot: the default for organizations" },
{ "system/signing/{identity}",       F(0600), KEPT(SIGNING_FILE),                                                 "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "system/signing/password",         F(0600), KEPT(SLOT_PASSWORD),                                                "passwords that open encrypted files, one a line" },
{ "system/signing/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                             "the password of that file" },
{ "system/signing/subject",            F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/system/signing.csr" },
{ "system/signing/key-type",           F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048 (also without this file), rsa3072, rsa4096 or p256" },
{ "system/vendor",                    D(0755), KEPT(VENDOR),                                                      "identity slot: the MDM vendor certificate; signs push certificate requests" },
{ "system/vendor/{identity}",         F(0600), KEPT(VENDOR_FILE),                                                 "certificates and keys: *.p12 *.pfx *.pem *.crt *.cer *.der *.key *.p7b" },
{ "system/vendor/password",           F(0600), KEPT(SLOT_PASSWORD),                                               "passwords that open encrypted files, one a line" },
{ "system/vendor/{identity}.password", F(0600), KEPT(SLOT_PASSWORD),                                              "the password of that file" },
{ "system/vendor/subject",             F(0644), KEPT(SLOT_SUBJECT),                                                  "subject of a certificate request, CN=apple-id@example.com, O=Acme: makes a key here and a request in status/system/vendor.csr" },
{ "system/vendor/key-type",            F(0644), KEPT(SLOT_KEY_TYPE),                                                 "of the key for the next request: rsa2048, as Apple takes no other" },
{ "system/vendor/sign",               D(0755), KEPT(VENDOR_SIGN),                                                  "requests for push certificates of others, to be signed" },
{ "system/vendor/sign/*.csr",         F(0644), KEPT(VENDOR_REQUEST),                                               "one request, PEM or DER, RSA 2048; signed as status/system/vendor/NAME.push-request" },
{ "system/trust",                    D(0755), KEPT(TRUST),                                                        "roots that devices must be told to trust" },
{ "system/trust/*.pem",              F(0644), KEPT(TRUST_FILE),                                                   "one or more root certificates" },
{ "system/trust/apple-device",       D(0755), KEPT(APPLE_DEVICE_TRUST),                                           "Apple's CA for devices: with it, whoever enrolls over the air or by ADE must be a genuine device" },
{ "system/trust/apple-device/*.pem", F(0644), KEPT(APPLE_DEVICE_FILE),                                            "Apple iPhone Device CA, or others above the certificates of devices" },
{ "staging",                         D(0755), FIXED(STAGING),                                                      "trees that are applied whole or not at all; mkdir makes one" },
{ "staging/{stage}",                 D(0755), KEPT(STAGE),                                                        "one of them, laid out like the mount: orgs/, system/; gone when it was applied" },
{ "staging/{stage}/{staged}",        D(0755), KEPT(STAGED_DIR),                                                   "directories that wait" },
{ "staging/{stage}/{file}",          F(0600), KEPT(STAGED_FILE),                                                  "files that wait: kept as they are, judged when commit is written" },
{ "staging/{stage}/check",           F(0400), HIDE(97), staging_check_read, NULL, NULL,                           "what is wrong with the tree now; nothing is changed (not listed)" },
{ "staging/{stage}/diff",            F(0400), HIDE(98), staging_diff_read, NULL, NULL,                            "what would change: add, change, remove or mode PATH (not listed)" },
{ "staging/{stage}/commit",          F(0200), HIDE(99), NULL, NULL, staging_commit_write,                         "write anything to apply all of it, or nothing (not listed)" },
{ "devices",                         D(01777), MADE(17, OF_NONE), NULL, &device_names, NULL,                      "every device, by UDID; rmdir or rm -r forgets one: its owner's, like in /tmp" },
{ "devices/{udid}",                  D(0777), MADE(18, OF_DEVICE), NULL, NULL, NULL,                              "one device; owner, group and mode of its organization" },
{ "devices/{udid}/org",              L,       OPT(19, OF_DEVICE), device_org_link, NULL, NULL,                    "symlink to the organization" },
{ "devices/{udid}/status",           F(0444), MADE(20, OF_DEVICE), device_status_read, NULL, NULL,                "the device's state, key: value" },
{ "devices/{udid}/commands",         D(0777), HELD(COMMANDS, FILE_DEVICE_COMMANDS, OF_USER),                      "queued commands; cp one here to queue it" },
{ "devices/{udid}/commands/{name}",  F(0644), KEPT(COMMAND),                                                      "a command that waits; rm cancels one that was not yet sent" },
{ "devices/{udid}/commands/first",   D(0777), QUIET(FIRST_COMMANDS, FILE_DEVICE_FIRST, OF_USER),                  "those that go before all others; mv one here" },
{ "devices/{udid}/commands/first/{name}", F(0644), KEPT(COMMAND),                                                 "a command that waits there" },
{ "devices/{udid}/results",          D(0777), HELD(RESULTS, FILE_DEVICE_RESULTS, OF_USER),                        "the device's answers" },
{ "devices/{udid}/results/{name}",   F(0600), KEPT(RESULT),                                                       "the answer to the command of that name (plist)" },
{ "devices/{udid}/queue",            F(0444), MADE(21, OF_DEVICE), device_queue_read, NULL, NULL,                 "one line a waiting command" },
{ "devices/{udid}/info",             D(0777), MADE(22, OF_DEVICE), NULL, &device_info_key, NULL,                  "what the device reported, one file a fact" },
{ "devices/{udid}/info/{key}",       F(0444), MADE(23, OF_KEY), device_info_read, NULL, NULL,                     "one fact: SerialNumber, OSVersion, DeviceName; or a list: InstalledApplicationList.tsv and .plist" },
{ "devices/{udid}/info.plist",       F(0444), MADE(24, OF_DEVICE), device_info_plist_read, NULL, NULL,            "all facts" },
{ "devices/{udid}/certificate.pem",  F(0444), OPT(25, OF_DEVICE), device_certificate_read, NULL, NULL,            "the device's identity" },
{ "devices/{udid}/push",             F(0644), MADE(26, OF_DEVICE), device_push_read, NULL, device_push_write,     "write to push now; read for the last outcome" },
{ "devices/{udid}/secrets",          D(0700), MADE(27, OF_DEVICE), NULL, &device_secret_key, NULL,                "what opens the device: for its owner alone" },
{ "devices/{udid}/secrets/{key}",    F(0400), MADE(28, OF_KEY), device_secret_read, NULL, NULL,                   "UnlockToken, BootstrapToken, ActivationLockBypassCode, recovery keys, passwords that were set" },
{ "devices/{udid}/users",            D(0777), MADE(29, OF_DEVICE), NULL, &device_user_name, NULL,                 "user channels" },
{ "devices/{udid}/users/{user}",     D(0777), MADE(30, OF_USER), NULL, NULL, NULL,                                "one user channel" },
{ "devices/{udid}/users/{user}/commands", D(0777), HELD(COMMANDS, FILE_DEVICE_COMMANDS, OF_USER),                 "queued commands of the user channel" },
{ "devices/{udid}/users/{user}/commands/{name}", F(0644), KEPT(COMMAND),                                          "a command that waits" },
{ "devices/{udid}/users/{user}/commands/first", D(0777), QUIET(FIRST_COMMANDS, FILE_DEVICE_FIRST, OF_USER),       "those that go before all others" },
{ "devices/{udid}/users/{user}/commands/first/{name}", F(0644), KEPT(COMMAND),                                    "a command that waits there" },
{ "devices/{udid}/users/{user}/results", D(0777), HELD(RESULTS, FILE_DEVICE_RESULTS, OF_USER),                    "answers of the user channel" },
{ "devices/{udid}/users/{user}/results/{name}", F(0600), KEPT(RESULT),                                            "the answer to the command of that name (plist)" },
{ "devices/{udid}/users/{user}/status", F(0444), MADE(31, OF_USER), device_status_read, NULL, NULL,               "the user channel's state, key: value" },
{ "devices/{udid}/users/{user}/queue", F(0444), MADE(32, OF_USER), device_queue_read, NULL, NULL,                 "one line a waiting command" },
{ "devices/{udid}/users/{user}/push", F(0644), MADE(33, OF_USER), device_push_read, NULL, device_push_write,      "write to push now; read for the last outcome" },
{ "status",                          D(0755), MADE(34, OF_NONE), NULL, NULL, NULL,                                "what the server knows" },
{ "status/last-error",               F(0444), MADE(35, OF_NONE), status_last_error_read, NULL, NULL,              "why your last write was refused" },
{ "status/server",                   F(0444), MADE(36, OF_NONE), status_server_read, NULL, NULL,                  "version, listeners, store, counts" },
{ "status/commands",                 D(0755), MADE(105, OF_NONE), NULL, &reference_names, NULL,                    "what can be written into commands/: a page for each request type" },
{ "status/commands/{key}",           F(0444), MADE(106, OF_NUMBER), reference_read, NULL, NULL,                  "one request type: which systems take it, its keys, an example" },
{ "status/doctor",                   F(0644), SEEN(53, OF_NONE), status_doctor_read, NULL, status_doctor_write,  "every check of the installation, with cause and remedy; write live to ask the push service" },
{ "status/certificates",             F(0444), SEEN(51, OF_NONE), health_certificates_read, NULL, NULL,            "every certificate that matters: what it does, whether it works, what to do next" },
{ "status/certificates.svg",         F(0444), SEEN(52, OF_NONE), health_svg_read, NULL, NULL,                     "the same as a time line" },
{ "status/metrics",                  F(0444), SEEN(96, OF_NONE), health_metrics_read, NULL, NULL,                 "figures in the text format of Prometheus; also GET /metrics" },
{ "status/serials",                  D(0755), MADE(37, OF_NONE), NULL, &device_serial, NULL,                      "devices by serial number" },
{ "status/serials/{serial}",         L,       MADE(38, OF_DEVICE), device_serial_link, NULL, NULL,                "symlink to the device" },
{ "status/orgs",                     D(0755), MADE(39, OF_NONE), NULL, &org_names, NULL,                          "organizations as the server sees them" },
{ "status/orgs/{org}",               D(0777), MADE(40, OF_ORG), NULL, NULL, NULL,                                 "one organization; owner, group and mode of orgs/ORG" },
{ "status/orgs/{org}/apns",          F(0444), MADE(41, OF_ORG), org_apns_read, NULL, NULL,                        "the push certificate in effect, and what waits" },
{ "status/orgs/{org}/apns.csr",        F(0444), OPT(54, OF_ORG), org_apns_csr_read, NULL, NULL,                      "the request for a push certificate that waits for its answer (PEM)" },
{ "status/orgs/{org}/apns.push-request", F(0444), READY(64, OF_ORG), org_push_request_read, NULL, NULL,            "the signed request: the file that identity.apple.com/pushcert takes" },
{ "status/orgs/{org}/apns.mdmcert-request", F(0400), OPT(65, OF_ORG), org_mdmcert_request_read, NULL, NULL,        "what mdmcert.download's signrequest takes (JSON, with the service key)" },
{ "status/orgs/{org}/signing",       F(0444), MADE(42, OF_ORG), org_signing_read, NULL, NULL,                     "the signing identity in effect, and what waits" },
{ "status/orgs/{org}/signing.csr",     F(0444), OPT(55, OF_ORG), org_signing_csr_read, NULL, NULL,                   "the request for a signing certificate that waits for its answer (PEM)" },
{ "status/orgs/{org}/tls",             F(0444), MADE(56, OF_ORG), org_tls_read, NULL, NULL,                          "the HTTPS certificate for the organization's url, and what waits" },
{ "status/orgs/{org}/tls.csr",         F(0444), OPT(57, OF_ORG), org_tls_csr_read, NULL, NULL,                       "the request for that certificate that waits for its answer (PEM)" },
{ "status/orgs/{org}/enroll.mobileconfig", F(0444), READY(43, OF_ORG), org_enroll_read, NULL, NULL,               "the enrollment profile" },
{ "status/orgs/{org}/scep",          F(0444), MADE(66, OF_ORG), health_scep_read, NULL, NULL,                     "the organization's own CA for device certificates" },
{ "status/orgs/{org}/scep-challenges", F(0400), MADE(70, OF_ORG), org_scep_challenges_read, NULL, NULL,          "the files of scep/challenges: device, waiting, used or expired, when, and the string if the server made it" },
{ "status/orgs/{org}/anchor-certs.json", F(0444), READY(80, OF_ORG), org_anchor_certs_read, NULL, NULL,          "anchor_certs for an ADE profile: the roots of this server's HTTPS certificate" },
{ "status/orgs/{org}/ca.pem",        F(0444), OPT(44, OF_ORG), org_ca_read, NULL, NULL,                           "the certificate of the organization's own CA" },
{ "status/orgs/{org}/invitations",   D(0500), MADE(75, OF_ORG), NULL, &invitation_names, NULL,                     "the links of the organization's invitations: for its owner alone" },
{ "status/orgs/{org}/invitations/{invitation}", F(0400), MADE(76, OF_ORG_NUMBER), invitation_read, NULL, NULL,     "the link, until when it is good, who has used it" },
{ "status/orgs/{org}/devices",       D(0555), MADE(45, OF_ORG), NULL, &device_of_org, NULL,                       "the organization's devices" },
{ "status/orgs/{org}/devices/{udid}", L,      MADE(46, OF_DEVICE), device_org_device_link, NULL, NULL,            "symlink to the device" },
{ "status/orgs/{org}/groups",        D(0555), MADE(85, OF_ORG), NULL, &group_names, NULL,                         "the organization's groups" },
{ "status/orgs/{org}/groups/{group}", D(0555), MADE(86, OF_NUMBER), NULL, NULL, NULL,                             "one group" },
{ "status/orgs/{org}/groups/{group}/members", F(0444), MADE(87, OF_NUMBER), group_members_read, NULL, NULL,       "its members: UDID, serial number, name; and the lines that match nothing" },
{ "status/orgs/{org}/groups/{group}/commands", D(0555), MADE(88, OF_NUMBER), NULL, &group_command_names, NULL,    "commands for the group, also the newest that are over" },
{ "status/orgs/{org}/groups/{group}/commands/{name}", F(0444), MADE(89, OF_NUMBER), group_command_read, NULL, NULL, "how far one has come, and who failed why" },
{ "status/orgs/{org}/commands",      D(0555), MADE(90, OF_ORG), NULL, &group_command_names, NULL,                 "commands for the whole organization, also the newest that are over" },
{ "status/orgs/{org}/commands/{name}", F(0444), MADE(91, OF_NUMBER), group_command_read, NULL, NULL,              "how far one has come, and who failed why" },
{ "status/system",                   D(0755), MADE(47, OF_NONE), NULL, NULL, NULL,                                "the identities of the server" },
{ "status/system/tls",               F(0444), MADE(48, OF_NONE), status_tls_read, NULL, NULL,                     "the HTTPS certificate in effect, and what waits" },
{ "status/system/tls.csr",             F(0444), OPT(58, OF_NONE), org_tls_csr_read, NULL, NULL,                      "the request for an HTTPS certificate that waits for its answer (PEM)" },
{ "status/system/tls.d",               D(0755), MADE(67, OF_NONE), NULL, &tls_names, NULL,                           "the further HTTPS certificates, system/tls/NAME" },
{ "status/system/tls.d/{tls}",         F(0444), MADE(68, OF_NUMBER), tls_read, NULL, NULL,                           "one of them, and what waits" },
{ "status/system/tls.d/{tls}.csr",     F(0444), OPT(69, OF_NUMBER), tls_csr_read, NULL, NULL,                        "its request that waits for an answer (PEM)" },
{ "status/system/signing",           F(0444), MADE(49, OF_NONE), org_signing_read, NULL, NULL,                    "the default signing identity, and what waits" },
{ "status/system/signing.csr",         F(0444), OPT(59, OF_NONE), org_signing_csr_read, NULL, NULL,                  "the request for a signing certificate that waits for its answer (PEM)" },
{ "status/system/vendor.csr",          F(0444), OPT(62, OF_NONE), org_vendor_csr_read, NULL, NULL,                   "the request for a vendor certificate that waits for its answer (PEM)" },
{ "status/system/vendor",            D(0755), MADE(60, OF_NONE), NULL, &vendor_names, NULL,                       "the MDM vendor's side" },
{ "status/system/vendor/identity",   F(0444), MADE(61, OF_NONE), vendor_identity_read, NULL, NULL,                "the vendor identity in effect, and what waits" },
{ "status/system/vendor/*.push-request", F(0444), MADE(63, OF_NUMBER), vendor_signed_read, NULL, NULL,             "the request system/vendor/sign/NAME.csr, signed: the file that identity.apple.com/pushcert takes" },
{ "events",                          F(0444), MADE(TREE_PART_EVENTS, OF_NONE), NULL, NULL, NULL,                  "what happened, one line each; grows" },
{ "events.1",                        F(0444), OPT(TREE_PART_EVENTS, OF_NONE), NULL, NULL, NULL,                   "the events before those" },
{ "follow",                          L,       MADE(107, OF_NONE), status_follow_link, NULL, NULL,                  "events as a stream: a read waits for the next one" },
{ ".follow",                         F(0444), FLOW(50), NULL, NULL, NULL,                                         "the stream itself; not listed: cp -r and grep -r, which pass over a link, would wait for its end" },
{ NULL, TREE_FILE, 0, MADE(0, OF_NONE), NULL, NULL, NULL, NULL },
};

static const struct tree_row note_row =
{ "{dir}/{note}",                    F(0644), KEPT(NOTES),                                                        "*.md, .gitignore, .gitkeep, .gitattributes: kept, without effect" };
/* clang-format on */

static const char *const identity_endings[] = { ".p12", ".pfx", ".pem", ".crt",
	".cer", ".der", ".key", ".p7b", NULL };

static bool
ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), e = strlen(ending);

	return n > e && strcmp(s + n - e, ending) == 0;
}

/* One character of UTF-8 from *s on; WEOF: not UTF-8 (RFC 3629). */
static wint_t
next_char(const unsigned char **s)
{
	static const wint_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = *s;
	unsigned more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
	wint_t c;

	if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
		return WEOF;
	c = more == 0 ? *p : *p & (0x3fu >> more);
	for (unsigned i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return WEOF;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return WEOF;
	*s = p + more + 1;
	return c;
}

bool
tree_clean_name(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t len = strlen(name);

	if (len == 0 || len > 255 || strchr(name, '/') != NULL)
		return false;
	while (*p != '\0') {
		wint_t c = next_char(&p);

		if (c == WEOF || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

static locale_t utf8;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void
utf8_init(void)
{
	utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

bool
tree_org_name(const char *name)
{
	const unsigned char *p = (const unsigned char *)name;
	size_t len = strlen(name);

	pthread_once(&utf8_once, utf8_init);
	if (len == 0 || len > 64 || strchr("-. ", *name) != NULL ||
	    name[len - 1] == ' ')
		return false;
	while (*p != '\0') {
		wint_t c = next_char(&p);

		if (c == WEOF)
			return false;
		if (c < 0x80
			? strchr("-_. ", (int)c) != NULL || iswalnum(c) != 0
			: utf8 != (locale_t)0 && iswalnum_l(c, utf8) != 0)
			continue;
		return false;
	}
	return true;
}

static bool
is_note(const char *name)
{
	return strcmp(name, ".gitignore") == 0 ||
	       strcmp(name, ".gitkeep") == 0 ||
	       strcmp(name, ".gitattributes") == 0 ||
	       (ends_with(name, ".md") && *name != '.' && *name != '#' &&
		   tree_clean_name(name));
}

static bool
is_identity(const char *name)
{
	if (*name == '.' || *name == '#' || !tree_clean_name(name))
		return false;
	for (unsigned i = 0; identity_endings[i] != NULL; i++)
		if (ends_with(name, identity_endings[i]))
			return true;
	return false;
}

static bool
is_id(const char *name)
{
	size_t len = strspn(name, "0123456789-"
				  "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len >= 1 && len <= 64 && name[len] == '\0';
}

static bool
is_identity_password(const char *name)
{
	char file[256];
	size_t len = strlen(name) - (sizeof(".password") - 1);

	if (!ends_with(name, ".password") || len >= sizeof(file))
		return false;
	memcpy(file, name, len);
	file[len] = '\0';
	return is_identity(file);
}

/* .error is the door to refusals: a file of that name could not be seen. */
static bool
is_free_name(const char *name)
{
	return tree_clean_name(name) && *name != '.' && *name != '#' &&
	       !scratch_is_name(name) && !ends_with(name, ".error");
}

/* Whatever a tree may hold; what is wrong with it is said later. */
static bool
is_staged_name(const char *name)
{
	return tree_clean_name(name) && !scratch_is_name(name) &&
	       strcmp(name, ".error") != 0 && !ends_with(name, ".error");
}

static bool
is_group_name(const char *name)
{
	return is_free_name(name) && strlen(name) <= 64;
}

/* A directory of its own in system/tls: what it is called says nothing. */
static bool
is_tls_name(const char *name)
{
	return is_free_name(name) && !is_identity(name) &&
	       !is_identity_password(name) && !ends_with(name, ".csr") &&
	       strlen(name) <= 64;
}

static bool
is_tls_request(const char *name)
{
	char stem[256];
	size_t len = strlen(name) - (sizeof(".csr") - 1);

	if (!ends_with(name, ".csr") || len >= sizeof(stem))
		return false;
	memcpy(stem, name, len);
	stem[len] = '\0';
	return is_tls_name(stem);
}

static const struct {
	const char *pattern;
	bool (*match)(const char *name);
} variables[] = {
	{ "{org}", tree_org_name },
	{ "{udid}", is_id },
	{ "{serial}", tree_clean_name },
	{ "{user}", tree_clean_name },
	{ "{key}", tree_clean_name },
	{ "{device}", is_id },
	{ "{name}", is_free_name },
	{ "{group}", is_group_name },
	{ "{stage}", is_group_name },
	{ "{staged}", is_staged_name },
	{ "{file}", is_staged_name },
	{ "{login}", is_free_name },
	{ "{invitation}", is_free_name },
	{ "{tls}", is_tls_name },
	{ "{tls}.csr", is_tls_request },
	{ "{identity}", is_identity },
	{ "{identity}.password", is_identity_password },
};

/* The last part of a pattern against a name. */
static bool
part_matches(const char *pattern, const char *name)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (strcmp(pattern, variables[i].pattern) == 0)
			return variables[i].match(name);
	if (*pattern == '*')
		return *name != '.' && *name != '#' && tree_clean_name(name) &&
		       ends_with(name, pattern + 1);
	return strcmp(pattern, name) == 0;
}

static bool
is_literal(const char *part)
{
	return *part != '*' && *part != '{';
}

/* The last part of row's path if it is right below dir, else NULL. */
static const char *
child_part(const struct tree_row *dir, const struct tree_row *row)
{
	size_t len = strlen(dir->path);
	const char *part;

	if (*row->path == '\0' || strncmp(row->path, dir->path, len) != 0)
		return NULL;
	part = row->path + len;
	if (len > 0 && *part++ != '/')
		return NULL;
	return strchr(part, '/') == NULL ? part : NULL;
}

#define ROWS (sizeof(tree) / sizeof(*tree) - 1)

/* The rows below each row, in the order of the table: large directories are
 * listed by them. */
static struct child {
	const struct tree_row *row;
	const char *part;
} children[ROWS];
static unsigned first_child[ROWS + 1];
static pthread_once_t children_once = PTHREAD_ONCE_INIT;

static void
children_init(void)
{
	unsigned n = 0;

	for (unsigned dir = 0; dir < ROWS; dir++) {
		first_child[dir] = n;
		for (unsigned i = 0; i < ROWS; i++) {
			const char *part = child_part(&tree[dir], &tree[i]);

			if (part != NULL)
				children[n++] =
				    (struct child){ &tree[i], part };
		}
	}
	first_child[ROWS] = n;
}

/* From the result on, before *end. */
static const struct child *
children_of(const struct tree_row *dir, const struct child **end)
{
	pthread_once(&children_once, children_init);
	*end = &children[first_child[dir - tree + 1]];
	return &children[first_child[dir - tree]];
}

const struct tree_row *
tree_at(const char *path)
{
	const struct tree_row *row = tree;

	while (row->path != NULL && strcmp(row->path, path) != 0)
		row++;
	assert(row->path != NULL);
	return row;
}

const struct tree_row *
tree_find(const struct tree_row *dir, const char *name)
{
	const struct tree_row *found = NULL;
	const struct child *end, *c = children_of(dir, &end);

	for (; c < end; c++) {
		if (!part_matches(c->part, name))
			continue;
		if (is_literal(c->part))
			return c->row;
		found = c->row;
	}
	if (tree_takes_files(dir) && dir->part == 0 && is_note(name))
		return &note_row;
	return found;
}

const struct tree_row *
tree_literal(const struct tree_row *dir, unsigned index, const char **ret)
{
	const struct child *end, *c = children_of(dir, &end);

	for (; c < end; c++) {
		if (!is_literal(c->part) || index-- > 0)
			continue;
		*ret = c->part;
		return c->row;
	}
	return NULL;
}

const struct tree_row *
tree_of_place(enum place place, bool in_org)
{
	for (const struct tree_row *row = tree; row->path != NULL; row++)
		if (row->kind == TREE_DIR && row->place == place &&
		    (strncmp(row->path, "orgs/", 5) == 0) == in_org)
			return row;
	return NULL;
}

const struct tree_row *
tree_of_ino(uint64_t ino)
{
	unsigned part = (unsigned)(ino >> 56) & 0x7f;
	bool user = (ino & 0xffffff) != 0;

	if ((ino & TREE_INO_BIT) == 0 || part == 0)
		return NULL;
	for (const struct tree_row *row = tree; row->path != NULL; row++) {
		if (row->part != part)
			continue;
		/* the directories of devices and of users share their parts */
		if (part >= TREE_PART_FIRST ||
		    (strstr(row->path, "{user}") != NULL) == user)
			return row;
	}
	return NULL;
}

uint64_t
tree_ino(const struct tree_row *row, const struct at *at)
{
	uint64_t owner = at->device, low = 0;

	switch (row->of) {
	case OF_NONE:
		owner = 0;
		break;
	case OF_ORG:
		owner = at->org;
		break;
	case OF_ORG_NUMBER:
		owner = at->org;
		low = at->number;
		break;
	case OF_DEVICE:
		break;
	case OF_USER:
		low = at->user;
		break;
	case OF_KEY:
		low = at->number;
		break;
	case OF_NUMBER:
	case OF_STAGE:
		owner = at->number;
		break;
	}
	return TREE_INO_BIT | (uint64_t)row->part << 56 | owner << 24 |
	       (low & 0xffffff);
}

void
tree_decode(const struct tree_row *row, uint64_t ino, struct at *at)
{
	uint32_t owner = (uint32_t)(ino >> 24), low = (uint32_t)ino & 0xffffff;

	at->org = row->of == OF_ORG || row->of == OF_ORG_NUMBER ? owner : 0;
	at->device =
	    row->of == OF_DEVICE || row->of == OF_USER || row->of == OF_KEY
		? owner
		: 0;
	at->user = row->of == OF_USER ? low : 0;
	at->number = row->of == OF_KEY || row->of == OF_ORG_NUMBER ? low
	             : row->of == OF_NUMBER || row->of == OF_STAGE ? owner
	                                                           : 0;
}

bool
tree_takes_files(const struct tree_row *dir)
{
	return dir->kind == TREE_DIR && dir->place != PLACE_NONE &&
	       dir->place != PLACE_RESULTS;
}

void
tree_names_taken(const struct tree_row *dir, struct buf *b)
{
	const char *comma = "";

	for (const struct tree_row *row = tree; row->path != NULL; row++) {
		const char *part = child_part(dir, row);

		if (part == NULL || row->place == PLACE_NONE)
			continue;
		buf_text(b, comma);
		comma = ", ";
		if (strcmp(part, "{identity}") == 0) {
			for (unsigned i = 0; identity_endings[i] != NULL; i++)
				buf_printf(b, "%s*%s", i == 0 ? "" : " ",
				    identity_endings[i]);
		} else if (strcmp(part, "{identity}.password") == 0) {
			buf_text(b, "FILE.password");
		} else if (strcmp(part, "{org}") == 0) {
			buf_text(b,
			    "directories for organizations (letters, "
			    "digits, - _ . and space, at most 64 bytes)");
		} else if (strcmp(part, "{stage}") == 0) {
			buf_text(b, "directories for trees");
		} else if (strcmp(part, "{staged}") == 0) {
			buf_text(b, "any directories");
		} else if (strcmp(part, "{file}") == 0) {
			buf_text(b, "any files");
		} else if (strcmp(part, "{group}") == 0) {
			buf_text(b, "directories for groups");
		} else if (strcmp(part, "{name}") == 0) {
			buf_text(b, "any name of a command");
		} else if (strcmp(part, "{login}") == 0) {
			buf_text(b, "directories named after people");
		} else if (strcmp(part, "{invitation}") == 0) {
			buf_text(b, "any name of an invitation");
		} else if (strcmp(part, "{device}") == 0) {
			buf_text(b, "UDIDs and serial numbers of devices");
		} else {
			buf_printf(
			    b, "%s%s", part, row->kind == TREE_DIR ? "/" : "");
		}
	}
	if (tree_takes_files(dir) && dir->part == 0)
		buf_printf(
		    b, "%s*.md .gitignore .gitkeep .gitattributes", comma);
}

uint32_t
tree_key_hash(const char *key)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return (h ^ h >> 24) & 0xffffff;
}
