"""Every line of mdmfs(7)'s list of what the tree does not allow, one by one: as
root, and as a user who was given an organization.

    refused.py MOUNT MANUAL

prints TAP.  A row says which words of the list it stands for; words that no row
stands for are a failure, and so are rows whose words are not in the list."""
import fcntl
import mmap
import os
import re
import socket
import stat
import sys

from tap import (as_user, create, done, fallocate, ok, outcome, renameat2,
                 write)

M, MANUAL = sys.argv[1:]
USER = 1001


def with_file(path, fn):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        return fn(fd)
    finally:
        os.close(fd)


def being_written(d):
    def then(fd):
        os.write(fd, b'x')
        os.rename(d + '/new.md', d + '/newer.md')
    try:
        with_file(d + '/new.md', then)
    finally:
        os.unlink(d + '/new.md')


def changed_meanwhile(d):
    fd = os.open(d + '/a.md', os.O_RDWR)
    other = os.open(d + '/a.md', os.O_WRONLY | os.O_TRUNC)
    os.write(other, b'other\n')
    os.close(other)
    os.write(fd, b'mine\n')
    os.close(fd)


def bind(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)


# errno, the words of the manual, who ('root': root alone), what is tried in
# the directory d, a slot with a.md and a.tmp
ROWS = [
    ('EPERM', 'a name', '', lambda d: create(d + '/nope')),
    ('EPERM', 'a name', '', lambda d: create(d + '/a\nb.md')),
    ('EPERM', 'a name', '', lambda d: os.mkdir(d + '/.git')),
    ('EPERM', 'a name', '', lambda d: os.rename(d + '/a.md', d + '/nope')),
    ('EPERM', 'kind of file that the place does not take', '',
     lambda d: os.mkdir(d + '/x.md')),
    ('EPERM', 'a pipe', '', lambda d: os.mkfifo(d + '/x.md')),
    ('EPERM', 'socket', '', lambda d: bind(d + '/x.md')),
    ('EPERM', 'device', '', lambda d: os.mknod(
        d + '/x.md', stat.S_IFCHR | 0o600, os.makedev(1, 3))),
    ('EPERM', 'symbolic', '', lambda d: os.symlink('a.md', d + '/x.md')),
    ('EPERM', 'hard link', '', lambda d: os.link(d + '/a.md', d + '/x.md')),
    ('EPERM', 'hard link', '', lambda d: os.link(d + '/a.tmp', d + '/x.tmp')),
    ('EPERM', 'rename of a directory', '',
     lambda d: os.rename(d, d + '/../tls')),
    ('EPERM', 'rename of a directory', 'root',
     lambda d: os.rename(os.path.dirname(d), M + '/orgs/other')),
    ('EPERM', 'rmdir of orgs', 'root', lambda d: os.rmdir(M + '/orgs')),
    ('EPERM', 'system', 'root', lambda d: os.rmdir(M + '/system')),
    ('EACCES', 'make', '', lambda d: create(M + '/status/x')),
    ('EACCES', 'make', '', lambda d: os.mkdir(M + '/devices/x')),
    ('EACCES', 'make', '', lambda d: create(M + '/status/orgs/x')),
    ('EACCES', 'change', '', lambda d: write(M + '/README')),
    ('EACCES', 'change', '', lambda d: os.truncate(M + '/README', 0)),
    ('EACCES', 'change', 'root', lambda d: os.chmod(M + '/README', 0o600)),
    ('EACCES', 'change', 'root', lambda d: os.chown(M + '/README', USER, 0)),
    ('EACCES', 'change', 'root', lambda d: os.utime(M + '/README')),
    ('EACCES', 'change', 'root', lambda d: os.chmod(M + '/status', 0o700)),
    ('EACCES', 'remove', '', lambda d: os.unlink(M + '/README')),
    ('EACCES', 'remove', '', lambda d: os.rmdir(M + '/status')),
    ('EACCES', 'rename', '', lambda d: os.rename(M + '/README', d + '/x.md')),
    ('EACCES', 'rename', '',
     lambda d: os.rename(M + '/status/orgs', d + '/x.md')),
    ('EACCES', 'replace what is generated', '',
     lambda d: os.rename(d + '/a.md', M + '/README')),
    ('EBUSY', 'rename of what is still being written', '', being_written),
    ('EBUSY', 'close of what somebody else changed since it was opened '
     'without O_TRUNC', '', changed_meanwhile),
    ('EFBIG', 'more bytes than the place takes', '',
     lambda d: write(d + '/a.md', b'x' * ((1 << 20) + 1))),
    ('EFBIG', 'more bytes than the place takes', '',
     lambda d: os.truncate(d + '/a.md', 1 << 50)),
    ('EFBIG', 'more bytes than the place takes', '',
     lambda d: os.truncate(d + '/a.tmp', 1 << 50)),
    ('EINVAL', 'RENAME_EXCHANGE', '',
     lambda d: renameat2(d + '/a.md', d + '/a.tmp', 2)),
    ('EINVAL', 'RENAME_WHITEOUT', 'root',
     lambda d: renameat2(d + '/a.md', d + '/b.md', 4)),
    ('EOPNOTSUPP', 'extended attributes', '',
     lambda d: os.setxattr(d + '/a.md', 'user.x', b'x')),
    ('EOPNOTSUPP', 'extended attributes', '',
     lambda d: os.getxattr(d + '/a.md', 'user.x')),
    ('EOPNOTSUPP', 'extended attributes', '', lambda d: os.listxattr(d)),
    ('EOPNOTSUPP', 'O_TMPFILE', '',
     lambda d: os.open(d, os.O_TMPFILE | os.O_RDWR)),
    ('EOPNOTSUPP', 'fallocate(2)', '', lambda d: with_file(
        d + '/a.tmp', lambda fd: fallocate(fd, 0, 10))),
    ('ENODEV', 'shared mmap(2)', '', lambda d: with_file(
        d + '/a.tmp', lambda fd: mmap.mmap(fd, 1))),
    ('ENOTTY', 'ioctl(2)', '', lambda d: with_file(
        d + '/a.tmp', lambda fd: fcntl.ioctl(fd, 0x1234))),
    ('ENAMETOOLONG', 'a name of more than 255 bytes', '',
     lambda d: create(d + '/' + 'n' * 253 + '.md')),
    ('ENAMETOOLONG', 'a name of more than 255 bytes', '',
     lambda d: os.mkdir(d + '/' + 'n' * 256)),
    ('ENAMETOOLONG', 'a name of more than 255 bytes', '',
     lambda d: os.rename(d + '/a.md', d + '/' + 'n' * 256)),
]


