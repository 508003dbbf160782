#include "fs/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/text.h"
#include "mdmfs/device.h"

#define LOOK_MS 60000 /* what nobody said is seen after that */

struct waited {
	const char *shown; /* as it was given */
	char *file;        /* in commands/ */
	char *first;       /* in commands/first/ */
	char *result;
	bool mass;        /* its result is a page in status/ */
	bool queued;      /* when the wait began */
	ino_t old_result; /* of an older command of that name; 0: none */
	bool over;
};

struct waiting {
	const char *mountpoint;
	struct waited *list;
	size_t n;
	size_t left;
	enum wait_exit worst;
};

/* ---- words -------------------------------------------------------------- */

static int
usage(void)
{
	fprintf(stderr, "Usage: mdmfs wait [--timeout SECONDS] MOUNTPOINT "
			"devices/UDID/commands/NAME...\n");
	return WAIT_UNKNOWN; /* 2 would be: timeout */
}

/* A path below the mount; false: out of memory. */
__attribute__((format(printf, 2, 3))) static bool
path(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(ret, fmt, ap);
	va_end(ap);
	if (n < 0)
		*ret = NULL;
	return n >= 0;
}

/* The part of a path below the mount point, which may stand in front. */
static const char *
below(const char *mountpoint, const char *name)
{
	size_t n = strlen(mountpoint);

	while (n > 1 && mountpoint[n - 1] == '/')
		n--;
	if (strncmp(name, mountpoint, n) == 0 && name[n] == '/')
		name += n + 1;
	while (name[0] == '.' && name[1] == '/')
		name += 2;
	return name;
}

static bool
prepare(const char *mountpoint, const char *name, struct waited *w)
{
	static const char middle[] = "/commands/";
	const char *p = below(mountpoint, name), *at = strstr(p, middle);
	const char *last = at == NULL ? "" : at + sizeof(middle) - 1;
	int base = at == NULL ? 0 : (int)(at - p);

	if (strncmp(last, "first/", 6) == 0)
		last += 6;
	w->shown = name;
	w->mass = strncmp(p, "orgs/", 5) == 0;
	if (*last == '\0' || strchr(last, '/') != NULL) {
		fprintf(stderr, "mdmfs: %s: not a file in commands/\n", name);
		return false;
	}
	return path(&w->file, "%s/%.*s/commands/%s", mountpoint, base, p,
		   last) &&
	       path(&w->first, "%s/%.*s/commands/first/%s", mountpoint, base, p,
		   last) &&
	       (w->mass ? path(&w->result, "%s/status/%.*s/commands/%s",
			      mountpoint, base, p, last)
			: path(&w->result, "%s/%.*s/results/%s", mountpoint,
			      base, p, last));
}

/* ---- looking ------------------------------------------------------------ */

/* 0, or errno. */
static int
read_file(const char *name, struct buf *b)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), rc = 0;
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return errno;
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_put(b, part, (size_t)n);
	if (n < 0)
		rc = errno;
	close(fd);
	return rc == 0 && b->error != ERR_OK ? ENOMEM : rc;
}

/* 0 and *yes, or errno. */
static int
exists(const char *name, bool *yes, ino_t *ino)
{
	struct stat st;

	*yes = stat(name, &st) == 0;
	if (*yes && ino != NULL)
		*ino = st.st_ino;
	return *yes || errno == ENOENT || errno == ENOTDIR ? 0 : errno;
}

static int
is_queued(const struct waited *w, bool *yes)
{
	int error = exists(w->file, yes, NULL);

	return error != 0 || *yes || w->mass ? error
	                                     : exists(w->first, yes, NULL);
}

static void
say(struct waiting *all, const struct waited *w, const char *state,
    const char *reason)
{
	struct buf b = { 0 };

	text_line_safe(&b, reason);
	printf("%s\t%s%s%s\n", w->shown, state, b.len > 0 ? "\t" : "",
	    buf_str(&b));
	fflush(stdout);
	buf_free(&b);
	if (strcmp(state, "acknowledged") != 0 && all->worst < WAIT_FAILED)
		all->worst = WAIT_FAILED;
}

/* The number behind "key: " in a page. */
static unsigned long
figure(struct buf *page, const char *key)
{
	const char *p = strstr(buf_str(page), key);

	return p == NULL ? 0 : strtoul(p + strlen(key), NULL, 10);
}

static void
say_mass(struct waiting *all, const struct waited *w, struct buf *page)
{
	unsigned long members = figure(page, "\nmembers: ");
	unsigned long done = figure(page, "\nacknowledged: ");
	char reason[128];

	snprintf(reason, sizeof(reason), "%lu of %lu devices acknowledged it",
	    done, members);
	if (members > 0 && done == members)
		say(all, w, "acknowledged", "");
	else
		say(all, w, "failed", reason);
}

static void
say_answer(struct waiting *all, const struct waited *w, struct buf *result)
{
	struct buf reason = { 0 };

	switch (device_result_read(buf_view(result), &reason)) {
	case DEVICE_RESULT_ACKNOWLEDGED:
		say(all, w, "acknowledged", "");
		break;
	case DEVICE_RESULT_FAILED:
		say(all, w, "failed", buf_str(&reason));
		break;
	case DEVICE_RESULT_UNKNOWN:
		say(all, w, "answered", "the answer is not understood");
		break;
	}
	buf_free(&reason);
}

