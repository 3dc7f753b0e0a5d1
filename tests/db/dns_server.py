"""A DNS server for the tests, on 127.0.0.77 port 53 of a network namespace of their own.

    python3 dns_server.py PORT

Everything is below wild.test. PORT is where the service that is looked for listens. Prints "ready"; ends when its
standard input does.

    cluster          SRV db1.wild.test:PORT, TXT authSource=work
    many             30 SRV records, so that the answer is too large for UDP
    stranger         SRV db1.elsewhere.example
    empty            no record at all
    silent…          no answer, ever
    anything else    A 127.0.0.1
"""
import socket
import struct
import sys
import threading

A, TXT, SRV = 1, 16, 33


def name_bytes(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def srv(target, port):
    return struct.pack(">HHH", 0, 0, port) + name_bytes(target)


def records(name, kind, port):
    host = name[: -len(".wild.test")] if name.endswith(".wild.test") else ""
    service = "_mongodb._tcp."
    if kind == SRV and host.startswith(service):
        which = host[len(service):]
        return {"cluster": [srv("db1.wild.test", port)],
                "many": [srv("db%d.wild.test" % i, port) for i in range(1, 31)],
                "stranger": [srv("db1.elsewhere.example", port)]}.get(which, [])
    if kind == TXT and host == "cluster":
        text = b"authSource=work"
        return [bytes([len(text)]) + text]
    if kind == A and host:
        return [socket.inet_aton("127.0.0.1")]
    return []


def answer(query, port, limit):
    """The answer's bytes, or None for silence."""
    place = 12
    parts = []
    while query[place]:
        parts.append(query[place + 1: place + 1 + query[place]].decode())
        place += 1 + query[place]
    kind = struct.unpack(">H", query[place + 1: place + 3])[0]
    name = ".".join(parts).lower()
    if "silent" in name:
        return None
    found = records(name, kind, port)
    question = query[12: place + 5]
    rows = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in found)
    flags = 0x8180 if found or name.endswith("wild.test") else 0x8183
    if len(question) + len(rows) + 12 > limit:
        return query[:2] + struct.pack(">HHHHH", flags | 0x0200, 1, 0, 0, 0) + question
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + question + rows


def udp(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.77", 53))
    while True:
        query, who = server.recvfrom(4096)
        reply = answer(query, port, 512)
        if reply:
            server.sendto(reply, who)


def tcp(server, port):
    while True:
        one, _ = server.accept()
        query = one.recv(4096)
        reply = answer(query[2:], port, 65535)
        if reply:
            one.sendall(struct.pack(">H", len(reply)) + reply)
        one.close()


def main():
    port = int(sys.argv[1])
    listener = socket.create_server(("127.0.0.77", 53))
    threading.Thread(target=udp, args=(port,), daemon=True).start()
    threading.Thread(target=tcp, args=(listener, port), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
