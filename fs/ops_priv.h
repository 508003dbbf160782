/*
 * ops_priv.h - what the files with FUSE operations share.  They, follow.c,
 * notify.c and mount.c are the only ones that know libfuse.
 */
#ifndef MDMFS_FS_OPS_PRIV_H
#define MDMFS_FS_OPS_PRIV_H

#include <fuse_lowlevel.h>

#include "fs/names.h"
#include "fs/node.h"
#include "fs/segment.h"

struct follow;

enum handle_kind {
	HANDLE_BYTES, /* read only: as it was when it was opened */
	HANDLE_DRAFT,
	HANDLE_SCRATCH,
	HANDLE_EVENTS,
	HANDLE_FOLLOW,
	HANDLE_WRITE, /* a generated file that takes writes */
};

#define HANDLE_MAGIC 0x6d646d66u /* fh comes back from the kernel */

struct handle {
	unsigned magic;
	enum handle_kind kind;
	struct fs *fs;
	struct handle *next, **link; /* all open ones; protected by a mutex */
	struct node node;            /* when it was opened */
	struct caller caller;        /* who opened it */
	bool append;
	struct buf bytes;
	struct draft *draft;
	struct follow *follow;
	pthread_mutex_t mutex; /* protects what follows */
	struct segment_place place;
	uint64_t read_to; /* where the last read of events ended */
	bool written;
};

/* Who asks: with the command's name (a look into /proc), with groups (too). */
#define CALLER_COMM   1u
#define CALLER_GROUPS 2u
void ops_caller(fuse_req_t req, unsigned what, struct caller *ret);

struct fs *ops_fs(fuse_req_t req);

/* Whether a caller may do that (VIEW_READ ...).  The kernel has asked already
 * (default_permissions), but of root whose rights were squashed. */
enum err_code ops_may(const struct caller *c, const struct node *n,
    unsigned want, struct err *err);
/* Change attributes of n, where an owner may. */
enum err_code ops_may_own(
    const struct caller *c, const struct node *n, struct err *err);
/* Take node's name in dir away; node may be NULL: only make one there. */
enum err_code ops_may_name(const struct caller *c, const struct node *dir,
    const struct node *node, struct err *err);

/* Answer with the errno of err. */
void ops_error(fuse_req_t req, const struct err *err);

/* What was refused: for last-error, .error and events.  Everyday failures
 * (ENOENT, EEXIST ...) are not kept. */
struct ops_refused {
	uint64_t dir;
	const char *name;
	const char *path; /* NULL: made of dir */
	uint32_t org;
	struct actor actor;
};
void ops_record(
    struct fs *f, const struct ops_refused *what, const struct err *err);
/* The same, and answer. */
void ops_refuse(
    fuse_req_t req, const struct ops_refused *what, const struct err *err);
/* For a name in a directory. */
void ops_refuse_name(fuse_req_t req, const struct node *dir, const char *name,
    const struct caller *c, const struct err *err);

/* An answer with a node's attributes; its size is worked out. */
enum err_code ops_stat(fuse_req_t req, struct node *n, struct caller *c,
    struct stat *ret, struct err *err);
/* The same of a node that has its size. */
void ops_fill_stat(const struct node *n, struct stat *ret);
/* How long the kernel may keep its name and attributes, in seconds: those of
 * status/ and the like never change, the root's mode only through the kernel,
 * everything else is asked for each time. */
double ops_timeout(const struct node *n);
/* version: what engine_version() was before the look-up; 0: it is none. */
void ops_entry(
    fuse_req_t req, struct node *n, struct caller *c, uint64_t version);

/* A directory is listed.  Whether its walker wants attributes. */
bool ops_walk_lists(const struct fuse_file_info *fi);
/* Whether node's removal from dir is part of a device's (walks.h): *rc says how
 * that ended. */
bool ops_walk_takes(fuse_req_t req, const struct caller *c,
    const struct node *dir, const struct node *node, const char *name,
    enum err_code *rc, struct err *err);

/* Open handles: fstat(2) of a file that was removed meanwhile. */
void ops_handle_add(struct handle *h);
void ops_handle_remove(struct handle *h);
bool ops_handle_node(uint64_t ino, struct node *ret);
/* fstat(2) comes without a handle: the size of what that process has open,
 * where it differs from the file's.  False: it has nothing such. */
bool ops_handle_size(uint64_t ino, int32_t pid, uint64_t *size);
struct handle *ops_handle(const struct fuse_file_info *fi);
void ops_handle_free(struct handle *h);

/* What was done with an open file that is no draft was refused. */
void ops_refuse_handle(
    fuse_req_t req, const struct handle *h, const struct err *err);

/* The operations, by file. */
void ops_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi);
void ops_readlink(fuse_req_t req, fuse_ino_t ino);
void ops_statfs(fuse_req_t req, fuse_ino_t ino);
void ops_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);

void ops_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);
/* Somebody asks for a name in a directory that he may be listing. */
void ops_looked_up(fuse_req_t req, fuse_ino_t dir);
/* After owner or mode of an organization changed: wait until no attributes of
 * before are in the kernel (three seconds at most). */
void ops_settle(struct fs *f);

void ops_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_create(fuse_req_t req, fuse_ino_t parent, const char *name,
    mode_t mode, struct fuse_file_info *fi);
void ops_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi);
void ops_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size,
    off_t off, struct fuse_file_info *fi);
void ops_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_fsync(
    fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void ops_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void ops_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct fuse_pollhandle *ph);

void ops_mkdir(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void ops_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void ops_symlink(
    fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void ops_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    dev_t dev);
void ops_link(
    fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void ops_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t to, const char *to_name, unsigned flags);

/* The table of all of them. */
extern const struct fuse_lowlevel_ops ops;

#endif
