/*
 * handlers.h - the functions that the rows of tree[] name.  What they do and
 * how they fail: the types in tree.h, the verbs in include/mdmfs.
 */
#ifndef MDMFS_FS_HANDLERS_H
#define MDMFS_FS_HANDLERS_H

#include "fs/tree.h"

/* device.c */
extern const struct tree_names device_names;     /* devices/{udid} */
extern const struct tree_names device_of_org;    /* status/orgs/{org}/devices */
extern const struct tree_names device_serial;    /* status/serials */
extern const struct tree_names device_user_name; /* users/{user} */
extern const struct tree_names device_info_key;
extern const struct tree_names device_secret_key;
tree_read_fn device_org_link;
tree_read_fn device_serial_link;
tree_read_fn device_org_device_link;
tree_read_fn device_status_read;
tree_read_fn device_queue_read;
tree_read_fn device_push_read;
tree_write_fn device_push_write;
tree_read_fn device_info_read;
tree_read_fn device_info_plist_read;
tree_read_fn device_certificate_read;
tree_read_fn device_secret_read;

/* org.c */
extern const struct tree_names org_names; /* status/orgs/{org} */
tree_read_fn org_apns_read;
tree_read_fn org_signing_read;
tree_read_fn org_tls_read;
tree_read_fn org_apns_csr_read;
tree_read_fn org_signing_csr_read;
tree_read_fn org_tls_csr_read;
tree_read_fn org_vendor_csr_read;
tree_read_fn org_enroll_read;
tree_read_fn org_ca_read;
tree_read_fn org_scep_challenges_read;
tree_read_fn org_anchor_certs_read;

/* group.c */
extern const struct tree_names group_names; /* status/orgs/{org}/groups */
extern const struct tree_names group_command_names;
tree_read_fn group_members_read;
tree_read_fn group_command_read;

/* health.c; their rows have TREE_VIEW */
tree_read_fn health_certificates_read;
tree_read_fn health_svg_read;
tree_read_fn health_metrics_read;
tree_read_fn health_scep_read; /* without it */
tree_read_fn status_doctor_read;
tree_write_fn status_doctor_write;

/* staging_page.c */
tree_read_fn staging_check_read;
tree_read_fn staging_diff_read;
tree_write_fn staging_commit_write;

/* vendor.c */
extern const struct tree_names vendor_names; /* status/system/vendor */
tree_read_fn vendor_identity_read;
tree_read_fn vendor_signed_read;
tree_read_fn org_push_request_read;
tree_read_fn org_mdmcert_request_read;

/* tls.c */
extern const struct tree_names tls_names; /* status/system/tls.d */
tree_read_fn tls_read;
tree_read_fn tls_csr_read;

/* reference.c */
extern const struct tree_names reference_names; /* status/commands */
tree_read_fn reference_read;

/* invitation.c */
extern const struct tree_names invitation_names; /* status/…/invitations */
tree_read_fn invitation_read;

/* status.c */
tree_read_fn status_readme_read;
tree_read_fn status_follow_link;
tree_read_fn status_last_error_read;
tree_read_fn status_server_read;
tree_read_fn status_tls_read;

#endif
