#include "fs/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char options_help[] =
    "Usage: mdmfs [options] STATE_DIR MOUNTPOINT   mount and serve\n"
    "       mdmfs check [--schema DIR] DIR         judge a configuration tree\n"
    "       mdmfs doctor [--days N] MOUNTPOINT     does it all work?\n"
    "       mdmfs wait [--timeout N] MOUNTPOINT FILE...  until commands are "
    "answered\n"
    "       mdmfs backup STATE_DIR FILE            copy the store\n"
    "       mdmfs restore FILE STATE_DIR           make a store of the copy\n"
    "\n"
    "  -f                    stay in the foreground; say \"ready\"\n"
    "  --listen ADDR:PORT    serve HTTPS there (default [::]:8443); "
    "repeatable\n"
    "  --apns URL            another push service than Apple's\n"
    "  --apns-trust FILE     its root certificates (PEM)\n"
    "  --key-file FILE       the master key (default STATE_DIR/master.key)\n"
    "  --schema DIR          newer tables of Apple's schema; SIGHUP reads them "
    "anew\n"
    "  --trusted-proxy CIDR  a proxy whose headers count; repeatable\n"
    "  --user NAME           run as NAME once mounted\n"
    "  --squash-root NAME    in the mount root is only NAME\n"
    "  -o OPTIONS            of FUSE, as in mount(8)\n"
    "  --help, --version\n"
    "\n"
    "The mount explains itself: see its README, mdmfs(7) and mdmfs(8).\n";

static const char *
keep(struct options *o, char *owned)
{
	if (owned == NULL || o->n_owned == sizeof(o->owned) / sizeof(char *)) {
		free(owned);
		return NULL;
	}
	o->owned[o->n_owned++] = owned;
	return owned;
}

static const char *
absolute(struct options *o, const char *path)
{
	char *cwd, *s = NULL;

	if (*path == '/')
		return keep(o, strdup(path));
	cwd = getcwd(NULL, 0);
	if (cwd != NULL && asprintf(&s, "%s/%s", cwd, path) < 0)
		s = NULL;
	free(cwd);
	return keep(o, s);
}

static enum err_code
add(const char **list, unsigned max, const char *value, const char *what,
    struct err *err)
{
	unsigned i = 0;

	while (i < max && list[i] != NULL)
		i++;
	if (i == max)
		return err_set(
		    err, ERR_INVALID, "%s: at most %u times", what, max);
	list[i] = value;
	return ERR_OK;
}

/* ---- the settings, by long option and by -o NAME=VALUE ------------------ */

enum setting {
	SET_LISTEN = 256,
	SET_APNS,
	SET_APNS_TRUST,
	SET_KEY_FILE,
	SET_SCHEMA,
	SET_PROXY,
	SET_SQUASH,
	SET_USER,
	SET_HELP,
	SET_VERSION,
};

static const struct option longs[] = {
	{ "listen", required_argument, NULL, SET_LISTEN },
	{ "apns", required_argument, NULL, SET_APNS },
	{ "apns-trust", required_argument, NULL, SET_APNS_TRUST },
	{ "key-file", required_argument, NULL, SET_KEY_FILE },
	{ "schema", required_argument, NULL, SET_SCHEMA },
	{ "trusted-proxy", required_argument, NULL, SET_PROXY },
	{ "squash-root", required_argument, NULL, SET_SQUASH },
	{ "user", required_argument, NULL, SET_USER },
	{ "help", no_argument, NULL, SET_HELP },
	{ "version", no_argument, NULL, SET_VERSION },
	{ NULL, 0, NULL, 0 },
};

static enum err_code
set(struct options *o, int what, const char *value, struct err *err)
{
	const char *path = "";

	if (what == SET_APNS_TRUST || what == SET_KEY_FILE ||
	    what == SET_SCHEMA)
		path = absolute(o, value);
	if (path == NULL)
		return err_set(err, ERR_NO_MEMORY, "%s", value);
	switch (what) {
	case SET_LISTEN:
		return add(o->engine.listen, ENGINE_MAX_LISTEN, value,
		    "--listen", err);
	case SET_PROXY:
		return add(o->engine.proxies, ENGINE_MAX_PROXIES, value,
		    "--trusted-proxy", err);
	case SET_APNS:
		o->engine.apns_url = value;
		break;
	case SET_APNS_TRUST:
		o->engine.apns_trust = path;
		break;
	case SET_KEY_FILE:
		o->engine.key_file = path;
		break;
	case SET_SCHEMA:
		o->engine.schema_dir = path;
		break;
	case SET_SQUASH:
		o->squash = value;
		break;
	case SET_USER:
		o->user = value;
		break;
	case SET_HELP:
		o->help = true;
		break;
	default:
		o->version = true;
		break;
	}
	return ERR_OK;
}

