"""What `ci/zig build bench-mongodb` runs: guarded upserts of the sink mongodb against pymongo's bulk_write.

    python3 mongodb.py PROGRAM [--rows 100000] [--pairs 3]

A server of its own (tests/db/mongo_server.py: TLS, SCRAM, loopback), runs that take turns, medians of the ratios,
and the rows of both compared by hash. Ends with an error when a bar is missed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

RATE_BAR = 0.9
CPU_BAR = 0.25


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--pairs", type=int, default=3)
    given = parser.parse_args()
    path = subprocess.run(["ci/tool", "secantus"], capture_output=True, text=True).stdout.strip()
    if not path:
        raise SystemExit("bench-mongodb needs the server of ci/tool secantus (CPython 3.11 on x86_64)")
    env = dict(os.environ, PYTHONPATH=path)
    rival = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rivals", "mongo_bulk.py")
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([sys.executable, "tests/db/mongo_server.py", folder], stdin=subprocess.PIPE,
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


def run(words, env):
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit("%s: %s%s" % (words[0], done.stdout, done.stderr))
    return done.stdout.strip()


def measure(given, env, rival, uri):
    python = [sys.executable, rival]
    run(python + ["write", uri, "warm", "2000"], env)
    ours, theirs = [], []
    for pair in range(given.pairs):
        names = ["ours%d" % pair, "theirs%d" % pair]
        turns = [0, 1] if pair % 2 == 0 else [1, 0]
        for turn in turns:
            if turn == 0:
                ours.append(json.loads(run([given.program, uri, names[0], str(given.rows)], env)))
            else:
                theirs.append(json.loads(run(python + ["write", uri, names[1], str(given.rows)], env)))
        hashes = [run(python + ["hash", uri, name], env) for name in names]
        if hashes[0] != hashes[1] or int(hashes[0].split()[0]) != given.rows:
            raise SystemExit("the rows differ: %s and %s" % tuple(hashes))
        print("pair %d: sluice %s, pymongo %s, the same %d rows" % (pair + 1, ours[-1], theirs[-1], given.rows), flush=True)
        for name in names:
            run(python + ["drop", uri, name], env)
    rate = statistics.median(t["wall_ms"] / o["wall_ms"] for o, t in zip(ours, theirs))
    cpu = statistics.median(o["cpu_ms"] / t["cpu_ms"] for o, t in zip(ours, theirs))
    per_second = given.rows * 1000 / statistics.median(o["wall_ms"] for o in ours)
    print("guarded upserts: %.0f rows/s, %.2f x pymongo's (bar >= %.2f); client CPU %.2f x (bar <= %.2f)"
          % (per_second, rate, RATE_BAR, cpu, CPU_BAR))
    if rate < RATE_BAR or cpu > CPU_BAR:
        raise SystemExit("a bar was missed")


if __name__ == "__main__":
    main()
