#include "engine/model/group_file.h"

#include <stdlib.h>
#include <string.h>

#include "engine/model/facts.h"

static int
compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : x->len < y->len ? -1 : x->len > y->len;
}

static enum err_code
words_add(struct words *w, struct bytes word, struct err *err)
{
	struct bytes *more;

	if (w->n == w->cap) {
		w->cap = w->cap * 2 + 64;
		more = reallocarray(w->p, w->cap, sizeof(*more));
		if (more == NULL)
			return err_set(err, ERR_NO_MEMORY, "members");
		w->p = more;
	}
	w->p[w->n++] = word;
	return ERR_OK;
}

static void
words_sort(struct words *w)
{
	size_t i, n = 0;

	if (w->n == 0)
		return;
	qsort(w->p, w->n, sizeof(*w->p), compare);
	for (i = 0; i < w->n; i++)
		if (n == 0 || !bytes_equal(w->p[n - 1], w->p[i]))
			w->p[n++] = w->p[i];
	w->n = n;
}

bool
words_have(const struct words *w, struct bytes word)
{
	return w->n > 0 &&
	       bsearch(&word, w->p, w->n, sizeof(word), compare) != NULL;
}

enum err_code
group_file_parse(struct group_file *f, struct bytes bytes, struct err *err)
{
	struct bytes rest, line;
	enum err_code rc;

	buf_bytes(&f->bytes, bytes);
	rc = buf_error(&f->bytes, err);
	rest = buf_view(&f->bytes);
	while (rc == ERR_OK && member_line(&rest, &line))
		rc = words_add(
		    member_is_glob(line) ? &f->globs : &f->lines, line, err);
	if (rc == ERR_OK) {
		words_sort(&f->lines);
		words_sort(&f->globs);
	}
	return rc;
}

void
group_file_fini(struct group_file *f)
{
	free(f->lines.p);
	free(f->globs.p);
	buf_free(&f->bytes);
}

static bool
globs_match(const struct group_file *f, const struct member_names *names)
{
	size_t i;

	for (i = 0; i < f->globs.n; i++)
		if (member_matches(names, f->globs.p[i]))
			return true;
	return false;
}

/* Most are named by their UDID, if at all, and
 * what else there is costs more to read. */
bool
group_file_names(struct txn *t, const struct group_file *f, uint32_t org,
    const struct device *d)
{
	struct member_names names = { .serial = "" };

	if (d->org != org)
		return false;
	memcpy(names.udid, d->udid, sizeof(names.udid));
	if (words_have(&f->lines, bytes_text(names.udid)) ||
	    globs_match(f, &names))
		return true;
	member_names_read(t, d, &names);
	return names.serial[0] != '\0' &&
	       (words_have(&f->lines, bytes_text(names.serial)) ||
		   globs_match(f, &names));
}

/* ---- everybody ---------------------------------------------------------- */

struct every {
	struct txn *t;
	const struct group_file *file;
	uint32_t org;
	group_member_fn *fn;
	void *arg;
};

static enum err_code
every_of_org(void *arg, struct bytes key, struct bytes value, bool *stop,
    struct err *err)
{
	const struct every *x = arg;
	struct device d;
	enum err_code rc = device_read(x->t, key_get_u32(key, 5), &d, err);

	(void)value;
	if (rc != ERR_OK || !group_file_names(x->t, x->file, x->org, &d))
		return rc;
	return x->fn(x->arg, d.number, stop, err);
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static enum err_code
every_of_lines(const struct every *x, uint32_t after, struct err *err)
{
	const struct words *w = &x->file->lines;
	uint32_t *devices = calloc(w->n + 1, sizeof(*devices));
	size_t i, n = 0;
	bool stop = false;
	enum err_code rc = ERR_OK;

	if (devices == NULL)
		return err_set(err, ERR_NO_MEMORY, "members");
	for (i = 0; i < w->n; i++)
		if (member_device(x->t, x->org, w->p[i], &devices[n]) &&
		    devices[n] > after)
			n++;
	qsort(devices, n, sizeof(*devices), by_number);
	for (i = 0; rc == ERR_OK && !stop && i < n; i++)
		if (i == 0 || devices[i] != devices[i - 1])
			rc = x->fn(x->arg, devices[i], &stop, err);
	free(devices);
	return rc;
}

enum err_code
group_file_each(struct txn *t, const struct group_file *f, uint32_t org,
    uint32_t after, group_member_fn *fn, void *arg, struct err *err)
{
	struct every x = { t, f, org, fn, arg };
	struct key prefix = key_of(KIND_DEVICE_ORG), from;

	if (after == UINT32_MAX)
		return ERR_OK;
	if (f->globs.n == 0)
		return every_of_lines(&x, after, err);
	key_u32(&prefix, org);
	from = prefix;
	key_u32(&from, after + 1);
	return txn_each(
	    t, key_view(&prefix), key_view(&from), every_of_org, &x, err);
}
