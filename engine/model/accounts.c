#include "engine/model/accounts.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "engine/base/text.h"
#include "engine/model/admission.h"
#include "engine/model/orgs.h"

#define ADVICE                                                                 \
	"; a hash belongs here: mkpasswd -m yescrypt > "                       \
	"orgs/ORG/users/USER/password asks for the password and writes one "   \
	"(Debian package whois)"

/* What somebody is compared with when nobody has a password: no password has
 * this hash. */
static const char nobody[] = "$y$j9T$A8lEngguSo85f8z8ufpZe0$"
			     "yQPseGCYkQUOQU3.ONZ30Me.J6Ft.PuXy33vzd7oTmC";

/* ---- judging ------------------------------------------------------------ */

/* Decimal digits up to '$'. */
static bool
number_within(const char *s, unsigned long most)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	return *s >= '0' && *s <= '9' && *end == '$' && v <= most;
}

/*
 * Whether it can be computed in about a second: anybody who may ask for a
 * profile can have it computed.  Of yescrypt the second character of the
 * parameters is the memory; F is mkpasswd's highest.  Of scrypt it is the first
 * one, and two numbers of five digits multiply it: mkpasswd has but these.
 */
static bool
affordable(const char *hash)
{
	const char *p = strchr(hash + 1, '$');

	if (p == NULL)
		return false;
	p++;
	if (strncmp(hash, "$2", 2) == 0)
		return number_within(p, 14);
	if (strncmp(p, "rounds=", 7) == 0)
		return number_within(p + 7, 2000000);
	if (strncmp(hash, "$y$", 3) == 0 || strncmp(hash, "$gy$", 4) == 0)
		return p[0] == 'j' && p[1] >= '.' && p[1] <= 'F' &&
		       p[2] >= '.' && p[2] <= 'T' && p[3] == '$';
	return strncmp(hash, "$5$", 3) == 0 || strncmp(hash, "$6$", 3) == 0 ||
	       (strncmp(hash, "$7$", 3) == 0 && p[0] <= 'F' &&
		   strncmp(p + (p[0] != '\0'), "U..../....", 10) == 0);
}

/* Whether it is whole: libcrypt looks at the parameters alone, and a hash that
 * was cut off would let nobody in, ever. */
static bool
whole(const char *hash)
{
	struct crypt_data *d = calloc(1, sizeof(*d));
	const char *out, *end = strrchr(hash, '$');
	size_t same = end == NULL ? 0 : (size_t)(end - hash);
	bool yes = false;

	if (d != NULL && (out = crypt_rn("", hash, d, sizeof(*d))) != NULL)
		yes = strlen(out) == strlen(hash) &&
		      strncmp(out, hash, same) == 0;
	free(d);
	return yes;
}

enum err_code
password_judge(struct change *c, struct err *err)
{
	struct bytes s = text_trim(c->w->bytes);
	char hash[ACCOUNT_HASH_MAX];
	enum err_code rc = ERR_OK;

	if (s.len == 0)
		return err_set(
		    err, ERR_INVALID, "password: it is empty" ADVICE);
	if (memchr(s.p, '\n', s.len) != NULL)
		return err_set(err, ERR_INVALID,
		    "password: there is more than one line" ADVICE);
	if (s.len >= sizeof(hash) || memchr(s.p, 0, s.len) != NULL ||
	    s.p[0] != '$')
		return err_set(err, ERR_INVALID,
		    "password: this is a plain password or no password "
		    "hash" ADVICE);
	memcpy(hash, s.p, s.len);
	hash[s.len] = '\0';
	if (crypt_checksalt(hash) == CRYPT_SALT_INVALID)
		rc = err_set(err, ERR_INVALID,
		    "password: libcrypt does not know this kind of "
		    "hash" ADVICE);
	else if (crypt_checksalt(hash) != CRYPT_SALT_OK)
		rc = err_set(err, ERR_KEY_REJECTED,
		    "password: this kind of hash is too weak" ADVICE);
	else if (!affordable(hash))
		rc = err_set(err, ERR_KEY_REJECTED,
		    "password: this kind of hash or its cost is not taken "
		    "here: yescrypt, SHA-512 (2000000 rounds at most), bcrypt "
		    "(cost 14 at most) are" ADVICE);
	else if (!whole(hash))
		rc = err_set(err, ERR_UNDECODABLE,
		    "password: the hash is cut off or damaged" ADVICE);
	OPENSSL_cleanse(hash, sizeof(hash));
	return rc;
}

/* ---- reading ------------------------------------------------------------ */

/* The first line of a file of users/USER, in ret (size bytes). */
static enum err_code
line_of(struct txn *t, uint64_t user, const char *file, char *ret, size_t size)
{
	struct buf b = { 0 };
	struct bytes s;
	struct node n;
	enum err_code rc = node_find(t, user, file, &n, NULL);

	if (rc == ERR_OK)
		rc = node_get_content(t, &n, &b, NULL);
	if (rc == ERR_OK) {
		s = text_trim(buf_view(&b));
		snprintf(ret, size, "%.*s", text_fit(s, (int)size - 1),
		    (const char *)s.p);
	}
	buf_wipe(&b);
	return rc;
}

