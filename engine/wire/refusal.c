#include "engine/wire/refusal_priv.h"

#include <stdio.h>

#include "engine/wire/request_priv.h"

void
refusal_init(struct refusal *r)
{
	r->last = (struct server_refusal){ .n = 0 };
	pthread_mutex_init(&r->mutex, NULL);
}

void
refusal_fini(struct refusal *r)
{
	pthread_mutex_destroy(&r->mutex);
}

void
refusal_note(struct refusal *r, const struct request *request, const char *peer,
    int status)
{
	const char *text;

	if (request == NULL || request->route == NULL ||
	    (status != 408 && status != 413))
		return;
	text = (const char *)request->text.p;
	pthread_mutex_lock(&r->mutex);
	r->last.n++;
	r->last.status = status;
	r->last.limit = request->route->body_limit;
	snprintf(r->last.method, sizeof(r->last.method), "%s",
	    text + request->method);
	snprintf(
	    r->last.path, sizeof(r->last.path), "%s", text + request->path);
	snprintf(r->last.peer, sizeof(r->last.peer), "%s", peer);
	pthread_mutex_unlock(&r->mutex);
}

void
refusal_get(struct refusal *r, struct server_refusal *ret)
{
	pthread_mutex_lock(&r->mutex);
	*ret = r->last;
	pthread_mutex_unlock(&r->mutex);
}
