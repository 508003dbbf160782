/*
 * push_service.h - push services to test against: certificates, processes,
 * and somebody to wait for answers.
 */
#ifndef MDMFS_TESTS_LIB_PUSH_SERVICE_H
#define MDMFS_TESTS_LIB_PUSH_SERVICE_H

#include <pthread.h>
#include <sys/types.h>

#include "engine/push/apns.h"

#define TEST_TOPIC                                                             \
	"com.apple.mgmt.External.0b7c7f3e-0000-4000-8000-000000000001"

/*
 * A new directory with ca.pem, server.{pem,key} for localhost, and push.{pem,
 * key,der,key.der} and other.* (another topic), all of that CA.  Removed at
 * exit, as are the services that still run.
 */
const char *push_dir(void);

/* The identity push or other; the caller's. */
struct apns_identity *push_identity(const char *name);

struct push_service {
	pid_t pid;
	int port;
	int control; /* pushd's; 0 with others */
	char url[64];
	char log[128]; /* pushd's */
};

/* tests/system/pushd.js with up to 3 further arguments, NULLs at the end.
 * Returns when it serves; ends the test program if it does not. */
void pushd_start(
    struct push_service *s, int port, const char *a, const char *b);

/* nghttpd with up to two further arguments before its port. */
void nghttpd_start(struct push_service *s, const char *a, const char *b);

/* openssl s_server, which rejects every client certificate with a TLS alert;
 * tls is "-tls1_2" or "-tls1_3". */
void picky_start(struct push_service *s, const char *tls);

void push_service_stop(struct push_service *s);

/* POST json to pushd's control port; the answer in ret.  ret may be NULL. */
void pushd_tell(const struct push_service *s, const char *path,
    const char *json, char *ret, size_t size);

/* The number that stands behind "name": in pushd's /stats; -1: none. */
long pushd_stat(const struct push_service *s, const char *name);

/* How many lines of the log have all of these texts (b may be NULL). */
size_t pushd_logged(const struct push_service *s, const char *a, const char *b);

/* Who waits for answers. */
#define PUSHES_MAX 20000
struct pushes_sent {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	size_t n;                   /* answers */
	unsigned calls[PUSHES_MAX]; /* of each push */
	enum apns_outcome of[PUSHES_MAX];
	size_t outcomes[APNS_OUR_FAULT + 1];
	struct apns_result last;
};

/* Static memory, emptied. */
struct pushes_sent *pushes_new(void);

/* Send push number i: its token begins with prefix (hex) and ends with i. */
enum err_code pushes_send(struct pushes_sent *p, struct apns *a,
    struct apns_identity *id, const char *prefix, size_t i);

/* A done function for arg = &p->calls[i]. */
apns_done_fn pushes_done;

/* Wait for n answers, a minute at most; what came. */
size_t pushes_wait(struct pushes_sent *p, size_t n);

/* Each of the first n pushes was answered exactly once. */
bool pushes_once(struct pushes_sent *p, size_t n);

#endif
