#include "fs/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/ops_priv.h"

#define THREADS 8

struct mount {
	struct fuse_session *session;
	struct fuse_args args;
	bool mounted;
	pthread_t server;      /* who runs mount_serve() */
	pthread_mutex_t mutex; /* protects served */
	pthread_cond_t cond;
	bool serving;
	bool served;
};

static enum err_code
check_empty(const char *path, struct err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool empty = true;

	if (dir == NULL)
		return err_set(
		    err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	while (empty && (e = readdir(dir)) != NULL)
		empty =
		    strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(dir);
	return empty ? ERR_OK
	             : err_set(err, ERR_NOT_EMPTY,
			   "%s is not empty: what is in it would be hidden; "
			   "choose an empty directory",
			   path);
}

/* In words, before libfuse says it in its own. */
static enum err_code
check_device(struct err *err)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return ERR_OK;
	}
	if (errno == EACCES || errno == EPERM)
		return err_set(err, ERR_DENIED,
		    "/dev/fuse: %s; run mdmfs as root (--user gives its rights "
		    "up afterwards), or let this user open the device",
		    strerror(errno));
	return err_set(err, ERR_NOT_FOUND,
	    "/dev/fuse: %s; load the module (modprobe fuse), or give the "
	    "container the device (--device /dev/fuse --cap-add SYS_ADMIN)",
	    strerror(errno));
}

/* Unmount what a killed server left; a user without privileges asks fuse's
 * own program. */
