"""A device that signs in with an account, made of curl, openssl and plistlib:
discovery, the signed POST, the page in its web view, the POST with the token.

    account.py PORT CA.PEM HOST WORKDIR MAIL PASSWORD VERSION
prints one line a step, and leaves WORKDIR/account.mobileconfig and
WORKDIR/token.
"""
import json
import plistlib
import re
import subprocess
import sys
import urllib.parse

port, ca, host, work, mail, password, version = sys.argv[1:8]


def run(*args, data=None):
    return subprocess.run(args, input=data, capture_output=True)


def curl(url, *args, data=None):
    """(status, headers by lower-case name, body)"""
    r = run('curl', '-s', '--max-time', '20', '--cacert', ca, '--connect-to',
            f'{host}:{port}:127.0.0.1:{port}', '-D', work + '/headers', '-o',
            work + '/body', '-w', '%{http_code}', *args, url, data=data)
    headers = {}
    for line in open(work + '/headers', encoding='utf-8'):
        if ': ' in line:
            k, v = line.rstrip('\r\n').split(': ', 1)
            headers[k.lower()] = v
    open(work + '/body', 'ab').close()
    return int(r.stdout), headers, open(work + '/body', 'rb').read()


def step(what, good):
    print(('ok ' if good else 'failed: ') + what)
    if not good:
        sys.exit(1)


# 1. whose device it is
status, headers, body = curl(
    f'https://{host}:{port}/.well-known/com.apple.remotemanagement?' +
    urllib.parse.urlencode({'user-identifier': mail,
                            'model-family': 'iPhone'}))
step('discovery', status == 200 and
     headers['content-type'] == 'application/json')
servers = {s['Version']: s['BaseURL'] for s in json.loads(body)['Servers']}
step('both kinds', set(servers) == {'mdm-byod', 'mdm-adde'})
base = servers[version]

# 2. the device's own message
run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '9',
    '-keyout', work + '/apple.key', '-out', work + '/apple.pem', '-subj',
    '/CN=Apple device')
message = plistlib.dumps({'LANGUAGE': 'en', 'PRODUCT': 'iPhone15,2',
                          'VERSION': '22A3354'})
signed = run('openssl', 'cms', '-sign', '-binary', '-nodetach', '-outform',
             'der', '-signer', work + '/apple.pem', '-inkey',
             work + '/apple.key', data=message).stdout
open(work + '/signed', 'wb').write(signed)
post = ('-X', 'POST', '-H', 'Content-Type: application/pkcs7-signature',
        '--data-binary', '@' + work + '/signed')
status, headers, body = curl(base, *post)
step('401 to sign in', status == 401 and body == b'')
match = re.fullmatch(r'Bearer method="apple-as-web", url="(https://[^"]*)"',
                     headers['www-authenticate'])
step('the challenge is as Apple wants it', match)
page = match.group(1)

# 3. the web view
jar = ('-b', work + '/jar', '-c', work + '/jar', '-H', 'Accept: text/html')
open(work + '/jar', 'w').close()
status, headers, body = curl(
    page + '?' + urllib.parse.urlencode({'user-identifier': mail}), *jar)
text = body.decode()
step('a page to sign in', status == 200 and 'type="password"' in text)
hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', text))
action = re.search(r'action="([^"]*)"', text).group(1)
fields = dict(hidden, user=mail, password=password)
args = []
for k, v in fields.items():
    args += ['--data-urlencode', f'{k}={v}']
status, headers, body = curl(
    urllib.parse.urljoin(page, action), *jar, '-H',
    f'Origin: https://{host}:{port}', *args)
step('308 back to the device', status == 308)
match = re.fullmatch(r'apple-remotemanagement-user-login://'
                     r'authentication-results\?access-token=([A-Za-z0-9_-]+)',
                     headers['location'])
step('with an access token', match)
token = match.group(1)
open(work + '/token', 'w').write(token)

# 4. the profile
bearer = ('-H', 'Authorization: Bearer ' + token)
status, headers, body = curl(base, *post, *bearer)
step('the token gets the profile', status == 200 and
     headers['content-type'] == 'application/x-apple-aspen-config')
open(work + '/account.mobileconfig', 'wb').write(body)
status, headers, again = curl(base, *post, *bearer)
step('and again', status == 200)
mdm = [p for p in plistlib.loads(body)['PayloadContent']
       if p['PayloadType'] == 'com.apple.mdm'][0]
print('mode', mdm.get('EnrollmentMode'), mdm.get('AssignedManagedAppleID'),
      mdm.get('AccessRights'))
