/*
 * san.h - names behind "subject alternative name" (RFC 5280 4.2.1.6).
 */
#ifndef MDMFS_PKI_SAN_H
#define MDMFS_PKI_SAN_H

enum san_kind {
	SAN_DNS = 1,
	SAN_IP = 2, /* 192.0.2.1, 2001:db8::1 */
	SAN_EMAIL = 4,
	SAN_URI = 8,
};

struct san {
	enum san_kind kind;
	const char *text; /* UTF-8, no control characters */
};

/* SAN_IP if text is an address, else SAN_DNS. */
enum san_kind san_kind_of_host(const char *text);

#endif
