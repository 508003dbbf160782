/* For which devices a request type is, in a sentence. */
#include "engine/schema/page_priv.h"

/* "iOS 9.0 (supervised; not with User Enrollment)" */
static void
add(struct buf *b, const char *word, size_t begin)
{
	buf_text(b, b->len == begin ? " (" : ", ");
	buf_text(b, word);
}

static const char *
channel_word(const struct os_facts *f)
{
	if (f->device_channel == SCHEMA_NO && f->user_channel == SCHEMA_YES)
		return "user channel alone";
	if (f->device_channel == SCHEMA_YES && f->user_channel == SCHEMA_NO)
		return "device channel alone";
	return NULL;
}

static const char *
enrollment_word(const struct os_facts *f)
{
	if (f->user_enrollment == FACTS_FORBIDDEN)
		return "not with User Enrollment";
	return f->user_enrollment == FACTS_REQUIRED ? "User Enrollment alone"
	                                            : NULL;
}

static const char *
shared_word(const struct os_facts *f)
{
	if (f->shared == FACTS_FORBIDDEN)
		return "not on a Shared iPad";
	return f->shared == FACTS_REQUIRED ? "Shared iPad alone" : NULL;
}

static void
conditions(const struct os_facts *f, struct buf *b)
{
	const char *const words[] = {
		f->supervised == SCHEMA_YES ? "supervised" : NULL,
		f->automated == SCHEMA_YES ? "enrolled by ADE" : NULL,
		f->approved == SCHEMA_YES ? "enrollment approved by the user"
					  : NULL,
		channel_word(f),
		enrollment_word(f),
		shared_word(f),
	};
	size_t i, begin = b->len;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] != NULL)
			add(b, words[i], begin);
	if (f->removed != 0 || f->deprecated != 0) {
		add(b, f->removed != 0 ? "gone in " : "deprecated in ", begin);
		facts_version_say(
		    f->removed != 0 ? f->removed : f->deprecated, b);
	}
	if (b->len > begin)
		buf_char(b, ')');
}

static void
say_right(const struct schema_type *type, struct buf *b)
{
	unsigned right = 0, i;

	for (i = 0; i < SCHEMA_OSES; i++)
		right |= facts_of(type->root.os[i]).right;
	if (right != 0)
		buf_printf(b, " It needs the access right %u.", right);
}

void
page_facts(const struct schema_type *type, struct buf *b)
{
	struct buf taken = { 0 }, not = { 0 }, s = { 0 };
	struct os_facts f;
	unsigned i;

	for (i = 0; i < SCHEMA_OSES; i++) {
		f = facts_of(type->root.os[i]);
		if (type->root.os[i][0] == '\0')
			continue;
		if (f.never || f.removed_always) {
			buf_printf(&not, "%s%s", not .len == 0 ? "" : " or ",
			    schema_os_name(i));
			continue;
		}
		buf_printf(&taken, "%s%s", taken.len == 0 ? "" : ", ",
		    schema_os_name(i));
		if (f.introduced != 0) {
			buf_char(&taken, ' ');
			facts_version_say(f.introduced, &taken);
		}
		conditions(&f, &taken);
	}
	if (taken.len == 0)
		buf_text(&s, "The tables do not say which systems take it: "
			     "every device is let try.");
	else
		buf_printf(&s, "Taken by %s%s%s%s.", buf_str(&taken),
		    " and later", not .len == 0 ? "" : "; not by ",
		    buf_str(&not ));
	say_right(type, &s);
	page_wrap(b, 0, buf_str(&s));
	buf_free(&taken);
	buf_free(&not );
	buf_free(&s);
}

/* Nothing if the key is there wherever its request type is. */
static void
key_system(const struct os_facts *whole, struct os_facts f, enum schema_os os,
    struct buf *b)
{
	size_t begin = b->len, after;

	buf_printf(b, "%s%s", b->len == 0 ? "" : ", ", schema_os_name(os));
	after = b->len;
	if (f.introduced > whole->introduced) {
		buf_char(b, ' ');
		facts_version_say(f.introduced, b);
	}
	if (f.supervised == whole->supervised)
		f.supervised = SCHEMA_UNKNOWN;
	conditions(&f, b);
	if (b->len == after)
		b->len = begin;
}

void
page_key_systems(
    const struct schema_type *type, const struct schema_key *key, struct buf *b)
{
	struct buf taken = { 0 }, not = { 0 };
	struct os_facts whole, f;
	unsigned i;

	for (i = 0; i < SCHEMA_OSES; i++) {
		whole = facts_of(type->root.os[i]);
		if (whole.never || key->os[i][0] == '\0')
			continue;
		f = facts_of(key->os[i]);
		if (f.never || f.removed_always)
			buf_printf(&not, "%s%s", not .len == 0 ? "" : ", ",
			    schema_os_name(i));
		else
			key_system(&whole, f, i, &taken);
	}
	buf_bytes(b, buf_view(&taken));
	if (not .len > 0)
		buf_printf(
		    b, "%snot %s", taken.len > 0 ? "; " : "", buf_str(&not ));
	buf_free(&taken);
	buf_free(&not );
}