/* It is no longer queued: 0, or errno. */
static int
tell(struct waiting *all, const struct waited *w)
{
	struct buf b = { 0 };
	bool there;
	ino_t ino = 0;
	int error = exists(w->result, &there, &ino);

	if (error != 0)
		return error;
	if (!there && !w->queued)
		return ENOENT;
	if (!there || (w->queued && !w->mass && ino == w->old_result)) {
		say(all, w, "gone",
		    "without an answer: it was removed or has expired, or the "
		    "device has left (see events)");
		return 0;
	}
	if ((error = read_file(w->result, &b)) == 0) {
		if (w->mass)
			say_mass(all, w, &b);
		else
			say_answer(all, w, &b);
	}
	buf_free(&b);
	return error;
}

/* Every one that is not over yet.  False: it was said why not. */
static bool
look(struct waiting *all, bool begin)
{
	for (size_t i = 0; i < all->n; i++) {
		struct waited *w = &all->list[i];
		bool queued = false, old;
		int error = 0;

		if (w->over)
			continue;
		if (begin && !w->mass)
			error = exists(w->result, &old, &w->old_result);
		if (error == 0)
			error = is_queued(w, &queued);
		if (error == 0 && begin)
			w->queued = queued;
		if (error == 0 && !queued) {
			error = tell(all, w);
			w->over = true;
			all->left--;
		}
		if (error != 0) {
			fprintf(stderr, "mdmfs: %s: %s\n", w->shown,
			    error == ENOENT ? "there is no such command, and "
					      "no answer to one"
					    : strerror(error));
			return false;
		}
	}
	return true;
}

/* ---- waiting ------------------------------------------------------------ */

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until something has happened.  False: the mount is gone. */
static bool
pause_for(int follow, int64_t ms)
{
	struct pollfd p = { .fd = follow, .events = POLLIN };
	char part[4096];
	ssize_t n = 1;

	if (poll(&p, 1, (int)(ms < LOOK_MS ? ms : LOOK_MS)) < 0)
		return errno == EINTR;
	if (p.revents == 0)
		return true;
	while (n > 0)
		n = read(follow, part, sizeof(part));
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static enum wait_exit
wait_all(struct waiting *all, int follow, int64_t timeout_ms)
{
	int64_t end = now_ms() + timeout_ms, left;

	if (!look(all, true))
		return WAIT_UNKNOWN;
	while (all->left > 0) {
		left = timeout_ms < 0 ? LOOK_MS : end - now_ms();
		if (left <= 0)
			return WAIT_TIMEOUT;
		if (!pause_for(follow, left)) {
			fprintf(stderr, "mdmfs: %s: the server has ended\n",
			    all->mountpoint);
			return WAIT_UNKNOWN;
		}
		if (!look(all, false))
			return WAIT_UNKNOWN;
	}
	return all->worst;
}

static void
say_left(const struct waiting *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (!all->list[i].over)
			printf("%s\twaiting\n", all->list[i].shown);
}

static int
run(struct waiting *all, char **names, int64_t timeout_ms)
{
	enum wait_exit rc = WAIT_UNKNOWN;
	char *name = NULL;
	int follow = -1;
	size_t i;

	all->list = calloc(all->n, sizeof(*all->list));
	for (i = 0; all->list != NULL && i < all->n; i++)
		if (!prepare(all->mountpoint, names[i], &all->list[i]))
			break;
	if (i == all->n && path(&name, "%s/follow", all->mountpoint)) {
		/* before the first look: nothing is missed */
		follow = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (follow < 0)
			fprintf(
			    stderr, "mdmfs: %s: %s\n", name, strerror(errno));
	}
	if (follow >= 0) {
		rc = wait_all(all, follow, timeout_ms);
		close(follow);
	}
	if (rc == WAIT_TIMEOUT)
		say_left(all);
	for (i = 0; all->list != NULL && i < all->n; i++) {
		free(all->list[i].file);
		free(all->list[i].first);
		free(all->list[i].result);
	}
	free(all->list);
	free(name);
	return fflush(stdout) == 0 ? (int)rc : WAIT_UNKNOWN;
}

int
wait_main(int argc, char **argv)
{
	struct waiting all = { 0 };
	int64_t timeout_ms = -1;
	double seconds;
	char *end;

	argv += 2;
	argc -= 2;
	if (argc > 1 && strcmp(argv[0], "--timeout") == 0) {
		seconds = strtod(argv[1], &end);
		if (end == argv[1] || *end != '\0' ||
		    !(seconds >= 0 && seconds < 1e9))
			return usage();
		timeout_ms = (int64_t)(seconds * 1000);
		argv += 2;
		argc -= 2;
	}
	if (argc < 2 || argv[0][0] == '-')
		return usage();
	all.mountpoint = argv[0];
	all.n = all.left = (size_t)argc - 1;
	return run(&all, argv + 1, timeout_ms);
}
