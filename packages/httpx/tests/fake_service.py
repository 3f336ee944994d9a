"""A service on loopback that answers as its path says, and remembers what it was asked."""

import base64
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        length = int(self.headers.get("content-length", 0))
        self.body = self.rfile.read(length)
        self.server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        action, _, argument = self.path.partition("?")[0].strip("/").partition("/")
        getattr(self, f"on_{action or 'hello'}", self.on_hello)(argument)

    do_POST = do_PUT = do_HEAD = do_QUERY = do_GET

    def on_hello(self, _argument):
        self.answer(200, b'{"hello": "world"}', kind="application/json", secret="x-key-0123456789")

    def on_status(self, code):
        self.answer(int(code), b"told")

    def on_to(self, target):
        self.answer(302, b"", location="http://" + target)

    def on_broken(self, _argument):
        self.head(200, {"content-length": "1000"})
        self.wfile.write(b"half")
        self.close_connection = True

    def on_slow(self, _argument):
        self.server.stopping.wait(0.5)
        self.close_connection = True

    def on_drop(self, _argument):
        self.close_connection = True

    def on_flaky(self, times):
        paths = [path for path, _ in self.server.seen]
        self.answer(503 if paths.count(self.path) <= int(times) else 200, b"flaky")

    def on_pieces(self, count):
        self.head(200, {"transfer-encoding": "chunked", "content-type": "text/event-stream"})
        for n in range(int(count)):
            self.piece(f"data: {n}\n\n".encode())
        self.piece(b"")

    def on_endless(self, _argument):
        self.head(200, {"transfer-encoding": "chunked"})
        try:
            while not self.server.stopping.wait(0.001):
                self.piece(b"x" * 1000)
        except OSError:
            self.close_connection = True

    def on_digest(self, _argument):
        if "authorization" in self.headers:
            self.answer(200, b"in")
        else:
            nonce = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
            self.answer(401, b"who?", **{"www-authenticate": nonce})

    def on_socket(self, _argument):
        key = self.headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest()).decode()
        self.head(101, {"upgrade": "websocket", "connection": "upgrade", "sec-websocket-accept": accept})
        self.wfile.write(b"\x81\x02hi\x88\x02\x03\xe8")
        self.rfile.read(1)
        self.close_connection = True

    def answer(self, code, body, kind="text/plain", **headers):
        self.head(code, {"content-length": str(len(body)), "content-type": kind, **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, code, headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def piece(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_):
        """Nothing: the tests look at `seen`."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """Nothing: some clients are to leave early."""


class FakeService:
    """`seen`: path and headers of every request, oldest first."""

    def __enter__(self):
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.stopping = threading.Event()
        self.seen = self._server.seen = []
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def told(self, path):
        """The traceparent of each request to that path."""
        return [headers.get("traceparent") for seen, headers in self.seen if seen == path]
