/*
 * What status/ shows of groups and of commands for many.
 */
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/facts.h"
#include "engine/model/group_settle.h"
#include "engine/model/groups_priv.h"
#include "engine/model/mass.h"
#include "engine/model/orgs.h"

#define BAR 40 /* characters */

struct page {
	struct engine *engine;
	struct txn *t;
	uint32_t org;
	uint64_t group;
	uint32_t after;
	const char *name;
	uint32_t command;
	group_fn *group_fn;
	group_command_fn *command_fn;
	void *arg;
	uint64_t after_group;
	uint64_t found;
	struct buf b;
};

static enum err_code
render(struct page *p, txn_fn *fn, struct buf *b, struct err *err)
{
	enum err_code rc = store_view(p->engine->store, fn, p, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&p->b));
		rc = buf_error(b, err);
	}
	buf_free(&p->b);
	return rc;
}

/* ---- names -------------------------------------------------------------- */

/* orgs/ORG/groups.  ERR_NOT_FOUND */
static enum err_code
groups_dir(struct page *p, struct node *ret, struct err *err)
{
	struct org o;
	enum err_code rc = org_read(p->t, p->org, &o, err);

	return rc == ERR_OK ? node_find(p->t, o.dir, "groups", ret, err) : rc;
}

static enum err_code
list_group(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct page *p = arg;

	(void)t;
	(void)err;
	if (n->n.place == PLACE_GROUP)
		*stop = !p->group_fn(p->arg, n->name, n->n.ino);
	return ERR_OK;
}

static enum err_code
list_groups_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct node dir;
	enum err_code rc;

	p->t = t;
	if ((rc = groups_dir(p, &dir, NULL)) == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "groups: %s", err_text(rc));
	return node_each(t, dir.n.ino, p->after_group, list_group, p, err);
}

enum err_code
group_list(struct engine *e, uint32_t org, uint64_t after, group_fn *fn,
    void *arg, struct err *err)
{
	struct page p = { .engine = e,
		.org = org,
		.after_group = after,
		.group_fn = fn,
		.arg = arg };

	return store_view(e->store, list_groups_txn, &p, err);
}

static enum err_code
find_group_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct node dir, n;
	enum err_code rc;

	p->t = t;
	if ((rc = groups_dir(p, &dir, err)) != ERR_OK ||
	    (rc = node_find(t, dir.n.ino, p->name, &n, err)) != ERR_OK)
		return rc;
	if (n.n.place != PLACE_GROUP)
		return err_set(err, ERR_NOT_FOUND, "no such group");
	p->found = n.n.ino;
	return ERR_OK;
}

enum err_code
group_find(struct engine *e, uint32_t org, const char *name, uint64_t *group,
    struct err *err)
{
	struct page p = { .engine = e, .org = org, .name = name };
	enum err_code rc = store_view(e->store, find_group_txn, &p, err);

	if (rc == ERR_OK)
		*group = p.found;
	return rc;
}

static enum err_code
list_command(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct page *p = arg;
	struct mass m, newest;
	enum err_code rc =
	    mass_read(p->t, (uint32_t)key_get_u64(key, 5), &m, err);

	(void)value;
	if (rc != ERR_OK || m.group != p->group)
		return rc;
	/* an older one of that name has no page any more */
	if (mass_find(p->t, p->org, p->group, m.name, &newest, NULL) ==
		ERR_OK &&
	    newest.number == m.number)
		*stop = !p->command_fn(p->arg, m.name, m.number);
	return ERR_OK;
}

static enum err_code
org_of_group(struct page *p, struct err *err)
{
	struct node n;
	enum err_code rc;

	if (p->group == 0)
		return ERR_OK;
	if ((rc = node_get(p->t, p->group, &n, err)) == ERR_OK)
		p->org = n.n.org;
	return rc;
}

static enum err_code
list_commands_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct key prefix = key_of(KIND_MASS_OF), from;
	enum err_code rc;

	p->t = t;
	if ((rc = org_of_group(p, err)) != ERR_OK)
		return rc;
	key_u32(&prefix, p->org);
	from = prefix;
	key_u64(&from, (uint64_t)p->after + 1);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), list_command, p, err);
}

