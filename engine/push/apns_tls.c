#include "engine/push/apns_priv.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/tls1.h>
#include <openssl/x509v3.h>

#define READ_SIZE   16384 /* a TLS record */
#define READ_ROUNDS 64    /* before the others have their turn */
#define FIRST_ALERT 1000  /* OpenSSL's reason codes for received alerts */

/*
 * An alert that speaks of our certificate.  With TLS 1.3 it comes when the
 * connection already seems to be open (RFC 8446 4.4.2.4, 6.2).
 */
static const char *
certificate_alert(unsigned long e)
{
	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return NULL;
	switch (ERR_GET_REASON(e) - FIRST_ALERT) {
	case SSL_AD_BAD_CERTIFICATE:
		return "bad certificate";
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return "unsupported certificate";
	case SSL_AD_CERTIFICATE_REVOKED:
		return "certificate revoked";
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "certificate expired";
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return "certificate unknown";
	case SSL_AD_UNKNOWN_CA:
		return "unknown CA";
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return "certificate required";
	default:
		return NULL;
	}
}

/* The connection is lost by what SSL_get_error() called how. */
static void
tls_lost(struct conn *c, int how, int sys)
{
	unsigned long e = ERR_get_error();
	const char *alert = certificate_alert(e);
	struct apns_result result;

	if (how == SSL_ERROR_ZERO_RETURN)
		apns_conn_die(c, END_LOST, "the service closed it");
	else if (how == SSL_ERROR_SYSCALL && e == 0)
		apns_conn_die(c, END_LOST, "%s",
		    sys != 0 ? strerror(sys) : "the service closed it");
	else if (alert != NULL)
		apns_conn_die(c, END_LOST,
		    "the service refuses the push certificate: %s", alert);
	else
		apns_conn_die(
		    c, END_LOST, "TLS: %s", ERR_reason_error_string(e));
	ERR_clear_error();
	if (alert == NULL)
		return;
	apns_result_set(&result, APNS_BAD_CERTIFICATE,
	    "the push service refuses the push certificate (TLS alert: %s); "
	    "renew it at identity.apple.com",
	    alert);
	apns_pool_refuse(c->pool, &result);
}

bool
apns_tls_begin(struct conn *c)
{
	struct apns *a = c->pool->apns;
	X509_VERIFY_PARAM *param;
	int fine;

	c->ssl = SSL_new(apns_identity_ctx(c->pool->id));
	if (c->ssl == NULL)
		return false;
	param = SSL_get0_param(c->ssl);
	if (a->now != NULL)
		X509_VERIFY_PARAM_set_time(param, apns_now(a));
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* RFC 6066 3: no server name for an address */
	if (a->numeric)
		fine = X509_VERIFY_PARAM_set1_ip_asc(param, a->host);
	else
		fine = X509_VERIFY_PARAM_set1_host(param, a->host, 0) == 1 &&
		       SSL_set_tlsext_host_name(c->ssl, a->host) == 1;
	fine = fine == 1 && SSL_set1_verify_cert_store(c->ssl, a->trust) == 1 &&
	       SSL_set_alpn_protos(
		   c->ssl, (const unsigned char *)"\x02h2", 3) == 0 &&
	       SSL_set_fd(c->ssl, c->fd) == 1;
	ERR_clear_error();
	return fine;
}

static void
tls_open(struct conn *c)
{
	const unsigned char *alpn = NULL;
	unsigned int len = 0;

	SSL_get0_alpn_selected(c->ssl, &alpn, &len);
	if (len != 2 || memcmp(alpn, "h2", 2) != 0) {
		apns_conn_die(c, END_HOPELESS, "%s does not speak HTTP/2",
		    c->pool->apns->authority);
		return;
	}
	c->state = CONN_OPEN;
	c->heard_ms = apns_clock_ms();
	apns_h2_open(c);
}

void
apns_tls_shake_hands(struct conn *c)
{
	int rc, how;
	long verdict;

	ERR_clear_error();
	errno = 0;
	rc = SSL_connect(c->ssl);
	if (rc == 1) {
		tls_open(c);
		return;
	}
	how = SSL_get_error(c->ssl, rc);
	if (how == SSL_ERROR_WANT_READ)
		return;
	if (how == SSL_ERROR_WANT_WRITE) {
		event_add(c->ev_write, NULL);
		return;
	}
	verdict = SSL_get_verify_result(c->ssl);
	if (verdict != X509_V_OK) {
		apns_conn_die(c, END_HOPELESS,
		    "the certificate of %s is not trusted: %s",
		    c->pool->apns->authority,
		    X509_verify_cert_error_string(verdict));
		ERR_clear_error();
		return;
	}
	tls_lost(c, how, errno);
}

void
apns_tls_read(struct conn *c)
{
	uint8_t buf[READ_SIZE];
	int i, n, how;

	for (i = 0; i < READ_ROUNDS && c->state == CONN_OPEN; i++) {
		ERR_clear_error();
		errno = 0;
		n = SSL_read(c->ssl, buf, sizeof(buf));
		if (n > 0) {
			c->heard_ms = apns_clock_ms();
			apns_h2_receive(c, buf, (size_t)n);
			continue;
		}
		how = SSL_get_error(c->ssl, n);
		if (how == SSL_ERROR_WANT_WRITE)
			event_add(c->ev_write, NULL);
		else if (how != SSL_ERROR_WANT_READ)
			tls_lost(c, how, errno);
		return;
	}
	/* what OpenSSL has already read is not seen on the socket */
	if (c->state == CONN_OPEN)
		event_active(c->ev_read, EV_READ, 0);
}

bool
apns_tls_write(struct conn *c)
{
	int n, how;

	ERR_clear_error();
	errno = 0;
	n = SSL_write(
	    c->ssl, c->out.p + c->out_off, (int)(c->out.len - c->out_off));
	if (n > 0) {
		c->out_off += (size_t)n;
		return true;
	}
	how = SSL_get_error(c->ssl, n);
	if (how == SSL_ERROR_WANT_WRITE)
		event_add(c->ev_write, NULL);
	else if (how != SSL_ERROR_WANT_READ)
		tls_lost(c, how, errno);
	return false;
}