def list_of_manual():
    """errno: the words."""
    with open(MANUAL) as f:
        text = f.read()
    text = text.split('always fails in the same way:')[1].split('\n.El')[0]
    text = re.sub(r'\.Xr (\S+) (\d)', r'\1(\2)', text)
    text = re.sub(r'(?m)^\.(Pa|Dv) ', '', text)
    found = {}
    for item in text.split('\n.It Er ')[1:]:
        name, words = item.split('\n', 1)
        found[name] = re.sub(r'\s*,', ',', ' '.join(words.split()))
    return found


os.umask(0o022)
manual = list_of_manual()
slots = []
for org, uid in (('refused', 0), ('given', USER)):
    d = '%s/orgs/%s/signing' % (M, org)
    os.makedirs(d)
    for path in (d + '/a.md', d + '/a.tmp'):
        write(path)
    for path in (d, d + '/..', d + '/a.md', d + '/a.tmp'):
        os.chown(path, uid, uid)
    slots.append(d)
for name, words, who, fn in ROWS:
    ok(words in manual.get(name, ''), 'mdmfs(7) has %s: %s' % (name, words))
    for d, whose in zip(slots, ('root', 'a user')):
        if who in ('', whose):
            got = outcome(fn, d) if whose == 'root' else as_user(USER, fn, d)
            ok(got == name, '%s gets it' % whose, '%s: got %s' % (words, got))
for name, words in manual.items():
    left = words
    for row in sorted(ROWS, key=lambda row: -len(row[1])):
        if row[0] == name:
            left = left.replace(row[1], '', 1)
    left = [w for w in re.split(r'[\s,;]+', left) if w not in ('', 'or', 'to')]
    ok(not left, 'each word of %s is tested' % name, 'not: %s' % left)
for d in slots:
    ok(sorted(os.listdir(d)) == ['a.md', 'a.tmp'], 'nothing else is there',
       *os.listdir(d))
done()
