#!/bin/bash
# The main job, with other people's programs on the device's side (device.py):
# certificates by cp, a device enrolls, a command goes through and is answered.
. tests/system/lib.sh
need python3 curl openssl pki node unshare

# A push service as strict as Apple's, and a push certificate.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/service.key" \
	-out "$T/service.pem" -days 30 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost 2>/dev/null
push_certificate()
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/$1.key" \
		-out "$T/$1.crt" -days "${3:-300}" -subj "/UID=$2/CN=APSP:$1" \
		-addext extendedKeyUsage=clientAuth 2>/dev/null
	cat "$T/$1.crt" "$T/$1.key" >"$T/$1.pem"
}
topic=com.apple.mgmt.External.11111111-2222-3333-4444-555555555555
push_certificate push "$topic"
push_certificate other com.apple.mgmt.External.other
node tests/system/pushd.js --cert "$T/service.pem" --key "$T/service.key" \
	--log "$T/pushes" >"$T/pushd" &
pushd=$!
trap 'kill "$pushd"; cleanup' EXIT
for _ in $(seq 100); do
	grep -q '^port' "$T/pushd" && break
	sleep 0.05
done
service=$(sed -n 's/^port //p' "$T/pushd")
control=$(sed -n 's/^control //p' "$T/pushd")

start_server --apns "https://localhost:$service" --apns-trust "$T/service.pem"
url=https://localhost:$PORT

mkdir "$M/orgs/acme" "$M/orgs/acme/apns" "$M/orgs/acme/enrollment" \
	"$M/orgs/acme/signing" "$M/orgs/other" "$M/orgs/other/apns"
profile=$M/status/orgs/acme/enroll.mobileconfig

# ---- no profile without what it needs
fails "no enrollment profile without a push certificate" cat "$profile"
like "$(cat "$M/status/last-error")" 'push certificate' "and the reason is told"
works "a push certificate is taken" cp "$T/push.pem" "$M/orgs/acme/apns/"
cp "$T/other.pem" "$M/orgs/other/apns/"
fails "no enrollment profile without system/url" cat "$profile"
like "$(cat "$M/status/last-error")" 'system/url' "and that reason is told"
echo "$url" >"$M/system/url"
works "then there is one" cat "$profile"
is "$(cat "$profile")" "$(cat "$profile")" "which stays the same"
is "$(curl -sk -o /dev/null -w '%{http_code}' "$url/enroll/acme")" 403 \
	"over HTTP only if enrollment/open says so"
touch "$M/orgs/acme/enrollment/open"
curl -sk "$url/enroll/acme" >"$T/one"
curl -sk "$url/enroll/acme" >"$T/two"
fails "HTTP copies have a challenge each" cmp "$T/one" "$T/two"

# ---- signed profiles
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/sign.key" \
	-out "$T/sign.crt" -days 30 -subj /CN=Signer \
	-addext keyUsage=digitalSignature 2>/dev/null
cat "$T/sign.crt" "$T/sign.key" >"$T/sign.pem"
works "a signing identity is taken" cp "$T/sign.pem" "$M/orgs/acme/signing/"
works "profiles are signed with it from then on" \
	openssl smime -verify -inform der -in "$profile" -CAfile "$T/sign.crt"

# ---- devices
export M T topic control url
cat >"$T/play.py" <<'PLAY'
import json, os, plistlib, subprocess, sys, time, urllib.request
sys.path.insert(0, 'tests/system')
from device import Device, profile_content, payload
M, T = os.environ['M'], os.environ['T']
n = 0

def ok(cond, what, got=None):
    global n
    n += 1
    print(('ok' if cond else 'not ok'), n, '-', what)
    if not cond and got is not None:
        print('#', repr(got)[:600])

def read(path):
    with open(os.path.join(M, path), 'rb') as f:
        return f.read()

def text(path):
    return read(path).decode()

def write(path, data):
    with open(os.path.join(M, path), 'w') as f:
        f.write(data)

def until(fn, what):
    for _ in range(100):
        if fn():
            return ok(True, what)
        time.sleep(0.05)
    ok(False, what)

