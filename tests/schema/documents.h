/*
 * documents.h - property lists in few words, and what is found in them.
 */
#ifndef MDMFS_TESTS_SCHEMA_DOCUMENTS_H
#define MDMFS_TESTS_SCHEMA_DOCUMENTS_H

#include "engine/schema/validate.h"

#include "tests/tap.h"

#define DICT(s)    "<plist><dict>" s "</dict></plist>"
#define S(k, v)    "<key>" k "</key><string>" v "</string>"
#define I(k, v)    "<key>" k "</key><integer>" v "</integer>"
#define T(k)       "<key>" k "</key><true/>"
#define D(k, v)    "<key>" k "</key><dict>" v "</dict>"
#define A(k, v)    "<key>" k "</key><array>" v "</array>"
#define ITEM(v)    "<dict>" v "</dict>"
#define COMMAND(s) DICT("<key>Command</key><dict>" s "</dict>")

/* What was found, a line each; the caller frees it. */
static inline struct buf
findings_of(struct schema_findings *f, const char *document)
{
	struct buf b = { 0 };

	schema_findings_lines(f, bytes_text(document));
	schema_findings_say(f, &b, 8192);
	schema_findings_free(f);
	return b;
}

/* Whether b, which is freed, is what was wanted. */
static inline bool
same(struct buf *b, const char *document, const char *want)
{
	bool good = strcmp(buf_str(b), want) == 0;

	if (!good)
		printf("# %.300s\n# got:  %s\n# want: %s\n", document,
		    buf_str(b), want);
	buf_free(b);
	return good;
}

#endif
