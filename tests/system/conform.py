"""What the mount does where POSIX says what a file system does.

    conform.py MOUNT

prints TAP.  Runs as root; conform_users.py is the same for others."""
import fcntl
import mmap
import os
import socket
import stat
import sys
import time

from tap import (create, done, fallocate, gives, is_, ok, opens, read,
                 renameat2, write)

M = sys.argv[1]
A = M + '/orgs/acme'
S = A + '/signing'

os.umask(0o022)
for d in (A, S, A + '/apns', M + '/orgs/beta'):
    os.mkdir(d)
R = S + '/a.md'      # a file that is kept
T = S + '/a.tmp'     # a scratch file
G = M + '/README'    # a generated one

# ---- create
for name, path in (('kept', R), ('scratch', T)):
    gives('OK', 'O_CREAT|O_EXCL of a new file, ' + name, create, path, os.O_EXCL)
    if name == 'kept':
        write(path)
    gives('EEXIST', 'O_CREAT|O_EXCL of one that is there', create, path,
          os.O_EXCL)
    gives('OK', 'O_CREAT of one that is there', create, path)
    gives('ENOTDIR', 'O_DIRECTORY of a file', opens, path, os.O_DIRECTORY)
    gives('ENOTDIR', 'a path through a file', create, path + '/b.md')
    gives('ENOTDIR', 'a file with a slash at the end', opens, path + '/',
          os.O_RDONLY)
    gives('EEXIST', 'mkdir of a file', os.mkdir, path)
    gives('EEXIST', 'symlink over a file', os.symlink, 'x', path)
    gives('EEXIST', 'link over a file', os.link, path, path)
    gives('EEXIST', 'mkfifo over a file', os.mkfifo, path)
gives('EEXIST', 'O_EXCL of a generated file', create, G, os.O_EXCL)
gives('EEXIST', 'O_EXCL of a directory', create, S, os.O_EXCL)
gives('EISDIR', 'O_CREAT of a directory', create, S)
gives('EISDIR', 'open of a directory for writing', opens, S, os.O_WRONLY)
gives('EISDIR', 'read of a directory', read, S)
gives('ENOENT', 'a missing directory', create, A + '/missing/a.md')
gives('ENOENT', 'open of what is not there', opens, S + '/b.md', os.O_RDONLY)
gives('ENOENT', 'an empty name', create, '')
gives('EOPNOTSUPP', 'O_TMPFILE', opens, S, os.O_TMPFILE | os.O_RDWR)
create(S + '/m.tmp', mode=0o6753)
is_(os.stat(S + '/m.tmp').st_mode & 0o7777, 0o6753 & ~0o22,
    'the mode is that of open, less the umask')
os.unlink(S + '/m.tmp')
gives('EPERM', 'a name that the place does not take', create, S + '/nope')
gives('EPERM', 'a directory that it does not take', os.mkdir, S + '/nope')
gives('EPERM', 'mkfifo', os.mkfifo, S + '/p.md')
gives('EPERM', 'mknod of a device', os.mknod, S + '/p.md',
      stat.S_IFCHR | 0o600, os.makedev(1, 3))
gives('EPERM', 'a socket', socket.socket(socket.AF_UNIX).bind, S + '/p.md')
gives('EPERM', 'a symbolic link', os.symlink, 'x', S + '/l.md')
gives('EPERM', 'a hard link', os.link, R, S + '/l.md')
gives('EACCES', 'a file in a generated directory', create, M + '/status/x')
gives('EACCES', 'a directory in one', os.mkdir, M + '/status/x')
gives('EACCES', 'a device', os.mkdir, M + '/devices/x')
gives('EACCES', 'a link in one', os.symlink, 'x', M + '/status/x')

