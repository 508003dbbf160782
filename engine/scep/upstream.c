#include "engine/scep/upstream.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/err.h>

#include "engine/model/trust.h"

/* ---- how many at once ----------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int busy, waiting; /* protected by mutex */

/* One that hangs ends after UPSTREAM_SECONDS, so the wait has an end, too. */
static bool
enter(void)
{
	bool yes;

	pthread_mutex_lock(&mutex);
	yes = busy < UPSTREAM_AT_ONCE || waiting < UPSTREAM_WAITING;
	if (yes) {
		waiting++;
		while (busy >= UPSTREAM_AT_ONCE)
			pthread_cond_wait(&ended, &mutex);
		waiting--;
		busy++;
	}
	pthread_mutex_unlock(&mutex);
	return yes;
}

static void
leave(void)
{
	pthread_mutex_lock(&mutex);
	busy--;
	pthread_cond_signal(&ended);
	pthread_mutex_unlock(&mutex);
}

static void
init(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- system/trust -------------------------------------------------------- */

static enum err_code
add_trusted(void *arg, const struct node *n, struct cert *c, struct err *err)
{
	(void)n;
	(void)err;
	cert_pem(c, arg);
	return ERR_OK;
}

static enum err_code
trust_txn(struct txn *t, void *arg, struct err *err)
{
	buf_reset(arg);
	return trust_each(t, add_trusted, arg, err);
}

/* ---- asking -------------------------------------------------------------- */

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct upstream_reply *r = arg;

	if (r->body.len + size * n > UPSTREAM_BODY_MAX)
		return 0;
	buf_put(&r->body, p, size * n);
	return r->body.error == ERR_OK ? size * n : 0;
}

static bool
set_body(CURL *c, const struct upstream *u, struct curl_slist **headers)
{
	char line[160];

	if (!u->post)
		return true;
	snprintf(line, sizeof(line), "Content-Type: %s", u->content_type);
	/* no "Expect: 100-continue": some servers do not know it */
	*headers = curl_slist_append(*headers, line);
	*headers = curl_slist_append(*headers, "Expect:");
	return *headers != NULL &&
	       curl_easy_setopt(c, CURLOPT_HTTPHEADER, *headers) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
		   (curl_off_t)u->body.len) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_POSTFIELDS,
		   u->body.len > 0 ? (const char *)u->body.p : "") == CURLE_OK;
}

static bool
set_login(CURL *c, const struct upstream *u)
{
	/* Basic shows the password: under TLS alone.  libcurl takes the best
	 * that the server offers */
	unsigned long ways =
	    CURLAUTH_NTLM |
	    (strncmp(u->url, "https:", 6) == 0 ? CURLAUTH_BASIC : 0);

	if (u->user == NULL)
		return true;
	return curl_easy_setopt(c, CURLOPT_HTTPAUTH, ways) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USERNAME, u->user) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PASSWORD, u->password) == CURLE_OK;
}

static bool
set_trust(CURL *c, struct bytes pem)
{
	struct curl_blob blob = { (void *)(uintptr_t)pem.p, pem.len,
		CURL_BLOB_NOCOPY };

	return pem.len == 0 ||
	       curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

static bool
set_all(
    CURL *c, const struct upstream *u, struct upstream_reply *ret, char *reason)
{
	return curl_easy_setopt(c, CURLOPT_URL, u->url) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") ==
	           CURLE_OK &&
	       /* NTLM is of a connection: HTTP/1.1 has one for each request */
	       curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
		   (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)UPSTREAM_SECONDS) ==
	           CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "mdmfs/" MDMFS_VERSION) ==
	           CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, ret) == CURLE_OK;
}

/* What libcurl said of its failure, for a person. */
static enum err_code
explain(CURLcode code, const struct upstream *u, const char *reason,
    const struct upstream_reply *ret, struct err *err)
{
	struct bytes url = bytes_text(u->url);
	int len = (int)strcspn(u->url, "?");

	if (code == CURLE_WRITE_ERROR && ret->body.error == ERR_OK)
		return err_set(err, ERR_TOO_BIG,
		    "%.*s answers with more than %u bytes", len,
		    (const char *)url.p, UPSTREAM_BODY_MAX);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_REMOTE,
		    "%.*s did not answer within %d seconds", len,
		    (const char *)url.p, UPSTREAM_SECONDS);
	if (code == CURLE_PEER_FAILED_VERIFICATION ||
	    code == CURLE_SSL_CACERT_BADFILE)
		return err_set(err, ERR_REMOTE,
		    "the HTTPS certificate of %.*s is not trusted (%s): if its "
		    "CA is a private one copy the root into system/trust/",
		    len, (const char *)url.p, reason);
	return err_set(err, ERR_REMOTE, "%.*s cannot be reached: %s", len,
	    (const char *)url.p,
	    reason[0] != '\0' ? reason : curl_easy_strerror(code));
}

static enum err_code
ask(CURL *c, const struct upstream *u, struct upstream_reply *ret,
    bool *timed_out, struct err *err)
{
	struct curl_slist *headers = NULL;
	char reason[CURL_ERROR_SIZE] = "";
	struct buf trust = { 0 };
	const char *type = NULL;
	CURLcode code;
	enum err_code rc = store_view(u->engine->store, trust_txn, &trust, err);

	if (rc != ERR_OK)
		goto out;
	if (!set_all(c, u, ret, reason) || !set_body(c, u, &headers) ||
	    !set_login(c, u) || !set_trust(c, buf_view(&trust))) {
		rc = err_set(err, ERR_NO_MEMORY, "%s: the request", u->url);
		goto out;
	}
	code = curl_easy_perform(c);
	if (code != CURLE_OK) {
		*timed_out = code == CURLE_OPERATION_TIMEDOUT;
		rc = explain(code, u, reason, ret, err);
		goto out;
	}
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &ret->status);
	if (curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK &&
	    type != NULL)
		snprintf(ret->type, sizeof(ret->type), "%s", type);
out:
	curl_slist_free_all(headers);
	buf_free(&trust);
	ERR_clear_error(); /* libcurl's */
	return rc;
}

enum err_code
upstream_ask(const struct upstream *u, struct upstream_reply *ret,
    bool *timed_out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	enum err_code rc;
	CURL *c;

	*timed_out = false;
	pthread_once(&once, init);
	if (!enter())
		return err_set(err, ERR_CHANGED,
		    "%d requests to other servers are under way already: try "
		    "again in a moment",
		    UPSTREAM_AT_ONCE);
	if ((c = curl_easy_init()) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "%s", u->url);
	else
		rc = ask(c, u, ret, timed_out, err);
	curl_easy_cleanup(c);
	leave();
	return rc;
}