profile = 'status/orgs/acme/enroll.mobileconfig'
p = profile_content(read(profile))
mdm = payload(p, 'com.apple.mdm')
scep = payload(p, 'com.apple.security.scep')
ok(mdm['Topic'] == os.environ['topic'], 'the topic is the push certificate\'s')
ok(mdm['IdentityCertificateUUID'] == scep['PayloadUUID'],
   'the identity is the SCEP payload')
ok(mdm['ServerURL'] == os.environ['url'] + '/mdm/acme', 'the address')
ok(mdm['AccessRights'] == 8191 and mdm['SignMessage'] is True, 'the rights')
ok(payload(p, 'com.apple.security.root') is not None,
   'the private root goes along')

a = Device(read(profile), T, '00008030-00000000000000A1')
ok(not a.enroll(challenge='WRONG'), 'a wrong challenge gets nothing')
before = read(profile)
ok(a.enroll(), 'strongSwan enrolls by SCEP', a.scep_says)
ok(read(profile) != before,
   'the profile holds a new challenge once its own was used')
c = Device(before, T, '00008030-00000000000000C3')
ok(not c.enroll(), 'a used challenge gets nothing')
ok('already used' in text('events') or 'used' in text('events'),
   'and an event says so')

ok(a.report('Idle')[0] == 400, 'nobody speaks before Authenticate')
ok(a.authenticate() == (200, b''), 'Authenticate')
ok('state: authenticating' in text('devices/%s/status' % a.udid), 'is begun')
ok(a.token_update(UnlockToken=b'unlock')[0] == 200, 'TokenUpdate')
ok('state: enrolled' in text('devices/%s/status' % a.udid), 'is enrolled')
ok(read('devices/%s/secrets/UnlockToken' % a.udid) == b'unlock',
   'the unlock token is kept')
ok(os.path.samefile(os.path.join(M, 'status/serials/SER0000A1'),
                    os.path.join(M, 'devices', a.udid)),
   'found by its serial number')
ok(os.listdir(os.path.join(M, 'status/orgs/acme/devices')) == [a.udid],
   'listed with its organization')
ok(a.report('Idle') == (200, None), 'nothing to do')
for a.identity in ('tls', 'signature'):
    for a.http in ('--http1.1', '--http2'):
        ok(a.report('Idle')[0] == 200, a.identity + ' ' + a.http)
m = plistlib.dumps({'UDID': a.udid, 'Status': 'Idle'})
ok(a.put({'UDID': a.udid, 'Status': 'Idle'}, 'sha1')[0] == 200,
   'a SHA-1 signature')
a.identity = 'none'
ok(a.report('Idle')[0] == 400, 'no proof: 400, never 401')
a.identity = 'signature'

# the queue
d = 'devices/%s/' % a.udid
write(d + 'commands/one', 'DeviceInformation Queries=DeviceName,OSVersion\n')
write(d + 'commands/two', 'DeviceLock Message=Hi\n')
write(d + 'commands/three', plistlib.dumps(
    {'RequestType': 'ProfileList'}).decode())
until(lambda: os.path.exists(T + '/pushes') and
      'magic-' + a.udid in open(T + '/pushes').read(), 'a push went out')
push = json.loads([line for line in open(T + '/pushes')
                   if 'magic-' + a.udid in line][0])
ok(push['topic'] == os.environ['topic'] and
   push['token'] == bytes(range(32)).hex(), 'with topic and token', push)
until(lambda: 'outcome: 200' in text(d + 'push'), 'its outcome is shown')
ok([l.split('\t')[1:3] for l in text(d + 'queue').splitlines()] ==
   [['one', 'DeviceInformation'], ['two', 'DeviceLock'],
    ['three', 'ProfileList']], 'the queue in order', text(d + 'queue'))
until(lambda: [l.split('\t')[3] for l in text(d + 'queue').splitlines()] ==
      ['pushed'] * 3, 'and all are pushed')
