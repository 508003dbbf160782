#include "engine/model/invitations.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "engine/base/text.h"
#include "engine/model/bearers.h"
#include "engine/model/invitations_priv.h"
#include "engine/model/orgs.h"

/* ---- records ------------------------------------------------------------ */

static struct key
state_key(uint64_t ino)
{
	struct key k = key_of(KIND_MATERIAL);

	key_u64(&k, ino);
	return k;
}

enum err_code
invitation_state_read(
    struct txn *t, uint64_t ino, struct invitation_state *ret, struct err *err)
{
	struct key k = state_key(ino);
	struct invitation_state s = { .used = 0 };
	struct buf b = { 0 };
	struct reader r;
	uint8_t version;
	enum err_code rc = txn_get_sealed(t, key_view(&k), &b, NULL);
	size_t i;

	if (rc != ERR_OK)
		return err_set(err, rc, "invitation: %s", err_text(rc));
	r = reader_of(buf_view(&b), &version);
	read_text(&r, s.code, sizeof(s.code));
	s.written_at = read_i64(&r);
	s.used = read_u32(&r);
	s.n = read_u32(&r);
	for (i = 0; i < s.n && i < INVITATION_NOTES && !r.failed; i++) {
		s.notes[i].at = read_i64(&r);
		read_text(&r, s.notes[i].from, sizeof(s.notes[i].from));
		read_text(&r, s.notes[i].device, sizeof(s.notes[i].device));
	}
	rc = record_end(&r, "invitation", err);
	if (rc == ERR_OK && s.n > INVITATION_NOTES)
		rc = err_set(err, ERR_DAMAGED, "invitation");
	if (rc == ERR_OK)
		*ret = s;
	buf_wipe(&b);
	OPENSSL_cleanse(s.code, sizeof(s.code));
	return rc;
}

enum err_code
invitation_state_store(struct txn *t, uint64_t ino,
    const struct invitation_state *s, struct err *err)
{
	struct key k = state_key(ino);
	struct buf b = { 0 };
	enum err_code rc;
	size_t i;

	record_u8(&b, 1);
	record_text(&b, s->code);
	record_i64(&b, s->written_at);
	record_u32(&b, s->used);
	record_u32(&b, s->n);
	for (i = 0; i < s->n; i++) {
		record_i64(&b, s->notes[i].at);
		record_text(&b, s->notes[i].from);
		record_text(&b, s->notes[i].device);
	}
	if ((rc = buf_error(&b, err)) == ERR_OK)
		rc = txn_put_sealed(t, key_view(&k), buf_view(&b), err);
	buf_wipe(&b);
	return rc;
}

/* The oldest note goes. */
static struct invitation_note *
add_note(struct invitation_state *s, int64_t now)
{
	struct invitation_note *n;

	if (s->n == INVITATION_NOTES)
		memmove(s->notes, s->notes + 1, --s->n * sizeof(s->notes[0]));
	n = &s->notes[s->n++];
	*n = (struct invitation_note){ .at = now };
	return n;
}

/* ---- the file ----------------------------------------------------------- */

static enum err_code
make_code(char code[static INVITATION_CODE + 1], struct err *err)
{
	/* without those that are mistaken for one another: 5 bits each */
	static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	uint8_t random[INVITATION_CODE];
	size_t i;

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_INTERNAL, "no random bytes");
	}
	for (i = 0; i < INVITATION_CODE; i++)
		code[i] = letters[random[i] & 31];
	code[INVITATION_CODE] = '\0';
	OPENSSL_cleanse(random, sizeof(random));
	return ERR_OK;
}

static enum err_code
drop_state(struct txn *t, uint64_t ino, struct err *err)
{
	struct key k = state_key(ino);

	return txn_drop(t, &k, err);
}

enum err_code
invitation_apply(struct txn *t, struct change *c, struct err *err)
{
	struct invitation_state s = { .used = 0 };
	struct org o;
	uint64_t ino = c->node.n.ino;
	enum err_code rc = invitation_state_read(t, ino, &s, NULL);

	if (rc == ERR_NOT_FOUND && c->before != 0 && c->before != ino) {
		rc = invitation_state_read(t, c->before, &s, NULL);
		if (rc == ERR_OK)
			rc = drop_state(t, c->before, err);
	}
	if (rc == ERR_NOT_FOUND)
		rc = make_code(s.code, err);
	else if (rc != ERR_OK)
		return err_set(err, rc, "%s: %s", c->w->name, err_text(rc));
	s.written_at = c->now;
	if (rc == ERR_OK)
		rc = invitation_state_store(t, ino, &s, err);
	if (rc == ERR_OK)
		rc = bearer_put_invitation(t, c->node.n.org, s.code, ino, err);
	if (rc == ERR_OK &&
	    (rc = org_read(t, c->node.n.org, &o, err)) == ERR_OK)
		snprintf(c->note, sizeof(c->note),
		    "its link is in status/orgs/%s/invitations/%s", o.name,
		    c->node.name);
	OPENSSL_cleanse(&s, sizeof(s));
	return rc;
}

enum err_code
invitation_removed(
    struct txn *t, struct engine *e, const struct node *n, struct err *err)
{
	struct invitation_state s;
	enum err_code rc = invitation_state_read(t, n->n.ino, &s, NULL);

