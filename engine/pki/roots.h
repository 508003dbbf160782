/*
 * roots.h - the roots that the world knows: an approximation of what devices
 * trust by themselves.
 *
 * Read from the system's bundle (ca-certificates).  Without one nothing is
 * known, which is said, and is no reason to call a chain private.
 */
#ifndef MDMFS_PKI_ROOTS_H
#define MDMFS_PKI_ROOTS_H

#include "engine/pki/cert.h"

/* Never changes after it was made; shared by threads. */
struct roots;

/* file: PEM; NULL: the system's (SSL_CERT_FILE, else OpenSSL's default, else
 * /etc/ssl/certs/ca-certificates.crt).  A bundle that is missing makes an
 * empty one.  ERR_NO_MEMORY. */
enum err_code roots_load(const char *file, struct roots **ret, struct err *err);
void roots_free(struct roots *r);
/* The system's, loaded when first asked for; for the life of the process;
 * NULL if there is none.  Any thread. */
const struct roots *roots_system(void);

size_t roots_count(const struct roots *r);
/* c itself is one of them, or one of them issued it (O(log n), one signature
 * check). */
bool roots_know(const struct roots *r, const struct cert *c);

#endif
