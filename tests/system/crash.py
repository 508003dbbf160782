"""The load of crash.t: one thread drops commands through the mount, one is the
device that answers them; both go on while the server dies and comes back.
Only what was acknowledged is written down.

    crash.py MOUNT UDID PORT HOST CA CERT KEY STOP

ends when the file STOP exists and nothing waits any more; prints what is
wrong, one a line, and the counts in the last one."""
import http.client
import os
import plistlib
import ssl
import sys
import threading
import time

MOUNT, UDID, PORT, HOST, CA, CERT, KEY, STOP = sys.argv[1:]
COMMANDS = '%s/devices/%s/commands' % (MOUNT, UDID)
RESULTS = '%s/devices/%s/results' % (MOUNT, UDID)

dropped = []  # names whose close() returned 0
tried = set()
answered = {}  # UUID: text in its answer, that got a 200
offered = {}  # UUID: how often it was handed out after its 200


def stopping():
    return os.path.exists(STOP)


def drop():
    n = 0
    while not stopping():
        name = 'c%06d' % n
        n += 1
        tried.add(name)
        try:
            fd = os.open(COMMANDS + '/' + name,
                         os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            try:
                os.write(fd, plistlib.dumps({
                    'CommandUUID': name,
                    'Command': {'RequestType': 'ProfileList'}}))
            except OSError:
                os.close(fd)
                raise
            os.close(fd)
        except OSError:
            time.sleep(0.02)
            continue
        dropped.append(name)
        time.sleep(0.002)


class Far(http.client.HTTPSConnection):
    """HOST at 127.0.0.1."""

    def connect(self):
        self.host = '127.0.0.1'
        http.client.HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=HOST)


def say(far, message):
    """The answer's plist, None if it is empty; OSError if it is no 200."""
    message['UDID'] = UDID
    far.request('PUT', '/mdm/acme', plistlib.dumps(message))
    answer = far.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise OSError('%d: %s' % (answer.status, body[:200]))
    return plistlib.loads(body) if body else None


def visit(far):
    """One session; whether there was anything to do."""
    command = say(far, {'Status': 'Idle'})
    busy = command is not None
    while command is not None:
        uuid = command['CommandUUID']
        if uuid in answered:
            offered[uuid] = offered.get(uuid, 0) + 1
        text = '%s at %f' % (uuid, time.time())
        command = say(far, {'Status': 'Acknowledged', 'CommandUUID': uuid,
                            'ProfileList': [], 'Text': text})
        answered.setdefault(uuid, text)
    return busy


def device():
    context = ssl.create_default_context(cafile=CA)
    context.load_cert_chain(CERT, KEY)
    far = None
    while True:
        try:
            if far is None:
                far = Far(HOST, int(PORT), context=context, timeout=10)
            if not visit(far):
                if stopping() and not writer.is_alive():
                    return
                time.sleep(0.005)
        except (OSError, http.client.HTTPException):
            far = None
            time.sleep(0.02)


def check():
    wrong = 0
    results = set(os.listdir(RESULTS))
    left = set(os.listdir(COMMANDS))
    for name in sorted(set(dropped) - results - left):
        print('lost: %s was dropped and is nowhere' % name)
        wrong += 1
    for name in sorted((results | left) - tried):
        print('invented: %s' % name)
        wrong += 1
    for name in sorted(results & left):
        print('twice: %s is in commands/ and in results/' % name)
        wrong += 1
    for name in sorted(left):
        print('waits still: %s' % name)
        wrong += 1
    for uuid, text in sorted(answered.items()):
        with open(RESULTS + '/' + uuid, 'rb') as f:
            found = plistlib.load(f)
        # an answer that was stored before the server died without a word,
        # and was then said again, is the first one
        if found['CommandUUID'] != uuid or not \
                found['Text'].startswith(uuid + ' at '):
            print('another: results/%s has %s' % (uuid, found['Text']))
            wrong += 1
    for uuid in sorted(offered):
        print('again: %s was offered after its answer was taken' % uuid)
        wrong += 1
    print('%d dropped, %d answered, %d wrong' % (
        len(dropped), len(answered), wrong))


writer = threading.Thread(target=drop)
writer.start()
reader = threading.Thread(target=device)
reader.start()
writer.join()
reader.join()
check()
