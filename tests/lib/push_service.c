#include "tests/lib/push_service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/text.h"

#define MAX_SERVICES 32

static char dir[64];
static pid_t owner;
static pid_t running[MAX_SERVICES];
static struct pushes_sent sent;

static void
die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd) != 0)
		die(cmd);
}

static void
clean_up(void)
{
	size_t i;

	if (getpid() != owner)
		return;
	for (i = 0; i < MAX_SERVICES; i++)
		if (running[i] > 0) {
			kill(running[i], SIGKILL);
			waitpid(running[i], NULL, 0);
		}
	run("rm -rf %s", dir);
}

static void
certificate(const char *name, const char *subject, const char *more)
{
	run("cd %s && openssl req -x509 %s -newkey ec -pkeyopt "
	    "ec_paramgen_curve:P-256 -nodes -days 30 -subj '%s' "
	    "-keyout %s.key -out %s.pem 2>/dev/null",
	    dir, more, subject, name, name);
	run("cd %s && openssl x509 -in %s.pem -outform DER -out %s.der && "
	    "openssl pkcs8 -topk8 -nocrypt -in %s.key -outform DER "
	    "-out %s.key.der",
	    dir, name, name, name, name);
}

const char *
push_dir(void)
{
	static const char by_ca[] = "-CA ca.pem -CAkey ca.key";

	if (dir[0] != '\0')
		return dir;
	snprintf(dir, sizeof(dir), "/tmp/mdmfs-push-XXXXXX");
	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	owner = getpid();
	atexit(clean_up);
	certificate(
	    "ca", "/CN=Test CA", "-addext basicConstraints=critical,CA:TRUE");
	certificate("server", "/CN=localhost",
	    "-CA ca.pem -CAkey ca.key -addext subjectAltName=DNS:localhost "
	    "-addext basicConstraints=CA:FALSE");
	certificate("push", "/UID=" TEST_TOPIC "/CN=APSP:1", by_ca);
	certificate(
	    "other", "/UID=com.apple.mgmt.External.other/CN=APSP:2", by_ca);
	return dir;
}

static struct bytes
slurp(const char *name, const char *end, uint8_t *buf, size_t size)
{
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s%s", push_dir(), name, end);
	f = fopen(path, "r");
	if (f == NULL)
		die(path);
	n = fread(buf, 1, size, f);
	fclose(f);
	return bytes_of(buf, n);
}

struct apns_identity *
push_identity(const char *name)
{
	uint8_t key[2048], cert[4096];
	struct bytes chain = slurp(name, ".der", cert, sizeof(cert));
	struct apns_identity *id = NULL;
	struct err err = { 0 };

	if (apns_identity_new(slurp(name, ".key.der", key, sizeof(key)), &chain,
		1,
		strcmp(name, "push") == 0 ? TEST_TOPIC
					  : "com.apple.mgmt.External.other",
		&id, &err) != ERR_OK)
		die(err.msg);
	return id;
}

/* ---- processes ---------------------------------------------------------- */

static FILE *
spawn(struct push_service *s, const char *const *argv)
{
	int out[2];
	size_t i;
	union {
		const char *const *in;
		char *const *out;
	} args = { .in = argv };

	if (pipe2(out, O_CLOEXEC) != 0)
		die("pipe");
	s->pid = fork();
	if (s->pid < 0)
		die("fork");
	if (s->pid == 0) {
		dup2(out[1], 1);
		/* what it says of its refusals would look like trouble */
		if (strcmp(argv[0], "openssl") == 0)
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
		execvp(argv[0], args.out);
		_exit(127);
	}
	close(out[1]);
	for (i = 0; i < MAX_SERVICES; i++)
		if (running[i] == 0) {
			running[i] = s->pid;
			break;
		}
	return fdopen(out[0], "r");
}

static void
set_url(struct push_service *s)
{
	snprintf(s->url, sizeof(s->url), "https://localhost:%d", s->port);
}

void
pushd_start(struct push_service *s, int port, const char *a, const char *b)
{
	char cert[128], key[128], ca[128], number[16];
	const char *argv[] = { "node", "tests/system/pushd.js", "--cert", cert,
		"--key", key, "--client-ca", ca, "--log", s->log, "--port",
		number, a, b, NULL };
	FILE *f;

	memset(s, 0, sizeof(*s));
	snprintf(cert, sizeof(cert), "%s/server.pem", push_dir());
	snprintf(key, sizeof(key), "%s/server.key", dir);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	snprintf(number, sizeof(number), "%d", port);
	snprintf(s->log, sizeof(s->log), "%s/log", dir);
	f = spawn(s, argv);
	if (fscanf(f, "port %d control %d", &s->port, &s->control) != 2)
		die("pushd does not start");
	fclose(f);
	set_url(s);
}

/* A port that is free now. */
static int
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		die("no free port");
	close(fd);
	return ntohs(sin.sin_port);
}

static int
dial(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* They say nothing when they are ready. */
static void
wait_for(const struct push_service *s)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	int i, fd;

	for (i = 0; i < 500; i++) {
		fd = dial(s->port);
		if (fd >= 0) {
			close(fd);
			return;
		}
		nanosleep(&pause, NULL);
	}
	die("the service does not start");
}

