#include "engine/pki/roots.h"

#include <pthread.h>

#include "engine/pki/pem.h"
#include "tests/pki/material.h"

static void
make_material(void)
{
	material_begin();
	material_scripts();
	sh("cat > ext <<'E'\n[ca]\nbasicConstraints=critical,CA:TRUE\n"
	   "[leaf]\nbasicConstraints=CA:FALSE\nE\n"
	   "set -e; sh self old /CN=Old 50; sh self one /CN=One 300; sh self "
	   "two /CN=Two 300;"
	   "sh self twin /CN=Two 300; sh self private /CN=Private 300;"
	   "sh self fake /CN=One 300;"
	   "openssl x509 -in one.pem -signkey one.key -days 900 -out anew.pem;"
	   "cp one.key cross.key; sh issue cross /CN=One ca 100 old;"
	   "sh issue inter /CN=Inter ca 100 one; sh issue leaf /CN=leaf leaf "
	   "100 inter;"
	   "sh issue below /CN=below leaf 100 twin;"
	   "sh issue forged /CN=forged leaf 100 fake;"
	   "sh issue own /CN=own leaf 100 private;"
	   "echo '-----BEGIN CERTIFICATE-----' > cut;"
	   "(echo '# One'; cat one.pem two.pem; "
	   "printf -- '-----BEGIN CERTIFICATE-----\\n!\\n"
	   "-----END CERTIFICATE-----\\n'; cat twin.pem private.pem cut) "
	   "> bundle; mkdir here; cp private.pem here/acme.crt");
}

static struct cert *
parse(const char *name)
{
	struct buf f = load(name), der = { 0 };
	struct cert *c = NULL;
	struct pem_reader r;
	struct pem_block block;

	pem_open(&r, buf_view(&f));
	if (pem_next(&r, &block, NULL) != ERR_OK ||
	    pem_decode(&block, &der, NULL) != ERR_OK ||
	    cert_parse(buf_view(&der), &c, NULL) != ERR_OK) {
		printf("Bail out! %s\n", name);
		exit(1);
	}
	buf_free(&f);
	buf_free(&der);
	return c;
}

/* The root's subject; "": not known. */
static const char *
root_of(const struct roots *r, const char *name)
{
	static char ret[64];
	struct cert *c = parse(name);
	const struct cert *root = roots_find(r, c);

	snprintf(
	    ret, sizeof(ret), "%s", root == NULL ? "" : cert_subject(root));
	if (roots_know(r, c) != (root != NULL))
		snprintf(ret, sizeof(ret), "roots_know() says otherwise");
	cert_free(c);
	return ret;
}

static bool
known(const struct roots *r, const char *name)
{
	return root_of(r, name)[0] != '\0';
}

static void
test_find(struct roots *r)
{
	ok(roots_count(r) == 4,
	    "a bundle is read with text between, a damaged block left out");
	ok(strcmp(root_of(r, "one.pem"), "CN=One") == 0,
	    "a root of the bundle is known");
	ok(strcmp(root_of(r, "inter.pem"), "CN=One") == 0,
	    "what it issued is known: servers do not send the root");
	ok(!known(r, "leaf.pem"),
	    "what an intermediate issued is not known by itself");
	ok(strcmp(root_of(r, "cross.pem"), "CN=One") == 0,
	    "a root that another authority cross-signed is the same root");
	ok(known(r, "anew.pem"), "so is one that was issued anew");
	ok(!known(r, "fake.pem") && !known(r, "forged.pem"),
	    "a root's name with another key is nothing");
	ok(strcmp(root_of(r, "below.pem"), "CN=Two") == 0 &&
		known(r, "two.pem") && known(r, "twin.pem"),
	    "of two roots of one name each is found");
	ok(known(r, "own.pem"), "what this machine trusts was in the bundle");
	roots_forget(r, "/nowhere/*.crt");
	ok(roots_count(r) == 4, "a pattern without files forgets nothing");
}

static void
test_forget(struct roots *r)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "%s/here/*.crt", material_dir);
	roots_forget(r, pattern);
	ok(roots_count(r) == 3 && !known(r, "own.pem") &&
		!known(r, "private.pem"),
	    "roots that were added on this machine are forgotten");
	ok(known(r, "one.pem") && known(r, "twin.pem"), "the others stay");
}

static void
test_missing(void)
{
	struct roots *r = NULL;
	struct err err = { 0 };

	ok(roots_load("/nowhere/bundle", &r, &err) == ERR_OK &&
		roots_count(r) == 0 && !known(r, "one.pem"),
	    "without a bundle nothing is known");
	roots_free(r);
	r = NULL;
	ok(roots_load("/tmp", &r, &err) == ERR_OK && roots_count(r) == 0,
	    "a directory is no bundle");
	roots_free(r);
	ok(!known(NULL, "one.pem"), "no roots know nothing");
}

static void *
ask(void *arg)
{
	(void)arg;
	return (void *)(uintptr_t)roots_system();
}

static void
test_system(void)
{
	pthread_t threads[4];
	char path[128];
	size_t i, same = 0;
	void *got;

	snprintf(path, sizeof(path), "%s/bundle", material_dir);
	setenv("SSL_CERT_FILE", path, 1);
	for (i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, ask, NULL) != 0)
			exit(1);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &got);
		same += got != NULL && got == (void *)(uintptr_t)roots_system();
	}
	ok(same == 4, "the system's roots are loaded once, for all threads");
	ok(known(roots_system(), "inter.pem"), "SSL_CERT_FILE names them");
}

int
main(void)
{
	struct roots *r = NULL;
	struct err err = { 0 };
	char path[128];

	make_material();
	snprintf(path, sizeof(path), "%s/bundle", material_dir);
	if (roots_load(path, &r, &err) != ERR_OK)
		exit(1);
	test_find(r);
	test_forget(r);
	roots_free(r);
	test_missing();
	test_system();
	ok(ERR_peek_error() == 0, "no OpenSSL error is left behind");
	return tap_done();
}
