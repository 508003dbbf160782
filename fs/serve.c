#include "fs/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/fs.h"
#include "fs/mount.h"
#include "fs/notify.h"

struct server {
	const struct options *o;
	struct engine *engine;
	struct fs fs;
	bool has_fs;
	struct notify *notify;
	struct mount *mount;
	int unmounter; /* pipe to the process that may still unmount; or -1 */
};

/* ---- readiness ---------------------------------------------------------- */

/* sd_notify(3) without the library. */
static void
tell_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd;

	if (path == NULL || strlen(path) >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (*path == '@')
		sa.sun_path[0] = '\0'; /* an abstract socket */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)(const void *)&sa, len) < 0)
		fprintf(stderr, "mdmfs: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void
say_ready(struct server *s)
{
	struct buf b = { 0 };

	engine_describe(s->engine, &b);
	if (b.len > 0)
		fprintf(stderr, "mdmfs: %s%s", buf_str(&b),
		    b.p[b.len - 1] == '\n' ? "" : "\n");
	buf_free(&b);
	fprintf(stderr, "ready\n");
	tell_systemd("READY=1");
}

/* ---- another user ------------------------------------------------------- */

/* A user without privileges cannot unmount: a process that keeps them does
 * it, when it is told to. */
static int
start_unmounter(const char *mountpoint)
{
	int fds[2];
	char c;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		setsid();
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		if (read(fds[0], &c, 1) == 1)
			umount2(mountpoint, MNT_DETACH);
		_exit(0);
	}
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return -1;
	}
	return fds[1];
}

/* Whom root is in the mount. */
static enum err_code
squash(struct fs *f, const char *user, struct err *err)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL || pw->pw_uid == 0)
		return err_set(err, ERR_INVALID, "--squash-root %s: %s", user,
		    pw == NULL ? "no such user" : "that is root itself");
	f->squash = true;
	f->squash_uid = pw->pw_uid;
	f->squash_gid = pw->pw_gid;
	return ERR_OK;
}

static enum err_code
become(const char *user, struct err *err)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL)
		return err_set(
		    err, ERR_INVALID, "--user %s: no such user", user);
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
		return err_set(
		    err, ERR_DENIED, "--user %s: %s", user, strerror(errno));
	return ERR_OK;
}

/* ---- the server --------------------------------------------------------- */

static void
close_all(struct server *s)
{
	if (s->notify != NULL)
		notify_stop(s->notify);
	if (s->unmounter >= 0) {
		if (write(s->unmounter, "u", 1) != 1)
			fprintf(stderr, "mdmfs: cannot unmount %s\n",
			    s->o->mountpoint);
		close(s->unmounter);
	}
	mount_close(s->mount);
	if (s->has_fs)
		fs_fini(&s->fs);
	engine_close(s->engine);
	notify_free(s->notify);
}

/* The mount appears only when the listeners are there. */
static enum err_code
open_all(struct server *s, struct err *err)
{
	const struct options *o = s->o;
	enum err_code rc;

	if ((rc = mount_check(o->mountpoint, o->engine.state_dir, err)) !=
		ERR_OK ||
	    (rc = engine_open(&o->engine, &s->engine, err)) != ERR_OK)
		return rc;
	if ((s->notify = notify_new(s->engine)) == NULL)
		return err_set(err, ERR_NO_MEMORY, "notifications");
	if ((rc = engine_start(s->engine, err)) != ERR_OK ||
	    (rc = fs_init(&s->fs, s->engine, err)) != ERR_OK)
		return rc;
	s->has_fs = true;
	s->fs.notify = s->notify;
	s->fs.state_fd =
	    open(o->engine.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->squash != NULL &&
	    (rc = squash(&s->fs, o->squash, err)) != ERR_OK)
		return rc;
	return mount_open(&s->fs, o->fuse, o->mountpoint, &s->mount, err);
}

struct watcher {
	struct server *server;
	sigset_t set;
	pthread_t thread;
};

