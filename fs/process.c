#include "fs/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t
read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (pid <= 0 || (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return 0;
	n = read(fd, ret, size);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

void
process_comm(pid_t pid, char comm[static 16])
{
	size_t n = read_proc(pid, "comm", comm, 15);

	while (n > 0 && comm[n - 1] == '\n')
		n--;
	comm[n] = '\0';
}

#define PF_EXITING 0x4u /* include/linux/sched.h */

/* Field n of /proc/PID/stat, as proc(5) counts them; 0: not there.  rest is
 * what follows the second field, which may hold anything. */
static unsigned long
field(const char *rest, int n)
{
	for (int i = 3; i < n && rest != NULL; i++)
		if ((rest = strchr(rest, ' ')) != NULL)
			rest++;
	return rest != NULL ? strtoul(rest, NULL, 10) : 0;
}

bool
process_was_killed(pid_t pid)
{
	char stat[1024];
	size_t n = read_proc(pid, "stat", stat, sizeof(stat) - 1);
	const char *rest;

	stat[n] = '\0';
	rest = strrchr(stat, ')');
	if (rest == NULL || rest[1] != ' ')
		return false;
	rest += 2;
	/* a process that is stopped has a signal in its exit code, too */
	return (field(rest, 9) & PF_EXITING) != 0 &&
	       (field(rest, 52) & 0x7f) != 0;
}