# ---- names
long = 'n' * 252 + '.md'
for name in ('with space.md', ' leading.md', 'a\\b*?[x]"\'$.md', 'Müller.md',
             'Мюллер.md', '日本語.md', '🔑.md', 'e\u0301.md', '\u00e9.md',
             '-rf.md', long, 'a..md'):
    path = S + '/' + name
    gives('OK', 'the name %r' % name[:20], write, path, name.encode())
    is_(read(path), name.encode(), 'holds what was written')
    ok(name in os.listdir(S), 'and is listed so')
    os.unlink(path)
for name, wanted in (
        ('a\nb.md', 'EPERM'), ('a\x01.md', 'EPERM'), ('a\x7f.md', 'EPERM'),
        ('a\u0085.md', 'EPERM'), (b'a\xff.md', 'EPERM'),
        (b'\xc0\xaf.md', 'EPERM'), (b'\xed\xa0\x80.md', 'EPERM'),
        ('n' * 253 + '.md', 'ENAMETOOLONG'), ('n' * 1000, 'ENAMETOOLONG'),
        ('a\nb.tmp', 'EPERM'), (b'a\xff.tmp', 'EPERM')):
    raw = name if isinstance(name, bytes) else name.encode()
    gives(wanted, 'the name %r' % name[:20], create, S.encode() + b'/' + raw)
gives('ENAMETOOLONG', 'a path of 5000 bytes', create, S + '/x' * 2500)
is_(read(S + '/../signing/./a.md'), b'x\n', '.. and . are where they are')
gives('EEXIST', 'mkdir of ..', os.mkdir, S + '/..')
gives('EISDIR', 'create of ..', create, S + '/..')
gives('ENOTEMPTY', 'rmdir of ..', os.rmdir, S + '/..')
gives('EINVAL', 'rmdir of .', os.rmdir, S + '/.')
gives('EBUSY', 'rename of .', os.rename, S + '/.', S + '/b')
gives('OK', 'mkdir with a slash at the end', os.mkdir, A + '/scep/')
gives('OK', 'rmdir with one', os.rmdir, A + '/scep/')
gives('ENOENT', 'a name in a mount of case: A.md is not a.md', os.stat,
      S + '/A.md')
gives('EPERM', 'an organization with a newline', os.mkdir, M + '/orgs/a\nb')
gives('EPERM', 'an organization that begins with a dot', os.mkdir,
      M + '/orgs/.a')
gives('EPERM', 'one of 65 bytes', os.mkdir, M + '/orgs/' + 'o' * 65)

# ---- open flags, reading and writing
write(R, b'0123456789')
fd = os.open(R, os.O_RDWR)
is_(os.pread(fd, 4, 3), b'3456', 'pread')
is_(os.pread(fd, 4, 100), b'', 'behind the end there is nothing')
os.pwrite(fd, b'AB', 3)
is_(os.pread(fd, 10, 0), b'012AB56789', 'who writes reads what it wrote')
is_(read(R), b'0123456789', 'others read what was committed')
os.fsync(fd)
is_(read(R), b'012AB56789', 'fsync commits')
os.pwrite(fd, b'CDE', 10)
is_(os.fstat(fd).st_size, 13, "fstat of what is being written is the writer's")
os.ftruncate(fd, 10)
os.ftruncate(fd, 12)
is_(os.pread(fd, 20, 8), b'89\0\0', 'ftruncate fills with zeros')
os.ftruncate(fd, 3)
is_(os.fstat(fd).st_size, 3, 'and cuts')
is_(os.lseek(fd, 0, os.SEEK_END), 3, 'lseek to the end')
gives('EINVAL', 'lseek before the beginning', os.lseek, fd, -1, os.SEEK_SET)
os.close(fd)
is_(read(R), b'012', 'close commits')
fd = os.open(R, os.O_WRONLY | os.O_APPEND)
os.pwrite(fd, b'345', 0)
os.close(fd)
is_(read(R), b'012345', 'O_APPEND: pwrite goes to the end, as on Linux')
fd = os.open(R, os.O_WRONLY | os.O_APPEND)
os.write(fd, b'67')
if os.fork() == 0:
    os._exit(0)
