#include "fs/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

/* The whole file as text; NULL if it cannot be read. */
static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f == NULL || text == NULL) {
		free(text);
		text = NULL;
	} else if (fread(text, 1, (1 << 20) - 1, f) == 0) {
		text[0] = '\0';
	}
	if (f != NULL)
		fclose(f);
	return text;
}

int
main(void)
{
	char *page = slurp("fs/mdmfs.7"), item[512];
	const struct tree_row *row;

	if (!ok(page != NULL, "the manual page is there"))
		return tap_done();
	for (row = tree; row->path != NULL; row++) {
		snprintf(item, sizeof(item), ".It Pa %s\n",
		    row->path[0] != '\0' ? row->path : "/");
		if (!ok(strstr(page, item) != NULL,
			"the manual page has the row"))
			printf("# %s", item);
		ok(row->help != NULL && row->help[0] != '\0',
		    "and the row has a line of help");
	}
	free(page);
	return tap_done();
}
