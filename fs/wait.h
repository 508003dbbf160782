/*
 * wait.h - `mdmfs wait [--timeout SECONDS] MOUNTPOINT FILE...`: until commands
 * are no longer queued, and what came of them.
 *
 * FILE is a file in a commands/ directory of a device, user, group or
 * organization, as seen from MOUNTPOINT or with it in front.  For each one a
 * line on standard output, FILE TAB STATE, with a reason in a third field if
 * it was not acknowledged.
 */
#ifndef MDMFS_FS_WAIT_H
#define MDMFS_FS_WAIT_H

enum wait_exit {
	WAIT_OK = 0,      /* all were acknowledged */
	WAIT_FAILED = 1,  /* one was not, or went without an answer */
	WAIT_TIMEOUT = 2, /* one is still queued */
	WAIT_UNKNOWN = 3, /* no such command, no mount, wrong words */
};

/* The whole program. */
int wait_main(int argc, char **argv);

#endif
