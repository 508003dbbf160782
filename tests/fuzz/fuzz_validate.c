/*
 * Documents of every kind under libFuzzer.  The first byte says what it is
 * (c: command, p: profile, d: declaration) and for which device.
 */
#include <stdlib.h>

#include "engine/schema/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
must(bool good)
{
	if (!good)
		abort();
}

/* Bits of one byte choose what is known of the device. */
static struct schema_device
device_of(uint8_t b)
{
	struct schema_device d = { .os_known = (b & 1) != 0,
		.os = (enum schema_os)((b >> 1) % SCHEMA_OSES),
		.version = (b & 8) != 0 ? "15.1" : "",
		.supervised = (enum schema_known)((b >> 4) % 3),
		.channel = (enum schema_channel)((b >> 6) % 3),
		.rights = b };

	return d;
}

/* A signed profile is what stands behind its first byte. */
static enum err_code
unwrap(void *arg, struct bytes der, struct buf *content, struct err *err)
{
	(void)arg;
	if (der.len > 1 && der.p[1] == 0)
		return err_set(err, ERR_UNDECODABLE, "no signature");
	buf_put(content, der.p + 1, der.len - 1);
	return buf_error(content, err);
}

static void
command(
    const struct schema_check *c, struct bytes file, struct schema_findings *f)
{
	struct schema_envelope env;
	struct pl *root = NULL;

	if (schema_command_read(c->schema, file, &root, &env, NULL) == ERR_OK)
		schema_validate_command(c, &env, f);
	pl_free(root);
}

static void
declaration(
    const struct schema_check *c, struct bytes file, struct schema_findings *f)
{
	struct pl *root = NULL;

	if (pl_parse(file, &root, NULL) == ERR_OK)
		schema_validate_declaration(c, root, f);
	pl_free(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static const struct schema *schema; /* for the process */
	struct schema_device device;
	struct schema_check c = { .device = &device, .unwrap = unwrap };
	struct schema_findings f = { 0 };
	struct err err = { 0 };
	struct bytes file;

	if (schema == NULL)
		must(schema_load(&schema, NULL) == ERR_OK);
	if (len < 2)
		return 0;
	c.schema = schema;
	device = device_of(p[1]);
	file = bytes_of(p + 2, len - 2);
	c.json = p[1] == 0;
	if (p[0] == 'c')
		command(&c, file, &f);
	else if (p[0] == 'p')
		schema_validate_profile_file(&c, file, &f);
	else
		declaration(&c, file, &f);
	schema_findings_lines(&f, file);
	must(schema_findings_good(&f) ==
	     (schema_findings_error(&f, &err) == ERR_OK));
	must(schema_findings_good(&f) || err.msg[0] != '\0');
	schema_findings_free(&f);
	return 0;
}
