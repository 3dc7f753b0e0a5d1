"""What `ci/zig build bench-students` runs: the op students against pymongo, on the same messages and the same server.

    python3 students.py SLUICE [--messages 100000] [--students 1000] [--pairs 3] [--many 1000000]

Messages are archived first (nobody times that); then sluice makes and delivers the documents, and the rivals
(rivals/students.py) make and deliver theirs: one message after the other, and in bulk. Each run has a fresh server
(tests/db/mongo_server.py: TLS, SCRAM, loopback). The documents of sluice and of the bulk way are compared field by field.
Ends with an error when a bar is missed.
"""
import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta

WORDS = "שלום לכולם היום הייתי בשיעור תודה רבה ok thanks see you tomorrow".split()
PRACTICE, MESSAGE = ["תרגלתי", "תרגול", "practice"], ["שאלה", "הודעה", "question"]
HERE = os.path.dirname(os.path.abspath(__file__))
missed = []


def make(folder, messages, students):
    dice = random.Random(0)
    phones = ["97255%07d" % (6000000 + i) for i in range(students)]
    with open(folder + "/roster.csv", "w") as file:
        file.write("phone_number,name,current_lesson,teacher,last_practice\n")
        file.writelines(f"{phone},Student {i},{1 + i % 20},Teacher {i % 17},\n" for i, phone in enumerate(phones))
    db = sqlite3.connect(folder + "/messages.db")
    db.execute("CREATE TABLE messages(id INTEGER PRIMARY KEY, sender TEXT, text TEXT, timestamp TEXT, chat TEXT)")

    def rows():
        at = datetime(2024, 1, 1)
        for i in range(messages):
            phone, text, chance = dice.choice(phones), " ".join(dice.choices(WORDS, k=dice.randint(2, 12))), dice.random()
            text += " " + dice.choice(PRACTICE) if chance < 0.4 else " " + dice.choice(MESSAGE) if chance < 0.6 else ""
            yield i + 1, f"\u202a+{phone[:3]} {phone[3:5]}-{phone[5:8]}-{phone[8:]}\u202c", text, (at + timedelta(seconds=60 * i)).isoformat() + "Z", "School"

    db.executemany("INSERT INTO messages VALUES(?,?,?,?,?)", rows())
    db.commit()


CONFIG = """store: data
sources:
  group: {{kind: whatsapp-bridge, path: messages.db}}
  roster: {{kind: csv, path: roster.csv, reference: true, key: phone_number, settle: 0s}}
sinks:
  records: {sink}
pipelines:
  archive:
    source: group
    chats: [School]
    ops: [{{kind: filter, words: [nothing that anybody says]}}, {{kind: write, sink: records, target: nothing, key: "{{uid}}", set: {{text: "{{text}}"}}}}]
"""
STUDENTS = """  students:
    kind: students
    source: group
    chats: [School]
    practice_words: {practice}
    message_words: {message}
"""


def configure(folder, sink, students):
    with open(folder + "/sluice.yaml", "w") as file:
        file.write(CONFIG.format(sink=sink))
        if students:
            file.write(STUDENTS.format(practice=",".join(PRACTICE), message=",".join(MESSAGE)))


