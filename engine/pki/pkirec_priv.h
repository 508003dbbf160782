/*
 * pkirec_priv.h - this room's own byte format: a magic of four characters
 * (the last is the version), then items of a kind (1 byte), a length (4 bytes,
 * big-endian) and that many bytes.
 */
#ifndef MDMFS_PKI_PKIREC_PRIV_H
#define MDMFS_PKI_PKIREC_PRIV_H

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

#define RECORD_CERT  'C'
#define RECORD_KEY   'K'
#define RECORD_FLAGS 'F'

void pkirec_put(struct buf *b, char kind, struct bytes item);

/* Take the magic off *rest.  ERR_DAMAGED. */
enum err_code pkirec_open(
    struct bytes *rest, const char *magic, struct err *err);
/* Take the next item.  ERR_NOT_FOUND at the end, ERR_DAMAGED. */
enum err_code pkirec_next(
    struct bytes *rest, char *kind, struct bytes *item, struct err *err);

#endif
