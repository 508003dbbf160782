/* Conveniences that need no libplist. */
#include "engine/base/pl.h"

#include "engine/base/pl_priv.h"
#include "engine/base/text.h"

struct pl *
pl_new_string_bytes(struct bytes s)
{
	struct buf b = { 0 };
	struct pl *node;

	buf_bytes(&b, s);
	node = pl_new_string(buf_str(&b));
	buf_free(&b);
	return node;
}

void
pl_set_string(struct pl *dict, const char *key, const char *s)
{
	if (s != NULL)
		pl_dict_set(dict, key, pl_new_string(s));
}

void
pl_set_int(struct pl *dict, const char *key, int64_t value)
{
	pl_dict_set(dict, key, pl_new_int(value));
}

void
pl_set_bool(struct pl *dict, const char *key, bool value)
{
	pl_dict_set(dict, key, pl_new_bool(value));
}

void
pl_set_data(struct pl *dict, const char *key, struct bytes value)
{
	pl_dict_set(dict, key, pl_new_data(value));
}

void
pl_set_date(struct pl *dict, const char *key, int64_t seconds)
{
	pl_dict_set(dict, key, pl_new_date(seconds));
}

enum err_code
pl_limits_add(struct pl_limits *limits, size_t bytes, struct err *err)
{
	if (++limits->nodes > PL_NODES_MAX)
		return err_set(err, ERR_TOO_BIG, "more than %d keys and values",
		    PL_NODES_MAX);
	if (bytes > PL_BYTES_MAX || limits->bytes > PL_BYTES_MAX - bytes)
		return err_set(err, ERR_TOO_BIG,
		    "more than %d MiB of text and data",
		    PL_BYTES_MAX / 1024 / 1024);
	limits->bytes += bytes;
	return ERR_OK;
}

enum err_code
pl_dict_add(struct pl *dict, const char *key, struct pl *value, struct err *err)
{
	enum err_code e = ERR_OK;
	struct buf name = { 0 };

	if (pl_dict_get(dict, key) != NULL) {
		text_escape(&name, bytes_text(key));
		e = err_set(err, ERR_UNDECODABLE,
		    "the key %.200s stands twice in one dictionary",
		    buf_str(&name));
	} else if (pl_dict_len(dict) >= PL_KEYS_MAX) {
		/* a larger one would make libplist's hash table a list */
		e = err_set(err, ERR_TOO_BIG,
		    "more than %d keys in one dictionary", PL_KEYS_MAX);
	}
	buf_free(&name);
	if (e == ERR_OK)
		pl_dict_set(dict, key, value);
	else
		pl_free(value);
	return e;
}

enum err_code
pl_check_text(struct bytes s, struct err *err)
{
	if (s.len > 0 && memchr(s.p, '\0', s.len) != NULL)
		return err_set(
		    err, ERR_UNDECODABLE, "a NUL character in a text");
	if (!text_is_utf8(s))
		return err_set(err, ERR_UNDECODABLE, "a text is not UTF-8");
	return ERR_OK;
}

bool
pl_date_text(struct bytes s, int64_t *ret)
{
	static const char zeros[] = "000";
	struct buf b = { 0 };
	const uint8_t *dash = s.len == 0 ? NULL : memchr(s.p, '-', s.len);
	size_t year = dash == NULL ? 0 : (size_t)(dash - s.p);
	bool done;

	if (year > 0 && year < 4)
		buf_put(&b, zeros, 4 - year);
	buf_bytes(&b, s);
	done = text_untime(buf_view(&b), ret, NULL) == ERR_OK;
	buf_free(&b);
	return done;
}