code, one = a.report('Idle')
ok(one['Command']['RequestType'] == 'DeviceInformation' and
   one['Command']['Queries'] == ['DeviceName', 'OSVersion'], 'the first', one)
try:
    os.unlink(os.path.join(M, d + 'commands/one'))
    ok(False, 'a sent command cannot be cancelled')
except OSError as e:
    ok(e.errno == 16, 'a sent command cannot be cancelled', e)
code, two = a.report('NotNow', one['CommandUUID'])
ok(two['Command']['RequestType'] == 'DeviceLock', 'NotNow: the next one')
code, three = a.report('NotNow', two['CommandUUID'])
ok(three['Command']['RequestType'] == 'ProfileList', 'and the next')
ok('not-now' in text(d + 'queue'), 'the queue says not-now')
ok(a.report('Acknowledged', three['CommandUUID'], ProfileList=[]) ==
   (200, None), 'a NotNow is not offered again in the same exchange')
code, again = a.report('Idle')
ok(again['CommandUUID'] == one['CommandUUID'], 'but after the next Idle')
code, after = a.report('NotNow', one['CommandUUID'])
ok(after['CommandUUID'] == two['CommandUUID'], 'the second is not starved')
code, end = a.report('Error', two['CommandUUID'], ErrorChain=[
    {'ErrorCode': 12, 'ErrorDomain': 'Dom',
     'USEnglishDescription': 'no such thing', 'LocalizedDescription': 'x'}])
ok((code, end) == (200, None), 'an Error ends a command')
ok('no such thing (Dom 12)' in text('events'), 'with its reason in events')
a.report('Idle')
ok(a.report('Acknowledged', one['CommandUUID'], QueryResponses={
    'DeviceName': 'New\nname', 'OSVersion': '18.2'}) == (200, None), 'answered')
ok(sorted(os.listdir(os.path.join(M, d + 'results'))) ==
   ['one', 'three', 'two'], 'results appear under the same names')
ok(os.listdir(os.path.join(M, d + 'commands')) == [], 'commands/ is empty')
ok(text(d + 'info/OSVersion') == '18.2\n' and
   text(d + 'info/DeviceName') == 'New\\nname\n', 'info/ follows, escaped')
ok(plistlib.loads(read(d + 'info.plist'))['OSVersion'] == '18.2',
   'info.plist, too')
ok(plistlib.loads(read(d + 'results/one'))['Status'] == 'Acknowledged',
   'a result is the device\'s plist')
ok(a.report('Acknowledged', one['CommandUUID']) == (200, None),
   'an answer that comes twice is harmless')
ok(a.report('Error', 'unknown-uuid') == (200, None),
   'and one that nobody knows')
write(d + 'commands/gone', 'DeviceLock\n')
os.unlink(os.path.join(M, d + 'commands/gone'))
ok(a.report('Idle') == (200, None), 'rm cancels what was not sent')
for bad, err in (('DeviceLok\n', 71), ('<plist', 74)):
    try:
        write(d + 'commands/bad', bad)
        ok(False, 'refused: ' + repr(bad))
    except OSError as e:
        ok(e.errno == err, 'refused: ' + repr(bad), e)
ok('DeviceLock' in text(d + 'commands/bad.error') or
   'cut short' in text(d + 'commands/bad.error'), 'with the reason beside it')

# others
b = Device(read(profile), T, '00008030-00000000000000B2')
ok(b.enroll(), 'a second device', b.scep_says)
ok(b.authenticate()[0] == 200 and b.token_update()[0] == 200, 'enrolls')
udid, b.udid = b.udid, a.udid
ok(b.report('Idle')[0] == 400, 'no device speaks for another')
ok(b.authenticate()[0] == 400, 'nor becomes it')
b.udid = udid
other = b.mdm['ServerURL']
b.mdm['ServerURL'] = other.replace('/acme', '/other')
ok(b.report('Idle')[0] == 400, 'nor speaks in another organization')
b.mdm['ServerURL'] = other.replace('/acme', '/nobody')
ok(b.report('Idle')[0] == 404, 'an unknown organization')
b.mdm['ServerURL'] = other
e = Device(read('status/orgs/other/enroll.mobileconfig'), T, a.udid)
ok(e.enroll(), 'a certificate of another organization', e.scep_says)
ok(e.authenticate()[0] == 400, 'does not take a device that is enrolled')
ok('is enrolled in another organization' in text('events'), 'and it is told')

