#!/usr/bin/env python3
"""Between libcurl and an Apache whose NTLM (gss-ntlmssp) wants messages with
the version field that newer clients send and IIS does not need: puts one in
that is empty.  All else, the proof of the password too, goes through as it is,
and each connection keeps its own, as NTLM needs it.

ntlm_relay.py TARGET_PORT  prints the port that it listens on."""
import base64
import re
import socket
import sys
import threading

target = int(sys.argv[1])


def pad(match):
    token = bytearray(base64.b64decode(match.group(2)))
    kind = int.from_bytes(token[8:12], "little")
    if kind == 1 and len(token) == 32:
        token += bytes(8)
    elif kind == 3:
        for field in range(12, 60, 8):
            where = int.from_bytes(token[field + 4:field + 8], "little")
            token[field + 4:field + 8] = (where + 8).to_bytes(4, "little")
        token[64:64] = bytes(8)
    return match.group(1) + base64.b64encode(token)


def requests(client, server):
    """Heads of requests without bodies."""
    data = b""
    while True:
        more = client.recv(65536)
        if not more:
            break
        data += more
        while b"\r\n\r\n" in data:
            head, data = data.split(b"\r\n\r\n", 1)
            head = re.sub(rb"(Authorization: NTLM )(\S+)", pad, head)
            server.sendall(head + b"\r\n\r\n")
    server.shutdown(socket.SHUT_WR)


def answers(client, server):
    while True:
        data = server.recv(65536)
        if not data:
            break
        client.sendall(data)
    client.close()


def guarded(fn, *args):
    try:
        fn(*args)
    except OSError:
        pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    upstream = socket.create_connection(("127.0.0.1", target))
    for fn in (requests, answers):
        threading.Thread(target=guarded, args=(fn, connection, upstream),
                         daemon=True).start()
