/*
 * log.h - lines for whoever runs the server: standard error, which the
 * journal keeps.  What administrators should know is an event (model/event.h)
 * instead.
 */
#ifndef MDMFS_BASE_LOG_H
#define MDMFS_BASE_LOG_H

/* One line, whatever is in it; the level stands in front as systemd reads it
 * when standard error goes to the journal (sd-daemon(3)). */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For what strangers can cause at will: at most 20 lines a second, then a
 * count of those that were left out. */
void log_stranger(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
