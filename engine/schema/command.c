#include "engine/schema/command.h"

#include "engine/base/text.h"
#include "engine/schema/command_priv.h"
#include "engine/schema/command_text.h"

enum err_code
command_unknown(const struct schema *schema, struct bytes name, struct err *err)
{
	struct buf shown = { 0 }, exact = { 0 };
	const char *near;
	enum err_code e;

	text_escape(&shown, name);
	buf_bytes(&exact, name);
	near = schema_command_near(schema, buf_str(&exact));
	if (name.len == 0)
		e = err_add(err, ERR_INVALID, "the request type is empty");
	else if (near != NULL)
		e = err_add(err, ERR_INVALID,
		    "unknown request type %.80s: did you mean %s?",
		    buf_str(&shown), near);
	else
		e = err_add(err, ERR_INVALID,
		    "unknown request type %.80s (known is what stands in %s; "
		    "for example DeviceLock, DeviceInformation, "
		    "InstallProfile)",
		    buf_str(&shown), schema_release(schema));
	buf_free(&shown);
	buf_free(&exact);
	return e;
}

/* ---- the envelope ------------------------------------------------------- */

struct check {
	struct err *err;
	bool bad;
};

static bool
beside_command(void *arg, const char *key, struct pl *value)
{
	struct check *c = arg;
	struct buf shown = { 0 };

	(void)value;
	if (strcmp(key, "Command") == 0 || strcmp(key, "CommandUUID") == 0)
		return true;
	c->bad = true;
	text_escape(&shown, bytes_text(key));
	(void)err_add(c->err, ERR_INVALID,
	    "%.80s stands beside Command: it belongs inside that dictionary",
	    buf_str(&shown));
	buf_free(&shown);
	return true;
}

static void
check_uuid(struct check *c, const struct pl *node, const char **ret)
{
	const char *uuid = pl_string(node);

	if (node == NULL)
		return;
	if (uuid != NULL && uuid[0] != '\0' &&
	    strlen(uuid) <= SCHEMA_UUID_MAX &&
	    text_is_clean(bytes_text(uuid))) {
		*ret = uuid;
		return;
	}
	c->bad = true;
	(void)err_add(c->err, ERR_INVALID,
	    "CommandUUID: a string of 1 to %d printable characters expected "
	    "(or leave it out: one is made)",
	    SCHEMA_UUID_MAX);
}

static void
check_type(
    struct check *c, const struct schema *schema, struct schema_envelope *env)
{
	const struct pl *node = pl_dict_get(env->command, "RequestType");

	env->request_type = pl_string(node);
	if (node == NULL) {
		c->bad = true;
		(void)err_add(c->err, ERR_INVALID,
		    "RequestType is missing: it names the command, for "
		    "example DeviceLock");
	} else if (env->request_type == NULL) {
		c->bad = true;
		(void)err_add(c->err, ERR_INVALID,
		    "RequestType: string expected, got %s",
		    pl_type_name(pl_type(node)));
	} else if (env->request_type[0] == '\0' ||
		   strlen(env->request_type) > SCHEMA_TYPE_MAX ||
		   !text_is_clean(bytes_text(env->request_type))) {
		c->bad = true;
		(void)err_add(c->err, ERR_INVALID,
		    "RequestType: a string of 1 to %d printable characters "
		    "expected",
		    SCHEMA_TYPE_MAX);
	} else {
		env->type = schema_command(schema, env->request_type);
	}
}

enum err_code
schema_command_check_envelope(const struct schema *schema,
    const struct pl *root, struct schema_envelope *ret, struct err *err)
{
	struct check c = { err, false };
	struct schema_envelope env = { 0 };
	const struct pl *inner = pl_dict_get(root, "Command");

	if (pl_type(root) != PL_DICT)
		return err_set(err, ERR_INVALID,
		    "a command is a dictionary, this is a %s",
		    pl_type_name(pl_type(root)));
	if (err != NULL)
		*err = (struct err){ 0 };
	env.command = root;
	if (inner == NULL && pl_dict_get(root, "RequestType") == NULL)
		return err_set(err, ERR_INVALID,
		    "neither RequestType nor Command: a command is "
		    "{RequestType, ...} or {CommandUUID, Command "
		    "{RequestType, ...}}");
	/* a bare command has its RequestType at the top */
	if (inner != NULL) {
		pl_dict_each(root, beside_command, &c);
		check_uuid(&c, pl_dict_get(root, "CommandUUID"), &env.uuid);
		env.command = inner;
		env.enveloped = true;
	} else if (pl_dict_get(root, "CommandUUID") != NULL) {
		c.bad = true;
		(void)err_add(err, ERR_INVALID,
		    "CommandUUID stands beside RequestType: the envelope is "
		    "{CommandUUID, Command {RequestType, ...}}");
	}
	if (pl_type(env.command) != PL_DICT)
		return err_add(err, ERR_INVALID,
		    "Command: dictionary expected, got %s",
		    pl_type_name(pl_type(env.command)));
	check_type(&c, schema, &env);
	if (c.bad)
		return ERR_INVALID;
	*ret = env;
	return ERR_OK;
}

