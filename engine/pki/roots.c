#include "engine/pki/roots.h"

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/pki/openssl_priv.h"
#include "engine/pki/pem.h"

#define ROOTS_FILE_MAX (16u << 20) /* bytes; today's bundles have 0.3 MB */

struct roots {
	struct cert **v; /* by subject */
	size_t n;
};

/* Where update-ca-certificates and update-ca-trust look for one's own. */
static const char *const added_here[] = {
	"/usr/local/share/ca-certificates/*.crt",
	"/usr/local/share/ca-certificates/*/*.crt",
	"/etc/pki/ca-trust/source/anchors/*",
};

static const X509_NAME *
subject(const struct cert *c)
{
	return X509_get_subject_name(cert_x509(c));
}

/* As RFC 5280 7.1 compares names, and as cert_issued_by() does. */
static int
compare_roots(const void *a, const void *b)
{
	const struct cert *const *x = a, *const *y = b;

	return X509_NAME_cmp(subject(*x), subject(*y));
}

static void
read_all(const char *file, struct buf *ret)
{
	FILE *f = fopen(file, "re");
	char part[16384];
	size_t n;

	if (f == NULL)
		return;
	while (ret->len < ROOTS_FILE_MAX &&
	       (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(ret, part, n);
	fclose(f);
}

/* Takes c over. */
static enum err_code
add(struct roots *r, struct cert *c, struct err *err)
{
	struct cert **more = r->v;

	if ((r->n & (r->n - 1)) == 0) /* grows at each power of two */
		more = realloc(
		    r->v, (r->n == 0 ? 1 : 2 * r->n) * sizeof(struct cert *));
	if (more == NULL) {
		cert_free(c);
		return err_set(err, ERR_NO_MEMORY, "roots");
	}
	r->v = more;
	r->v[r->n++] = c;
	return ERR_OK;
}

static enum err_code
add_block(struct roots *r, const struct pem_block *block, struct err *err)
{
	struct buf der = { 0 };
	struct cert *c = NULL;
	enum err_code rc = ERR_OK;

	if (strcmp(block->label, "CERTIFICATE") == 0 &&
	    pem_decode(block, &der, NULL) == ERR_OK)
		rc = cert_parse(buf_view(&der), &c, err);
	buf_free(&der);
	if (c != NULL)
		return add(r, c, err);
	return rc == ERR_NO_MEMORY ? rc : ERR_OK;
}

static enum err_code
read_pem(struct roots *r, struct bytes text, struct err *err)
{
	struct pem_reader reader;
	struct pem_block block;
	enum err_code rc;

	pem_open(&reader, text);
	while ((rc = pem_next(&reader, &block, NULL)) != ERR_NOT_FOUND)
		if (rc == ERR_OK && (rc = add_block(r, &block, err)) != ERR_OK)
			return rc;
	return ERR_OK;
}

static const char *
system_file(void)
{
	const char *file = secure_getenv(X509_get_default_cert_file_env());

	if (file != NULL)
		return file;
	file = X509_get_default_cert_file();
	return access(file, R_OK) == 0 ? file
	                               : "/etc/ssl/certs/ca-certificates.crt";
}

enum err_code
roots_load(const char *file, struct roots **ret, struct err *err)
{
	struct roots *r = calloc(1, sizeof(*r));
	struct buf text = { 0 };
	enum err_code rc;

	if (r == NULL)
		return err_set(err, ERR_NO_MEMORY, "roots");
	read_all(file != NULL ? file : system_file(), &text);
	if ((rc = buf_error(&text, err)) != ERR_OK ||
	    (rc = read_pem(r, buf_view(&text), err)) != ERR_OK)
		goto out;
	if (r->n > 0)
		qsort(r->v, r->n, sizeof(struct cert *), compare_roots);
	*ret = r;
	r = NULL;
out:
	buf_free(&text);
	roots_free(r);
	return rc;
}

static void
forget(struct roots *r, const struct cert *c)
{
	size_t i, kept = 0;

	for (i = 0; i < r->n; i++) {
		if (bytes_equal(cert_der(r->v[i]), cert_der(c)))
			cert_free(r->v[i]);
		else
			r->v[kept++] = r->v[i];
	}
	r->n = kept;
}

void
roots_forget(struct roots *r, const char *pattern)
{
	glob_t files;
	size_t i, k;

	if (glob(pattern, 0, NULL, &files) != 0)
		return;
	for (i = 0; i < files.gl_pathc; i++) {
		struct roots *own = NULL;

		if (roots_load(files.gl_pathv[i], &own, NULL) != ERR_OK)
			continue;
		for (k = 0; k < own->n; k++)
			forget(r, own->v[k]);
		roots_free(own);
	}
	globfree(&files);
}

void
roots_free(struct roots *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n; i++)
		cert_free(r->v[i]);
	free(r->v);
	free(r);
}

static pthread_once_t system_once = PTHREAD_ONCE_INIT;
static struct roots *system_roots; /* written by load_system() alone */

static void
load_system(void)
{
	struct roots *r = NULL;
	size_t i;

	if (roots_load(NULL, &r, NULL) != ERR_OK)
		return;
	for (i = 0; i < sizeof(added_here) / sizeof(added_here[0]); i++)
		roots_forget(r, added_here[i]);
	if (r->n > 0) {
		system_roots = r;
		r = NULL;
	}
	roots_free(r);
}

const struct roots *
roots_system(void)
{
	pthread_once(&system_once, load_system);
	return system_roots;
}

size_t
roots_count(const struct roots *r)
{
	return r->n;
}

/* The first root of that name, or where it would stand. */
static size_t
find_name(const struct roots *r, const X509_NAME *name)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (X509_NAME_cmp(subject(r->v[mid]), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Which root of that name fits c: an authority may have several keys. */
static const struct cert *
find_fit(const struct roots *r, const X509_NAME *name, const struct cert *c,
    bool (*fits)(const struct cert *c, const struct cert *root))
{
	size_t i = find_name(r, name);

	while (i < r->n && X509_NAME_cmp(subject(r->v[i]), name) == 0) {
		if (fits(c, r->v[i]))
			return r->v[i];
		i++;
	}
	return NULL;
}

static bool
has_key(const struct cert *c, const struct cert *root)
{
	return memcmp(cert_pair_id(c), cert_pair_id(root), KEYSPEC_ID_LEN) == 0;
}

const struct cert *
roots_find(const struct roots *r, const struct cert *c)
{
	const struct cert *root;

	if (r == NULL)
		return NULL;
	root = find_fit(r, subject(c), c, has_key);
	if (root != NULL)
		return root;
	return find_fit(
	    r, X509_get_issuer_name(cert_x509(c)), c, cert_issued_by);
}

bool
roots_know(const struct roots *r, const struct cert *c)
{
	return roots_find(r, c) != NULL;
}
