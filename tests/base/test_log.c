#include "engine/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"

static char said[4096];

/* What stands on standard error. */
static bool
says(FILE *f, const char *want)
{
	size_t n;

	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	rewind(f);
	if (ftruncate(fileno(f), 0) != 0)
		return false;
	if (strcmp(said, want) != 0)
		printf("# got %s", said);
	return strcmp(said, want) == 0;
}

int
main(void)
{
	FILE *f = tmpfile();

	if (f == NULL || dup2(fileno(f), STDERR_FILENO) < 0)
		return 1;
	unsetenv("JOURNAL_STREAM");
	log_warn("it is %d", 1);
	ok(says(f, "mdmfs: it is 1\n"), "a line");
	log_stranger("type %s", "a\nmdmfs: b\x1b[2J\xff");
	ok(says(f, "mdmfs: type a\\nmdmfs: b\\x1b[2J\\xff\n"),
	    "what strangers say stays one line, and commands no terminal");
	log_error("DOMAIN\\user \xc3\xa4");
	ok(says(f, "mdmfs: DOMAIN\\user \xc3\xa4\n"),
	    "what is clean stands there as it is");
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_info("a\nb");
	ok(says(f, "<6>a\\nb\n"), "one line for the journal, too");
	fclose(f);
	return tap_done();
}
