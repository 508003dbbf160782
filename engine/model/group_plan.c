#include "engine/model/group_plan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/model/group_file.h"

enum act_kind {
	ACT_FORGET_LINE,
	ACT_FORGET_GLOB,
	ACT_ENTER_LINE,
	ACT_ENTER_GLOB,
	ACT_PART,
	ACT_JOIN,
};

struct act {
	enum act_kind kind;
	struct bytes text;
	uint32_t device;
};

struct plan {
	uint32_t org;
	uint64_t group;
	struct group_file file;
	unsigned phase;
	bool begun;      /* from is where the phase goes on, or */
	struct key from; /* index is */
	size_t index;
	size_t n;
	struct act acts[PLAN_SLICE];
	struct arena *texts; /* of acts */
};

enum err_code
plan_new(uint32_t org, uint64_t group, struct bytes file, struct plan **ret,
    struct err *err)
{
	struct plan *p = calloc(1, sizeof(*p));
	enum err_code rc;

	if (p == NULL || (p->texts = arena_new()) == NULL) {
		free(p);
		return err_set(err, ERR_NO_MEMORY, "members");
	}
	p->org = org;
	p->group = group;
	if ((rc = group_file_parse(&p->file, file, err)) != ERR_OK) {
		plan_free(p);
		return rc;
	}
	*ret = p;
	return ERR_OK;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	group_file_fini(&p->file);
	arena_free(p->texts);
	free(p);
}

/* ---- the walk ----------------------------------------------------------- */

struct look {
	struct txn *t;
	struct plan *p;
	uint32_t looked;
	bool stopped;
};

static enum err_code
note(struct plan *p, enum act_kind kind, struct bytes text, uint32_t device,
    struct err *err)
{
	struct act a = { kind, text, device };

	if (kind == ACT_FORGET_LINE || kind == ACT_FORGET_GLOB) {
		a.text.p = (const uint8_t *)arena_text(p->texts, text);
		if (a.text.p == NULL)
			return err_set(err, ERR_NO_MEMORY, "members");
	}
	p->acts[p->n++] = a;
	return ERR_OK;
}

static bool
is_full(const struct look *l)
{
	return l->p->n == PLAN_SLICE || l->looked == PLAN_LOOK;
}

/* Where a walk over records stops, it goes on with that one. */
static bool
stops_at(struct look *l, struct bytes key)
{
	struct plan *p = l->p;

	if (!is_full(l)) {
		l->looked++;
		return false;
	}
	p->from.len = 0;
	key_bytes(&p->from, key);
	p->begun = true;
	return l->stopped = true;
}

static enum err_code
walk(struct look *l, const struct key *prefix, each_fn *fn, struct err *err)
{
	const struct plan *p = l->p;
	struct key from = p->from;

	return txn_each(l->t, key_view(prefix),
	    p->begun ? key_view(&from) : BYTES_NONE, fn, l, err);
}

static enum err_code
old_glob(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct look *l = arg;
	struct bytes text = bytes_of(key.p + 13, key.len - 13);

	(void)value;
	if ((*stop = stops_at(l, key)) || words_have(&l->p->file.globs, text))
		return ERR_OK;
	return note(l->p, ACT_FORGET_GLOB, text, 0, err);
}

static enum err_code
old_globs(struct look *l, struct err *err)
{
	struct key prefix = group_glob_key(l->p->org, l->p->group, BYTES_NONE);

	return walk(l, &prefix, old_glob, err);
}

static enum err_code
old_line(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct look *l = arg;
	struct bytes text = bytes_of(key.p + 9, key.len - 9);

	(void)value;
	if ((*stop = stops_at(l, key)) || words_have(&l->p->file.lines, text))
		return ERR_OK;
	return note(l->p, ACT_FORGET_LINE, text, 0, err);
}

static enum err_code
old_lines(struct look *l, struct err *err)
{
	struct key prefix = group_says_key(l->p->group, BYTES_NONE);

	return walk(l, &prefix, old_line, err);
}

/* The next word, or NULL: enough for now, or the last one was. */
static const struct bytes *
next_word(struct look *l, const struct words *w)
{
	struct plan *p = l->p;

	if (p->index == w->n)
		return NULL;
	if (is_full(l)) {
		l->stopped = true;
		return NULL;
	}
	l->looked++;
	return &w->p[p->index++];
}

static enum err_code
new_globs(struct look *l, struct err *err)
{
	struct plan *p = l->p;
	const struct bytes *word;
	struct bytes value;
	struct key k;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && (word = next_word(l, &p->file.globs)) != NULL) {
		k = group_glob_key(p->org, p->group, *word);
		if (txn_get(l->t, key_view(&k), &value, NULL) != ERR_OK)
			rc = note(p, ACT_ENTER_GLOB, *word, 0, err);
	}
	return rc;
}

static enum err_code
new_lines(struct look *l, struct err *err)
{
	struct plan *p = l->p;
	const struct bytes *word;
	struct bytes value;
	struct key k;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && (word = next_word(l, &p->file.lines)) != NULL) {
		k = group_says_key(p->group, *word);
		if (txn_get(l->t, key_view(&k), &value, NULL) != ERR_OK)
			rc = note(p, ACT_ENTER_LINE, *word, 0, err);
	}
	return rc;
}

