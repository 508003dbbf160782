#include "engine/wire/listen_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/types.h>

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

static enum err_code
bad_address(const char *text, struct err *err)
{
	return err_set(err, ERR_INVALID,
	    "%s is not an address to listen on: write [::]:8443, "
	    "0.0.0.0:8443 or 192.0.2.1:8443",
	    text);
}

static enum err_code
parse(const char *text, struct address *ret, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
		                              AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	struct addrinfo *found = NULL;
	char host[LISTEN_TEXT];
	size_t n;

	if (colon == NULL || colon[1] == '\0' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) > 65535)
		return bad_address(text, err);
	n = (size_t)(colon - text);
	if (n == 0 || n >= sizeof(host))
		return bad_address(text, err);
	if (text[0] == '[' && text[n - 1] == ']')
		snprintf(host, sizeof(host), "%.*s", (int)(n - 2), text + 1);
	else if (memchr(text, ':', n) == NULL)
		snprintf(host, sizeof(host), "%.*s", (int)n, text);
	else
		return bad_address(text, err);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return bad_address(text, err);
	memcpy(&ret->sa, found->ai_addr, found->ai_addrlen);
	ret->len = found->ai_addrlen;
	freeaddrinfo(found);
	return ERR_OK;
}

static uint16_t
port_of(const struct sockaddr_storage *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (sa->ss_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		return ntohs(v6.sin6_port);
	}
	memcpy(&v4, sa, sizeof(v4));
	return ntohs(v4.sin_port);
}

static bool
is_any6(const struct sockaddr_storage *sa)
{
	struct sockaddr_in6 v6;

	if (sa->ss_family != AF_INET6)
		return false;
	memcpy(&v6, sa, sizeof(v6));
	return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

static bool
has_v4(const char *const *all, size_t n, uint16_t port)
{
	struct address a;
	size_t i;

	for (i = 0; i < n; i++)
		if (port != 0 && parse(all[i], &a, NULL) == ERR_OK &&
		    a.sa.ss_family == AF_INET && port_of(&a.sa) == port)
			return true;
	return false;
}

static enum err_code
failed(const char *text, int error, struct err *err)
{
	if (error == EADDRINUSE)
		return err_set(err, ERR_CHANGED,
		    "%s is taken by another program: end that one "
		    "(ss -ltnp shows it) or choose another port",
		    text);
	if (error == EACCES)
		return err_set(err, ERR_DENIED,
		    "%s: ports below 1024 are for root; choose a higher port "
		    "or give the program CAP_NET_BIND_SERVICE",
		    text);
	if (error == EADDRNOTAVAIL)
		return err_set(err, ERR_INVALID,
		    "%s: no network interface of this machine has that "
		    "address (ip address shows them)",
		    text);
	return err_set(
	    err, ERR_INVALID, "cannot listen on %s: %s", text, strerror(error));
}

static int
open_socket(const struct address *a, bool only6)
{
	int on = 1, six = only6, error;
	int fd = socket(
	    a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (a->sa.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six, sizeof(six)) !=
		    0) ||
	    bind(fd, (const struct sockaddr *)&a->sa, a->len) != 0 ||
	    listen(fd, SOMAXCONN) != 0) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

enum err_code
listen_open(const char *text, const char *const *all, size_t n,
    struct listen *ret, struct err *err)
{
	socklen_t len = sizeof(struct sockaddr_storage);
	char host[LISTEN_TEXT - 9];
	struct address a;
	enum err_code rc;
	int fd;

	if ((rc = parse(text, &a, err)) != ERR_OK)
		return rc;
	fd = open_socket(&a, has_v4(all, n, port_of(&a.sa)));
	if (fd < 0 && errno == EAFNOSUPPORT && is_any6(&a.sa)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET,
			.sin_port = htons(port_of(&a.sa)) };

		memcpy(&a.sa, &v4, sizeof(v4));
		a.len = sizeof(v4);
		fd = open_socket(&a, false);
	}
	if (fd < 0)
		return failed(text, errno, err);
	if (getsockname(fd, (struct sockaddr *)&a.sa, &len) != 0 ||
	    getnameinfo((const struct sockaddr *)&a.sa, len, host, sizeof(host),
		NULL, 0, NI_NUMERICHOST) != 0) {
		close(fd);
		return failed(text, errno, err);
	}
	ret->fd = fd;
	ret->port = port_of(&a.sa);
	snprintf(ret->text, sizeof(ret->text),
	    a.sa.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
	    (unsigned)ret->port);
	return ERR_OK;
}

void
listen_peer(const struct sockaddr_storage *sa, char text[static LISTEN_TEXT])
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	const char *done = NULL;

	if (sa->ss_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			done = inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12],
			    text, LISTEN_TEXT);
		else
			done = inet_ntop(
			    AF_INET6, &v6.sin6_addr, text, LISTEN_TEXT);
	} else if (sa->ss_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		done = inet_ntop(AF_INET, &v4.sin_addr, text, LISTEN_TEXT);
	}
	if (done == NULL)
		snprintf(text, LISTEN_TEXT, "unknown");
}
