/*
 * bench_fuse: a file system that does nothing, to measure ours beside it.
 *
 *   bench_fuse MOUNTPOINT DEVICES [names]
 *
 * Serves devices/POP-0000001 ... with a file `status` in each, as populate
 * makes them, with the options, threads, capabilities and timeouts of mdmfs,
 * and one handler for each operation that computes its answer out of the
 * number.  With `names` listings have no attributes.  In the foreground, until
 * it is unmounted.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#define THREADS     8 /* as in fs/mount.c */
#define INO_DEVICES 2
#define INO_FIRST   1024 /* of device n: this and 2 n; its file: one more */
#define KEPT        3.0  /* a listing's, as in fs/ops_list.c */

static const char page[] =
    "udid: POP-0000000\nserial: POPS0000000\nstate: enrolled\n"
    "organization: o00001\nenrolled-at: 2026-01-01T00:00:00Z\n"
    "seen-at: 2026-01-01T00:00:00Z\nname: Device 0\nproduct: iPhone17,1\n"
    "os-version: 26.1\npending: 0\n";

static unsigned devices;
static bool names_only;

static bool
fill(fuse_ino_t ino, struct stat *ret)
{
	bool file = ino >= INO_FIRST && (ino & 1) != 0;

	*ret = (struct stat){ .st_ino = ino,
		.st_mode = file ? S_IFREG | 0444 : S_IFDIR | 0755,
		.st_nlink = 1,
		.st_size = file ? sizeof(page) - 1 : 0,
		.st_blksize = 4096 };
	return ino == FUSE_ROOT_ID || ino == INO_DEVICES ||
	       (ino >= INO_FIRST + 2 && ino <= INO_FIRST + 2 * devices + 1);
}

static void
empty_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = 1u << 20;
	conn->want &=
	    ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_READDIRPLUS |
			FUSE_CAP_WRITEBACK_CACHE);
	if (!names_only && (conn->capable & FUSE_CAP_READDIRPLUS))
		conn->want |= FUSE_CAP_READDIRPLUS;
}

static void
empty_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { 0 };

	if (parent == FUSE_ROOT_ID && strcmp(name, "devices") == 0) {
		e.ino = INO_DEVICES;
		e.attr_timeout = e.entry_timeout = 3600;
	} else if (parent == INO_DEVICES && strncmp(name, "POP-", 4) == 0) {
		e.ino = INO_FIRST + 2 * strtoul(name + 4, NULL, 10);
	} else if (parent >= INO_FIRST && strcmp(name, "status") == 0) {
		e.ino = parent + 1;
	}
	if (e.ino == 0 || !fill(e.ino, &e.attr))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_entry(req, &e);
}

static void
empty_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	(void)ino, (void)nlookup;
	fuse_reply_none(req);
}

static void
empty_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	if (!fill(ino, &st))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_attr(req, &st, ino == INO_DEVICES ? 3600 : 0);
}

static void
empty_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void
empty_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, 0);
}

static void
empty_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	size_t at =
	    off < (off_t)sizeof(page) - 1 ? (size_t)off : sizeof(page) - 1;
	size_t left = sizeof(page) - 1 - at;

	(void)ino, (void)fi;
	fuse_reply_buf(req, page + at, left < size ? left : size);
}

/* The entry at that offset of a listing: false behind the last. */
static bool
entry_at(fuse_ino_t dir, off_t off, char name[static 32], fuse_ino_t *ret)
{
	unsigned i = (unsigned)off;

	if (i < 2) {
		snprintf(name, 32, "%s", i == 0 ? "." : "..");
		*ret = i == 0 ? dir : FUSE_ROOT_ID;
		return true;
	}
	if (dir == FUSE_ROOT_ID) {
		snprintf(name, 32, "devices");
		*ret = INO_DEVICES;
		return i == 2;
	}
	if (dir == INO_DEVICES) {
		snprintf(name, 32, "POP-%07u", i - 1);
		*ret = INO_FIRST + 2 * (fuse_ino_t)(i - 1);
		return i - 1 <= devices;
	}
	snprintf(name, 32, "status");
	*ret = dir + 1;
	return i == 2;
}

static void
list(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, bool plus)
{
	char name[32], *p = malloc(size);
	size_t used = 0, n;

	for (fuse_ino_t ino; p != NULL && entry_at(dir, off, name, &ino);
	     off++) {
		struct fuse_entry_param e = { 0 };

		(void)fill(ino, &e.attr);
		if (plus && off >= 2) {
			e.ino = ino;
			e.attr_timeout = e.entry_timeout = KEPT;
		}
		n = plus ? fuse_add_direntry_plus(
			       req, p + used, size - used, name, &e, off + 1)
		         : fuse_add_direntry(req, p + used, size - used, name,
			       &e.attr, off + 1);
		if (n > size - used)
			break;
		used += n;
	}
	if (p == NULL)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_buf(req, p, used);
	free(p);
}

static void
empty_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

static void
empty_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}

static const struct fuse_lowlevel_ops empty_ops = {
	.init = empty_init,
	.lookup = empty_lookup,
	.forget = empty_forget,
	.getattr = empty_getattr,
	.open = empty_open,
	.release = empty_release,
	.read = empty_read,
	.readdir = empty_readdir,
	.readdirplus = empty_readdirplus,
};

int
main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct fuse_session *se;
	int rc;

	if ((argc != 3 && argc != 4) || config == NULL) {
		fprintf(
		    stderr, "Usage: bench_fuse MOUNTPOINT DEVICES [names]\n");
		return 2;
	}
	devices = (unsigned)strtoul(argv[2], NULL, 10);
	names_only = argc == 4;
	if (fuse_opt_add_arg(&args, "bench_fuse") != 0 ||
	    fuse_opt_add_arg(&args, "-o") != 0 ||
	    fuse_opt_add_arg(&args,
		geteuid() == 0 ? "default_permissions,fsname=empty,allow_other"
			       : "default_permissions,fsname=empty") != 0)
		return 1;
	fuse_loop_cfg_set_max_threads(config, THREADS);
	fuse_loop_cfg_set_idle_threads(config, THREADS);
	se = fuse_session_new(&args, &empty_ops, sizeof(empty_ops), NULL);
	if (se == NULL || fuse_set_signal_handlers(se) != 0 ||
	    fuse_session_mount(se, argv[1]) != 0)
		return 1;
	puts("ready");
	fflush(stdout);
	rc = fuse_session_loop_mt(se, config);
	fuse_session_unmount(se);
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
	fuse_loop_cfg_destroy(config);
	return rc < 0;
}
