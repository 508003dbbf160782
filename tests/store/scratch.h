/*
 * scratch.h - a directory for one test.
 */
#ifndef MDMFS_TESTS_STORE_SCRATCH_H
#define MDMFS_TESTS_STORE_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new empty directory; give it to scratch_free(). */
static inline char *
scratch_new(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	if (asprintf(&dir, "%s/mdmfs-store.XXXXXX",
		tmp != NULL ? tmp : "/tmp") < 0 ||
	    mkdtemp(dir) == NULL) {
		perror("mkdtemp");
		exit(1);
	}
	return dir;
}

/* Remove the files in it. */
static inline void
scratch_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
}

static inline void
scratch_free(char *dir)
{
	scratch_empty(dir);
	rmdir(dir);
	free(dir);
}

#endif
