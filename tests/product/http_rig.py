"""What the tests of the HTTP service share: calls over raw sockets, so that what a proper client would
never send can be sent, and free ports."""
import json
import socket
import time

PROTECTION = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
}
bad = 0


def fail(text):
    global bad
    bad += 1
    print("FAILED:", text)


def check(holds, text):
    if not holds:
        fail(text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        self.status = int(words[1]) if len(words) > 1 and words[0].startswith("HTTP/1.") else 0
        self.headers = {}
        for line in lines[1:]:
            key, _, value = line.partition(":")
            self.headers[key.strip().lower()] = value.strip()

    def json(self):
        return json.loads(self.body)


def raw(port, request, patience=10.0, pieces=None, pause=0.0):
    """All that comes back until the connection ends, and how long that took."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as s:
        s.settimeout(patience)
        try:
            for piece in pieces or [request]:
                s.sendall(piece)
                if pause:
                    time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = b""
        try:
            while True:
                part = s.recv(65536)
                if not part:
                    break
                got += part
        except ConnectionResetError:
            pass
        except socket.timeout:
            fail(f"no end of the answer within {patience} s: {request[:60]!r}")
    return Answer(got), time.monotonic() - begin


def call(port, method, path, body=None, headers=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    for key, value in (headers or {}).items():
        lines.append(f"{key}: {value}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")
    return raw(port, request)[0]
