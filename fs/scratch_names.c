#include "fs/scratch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), e = strlen(ending);

	return n > e && strcmp(s + n - e, ending) == 0;
}

/* begin and then n characters as mkstemp(3) makes them. */
static bool
is_random(const char *s, const char *begin, size_t n)
{
	size_t b = strlen(begin);

	if (strncmp(s, begin, b) != 0 || strlen(s) != b + n)
		return false;
	for (s += b; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

/* vim looks whether it may write with 4913, then adds 123 (fileio.c). */
static bool
is_vim_probe(const char *s)
{
	char *end;
	long n;

	if (strlen(s) > 5 || strspn(s, "0123456789") != strlen(s))
		return false;
	n = strtol(s, &end, 10);
	return n >= 4913 && (n - 4913) % 123 == 0;
}

static bool
is_hidden_scratch(const char *s)
{
	size_t n = strlen(s);
	const char *swap = strrchr(s, '.');

	if (*s != '.')
		return false;
	if (strcmp(s, ".filepart") == 0 || is_random(s, ".merge_file_", 6) ||
	    is_random(s, ".goutputstream-", 6) || is_random(s, ".tmp", 6) ||
	    strncmp(s, ".ansible_tmp", sizeof(".ansible_tmp") - 1) == 0)
		return true;
	/* .NAME.XXXXXX */
	if (n >= 9 && s[n - 7] == '.' && is_random(s + n - 6, "", 6))
		return true;
	return swap > s + 1 && strncmp(swap, ".sw", 3) == 0 &&
	       islower((unsigned char)swap[3]) &&
	       (swap[4] == '\0' || strcmp(swap + 4, "x") == 0);
}

bool
scratch_is_name(const char *name)
{
	static const char *const endings[] = { "~", ".tmp", ".new", ".save",
		".lock", ".part", ".filepart", ".bak", ".orig", ".rej", NULL };

	if (strlen(name) > 255 || strchr(name, '/') != NULL)
		return false;
	for (unsigned i = 0; endings[i] != NULL; i++)
		if (ends_with(name, endings[i]))
			return !scratch_is_dir_name(name);
	if (*name == '#')
		return strlen(name) > 2 && ends_with(name, "#");
	return is_hidden_scratch(name) || is_vim_probe(name) ||
	       is_random(name, "sed", 6) || is_random(name, "XX", 6) ||
	       is_random(name, "tmp", 8) || is_random(name, "tmp.", 10);
}

bool
scratch_is_dir_name(const char *name)
{
	return strcmp(name, ".~tmp~") == 0;
}

bool
scratch_is_link_name(const char *name)
{
	return strncmp(name, ".#", 2) == 0 && strlen(name) > 2;
}

/* ---- names made of another ---------------------------------------------- */

/* Letters of both cases and digits, as they come from mkstemp(3): a word, a
 * number or a date is not meant. */
static bool
is_mixed(const char *s, size_t min, size_t max)
{
	size_t n = strlen(s);
	bool word = true, number = true;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!isalnum(c))
			return false;
		word = word && islower(c);
		number = number && isdigit(c);
	}
	return n >= min && n <= max && !word && !number;
}

static bool
is_visible_tail(const char *s)
{
	return is_mixed(s, 6, 6) || (*s == '.' && is_mixed(s + 1, 6, 12)) ||
	       is_random(s, ".gawk.", 6) || is_random(s, ".o", 6) ||
	       is_random(s, ".r", 6);
}

/* After .NAME, which nobody types: no place takes such names. */
static bool
is_hidden_tail(const char *s)
{
	size_t n = strspn(s, ".-");

	return n <= 1 && strlen(s + n) >= 6 &&
	       s[n + strspn(s + n, "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0';
}

bool
scratch_is_made_of(const char *name,
    bool (*is_taken)(const void *arg, const char *name), const void *arg)
{
	size_t n = strlen(name);
	char base[256];

	if (n >= sizeof(base) || strchr(name, '/') != NULL)
		return false;
	for (size_t len = n; len-- > 1;) {
		memcpy(base, name, len);
		base[len] = '\0';
		if (is_visible_tail(name + len) && is_taken(arg, base))
			return true;
		if (*name == '.' && is_hidden_tail(name + len) &&
		    is_taken(arg, base + 1))
			return true;
	}
	return false;
}
