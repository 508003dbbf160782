"""How long after close() a reader of follow has the line of an accepted write.

    follow.py MOUNT [COUNT]

prints a row of make bench."""
import os
import statistics
import sys
import threading
import time

MOUNT = sys.argv[1]
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 300
follow = os.open(MOUNT + '/follow', os.O_RDONLY)
came = threading.Semaphore(0)
at = []


def reader():
    while len(at) < COUNT:
        data = os.read(follow, 65536)
        now = time.perf_counter()
        if b'/latency.md' in data:
            at.append(now)
            came.release()


thread = threading.Thread(target=reader)
thread.start()
took = []
for i in range(COUNT):
    fd = os.open(MOUNT + '/orgs/latency.md',
                 os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    os.write(fd, b'%d\n' % i)
    os.close(fd)  # returns when it is on the disk
    closed = time.perf_counter()
    came.acquire()
    took.append(max(0, at[-1] - closed) * 1000)
thread.join()
os.unlink(MOUNT + '/orgs/latency.md')
took.sort()
print('%-46s %12.3f  ms; 95 %%: %.3f ms, the longest: %.3f ms' % (
    'median', statistics.median(took), took[COUNT * 95 // 100], took[-1]))