os.wait()
is_(read(R), b'01234567', 'a copy that a process closes at its end commits')
os.write(fd, b'89')
is_(read(R), b'01234567', 'what was written until then')
os.close(fd)
is_(read(R), b'0123456789', 'and the last close the rest')
scratch = os.open(os.path.dirname(R) + '/.a.swp', os.O_CREAT | os.O_WRONLY)
late = 0
for i in range(100):
    fd = os.open(os.path.dirname(R) + '/.a.swp', os.O_PATH)
    if os.fork() == 0:
        os.write(scratch, b'x')
        os._exit(0)
    os.wait()
    late += os.fstat(fd).st_size != i + 1
    os.close(fd)
os.close(scratch)
os.unlink(os.path.dirname(R) + '/.a.swp')
is_(late, 0, 'fstat after what another process wrote sees it')
write(R, b'012345')
fd = os.open(R, os.O_RDONLY)
gives('EBADF', 'write of a file that is open for reading', os.write, fd, b'x')
os.close(fd)
fd = os.open(R, os.O_WRONLY)
gives('EBADF', 'read of one that is open for writing', os.read, fd, 1)
os.close(fd)
write(R, b'new')
is_(read(R), b'new', 'O_TRUNC replaces')
fd = os.open(R, os.O_RDONLY)
write(R, b'newer than that')
is_(os.read(fd, 100), b'new', 'an open file keeps what it was opened with')
os.close(fd)
fd = os.open(M + '/status/server', os.O_RDONLY)
size = os.fstat(fd).st_size
for i in range(3):
    create(S + '/n%d.md' % i)
    os.unlink(S + '/n%d.md' % i)
is_((os.fstat(fd).st_size, len(os.read(fd, 65536))), (size, size),
    'and a page that changes by itself its size, too')
os.close(fd)
fd = os.open(R, os.O_RDONLY)
os.unlink(R)
gives('ENOENT', 'a removed name', os.stat, R)
is_(os.read(fd, 100), b'newer than that', 'a removed file that is open is read')
is_(os.fstat(fd).st_size, 15, 'and has attributes')
os.close(fd)
write(R, b'x')
a = os.open(R, os.O_RDWR)
b = os.open(R, os.O_RDWR)
os.pwrite(a, b'a', 0)
os.close(a)
os.pwrite(b, b'b', 0)
gives('EBUSY', 'who opened before somebody else changed it', os.close, b)
is_(read(R), b'a', 'does not win')
gives('EFBIG', 'a file that is too large', write, R, b'x' * (1 << 20) + b'y')
gives('EFBIG', 'truncate to too large', os.truncate, R, 1 << 40)
is_(read(R), b'a', 'changes nothing')
gives('EINVAL', 'truncate to a negative size', os.truncate, R, -1)
gives('EISDIR', 'truncate of a directory', os.truncate, S, 0)
gives('OK', 'truncate of a scratch file', os.truncate, T, 100)
is_(read(T), b'\0' * 100, 'gives zeros')
gives('EACCES', 'truncate of a generated file', os.truncate, G, 0)
gives('EACCES', 'open of one for writing', opens, G, os.O_WRONLY)
gives('EACCES', 'with O_TRUNC', opens, G, os.O_WRONLY | os.O_TRUNC)
fd = os.open(T, os.O_RDWR)
gives('EOPNOTSUPP', 'fallocate', fallocate, fd, 0, 10)
gives('ENODEV', 'mmap, shared', mmap.mmap, fd, 100)
gives('OK', 'mmap, private', mmap.mmap, fd, 100, mmap.MAP_PRIVATE)
gives('OK', 'flock', fcntl.flock, fd, fcntl.LOCK_EX)
gives('OK', 'a lock of fcntl', fcntl.lockf, fd, fcntl.LOCK_EX)
gives('ENOTTY', 'an ioctl', fcntl.ioctl, fd, 0x1234)
os.close(fd)
for f in (os.getxattr, os.removexattr):
    gives('EOPNOTSUPP', f.__name__, f, R, 'user.x')