static void *
watch(void *arg)
{
	struct watcher *w = arg;
	int sig;

	for (;;) {
		struct err err = { 0 };
		siginfo_t from;

		if ((sig = sigwaitinfo(&w->set, &from)) < 0 ||
		    (sig == SIGUSR2 && from.si_pid != getpid()))
			continue; /* not by run() */
		if (sig != SIGHUP)
			break;
		/* an event says what came of it */
		(void)!engine_reload(w->server->engine, &err);
	}
	/* SIGUSR2: the loop has ended by itself */
	if (sig != SIGUSR2) {
		tell_systemd("STOPPING=1");
		mount_stop(w->server->mount);
	}
	return NULL;
}

/* ready(arg) is told what came of the start. */
static enum err_code
run(const struct options *o, void (*ready)(struct server *, void *), void *arg,
    struct err *err)
{
	struct server s = { .o = o, .unmounter = -1 };
	struct watcher w = { .server = &s };
	enum err_code rc;

	sigemptyset(&w.set);
	sigaddset(&w.set, SIGTERM);
	sigaddset(&w.set, SIGINT);
	sigaddset(&w.set, SIGHUP);
	sigaddset(&w.set, SIGUSR2);
	/* in every thread that is started from now on */
	pthread_sigmask(SIG_BLOCK, &w.set, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	if (o->user != NULL)
		s.unmounter = start_unmounter(o->mountpoint);
	rc = open_all(&s, err);
	if (rc == ERR_OK && o->user != NULL)
		rc = become(o->user, err);
	if (rc == ERR_OK && pthread_create(&w.thread, NULL, watch, &w) != 0)
		rc = err_set(err, ERR_NO_MEMORY, "signals");
	if (rc == ERR_OK) {
		ready(&s, arg);
		rc = mount_serve(s.mount, err);
		pthread_kill(w.thread, SIGUSR2);
		pthread_join(w.thread, NULL);
	} else if (s.unmounter >= 0 && s.mount == NULL) {
		close(s.unmounter); /* nothing to unmount */
		s.unmounter = -1;
	}
	close_all(&s);
	return rc;
}

/* ---- in the background -------------------------------------------------- */

static void
ready_foreground(struct server *s, void *arg)
{
	(void)arg;
	say_ready(s);
}

static void
ready_background(struct server *s, void *arg)
{
	const int *fd = arg;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	say_ready(s);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (null > 2)
			close(null);
	}
	if (chdir("/") != 0 || write(*fd, "r", 1) != 1)
		return; /* the parent was killed: serve all the same */
}

static enum err_code
wait_for(int fd, pid_t pid, struct err *err)
{
	struct err told = { 0 };
	size_t n = 0;
	ssize_t got;
	char first = 0;
	int status = 0;

	if (read(fd, &first, 1) == 1 && first == 'r')
		return ERR_OK;
	while (n < sizeof(told) &&
	       (got = read(fd, (char *)&told + n, sizeof(told) - n)) > 0)
		n += (size_t)got;
	waitpid(pid, &status, 0);
	if (n != sizeof(told) || told.code == ERR_OK)
		return err_set(err, ERR_INTERNAL,
		    "the server has died (%s); if its store is damaged, "
		    "restore a backup",
		    WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
					: "without a word");
	*err = told;
	return err->code;
}

enum err_code
serve(const struct options *o, bool *parent, struct err *err)
{
	int fds[2];
	enum err_code rc;
	pid_t pid;

	*parent = o->foreground;
	if (o->foreground)
		return run(o, ready_foreground, NULL, err);
	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return err_set(
		    err, ERR_INTERNAL, "cannot fork: %s", strerror(errno));
	if (pid > 0) {
		*parent = true;
		close(fds[1]);
		rc = wait_for(fds[0], pid, err);
		close(fds[0]);
		return rc;
	}
	close(fds[0]);
	setsid();
	rc = run(o, ready_background, &fds[1], err);
	if (rc != ERR_OK && (write(fds[1], "e", 1) != 1 ||
				write(fds[1], err, sizeof(*err)) < 0))
		return rc;
	close(fds[1]);
	return rc;
}