/* ---- -o ----------------------------------------------------------------- */

/* Options of mount(8) that mean nothing to FUSE or are its defaults. */
static bool
is_generic(const char *word)
{
	static const char *const words[] = { "rw", "dev", "suid", "exec",
		"auto", "noauto", "nofail", "_netdev", "user", "nouser",
		"users", "owner", "group", "defaults", "async", "relatime",
		"atime", "norelatime", NULL };

	for (unsigned i = 0; words[i] != NULL; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return strncmp(word, "x-", 2) == 0 || strncmp(word, "X-", 2) == 0 ||
	       strncmp(word, "comment=", 8) == 0 ||
	       strncmp(word, "user=", 5) == 0;
}

/* Ours, since mount(8) passes nothing else: -o listen=[::]:443,run-as=mdm */
static int
is_ours(const char *word)
{
	size_t n = strcspn(word, "=");

	if (word[n] == '\0')
		return 0;
	if (n == 6 && strncmp(word, "run-as", n) == 0)
		return SET_USER;
	for (unsigned i = 0; longs[i].name != NULL; i++)
		if (longs[i].val < SET_USER && strlen(longs[i].name) == n &&
		    strncmp(longs[i].name, word, n) == 0)
			return longs[i].val;
	return 0;
}

static enum err_code
parse_words(
    struct options *o, const char *words, struct buf *fuse, struct err *err)
{
	char *list = strdup(words), *rest = NULL;
	enum err_code rc = ERR_OK;

	if (keep(o, list) == NULL)
		return err_set(err, ERR_NO_MEMORY, "-o");
	for (char *w = strtok_r(list, ",", &rest); w != NULL && rc == ERR_OK;
	     w = strtok_r(NULL, ",", &rest)) {
		int ours = is_ours(w);

		if (ours != 0)
			rc = set(o, ours, strchr(w, '=') + 1, err);
		else if (!is_generic(w))
			buf_printf(fuse, ",%s", w);
	}
	return rc;
}

static enum err_code
take_paths(struct options *o, int n, char **paths, struct err *err)
{
	if (o->help || o->version)
		return ERR_OK;
	if (n != 2)
		return err_set(err, ERR_INVALID,
		    "needs STATE_DIR and MOUNTPOINT; see mdmfs --help");
	o->engine.state_dir = absolute(o, paths[0]);
	/* libfuse takes an inherited /dev/fd/N as it is */
	o->mountpoint = strdup(
	    absolute(o, paths[1]) != NULL ? o->owned[o->n_owned - 1] : "");
	if (o->engine.state_dir == NULL || o->mountpoint == NULL ||
	    *o->mountpoint == '\0')
		return err_set(err, ERR_NO_MEMORY, "paths");
	return ERR_OK;
}

enum err_code
options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	struct options o = { 0 };
	struct buf fuse = { 0 };
	enum err_code rc = ERR_OK;
	int c;

	optind = 0;
	opterr = 0;
	buf_text(&fuse, "default_permissions,fsname=mdmfs,subtype=mdmfs");
	if (geteuid() == 0)
		buf_text(&fuse, ",allow_other");
	while (rc == ERR_OK &&
	       (c = getopt_long(argc, argv, "fho:V", longs, NULL)) != -1) {
		if (c == 'f')
			o.foreground = true;
		else if (c == 'h' || c == 'V')
			rc =
			    set(&o, c == 'h' ? SET_HELP : SET_VERSION, "", err);
		else if (c == 'o')
			rc = parse_words(&o, optarg, &fuse, err);
		else if (c == '?')
			rc = err_set(err, ERR_INVALID,
			    "%s: no such option, or without its value; see "
			    "mdmfs --help",
			    argv[optind - 1]);
		else
			rc = set(&o, c, optarg, err);
	}
	if (rc == ERR_OK)
		rc = take_paths(&o, argc - optind, argv + optind, err);
	if (rc == ERR_OK && (o.fuse = strdup(buf_str(&fuse))) == NULL)
		rc = err_set(err, ERR_NO_MEMORY, "options");
	buf_free(&fuse);
	if (rc == ERR_OK)
		*ret = o;
	else
		options_free(&o);
	return rc;
}

void
options_free(struct options *o)
{
	for (unsigned i = 0; i < o->n_owned; i++)
		free(o->owned[i]);
	free(o->mountpoint);
	free(o->fuse);
	*o = (struct options){ 0 };
}
