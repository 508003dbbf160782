# shellcheck shell=bash
# lib.sh - for the system tests: a server of their own, and TAP.
# Read with `. tests/system/lib.sh` from the repository's root.  MDMFS: the
# program under test.

MDMFS=${MDMFS:-build/mdmfs}
MDMFS=$(realpath "$MDMFS") || exit 1
export LC_ALL=C.UTF-8
umask 022

tap_n=0
tap_failed=0

# ok STATUS WHAT: a test that passed if STATUS is 0.
ok()
{
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		echo "not ok $tap_n - $2"
		tap_failed=$((tap_failed + 1))
	fi
}

# is GOT WANTED WHAT
is()
{
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		printf '%s\n' "got:    $1" "wanted: $2" | sed 's/^/# /'
	fi
}

# like GOT EXTENDED_REGEX WHAT
like()
{
	if printf '%s\n' "$1" | grep -qE -- "$2"; then
		ok 0 "$3"
	else
		ok 1 "$3"
		printf '%s\n' "got:    $1" "wanted: $2" | sed 's/^/# /'
	fi
}

# fails WHAT COMMAND...: it must exit with another status than 0.
fails()
{
	fails_what=$1
	shift
	if "$@" >"$T/fails.out" 2>&1; then
		ok 1 "$fails_what"
	else
		ok 0 "$fails_what"
	fi
}

# works WHAT COMMAND...
works()
{
	works_what=$1
	shift
	if "$@" >"$T/works.out" 2>&1; then
		ok 0 "$works_what"
	else
		ok 1 "$works_what"
		sed 's/^/# /' "$T/works.out"
	fi
}

# The end: also stops the server, and shows what sanitizers said of it.
# The last line of a test.  A server that still runs must end well; with a
# sanitizer, what it found is a failure.
done_testing()
{
	if [ -n "$server" ]; then
		kill "$server"
		wait "$server"
		is "$?" 0 'the server ends with 0'
		server=
		grep -A 30 -E 'Sanitizer|runtime error' "$T/log" | sed 's/^/# /'
	fi
	echo "1..$tap_n"
	exit $((tap_failed > 0))
}

# need TOOL...: a tool that is missing is an error, not a reason to skip.
need()
{
	for need_tool in "$@"; do
		command -v "$need_tool" >/dev/null && continue
		echo "Bail out! $need_tool is not installed (make test-deps)"
		exit 1
	done
}

# A port that nobody listens on now, below those that the kernel gives to
# clients: one of theirs could be taken before the server has it.
free_port()
{
	python3 -c 'import random, socket
with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
    end = int(f.read().split()[0])
for i in range(1000):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(10000, max(end, 10100))))
    except OSError:
        continue
    print(s.getsockname()[1])
    break'
}

# T: a folder of this test, gone at its end; M: the mount; PORT.
T=$(mktemp -d "${TMPDIR:-/var/tmp}/mdmfs-test.XXXXXX") || exit 1
M=$T/mnt
server=
mkdir "$M"
chmod 755 "$T"

cleanup()
{
	[ -z "${sshd:-}" ] || kill "$sshd"
	stop_server
	# a server that was killed leaves its mount
	if grep -q " $M fuse" /proc/self/mounts; then
		fusermount3 -uz "$M" 2>/dev/null
	fi
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# start_server [OPTION...]: in the foreground, as a job; waits until it serves.
# What it says is in $T/log.
start_server()
{
	PORT=$(free_port)
	[ -e "$T/log" ] && mv "$T/log" "$(mktemp "$T/log.XXXXXX")"
	: >"$T/log"
	"$MDMFS" -f --listen "127.0.0.1:$PORT" "$@" "$T/state" "$M" \
		2>"$T/log" &
	server=$!
	# tail ends with the server
	timeout 20 tail -n +1 -s 0.05 -f --pid="$server" "$T/log" |
		grep -q '^ready$' && return 0
	echo "Bail out! the server did not start"
	sed 's/^/# /' "$T/log"
	exit 1
}

stop_server()
{
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}
