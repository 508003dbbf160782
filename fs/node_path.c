/* What a node is called: its path, for messages. */
#include <string.h>

#include "mdmfs/device.h"

#include "fs/node.h"
#include "fs/text.h"

/* What stands for the * in the pattern: the name of the file with that number,
 * without its ending. */
static void
number_path(struct fs *f, uint32_t number, struct buf *b)
{
	char name[256];
	char *dot;

	if (!node_name(f, number, name))
		return;
	if ((dot = strrchr(name, '.')) != NULL)
		*dot = '\0';
	buf_text(b, name);
}

/* The directory's name: the number is its own. */
static void
dir_path(struct fs *f, uint32_t number, struct buf *b)
{
	char name[256];

	if (node_name(f, number, name))
		buf_text(b, name);
}

/* The row's pattern with its variables filled in. */
static void
generated_path(struct fs *f, const struct node *n, struct buf *b)
{
	struct device_view d = { .udid = "{udid}" };
	struct org_view org = { .name = "{org}" };

	if (n->at.device != 0 &&
	    device_get(f->engine, n->at.device, &d, NULL) != ERR_OK)
		d.udid[0] = '\0';
	if (n->row->of == OF_ORG &&
	    org_get(f->engine, n->at.org, &org, NULL) != ERR_OK)
		org.name[0] = '\0';
	for (const char *p = n->row->path; *p != '\0';) {
		if (strncmp(p, "{udid}", 6) == 0) {
			buf_text(b, d.udid);
			p += 6;
		} else if (strncmp(p, "{org}", 5) == 0) {
			buf_text(b, org.name);
			p += 5;
		} else if (strncmp(p, "{user}", 6) == 0) {
			buf_printf(b, "#%u", n->at.user);
			p += 6;
		} else if (strncmp(p, "{tls}", 5) == 0) {
			dir_path(f, n->at.number, b);
			p += 5;
		} else if (strncmp(p, "{stage}", 7) == 0) {
			dir_path(f, n->at.number, b);
			p += 7;
		} else if (*p == '*' && n->row->of == OF_NUMBER) {
			number_path(f, n->at.number, b);
			p++;
		} else {
			buf_char(b, *p++);
		}
	}
}

void
node_path_text(
    struct fs *f, const struct node *dir, const char *name, struct buf *b)
{
	struct scratch_node scratch;
	size_t before = b->len;

	if (dir->row != NULL && (dir->ino & TREE_INO_BIT) != 0) {
		generated_path(f, dir, b);
	} else if (dir->source == NODE_SCRATCH) {
		if (scratch_get(f->scratch, dir->ino, &scratch))
			file_path(f->engine, scratch.parent, b);
		buf_text(b, "/.~tmp~");
	} else {
		file_path(f->engine, dir->ino, b);
	}
	if (name == NULL)
		return;
	if (b->len > before)
		buf_char(b, '/');
	buf_text(b, name);
}

bool
node_name(struct fs *f, uint64_t ino, char ret[static 256])
{
	struct buf b = { 0 };
	const char *path, *slash;
	char name[1024];

	file_path(f->engine, ino, &b);
	path = buf_str(&b);
	slash = strrchr(path, '/');
	strncpy(name, slash != NULL ? slash + 1 : path, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	buf_free(&b);
	text_unescape(name);
	if (*name == '\0' || strlen(name) > 255)
		return false;
	memcpy(ret, name, strlen(name) + 1);
	return true;
}
