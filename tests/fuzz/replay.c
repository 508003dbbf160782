/*
 * Gives the seeds of a fuzz target, and documents near them, to the target
 * without libFuzzer: replay_NAME reads tests/fuzz/NAME/.  `make check` runs it;
 * `make fuzz T=NAME` searches on.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mdmfs/buf.h"

#include "tests/tap.h"

#define CUTS  48  /* a seed is also given cut off, at that many places */
#define FLIPS 192 /* and with one to three wrong bytes, so often */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* An exact allocation, so that a sanitizer sees a byte too far. */
static void
give(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, p, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
give_near(uint8_t *p, size_t len)
{
	unsigned seed = 1; /* the same documents every time */

	give(p, len);
	for (size_t i = 0; i < CUTS; i++)
		give(p, len * i / CUTS);
	for (size_t i = 0; i < FLIPS && len > 0; i++) {
		size_t at[3];
		uint8_t was[3];
		size_t n = 1 + i % 3;

		for (size_t k = 0; k < n; k++) {
			at[k] = (size_t)rand_r(&seed) % len;
			was[k] = p[at[k]];
			p[at[k]] = (uint8_t)rand_r(&seed);
		}
		give(p, len);
		while (n-- > 0)
			p[at[n]] = was[n];
	}
}

static bool
read_whole(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;
	bool good;

	if (f == NULL)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(b, chunk, n);
	good = ferror(f) == 0 && buf_error(b, NULL) == ERR_OK;
	fclose(f);
	return good;
}

static void
replay(const char *dir, const char *name)
{
	struct buf b = { 0 };
	char path[512], what[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(what, sizeof(what), "%s, cut, and with wrong bytes", path);
	if (ok(read_whole(path, &b) && b.len > 0, what))
		give_near((uint8_t *)b.p, b.len);
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char dir[256];
	struct dirent **list = NULL;
	int n;

	(void)argc;
	name = name == NULL ? argv[0] : name + 1;
	snprintf(dir, sizeof(dir), "tests/fuzz/%s",
	    strncmp(name, "replay_", 7) == 0 ? name + 7 : name);
	n = scandir(dir, &list, NULL, alphasort);
	ok(n > 2, "there are seeds");
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.')
			replay(dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return tap_done();
}
