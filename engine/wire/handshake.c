#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "engine/wire/conn_priv.h"

static bool
keep_cert(struct conn *c)
{
	X509 *x = SSL_get0_peer_certificate(c->ssl);
	unsigned char *der = NULL;
	int len;

	if (x == NULL)
		return true;
	len = i2d_X509(x, &der);
	if (len <= 0)
		return false;
	c->cert = bytes_of(malloc((size_t)len), (size_t)len);
	if (c->cert.p != NULL)
		memcpy((void *)(uintptr_t)c->cert.p, der, (size_t)len);
	OPENSSL_free(der);
	return c->cert.p != NULL;
}

static void
handshake_done(struct conn *c)
{
	const unsigned char *alpn;
	unsigned len;

	SSL_get0_alpn_selected(c->ssl, &alpn, &len);
	c->protocol = len == 2 && memcmp(alpn, "h2", 2) == 0 ? &protocol_h2
	                                                     : &protocol_h1;
	conn_enter(c, CONN_OPEN);
	if (!keep_cert(c) || !c->protocol->open(c))
		conn_abort(c);
	else if (c->loop->stopping)
		c->protocol->stop(c);
}

/* The client speaks plain HTTP to us: its first words are lost in OpenSSL, its
 * Host header mostly not. */
static void
answer_plain(struct conn *c)
{
	char *in = (char *)c->loop->scratch, text[512], body[256];
	const char *host = NULL;
	ssize_t n = recv(c->fd, in, LOOP_SCRATCH - 1, 0);
	int len;

	if (n > 0) {
		in[n] = '\0';
		host = strcasestr(in, "\nhost:");
	}
	if (host != NULL) {
		host += 6;
		host += strspn(host, " \t");
		len = (int)strspn(host, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789.-:[]");
	} else {
		host = "…";
		len = (int)strlen(host);
	}
	len = snprintf(body, sizeof(body),
	    "400 this port speaks HTTPS: use https://%.*s\n",
	    len < 128 ? len : 128, host);
	len = snprintf(text, sizeof(text),
	    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    len, body);
	n = send(c->fd, text, (size_t)len, MSG_NOSIGNAL);
	(void)n; /* it is only a courtesy */
}

void
conn_handshake(struct conn *c)
{
	int rc;

	ERR_clear_error();
	c->want_write = false;
	rc = SSL_do_handshake(c->ssl);
	if (rc == 1) {
		handshake_done(c);
		ERR_clear_error();
		return;
	}
	rc = SSL_get_error(c->ssl, rc);
	if (rc == SSL_ERROR_WANT_READ)
		return;
	if (rc == SSL_ERROR_WANT_WRITE) {
		c->want_write = true;
		return;
	}
	atomic_fetch_add(&c->loop->server->handshakes_failed, 1);
	if (rc == SSL_ERROR_SSL &&
	    ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
		answer_plain(c);
	/* so that the client sees the answer or the alert */
	if (rc == SSL_ERROR_SSL && shutdown(c->fd, SHUT_WR) == 0)
		conn_enter(c, CONN_LINGER);
	else
		conn_abort(c);
	ERR_clear_error();
}
