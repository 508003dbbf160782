/* mdmfs: an Apple MDM server that is mounted. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "fs/check.h"
#include "fs/doctor.h"
#include "fs/options.h"
#include "fs/serve.h"
#include "fs/wait.h"

static int
fail(const struct err *err)
{
	fprintf(stderr, "mdmfs: %s\n", err->msg);
	return 1;
}

static int
usage(const char *line)
{
	fprintf(stderr, "Usage: mdmfs %s\n", line);
	return 2;
}

static int
do_check(int argc, char **argv)
{
	const char *schema = NULL;
	unsigned faults = 0;
	struct err err = { 0 };

	if (argc == 5 && strcmp(argv[2], "--schema") == 0) {
		schema = argv[3];
		argc -= 2;
		argv += 2;
	}
	if (argc != 3 || argv[2][0] == '-')
		return usage("check [--schema DIR] DIR");
	if (check_tree(argv[2], schema, &faults, &err) != ERR_OK)
		return fail(&err);
	return faults == 0 ? 0 : 1;
}

static int
do_backup(int argc, char **argv)
{
	const char *key_file = NULL;
	struct err err = { 0 };

	if (argc == 6 && strcmp(argv[2], "--key-file") == 0) {
		key_file = argv[3];
		argc -= 2;
		argv += 2;
	}
	if (argc != 4)
		return usage("backup [--key-file FILE] STATE_DIR FILE");
	if (engine_backup(argv[2], key_file, argv[3], &err) != ERR_OK)
		return fail(&err);
	return 0;
}

static int
do_restore(int argc, char **argv)
{
	struct err err = { 0 };

	if (argc != 4)
		return usage("restore FILE STATE_DIR");
	if (engine_restore(argv[2], argv[3], &err) != ERR_OK)
		return fail(&err);
	return 0;
}

static int
do_serve(int argc, char **argv)
{
	struct options o;
	struct err err = { 0 };
	bool parent = true;
	enum err_code rc;

	if (options_parse(argc, argv, &o, &err) != ERR_OK)
		return fail(&err);
	if (o.help || o.version) {
		fputs(o.help ? options_help : "mdmfs " MDMFS_VERSION "\n",
		    stdout);
		options_free(&o);
		return 0;
	}
	rc = serve(&o, &parent, &err);
	options_free(&o);
	if (rc == ERR_OK)
		return 0;
	return parent ? fail(&err) : 1; /* the parent says it */
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{ "check", do_check },
		{ "doctor", doctor_main },
		{ "wait", wait_main },
		{ "backup", do_backup },
		{ "restore", do_restore },
	};

	/* what people write is UTF-8, whatever the service's locale is */
	setlocale(LC_CTYPE, "C.UTF-8");
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc, argv);
	return do_serve(argc, argv);
}
