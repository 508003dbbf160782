/*
 * listen_priv.h - addresses as text, and sockets that listen on them.
 */
#ifndef MDMFS_WIRE_LISTEN_PRIV_H
#define MDMFS_WIRE_LISTEN_PRIV_H

#include <stdint.h>
#include <sys/socket.h>

#include "mdmfs/err.h"

#define LISTEN_TEXT 64 /* "[ffff:...:ffff%interface]:65535" */

struct listen {
	int fd;
	uint16_t port;
	char text[LISTEN_TEXT];
};

/*
 * Listen on address, one of all.  "[::]:PORT" takes IPv4 as well, unless all
 * has an IPv4 address with that port; where there is no IPv6 it means
 * 0.0.0.0.  ret->fd is the caller's.  Errors: see server_open().
 */
enum err_code listen_open(const char *address, const char *const *all, size_t n,
    struct listen *ret, struct err *err);

/* The numeric address without port; a v4-mapped one as IPv4. */
void listen_peer(
    const struct sockaddr_storage *a, char text[static LISTEN_TEXT]);

#endif
