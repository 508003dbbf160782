/*
 * findings.h - everything that is wrong with a document, in its order.
 */
#ifndef MDMFS_SCHEMA_FINDINGS_H
#define MDMFS_SCHEMA_FINDINGS_H

#include "engine/base/arena.h"
#include "mdmfs/buf.h"
#include "mdmfs/err.h"

#define SCHEMA_FINDINGS_MAX 100 /* are told, the others counted */

enum schema_severity {
	SCHEMA_ERROR,       /* no device can take it: EPROTO */
	SCHEMA_UNSUPPORTED, /* this device cannot: EOPNOTSUPP */
	SCHEMA_WARNING,     /* it can be taken */
	SCHEMA_SEVERITIES,  /* how many */
};

/* Texts live as long as the findings do; "" when there is nothing to say. */
struct schema_finding {
	enum schema_severity severity;
	const char *path;     /* "Command/Settings[0]/Item"; "": all of it */
	const char *wrong;    /* one line for a person */
	const char *expected; /* "integer", "3600 to 86400" */
	const char *near;     /* the nearest known name or value */
	unsigned line;        /* of an XML document; 0: not known */
};

/* A zeroed struct has none. */
struct schema_findings {
	struct arena *arena;
	struct schema_finding list[SCHEMA_FINDINGS_MAX];
	size_t n;    /* of list */
	size_t more; /* that found no room */
	size_t count[SCHEMA_SEVERITIES];
};

/* Copies f's texts, cut to lengths that fit a message. */
void schema_findings_add(
    struct schema_findings *s, const struct schema_finding *f);

/* Whether nothing but warnings was found. */
bool schema_findings_good(const struct schema_findings *s);

/* Look the paths up in the XML document that was checked: sets line.  Other
 * bytes change nothing. */
void schema_findings_lines(struct schema_findings *s, struct bytes document);

/* Append one finding: "line 7: Command/PIN: 6 digits expected, got '1'". */
void schema_finding_say(const struct schema_finding *f, struct buf *b);

/* Append all, one a line, the worst first; what is beyond most bytes becomes
 * "and N more". */
void schema_findings_say(
    const struct schema_findings *s, struct buf *b, size_t most);

/* ERR_OK if they are good; else ERR_INVALID, or ERR_UNSUPPORTED when the
 * device alone is the reason, with everything that err has room for, and some left for one more line. */
enum err_code schema_findings_error(
    const struct schema_findings *s, struct err *err);

void schema_findings_free(struct schema_findings *s);

#endif
