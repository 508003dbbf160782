/*
 * tls_world.h - for programs that replace certificates: an engine, its files,
 * and this process's memory.  What fails here ends the program.
 */
#ifndef MDMFS_TESTS_PROGRAMS_TLS_WORLD_H
#define MDMFS_TESTS_PROGRAMS_TLS_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mdmfs/file.h"
#include "tests/lib/wire_client.h"
#include "tests/tap.h"

static struct err err;
static inline void
need(bool cond, const char *what)
{
	if (cond)
		return;
	printf("Bail out! %s: %s\n", what, err.msg);
	exit(1);
}

static inline double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* KiB of memory that is this process's own, not the store's file. */
static inline long
memory(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kib;
}

static struct engine *engine;

static inline uint64_t
put(uint64_t parent, const char *name, enum place place, struct bytes bytes)
{
	struct file_write w = { .parent = parent,
		.name = name,
		.place = place,
		.mode = place_limit(place) == 0 ? 0755 : 0600,
		.bytes = bytes,
		.actor = { .pid = 1, .comm = "replace" } };
	struct file_node n = { 0 };

	need(file_reserve(engine, 1, &w.ino, &err) == ERR_OK, "a number");
	need((place_limit(place) == 0
		     ? file_mkdir(engine, &w, &n, &err)
		     : file_write(engine, &w, &n, &err)) == ERR_OK,
	    name);
	return n.ino;
}

/* The port that the engine chose. */
static inline uint16_t
port_of(void)
{
	struct buf b = { 0 };
	const char *p;
	int port = 0;

	engine_describe(engine, &b);
	p = strstr(buf_str(&b), "https://127.0.0.1:");
	if (p != NULL)
		port = atoi(p + strlen("https://127.0.0.1:"));
	buf_free(&b);
	return (uint16_t)port;
}

#endif
