"""Servers for the tests of TLS and HTTP: one right, the others wrong in one way each.

    python3 servers.py DIR [NAME...]     certificates go to DIR; of the servers only those named

Prints "NAME PORT" for each server and then "ready". Ends when its standard input does, so it cannot
outlive the test that started it. Everything listens on 127.0.0.1 only.

What a server answers depends on the path (see Handler). HTTP is spoken by hand, so that it can be
spoken wrongly.
"""
import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import sys
import threading
import time
import warnings

import certificates

warnings.simplefilter("ignore", DeprecationWarning)

GOOD = [
    "rsa", "rsa384", "rsa512", "ec", "ec384", "chain", "wrong", "expired", "future", "selfsigned", "unknown",
    "oldroot", "limitroot", "weakhash", "weakkey", "nameonly", "constrained", "constrained2", "byleaf", "client",
    "pss", "ed25519", "cnonly", "disorder",
]
SPECIAL = ["tls13", "tls11", "oldcipher", "wantscert", "plain", "silent", "cut_hello", "cut_half", "garbage"]

KEY = b"an invented key of 32 bytes here"
seen = {}  # Requests by idempotency key, to tell a repeat.
counts = {}
lock = threading.Lock()


def context(folder, name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = name if name in GOOD else "rsa"
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.load_cert_chain(os.path.join(folder, certificate + ".crt"), os.path.join(folder, certificate + ".key"))
    if name == "tls13":
        made.minimum_version = ssl.TLSVersion.TLSv1_3
    elif name == "tls11":
        made.minimum_version = ssl.TLSVersion.TLSv1
        made.maximum_version = ssl.TLSVersion.TLSv1_1
    elif name == "oldcipher":
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers("AES128-SHA:@SECLEVEL=0")
    elif name == "wantscert":
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(os.path.join(folder, "ca.crt"))
    return made


class Request:
    def __init__(self, stream):
        line = stream.readline(8192)
        if not line.strip():
            raise EOFError
        self.method, self.target, _ = line.decode("latin-1").split(" ", 2)
        self.path, _, self.query = self.target.partition("?")
        self.headers = {}
        while True:
            line = stream.readline(65536).decode("latin-1").rstrip("\r\n")
            if not line:
                break
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        if self.headers.get("expect", "").lower() == "100-continue":
            stream.raw_write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.body = stream.read(int(self.headers.get("content-length", "0")))


class Stream:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.readline = self.file.readline
        self.read = self.file.read

    def raw_write(self, data):
        self.sock.sendall(data)


def answer(stream, status, body=b"", headers=()):
    lines = ["HTTP/1.1 %d Whatever" % status, "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % pair for pair in headers]
    stream.raw_write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)


def handle(stream, request, ports, connection):
    """One answer; False to close the connection."""
    path = request.path
    with lock:
        counts[path] = counts.get(path, 0) + 1
        nth = counts[path]
    if path == "/ok":
        answer(stream, 200, b"fine")
    elif path == "/echo":
        told = {"method": request.method, "target": request.target, "headers": request.headers,
                "body": request.body.decode("utf-8", "replace"), "connection": connection, "nth": nth}
        answer(stream, 200, json.dumps(told).encode(), [("Content-Type", "application/json")])
    elif path.startswith("/status/"):
        parts = path.split("/")
        headers = [("Retry-After", parts[3].replace("_", " "))] if len(parts) > 3 else []
        answer(stream, int(parts[2]), b'{"error":"made up"}', headers)
    elif path.startswith("/flaky/"):  # /flaky/STATUS/TIMES/NAME: so often that, then 200.
        parts = path.split("/")
        answer(stream, int(parts[2]) if nth <= int(parts[3]) else 200, b"fine")
    elif path == "/big":
        answer(stream, 200, b"x" * (3 * 1024 * 1024))
    elif path == "/endless":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.raw_write(b"1000\r\n" + b"y" * 4096 + b"\r\n")
    elif path == "/drip":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            stream.raw_write(b".")
            time.sleep(0.1)
    elif path == "/drip_head":
        stream.raw_write(b"HTTP/1.1 200 OK\r\n")
        for i in range(600):
            stream.raw_write(b"X-%d: y\r\n" % i)
            time.sleep(0.1)
    elif path == "/continue":  # For ever only the beginning of an answer.
        while True:
            stream.raw_write(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
            time.sleep(0.01)
    elif path == "/truncated":  # Its end is the end of the connection, which is cut: no goodbye of TLS.
        stream.raw_write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it")
        return False
    elif path == "/ended":  # The same, and a goodbye.
        stream.raw_write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")
        if isinstance(stream.sock, ssl.SSLSocket):
            stream.sock.unwrap()
        return False
    elif path == "/badchunk":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nzz\r\n")
        return False
    elif path == "/halfchunk":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n")
        return False
    elif path == "/badgzip":
        answer(stream, 200, b"this was never packed", [("Content-Encoding", "gzip")])
    elif path == "/cutgzip":
        import gzip
        answer(stream, 200, gzip.compress(os.urandom(4000))[:2000], [("Content-Encoding", "gzip")])
    elif path == "/unknowncoding":
        answer(stream, 200, b"x", [("Content-Encoding", "br")])
    elif path == "/twolengths":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nfine")
        return False
    elif path == "/minuslength":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nfine")
        return False
    elif path == "/longline":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nX-Long: " + b"z" * 2000000 + b"\r\n\r\n")
        return False
    elif path == "/nulhead":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 4\r\n\r\nfine")
    elif path == "/manybombs":  # Packed three times over.
        import gzip
        packed = gzip.compress(gzip.compress(gzip.compress(b"\0" * (64 << 20))))
        answer(stream, 200, packed, [("Content-Encoding", "gzip, gzip, gzip")])
    elif path == "/mute":
        time.sleep(60)
    elif path == "/cut":
        stream.raw_write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        return False
    elif path == "/nothing":
        return False
    elif path == "/once":  # Answers once a connection and closes without saying so.
        answer(stream, 200, b"fine")
        return False
    elif path == "/nonsense":
        stream.raw_write(b"NOT HTTP AT ALL\r\n\r\n")
        return False
    elif path == "/headers":
        stream.raw_write(b"HTTP/1.1 200 OK\r\n")
        for i in range(4000):
            stream.raw_write(b"X-Filler-%d: %s\r\n" % (i, b"z" * 200))
        stream.raw_write(b"Content-Length: 0\r\n\r\n")
    elif path == "/gzip":
        import gzip
        answer(stream, 200, gzip.compress(b"packed " * 1000), [("Content-Encoding", "gzip")])
    elif path == "/bomb":
        import zlib
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(256)) + packer.flush()
        answer(stream, 200, packed, [("Content-Encoding", "gzip")])
    elif path == "/redirect":  # /redirect?WHERE; "NAME:" at its front stands for that server here.
        where = request.query
        for name, port in ports.items():
            where = where.replace("{%s}" % name, "127.0.0.1:%d" % port)
        answer(stream, 302, b"", [("Location", where)])
    elif path == "/loop":
        answer(stream, 302, b"", [("Location", "/loop")])
    elif path == "/hook":  # A webhook that knows repeats by their id.
        key = request.headers.get("webhook-id", "")
        with lock:
            again = key in seen
            seen.setdefault(key, []).append({"headers": request.headers, "body": request.body.decode()})
        answer(stream, 200, json.dumps({"again": again}).encode(), [("Content-Type", "application/json")])
    elif path == "/signed":  # As a receiver of Standard Webhooks checks it.
        head = request.headers
        content = b"%s.%s." % (head["webhook-id"].encode(), head["webhook-timestamp"].encode()) + request.body
        right = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
        fresh = abs(time.time() - int(head["webhook-timestamp"])) < 300
        answer(stream, 200 if fresh and head["webhook-signature"] == "v1," + right else 401)
    elif path == "/hooks":
        with lock:
            answer(stream, 200, json.dumps(seen).encode())
    else:
        answer(stream, 404, b"no such page")
    return request.headers.get("connection", "").lower() != "close"


def serve(name, sock, made, ports, number):
    sock.settimeout(70)
    try:
        if name == "silent":
            time.sleep(60)
        elif name == "cut_hello":
            sock.recv(4096)
            return
        elif name == "cut_half":
            sock.recv(4096)
            sock.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
            return
        elif name == "garbage":
            sock.recv(4096)
            sock.sendall(b"220 mail.example ESMTP ready\r\n" * 3)
            time.sleep(0.2)
            return
        if made is not None:
            sock = made.wrap_socket(sock, server_side=True)
        stream = Stream(sock)
        while handle(stream, Request(stream), ports, number):
            pass
    except (OSError, EOFError, ValueError):
        pass
    finally:
        try:
            sock.close()
        except OSError:
            pass


def listen(name, listener, made, ports):
    number = 0
    while True:
        sock, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(name, sock, made, ports, number), daemon=True).start()


def main():
    folder = sys.argv[1]
    wanted = sys.argv[2:]
    certificates.make(folder)
    ports = {}
    threads = []
    for name in GOOD + SPECIAL:
        if wanted and name not in wanted:
            continue
        made = None if name in ("plain", "silent", "cut_hello", "cut_half", "garbage") else context(folder, name)
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        ports[name] = listener.getsockname()[1]
        threads.append(threading.Thread(target=listen, args=(name, listener, made, ports), daemon=True))
    for thread in threads:
        thread.start()
    for name, port in ports.items():
        print(name, port)
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
