/*
 * der_priv.h - walking over DER without building anything (X.690).
 */
#ifndef MDMFS_PKI_DER_PRIV_H
#define MDMFS_PKI_DER_PRIV_H

#include <stdbool.h>

#include "mdmfs/bytes.h"

#define DER_INTEGER  0x02
#define DER_BITS     0x03
#define DER_OCTETS   0x04
#define DER_NULL     0x05
#define DER_OID      0x06
#define DER_UTC      0x17
#define DER_TIME     0x18
#define DER_SEQUENCE 0x30
#define DER_SET      0x31
#define DER_CONTEXT  0xa0 /* constructed [0]; + n: [n] */

struct der {
	uint8_t tag;
	struct bytes whole; /* with tag and length */
	struct bytes content;
};

/*
 * Take the next element off *rest.  False: none, cut short, a tag or length
 * of a form that DER has not; *rest is then untouched.
 */
bool der_next(struct bytes *rest, struct der *ret);

/* The next element, if it has that tag; its content to *ret. */
bool der_take(struct bytes *rest, uint8_t tag, struct bytes *ret);

/* The header in front of b: its length to *header, that of the content to
 * *content.  False: not all there, or no definite length. */
bool der_header(struct bytes b, size_t *header, size_t *content);

/* As der_next(), and takes BER's indefinite length, too, with everything up to
 * the end as the content: good enough to see what a file is. */
bool der_peek(struct bytes *rest, struct der *ret);

#endif
