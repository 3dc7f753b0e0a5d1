"""What `ci/zig build bench-webhook` runs: the source `webhook` against FastAPI + ARQ + Redis and a floor, in turns.

    python3 webhook.py SLUICE FLOOR [--seconds 4] [--pairs 5] [--only calls,looks] [--chats 5000]

Each run: a fresh server in an empty folder, one second to warm up, then `wrk -t1 -c64`, each call with an id of its own, random as a provider's.
What was answered must be there afterwards: in sluice's archive, in the floor's table, in Redis' queue. CPU is of the
server's processes (Redis too), over the time measured. Ends with an error when a bar is missed.
"""
import argparse
import atexit
import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "invented-token-0123456789"
TICKS = os.sysconf("SC_CLK_TCK")
missed = []

MESSAGE = {
    "typeWebhook": "incomingMessageReceived",
    "instanceData": {"idInstance": 7100000001, "wid": "10000000001@c.us", "typeInstance": "whatsapp"},
    "timestamp": 1790000000, "idMessage": "@ID@",
    "senderData": {"chatId": "@CHAT@", "sender": "10000000002@c.us", "chatName": "North field team and friends",
                   "senderName": "Gal", "senderContactName": "Gal Levi"},
    "messageData": {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {
        "text": "Good morning, the drop DR10000001 was installed and tested today at 14:30, the photos are in the group. "
                "Please look at them and say whether the customer's signature will do, many thanks!",
        "description": "", "title": "", "previewType": "None", "jpegThumbnail": "", "forwardingScore": 0, "isForwarded": False}},
}
BODY = json.dumps(MESSAGE, separators=(",", ":"))
LUA = """
local before, after = [==[%s]==], [==[%s]==]
math.randomseed(%d)
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Bearer %s"}
function request()
    local id = ""
    for _ = 1, 8 do id = id .. string.format("%%04X", math.random(0, 65535)) end
    return wrk.format("POST", "%s", headers, before .. id .. after)
end
"""
CONFIG = """store: data
http: {{listen: "127.0.0.1:{port}"}}
sources:
  green:
    kind: webhook
    token: ${{HOOK_TOKEN}}
    id_field: idMessage
    chat_field: senderData.chatId
    sender_field: senderData.sender
    text_field: messageData.extendedTextMessageData.text
    time_field: timestamp
sinks:
  records: {{kind: sqlite}}
pipelines:
  all:
    source: green
    chats: all
    ops: [{{kind: filter, words: [{words}]}}, {{kind: write, sink: records, target: messages, key: "{{{{uid}}}}", set: {{text: "{{{{text}}}}"}}}}]
"""


def bar(name, found, limit, least):
    good = found >= limit if least else found <= limit
    print(f"{name}: {found:,.3g} (bar {'>=' if least else '<='} {limit:g}) {'ok' if good else 'MISSED'}", flush=True)
    if not good:
        missed.append(name)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """Processes that listen on `port` of a folder of their own."""

    def __init__(self, path, start):
        self.path, self.port, self.folder, self.children = path, free_port(), tempfile.mkdtemp(), []
        atexit.register(self.stop)  # Also when something fails.
        start(self)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("a server does not start: " + open(self.folder + "/log").read()[-2000:])
                time.sleep(0.05)

    def begin(self, words, **more):
        log = open(self.folder + "/log", "a")
        self.children.append(subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log, **more))

    def cpu_s(self):
        fields = [open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split() for child in self.children]
        return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS

    def peak_mb(self):
        status = [open(f"/proc/{child.pid}/status").read() for child in self.children]
        return sum(int(re.search(r"VmHWM:\s*(\d+)", one).group(1)) for one in status) / 1024

    def stop(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            child.wait(30)
        self.children = []

    def forget(self):
        shutil.rmtree(self.folder)


def load(server, seconds, seed):
    script = server.folder + f"/{seed}.lua"
    before, after = BODY.replace("@CHAT@", "100000000000000001@g.us").split("@ID@")
    open(script, "w").write(LUA % (before, after, seed, TOKEN, server.path))
    out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", "-s", script, f"http://127.0.0.1:{server.port}"],
                         capture_output=True, text=True, check=True).stdout
    count, took = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(server.path + ": " + out)
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", out).groups()
    return int(count), float(took), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measured(make, count_there, seconds):
    server = make()
    warm = load(server, 1, 1)
    cpu = server.cpu_s()
    count, took, p99_ms = load(server, seconds, 2)
    cpu = server.cpu_s() - cpu
    peak = server.peak_mb()
    there = count_there(server)
    server.stop()
    if there < count + warm[0]:
        raise SystemExit(f"{count + warm[0]} calls were answered, {there} are there")
    server.forget()
    return {"rate": count / took, "p99_ms": p99_ms, "cpu_s": 1000 * cpu / count, "peak_mb": peak}


