#!/bin/bash
# What changes by itself is never stale, has its size, and comes at once.
. tests/system/lib.sh
need python3 less rsync cmp tail timeout grep

start_server
mkdir "$M/orgs/acme"
echo Acme >"$M/orgs/acme/name"

# ---- sizes
generated=$(cd "$M" && find . -type f -size +0 \
	! -name events ! -path './orgs/*' ! -path './system/*' | sort)
like "$generated" 'status/server' 'there are generated files'
for f in $generated; do
	timeout 5 cp "$M/$f" "$T/copy" 2>/dev/null || continue
	[ "$(stat -c %s "$T/copy")" -gt 0 ] && timeout 5 rsync -a "$M/$f" "$T/synced" &&
		timeout 5 less "$M/$f" >"$T/lessened" && timeout 5 cat "$M/$f" >"$T/cat" &&
		[ -s "$T/lessened" ] && [ -s "$T/cat" ] && [ -s "$T/synced" ] &&
		timeout 5 grep -c '' "$M/$f" >"$T/grep"
	ok $? "$f: cp, rsync, less, cat and grep get all of it"
	rm -rf "$T/synced"
done
is "$(rsync -a "$M/status/" "$T/status/" 2>&1)" '' \
	'rsync -a of status/ has nothing to complain about'

# ---- content
for i in 1 2 3 4 5; do
	echo "Acme $i" >"$M/orgs/acme/name"
	is "$(cat "$M/orgs/acme/name")" "Acme $i" "what was written is read ($i)"
	tail -n 1 "$M/events" >"$T/last"
	is "$(grep -c 'orgs/acme/name' "$T/last")" 1 'and is the last event'
done
is "$(python3 - "$M" <<'PY'
import os, sys
m = sys.argv[1]
fd = os.open(m + '/status/server', os.O_RDONLY)
before = os.pread(fd, 1 << 16, 0)
os.mkdir(m + '/orgs/more')
print(os.pread(fd, 1 << 16, 0) == before)
with open(m + '/status/server', 'rb') as f:
    print(f.read() == before)
PY
)" $'True\nFalse' 'an open page keeps what it was opened with'

# ---- follow, poll, tail -f
python3 - "$M" >"$T/latency" <<'PY'
import os, select, statistics, sys, threading, time
m = sys.argv[1]
fd = os.open(m + '/follow', os.O_RDONLY)
wanted, took, pos = {}, [], threading.Semaphore(0)


def reader():
    while len(took) < 200:
        data = os.read(fd, 65536)
        now = time.perf_counter()
        if b'/note.md' in data:
            took.append(now - wanted['at'])
            pos.release()


t = threading.Thread(target=reader)
t.start()
time.sleep(0.1)
for i in range(200):
    # the time of the whole deed, its sync to the disk included, is taken off
    out = os.open(m + '/orgs/note.md', os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.write(out, b'%d\n' % i)
    wanted['at'] = time.perf_counter()
    os.close(out)
    closed = time.perf_counter() - wanted['at']
    pos.acquire()
    took[-1] = took[-1] - closed
t.join()
took.sort()
print('follow: median %.3f ms, 95 %% %.3f ms after close' % (
    1000 * statistics.median(took), 1000 * took[190]))
p = select.poll()
events = os.open(m + '/events', os.O_RDONLY)
while os.read(events, 1 << 20):
    pass
p.register(events, select.POLLIN)
p.register(fd, select.POLLIN)
print('quiet', len(p.poll(50)))
os.mkdir(m + '/orgs/polled')
ready = dict(p.poll(5000))
print('follow polls', fd in ready)
ready = dict(p.poll(1000)) if events not in ready else ready
print('events polls', events in ready)
print('reads', b'orgs/polled' in os.read(fd, 65536))
nb = os.open(m + '/follow', os.O_RDONLY | os.O_NONBLOCK)
try:
    print('nonblocking', os.read(nb, 1))
except BlockingIOError:
    print('nonblocking EAGAIN')
os.rmdir(m + '/orgs/polled')
print('then', b'removed orgs/polled' in os.read(nb, 65536))
PY
sed 's/^/# /' "$T/latency"
like "$(cat "$T/latency")" '^quiet 0$' 'poll waits while nothing is there'
like "$(cat "$T/latency")" '^follow polls True$' 'and wakes for follow'
like "$(cat "$T/latency")" '^events polls True$' 'and for events'
like "$(cat "$T/latency")" '^reads True$' 'which then is read'
like "$(cat "$T/latency")" '^nonblocking EAGAIN$' 'O_NONBLOCK does not wait'
like "$(cat "$T/latency")" '^then True$' 'and reads what has come'
# generous: other tests run beside this one
ok "$(awk '/^follow: / { exit !($3 < 1) }' "$T/latency"; echo $?)" \
	'a line of follow comes within a millisecond'
timeout 10 tail -s 0.05 -n 0 -F "$M/events" >"$T/tail" 2>&1 &
tailing=$!
for _ in $(seq 100); do
	mkdir "$M/orgs/tailed" && rmdir "$M/orgs/tailed"
	grep -q orgs/tailed "$T/tail" && break
	sleep 0.05
done
grep -q orgs/tailed "$T/tail"
ok $? 'tail -F of events follows'
kill "$tailing"
wait "$tailing" 2>/dev/null
done_testing
