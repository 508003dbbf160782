/*
 * process.h - what /proc knows of the process that asks.
 */
#ifndef MDMFS_FS_PROCESS_H
#define MDMFS_FS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* The command's name; "" if there is no such process. */
void process_comm(pid_t pid, char comm[static 16]);

/* A signal has ended it: what it closes now it did not mean to close.  False
 * also where that cannot be known. */
bool process_was_killed(pid_t pid);

#endif
