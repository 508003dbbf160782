/*
 * The property-list door under libFuzzer: what is read can be written and
 * read again, and the scan agrees with the parser.
 */
#include <stdlib.h>

#include "engine/base/pl.h"
#include "engine/base/pl_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
again(const struct pl *root, void (*write)(const struct pl *, struct buf *))
{
	struct buf out = { 0 };
	struct pl *copy = NULL;
	struct err err = { 0 };

	write(root, &out);
	must(pl_parse(buf_view(&out), &copy, &err) == ERR_OK);
	pl_free(copy);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct pl *root = NULL;
	struct pl_scan scan;
	struct err err = { 0 };
	size_t half = len / 2;

	if (pl_parse(bytes_of(p, len), &root, &err) != ERR_OK)
		return 0;
	again(root, pl_write_xml);
	again(root, pl_write_binary);
	pl_scan_init(&scan);
	must(pl_scan_feed(&scan, bytes_of(p, half), NULL) == ERR_OK);
	must(pl_scan_feed(&scan, bytes_of(p + half, len - half), NULL) ==
	     ERR_OK);
	must(pl_scan_end(&scan, NULL) == ERR_OK);
	pl_free(root);
	return 0;
}
