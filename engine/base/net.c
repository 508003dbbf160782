#include "engine/base/net.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net {
	int family;
	uint8_t address[16];
	long bits;
};

static bool
parse(const char *cidr, struct net *ret)
{
	char text[64];
	char *slash, *end;
	struct net n = { .family = AF_INET, .bits = 32 };

	if (strlen(cidr) >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%s", cidr);
	if (strchr(text, ':') != NULL)
		n = (struct net){ .family = AF_INET6, .bits = 128 };
	if ((slash = strchr(text, '/')) != NULL) {
		long most = n.bits;

		*slash++ = '\0';
		n.bits = strtol(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end != '\0' ||
		    n.bits > most)
			return false;
	}
	if (inet_pton(n.family, text, n.address) != 1)
		return false;
	*ret = n;
	return true;
}

bool
net_valid(const char *cidr)
{
	struct net n;

	return parse(cidr, &n);
}

bool
net_contains(const char *cidr, const char *address)
{
	struct net n, a;
	long i;

	if (!parse(cidr, &n) || strchr(address, '/') != NULL ||
	    !parse(address, &a) || n.family != a.family)
		return false;
	for (i = 0; i < n.bits; i++) {
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));

		if ((n.address[i / 8] & mask) != (a.address[i / 8] & mask))
			return false;
	}
	return true;
}