static bool
clear_stale(const char *mountpoint)
{
	char *argv[] = { (char[]){ "fusermount3" }, (char[]){ "-uzq" },
		(char[]){ "--" }, strdup(mountpoint), NULL };
	int status = -1, saved;
	pid_t pid;

	if (umount2(mountpoint, MNT_DETACH) == 0) {
		free(argv[3]);
		return true;
	}
	saved = errno;
	if (argv[3] != NULL &&
	    posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	free(argv[3]);
	errno = saved;
	return status == 0;
}

/* The server of a mount has gone.  The kernel may still know the attributes;
 * statfs(2) asks the server. */
static bool
is_stale(const char *mountpoint)
{
	struct statvfs fs;

	return statvfs(mountpoint, &fs) != 0 && errno == ENOTCONN;
}

/* state_dir need not be there yet; then the directory that it is made in is. */
static bool
hides(const char *mountpoint, const char *state_dir)
{
	char *m = realpath(mountpoint, NULL), *s = realpath(state_dir, NULL);
	char *up = s == NULL ? strdup(state_dir) : NULL;
	bool below = false;

	if (up != NULL)
		s = realpath(dirname(up), NULL);
	if (m != NULL && s != NULL) {
		size_t n = strlen(m);

		below = strncmp(s, m, n) == 0 && (s[n] == '/' || s[n] == '\0');
	}
	free(m);
	free(s);
	free(up);
	return below;
}

enum err_code
mount_check(const char *mountpoint, const char *state_dir, struct err *err)
{
	struct stat st, above;
	char *up = NULL;
	enum err_code ret;
	int rc;

	if (strncmp(mountpoint, "/dev/fd/", 8) == 0)
		return ERR_OK; /* mount.fuse3 has mounted already */
	if ((ret = check_device(err)) != ERR_OK)
		return ret;
	if (is_stale(mountpoint)) {
		if (!clear_stale(mountpoint))
			return err_set(err, ERR_CHANGED,
			    "%s is the mount of a server that was killed, and "
			    "cannot be unmounted: %s; try fusermount3 -uz %s",
			    mountpoint, strerror(errno), mountpoint);
		errno = 0;
	}
	if (stat(mountpoint, &st) != 0)
		return err_set(err,
		    errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL,
		    "mount point %s: %s", mountpoint, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_NOT_DIR,
		    "mount point %s is not a directory", mountpoint);
	if (asprintf(&up, "%s/..", mountpoint) < 0)
		return err_set(err, ERR_NO_MEMORY, "%s", mountpoint);
	rc = stat(up, &above);
	free(up);
	if (rc == 0 && above.st_dev != st.st_dev)
		return err_set(err, ERR_CHANGED,
		    "something is mounted at %s already; unmount it first, or "
		    "choose another directory",
		    mountpoint);
	if (geteuid() != 0 && access(mountpoint, W_OK) != 0)
		return err_set(err, ERR_DENIED,
		    "mount point %s: this user may not write to it; a user "
		    "mounts on a directory of his own",
		    mountpoint);
	if (hides(mountpoint, state_dir))
		return err_set(err, ERR_INVALID,
		    "%s would be hidden by the mount at %s: keep the state "
		    "elsewhere",
		    state_dir, mountpoint);
	return check_empty(mountpoint, err);
}

static enum err_code
add_args(struct mount *m, const char *words, struct err *err)
{
	if (fuse_opt_add_arg(&m->args, "mdmfs") != 0 ||
	    fuse_opt_add_arg(&m->args, "-o") != 0 ||
	    fuse_opt_add_arg(&m->args, words) != 0)
		return err_set(err, ERR_NO_MEMORY, "mount");
	return ERR_OK;
}

enum err_code
mount_open(struct fs *f, const char *words, const char *mountpoint,
    struct mount **ret, struct err *err)
{
	struct mount *m = calloc(1, sizeof(*m));
	enum err_code rc;

	if (m == NULL)
		return err_set(err, ERR_NO_MEMORY, "mount");
	pthread_mutex_init(&m->mutex, NULL);
	pthread_cond_init(&m->cond, NULL);
	if ((rc = add_args(m, words, err)) != ERR_OK)
		goto out;
	m->session = fuse_session_new(&m->args, &ops, sizeof(ops), f);
	if (m->session == NULL) {
		rc = err_set(err, ERR_INVALID,
		    "the options -o %s: libfuse does not take them", words);
		goto out;
	}
	if (fuse_session_mount(m->session, mountpoint) != 0) {
		rc =
		    geteuid() != 0 && strstr(words, "allow_other") != NULL
			? err_set(err, ERR_DENIED,
			      "cannot mount at %s: -o allow_other is for root, "
			      "or needs a line user_allow_other in "
			      "/etc/fuse.conf",
			      mountpoint)
			: err_set(err, ERR_INTERNAL,
			      "cannot mount at %s: the line above says why",
			      mountpoint);
		goto out;
	}
	m->mounted = true;
	*ret = m;
	m = NULL;
out:
	mount_close(m);
	return rc;
}

static void
nothing(int sig)
{
	(void)sig;
}

enum err_code
mount_serve(struct mount *m, struct err *err)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct sigaction act = { .sa_handler = nothing };
	int rc;

	if (config == NULL)
		return err_set(err, ERR_NO_MEMORY, "mount");
	fuse_loop_cfg_set_max_threads(config, THREADS);
	fuse_loop_cfg_set_idle_threads(config, THREADS);
	/* without SA_RESTART: it ends the wait inside of libfuse's loop */
	sigaction(SIGUSR1, &act, NULL);
	pthread_mutex_lock(&m->mutex);
	m->server = pthread_self();
	m->serving = true;
	pthread_mutex_unlock(&m->mutex);
	rc = fuse_session_loop_mt(m->session, config);
	fuse_loop_cfg_destroy(config);
	pthread_mutex_lock(&m->mutex);
	m->served = true;
	pthread_cond_signal(&m->cond);
	pthread_mutex_unlock(&m->mutex);
	if (rc < 0 && rc != -ENOTCONN)
		return err_set(
		    err, ERR_INTERNAL, "the mount: %s", strerror(-rc));
	return ERR_OK;
}

void
mount_stop(struct mount *m)
{
	struct timespec until;

	fuse_session_exit(m->session);
	pthread_mutex_lock(&m->mutex);
	/* again, in case it came between the loop's look and its wait */
	while (m->serving && !m->served) {
		pthread_kill(m->server, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 50000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&m->cond, &m->mutex, &until);
	}
	pthread_mutex_unlock(&m->mutex);
}

void
mount_close(struct mount *m)
{
	if (m == NULL)
		return;
	if (m->mounted)
		fuse_session_unmount(m->session);
	if (m->session != NULL)
		fuse_session_destroy(m->session);
	fuse_opt_free_args(&m->args);
	pthread_cond_destroy(&m->cond);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}