enum err_code
group_commands(struct engine *e, const struct group_commands_of *of,
    group_command_fn *fn, void *arg, struct err *err)
{
	struct page p = { .engine = e,
		.org = of->org,
		.group = of->group,
		.after = of->after,
		.command_fn = fn,
		.arg = arg };

	return store_view(e->store, list_commands_txn, &p, err);
}

static enum err_code
find_command_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct mass m;
	enum err_code rc;

	p->t = t;
	if ((rc = org_of_group(p, err)) == ERR_OK)
		rc = mass_find(t, p->org, p->group, p->name, &m, err);
	if (rc == ERR_OK)
		p->found = m.number;
	return rc;
}

enum err_code
group_command_find(struct engine *e, const struct group_commands_of *of,
    const char *name, uint32_t *command, struct err *err)
{
	struct page p = {
		.engine = e, .org = of->org, .group = of->group, .name = name
	};
	enum err_code rc = store_view(e->store, find_command_txn, &p, err);

	if (rc == ERR_OK)
		*command = (uint32_t)p.found;
	return rc;
}

/* ---- members ------------------------------------------------------------ */

static void
put_fact(struct page *p, uint32_t device, const char *fact)
{
	struct buf text = { 0 };

	buf_char(&p->b, '\t');
	if (fact_get(p->t, device, fact, &text, NULL) == ERR_OK)
		buf_bytes(&p->b, buf_view(&text)); /* it is escaped */
	buf_free(&text);
}

static enum err_code
put_member(void *arg, uint32_t device, bool *stop, struct err *err)
{
	struct page *p = arg;
	struct device d;
	enum err_code rc = device_read(p->t, device, &d, err);

	(void)stop;
	if (rc != ERR_OK)
		return rc;
	buf_text(&p->b, d.udid);
	put_fact(p, device, "SerialNumber");
	put_fact(p, device, "DeviceName");
	buf_char(&p->b, '\n');
	return ERR_OK;
}

struct matching {
	struct page *p;
	struct bytes glob;
	bool found;
};

static enum err_code
match_one(void *arg, uint32_t device, bool *stop, struct err *err)
{
	struct matching *m = arg;
	struct member_names names;
	struct device d;
	enum err_code rc = device_read(m->p->t, device, &d, err);

	if (rc != ERR_OK)
		return rc;
	member_names_read(m->p->t, &d, &names);
	m->found = *stop = member_matches(&names, m->glob);
	return ERR_OK;
}

/* Whether the line stands for one of the members. */
static enum err_code
matches(struct page *p, struct bytes line, bool *ret, struct err *err)
{
	struct matching m = { p, line, false };
	uint32_t device;
	enum err_code rc = ERR_OK;

	if (member_is_glob(line))
		rc = group_each_member(p->t, p->group, 0, match_one, &m, err);
	*ret = member_is_glob(line)
	           ? m.found
	           : member_device(p->t, p->org, line, &device);
	return rc;
}

static enum err_code
put_unmatched(struct page *p, struct bytes file, struct err *err)
{
	struct bytes line;
	bool yes = true;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && member_line(&file, &line)) {
		rc = matches(p, line, &yes, err);
		if (rc == ERR_OK && !yes) {
			buf_text(&p->b, "# matches no device: ");
			text_escape(&p->b, line);
			buf_char(&p->b, '\n');
		}
	}
	return rc;
}

/* The list is not whole yet. */
static enum err_code
put_open(struct page *p, bool *is_open, struct err *err)
{
	struct group_open o;
	enum err_code rc = group_open_read(p->t, p->group, &o, err);

	*is_open = rc == ERR_OK;
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	buf_text(&p->b, "# not all members are found yet: since ");
	text_time(&p->b, o.since);
	buf_printf(&p->b, " %u joined, %u left\n", o.joined, o.parted);
	return ERR_OK;
}

static enum err_code
members_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct buf file = { 0 };
	struct node n;
	bool is_open;
	enum err_code rc;

	buf_reset(&p->b);
	p->t = t;
	if ((rc = org_of_group(p, err)) != ERR_OK ||
	    (rc = put_open(p, &is_open, err)) != ERR_OK ||
	    (rc = group_each_member(t, p->group, 0, put_member, p, err)) !=
		ERR_OK)
		return rc;
	if (!is_open && node_find(t, p->group, "members", &n, NULL) == ERR_OK &&
	    (rc = node_get_content(t, &n, &file, err)) == ERR_OK)
		rc = put_unmatched(p, buf_view(&file), err);
	buf_free(&file);
	return rc;
}

