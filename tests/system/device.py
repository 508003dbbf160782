"""A device made of other people's programs: strongSwan's pki for SCEP, openssl
for signatures, curl for requests, plistlib for property lists.

    from device import Device
    d = Device(profile_bytes, port, workdir, udid)
    d.enroll(); d.checkin({...}); status, reply = d.connect({'Status': 'Idle'})
"""
import base64
import os
import plistlib
import subprocess
import tempfile


def run(*args, data=None, cwd=None):
    return subprocess.run(args, input=data, capture_output=True, cwd=cwd)


def profile_content(data):
    """The plist of a profile, signed or not."""
    if not data.lstrip().startswith(b'<?xml'):
        r = run('openssl', 'cms', '-verify', '-noverify', '-inform', 'der',
                data=data)
        assert r.returncode == 0, r.stderr
        data = r.stdout
    return plistlib.loads(data)


def payload(profile, kind):
    for p in profile['PayloadContent']:
        if p['PayloadType'] == kind:
            return p
    return None


class Device:
    def __init__(self, profile, workdir, udid, key='rsa'):
        self.profile = profile_content(profile)
        self.dir = tempfile.mkdtemp(prefix='device.', dir=workdir)
        self.udid = udid
        self.mdm = payload(self.profile, 'com.apple.mdm')
        self.scep = payload(self.profile, 'com.apple.security.scep')
        self.scep = self.scep['PayloadContent']
        root = payload(self.profile, 'com.apple.security.root')
        self.root = self.path('root.pem')
        der = root['PayloadContent'] if root else b''
        r = run('openssl', 'x509', '-inform', 'der', data=der)
        self.write('root.pem', r.stdout)
        self.http = '--http2'
        self.identity = 'signature'

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def curl(self, *args):
        return run('curl', '-s', '--max-time', '20', '--cacert', self.root,
                   self.http, *args)

    def get_ca(self):
        self.curl('-o', self.path('ca.der'),
                  self.scep['URL'] + '?operation=GetCACert')

    def enroll(self, challenge=None, more=()):
        """SCEP with strongSwan; True if a certificate came."""
        self.get_ca()
        r = run('pki', '--gen', '--type', 'rsa', '--size', '2048')
        self.write('key.der', r.stdout)
        run('openssl', 'rsa', '-inform', 'der', '-in', self.path('key.der'),
            '-out', self.path('key.pem'))
        # pki trusts what curl's default bundle holds: in a namespace of its
        # own, that is our root alone
        script = ('mount --bind "$1" /etc/ssl/certs/ca-certificates.crt && '
                  'shift && exec pki "$@"')
        r = run('unshare', '-m', 'sh', '-c', script, 'sh', self.root,
                '--scep', '--url', self.scep['URL'], '--in',
                self.path('key.der'), '--dn', 'CN=' + self.udid,
                '--password', challenge or self.scep['Challenge'],
                '--cacert-enc', self.path('ca.der'),
                '--cacert-sig', self.path('ca.der'), '--cipher', 'des3',
                '--outform', 'pem', *more)
        self.scep_says = r.stderr.decode()
        if r.returncode == 0 and r.stdout:
            self.write('cert.pem', r.stdout)
            return True
        return False

    def signature(self, body, digest='sha256'):
        r = run('openssl', 'cms', '-sign', '-binary', '-md', digest,
                '-signer', self.path('cert.pem'), '-inkey',
                self.path('key.pem'), '-outform', 'der', data=body)
        assert r.returncode == 0, r.stderr
        return base64.b64encode(r.stdout).decode()

    def put(self, message, digest='sha256'):
        """(HTTP status, reply bytes)"""
        body = plistlib.dumps(message)
        args = ['-X', 'PUT', '--data-binary',
                '@' + self.write('body', body),
                '-o', self.path('reply'), '-w', '%{http_code}']
        if self.identity == 'tls':
            args += ['--cert', self.path('cert.pem'),
                     '--key', self.path('key.pem')]
        elif self.identity == 'signature':
            args += ['-H', 'Mdm-Signature: ' + self.signature(body, digest)]
        self.write('reply', b'')
        r = self.curl(*args, self.mdm['ServerURL'])
        with open(self.path('reply'), 'rb') as f:
            return int(r.stdout or b'0'), f.read()

    def message(self, kind, **more):
        m = {'MessageType': kind, 'UDID': self.udid,
             'Topic': self.mdm['Topic']}
        m.update(more)
        return self.put(m)

    def authenticate(self, **more):
        facts = {'SerialNumber': 'SER' + self.udid[-6:],
                 'OSVersion': '18.1', 'ProductName': 'iPhone15,2',
                 'DeviceName': "Ann's phone"}
        facts.update(more)
        return self.message('Authenticate', **facts)

    def token_update(self, **more):
        m = {'Token': bytes(range(32)), 'PushMagic': 'magic-' + self.udid}
        m.update(more)
        return self.message('TokenUpdate', **m)

    def report(self, status, uuid=None, **more):
        m = {'UDID': self.udid, 'Status': status}
        if uuid:
            m['CommandUUID'] = uuid
        m.update(more)
        code, reply = self.put(m)
        if code != 200 or not reply:
            return code, None
        return code, plistlib.loads(reply)
