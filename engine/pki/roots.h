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

/* Never changes once it is shared by threads. */
struct roots;

/* file: PEM; NULL: the system's (SSL_CERT_FILE, else OpenSSL's default, else
 * /etc/ssl/certs/ca-certificates.crt).  A bundle that is missing makes an
 * empty one; what is damaged in it is left out.  ERR_NO_MEMORY. */
enum err_code roots_load(const char *file, struct roots **ret, struct err *err);
/* Take out the certificates of the PEM files that pattern (glob(7)) names: an
 * administrator's own, which this machine trusts and devices do not. */
void roots_forget(struct roots *r, const char *pattern);
void roots_free(struct roots *r);
/* The system's without those that were added on this machine, loaded when
 * first asked for (0.05 s); for the life of the process; NULL if there is
 * none.  Any thread. */
const struct roots *roots_system(void);

size_t roots_count(const struct roots *r);
/* The root that c is, or that issued c; borrowed from r; NULL: none.  A root
 * is its name and its key: one that was issued anew or cross-signed by another
 * authority is known, too.  O(log n), one signature check.  r may be NULL. */
const struct cert *roots_find(const struct roots *r, const struct cert *c);
/* The same, when only that counts. */
bool roots_know(const struct roots *r, const struct cert *c);

#endif