gives('EOPNOTSUPP', 'setxattr', os.setxattr, R, 'user.x', b'x')
is_(os.statvfs(M).f_namemax, 255, 'statvfs says how long a name may be')

# ---- rename
write(R, b'one')
write(S + '/b.md', b'two')
ino = os.stat(R).st_ino
gives('OK', 'rename to itself', os.rename, R, R)
is_(read(R), b'one', 'changes nothing')
gives('EEXIST', 'RENAME_NOREPLACE over a file', renameat2, R, S + '/b.md', 1)
gives('EINVAL', 'RENAME_EXCHANGE', renameat2, R, S + '/b.md', 2)
gives('EINVAL', 'RENAME_WHITEOUT', renameat2, R, S + '/b.md', 4)
gives('OK', 'rename over a file', os.rename, R, S + '/b.md')
is_((read(S + '/b.md'), os.stat(S + '/b.md').st_ino), (b'one', ino),
    'brings bytes and inode number')
gives('ENOENT', 'and takes the old name', os.stat, R)
gives('OK', 'RENAME_NOREPLACE to a free name', renameat2, S + '/b.md', R, 1)
gives('OK', 'rename to another directory', os.rename, R, A + '/apns/c.md')
gives('OK', 'and to another organization', os.rename, A + '/apns/c.md',
      M + '/orgs/beta/d.md')
os.rename(M + '/orgs/beta/d.md', R)
gives('ENOENT', 'rename of nothing', os.rename, S + '/none.md', R)
gives('ENOENT', 'rename into nothing', os.rename, R, A + '/none/a.md')
gives('EISDIR', 'rename of a file over a directory', os.rename, R, A + '/apns')
write(M + '/orgs/beta/x.md')
gives('ENOTDIR', 'rename of a directory over a file', os.rename, S,
      M + '/orgs/beta/x.md')
gives('EPERM', 'rename of a directory', os.rename, A, M + '/orgs/gamma')
gives('EPERM', 'over an empty one', os.rename, S, A + '/apns')
gives('EINVAL', 'rename of a directory into itself', os.rename, A, S + '/x')
gives('EPERM', 'rename to a name that the place does not take', os.rename, R,
      S + '/nope')
gives('EACCES', 'rename into a generated directory', os.rename, R,
      M + '/status/x')
gives('EACCES', 'rename of a generated file', os.rename, G, S + '/r.md')
gives('EACCES', 'rename over a generated file', os.rename, R, G)
gives('EXDEV', 'rename to another file system', os.rename, R, '/dev/shm/x.md')
gives('ENAMETOOLONG', 'rename to a long name', os.rename, R,
      S + '/' + 'n' * 256)
write(S + '/new.tmp', b'scratch')
gives('OK', 'a scratch file renamed to a real name', os.rename,
      S + '/new.tmp', R)
is_(read(R), b'scratch', 'is that')
gives('OK', 'and back', os.rename, R, S + '/new.tmp')
gives('ENOENT', 'is a removal', os.stat, R)
os.rename(S + '/new.tmp', R)

# ---- remove
gives('EISDIR', 'unlink of a directory', os.unlink, S)
gives('ENOTDIR', 'rmdir of a file', os.rmdir, R)
gives('ENOENT', 'unlink of nothing', os.unlink, S + '/none.md')
gives('ENOENT', 'rmdir of nothing', os.rmdir, A + '/tls')
gives('ENOTEMPTY', 'rmdir of what is not empty', os.rmdir, S)
write(A + '/apns/x.tmp')
gives('ENOTEMPTY', 'a scratch file counts', os.rmdir, A + '/apns')
os.unlink(A + '/apns/x.tmp')
fd = os.open(A + '/apns/y.md', os.O_CREAT | os.O_WRONLY)
os.write(fd, b'y')
gives('ENOTEMPTY', 'and one that is still being written', os.rmdir, A + '/apns')
os.close(fd)
os.unlink(A + '/apns/y.md')
gives('OK', 'rmdir of an empty directory', os.rmdir, A + '/apns')
gives('ENOENT', 'is gone', os.stat, A + '/apns')
gives('EPERM', 'rmdir of orgs', os.rmdir, M + '/orgs')
gives('EPERM', 'rmdir of system', os.rmdir, M + '/system')
gives('EBUSY', 'rmdir of the mount', os.rmdir, M)
for d in ('status', 'devices', 'status/orgs/acme'):
    gives('EACCES', 'rmdir of %s' % d, os.rmdir, M + '/' + d)
