/*
 * orgs/ORG/scep/challenges/DEVICE: an enrollment string for one device.  The
 * file is the truth: its record (struct challenge) is good while the file is
 * there and unchanged, so nothing has to be cleaned up behind it.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/model/challenges.h"
#include "engine/model/devices.h"
#include "engine/model/events.h"
#include "engine/model/facts.h"
#include "engine/model/orgs.h"
#include "engine/model/scep_settings.h"

/* The string that was made for an empty file. */
static struct key
made_key(uint64_t ino)
{
	struct key k = key_of(KIND_MATERIAL);

	key_u64(&k, ino);
	return k;
}

/* What the device must say: out of the file, or what was made for it. */
static enum err_code
text_of(struct txn *t, const struct node *n, struct buf *ret, struct err *err)
{
	struct key k = made_key(n->n.ino);
	struct buf b = { 0 };
	struct bytes text;
	enum err_code rc = node_get_content(t, n, &b, err);

	text = text_trim(buf_view(&b));
	if (rc == ERR_OK && text.len == 0)
		rc = txn_get_sealed(t, key_view(&k), ret, err);
	else if (rc == ERR_OK)
		buf_bytes(ret, text);
	buf_wipe(&b);
	return rc == ERR_OK ? buf_error(ret, err) : rc;
}

enum err_code
challenge_file_judge(struct change *c, struct err *err)
{
	struct bytes text = text_trim(c->w->bytes);

	if (text.len == 0)
		return ERR_OK; /* one is made */
	if (!text_is_clean(text))
		return err_set(err, ERR_UNDECODABLE,
		    "it is not one line of plain text: the string that the "
		    "device shall say stands here, or nothing, to have one "
		    "made");
	if (text.len < CHALLENGE_MIN || text.len > CHALLENGE_MAX)
		return err_set(err, ERR_INVALID,
		    "the string has %zu bytes: %d to %d are good; an empty "
		    "file has one made, which status/orgs/ORG/scep-challenges "
		    "shows",
		    text.len, CHALLENGE_MIN, CHALLENGE_MAX);
	return ERR_OK;
}

/* What is known of the string already.  *used: by this file's own device. */
static enum err_code
check_known(struct txn *t, const struct change *c, const char *text,
    struct challenge *known, struct err *err)
{
	enum err_code rc = challenge_read(t, text, known, NULL);

	*known = rc == ERR_OK ? *known : (struct challenge){ .org = 0 };
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(err, rc, "challenge: %s", err_text(rc));
	if (known->org == c->node.n.org &&
	    strcmp(known->name, c->node.name) == 0)
		return ERR_OK;
	if (known->used_at == 0 && known->name[0] != '\0' &&
	    challenge_check_file(t, known, NULL) != ERR_OK) {
		*known = (struct challenge){ .org = 0 }; /* of a file that
							    has gone */
		return ERR_OK;
	}
	return err_set(err, ERR_NOT_UNIQUE,
	    "this string was given out before%s%s: write another one",
	    known->org == c->node.n.org && known->name[0] != '\0' ? ", to "
								  : "",
	    known->org == c->node.n.org ? known->name : "");
}

/* The string for the file as it is stored now: in ret. */
static enum err_code
string_for(struct txn *t, const struct change *c, char ret[CHALLENGE_MAX + 1],
    struct err *err)
{
	struct key k = made_key(c->node.n.ino);
	struct bytes text = text_trim(c->w->bytes);
	enum err_code rc;

	if (text.len > 0) {
		memcpy(ret, text.p, text.len);
		ret[text.len] = '\0';
		return txn_drop(t, &k, err);
	}
	if ((rc = challenge_make(ret, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), bytes_text(ret), err);
	return rc;
}

enum err_code
challenge_file_apply(struct txn *t, struct change *c, struct err *err)
{
	struct challenge known = { .org = 0 };
	struct scep_settings s;
	char text[CHALLENGE_MAX + 1];
	struct key old;
	enum err_code rc;

	if (c->replaces && c->old.n.ino != c->node.n.ino) {
		old = made_key(c->old.n.ino);
		if ((rc = txn_drop(t, &old, err)) != ERR_OK)
			return rc;
	}
	if ((rc = string_for(t, c, text, err)) != ERR_OK ||
	    (rc = check_known(t, c, text, &known, err)) != ERR_OK ||
	    (rc = scep_settings_read(t, c->node.n.org, &s, err)) != ERR_OK)
		goto out;
	if (known.org == 0)
		known.expires =
		    c->now +
		    (s.challenge_life > 0 ? s.challenge_life : CHALLENGE_FILE);
	scep_settings_wipe(&s);
	known.org = c->node.n.org;
	known.ino = c->node.n.ino;
	known.version = c->node.n.version;
	memcpy(known.name, c->node.name, strlen(c->node.name) + 1);
	rc = challenge_put(t, &known, text, err);
	if (rc == ERR_OK)
		snprintf(c->note, sizeof(c->note), "%s",
		    text_trim(c->w->bytes).len == 0 ? "a string was made for it"
		    : known.used_at != 0 ? "this string is used: write another "
					   "one to have the device enroll again"
					 : "");
out:
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

enum err_code
challenge_file_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct key k = made_key(n->n.ino);

	(void)e;
	return txn_drop(t, &k, err);
}

enum err_code
challenge_check_file(struct txn *t, const struct challenge *c, struct err *err)
{
	struct node n;

	if (c->ino == 0)
		return ERR_OK;
	if (node_get(t, c->ino, &n, NULL) != ERR_OK || n.removal_due != 0)
		return err_set(err, ERR_GONE,
		    "challenge of %s, whose file in scep/challenges was "
		    "removed",
		    c->name);
	if (n.n.version != c->version)
		return err_set(err, ERR_GONE,
		    "challenge of %s that was replaced by another one in "
		    "scep/challenges",
		    c->name);
	return ERR_OK;
}

/* ---- devices by name ---------------------------------------------------- */

uint32_t
challenge_device(struct txn *t, uint32_t org, const char *name)
{
	uint32_t number = 0;
	struct device d;

	if (device_by_id(t, name, &d, NULL) == ERR_OK)
		return d.org == org ? d.number : 0;
	if (fact_serial(t, name, &number, NULL) == ERR_OK &&
	    device_read(t, number, &d, NULL) == ERR_OK && d.org == org)
		return number;
	return 0;
}

enum err_code
challenge_check_device(const struct issued *i, const char *udid,
    const char *serial, struct err *err)
{
	if (i->name[0] == '\0' || strcasecmp(i->name, udid) == 0 ||
	    (serial != NULL && strcasecmp(i->name, serial) == 0))
		return ERR_OK;
	return err_set(err, ERR_DENIED,
	    "%s came with the certificate that was made for %s", udid, i->name);
}

/* The string in DEVICE's file, if it is still good. */
static enum err_code
of_name(struct txn *t, uint32_t org, uint64_t dir, const char *name,
    struct buf *ret, struct err *err)
{
	struct challenge c;
	struct buf text = { 0 };
	struct node n;
	enum err_code rc = node_find(t, dir, name, &n, NULL);

