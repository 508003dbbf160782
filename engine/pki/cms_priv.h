/*
 * cms_priv.h - what the parts of cms share.
 */
#ifndef MDMFS_PKI_CMS_PRIV_H
#define MDMFS_PKI_CMS_PRIV_H

#include <stdbool.h>

#include <openssl/cms.h>

#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/* Exactly one message, DER or BER; the caller frees it.  ERR_UNDECODABLE,
 * ERR_TOO_BIG. */
enum err_code cms_parse(
    struct bytes der, CMS_ContentInfo **ret, struct err *err);

/* Whether a signature over that digest proves anything. */
bool cms_digest_is_fine(int nid);

#endif
