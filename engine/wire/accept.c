#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/wire/loop_priv.h"

#define AT_ONCE 32

static const struct timeval rest_time = { .tv_usec = 100 * 1000 };

static struct loop *
least_busy(struct server *s)
{
	struct loop *best = s->loops[0];
	unsigned i;

	for (i = 1; i < s->n_loops; i++)
		if (atomic_load(&s->loops[i]->n_conns) <
		    atomic_load(&best->n_conns))
			best = s->loops[i];
	return best;
}

/* New clients stay in the kernel's queue; the idle make room for them. */
static void
pause_accept(struct loop *l)
{
	struct server *s = l->server;
	size_t i;

	for (i = 0; i < s->n_listens; i++)
		if (l->listeners[i] != NULL)
			event_del(l->listeners[i]);
	for (i = 0; i < s->n_loops; i++) {
		pthread_mutex_lock(&s->loops[i]->mutex);
		s->loops[i]->shed = 4;
		pthread_mutex_unlock(&s->loops[i]->mutex);
		loop_wake(s->loops[i]);
	}
	event_add(l->rest, &rest_time);
}

static bool
is_full(struct server *s)
{
	if (atomic_load(&s->n_conns) < s->options.max_connections)
		return false;
	atomic_store(&s->full, true);
	/* one may have gone in between */
	return atomic_load(&s->n_conns) >= s->options.max_connections;
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct loop *l = arg;
	struct sockaddr_storage peer;
	int fd, i, on = 1;
	socklen_t len;

	(void)what;
	for (i = 0; i < AT_ONCE; i++) {
		if (is_full(l->server)) {
			pause_accept(l);
			return;
		}
		len = sizeof(peer);
		fd = accept4(listen_fd, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM) {
				log_warn("no new connections for a moment: "
					 "too many open files or no memory");
				pause_accept(l);
			}
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		atomic_fetch_add(&l->server->accepted, 1);
		atomic_fetch_add(&l->server->n_conns, 1);
		loop_arrive(least_busy(l->server), fd, &peer);
	}
}

void
accept_resume(struct loop *l)
{
	size_t i;

	if (l->stopping || l->listeners == NULL)
		return;
	atomic_store(&l->server->full, false);
	for (i = 0; i < l->server->n_listens; i++)
		event_add(l->listeners[i], NULL);
}

static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	accept_resume(arg);
}

enum err_code
accept_open(struct loop *l, struct err *err)
{
	struct server *s = l->server;
	size_t i;

	l->listeners = calloc(s->n_listens + 1, sizeof(*l->listeners));
	l->rest = evtimer_new(l->base, on_rest, l);
	if (l->listeners == NULL || l->rest == NULL)
		return err_set(err, ERR_NO_MEMORY, "listeners");
	for (i = 0; i < s->n_listens; i++) {
		l->listeners[i] = event_new(l->base, s->listens[i].fd,
		    EV_READ | EV_PERSIST, on_accept, l);
		if (l->listeners[i] == NULL ||
		    event_add(l->listeners[i], NULL) != 0)
			return err_set(err, ERR_NO_MEMORY, "listeners");
	}
	return ERR_OK;
}

void
accept_close(struct loop *l)
{
	size_t i;

	for (i = 0; l->listeners != NULL && i < l->server->n_listens; i++) {
		if (l->listeners[i] != NULL)
			event_free(l->listeners[i]);
		if (l->server->listens[i].fd >= 0)
			close(l->server->listens[i].fd);
		l->server->listens[i].fd = -1;
	}
	free(l->listeners);
	l->listeners = NULL;
	if (l->rest != NULL)
		event_free(l->rest);
	l->rest = NULL;
}