# users, bootstrap tokens
user = {'UserID': 'U/1', 'UserShortName': 'ann'}
ok(a.put({'UDID': a.udid, 'Status': 'Idle', **user})[0] == 400,
   'an unknown user is refused')
ok(a.token_update(**user)[0] == 200, 'a user channel')
users = os.listdir(os.path.join(M, d + 'users'))
ok(users == ['U%2F1'], 'its id is a safe name', users)
write(d + 'users/U%2F1/commands/p', 'ProfileList\n')
code, reply = a.put({'UDID': a.udid, 'Status': 'Idle', **user})
ok(b'ProfileList' in reply, 'has a queue of its own')
ok(a.report('Idle') == (200, None), 'which is not the device\'s')
ok(a.message('UserAuthenticate', UserID='x')[0] == 410, 'UserAuthenticate: 410')
ok(a.message('GetBootstrapToken') == (200, b''), 'no bootstrap token yet')
ok(a.message('SetBootstrapToken', BootstrapToken=b'boot')[0] == 200, 'one is set')
ok(plistlib.loads(a.message('GetBootstrapToken')[1]) ==
   {'BootstrapToken': b'boot'}, 'and given back')
ok(a.message('SetBootstrapToken')[0] == 200 and
   a.message('GetBootstrapToken') == (200, b''), 'and taken back')
ok(a.message('NoSuchMessage')[0] == 400, 'an unknown message')

# a dead token, until the next TokenUpdate
rule = {'action': 'answer', 'status': 410, 'reason': 'Unregistered',
        'timestamp': int(time.time() * 1000) + 60000, 'count': 1}
urllib.request.urlopen('http://127.0.0.1:%s/next' % os.environ['control'],
                       json.dumps(rule).encode()).read()
write(d + 'push', 'now\n')
until(lambda: '410' in text(d + 'push'), 'a dead token is shown')
try:
    write(d + 'push', 'now\n')
    ok(False, 'and is not pushed any more')
except OSError as err:
    ok(True, 'and is not pushed any more')
a.token_update()
write(d + 'push', 'now\n')
until(lambda: 'outcome: 200' in text(d + 'push'), 'a new one is')

# the end
write(d + 'commands/late', 'DeviceLock\n')
ok(a.message('CheckOut')[0] == 200, 'CheckOut')
ok('state: checked-out' in text(d + 'status'), 'is shown')
ok(a.report('Idle')[0] == 400, 'and is the end')
try:
    write(d + 'commands/x', 'DeviceLock\n')
    ok(False, 'no commands for it')
except OSError as err:
    ok(err.errno == 95, 'no commands for it', err)
ok(e.authenticate()[0] == 200, 'now the other organization may have it')
ok(os.readlink(os.path.join(M, d + 'org')).endswith('/other'),
   'and does')
os.rmdir(os.path.join(M, 'devices', b.udid))
ok(b.report('Idle')[0] == 400, 'a removed device opens nothing')
print('1..%d' % n)
PLAY
python3 "$T/play.py" >"$T/play.out" 2>&1
play=$?
while IFS= read -r line; do
	case $line in
	"ok "*) ok 0 "${line#ok * - }" ;;
	"not ok "*) ok 1 "${line#not ok * - }" ;;
	1..*) ;;
	*) echo "# $line" ;;
	esac
done <"$T/play.out"
ok "$play" "the device's side went through"

# ---- a restart forgets nothing
before=$(find "$M/devices" "$M/orgs" | sort)
kill -9 "$server"
{ wait "$server"; } 2>/dev/null
fusermount3 -uz "$M"
start_server --apns "https://localhost:$service" --apns-trust "$T/service.pem"
is "$(find "$M/devices" "$M/orgs" | sort)" "$before" \
	"after kill -9 everything is there"
done_testing
