/*
 * notify.h - the one thread that wakes people up: readers of follow, and
 * those who poll it, events or a page.
 */
#ifndef MDMFS_FS_NOTIFY_H
#define MDMFS_FS_NOTIFY_H

#include "mdmfs/event.h"

#include "fs/view.h"

struct notify;
struct follow;
struct fuse_req;
struct fuse_pollhandle;

/* Before engine_start(): it asks to be told of commits.  NULL: no memory. */
struct notify *notify_new(struct engine *e);

/* Start and stop the thread; stop answers everybody who waits with the end of
 * the file.  free comes after engine_close(). */
void notify_start(struct notify *n);
void notify_stop(struct notify *n);
void notify_free(struct notify *n);

/* Tell ph (which is taken) once something was committed. */
void notify_poll(struct notify *n, struct fuse_pollhandle *ph);

/* An open follow: it begins behind the last event of this moment. */
enum err_code follow_open(struct notify *n, const struct view *v,
    struct follow **ret, struct err *err);
void follow_close(struct notify *n, struct follow *f);

/* Answer req with what is new, now or later. */
void follow_read(
    struct notify *n, struct follow *f, struct fuse_req *req, size_t size);

/* Whether a read would be answered now. */
bool follow_ready(struct notify *n, struct follow *f);

#endif
