"""Random operations on the mount against a model, as fsx and fsstress do, with
crashes of the server in between.

    random.py MOUNT SECONDS SEED [CRASH]

CRASH is a program that kills the server and starts it again.  Several threads
have a directory each; what close(), rename() and the like acknowledged must be
there, also after a crash, and nothing else; an operation that was cut off by
one may have happened or not, but not by half.  The last line has the counts."""
import errno
import os
import random
import shutil
import sys
import threading
import time

M, SECONDS, SEED = sys.argv[1], float(sys.argv[2]), sys.argv[3]
CRASH = sys.argv[4] if len(sys.argv) > 4 else None
THREADS = 3
NAMES = ['a.md', 'b.md', 'c d.md', 'ü.md', 'name', '.gitignore', 'apns/x.md']
SCRATCH = ['a.md.tmp', '.b.md.AbCdEf', 'c~', 'apns/y.tmp']
DIRS = ['tls', 'signing']  # made and removed; apns is always there
IS_DIR = b'(a directory)'
wrong = []
counts = {}
crashes = 0
crashing = False


class Lost(Exception):
    """The server went away."""


class Worker(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.rand = random.Random('%s/%d' % (SEED, number))
        self.dir = '%s/orgs/r%d' % (M, number)
        self.log = []
        self.files = {}    # name: set of contents that it may have; None: not there
        self.scratch = {}  # the same; lost in a crash
        self.removed = {}  # name: what a refused write may bring back
        self.seen = 0

    def path(self, name):
        return self.dir + '/' + name

    def say(self, *what):
        self.log.append(' '.join(map(repr, what)))
        del self.log[:-30]

    def differ(self, what):
        wrong.append('%s: %s\n  %s' % (self.dir, what, '\n  '.join(self.log)))

    def table(self, name):
        return self.scratch if name in SCRATCH else self.files

    def may(self, name):
        return self.table(name).get(name, {None})

    # ---- operations: each returns what the name has afterwards

    def bytes(self):
        r = self.rand
        if r.random() < 0.02:
            return bytes([r.randrange(256)]) * r.randrange(1 << 20)
        return bytes(r.randrange(32, 127) for _ in range(r.randrange(1, 200)))

    def refused(self, name, content):
        """Whether that content is no good for that name."""
        return name == 'name' and not good_name(content)

    def call(self, fn, *args, allowed=()):
        try:
            return fn(*args)
        except OSError as e:
            # also a name that is not found where nothing is mounted
            if crashing or crashes != self.seen or e.errno == errno.ENOTCONN:
                raise Lost() from None
            if e.errno in allowed:
                return e
            raise

    def write_all(self, name, flags, data, old):
        """Open, write in pieces, close."""
        new = data
        fd = os.open(self.path(name), os.O_CREAT | os.O_RDWR | flags, 0o644)
        failed = None
        try:
            if flags & os.O_APPEND:
                new = (old or b'') + data
                pieces = [(0, data)] if len(data) < 2 else [
                    (0, data[:len(data) // 2]), (0, data[len(data) // 2:])]
            elif flags & os.O_TRUNC or old is None:
                cut = self.rand.randrange(len(data) + 1)
                pieces = [(0, data[:cut]), (cut, data[cut:])]
                if self.rand.random() < 0.3:
                    pieces.reverse()
            else:
                at = self.rand.randrange(len(old) + 20)
                pieces = [(at, data)]
                new = old.ljust(at, b'\0')
                new = new[:at] + data + new[at + len(data):]
                if self.rand.random() < 0.3:
                    cut = self.rand.randrange(len(old) + 1)
                    os.ftruncate(fd, cut)
                    new = old[:cut].ljust(at, b'\0')
                    new = new[:at] + data + new[at + len(data):]
            for at, piece in pieces:
                done = 0
                while done < len(piece):
                    done += os.pwrite(fd, piece[done:], at + done)
            if self.rand.random() < 0.2:
                if os.pread(fd, 1 << 21, 0) != new:
                    self.differ('%s: the writer reads something else' % name)
                if os.fstat(fd).st_size != len(new):
                    self.differ('%s: the writer is told %d, not %d bytes' % (
                        name, os.fstat(fd).st_size, len(new)))
            if self.rand.random() < 0.1:
                os.fsync(fd)
        except OSError as e:
            failed = e
        try:
            os.close(fd)
        except OSError as e:
            failed = failed or e
        if failed is not None:
            failed.new = new
            raise failed
        return new

    def do_write(self):
        name = self.rand.choice(NAMES + SCRATCH)
        flags = self.rand.choice([os.O_TRUNC, os.O_TRUNC, os.O_APPEND, 0])
        data = self.bytes()
        if name == 'name':
            flags = os.O_TRUNC
            data = self.rand.choice([b'Acme\n', b'Acme 2\n', b'two\nlines\n',
                                     b'\xff\xfe\n', b'B\xc3\xbcro'])
        may = self.may(name)
        self.say('write', name, flags, len(data), data[:20])
        if may is None or len(may) > 1:
            self.settle(name)
            may = self.may(name)
        old = next(iter(may))
        back = {self.removed.get(name)} if old is None else set()
        try:
            new = self.call(self.write_all, name, flags, data, old, allowed=(
                errno.EFBIG, errno.EPROTO, errno.EBADMSG, errno.ENOSPC,
                errno.EDQUOT))
        except Lost:
            full = self.guess(flags, data, old)
            if full is None:
                self.table(name)[name] = None  # anything: settle() looks
            else:
                self.table(name)[name] = may | {full} | back
            raise
        if isinstance(new, OSError):
            if new.errno == errno.EFBIG and len(new.new) <= limit(name) or \
                    new.errno in (errno.EPROTO, errno.EBADMSG) and \
                    not self.refused(name, new.new):
                self.differ('%s: refused: %s' % (name, new))
            self.table(name)[name] = may | back
            return
        if self.refused(name, new):
            self.differ('%s: taken: %r' % (name, new[:40]))
        self.table(name)[name] = {new}

    @staticmethod
    def guess(flags, data, old):
        if flags & os.O_TRUNC or old is None:
            return data
        if flags & os.O_APPEND:
            return old + data
        return None

    def do_unlink(self):
        name = self.rand.choice(NAMES + SCRATCH)
        may = self.may(name)
        self.say('unlink', name)
        try:
            got = self.call(os.unlink, self.path(name),
                            allowed=(errno.ENOENT,))
        except Lost:
            self.table(name)[name] = may | {None} if may is not None else None
            raise
        if may is not None and (isinstance(got, OSError)) != (None in may) \
                and len(may) == 1:
            self.differ('unlink %s: %r' % (name, got))
        self.gone(name)

    def gone(self, name):
        may = self.may(name)
        if may is not None and may != {None}:
            self.removed[name] = next(iter(may - {None}))
        self.table(name)[name] = {None}

    def do_rename(self):
        a, b = self.rand.sample(NAMES + SCRATCH, 2)
        for name in (a, b):
            self.settle(name)
        old, there = next(iter(self.may(a))), next(iter(self.may(b)))
        self.say('rename', a, b)
        try:
            got = self.call(os.rename, self.path(a), self.path(b), allowed=(
                errno.ENOENT, errno.EPROTO, errno.EBADMSG, errno.EFBIG))
        except Lost:
            self.table(a)[a] = {old, None}
            self.table(b)[b] = {old, there} if old is not None else {there}
            raise
        if isinstance(got, OSError):
            if got.errno == errno.ENOENT and old is not None or \
                    got.errno in (errno.EPROTO, errno.EBADMSG) and \
                    not self.refused(b, old) or \
                    got.errno == errno.EFBIG and len(old) <= limit(b):
                self.differ('rename %s %s: %s' % (a, b, got))
            if got.errno != errno.ENOENT and there is None:
                self.table(b)[b] = {None, self.removed.get(b)}
            return
        if old is None or self.refused(b, old):
            self.differ('rename %s %s went through' % (a, b))
        self.gone(a)
        self.table(b)[b] = {old}

    def do_truncate(self):
        name = self.rand.choice(NAMES[:4] + SCRATCH)
        self.settle(name)
        old = next(iter(self.may(name)))
        size = self.rand.randrange(300)
        self.say('truncate', name, size)
        new = None if old is None else old[:size].ljust(size, b'\0')
        try:
            got = self.call(os.truncate, self.path(name), size,
                            allowed=(errno.ENOENT,))
        except Lost:
            self.table(name)[name] = {old, new}
            raise
        if isinstance(got, OSError) != (old is None):
            self.differ('truncate %s: %r' % (name, got))
        self.table(name)[name] = {new}

    def do_chmod(self):
        name = self.rand.choice(NAMES)
        mode = self.rand.randrange(0o1000)
        self.settle(name)
        old = next(iter(self.may(name)))
        self.say('chmod', name, mode)
        got = self.call(os.chmod, self.path(name), mode,
                        allowed=(errno.ENOENT,))
        if isinstance(got, OSError) != (old is None):
            self.differ('chmod %s: %r' % (name, got))
        elif old is not None and self.call(os.stat, self.path(
                name)).st_mode & 0o777 != mode:
            self.differ('chmod %s: another mode' % name)

    def do_utime(self):
        name = self.rand.choice(NAMES)
        ns = self.rand.randrange(1 << 61)
        self.settle(name)
        old = next(iter(self.may(name)))
        self.say('utime', name, ns)
        got = self.call(lambda: os.utime(self.path(name), ns=(ns, ns)),
                        allowed=(errno.ENOENT,))
        if isinstance(got, OSError) != (old is None):
            self.differ('utime %s: %r' % (name, got))
        elif old is not None and self.call(os.stat, self.path(
                name)).st_mtime_ns != ns:
            self.differ('utime %s: another time' % name)

    def do_mkdir(self):
        self.make_or_remove(os.mkdir, errno.EEXIST, IS_DIR)

    def do_rmdir(self):
        self.make_or_remove(os.rmdir, errno.ENOENT, None)

    def make_or_remove(self, fn, wrong_state, new):
        name = self.rand.choice(DIRS)
        self.settle(name)
        old = next(iter(self.may(name)))
        self.say(fn.__name__, name)
        try:
            got = self.call(fn, self.path(name), allowed=(wrong_state,))
        except Lost:
            self.files[name] = {old, new}
            raise
        if isinstance(got, OSError) != (old == new):
            self.differ('%s %s: %r' % (fn.__name__, name, got))
        self.files[name] = {new}

    def do_read(self):
        self.settle(self.rand.choice(NAMES + SCRATCH))

    def do_list(self):
        self.say('list')
        self.check_all()

    # ---- looking

    def look(self, name):
        def read():
            if name in DIRS:
                os.listdir(self.path(name))
                return IS_DIR
            with open(self.path(name), 'rb') as f:
                data = f.read()
            return data
        got = self.call(read, allowed=(errno.ENOENT,))
        return None if isinstance(got, OSError) else got

    def settle(self, name):
        """What it has must be one of what it may have; now it has that."""
        got = self.look(name)
        may = self.may(name)
        if may is not None and got not in may:
            self.differ('%s: has %r, may have %s' % (
                name, got and (len(got), got[:40]),
                [m and (len(m), m[:40]) for m in may]))
        self.table(name)[name] = {got}

    def check_all(self):
        for name in NAMES + SCRATCH + DIRS:
            self.settle(name)
        there = {n for n in NAMES + SCRATCH + DIRS if self.may(n) != {None}}
        got = set(self.call(os.listdir, self.dir)) - {'apns'}
        got |= {'apns/' + n for n in self.call(os.listdir, self.path('apns'))}
        if got != there:
            self.differ('listing: %s, not %s' % (sorted(got), sorted(there)))

    def run(self):
        try:
            self.loop()
        except Exception as e:  # it must be seen, whatever it is
            self.differ('%s: %s; now there: %s' % (
                type(e).__name__, e, self.there()))

    def there(self):
        try:
            return sorted(os.listdir(self.dir))
        except OSError as e:
            return str(e)

    def loop(self):
        ops = ['write'] * 8 + ['rename'] * 4 + [
            'unlink', 'truncate', 'chmod', 'utime', 'mkdir', 'rmdir', 'read',
            'read', 'list']
        while time.time() < end and not wrong:
            op = self.rand.choice(ops)
            counts[op] = counts.get(op, 0) + 1
            try:
                getattr(self, 'do_' + op)()
            except Lost:
                self.say('--- lost')
                late = time.time() + 30
                while crashing or crashes == self.seen:
                    if time.time() > late:
                        self.differ('lost without a crash')
                        return
                    time.sleep(0.01)
            if crashes != self.seen:
                self.say('--- the server came back')
                self.recover()

    def recover(self):
        """Scratch files went, or did not yet exist."""
        self.seen = crashes
        for n in SCRATCH:
            may = self.may(n)
            self.scratch[n] = None if may is None else may | {None}


def limit(name):
    return 17 << 20 if name in SCRATCH else 64 << 10 if name == 'name' \
        else 1 << 20


def good_name(data):
    """One clean line of at most 1023 bytes, white space around it aside."""
    data = data.strip(b' \t\r\n')
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return 0 < len(data) < 1024 and text.isprintable()


def start_crasher():
    """A process that runs CRASH for each byte, and answers with one when the
    server is back: made before any file is open.  A process that is forked
    later has copies of the open ones, and closing a copy commits what was
    written until then, wherever the writer is."""
    ask, tell = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.close(ask[1])
        while os.read(ask[0], 1):
            if os.spawnv(os.P_WAIT, CRASH, [CRASH]) != 0:
                os._exit(1)
            os.write(tell[1], b'.')
        os._exit(0)
    os.close(ask[0])
    os.close(tell[1])

    def crash():
        os.write(ask[1], b'.')
        if not os.read(tell[0], 1):
            raise SystemExit('%s failed' % CRASH)
    return crash


crash = start_crasher() if CRASH else None
end = time.time() + SECONDS
workers = [Worker(i) for i in range(THREADS)]
for w in workers:
    os.makedirs(w.dir + '/apns')
    w.start()
chance = random.Random(SEED)
while CRASH and time.time() < end and not wrong:
    time.sleep(min(chance.uniform(0.1, 1.2), max(0, end - time.time())))
    if time.time() >= end or wrong:
        break
    crashing = True
    crash()
    crashes += 1
    crashing = False
for w in workers:
    w.join()
if not wrong:
    for w in workers:
        w.recover()
        w.check_all()
        shutil.rmtree(w.dir)
for what in wrong[:3]:
    print(what)
print('%d operations, %d crashes, %d wrong' % (
    sum(counts.values()), crashes, len(wrong)))
