"""S9, S11, S12, S16, S17: requests that no honest client sends, at the port that is named."""
import sys

import http_rig as rig

port = int(sys.argv[1])
GET = b"GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"

# S11: each is refused with 4xx (or, where the standard lets a server close, closed), at once.
hostile = {
    "CL+TE": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two different lengths": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "two equal lengths": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a length with a sign": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    "a length that is none": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\nhello",
    "a length beyond all numbers": b"POST /live HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "an unknown coding": b"POST /live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "bare LF": b"GET /live HTTP/1.1\nHost: a\n\n",
    "bare CR": b"GET /live HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "no host": b"GET /live HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a space before the colon": b"GET /live HTTP/1.1\r\nHost : a\r\n\r\n",
    "a folded header": b"GET /live HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
    "a NUL": b"GET /live HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a huge header": GET + b"X: " + b"a" * 100000 + b"\r\n\r\n",
    "many headers": GET + b"".join(b"X-%d: aaaaaaaaaaaaaaaa\r\n" % i for i in range(4000)) + b"\r\n",
    "a huge path": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": b"GET /live\r\n\r\n",
    "a version from the future": b"GET /live HTTP/9.9\r\nHost: a\r\n\r\n",
    "not HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
    "a body where none belongs": b"GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "a chunked body where none belongs": b"GET /live HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}
for what, request in hostile.items():
    answer, took = rig.raw(port, request)
    rig.check(answer.status == 0 or 400 <= answer.status < 600, f"S11 {what}: answered with {answer.status}")
    rig.check(took < 5, f"S11 {what}: took {took:.1f} s")
    print(f"S11 {what}: {answer.status or 'closed'}")
    if answer.status:
        for name, value in rig.PROTECTION.items():
            rig.check(answer.headers.get(name) == value, f"S9 {what}: {name} is {answer.headers.get(name)!r}")
must_refuse = ["CL+TE", "two different lengths", "two equal lengths", "a length that is none", "no host", "a huge header", "a huge path", "bare LF"]
for what in must_refuse:
    answer, _ = rig.raw(port, hostile[what])
    rig.check(400 <= answer.status < 500 and answer.status != 405, f"S11 {what}: {answer.status} is no refusal")

# Two requests where a smuggler hopes for one: the second is never answered.
answer, _ = rig.raw(port, hostile["CL+TE"] + b"ET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
rig.check(answer.body.count(b"HTTP/1.1") == 0, "S11: a smuggled request was answered")

# S9: on every route, errors included.
for method, path in [("GET", "/live"), ("GET", "/ready"), ("GET", "/health"), ("GET", "/metrics"), ("GET", "/nothing"), ("PUT", "/health"), ("GET", "/../etc/passwd"), ("GET", "/%2e%2e/%00")]:
    answer = rig.call(port, method, path)
    rig.check(answer.status > 0, f"S9 {method} {path}: no answer")
    for name, value in rig.PROTECTION.items():
        rig.check(answer.headers.get(name) == value, f"S9 {method} {path}: {name} is {answer.headers.get(name)!r}")
    rig.check("access-control-allow-origin" not in answer.headers, f"{method} {path}: open to other origins")

# S12: other methods are 405 and say which there are.
for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "XYZZY"]:
    answer = rig.call(port, method, "/health")
    rig.check(answer.status == 405, f"S12 {method} /health: {answer.status}")
    rig.check(answer.headers.get("allow") == "GET, HEAD", f"S12 {method}: Allow is {answer.headers.get('allow')!r}")
answer = rig.call(port, "HEAD", "/health")
rig.check(answer.status in (200, 503) and answer.body == b"", "HEAD /health")

# S16: metrics are not for who comes through a proxy; details are for nobody without a token.
rig.check(rig.call(port, "GET", "/metrics").status == 200, "S16: /metrics from this machine")
for header in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"]:
    answer = rig.call(port, "GET", "/metrics", headers={header: "127.0.0.1"})
    rig.check(answer.status == 401 and "www-authenticate" in answer.headers, f"S16/S17: /metrics with {header}: {answer.status}")
rig.check(b'"why"' not in rig.call(port, "GET", "/health").body, "S16: details without a token")
sys.exit(1 if rig.bad else 0)