void
nghttpd_start(struct push_service *s, const char *a, const char *b)
{
	char number[16], key[128], cert[128];
	const char *argv[9] = { "nghttpd", "--address=127.0.0.1" };
	size_t n = 2;

	memset(s, 0, sizeof(*s));
	s->port = free_port();
	snprintf(number, sizeof(number), "%d", s->port);
	snprintf(key, sizeof(key), "%s/server.key", push_dir());
	snprintf(cert, sizeof(cert), "%s/server.pem", dir);
	if (a != NULL)
		argv[n++] = a;
	if (b != NULL)
		argv[n++] = b;
	argv[n++] = number;
	argv[n++] = key;
	argv[n++] = cert;
	argv[n] = NULL;
	fclose(spawn(s, argv));
	set_url(s);
	wait_for(s);
}

void
picky_start(struct push_service *s, const char *tls)
{
	char number[32], key[128], cert[128];
	const char *argv[] = { "openssl", "s_server", "-quiet", "-alpn", "h2",
		"-Verify", "1", "-verify_return_error", "-CAfile", cert,
		"-cert", cert, "-key", key, "-accept", number, tls, NULL };

	memset(s, 0, sizeof(*s));
	s->port = free_port();
	snprintf(number, sizeof(number), "127.0.0.1:%d", s->port);
	snprintf(key, sizeof(key), "%s/server.key", push_dir());
	snprintf(cert, sizeof(cert), "%s/server.pem", dir);
	fclose(spawn(s, argv));
	set_url(s);
	wait_for(s);
}

void
push_service_stop(struct push_service *s)
{
	size_t i;

	kill(s->pid, SIGCONT);
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	for (i = 0; i < MAX_SERVICES; i++)
		if (running[i] == s->pid)
			running[i] = 0;
	s->pid = 0;
}

/* ---- pushd's control ---------------------------------------------------- */

void
pushd_tell(const struct push_service *s, const char *path, const char *json,
    char *ret, size_t size)
{
	char buf[4096];
	size_t have = 0;
	ssize_t n;
	int fd = dial(s->control);
	const char *body;

	if (fd < 0)
		die("pushd is gone");
	dprintf(fd,
	    "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    path, strlen(json), json);
	while (have < sizeof(buf) - 1 &&
	       (n = read(fd, buf + have, sizeof(buf) - 1 - have)) > 0)
		have += (size_t)n;
	close(fd);
	buf[have] = '\0';
	body = strstr(buf, "\r\n\r\n");
	if (strncmp(buf, "HTTP/1.1 200", 12) != 0 || body == NULL)
		die(buf);
	if (ret != NULL)
		snprintf(ret, size, "%s", body + 4);
}

long
pushd_stat(const struct push_service *s, const char *name)
{
	char reply[2048], key[64];
	const char *p;

	pushd_tell(s, "/stats", "", reply, sizeof(reply));
	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(reply, key);
	return p != NULL ? atol(p + strlen(key)) : -1;
}

size_t
pushd_logged(const struct push_service *s, const char *a, const char *b)
{
	char line[4096];
	size_t n = 0;
	FILE *f = fopen(s->log, "r");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, a) != NULL &&
		    (b == NULL || strstr(line, b) != NULL))
			n++;
	fclose(f);
	return n;
}

/* ---- answers ------------------------------------------------------------ */

struct pushes_sent *
pushes_new(void)
{
	memset(&sent, 0, sizeof(sent));
	pthread_mutex_init(&sent.mutex, NULL);
	pthread_cond_init(&sent.cond, NULL);
	return &sent;
}

void
pushes_done(void *arg, const struct apns_result *r)
{
	unsigned *calls = arg;
	size_t i = (size_t)(calls - sent.calls);

	pthread_mutex_lock(&sent.mutex);
	calls[0]++;
	sent.of[i] = r->outcome;
	sent.outcomes[r->outcome]++;
	sent.last = *r;
	sent.n++;
	pthread_cond_signal(&sent.cond);
	pthread_mutex_unlock(&sent.mutex);
}

enum err_code
pushes_send(struct pushes_sent *p, struct apns *a, struct apns_identity *id,
    const char *prefix, size_t i)
{
	char hex[65];
	struct buf token = { 0 };
	struct err err = { 0 };
	struct apns_push push = { .identity = id,
		.magic = "F6A4B1D2-0000-4000-8000-00000000000A",
		.expiration = 1790000000,
		.arg = &p->calls[i] };
	enum err_code rc;

	snprintf(
	    hex, sizeof(hex), "%s%0*zx", prefix, (int)(64 - strlen(prefix)), i);
	rc = text_unhex(bytes_text(hex), &token, &err);
	push.token = buf_view(&token);
	if (rc == ERR_OK)
		rc = apns_send(a, &push, pushes_done, &err);
	buf_free(&token);
	return rc;
}

size_t
pushes_wait(struct pushes_sent *p, size_t n)
{
	struct timespec until;
	size_t have;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&p->mutex);
	while (p->n < n &&
	       pthread_cond_timedwait(&p->cond, &p->mutex, &until) == 0)
		continue;
	have = p->n;
	pthread_mutex_unlock(&p->mutex);
	return have;
}

bool
pushes_once(struct pushes_sent *p, size_t n)
{
	bool once = true;
	size_t i;

	pthread_mutex_lock(&p->mutex);
	for (i = 0; i < n; i++)
		once = once && p->calls[i] == 1;
	once = once && p->n == n;
	pthread_mutex_unlock(&p->mutex);
	return once;
}
