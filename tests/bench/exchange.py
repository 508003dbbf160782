"""The loads of bench.sh: prepares devices and signed messages for wrk, and
times what needs no load generator."""
import http.client
import multiprocessing
import os
import plistlib
import ssl
import sys
import time

sys.path.insert(0, 'tests/system')
from device import Device  # noqa: E402

M, T = os.environ['M'], os.environ['T']
PROFILE = M + '/status/orgs/bench/enroll.mobileconfig'
DEVICES, ANSWERS = 4, 1500


def row(what, figure, note):
    print('%-46s %12s  %s' % (what, figure, note), flush=True)


def lua(name, messages, once):
    """A wrk script that sends each message in turn, for ever or once."""
    with open('%s/%s.lua' % (T, name), 'w') as f:
        f.write('local m = {\n')
        for body, signature in messages:
            f.write('{ "%s", "%s" },\n' % (
                body.decode().replace('"', '\\"').replace('\n', '\\n'),
                signature))
        f.write('}\nlocal i = 0\nfunction request()\n'
                'i = i % #m + 1\n'
                'return wrk.format("PUT", nil, '
                '{ ["Mdm-Signature"] = m[i][2] }, m[i][1])\nend\n')
        if once:
            # wrk waits for its whole time: tell the rate by ourselves
            f.write('local ffi = require("ffi")\n'
                    'ffi.cdef("typedef struct { long s, us; } tv; "\n'
                    '.. "int gettimeofday(tv *, void *);")\n'
                    'local function now()\nlocal t = ffi.new("tv")\n'
                    'ffi.C.gettimeofday(t, nil)\n'
                    'return tonumber(t.s) + tonumber(t.us) / 1e6\nend\n'
                    'local n, begin = 0, now()\n'
                    'function response()\nn = n + 1\nif n == #m then\n'
                    'io.write(string.format("Requests/sec: %.0f\\n", '
                    'n / (now() - begin)))\n'
                    'io.flush()\nend\nif n >= #m then wrk.thread:stop() end\n'
                    'end\n')


def command(args):
    """Queue a command; its answer, signed."""
    d, i = args
    uuid = '%s-%d' % (d.udid, i)
    with open('%s/devices/%s/commands/c%d' % (M, d.udid, i), 'wb') as f:
        f.write(plistlib.dumps({
            'CommandUUID': uuid, 'Command': {'RequestType': 'ProfileList'}}))
    body = plistlib.dumps({'UDID': d.udid, 'Status': 'Acknowledged',
                           'CommandUUID': uuid, 'ProfileList': []})
    return body, d.signature(body)


def prepare():
    devices = []
    for n in range(DEVICES):
        with open(PROFILE, 'rb') as f:
            d = Device(f.read(), T, 'BENCH-%04d' % n)
        assert d.enroll(), d.scep_says
        assert d.authenticate()[0] == 200 and d.token_update()[0] == 200
        devices.append(d)
    body = plistlib.dumps({'UDID': devices[0].udid, 'Status': 'Idle'})
    lua('idle', [(body, devices[0].signature(body))], False)
    os.rename(devices[0].dir, T + '/one')
    with multiprocessing.Pool(4) as pool:
        lua('answers', pool.map(command, [(d, i) for d in devices[1:]
                                          for i in range(ANSWERS)]), True)


def tls():
    """New connections with a client certificate, one Idle each."""
    context = ssl.create_default_context(cafile=T + '/one/root.pem')
    context.load_cert_chain(T + '/one/cert.pem', T + '/one/key.pem')
    body = plistlib.dumps({'UDID': 'BENCH-0000', 'Status': 'Idle'})
    n, begin = 0, time.time()
    while time.time() - begin < 3:
        c = http.client.HTTPSConnection(
            'localhost', int(os.environ['PORT']), context=context)
        c.request('PUT', '/mdm/bench', body)
        assert c.getresponse().status == 200
        c.close()
        n += 1
    row('Idle, new connection, TLS client certificate', '%.0f' % (n / 3),
        '/s: one client, one after the other; bound: the handshake, both ends')


def disk():
    path = T + '/sync'
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    n, begin = 0, time.time()
    while time.time() - begin < 2:
        os.pwrite(fd, b'x' * 4096, 4096 * (n % 64))
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    row('fdatasync of 4 KiB on the same disk', '%.0f' % (n / 2), '/s')


def drop(args):
    writer, until = args
    path = '%s/devices/BENCH-0000/commands/w%d-' % (M, writer)
    n = 0
    while time.time() < until:
        with open(path + str(n), 'w') as f:
            f.write('DeviceLock Message=locked\n')
        n += 1
    return n


def drops(writers):
    until = time.time() + 3
    with multiprocessing.Pool(writers) as pool:
        n = sum(pool.map(drop, [(w + time.time_ns() % 10**9, until)
                                for w in range(writers)]))
    row('%d writer%s' % (writers, 's' * (writers > 1)), '%.0f' % (n / 3),
        '/s: bound by one sync a commit' if writers == 1 else
        '/s: one sync for many (group commit)')


{'prepare': prepare, 'tls': tls, 'disk': disk,
 'drops': lambda: drops(int(sys.argv[2]))}[sys.argv[1]]()