	if (rc == ERR_OK)
		rc = text_of(t, &n, &text, NULL);
	if (rc == ERR_OK)
		rc = challenge_read(t, buf_str(&text), &c, NULL);
	if (rc == ERR_OK && (c.used_at != 0 || c.org != org))
		rc = ERR_NOT_FOUND;
	if (rc == ERR_OK)
		buf_bytes(ret, buf_view(&text));
	buf_wipe(&text);
	return rc == ERR_OK ? buf_error(ret, err)
	                    : err_set(err, rc, "%s", err_text(rc));
}

enum err_code
challenge_of_device(struct txn *t, uint32_t org, const char *udid,
    const char *serial, struct buf *ret, struct err *err)
{
	struct node dir;
	enum err_code rc = org_file(t, org, "scep", "challenges", &dir, err);

	if (rc != ERR_OK)
		return rc;
	rc = of_name(t, org, dir.n.ino, udid, ret, err);
	if (rc == ERR_NOT_FOUND && serial != NULL && serial[0] != '\0')
		rc = of_name(t, org, dir.n.ino, serial, ret, err);
	return rc;
}

/* ---- status/orgs/ORG/scep-challenges ------------------------------------- */

struct page {
	struct engine *engine;
	uint32_t org;
	struct buf b;
};

static void
state_of(struct txn *t, const struct page *p, const struct node *n,
    const struct challenge *c, struct buf *b)
{
	(void)t;
	if (c->version != n->n.version) {
		buf_text(b, "replaced\t-");
	} else if (c->used_at != 0) {
		buf_text(b, "used\t");
		text_time(b, c->used_at);
	} else if (c->expires <= engine_now(p->engine)) {
		buf_text(b, "expired\t");
		text_time(b, c->expires);
	} else {
		buf_text(b, "waiting\t");
		if (c->expires - engine_now(p->engine) >
		    CHALLENGE_FILE - 366 * INT64_C(86400))
			buf_char(b, '-');
		else
			text_time(b, c->expires);
	}
}

static enum err_code
page_line(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct page *p = arg;
	struct buf text = { 0 }, content = { 0 };
	struct challenge c;

	(void)stop;
	if (n->n.place != PLACE_SCEP_CHALLENGE)
		return ERR_OK;
	if (node_get_content(t, n, &content, NULL) == ERR_OK &&
	    text_of(t, n, &text, NULL) == ERR_OK &&
	    challenge_read(t, buf_str(&text), &c, NULL) == ERR_OK) {
		text_escape(&p->b, bytes_text(n->name));
		buf_char(&p->b, '\t');
		state_of(t, p, n, &c, &p->b);
		/* what was written is in the file itself */
		buf_printf(&p->b, "\t%s\n",
		    text_trim(buf_view(&content)).len == 0 ? buf_str(&text)
							   : "-");
	}
	buf_wipe(&text);
	buf_wipe(&content);
	return buf_error(&p->b, err);
}

static enum err_code
page_txn(struct txn *t, void *arg, struct err *err)
{
	struct page *p = arg;
	struct node dir;
	enum err_code rc =
	    org_file(t, p->org, "scep", "challenges", &dir, NULL);

	buf_reset(&p->b);
	if (rc == ERR_OK)
		rc = node_each(t, dir.n.ino, 0, page_line, p, err);
	else if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	return rc;
}

enum err_code
org_scep_challenges_page(
    struct engine *e, uint32_t org, struct buf *b, struct err *err)
{
	struct page p = { .engine = e, .org = org };
	enum err_code rc = store_view(e->store, page_txn, &p, err);

	if (rc == ERR_OK) {
		buf_bytes(b, buf_view(&p.b));
		rc = buf_error(b, err);
	}
	buf_wipe(&p.b);
	return rc;
}