static enum err_code
old_member(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct look *l = arg;
	uint32_t device = key_get_u32(key, 9);
	struct device d;
	enum err_code rc;

	(void)value;
	if ((*stop = stops_at(l, key)))
		return ERR_OK;
	if ((rc = device_read(l->t, device, &d, err)) != ERR_OK)
		return rc;
	return group_file_names(l->t, &l->p->file, l->p->org, &d)
	           ? ERR_OK
	           : note(l->p, ACT_PART, BYTES_NONE, device, err);
}

static enum err_code
old_members(struct look *l, struct err *err)
{
	struct key prefix = key_of(KIND_GROUP_MEMBER);

	key_u64(&prefix, l->p->group);
	return walk(l, &prefix, old_member, err);
}

static enum err_code
of_org(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct look *l = arg;
	uint32_t device = key_get_u32(key, 5);
	struct device d;
	enum err_code rc;

	(void)value;
	if ((*stop = stops_at(l, key)) || group_has(l->t, l->p->group, device))
		return ERR_OK;
	if ((rc = device_read(l->t, device, &d, err)) != ERR_OK)
		return rc;
	return group_file_names(l->t, &l->p->file, l->p->org, &d)
	           ? note(l->p, ACT_JOIN, BYTES_NONE, device, err)
	           : ERR_OK;
}

/* Lines lead to their devices; globs are looked for in the organization. */
static enum err_code
new_members(struct look *l, struct err *err)
{
	struct plan *p = l->p;
	struct key prefix = key_of(KIND_DEVICE_ORG);
	const struct bytes *word;
	uint32_t device;
	enum err_code rc = ERR_OK;

	key_u32(&prefix, p->org);
	if (p->file.globs.n > 0)
		return walk(l, &prefix, of_org, err);
	while (rc == ERR_OK && (word = next_word(l, &p->file.lines)) != NULL)
		if (member_device(l->t, p->org, *word, &device) &&
		    !group_has(l->t, p->group, device))
			rc = note(p, ACT_JOIN, BYTES_NONE, device, err);
	return rc;
}

typedef enum err_code phase_fn(struct look *l, struct err *err);
static phase_fn *const phases[] = { old_globs, old_lines, new_globs, new_lines,
	old_members, new_members };

#define PHASES (sizeof(phases) / sizeof(phases[0]))

bool
plan_is_over(const struct plan *p)
{
	return p->phase == PHASES;
}

size_t
plan_noted(const struct plan *p)
{
	return p->n;
}

enum err_code
plan_look(struct txn *t, struct plan *p, uint32_t *looked, struct err *err)
{
	struct look l = { t, p, 0, false };
	enum err_code rc;

	if (plan_is_over(p))
		return ERR_OK;
	rc = phases[p->phase](&l, err);
	*looked += l.looked;
	if (rc == ERR_OK && !l.stopped) {
		p->phase++;
		p->begun = false;
		p->index = 0;
	}
	return rc;
}

void
plan_next(struct plan *p)
{
	p->n = 0;
	arena_reset(p->texts);
}

/* ---- doing it ----------------------------------------------------------- */

static enum err_code
move(struct txn *t, const struct plan *p, const struct act *a, uint32_t *n,
    struct err *err)
{
	bool joins = a->kind == ACT_JOIN;
	struct device d;
	enum err_code rc = device_read(t, a->device, &d, NULL);

	if (rc == ERR_NOT_FOUND) /* it took its memberships along */
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "members: %s", err_text(rc));
	if (group_file_names(t, &p->file, p->org, &d) != joins ||
	    group_has(t, p->group, a->device) == joins)
		return ERR_OK;
	++*n;
	return joins ? group_join(t, p->group, a->device, err)
	             : group_part(t, p->group, a->device, err);
}

static enum err_code
act(struct txn *t, const struct plan *p, const struct act *a, struct err *err)
{
	bool is_glob = a->kind == ACT_FORGET_GLOB || a->kind == ACT_ENTER_GLOB;
	bool enters = a->kind == ACT_ENTER_GLOB || a->kind == ACT_ENTER_LINE;
	struct key k = is_glob ? group_glob_key(p->org, p->group, a->text)
	                       : group_line_key(p->org, a->text, p->group);
	struct key says = group_says_key(p->group, a->text);
	enum err_code rc = enters ? txn_put(t, key_view(&k), BYTES_NONE, err)
	                          : txn_drop(t, &k, err);

	if (rc != ERR_OK || is_glob)
		return rc;
	return enters ? txn_put(t, key_view(&says), BYTES_NONE, err)
	              : txn_drop(t, &says, err);
}

enum err_code
plan_act(struct txn *t, const struct plan *p, uint32_t *joined,
    uint32_t *parted, struct err *err)
{
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; rc == ERR_OK && i < p->n; i++) {
		const struct act *a = &p->acts[i];

		if (a->kind == ACT_JOIN)
			rc = move(t, p, a, joined, err);
		else if (a->kind == ACT_PART)
			rc = move(t, p, a, parted, err);
		else
			rc = act(t, p, a, err);
	}
	return rc;
}