enum err_code
group_members_page(
    struct engine *e, uint64_t group, struct buf *b, struct err *err)
{
	struct page p = { .engine = e, .group = group };

	return render(&p, members_txn, b, err);
}

/* ---- progress ----------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *word;
	enum mass_count count;
	bool over;
} counts[] = {
	{ "not-yet-queued", MASS_LEFT,      false },
	{ "queued",         MASS_QUEUED,    false },
	{ "pushed",         MASS_PUSHED,    false },
	{ "sent",           MASS_SENT,      false },
	{ "not-now",        MASS_NOT_NOW,   false },
	{ "acknowledged",   MASS_DONE,      true },
	{ "failed",         MASS_FAILED,    true },
	{ "skipped",        MASS_SKIPPED,   true },
	{ "cancelled",      MASS_CANCELLED, true },
	{ "expired",        MASS_EXPIRED,   true },
	{ "dropped",        MASS_DROPPED,   true },
};
/* clang-format on */

static void
line_time(struct buf *b, const char *key, int64_t at)
{
	if (at == 0)
		return;
	buf_printf(b, "%s: ", key);
	text_time(b, at);
	buf_char(b, '\n');
}

static void
put_bar(struct buf *b, const struct mass *m)
{
	uint64_t over = 0, done = m->n[MASS_DONE], all = m->members;
	unsigned i;
	size_t k;

	for (k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
		if (counts[k].over)
			over += m->n[counts[k].count];
	buf_text(b, "progress: [");
	for (i = 0; i < BAR; i++)
		buf_char(b, i * all < done * BAR   ? '#'
			    : i * all < over * BAR ? '-'
						   : ' ');
	buf_printf(b, "] %llu%%\n",
	    (unsigned long long)(all == 0 ? 100 : over * 100 / all));
}

static enum err_code
put_note(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	struct page *p = arg;
	uint32_t device = key_get_u32(key, 9);
	char udid[DEVICE_ID_MAX + 1] = "?";
	uint8_t version, what;
	struct reader r = reader_of(value, &version);

	(void)stop;
	(void)err;
	what = read_u8(&r);
	(void)device_udid(p->t, device, udid);
	buf_printf(&p->b, "%s\t%s\t",
	    what == MASS_SKIPPED ? "skipped" : "failed", udid);
	text_escape(&p->b, read_bytes(&r));
	buf_char(&p->b, '\n');
	return ERR_OK;
}

static enum err_code
command_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct key notes = key_of(KIND_MASS_NOTE);
	struct mass m;
	enum err_code rc = mass_read(t, p->command, &m, err);
	size_t i;

	buf_reset(&p->b);
	p->t = t;
	if (rc != ERR_OK)
		return rc;
	buf_printf(&p->b, "command: %s\nstate: %s\n", m.type,
	    m.ended_at != 0 ? "over"
	    : m.stopping
		? m.stopped_as == QUEUE_EXPIRED ? "expired" : "cancelled"
		: "running");
	put_bar(&p->b, &m);
	buf_printf(&p->b, "members: %u\n", m.members);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		buf_printf(
		    &p->b, "%s: %u\n", counts[i].word, m.n[counts[i].count]);
	line_time(&p->b, "since", m.since);
	line_time(&p->b, "expires", m.expires);
	line_time(&p->b, "ended", m.ended_at);
	key_u64(&notes, m.number);
	rc = txn_each(t, key_view(&notes), BYTES_NONE, put_note, p, err);
	if (m.n[MASS_FAILED] + m.n[MASS_SKIPPED] > m.notes)
		buf_printf(&p->b, "# and %u more\n",
		    m.n[MASS_FAILED] + m.n[MASS_SKIPPED] - m.notes);
	return rc;
}

enum err_code
group_command_page(
    struct engine *e, uint32_t command, struct buf *b, struct err *err)
{
	struct page p = { .engine = e, .command = command };

	return render(&p, command_txn, b, err);
}
