"""What `ci/zig build bench-mongodb` runs: guarded upserts of the sink mongodb against pymongo's bulk_write.

    python3 mongodb.py PROGRAM [--rows 100000] [--pairs 3] [--minutes 30]

A server of its own (tests/db/mongo_server.py: TLS, SCRAM, loopback; commits are not synced one by one), runs that take
turns, medians of the ratios, and the rows of both compared by hash. No pair begins that would probably end after so many
minutes, and no run takes longer than that. Ends with an error when a bar is missed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

RATE_BAR = 0.9
CPU_BAR = 0.25


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()
    path = subprocess.run(["ci/tool", "secantus"], capture_output=True, text=True).stdout.strip()
    if not path:
        raise SystemExit("bench-mongodb needs the server of ci/tool secantus (CPython 3.11 on x86_64)")
    env = dict(os.environ, PYTHONPATH=path)
    rival = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rivals", "mongo_bulk.py")
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, "tests/db/mongo_server.py", folder, "quick"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        try:
            port = None
            for line in server.stdout:
                words = line.split()
                if words[0] == "mongo":
                    port = words[1]
                if words[0] in ("ready", "missing:"):
                    break
            if port is None:
                raise SystemExit("the server did not start")
            uri = "mongodb://any:secret@localhost:%s/x?authSource=admin&tls=true&tlsCAFile=%s/ca.crt" % (  # invented
                port, folder)
            measure(given, env, rival, uri)
        finally:
            server.stdin.close()
            server.wait(30)


def run(words, env, seconds):
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=seconds)
    if done.returncode != 0:
        raise SystemExit("%s: %s%s" % (words[0], done.stdout, done.stderr))
    return done.stdout.strip()


def measure(given, env, rival, uri):
    python = [sys.executable, rival]
    limit = given.minutes * 60
    began = time.monotonic()
    run(python + ["write", uri, "warm", "2000"], env, limit)
    ours, theirs = [], []
    for pair in range(given.pairs):
        start = time.monotonic()
        one_pair(given, env, python, uri, pair, ours, theirs, limit)
        now = time.monotonic()
        if pair + 1 < given.pairs and now - began + (now - start) > limit:
            print("no time for another pair within %g minutes" % given.minutes)
            break
    judge(given, ours, theirs)


def one_pair(given, env, python, uri, pair, ours, theirs, limit):
    names = ["ours%d" % pair, "theirs%d" % pair]
    for turn in [0, 1] if pair % 2 == 0 else [1, 0]:
        if turn == 0:
            ours.append(json.loads(run([given.program, uri, names[0], str(given.rows)], env, limit)))
        else:
            theirs.append(json.loads(run(python + ["write", uri, names[1], str(given.rows)], env, limit)))
    hashes = [run(python + ["hash", uri, name], env, limit) for name in names]
    if hashes[0] != hashes[1] or int(hashes[0].split()[0]) != given.rows:
        raise SystemExit("the rows differ: %s and %s" % tuple(hashes))
    print("pair %d: sluice %s, pymongo %s, the same %d rows" % (pair + 1, ours[-1], theirs[-1], given.rows), flush=True)
    for name in names:
        run(python + ["drop", uri, name], env, limit)


def judge(given, ours, theirs):
    rate = statistics.median(t["wall_ms"] / o["wall_ms"] for o, t in zip(ours, theirs))
    cpu = statistics.median(o["cpu_ms"] / t["cpu_ms"] for o, t in zip(ours, theirs))
    per_second = given.rows * 1000 / statistics.median(o["wall_ms"] for o in ours)
    row_us = [statistics.median(r["cpu_ms"] for r in side) * 1000 / given.rows for side in (ours, theirs)]
    print("%d pairs of %d guarded upserts: %.0f rows/s, %.2f x pymongo's (bar >= %.2f, %s)"
          % (len(ours), given.rows, per_second, rate, RATE_BAR, "ok" if rate >= RATE_BAR else "missed"))
    print("client CPU %.2f us a row, pymongo %.2f: %.2f x (bar <= %.2f, %s)"
          % (row_us[0], row_us[1], cpu, CPU_BAR, "ok" if cpu <= CPU_BAR else "missed"))
    if rate < RATE_BAR or cpu > CPU_BAR:
        raise SystemExit("a bar was missed")


if __name__ == "__main__":
    main()