gives('EACCES', 'unlink of a generated file', os.unlink, G)

# ---- attributes
for mode in (0, 0o777, 0o4755, 0o2755, 0o1777, 0o7777, 0o644):
    os.chmod(R, mode)
    is_(os.stat(R).st_mode & 0o7777, mode, 'chmod %o' % mode)
    os.chmod(S, mode)
    is_(os.stat(S).st_mode & 0o7777, mode, 'of a directory, too')
os.chmod(S, 0o755)
os.chown(R, 1, 2)
is_((os.stat(R).st_uid, os.stat(R).st_gid), (1, 2), 'chown')
os.chown(R, -1, 3)
is_((os.stat(R).st_uid, os.stat(R).st_gid), (1, 3), 'chgrp')
os.chmod(R, 0o6755)
os.chown(R, 0, 0)
is_(os.stat(R).st_mode & 0o7777, 0o755, 'chown takes setuid and setgid away')
os.chmod(R, 0o644)
for ns in (0, 1, 1000000000123456789, 4102444800999999999, -1500000000,
           -1000000000000000001):
    os.utime(R, ns=(ns, ns))
    is_(os.stat(R).st_mtime_ns, ns, 'utimensat %d' % ns)
    os.utime(S, ns=(ns, ns))
    is_(os.stat(S).st_mtime_ns, ns, 'of a directory, too')
os.utime(R)
ok(abs(os.stat(R).st_mtime - time.time()) < 5, 'UTIME_NOW')
before = os.stat(R)
time.sleep(0.01)
os.chmod(R, 0o600)
after = os.stat(R)
ok(after.st_ctime_ns > before.st_ctime_ns, 'chmod changes ctime')
is_(after.st_mtime_ns, before.st_mtime_ns, 'and not mtime')
for what, fn in (
        ('create', lambda: write(S + '/t.md')),
        ('rename', lambda: os.rename(S + '/t.md', S + '/u.md')),
        ('unlink', lambda: os.unlink(S + '/u.md'))):
    before = os.stat(S).st_mtime_ns
    time.sleep(0.01)
    fn()
    ok(os.stat(S).st_mtime_ns > before, what + " changes the directory's mtime")
before = os.stat(R).st_mtime_ns
time.sleep(0.01)
write(R, b'other')
ok(os.stat(R).st_mtime_ns > before, "write changes the file's")
gives('EACCES', 'chmod of a generated file', os.chmod, G, 0o600)
gives('EACCES', 'chown of one', os.chown, G, 1, 1)
gives('EACCES', 'utimensat of one', os.utime, G)
gives('EACCES', 'chmod of a generated directory', os.chmod, M + '/status', 0o700)

# ---- listings
for i in range(1500):
    write(S + '/%04d.tmp' % i, b'')
is_(len(set(os.listdir(S))), len(os.listdir(S)), 'no name is listed twice')
is_(len([x for x in os.listdir(S) if x.endswith('.tmp')]), 1501,
    'and none is missing')
with os.scandir(S) as it:
    for i, e in enumerate(it):
        if e.name.endswith('.tmp'):
            os.unlink(e.path)
is_([x for x in os.listdir(S) if x.endswith('.tmp')], [],
    'a loop that removes what it lists finds all')
done()
