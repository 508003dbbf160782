/*
 * options.h - argv of `mdmfs [options] STATE_DIR MOUNTPOINT`, also as
 * mount(8) passes it for the type fuse.mdmfs.
 */
#ifndef MDMFS_FS_OPTIONS_H
#define MDMFS_FS_OPTIONS_H

#include <stdbool.h>

#include "mdmfs/engine.h"

struct options {
	struct engine_options engine;
	char *mountpoint;   /* absolute */
	const char *user;   /* to run as; NULL: as who started it */
	const char *squash; /* whom root acts as; NULL: root */
	bool foreground;
	bool help;
	bool version;
	char *fuse; /* for -o of libfuse: "ro,allow_other,..." */
	/* memory of what the members above borrow */
	char *owned[64];
	unsigned n_owned;
};

/*
 * Paths become absolute, since the server changes its directory.  ERR_INVALID:
 * the message says what is wrong with the words.
 */
enum err_code options_parse(
    int argc, char **argv, struct options *ret, struct err *err);
void options_free(struct options *o);

/* The text of --help. */
extern const char options_help[];

#endif
