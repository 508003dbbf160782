"""What POSIX says where several users share directories, and of what is removed
while somebody has it.

    conform_users.py MOUNT

prints TAP.  Runs as root."""
import os
import sys

from tap import as_user, create, done, gives, is_, ok, opens, outcome, read, write

M = sys.argv[1]
A = M + '/orgs/users'
S = A + '/signing'
R = S + '/a.md'      # a file that is kept
T = S + '/a.tmp'     # a scratch file

os.umask(0o022)
os.makedirs(S)
write(R)

# ---- as somebody else
os.chown(S, 1001, 1001)
os.chmod(S, 0o1777)
write(R)
os.chmod(R, 0o666)
is_(as_user(1002, os.chmod, R, 0o600), 'EPERM', 'chmod of what is not yours')
is_(as_user(1002, os.chown, R, 1002, -1), 'EPERM', 'chown')
is_(as_user(1002, os.utime, R, (1, 1)), 'EPERM', 'utimensat with times')
is_(as_user(1002, os.utime, R), 'OK', 'with UTIME_NOW, if it may be written')
is_(as_user(1002, os.unlink, R), 'EPERM', 'unlink in a sticky directory')
is_(as_user(1002, os.rename, R, S + '/z.md'), 'EPERM', 'rename in one')
is_(as_user(1001, os.rename, R, S + '/z.md'), 'OK', "its directory's owner may")
is_(as_user(1002, write, S + '/own.md'), 'OK', 'create in one')
is_(os.stat(S + '/own.md').st_uid, 1002, 'belongs to who made it')
is_(as_user(1002, os.chown, S + '/own.md', 1001, -1), 'EPERM',
    'nobody gives files away')
is_(as_user(1002, os.unlink, S + '/own.md'), 'OK', 'its owner removes it')
os.chmod(S, 0o755)
is_(as_user(1002, create, S + '/q.md'), 'EACCES', 'create without w')
is_(as_user(1002, os.unlink, S + '/z.md'), 'EACCES', 'unlink without w')
is_(as_user(1002, os.mkdir, A + '/tls'), 'EACCES', 'mkdir without w')
os.chmod(S, 0o700)
is_(as_user(1002, os.stat, S + '/z.md'), 'EACCES', 'stat without x')
is_(as_user(1002, os.listdir, S), 'EACCES', 'listing without r')
os.chmod(S, 0o755)
os.chmod(S + '/z.md', 0o600)
is_(as_user(1002, read, S + '/z.md'), 'EACCES', 'read without r')
is_(as_user(1002, opens, S + '/z.md', os.O_WRONLY), 'EACCES', 'write without w')

os.chown(S, 1001, 1001)
os.chmod(S, 0o1777)
for name, uid in (('own', 1002), ('other', 1003), ('mine', 1001)):
    write(S + '/%s.md' % name, name.encode())
    os.chown(S + '/%s.md' % name, uid, uid)
O = S + '/other.md'
is_(as_user(1002, os.rename, S + '/own.md', O), 'EPERM',
    "rename over another's file in a sticky directory")
is_(as_user(1002, os.rename, O, S + '/own.md'), 'EPERM',
    "of another's file over one's own")
is_((read(S + '/own.md'), read(O)), (b'own', b'other'), 'both are as they were')
is_(as_user(1001, os.rename, S + '/mine.md', O), 'OK',
    "the directory's owner may")
is_(as_user(1002, os.rename, S + '/own.md', S + '/again.md'), 'OK',
    'who owns the file may')
is_(as_user(1002, write, S + '/b.tmp'), 'OK', 'a scratch file in one')
is_(as_user(1003, os.unlink, S + '/b.tmp'), 'EPERM', 'is protected, too')
is_(as_user(1003, os.rename, S + '/b.tmp', S + '/c.md'), 'EPERM',
    'from rename as well')
is_(as_user(1003, write, S + '/b.tmp'), 'EACCES', 'and its bytes by its mode')
os.chmod(S, 0o777)
is_(as_user(1002, os.rename, S + '/again.md', O), 'OK',
    'without the bit everybody who may write there may')
is_(os.stat(O).st_uid, 1002, 'and the owner comes along')
is_(as_user(1003, os.unlink, O), 'OK', 'and remove')
os.unlink(S + '/b.tmp')
os.chmod(S, 0o755)
write(R)
is_(as_user(1002, os.chown, R, -1, 1002), 'EPERM', 'no group is taken')
is_(as_user(1002, os.utime, R, (1, 1)), 'EPERM',
    'utimensat of a file that may only be read')
is_(as_user(1002, os.utime, R), 'EACCES', 'also with UTIME_NOW')
is_(as_user(1002, os.truncate, R, 0), 'EACCES', 'truncate of one')
os.chown(R, 1002, 1002)
is_(as_user(1002, os.utime, R, (1, 1)), 'OK', 'its owner sets its times')
is_(as_user(1002, os.chown, R, -1, 1002), 'OK', 'and gives it to a group of his')
is_(as_user(1002, os.chown, R, -1, 1), 'EPERM', 'but to no other')
os.chmod(R, 0o400)
is_(as_user(1002, opens, R, os.O_WRONLY), 'EACCES', 'a mode binds its owner')
is_(as_user(1002, os.link, R, S + '/l.md'), 'EACCES', 'no link without w')
is_(as_user(1002, os.symlink, R, S + '/l.md'), 'EACCES', 'of neither kind')
os.chown(R, 0, 0)
os.chmod(R, 0o644)

# ---- links and what is removed while in use
gives('OK', 'O_NOFOLLOW of a file', opens, R, os.O_NOFOLLOW)
os.makedirs(A + '/enrollment')
dir_fd = os.open(A + '/enrollment', os.O_RDONLY | os.O_DIRECTORY)
os.fsync(dir_fd)
cwd = os.getcwd()
os.chdir(A + '/enrollment')
os.rmdir(A + '/enrollment')
gives('ENOENT', 'create in a removed directory', create, 'a.md')
gives('ENOENT', 'mkdir in one', os.mkdir, 'x')
gives('ENOENT', 'rename into one', os.rename, R, 'a.md')
gives('ENOENT', 'its listing, as everywhere', os.listdir, dir_fd)
os.chdir(cwd)
os.close(dir_fd)
os.mkdir(A + '/enrollment')
write(A + '/enrollment/a.md')
gives('OK', 'one of the same name takes files', os.unlink, A + '/enrollment/a.md')
os.rmdir(A + '/enrollment')
write(R, b'first')
a = os.open(R, os.O_RDONLY)
os.unlink(R)
write(R, b'second')
b = os.open(R, os.O_RDONLY)
ok(os.fstat(a).st_ino != os.fstat(b).st_ino,
   'who writes a removed name makes another file')
is_((os.read(a, 9), os.read(b, 9)), (b'first', b'second'), 'each is read')
os.close(a)
os.close(b)
a = os.open(R, os.O_RDWR)
os.unlink(R)
os.write(a, b'lost')
is_(outcome(os.fsync, a), 'EBUSY', 'fsync of a removed file')
is_(outcome(os.close, a), 'EBUSY', 'and its close bring it not back')
gives('ENOENT', 'it stays away', os.stat, R)
write(T, b'scratch')
a = os.open(T, os.O_RDWR)
os.unlink(T)
os.pwrite(a, b'S', 0)
is_(os.pread(a, 9, 0), b'Scratch', 'a removed scratch file is used on')
os.close(a)
done()
