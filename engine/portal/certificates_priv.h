/*
 * certificates_priv.h - the words that both forms of the page use.
 */
#ifndef MDMFS_PORTAL_CERTIFICATES_PRIV_H
#define MDMFS_PORTAL_CERTIFICATES_PRIV_H

#include "engine/portal/certificates.h"

/* Append "Push certificate of acme", "HTTPS certificate of this server". */
void words_title(const struct health_cert *c, struct buf *b);
/* Append "push of acme", "HTTPS", "HTTPS tls/mail". */
void words_short(const struct health_cert *c, struct buf *b);
/* Append what it does: one or two sentences. */
void words_does(const struct health_cert *c, struct buf *b);
/* "works", "works, but ...", "DOES NOT WORK", "IS MISSING", ... */
const char *words_state(const struct health_cert *c);

/* Append 2026-11-25. */
void words_date(struct buf *b, int64_t seconds);
/* Append "in 96 days", "3 days ago"; also in years, hours, minutes. */
void words_days(struct buf *b, int64_t now, int64_t seconds);

/* How many need somebody, how many there are (those that are missing and not
 * needed do not count), and the first to end of those that work. */
struct words_count {
	size_t bad;
	size_t all;
	const struct health_cert *next; /* NULL: none works */
};
struct words_count words_count(const struct health *h);

/* The length of the character at s (at least 1; s is not at its end), and the
 * columns it takes. */
size_t words_char(const char *s, unsigned *columns);

#endif
