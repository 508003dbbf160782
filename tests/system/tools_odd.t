#!/bin/bash
# What tools do that the matrix does not have: they keep a backup, give up in
# the middle, or are ended.  A refused write changes nothing then, either.
. tests/system/lib.sh

need rsync sed perl truncate patch busybox python3

start_server
mkdir -p "$M/orgs/acme/groups/all"
f=$M/orgs/acme/groups/all/members
printf 'A B\n' >"$T/bad"

# reset: the file holds OLD, and nothing is beside it.
reset()
{
	rm -f "$f"~ && printf 'OLD\n' >"$f"
}

# refused WHAT COMMAND...: it fails, and the old content is there.
refused()
{
	what=$1
	shift
	reset
	fails "$what: it is refused" "$@"
	is "$(cat "$f")" OLD 'the old content stays'
}

# The old file was moved away, and what was to replace it is bad.
refused 'rsync --backup' rsync -abI "$T/bad" "$f"
refused 'sed -i~' sed -i~ 's/OLD/A B/' "$f"
refused 'perl -i~' perl -i~ -pe 's/OLD/A B/' "$f"
refused 'install -b' install -b "$T/bad" "$f"
cp "$T/bad" "$f.tmp"
refused 'mv -b' mv -b "$f.tmp" "$f"
is "$(cat "$f.tmp")" 'A B' 'and what was to be moved is where it was'
is "$(cat "$f"~)" OLD 'so is the backup'
works 'a good one is moved' bash -c "echo NEW >'$f.tmp' && mv -b '$f.tmp' '$f'"
is "$(cat "$f" "$f"~)" "$(printf 'NEW\nOLD')" 'and the old one is its backup'

# cp that came to a hole and could not go on had emptied the file before.
truncate -s 10M "$T/hole"
refused 'a file that is one hole' cp "$T/hole" "$f"
like "$(cat "$f.error")" '^EFBIG ' 'it is too large'


# Names of their own, in the place of the file.
bad_and_good()
{
	what=$1
	shift
	export WITH='A B'
	refused "$what" "$@"
	export WITH=NEW
	reset
	works "$what: a good one is taken" "$@"
	is "$(cat "$f")" NEW 'and is there'
}
export f
bad_and_good 'sed -i.bak' bash -c 'sed -i.bak "s/OLD/$WITH/" $f'
bad_and_good 'perl -i.orig' bash -c 'perl -i.orig -pe "s/OLD/$WITH/" $f'
bad_and_good patch bash -c "printf '%s\n' '--- members' '+++ members' \
	'@@ -1 +1 @@' -OLD \"+\$WITH\" | patch -s \$f"
# as ansible's copy and template do it
bad_and_good '.ansible_tmpXXXXXXXXNAME' python3 -c 'import os, tempfile
d, name = os.path.split(os.environ["f"])
fd, tmp = tempfile.mkstemp(prefix=".ansible_tmp", suffix=name, dir=d)
os.write(fd, os.environ["WITH"].encode() + b"\n")
os.close(fd)
try:
    os.rename(tmp, os.environ["f"])
except OSError:
    os.unlink(tmp)
    raise'
# of mkstemp's names one in 200 is a word, which is refused as if it was typed
bad_and_good 'busybox sed -i' bash -c 'for i in 1 2 3 4; do
	busybox sed -i "s/OLD/$WITH/" $f 2>/dev/null
	[ "$(cat $f)" = "$WITH" ] && exit; done; exit 1'
bad_and_good 'mktemp NAME.XXXXXX' bash -c 'for i in 1 2 3 4; do
	t=$(mktemp $f.XXXXXX 2>/dev/null) && break; done
	echo "$WITH" >$t && mv $t $f; s=$?; rm -f $t; exit $s'
is "$(ls -A "${f%/*}" | grep -v -e '\.bak$' -e '\.orig$' -e '\.rej$')" members \
	'nothing else is left'
fails 'what somebody types is refused' touch "$f.txt"
fails 'also a backup that would be lost' touch "$f.old"


# killed SIGNAL: who has written half of it is ended.
killed()
{
	what="ended by $1"
	reset
	"${@:2}" &
	pid=$!
	for _ in $(seq 250); do
		[ -e "$T/half" ] && break
		sleep 0.02
	done
	rm "$T/half"
	kill -s "$1" "$pid"
	wait "$pid" 2>/dev/null
	for _ in $(seq 250); do
		[ -e "$f.error" ] && break
		sleep 0.02
	done
	is "$(cat "$f")" OLD "$what: the old content stays"
	like "$(cat "$f.error")" 'ended by a signal' 'and it says why'
}
export T
killed KILL python3 -c 'import os, time
f = open(os.environ["f"], "wb", 0)
f.write(b"HALF\n")
open(os.environ["T"] + "/half", "w")
time.sleep(60)'
killed TERM python3 -c 'import os, time
f = open(os.environ["f"], "wb", 0)
open(os.environ["T"] + "/half", "w")
time.sleep(60)'
# the last thread that goes is killed by the first, in every program
reset
works 'threads that end together' python3 -c 'import os, threading, time
f = os.open(os.environ["f"], os.O_WRONLY | os.O_TRUNC)
os.write(f, b"NEW\n")
for i in range(8):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os._exit(0)'
is "$(cat "$f")" NEW 'are not killed, and what they wrote is taken'
reset
bash -c 'exec 3>"$f"; echo NEW >&3; sleep 60 & kill -9 $!; wait $!; exec 3>&-' \
	2>/dev/null
is "$(cat "$f")" NEW 'nor does a child matter that was killed'
like "$(tail -n 1 "$M/events")" 'comm=[a-z]+ changed' 'an event names a program'

done_testing
