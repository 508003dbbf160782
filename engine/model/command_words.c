#include "engine/model/command_words.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

#define YEARS_10 (INT64_C(3653) * 86400)

/* Seconds in a unit; 0: it is none. */
static int64_t
unit(uint8_t c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	default:
		return 0;
	}
}

static bool
duration(struct bytes s, int64_t *ret)
{
	int64_t n = 0;
	size_t i;

	for (i = 0; i < s.len && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		n = n * 10 + (s.p[i] - '0');
		if (n > YEARS_10)
			return false;
	}
	if (i == 0 || i + 1 != s.len || unit(s.p[i]) == 0)
		return false;
	*ret = n * unit(s.p[i]);
	return true;
}

enum err_code
expiry_parse(struct bytes s, int64_t now, int64_t *ret, struct err *err)
{
	int64_t at = 0;

	s = text_trim(s);
	if (duration(s, &at))
		at += now;
	else if (text_untime(s, &at, NULL) != ERR_OK)
		return err_set(err, ERR_INVALID,
		    "Expires: for how long the command waits (90s, 30m, 12h, "
		    "7d, 2w) or until when (2026-12-24T18:00:00Z)");
	if (at <= now)
		return err_set(err, ERR_INVALID,
		    "Expires: that time is over, so the command could never be "
		    "sent");
	*ret = at < now + YEARS_10 ? at : now + YEARS_10;
	return ERR_OK;
}

/* A string, integer or date as text. */
static bool
value_text(const struct pl *value, char *ret, size_t size)
{
	struct buf b = { 0 };
	int64_t i;

	if (pl_string(value) != NULL) {
		snprintf(ret, size, "%s", pl_string(value));
	} else if (pl_int(value, &i)) {
		snprintf(ret, size, "%lld", (long long)i);
	} else if (pl_date(value, &i)) {
		text_time(&b, i);
		snprintf(ret, size, "%s", buf_str(&b));
		buf_free(&b);
	} else {
		return false;
	}
	return true;
}

static enum err_code
take_from(
    struct pl *dict, int64_t now, struct command_words *ret, struct err *err)
{
	char text[80];
	const struct pl *value = pl_dict_get(dict, "confirm");
	enum err_code rc = ERR_OK;

	if (value != NULL &&
	    !value_text(value, ret->confirm, sizeof(ret->confirm)))
		return err_set(err, ERR_INVALID,
		    "confirm: the number of devices, as in confirm=250");
	pl_dict_remove(dict, "confirm");
	if ((value = pl_dict_get(dict, "Expires")) == NULL)
		return ERR_OK;
	text[0] = '\0';
	(void)value_text(value, text, sizeof(text));
	rc = expiry_parse(bytes_text(text), now, &ret->expires, err);
	pl_dict_remove(dict, "Expires");
	return rc;
}

enum err_code
command_words_take(struct pl *root, const struct schema_envelope *env,
    const char *name, int64_t now, struct command_words *ret, struct err *err)
{
	static const char ending[] = ".confirm=";
	struct pl *command =
	    env->enveloped ? pl_get_dict(root, "Command") : root;
	const struct pl *items = pl_get_array(command, "Settings");
	const char *in_name = strstr(name, ending);
	struct command_words w = { 0 };
	enum err_code rc;
	size_t i;

	if (in_name != NULL)
		snprintf(w.confirm, sizeof(w.confirm), "%s",
		    in_name + strlen(ending));
	rc = take_from(command, now, &w, err);
	/* the text form of Settings puts every key into its item */
	for (i = 0; rc == ERR_OK && i < pl_array_len(items); i++)
		rc = take_from(pl_array_at(items, i), now, &w, err);
	if (rc == ERR_OK)
		*ret = w;
	return rc;
}
