#include "engine/base/pl_scan_priv.h"

bool
pl_scan_complete(const struct pl_scan *scan)
{
	return scan->state == CONTENT && (scan->tag_flags & ENDED);
}

uint8_t
pl_scan_top(const struct pl_scan *s)
{
	return s->depth == 0 ? TAG_NONE : s->stack[s->depth - 1];
}

/* A value or key may stand here? */
static enum err_code
place(struct pl_scan *s, enum pl_tag tag, struct err *err)
{
	uint8_t *in = s->depth == 0 ? NULL : &s->stack[s->depth - 1];

	if (s->tag_flags & ENDED)
		return err_set(err, ERR_UNDECODABLE,
		    "something follows </plist>: the document must end there");
	if (tag == TAG_PLIST && s->depth > 0)
		return err_set(err, ERR_UNDECODABLE, "<plist> in <plist>");
	if (tag == TAG_PLIST)
		return ERR_OK;
	if (in == NULL)
		return err_set(err, ERR_UNDECODABLE,
		    "<plist> is missing in front of <%s>", pl_tag_name(tag));
	if (*in == TAG_PLIST) {
		if (s->tag_flags & ROOT)
			return err_set(err, ERR_UNDECODABLE,
			    "<%s> is a second value in <plist>, which takes "
			    "one",
			    pl_tag_name(tag));
		s->tag_flags |= ROOT;
	}
	if (*in == TAG_DICT && tag != TAG_KEY)
		return err_set(err, ERR_UNDECODABLE,
		    "<%s> in a dict has no <key> in front of it",
		    pl_tag_name(tag));
	if (*in == (TAG_DICT | HAS_KEY) && tag == TAG_KEY)
		return err_set(err, ERR_UNDECODABLE,
		    "a <key> follows a <key>: the value is missing");
	if (tag == TAG_KEY && *in != TAG_DICT)
		return err_set(
		    err, ERR_UNDECODABLE, "a <key> stands outside a dict");
	if (*in == TAG_DICT)
		*in |= HAS_KEY;
	else
		*in &= (uint8_t)~HAS_KEY;
	return ERR_OK;
}

enum err_code
pl_scan_open(struct pl_scan *s, enum pl_tag tag, struct err *err)
{
	enum err_code e;

	if (s->tag != TAG_NONE)
		return err_set(err, ERR_UNDECODABLE,
		    "<%s> inside <%s>, which holds text (is </%s> missing?)",
		    pl_tag_name(tag), pl_tag_name(s->tag), pl_tag_name(s->tag));
	if ((e = place(s, tag, err)) != ERR_OK)
		return e;
	if (tag == TAG_PLIST)
		s->tag_flags |= BEGUN;
	if (tag <= TAG_ARRAY) {
		if (s->depth == PL_DEPTH_MAX + 1)
			return err_set(err, ERR_TOO_BIG,
			    "more than %d arrays and dictionaries in another",
			    PL_DEPTH_MAX);
		s->stack[s->depth++] = (uint8_t)tag;
		s->state = CONTENT;
	} else {
		s->tag = (uint8_t)tag;
		s->state = TEXT;
	}
	return s->sink == NULL ? ERR_OK : s->sink->open(s->sink_arg, tag, err);
}

enum err_code
pl_scan_close(struct pl_scan *s, enum pl_tag tag, struct err *err)
{
	uint8_t in = pl_scan_top(s);
	enum pl_tag open =
	    s->tag != TAG_NONE ? s->tag : (enum pl_tag)(in & ~HAS_KEY);

	if (open == TAG_NONE)
		return err_set(err, ERR_UNDECODABLE,
		    "</%s> closes what was never opened", pl_tag_name(tag));
	if (tag != open)
		return err_set(err, ERR_UNDECODABLE,
		    "</%s> stands where </%s> is expected", pl_tag_name(tag),
		    pl_tag_name(open));
	if (in == (TAG_DICT | HAS_KEY) && s->tag == TAG_NONE)
		return err_set(
		    err, ERR_UNDECODABLE, "the last <key> has no value");
	if (tag == TAG_PLIST && !(s->tag_flags & ROOT))
		return err_set(err, ERR_UNDECODABLE, "<plist> is empty");
	if (s->tag != TAG_NONE)
		s->tag = TAG_NONE;
	else
		s->depth--;
	if (tag == TAG_PLIST)
		s->tag_flags |= ENDED;
	s->state = CONTENT;
	return s->sink == NULL ? ERR_OK : s->sink->close(s->sink_arg, tag, err);
}

enum err_code
pl_scan_end(const struct pl_scan *scan, struct err *err)
{
	if (scan->state == BINARY || pl_scan_complete(scan))
		return ERR_OK;
	if (scan->state == START)
		return err_set(err, ERR_UNDECODABLE,
		    "empty: a property list is expected here");
	if (scan->state == BINARY_MARK)
		return err_set(err, ERR_UNDECODABLE, "cut short");
	if (!(scan->tag_flags & BEGUN))
		return err_set(
		    err, ERR_UNDECODABLE, "cut short: <plist> is missing");
	if (scan->tag != TAG_NONE)
		return err_set(err, ERR_UNDECODABLE,
		    "cut short in line %llu: </%s> is missing",
		    (unsigned long long)scan->line + 1, pl_tag_name(scan->tag));
	if (scan->depth > 1)
		return err_set(err, ERR_UNDECODABLE,
		    "cut short in line %llu: </%s> and </plist> are missing",
		    (unsigned long long)scan->line + 1,
		    pl_tag_name(pl_scan_top(scan) & ~HAS_KEY));
	return err_set(err, ERR_UNDECODABLE, "cut short: </plist> is missing");
}
