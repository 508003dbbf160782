#include "engine/push/apns_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

static bool
port_read(const char *s, char port[static 8])
{
	size_t len = strspn(s, "0123456789");
	long n;

	if (len == 0 || len > 5 ||
	    (s[len] != '\0' && strcmp(s + len, "/") != 0))
		return false;
	n = strtol(s, NULL, 10);
	snprintf(port, 8, "%ld", n);
	return n > 0 && n < 65536;
}

enum err_code
apns_url_read(struct apns *a, const char *url, struct err *err)
{
	static const char scheme[] = "https://";
	const char *s = url, *rest;
	size_t len;
	uint8_t addr[16];
	bool v6;

	if (strncmp(s, scheme, sizeof(scheme) - 1) != 0)
		goto bad;
	s += sizeof(scheme) - 1;
	v6 = *s == '[';
	s += v6;
	len = strspn(s, v6 ? "0123456789abcdefABCDEF:."
			   : "0123456789abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._");
	rest = s + len;
	if (len == 0 || len >= sizeof(a->host) || (v6 && *rest++ != ']'))
		goto bad;
	memcpy(a->host, s, len);
	snprintf(a->port, sizeof(a->port), "443");
	if (*rest == ':' ? !port_read(rest + 1, a->port)
			 : *rest != '\0' && strcmp(rest, "/") != 0)
		goto bad;
	a->numeric = inet_pton(v6 ? AF_INET6 : AF_INET, a->host, addr) == 1;
	if (v6 && !a->numeric)
		goto bad;
	snprintf(a->authority, sizeof(a->authority), "%s%s%s", v6 ? "[" : "",
	    a->host, v6 ? "]" : "");
	if (strcmp(a->port, "443") != 0)
		snprintf(
		    a->authority + strlen(a->authority), 9, ":%s", a->port);
	return ERR_OK;
bad:
	return err_set(err, ERR_INVALID,
	    "push service: %s is no https://HOST or https://HOST:PORT", url);
}

enum err_code
apns_trust_read(struct apns *a, const char *file, struct err *err)
{
	int fine;

	a->trust = X509_STORE_new();
	if (a->trust == NULL)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	if (file == NULL)
		fine = X509_STORE_set_default_paths(a->trust);
	else if (access(file, R_OK) != 0)
		return err_set(err, ERR_NOT_FOUND, "push service: %s: %s", file,
		    strerror(errno));
	else
		fine = X509_STORE_load_file(a->trust, file);
	ERR_clear_error();
	if (fine != 1)
		return err_set(err, ERR_UNDECODABLE,
		    "push service: %s holds no PEM certificates",
		    file != NULL ? file : "the system's trust store");
	return ERR_OK;
}

void
apns_times_read(struct apns_times *to, const struct apns_times *from)
{
	static const struct apns_times usual = { 10000, 30000, 60000, 60000,
		10000, 10000, 1000, 60000, 5000 };

#define TAKE(x) to->x = from->x > 0 ? from->x : usual.x
	TAKE(connect_ms);
	TAKE(stream_ms);
	TAKE(queue_ms);
	TAKE(idle_ms);
	TAKE(silence_ms);
	TAKE(answer_ms);
	TAKE(backoff_first_ms);
	TAKE(backoff_last_ms);
	TAKE(close_ms);
#undef TAKE
}
