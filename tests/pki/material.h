/*
 * material.h - keys and certificates for the tests of pki, made by the
 * openssl program in a directory that goes away.
 */
#ifndef MDMFS_TESTS_PKI_MATERIAL_H
#define MDMFS_TESTS_PKI_MATERIAL_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "mdmfs/buf.h"
#include "tests/tap.h"

static char material_dir[] = "/tmp/mdmfs-pki-XXXXXX";
static char material_start[4096];

/* Run a shell command in the directory; stops the test if it fails. */
__attribute__((format(printf, 1, 2))) static inline void
sh(const char *fmt, ...)
{
	char cmd[4096];
	size_t n;
	va_list ap;

	n = (size_t)snprintf(cmd, sizeof(cmd), "cd %s && { ", material_dir);
	va_start(ap, fmt);
	n += (size_t)vsnprintf(cmd + n, sizeof(cmd) - n, fmt, ap);
	va_end(ap);
	snprintf(cmd + n, sizeof(cmd) - n, "\n} >out 2>&1 </dev/null");
	if (system(cmd) != 0) {
		printf("Bail out! %s\n", cmd);
		(void)!system("cat /tmp/mdmfs-pki-*/out | sed 's/^/# /'");
		exit(1);
	}
}

static inline void
material_done(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", material_dir);
	(void)!system(cmd);
}

static inline void
material_begin(void)
{
	if (mkdtemp(material_dir) == NULL)
		exit(1);
	(void)!getcwd(material_start, sizeof(material_start));
	atexit(material_done);
}

/*
 * Two scripts there, for sh; a key that is there already is used.
 * issue NAME SUBJECT SECTION DAYS ISSUER [OPTION ...]: NAME.csr and NAME.pem,
 * with the extensions of that section of the file ext.
 * self NAME SUBJECT DAYS [OPTION ...]: NAME.pem, a root or self-signed.
 */
static inline void
material_scripts(void)
{
	sh("cat > key <<'E'\n"
	   "[ -f $1.key ] || openssl genpkey -algorithm ec -pkeyopt "
	   "ec_paramgen_curve:P-256 -out $1.key\n"
	   "E\n"
	   "cat > issue <<'E'\n"
	   "set -e; n=$1 s=$2 x=$3 d=$4 i=$5; shift 5; sh key $n\n"
	   "openssl req -new -utf8 -key $n.key -subj \"$s\" -out $n.csr\n"
	   "openssl x509 -req -in $n.csr -CA $i.pem -CAkey $i.key "
	   "-CAcreateserial -days $d -extfile ext -extensions $x "
	   "-out $n.pem \"$@\"\n"
	   "E\n"
	   "cat > self <<'E'\n"
	   "set -e; n=$1 s=$2 d=$3; shift 3; sh key $n\n"
	   "openssl req -x509 -utf8 -key $n.key -out $n.pem -subj \"$s\" "
	   "-days $d \"$@\"\n"
	   "E\n");
}

/* The bytes of a file there; freed by buf_free(). */
static inline struct buf
load(const char *name)
{
	struct buf b = { 0 };
	char path[256], part[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", material_dir, name);
	if ((f = fopen(path, "rb")) == NULL) {
		printf("Bail out! no %s\n", path);
		exit(1);
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(&b, part, n);
	fclose(f);
	return b;
}

static inline void
save(const char *name, struct bytes b)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", material_dir, name);
	if ((f = fopen(path, "wb")) == NULL ||
	    fwrite(b.p, 1, b.len, f) != b.len || fclose(f) != 0)
		exit(1);
}

/* Show the message of a failure beside its test. */
static inline bool
says(const struct err *err, const char *part)
{
	bool yes = strstr(err->msg, part) != NULL;

	if (!yes)
		printf("# says \"%s\", not \"%s\"\n", err->msg, part);
	return yes;
}

#endif