static enum err_code
dir_of(struct txn *t, uint32_t org, const char *name, struct node *ret)
{
	enum err_code rc = *name == '\0' || strlen(name) > NODE_NAME_MAX
	                       ? ERR_NOT_FOUND
	                       : org_file(t, org, "users", name, ret, NULL);

	return rc == ERR_OK && !ret->n.is_dir ? ERR_NOT_FOUND : rc;
}

#define DECOYS 16

struct decoys {
	unsigned n;
	unsigned want;
	char hash[ACCOUNT_HASH_MAX];
};

static enum err_code
count_one(
    void *arg, struct txn *t, const struct node *n, bool *stop, struct err *err)
{
	struct decoys *d = arg;
	char hash[ACCOUNT_HASH_MAX];

	(void)err;
	if (!n->n.is_dir ||
	    line_of(t, n->n.ino, "password", hash, sizeof(hash)) != ERR_OK)
		return ERR_OK;
	if (d->n++ == d->want)
		memcpy(d->hash, hash, sizeof(hash));
	*stop = d->n == DECOYS;
	OPENSSL_cleanse(hash, sizeof(hash));
	return ERR_OK;
}

/*
 * Always the same one for a name, of those that there are: their hashes may
 * be of several kinds, and take different times.
 */
static enum err_code
decoy(struct txn *t, uint32_t org, const char *name, char *ret, struct err *err)
{
	struct decoys d = { .want = DECOYS };
	unsigned h = 2166136261u; /* FNV-1a */
	struct node users;
	enum err_code rc = org_file(t, org, NULL, "users", &users, NULL);

	memcpy(ret, nobody, sizeof(nobody));
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = node_each(t, users.n.ino, 0, count_one, &d, err);
	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	if (rc == ERR_OK && d.n > 0) {
		d.want = (h ^ h >> 16) % d.n;
		d.n = 0;
		rc = node_each(t, users.n.ino, 0, count_one, &d, err);
	}
	if (rc == ERR_OK && d.hash[0] != '\0')
		memcpy(ret, d.hash, sizeof(d.hash));
	OPENSSL_cleanse(d.hash, sizeof(d.hash));
	return rc;
}

/* Whose directory it is; name as it is typed. */
static enum err_code
find_dir(struct txn *t, uint32_t org, const char *name, char ret[static 256],
    struct node *dir)
{
	const char *at = strrchr(name, '@');
	char local[NODE_NAME_MAX + 1];
	uint32_t whose;
	enum err_code rc = dir_of(t, org, name, dir);

	snprintf(ret, NODE_NAME_MAX + 1, "%s", name);
	if (rc != ERR_NOT_FOUND || at == NULL ||
	    (size_t)(at - name) >= sizeof(local) ||
	    domain_org(t, at + 1, &whose, NULL) != ERR_OK || whose != org)
		return rc;
	snprintf(local, sizeof(local), "%.*s", (int)(at - name), name);
	rc = dir_of(t, org, local, dir);
	if (rc == ERR_OK)
		memcpy(ret, local, sizeof(local));
	return rc;
}

enum err_code
account_find(struct txn *t, uint32_t org, const char *name, struct account *ret,
    struct err *err)
{
	struct account a = { .known = false };
	struct node dir;
	enum err_code rc;

	/* also for those that are known: it takes as long */
	if ((rc = decoy(t, org, name, a.hash, err)) != ERR_OK)
		return rc;
	rc = find_dir(t, org, name, a.name, &dir);
	if (rc == ERR_OK)
		rc = line_of(t, dir.n.ino, "password", a.hash, sizeof(a.hash));
	a.known = rc == ERR_OK;
	if (a.known && line_of(t, dir.n.ino, "full-name", a.full_name,
			   sizeof(a.full_name)) != ERR_OK)
		a.full_name[0] = '\0';
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		return err_set(err, rc, "users/%s: %s", name, err_text(rc));
	*ret = a;
	OPENSSL_cleanse(&a, sizeof(a));
	return ERR_OK;
}

bool
account_proves(const struct account *a, const char *password)
{
	struct crypt_data *d = calloc(1, sizeof(*d));
	const char *out;
	bool same = false;

	if (d == NULL)
		return false;
	out = crypt_rn(password, a->hash, d, sizeof(*d));
	if (out != NULL && strlen(out) == strlen(a->hash))
		same = CRYPTO_memcmp(out, a->hash, strlen(out)) == 0;
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
	return same && a->known;
}

bool
account_exists(struct txn *t, uint32_t org, const char *name)
{
	struct node dir;

	return dir_of(t, org, name, &dir) == ERR_OK;
}

bool
accounts_any(struct txn *t, uint32_t org)
{
	return org_holds(t, org, NULL, "users", PLACE_ORG_USER);
}
