#!/usr/bin/env python3
"""relay.py PORT CA HOST - plain HTTP in front of the server's HTTPS, for SCEP
clients that cannot be told which root to trust.  Prints its own port."""
import http.client
import http.server
import ssl
import sys

PORT, CA, HOST = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Tls(http.client.HTTPSConnection):
    def connect(self):
        self.host, name = "127.0.0.1", self.host
        http.client.HTTPConnection.connect(self)
        self.host = name
        self.sock = self._context.wrap_socket(self.sock, server_hostname=name)


class Relay(http.server.BaseHTTPRequestHandler):
    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        far = Tls(HOST, PORT, context=ssl.create_default_context(cafile=CA))
        kind = {}
        if self.headers.get("Content-Type"):
            kind["Content-Type"] = self.headers["Content-Type"]
        far.request(self.command, self.path, body or None, kind)
        answer = far.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type",):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = relay

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
print(server.server_port, flush=True)
server.serve_forever()
