#include "fs/refusal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mdmfs/event.h"

#include "fs/text.h"

struct entry {
	uint64_t number; /* 0: free */
	uint64_t dir;    /* 0: no longer shown in the directory */
	bool newest;     /* not cleared by an accepted write beside it */
	char *name;
	char *page;
	uint32_t uid;
	int64_t at;
};

struct refusals {
	struct engine *engine;
	pthread_mutex_t mutex; /* protects everything below */
	struct entry ring[REFUSAL_MAX];
	uint64_t last;
};

struct refusals *
refusals_new(struct engine *e)
{
	struct refusals *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->engine = e;
	pthread_mutex_init(&r->mutex, NULL);
	return r;
}

void
refusals_free(struct refusals *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < REFUSAL_MAX; i++) {
		free(r->ring[i].name);
		free(r->ring[i].page);
	}
	pthread_mutex_destroy(&r->mutex);
	free(r);
}

static const char *
errno_name(enum err_code code)
{
	const char *name = strerrorname_np(err_errno(code));

	return name != NULL ? name : "EIO";
}

static void
write_page(struct buf *b, const struct refusal *f, int64_t now)
{
	struct bytes rest = bytes_text(f->err->msg);

	buf_printf(b, "%s %s\nfile: ", errno_name(f->err->code),
	    strerrordesc_np(err_errno(f->err->code)));
	text_line_safe(b, f->path);
	buf_char(b, '\n');
	do {
		const uint8_t *nl =
		    rest.len == 0 ? NULL : memchr(rest.p, '\n', rest.len);
		size_t n = nl == NULL ? rest.len : (size_t)(nl - rest.p);

		buf_text(b, "reason: ");
		buf_put(b, rest.p, n);
		buf_char(b, '\n');
		n += nl != NULL;
		rest = bytes_of(rest.p + n, rest.len - n);
	} while (rest.len > 0);
	buf_text(b, "time: ");
	text_rfc3339(b, now);
	buf_printf(b, "\nuid: %u\n", f->actor.uid);
	if (f->actor.pid != 0)
		buf_printf(b, "pid: %d\n", f->actor.pid);
	if (f->actor.comm[0] != '\0') {
		buf_text(b, "command: ");
		text_line_safe(b, f->actor.comm);
		buf_char(b, '\n');
	}
}

static void
write_event(struct refusals *r, const struct refusal *f)
{
	size_t reason = strcspn(f->err->msg, "\n");
	struct buf b = { 0 };

	if (r->engine == NULL)
		return;
	buf_printf(&b, "uid=%u", f->actor.uid);
	if (f->actor.pid != 0)
		buf_printf(&b, " pid=%d", f->actor.pid);
	if (f->actor.comm[0] != '\0') {
		buf_text(&b, " comm=");
		text_line_safe(&b, f->actor.comm);
	}
	buf_text(&b, " refused ");
	text_line_safe(&b, f->path);
	buf_printf(&b, " %s: %.*s", errno_name(f->err->code), (int)reason,
	    f->err->msg);
	/* an event that cannot be written has nowhere else to be told */
	if (event_note(r->engine, f->org, buf_str(&b), NULL) != ERR_OK)
		buf_reset(&b);
	buf_free(&b);
}

/* Two entries of one name, or of one directory that are both newest, would
 * only ever show the later one. */
static void
forget(struct refusals *r, uint64_t dir, const char *name)
{
	for (unsigned i = 0; i < REFUSAL_MAX; i++) {
		struct entry *e = &r->ring[i];

		if (e->number == 0 || e->dir != dir)
			continue;
		e->newest = false;
		if (strcmp(e->name, name) == 0)
			e->dir = 0;
	}
}

void
refusal_record(struct refusals *r, const struct refusal *f)
{
	struct buf page = { 0 };
	int64_t now = time(NULL);
	char *name = strdup(f->name), *text = NULL;
	struct entry *e;

	write_page(&page, f, now);
	text = strdup(buf_str(&page));
	buf_free(&page);
	if (name == NULL || text == NULL) {
		free(name);
		free(text);
		return;
	}
	pthread_mutex_lock(&r->mutex);
	forget(r, f->dir, name);
	e = &r->ring[++r->last % REFUSAL_MAX];
	free(e->name);
	free(e->page);
	*e = (struct entry){ .number = r->last,
		.dir = f->dir,
		.newest = true,
		.name = name,
		.page = text,
		.uid = f->actor.uid,
		.at = now };
	pthread_mutex_unlock(&r->mutex);
	write_event(r, f);
}

void
refusal_clear(struct refusals *r, uint64_t dir, const char *name)
{
	pthread_mutex_lock(&r->mutex);
	forget(r, dir, name);
	pthread_mutex_unlock(&r->mutex);
}

uint64_t
refusal_of_name(struct refusals *r, uint64_t dir, const char *name)
{
	uint64_t found = 0;

	pthread_mutex_lock(&r->mutex);
	for (unsigned i = 0; i < REFUSAL_MAX; i++) {
		const struct entry *e = &r->ring[i];

		if (e->number > found && e->dir == dir &&
		    (name == NULL ? e->newest : strcmp(e->name, name) == 0))
			found = e->number;
	}
	pthread_mutex_unlock(&r->mutex);
	return found;
}

uint64_t
refusal_of_user(struct refusals *r, uint32_t uid)
{
	uint64_t found = 0;

	pthread_mutex_lock(&r->mutex);
	for (unsigned i = 0; i < REFUSAL_MAX; i++)
		if (r->ring[i].number > found && r->ring[i].uid == uid)
			found = r->ring[i].number;
	pthread_mutex_unlock(&r->mutex);
	return found;
}

enum err_code
refusal_page(
    struct refusals *r, uint64_t number, struct buf *b, struct err *err)
{
	const struct entry *e = &r->ring[number % REFUSAL_MAX];
	bool found;

	pthread_mutex_lock(&r->mutex);
	found = number != 0 && e->number == number;
	if (found)
		buf_text(b, e->page);
	pthread_mutex_unlock(&r->mutex);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "no longer kept");
	return buf_error(b, err);
}

int64_t
refusal_time(struct refusals *r, uint64_t number, uint64_t *dir)
{
	const struct entry *e = &r->ring[number % REFUSAL_MAX];
	int64_t at;

	pthread_mutex_lock(&r->mutex);
	at = number != 0 && e->number == number ? e->at : 0;
	if (dir != NULL)
		*dir = at != 0 ? e->dir : 0;
	pthread_mutex_unlock(&r->mutex);
	return at;
}
