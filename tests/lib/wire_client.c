#include "tests/lib/wire_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			printf("Bail out! %s:%d\n", __FILE__, __LINE__);       \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* ---- certificates --------------------------------------------------------- */

static void
keep_der(struct wire_pair *p)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(p->key);
	unsigned char *der = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);

	MUST(len > 0);
	buf_put(&p->key_der, der, (size_t)len);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(p8);
	der = NULL;
	len = i2d_X509(p->cert, &der);
	MUST(len > 0);
	buf_put(&p->cert_der, der, (size_t)len);
	OPENSSL_free(der);
}

void
wire_pair_make(
    struct wire_pair *p, const char *cn, int bits, long from, long to)
{
	static long serial = 1;
	X509_NAME *name;

	memset(p, 0, sizeof(*p));
	p->key = bits > 0 ? EVP_RSA_gen((unsigned)bits) : EVP_EC_gen("P-256");
	p->cert = X509_new();
	MUST(p->key != NULL && p->cert != NULL);
	X509_set_version(p->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p->cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(p->cert), from);
	X509_gmtime_adj(X509_getm_notAfter(p->cert), to);
	name = X509_get_subject_name(p->cert);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(p->cert, name);
	X509_set_pubkey(p->cert, p->key);
	MUST(X509_sign(p->cert, p->key, EVP_sha256()) > 0);
	keep_der(p);
}

void
wire_pair_free(struct wire_pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
	buf_free(&p->key_der);
	buf_free(&p->cert_der);
}

const char *
wire_pair_pem(const struct wire_pair *p)
{
	static char path[64];
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/tmp/wire-XXXXXX");
	fd = mkstemp(path);
	MUST(fd >= 0);
	f = fdopen(fd, "w");
	MUST(f != NULL);
	MUST(PEM_write_X509(f, p->cert) == 1);
	MUST(PEM_write_PKCS8PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL) ==
	     1);
	fclose(f);
	return path;
}

void
wire_identify(struct server *s, const struct wire_pair *p)
{
	struct bytes cert = buf_view(&p->cert_der);
	struct wire_identity id = {
		.key = buf_view(&p->key_der), .certs = &cert, .n_certs = 1
	};
	struct err err = { 0 };

	MUST(server_set_identities(s, &id, 1, &err) == ERR_OK);
}

/* ---- connections ---------------------------------------------------------- */

int
wire_dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { 20, 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	MUST(connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct wire_client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}

static SSL_CTX *
context(const struct wire_client_options *o)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	MUST(ctx != NULL);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (o->version != 0) {
		SSL_CTX_set_min_proto_version(ctx, o->version);
		SSL_CTX_set_max_proto_version(ctx, o->version);
	}
	if (o->version != 0 && o->version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	if (o->ciphers != NULL)
		MUST(SSL_CTX_set_cipher_list(ctx, o->ciphers) == 1);
	if (o->own != NULL)
		MUST(SSL_CTX_use_cert_and_key(
			 ctx, o->own->cert, o->own->key, NULL, 1) == 1);
	return ctx;
}

bool
wire_connect(struct wire_client *c, const struct wire_client_options *o)
{
	unsigned char alpn[32];
	char sni[128];
	size_t n;

	memset(c, 0, sizeof(*c));
	signal(SIGPIPE, SIG_IGN);
	c->ctx = context(o);
	c->fd = wire_dial(o->port);
	c->ssl = SSL_new(c->ctx);
	MUST(c->ssl != NULL);
	SSL_set_app_data(c->ssl, c);
	SSL_set_fd(c->ssl, c->fd);
	snprintf(sni, sizeof(sni), "%s", o->sni != NULL ? o->sni : "");
	if (o->sni != NULL)
		SSL_set_tlsext_host_name(c->ssl, sni);
	if (o->alpn != NULL) {
		n = strlen(o->alpn);
		alpn[0] = (unsigned char)n;
		memcpy(alpn + 1, o->alpn, n);
		SSL_set_alpn_protos(c->ssl, alpn, (unsigned)n + 1);
	}
	if (o->session != NULL)
		SSL_set_session(c->ssl, o->session);
	ERR_clear_error();
	return SSL_connect(c->ssl) == 1;
}

void
wire_disconnect(struct wire_client *c)
{
	/* else OpenSSL takes the session for a broken one */
	if (c->ssl != NULL)
		SSL_set_shutdown(
		    c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	SSL_SESSION_free(c->session);
	if (c->fd >= 0)
		close(c->fd);
	ERR_clear_error();
}

bool
wire_send(struct wire_client *c, const void *p, size_t len)
{
	size_t n = 0;

	ERR_clear_error();
	return SSL_write_ex(c->ssl, p, len, &n) == 1 && n == len;
}

/* The length of an answer, 0 while its head is not complete. */
static size_t
answer_length(struct buf *b)
{
	const char *text = buf_str(b), *end, *length;

	if (strncmp(text, "HTTP/1.1 100", 12) == 0)
		return 0;
	end = strstr(text, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strcasestr(text, "\r\ncontent-length:");
	return (size_t)(end + 4 - text) +
	       (length != NULL && length < end ? strtoul(length + 17, NULL, 10)
					       : 0);
}

const char *
wire_answer(struct wire_client *c, struct buf *b)
{
	char part[16384];
	size_t n, want;

	buf_reset(b);
	do {
		ERR_clear_error();
		/* byte by byte up to the body: the next answer stays there */
		want = answer_length(b);
		n = want == 0                      ? 1
		    : want - b->len < sizeof(part) ? want - b->len
		                                   : sizeof(part);
		if (SSL_read_ex(c->ssl, part, n, &n) != 1)
			break;
		buf_put(b, part, n);
		if (b->len == 25 &&
		    strcmp(buf_str(b), "HTTP/1.1 100 Continue\r\n\r\n") == 0)
			break;
	} while (answer_length(b) == 0 || b->len < answer_length(b));
	return buf_str(b);
}

int
wire_ask(struct wire_client *c, const char *text, struct buf *answer)
{
	/* the server may answer and close before it has all of it */
	(void)!wire_send(c, text, strlen(text));
	text = wire_answer(c, answer);
	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

int
wire_once(uint16_t port, const char *text, struct buf *answer)
{
	struct wire_client_options o = { .port = port, .alpn = "http/1.1" };
	struct wire_client c;
	int status;

	MUST(wire_connect(&c, &o));
	status = wire_ask(&c, text, answer);
	wire_disconnect(&c);
	return status;
}

bool
wire_closed_with(struct wire_client *c, struct buf *b)
{
	char part[4096];
	struct timeval begin, end;
	size_t n;

	buf_reset(b);
	gettimeofday(&begin, NULL);
	ERR_clear_error();
	while (SSL_read_ex(c->ssl, part, sizeof(part), &n) == 1)
		buf_put(b, part, n);
	gettimeofday(&end, NULL);
	return end.tv_sec - begin.tv_sec < 15;
}

bool
wire_closed(struct wire_client *c)
{
	struct buf b = { 0 };
	bool closed = wire_closed_with(c, &b);

	buf_free(&b);
	return closed;
}

int
wire_shell(struct buf *out, const char *fmt, ...)
{
	char command[2048], part[4096];
	va_list ap;
	FILE *f;
	size_t n;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	buf_reset(out);
	f = popen(command, "r");
	MUST(f != NULL);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(out, part, n);
	return pclose(f);
}
