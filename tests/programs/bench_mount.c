/*
 * bench_mount: the same operations on two mounts in turn.
 *
 *   bench_mount OURS OTHER DEVICES THREADS [ROUNDS [WHAT]]
 *
 * Both mounts have devices/POP-0000001 ... with a file `status`: see populate
 * and bench_fuse.  A round is a quarter of a second on the one and then on
 * the other; the ratio is taken pair by pair, and every figure is a median.
 * WHAT chooses rows of the table by a part of their text.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS  99
#define MAX_THREADS 16
#define ROUND_NS    250000000

static unsigned devices;

static void
fail(const char *what, const char *path)
{
	fprintf(
	    stderr, "bench_mount: %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* ---- the operations ----------------------------------------------------- */

struct load {
	const char *mount;
	void (*op)(struct load *);
	unsigned long n; /* how many were done */
	unsigned short seed[3];
	int fd; /* of the open file */
};

/* Another device each time: nothing of it is known to the kernel. */
static void
path_of(struct load *l, const char *rest, char path[static 4096])
{
	snprintf(path, 4096, "%s/devices/POP-%07u%s", l->mount,
	    1 + (unsigned)nrand48(l->seed) % devices, rest);
}

static void
op_stat(struct load *l)
{
	char path[4096];
	struct stat st;

	path_of(l, "", path);
	if (stat(path, &st) != 0)
		fail("stat", path);
}

static void
op_fstat(struct load *l)
{
	struct stat st;

	if (fstat(l->fd, &st) != 0)
		fail("fstat", l->mount);
}

static void
op_stat_file(struct load *l)
{
	char path[4096];
	struct stat st;

	path_of(l, "/status", path);
	if (stat(path, &st) != 0)
		fail("stat", path);
}

static void
op_cat(struct load *l)
{
	char path[4096], bytes[4096];
	int fd;

	path_of(l, "/status", path);
	if ((fd = open(path, O_RDONLY)) < 0)
		fail("open", path);
	if (read(fd, bytes, sizeof(bytes)) <= 0)
		fail("read", path);
	close(fd);
}

static void
op_read(struct load *l)
{
	char bytes[4096];

	if (pread(l->fd, bytes, sizeof(bytes), 0) <= 0)
		fail("read", l->mount);
}

static void
op_list(struct load *l)
{
	char path[4096];
	DIR *dir;

	path_of(l, "", path);
	if ((dir = opendir(path)) == NULL)
		fail("opendir", path);
	while (readdir(dir) != NULL)
		;
	closedir(dir);
}

static const struct {
	const char *what;
	void (*op)(struct load *);
} table[] = {
	{ "stat of a device", op_stat },
	{ "fstat of an open file", op_fstat },
	{ "stat of a device's file", op_stat_file },
	{ "open, read, close", op_cat },
	{ "read of an open file", op_read },
	{ "opendir, readdir, closedir of a device", op_list },
};

/* ---- measuring ---------------------------------------------------------- */

static _Atomic int64_t until;

static void *
run(void *arg)
{
	struct load *l = arg;
	char path[4096];

	snprintf(path, sizeof(path), "%s/devices/POP-0000001/status", l->mount);
	if ((l->fd = open(path, O_RDONLY)) < 0)
		fail("open", path);
	while (now_ns() < until) {
		l->op(l);
		l->n++;
	}
	close(l->fd);
	return NULL;
}

/* The rate of one round, /s. */
static double
rate(const char *mount, void (*op)(struct load *), unsigned threads)
{
	static unsigned short seed;
	struct load l[MAX_THREADS] = { 0 };
	pthread_t ids[MAX_THREADS];
	int64_t begin = now_ns();
	unsigned long n = 0;

	until = begin + ROUND_NS;
	for (unsigned i = 0; i < threads; i++) {
		l[i].mount = mount;
		l[i].op = op;
		l[i].seed[0] = ++seed;
		if (pthread_create(&ids[i], NULL, run, &l[i]) != 0)
			fail("thread", mount);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		n += l[i].n;
	}
	return (double)n * 1e9 / (double)(now_ns() - begin);
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), ascending);
	return v[n / 2];
}

int
main(int argc, char **argv)
{
	double ours[MAX_ROUNDS], other[MAX_ROUNDS], ratio[MAX_ROUNDS];
	unsigned threads, rounds;

	if (argc < 5 || argc > 7) {
		fprintf(stderr, "Usage: bench_mount OURS OTHER DEVICES THREADS "
				"[ROUNDS [WHAT]]\n");
		return 2;
	}
	devices = (unsigned)strtoul(argv[3], NULL, 10);
	threads = (unsigned)strtoul(argv[4], NULL, 10);
	rounds = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 9;
	if (devices == 0 || threads == 0 || threads > MAX_THREADS ||
	    rounds == 0 || rounds > MAX_ROUNDS)
		return 2;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (argc == 7 && strstr(table[i].what, argv[6]) == NULL)
			continue;
		/* not counted: threads start, tables fill */
		(void)rate(argv[1], table[i].op, threads);
		(void)rate(argv[2], table[i].op, threads);
		for (unsigned r = 0; r < rounds; r++) {
			ours[r] = rate(argv[1], table[i].op, threads);
			other[r] = rate(argv[2], table[i].op, threads);
			ratio[r] = ours[r] / other[r];
		}
		printf("%-46s %12.0f  /s, the empty one %.0f: %.0f %%\n",
		    table[i].what, median(ours, rounds), median(other, rounds),
		    100 * median(ratio, rounds));
		fflush(stdout);
	}
	return 0;
}
