/*
 * certificates.h - what the server knows of its certificates, for people: as
 * one page of text, and as a time line.
 *
 * Both take the state of the installation as health.h tells it and append to
 * b, which latches the want of memory.
 */
#ifndef MDMFS_PORTAL_CERTIFICATES_H
#define MDMFS_PORTAL_CERTIFICATES_H

#include "engine/model/health.h"

/* Beyond this many certificates each good one has one line. */
#define CERTIFICATES_FULL 50
/* So many bars, the worst first; the rest is counted. */
#define CERTIFICATES_BARS 200

/*
 * UTF-8 text of 80 columns (a word that is longer stays whole): a summary of
 * two lines, a paragraph a certificate, device identities in numbers, what
 * certificate does what.
 */
void certificates_page(const struct health *h, struct buf *b);

/*
 * An SVG 1.1 document without scripts and references to the outside: one bar a
 * certificate from its begin to its end, between half a year ago and two years
 * from now.  Follows the reader's preference for light or dark.
 */
void certificates_svg(const struct health *h, struct buf *b);

#endif
