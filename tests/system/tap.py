"""TAP, and calls that say what became of them: for conform*.py, refused.py."""
import ctypes
import errno
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
n = 0
failed = 0


def ok(good, what, *more):
    """more: lines that a failure shows."""
    global n, failed
    n += 1
    failed += not good
    print('%s %d - %s' % ('ok' if good else 'not ok', n, what), flush=True)
    if not good:
        for line in more:
            print('# %s' % line)


def done():
    print('1..%d' % n)
    sys.exit(failed != 0)


def outcome(fn, *args, **kwargs):
    """The name of its errno, or OK."""
    try:
        fn(*args, **kwargs)
    except OSError as e:
        return errno.errorcode[e.errno].replace('ENOTSUP', 'EOPNOTSUPP')
    except ValueError:
        return 'ValueError'
    return 'OK'


def is_(got, wanted, what):
    ok(got == wanted, what, 'got:    %r' % (got,), 'wanted: %r' % (wanted,))


def gives(wanted, what, fn, *args, **kwargs):
    is_(outcome(fn, *args, **kwargs), wanted, '%s: %s' % (what, wanted))


def as_user(uid, fn, *args):
    """What becomes of it in a process of that user."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        os.write(w, outcome(fn, *args).encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r, 'rb') as f:
        got = f.read().decode()
    os.waitpid(pid, 0)
    return got


def libc(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        raise OSError(ctypes.get_errno(), name)


def renameat2(a, b, flags):
    libc('renameat2', -100, a.encode(), -100, b.encode(), flags)


def fallocate(fd, offset, size):
    libc('fallocate', fd, 0, ctypes.c_long(offset), ctypes.c_long(size))


def opens(path, flags):
    os.close(os.open(path, flags))


def create(path, flags=0, mode=0o644):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | flags, mode))


def write(path, data=b'x\n', flags=os.O_CREAT | os.O_TRUNC):
    fd = os.open(path, os.O_WRONLY | flags, 0o644)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def read(path):
    with open(path, 'rb') as f:
        return f.read()
