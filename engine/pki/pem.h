/*
 * pem.h - textual armour (RFC 7468): writing, and finding the blocks.
 */
#ifndef MDMFS_PKI_PEM_H
#define MDMFS_PKI_PEM_H

#include "mdmfs/buf.h"
#include "mdmfs/bytes.h"
#include "mdmfs/err.h"

/* Append der as "-----BEGIN label-----" ..., lines of 64 characters (Apple's
 * push portal takes no other length). */
void pem_put(struct buf *b, const char *label, struct bytes der);

struct pem_block {
	char label[64];       /* "RSA PRIVATE KEY" */
	struct bytes headers; /* RFC 1421 headers (DEK-Info), borrowed */
	struct bytes base64;  /* borrowed from the text */
	size_t line;          /* of its BEGIN, from 1 */
};

struct pem_reader {
	struct bytes rest;
	size_t line;
};

void pem_open(struct pem_reader *r, struct bytes text);

/*
 * The next block, whatever stands between them.  ERR_NOT_FOUND: no further
 * one; ERR_UNDECODABLE: a block without END (label and line are then set), or
 * with another END.
 */
enum err_code pem_next(
    struct pem_reader *r, struct pem_block *ret, struct err *err);

/* Append what the block's base64 means. ERR_UNDECODABLE. */
enum err_code pem_decode(
    const struct pem_block *block, struct buf *ret, struct err *err);

#endif