enum err_code
schema_command_read(const struct schema *schema, struct bytes file,
    struct pl **root, struct schema_envelope *env, struct err *err)
{
	struct pl *made = NULL;
	enum err_code e;

	if (pl_looks_like(file))
		e = pl_parse(file, &made, err);
	else
		e = schema_command_from_text(schema, file, &made, err);
	if (e == ERR_OK)
		e = schema_command_check_envelope(schema, made, env, err);
	if (e == ERR_OK)
		*root = made;
	else
		pl_free(made);
	return e;
}

/* ---- while it is written ------------------------------------------------ */

enum kind { UNKNOWN, TEXT, PLIST };
enum in_text { BLANK, COMMENT, WORD, DONE };

void
schema_command_scan_init(
    struct schema_command_scan *scan, const struct schema *schema)
{
	*scan = (struct schema_command_scan){ .schema = schema };
	pl_scan_init(&scan->pl);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum err_code
word_end(struct schema_command_scan *scan, struct err *err)
{
	scan->in_text = DONE;
	scan->word[scan->word_len] = '\0';
	if (schema_command(scan->schema, scan->word) != NULL)
		return ERR_OK;
	if (err != NULL)
		*err = (struct err){ 0 };
	return command_unknown(
	    scan->schema, bytes_of(scan->word, scan->word_len), err);
}

/* A quote inside of the first word: what it makes of it is judged at the end,
 * unless no request type begins like that (JSON, for one). */
static enum err_code
word_quoted(struct schema_command_scan *scan, struct err *err)
{
	struct bytes word = bytes_of(scan->word, scan->word_len);
	const struct schema_type *t =
	    schema_types(scan->schema, SCHEMA_COMMANDS);

	while (t != NULL && !bytes_begin(bytes_text(t->name), word))
		t = t->next;
	if (t == NULL)
		return word_end(scan, err);
	scan->in_text = DONE;
	return ERR_OK;
}

static enum err_code
feed_text(struct schema_command_scan *scan, uint8_t c, struct err *err)
{
	switch (scan->in_text) {
	case BLANK:
		if (c == '#')
			scan->in_text = COMMENT;
		else if (c == '\'' || c == '"')
			scan->in_text = DONE;
		else if (!is_blank(c))
			scan->in_text = WORD;
		if (scan->in_text == WORD)
			scan->word[scan->word_len++] = (char)c;
		return ERR_OK;
	case COMMENT:
		if (c == '\n')
			scan->in_text = BLANK;
		return ERR_OK;
	case WORD:
		if (c == '\'' || c == '"')
			return word_quoted(scan, err);
		if (is_blank(c) || scan->word_len + 1U >= sizeof(scan->word))
			return word_end(scan, err);
		scan->word[scan->word_len++] = (char)c;
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

enum err_code
schema_command_scan_feed(
    struct schema_command_scan *scan, struct bytes more, struct err *err)
{
	enum err_code e;
	size_t i;

	for (i = 0; i < more.len && scan->kind == UNKNOWN; i++) {
		uint8_t c = more.p[i];

		/* no request type begins like "bplist", '<' or a BOM */
		if (c == '<' || c == 'b' || c == 0xef)
			scan->kind = PLIST;
		else if (!is_blank(c))
			scan->kind = TEXT;
	}
	if (scan->kind == PLIST)
		return pl_scan_feed(&scan->pl, more, err);
	for (i = 0; i < more.len && scan->in_text != DONE; i++)
		if ((e = feed_text(scan, more.p[i], err)) != ERR_OK)
			return e;
	return ERR_OK;
}
