/*
 * net.h - networks as administrators write them.
 */
#ifndef MDMFS_BASE_NET_H
#define MDMFS_BASE_NET_H

#include <stdbool.h>

/* Whether cidr is ADDRESS or ADDRESS/BITS, IPv4 or IPv6. */
bool net_valid(const char *cidr);

/* Whether the numeric address is in it. */
bool net_contains(const char *cidr, const char *address);

#endif