	(void)e;
	if (rc == ERR_NOT_FOUND)
		return ERR_OK; /* another file has taken it over */
	if (rc == ERR_OK)
		rc = bearer_drop(t, n->n.org, bytes_text(s.code), err);
	OPENSSL_cleanse(&s, sizeof(s));
	return rc == ERR_OK ? drop_state(t, n->n.ino, err) : rc;
}

/* ---- the code ----------------------------------------------------------- */

static void
normalize(const char *code, char ret[static INVITATION_CODE + 1])
{
	size_t n = 0;

	for (; *code != '\0' && n < INVITATION_CODE; code++)
		if (*code >= 'a' && *code <= 'z')
			ret[n++] = (char)(*code - 32);
		else if (*code != ' ' && *code != '-')
			ret[n++] = *code;
	/* what is too long is no code */
	ret[*code == '\0' ? n : 0] = '\0';
}

enum err_code
invitation_terms_of(struct txn *t, const struct node *n,
    struct invitation_terms *ret, struct err *err)
{
	struct buf b = { 0 };
	enum err_code rc = node_get_content(t, n, &b, err);

	if (rc == ERR_OK)
		rc = invitation_parse(buf_view(&b), ret, err);
	buf_free(&b);
	return rc;
}

int64_t
invitation_ends(
    const struct invitation_terms *terms, const struct invitation_state *s)
{
	return terms->ends != 0 ? terms->ends
	                        : s->written_at + terms->days * INT64_C(86400);
}

struct found {
	struct node node;
	struct invitation_terms terms;
	struct invitation_state state;
};

static enum err_code
find(struct txn *t, uint32_t org, const char *code, int64_t now,
    struct found *f, struct err *err)
{
	char text[INVITATION_CODE + 1];
	uint64_t ino;
	enum err_code rc;

	normalize(code, text);
	rc = bearer_invitation(t, org, text, &ino, NULL);
	if (rc == ERR_OK)
		rc = node_get(t, ino, &f->node, NULL);
	if (rc == ERR_OK &&
	    (f->node.removal_due != 0 || f->node.n.place != PLACE_INVITATION))
		rc = ERR_NOT_FOUND;
	if (rc == ERR_OK)
		rc = invitation_state_read(t, ino, &f->state, NULL);
	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_DENIED,
		    "this invitation is not known: it was taken back, or the "
		    "code is not complete");
	if (rc == ERR_OK)
		rc = invitation_terms_of(t, &f->node, &f->terms, err);
	if (rc != ERR_OK)
		return err_set(err, rc, "invitation: %s", err_text(rc));
	if (f->state.used >= f->terms.uses)
		return err_set(err, ERR_DENIED,
		    f->terms.uses == 1
			? "this invitation was used already: it is good for "
			  "one device; ask for another one"
			: "this invitation was used as often as it may be: ask "
			  "for another one");
	if (invitation_ends(&f->terms, &f->state) <= now)
		return err_set(err, ERR_DENIED,
		    "this invitation has ended: ask for another one");
	return ERR_OK;
}

static void
admit(const struct found *f, struct admission *ret)
{
	*ret = (struct admission){ .way = ADMISSION_INVITATION,
		.invitation = f->node.n.ino };
	memcpy(ret->name, f->node.name, sizeof(ret->name));
	memcpy(ret->user, f->terms.user, sizeof(ret->user));
	memcpy(ret->serial, f->terms.serial, sizeof(ret->serial));
}

enum err_code
invitation_check(struct txn *t, uint32_t org, const char *code, int64_t now,
    struct admission *ret, struct err *err)
{
	struct found f;
	enum err_code rc = find(t, org, code, now, &f, err);

	if (rc == ERR_OK)
		admit(&f, ret);
	OPENSSL_cleanse(&f, sizeof(f));
	return rc;
}

enum err_code
invitation_use(struct txn *t, uint32_t org, const char *code, const char *from,
    int64_t now, struct admission *ret, struct err *err)
{
	struct invitation_note *n;
	struct found f;
	enum err_code rc = find(t, org, code, now, &f, err);

	if (rc == ERR_OK) {
		f.state.used++;
		n = add_note(&f.state, now);
		snprintf(n->from, sizeof(n->from), "%s", from);
		rc = invitation_state_store(t, f.node.n.ino, &f.state, err);
	}
	if (rc == ERR_OK)
		admit(&f, ret);
	OPENSSL_cleanse(&f, sizeof(f));
	return rc;
}

enum err_code
invitation_bind(
    struct txn *t, uint64_t ino, const char *udid, int64_t now, struct err *err)
{
	struct invitation_note *n;
	struct invitation_state s;
	enum err_code rc = invitation_state_read(t, ino, &s, NULL);

	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK) {
		n = add_note(&s, now);
		snprintf(n->device, sizeof(n->device), "%s", udid);
		rc = invitation_state_store(t, ino, &s, err);
	} else {
		rc = err_set(err, rc, "invitation: %s", err_text(rc));
	}
	OPENSSL_cleanse(&s, sizeof(s));
	return rc;
}

bool
invitations_any(struct txn *t, uint32_t org)
{
	return org_holds(t, org, "enrollment", "invitations", PLACE_INVITATION);
}
