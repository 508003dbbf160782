/*
 * doctor.h - `mdmfs doctor [--days N] MOUNTPOINT`: what status/doctor says, for
 * a terminal, for cron and for Nagios.
 */
#ifndef MDMFS_FS_DOCTOR_H
#define MDMFS_FS_DOCTOR_H

#include <stdbool.h>

#include "mdmfs/buf.h"

/* Exit codes, as Nagios counts. */
enum doctor_exit {
	DOCTOR_OK = 0,
	DOCTOR_WARNING = 1,
	DOCTOR_CRITICAL = 2,
	DOCTOR_UNKNOWN = 3, /* nothing can be said: no mount, wrong words */
};

/*
 * Append text (the bytes of status/doctor) to ret as it is to be shown:
 * as it is, or with pretty in groups, wrapped to 80 columns, the worst last,
 * where a terminal has them in view.  Certificates that
 * end within days fail (-1: none more than the page says).  A page of another
 * form is DOCTOR_UNKNOWN.
 */
enum doctor_exit doctor_show(
    struct bytes text, long days, bool pretty, struct buf *ret);

/* The whole program. */
int doctor_main(int argc, char **argv);

#endif
