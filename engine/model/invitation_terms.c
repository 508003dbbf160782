/* What an invitation's file says. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/invitations.h"

#define KEYS "user, serial, note, ends and uses"

static enum err_code
set_ends(struct invitation_terms *t, const char *v, struct err *err)
{
	char *end;
	long days = strtol(v, &end, 10);

	if (*v >= '0' && *v <= '9' && *end == '\0') {
		if (days < 1 || days > INVITATION_DAYS_MAX)
			return err_set(err, ERR_INVALID,
			    "a number of days is from 1 to %d",
			    INVITATION_DAYS_MAX);
		t->days = (uint32_t)days;
		return ERR_OK;
	}
	if (text_untime(bytes_text(v), &t->ends, NULL) != ERR_OK ||
	    t->ends <= 0)
		return err_set(err, ERR_INVALID,
		    "\"%.40s\" is neither a number of days nor a time such as "
		    "2026-12-24T18:00:00Z",
		    v);
	return ERR_OK;
}

static enum err_code
set_uses(struct invitation_terms *t, const char *v, struct err *err)
{
	char *end;
	long uses = strtol(v, &end, 10);

	if (*v < '0' || *v > '9' || *end != '\0' || uses < 1 ||
	    uses > INVITATION_USES_MAX)
		return err_set(err, ERR_INVALID,
		    "for how many devices it is good is a number from 1 to %d",
		    INVITATION_USES_MAX);
	t->uses = (uint32_t)uses;
	return ERR_OK;
}

static enum err_code
copy(char *ret, size_t size, const char *v, struct err *err)
{
	if (strlen(v) >= size)
		return err_set(err, ERR_INVALID,
		    "it is too long: at most %zu bytes", size - 1);
	memcpy(ret, v, strlen(v) + 1);
	return ERR_OK;
}

static enum err_code
set_user(struct invitation_terms *t, const char *v, struct err *err)
{
	return copy(t->user, sizeof(t->user), v, err);
}

static enum err_code
set_note(struct invitation_terms *t, const char *v, struct err *err)
{
	return copy(t->note, sizeof(t->note), v, err);
}

static enum err_code
set_serial(struct invitation_terms *t, const char *v, struct err *err)
{
	if (strspn(v, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		      "abcdefghijklmnopqrstuvwxyz-") != strlen(v))
		return err_set(err, ERR_INVALID,
		    "a serial number has letters and digits alone");
	return copy(t->serial, sizeof(t->serial), v, err);
}

/* clang-format off */
static const struct {
	const char *key;
	enum err_code (*set)(struct invitation_terms *t, const char *v, struct err *err);
} keys[] = {
	{ "user",   set_user },
	{ "serial", set_serial },
	{ "note",   set_note },
	{ "ends",   set_ends },
	{ "uses",   set_uses },
};
/* clang-format on */

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static enum err_code
line(struct invitation_terms *t, char *text, unsigned *seen, struct err *err)
{
	char *colon = strchr(text, ':'), *v, *end;
	size_t i = 0, len;

	if (colon == NULL)
		return err_set(err, ERR_INVALID,
		    "\"%.60s\": write \"key: value\"; the keys are " KEYS,
		    text);
	for (end = colon; end > text && end[-1] == ' '; end--)
		;
	len = (size_t)(end - text);
	while (i < N_KEYS && (strlen(keys[i].key) != len ||
				 strncmp(keys[i].key, text, len) != 0))
		i++;
	if (i == N_KEYS)
		return err_set(err, ERR_INVALID,
		    "\"%.*s\" is not known; the keys are " KEYS,
		    text_fit(bytes_of(text, len), 60), text);
	for (v = colon + 1; *v == ' ' || *v == '\t'; v++)
		;
	if (*v == '\0')
		return err_set(err, ERR_INVALID,
		    "%s: nothing stands behind the colon; to leave it open "
		    "leave the line out",
		    keys[i].key);
	if ((*seen & 1u << i) != 0)
		return err_set(
		    err, ERR_INVALID, "%s stands there twice", keys[i].key);
	*seen |= 1u << i;
	if (keys[i].set(t, v, err) != ERR_OK)
		return err_context(err, "%s", keys[i].key);
	return ERR_OK;
}

enum err_code
invitation_parse(
    struct bytes file, struct invitation_terms *ret, struct err *err)
{
	struct invitation_terms t = { .days = INVITATION_DAYS, .uses = 1 };
	struct bytes rest = file, l;
	unsigned seen = 0;
	size_t n = 0;

	while (text_line(&rest, &l)) {
		char text[1024];

		n++;
		l = text_trim(l);
		if (l.len == 0 || l.p[0] == '#')
			continue;
		if (!text_is_clean(l))
			return err_set(err, ERR_UNDECODABLE,
			    "line %zu is not plain text (UTF-8 without control "
			    "characters)",
			    n);
		if (l.len >= sizeof(text))
			return err_set(
			    err, ERR_INVALID, "line %zu is too long", n);
		memcpy(text, l.p, l.len);
		text[l.len] = '\0';
		if (line(&t, text, &seen, err) != ERR_OK)
			return err_context(err, "line %zu", n);
	}
	*ret = t;
	return ERR_OK;
}

enum err_code
invitation_judge(struct change *c, struct err *err)
{
	struct invitation_terms t;

	return invitation_parse(c->w->bytes, &t, err);
}