def sluice(program, words):
    def start(server):
        open(server.folder + "/sluice.yaml", "w").write(CONFIG.format(port=server.port, words=words))
        server.begin([program, "serve"], env=dict(os.environ, HOOK_TOKEN=TOKEN))
    return lambda: Server("/webhook/green", start)


def rows(server, file, table):
    server.stop()  # The floor holds its file for itself.
    with sqlite3.connect(f"file:{server.folder}/{file}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM " + table).fetchone()[0]


def fastapi(packages):
    def start(server):
        server.redis = free_port()
        environment = dict(os.environ, PYTHONPATH=packages, REDIS_PORT=str(server.redis))
        server.begin(["redis-server", "--port", str(server.redis), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec",
                      "--save", "", "--dir", server.folder])
        time.sleep(0.5)
        server.begin([sys.executable, "-m", "uvicorn", "webhook_app:app", "--app-dir", HERE + "/rivals", "--host", "127.0.0.1",
                      "--port", str(server.port), "--no-access-log", "--log-level", "warning"], env=environment)
    return lambda: Server("/webhook", start)


def queued(server):
    with socket.create_connection(("127.0.0.1", server.redis)) as one:
        one.sendall(b"ZCARD arq:queue\r\n")
        return int(one.recv(100)[1:])


def calls(options, packages):
    ways = {
        "sluice": lambda: measured(sluice(options.sluice, "nobody says this"), lambda s: rows(s, "data/sluice.db", "archive"), options.seconds),
        "sluice, records too": lambda: measured(sluice(options.sluice, "installed"), lambda s: rows(s, "data/sluice.db", "archive"),
                                                options.seconds),
        "floor": lambda: measured(lambda: Server("/", lambda s: s.begin([options.floor, str(s.port), s.folder + "/floor.db"])),
                                  lambda s: rows(s, "floor.db", "inbox"), options.seconds),
    }
    if packages:
        ways["FastAPI"] = lambda: measured(fastapi(packages), queued, options.seconds)
    found = {name: [] for name in ways}
    for _ in range(options.pairs):
        for name, way in ways.items():
            found[name].append(way())
    middle = {name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items()}
    for name, one in middle.items():
        rates = sorted(run["rate"] for run in found[name])
        print(f"{name}: {one['rate']:,.0f} calls/s ({rates[0]:,.0f} to {rates[-1]:,.0f}), p99 {one['p99_ms']:.1f} ms, "
              f"CPU {one['cpu_s']:.4f} s a thousand, peak RSS {one['peak_mb']:.1f} MB", flush=True)
    ours = middle["sluice"]
    bar("calls a second, of the floor's", ours["rate"] / middle["floor"]["rate"], 0.5, True)
    if packages:
        bar("calls a second, times FastAPI's", ours["rate"] / middle["FastAPI"]["rate"], 8, True)
        bar("CPU a call, of FastAPI's", ours["cpu_s"] / middle["FastAPI"]["cpu_s"], 0.1, False)
    bar("p99 ms", ours["p99_ms"], 10, False)
    bar("peak RSS MB", ours["peak_mb"], 24, False)


def looks(options):
    """/metrics and /health over one connection, with many chats in the store."""
    server = sluice(options.sluice, "installed")()
    line = http.client.HTTPConnection("127.0.0.1", server.port)
    for number in range(options.chats):
        body = BODY.replace("@ID@", f"chat-{number}").replace("@CHAT@", f"1000000000{number:08d}@g.us")
        line.request("POST", server.path, body, {"Authorization": "Bearer " + TOKEN})
        answer = line.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a chat's call was answered {answer.status}")
    time.sleep(2)  # What the calls left to do is done.
    for path in ("/metrics", "/health"):
        took = []
        for _ in range(300):
            began = time.perf_counter()
            line.request("GET", path)
            line.getresponse().read()
            took.append(1000 * (time.perf_counter() - began))
            time.sleep(0.005)
        bar(f"{path} with {options.chats} chats, ms", statistics.median(took), 2, False)
        print(f"  the 99th of a hundred: {sorted(took)[int(len(took) * 0.99)]:.2f} ms")
    server.stop()
    server.forget()


def main():
    words = argparse.ArgumentParser()
    words.add_argument("sluice", type=os.path.abspath)
    words.add_argument("floor", type=os.path.abspath)
    words.add_argument("--seconds", type=int, default=4)
    words.add_argument("--pairs", type=int, default=5)
    words.add_argument("--chats", type=int, default=5000)
    words.add_argument("--only", default="calls,looks")
    options = words.parse_args()
    if "calls" in options.only.split(","):
        calls(options, os.environ.get("BENCH_RIVALS", ""))
    if "looks" in options.only.split(","):
        looks(options)
    if missed:
        raise SystemExit("missed: " + ", ".join(missed))


if __name__ == "__main__":
    main()