def measured(words, folder):
    """Wall and CPU seconds of a program that must end well."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{words}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return {"wall_s": took, "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "out": done.stdout}


class Mongo:
    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        self.server = subprocess.Popen([sys.executable, "tests/db/mongo_server.py", self.folder, "quick"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        port = None
        for line in self.server.stdout:
            words = line.split()
            port = words[1] if words[0] == "mongo" else port
            if words[0] in ("ready", "missing:"):
                break
        if port is None:
            raise SystemExit("the server did not start")
        return "mongodb://any:secret@localhost:%s/?authSource=admin&tls=true&tlsCAFile=%s/ca.crt" % (port, self.folder)  # invented

    def __exit__(self, *_):
        self.server.stdin.close()
        self.server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def bar(what, ours, theirs, ratio, limit, least):
    ok = ratio >= limit if least else ratio <= limit
    if not ok:
        missed.append(what)
    print(f"{what}: {ours} / {theirs}, {ratio:.2f} x, bar {'>=' if least else '<='} {limit}, {'ok' if ok else 'MISSED'}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    for name, value in (("--messages", 100000), ("--students", 1000), ("--pairs", 3), ("--many", 1000000)):
        parser.add_argument(name, type=int, default=value)
    given = parser.parse_args()
    given.sluice = os.path.abspath(given.sluice)
    path = subprocess.run(["ci/tool", "secantus"], capture_output=True, text=True).stdout.strip()
    if not path:
        raise SystemExit("bench-students needs the server of ci/tool secantus (CPython 3.11 on x86_64)")
    env = dict(os.environ, PYTHONPATH=path)
    rival = lambda *words: json.loads(subprocess.run([sys.executable, HERE + "/rivals/students.py", *words], env=env, capture_output=True,
                                                     text=True, check=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        compare(given, folder, rival)
    with tempfile.TemporaryDirectory() as folder:
        alone(given, folder)
    print(f"load {os.getloadavg()[0]:.1f}; {len(missed)} bars missed")
    sys.exit(1 if missed else 0)


def compare(given, folder, rival):
    make(folder, given.messages, given.students)
    configure(folder, "{kind: sqlite}", False)
    measured([given.sluice, "run"], folder)
    shutil.copytree(folder + "/data", folder + "/archived")
    ours, bulk, single = [], [], []
    for turn in range(given.pairs):
        for who in ("sluice", "bulk", "permsg") if turn % 2 == 0 else ("permsg", "bulk", "sluice"):
            with Mongo() as uri:
                if who == "sluice":
                    shutil.rmtree(folder + "/data")
                    shutil.copytree(folder + "/archived", folder + "/data")
                    os.environ["BENCH_URI"] = uri
                    configure(folder, "{kind: mongodb, uri: env:BENCH_URI, database: students_db}", True)
                    measured([given.sluice, "migrate"], folder)
                    ours.append(measured([given.sluice, "run"], folder))
                    again = measured([given.sluice, "run"], folder)
                    made = rival(uri, "documents")
                elif who == "bulk":
                    bulk.append(rival(uri, "bulk", folder))
                    expected = rival(uri, "documents")
                else:
                    single.append(rival(uri, "permsg", folder, "20"))
        if made != expected:
            different = [pair for pair in zip(made, expected) if pair[0] != pair[1]]
            raise SystemExit(f"{len(made)} and {len(expected)} documents, {len(different)} differ: {different[:1]}")
    middle = lambda runs, name: statistics.median(one[name] for one in runs)
    rate = given.messages / middle(ours, "wall_s")
    slow = statistics.median(one["messages"] / one["wall_s"] for one in single)
    print(f"{len(made)} documents of {given.messages} messages, equal field by field")
    bar("messages a second, to one message after the other", f"{rate:,.0f}", f"{slow:,.0f}", rate / slow, 30, True)
    bar("client CPU s, to the bulk way", f"{middle(ours, 'cpu_s'):.2f}", f"{middle(bulk, 'cpu_s'):.2f}",
        middle(ours, "cpu_s") / middle(bulk, "cpu_s"), 0.5, False)
    print(f"wall s: {middle(ours, 'wall_s'):.2f}, of the bulk way {middle(bulk, 'wall_s'):.2f}")
    bar("a run with nothing new, ms", f"{again['wall_s'] * 1000:.0f}", "100 and the network", again["wall_s"] * 10, 1, False)


def alone(given, folder):
    make(folder, given.many, given.students)
    configure(folder, "{kind: sqlite}", False)
    measured([given.sluice, "run"], folder)
    configure(folder, "{kind: sqlite}", True)
    dry = measured([given.sluice, "run", "--dry-run", "students"], folder)
    bar(f"{given.many:,} messages in memory (dry run), CPU s", f"{dry['cpu_s']:.2f}", "2", dry["cpu_s"] / 2, 1, False)
    serve = subprocess.Popen([given.sluice, "serve"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    serve.terminate()
    serve.wait(20)
    shutil.rmtree(folder + "/data")
    os.unlink(folder + "/messages.db")
    make(folder, 1000, given.students)
    measured([given.sluice, "run"], folder)
    serve = subprocess.Popen([given.sluice, "serve"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(6)
    with open(f"/proc/{serve.pid}/status") as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    serve.terminate()
    serve.wait(20)
    bar("idle, MB resident", f"{rss / 1024:.1f}", "16", rss / 1024 / 16, 1, False)


main()
