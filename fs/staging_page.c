/* staging/NAME/check, diff and commit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/handlers.h"
#include "fs/staging.h"
#include "fs/text.h"

/* What the engine says of each item, beside what the plan says. */
struct run {
	struct staging *s;
	char **paths; /* of the items */
	struct buf faults;
	unsigned nfaults;
	enum err_code first;
};

static void
begin(void *arg)
{
	struct run *r = arg;

	buf_reset(&r->faults);
	r->nfaults = 0;
}

static void
fault(void *arg, size_t item, const struct err *err)
{
	struct run *r = arg;

	if (r->nfaults++ == 0)
		r->first = err->code;
	text_fault(&r->faults, r->paths[item], err);
}

/* Writes, then removals, then modes: one list of items, one of paths. */
static enum err_code
join(const struct staging *s, struct file_batch *b, char ***paths,
    struct err *err)
{
	const struct staging_items *lists[] = { &s->writes, &s->removals,
		&s->attrs };
	size_t n = s->writes.n + s->removals.n + s->attrs.n;
	struct file_item *items = calloc(n + 1, sizeof(*items));

	*paths = calloc(n + 1, sizeof(**paths));
	if (items == NULL || *paths == NULL) {
		free(items);
		free(*paths);
		*paths = NULL;
		return err_set(err, ERR_NO_MEMORY, "staging");
	}
	for (unsigned i = 0; i < 3; i++) {
		if (lists[i]->n == 0)
			continue;
		memcpy(items + b->n, lists[i]->items,
		    lists[i]->n * sizeof(*items));
		memcpy(*paths + b->n, lists[i]->paths,
		    lists[i]->n * sizeof(**paths));
		b->n += lists[i]->n;
	}
	b->items = items;
	return ERR_OK;
}

enum err_code
staging_run(struct staging *s, bool judge_only, struct err *err)
{
	struct run r = { .s = s };
	char event[1024];
	struct file_batch b = { .judge_only = judge_only,
		.stage = s->stage,
		.actor = s->actor,
		.event = event,
		.begin = begin,
		.fault = fault,
		.arg = &r };
	enum err_code rc;

	snprintf(event, sizeof(event),
	    "uid=%u pid=%d comm=%s applied %s: %u added, %u changed, %u "
	    "removed",
	    s->actor->uid, s->actor->pid,
	    s->actor->comm[0] != '\0' ? s->actor->comm : "-", s->name, s->added,
	    s->changed, s->removed);
	if ((rc = join(s, &b, &r.paths, err)) != ERR_OK)
		return rc;
	rc = file_write_all(s->engine, &b, err);
	if (r.nfaults > 0) {
		rc = ERR_OK; /* told by the faults */
		if (s->nfaults == 0)
			s->first = r.first;
		s->nfaults += r.nfaults;
		buf_bytes(&s->faults, buf_view(&r.faults));
	}
	buf_free(&r.faults);
	free((void *)(uintptr_t)b.items);
	free(r.paths);
	return rc;
}

static void
counts(const struct staging *s, struct buf *b)
{
	buf_printf(b, "%u to add, %u to change, %u to remove", s->added,
	    s->changed, s->removed);
}

enum err_code
staging_check_read(const struct at *at, struct buf *b, struct err *err)
{
	struct staging s;
	enum err_code rc = staging_plan(&s, at, err);

	if (rc == ERR_OK)
		rc = staging_run(&s, true, err);
	if (rc == ERR_OK && s.nfaults == 0) {
		buf_text(b, "nothing is wrong: ");
		counts(&s, b);
		buf_char(b, '\n');
	} else if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&s.faults));
	}
	staging_fini(&s);
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

enum err_code
staging_diff_read(const struct at *at, struct buf *b, struct err *err)
{
	struct staging s;
	enum err_code rc = staging_plan(&s, at, err);

	if (rc == ERR_OK)
		buf_bytes(b, buf_view(&s.lines));
	staging_fini(&s);
	return rc == ERR_OK ? buf_error(b, err) : rc;
}

enum err_code
staging_commit_write(const struct at *at, struct bytes bytes, struct err *err)
{
	struct staging s;
	enum err_code rc = staging_plan(&s, at, err);

	(void)bytes;
	/* all faults are told, also if there are some already */
	if (rc == ERR_OK)
		rc = staging_run(&s, s.nfaults > 0, err);
	if (rc == ERR_OK && s.nfaults > 0)
		rc = err_set(err, s.first,
		    "nothing was applied, %u %s (%s/check has them all)\n%s",
		    s.nfaults, s.nfaults == 1 ? "fault" : "faults", s.name,
		    buf_str(&s.faults));
	staging_fini(&s);
	return rc;
}
