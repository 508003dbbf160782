#include "engine/model/mass_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

struct kind_of_device {
	struct validation_device d;
	bool takes;
	char why[300];
};

struct mass_judge {
	struct validation_job job;
	const struct schema_envelope *env;
	struct kind_of_device last; /* of those that have no room */
	size_t n;
	struct kind_of_device kinds[MASS_KINDS];
};

enum err_code
mass_judge_new(const struct schema *schema, enum validation validation,
    const struct schema_envelope *env, struct mass_judge **ret, struct err *err)
{
	struct mass_judge *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return err_set(err, ERR_NO_MEMORY, "command");
	j->job.schema = schema;
	j->job.validation = validation;
	j->env = env;
	*ret = j;
	return ERR_OK;
}

void
mass_judge_free(struct mass_judge *j)
{
	free(j);
}

bool
mass_judge_alike(
    const struct validation_device *a, const struct validation_device *b)
{
	return a->d.os_known == b->d.os_known && a->d.os == b->d.os &&
	       a->d.supervised == b->d.supervised &&
	       a->d.automated == b->d.automated &&
	       a->d.approved == b->d.approved && a->d.shared == b->d.shared &&
	       a->d.enrollment == b->d.enrollment &&
	       a->d.channel == b->d.channel && a->d.rights == b->d.rights &&
	       strcmp(a->version, b->version) == 0;
}

static void
look(struct mass_judge *j, const struct validation_device *d,
    struct kind_of_device *ret)
{
	struct buf note = { 0 };
	struct err err = { 0 };
	struct bytes rest, line;

	ret->d = *d;
	ret->d.d.version = ret->d.version;
	j->job.device = &ret->d.d;
	ret->takes = validation_command(&j->job, j->env, &note, &err) == ERR_OK;
	rest = bytes_text(err.msg);
	if (!ret->takes && text_line(&rest, &line))
		snprintf(ret->why, sizeof(ret->why), "%.*s",
		    text_fit(line, (int)sizeof(ret->why) - 1),
		    (const char *)line.p);
	buf_free(&note);
}

bool
mass_judge(
    struct mass_judge *j, const struct validation_device *d, const char **why)
{
	struct kind_of_device *k = NULL;
	size_t i;

	for (i = 0; k == NULL && i < j->n; i++)
		if (mass_judge_alike(&j->kinds[i].d, d))
			k = &j->kinds[i];
	if (k == NULL) {
		k = j->n < MASS_KINDS ? &j->kinds[j->n++] : &j->last;
		look(j, d, k);
	}
	*why = k->why;
	return k->takes;
}
