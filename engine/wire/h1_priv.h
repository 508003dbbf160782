/*
 * h1_priv.h - an HTTP/1.1 connection: h1.c is its machine, h1_head.c judges
 * what a client says.
 */
#ifndef MDMFS_WIRE_H1_PRIV_H
#define MDMFS_WIRE_H1_PRIV_H

#include <http_parser.h>

#include "engine/wire/conn_priv.h"
#include "engine/wire/head_priv.h"

enum h1_state {
	H1_IDLE, /* no byte of a request yet */
	H1_HEAD,
	H1_WAIT, /* for memory */
	H1_BODY,
	H1_BUSY,  /* with the handler */
	H1_WRITE, /* the answer */
};

struct h1 {
	enum h1_state state;
	http_parser parser;
	struct head_scan scan;
	struct buf in; /* what came and was not understood yet */
	size_t in_done;
	struct request *r;
	int refuse; /* a status that the parser's callbacks found; 0: none */
	bool first; /* no request has been answered yet */
	bool keep;  /* the connection, after the answer */
	bool complete;
	bool stop;            /* take no more requests */
	bool expect_continue; /* and not told yet */
	struct bytes name;    /* of the header whose value comes next */
	int64_t since;        /* of the state */
	int64_t last;         /* byte of the body */
	uint64_t received;    /* of the body */
	size_t written;       /* of the answer's body */
};

/* h1_head.c */

extern const http_parser_settings h1_settings;

/* Read a head, which head_scan() has found, into h->r; 0, or the status to
 * refuse it with. */
int h1_parse_head(struct h1 *h, struct bytes head);
/* The same for what it asks; *size is to be set aside for the body. */
int h1_judge_head(struct conn *c, size_t *size);

bool h1_is_chunked(const struct h1 *h);

#endif
