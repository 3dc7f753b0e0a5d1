"""engine.py PRODUCT INTAKE [--pairs N] [--only PART[,PART]]: speed and size against rivals and bars.

Prints a table and ends with 1 when a bar is missed or a result is wrong. What is compared runs in
turns (a rival, sluice, a rival, sluice, ...), and medians are taken; CPU is user and system time of
the whole process. Every run of sluice starts with an empty folder, and what it wrote is compared with
what the rival wrote: a run that did less work is an error and not a fast run.

Parts: drops, public, documented, postgres, intake, start, idle, latency, size. docs/benchmarks.md explains them.
"""
import argparse
import importlib.util
import json
import os
import platform
import select
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MESSAGES = 1_000_000
GROUPS = 20
DOCUMENTED_MESSAGES = 20_000
DOCUMENTED_POSTGRES = 4_000
LATENCY_MESSAGES = 20
STARTS = 7
PARTS = ["drops", "public", "documented", "postgres", "intake", "start", "idle", "latency", "size"]
BLOCKS = "(length(comment)-length(replace(comment,'PHOTOS UPDATED','')))/14"


class Bad(Exception):
    """A run that failed, or that did not do its work."""


class Usage:
    """What one process took."""

    def __init__(self, wall, cpu, rss_mb, out):
        self.wall, self.cpu, self.rss_mb, self.out = wall, cpu, rss_mb, out


def peak_kib(pid):
    """Peak of a live process; what wait4() says begins with the size of the process that forked."""
    return status_kib(pid, "VmHWM:")


def status_kib(pid, field):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:
            for line in lines:
                if line.startswith(field):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def measure(words, **options):
    """Run to the end; raises unless it ends with 0."""
    with open("out.txt", "w+b") as out:
        started = time.monotonic()
        child = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
        end = select.poll()
        handle = os.pidfd_open(child.pid)
        end.register(handle, select.POLLIN)
        peak = 0
        while not end.poll(20):
            peak = max(peak, peak_kib(child.pid))
        wall = time.monotonic() - started
        os.close(handle)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if child.returncode != 0:
        raise Bad(f"{' '.join(words)} ended with {child.returncode}:\n{text[-2000:]}")
    return Usage(wall, used.ru_utime + used.ru_stime, peak / 1024, text)


def query(path, sql):
    file = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return file.execute(sql).fetchall()
    finally:
        file.close()


class Desk:
    """A drops desk in a folder of its own."""

    def __init__(self, bench, bridge, groups=GROUPS, sink="kind: sqlite"):
        self.bench = bench
        self.folder = os.path.join(os.getcwd(), "desk")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        self.records = os.path.join(self.folder, "data", "records.db")
        self.store = os.path.join(self.folder, "data", "sluice.db")
        self.process = None
        with open(os.path.join(self.folder, "projects.yaml"), "w", encoding="utf-8") as file:
            file.write("projects:\n")
            for i in range(groups):
                file.write(f'  - name: "Project {i}"\n    enabled: true\n')
                file.write(f'    group_jid: "12036341829813033{i}@g.us"\n    description: made up\n')
        with open(os.path.join(self.folder, "sluice.yaml"), "w", encoding="utf-8") as file:
            file.write(
                "store: data\n"
                f"sources:\n  bridge:\n    kind: whatsapp-bridge\n    path: {json.dumps(bridge)}\n    poll: 15s\n"
                f"sinks:\n  records:\n    {sink}\n"
                "pipelines:\n  drops:\n    kind: drops\n    source: bridge\n    sink: records\n"
                "    projects: projects.yaml\n    schedule:\n      on: message\n"
            )

    def run(self, *before, **env):
        return measure([*before, self.bench.product, "run"], cwd=self.folder, env={**self.bench.env, **env})

    def migrate(self, **env):
        measure([self.bench.product, "migrate"], cwd=self.folder, env={**self.bench.env, **env})

    def serve(self):
        with open(os.path.join(self.folder, "serve.log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.bench.product, "serve"], cwd=self.folder, env=self.bench.env, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(20)
            self.process = None
            if code != 0:
                raise Bad(f"serve ended with {code}")

    def drop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def await_sql(self, path, sql, value, seconds):
        """Until `sql` gives `value`; when that was."""
        end = time.monotonic() + seconds
        file = None
        while time.monotonic() < end:
            try:
                file = file or sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
                if file.execute(sql).fetchone()[0] == value:
                    file.close()
                    return time.monotonic()
            except sqlite3.OperationalError:  # Not made yet.
                file = None
            if self.process.poll() is not None:
                raise Bad(f"serve ended with {self.process.returncode}")
            time.sleep(0.001)
        raise Bad(f"{sql} did not become {value} in {seconds} s")


class Bench:
    def __init__(self, arguments):
        self.product = os.path.abspath(arguments.product)
        self.intake = os.path.abspath(arguments.intake)
        self.pairs = arguments.pairs
        self.rows = []
        self.notes = []
        self.bad = 0
        self.env = {"PATH": os.environ.get("PATH", ""), "HOME": os.getcwd(), "TZ": "UTC"}

    def row(self, what, figure, rival="", ratio="", bar="", ok=None):
        verdict = "" if ok is None else "ok" if ok else "MISSED"
        self.bad += ok is False
        self.rows.append((what, figure, rival, ratio, bar, verdict))
        print(f"  {what}: {figure} {rival and '/ ' + rival} {ratio} {bar} {verdict}".rstrip(), flush=True)

    def data(self, messages, schema):
        """A bridge's file of made-up messages, kept in the cache."""
        path = os.path.join(os.getcwd(), f"bridge-{schema}-{messages}.db")
        if not os.path.exists(path):
            print(f"  making {messages} messages ({schema})", flush=True)
            part = path + ".part"
            measure([sys.executable, f"{HERE}/rivals/gen_bridge.py", part, str(messages), str(GROUPS), schema])
            os.rename(part, path)
        return path

    def rival(self, name, bridge, sink):
        for suffix in ("", "-wal", "-shm", ".log"):
            if "://" not in sink and os.path.exists(sink + suffix):
                os.unlink(sink + suffix)
        return measure([sys.executable, f"{HERE}/rivals/{name}.py", bridge, sink, str(GROUPS)])


def same_work(desk, sink, messages):
    """Raises unless the archive is whole and every review is the rival's."""
    archived = query(desk.store, "SELECT count(*), count(DISTINCT id) FROM archive")[0]
    if archived != (messages, messages):
        raise Bad(f"the archive has {archived[0]} messages instead of {messages}")
    columns = f"drop_number, project, user_name, coalesce(resubmitted, 0), {BLOCKS}"
    ours = query(desk.records, f"SELECT {columns} FROM qa_photo_reviews ORDER BY drop_number")
    theirs = query(sink, f"SELECT {columns} FROM drops ORDER BY drop_number")
    if ours != theirs:
        raise Bad(f"{len(ours)} reviews of sluice are not the {len(theirs)} of the rival")
    if query(desk.store, "SELECT count(*) FROM outbox")[0][0] != 0:
        raise Bad("records wait in the outbox")
    return len(ours), sum(row[4] for row in ours)


def spread(values):
    return f"{min(values):.2f}-{max(values):.2f}"


def compare(bench, schema, title, bar):
    bridge = bench.data(MESSAGES, schema)
    sink = os.path.join(os.getcwd(), "rival.db")
    ours, theirs = [], []
    for i in range(bench.pairs):
        theirs.append(bench.rival("drop_good", bridge, sink))
        desk = Desk(bench, bridge)
        ours.append(desk.run())
        rows, blocks = same_work(desk, sink, MESSAGES)
        if i == 0:
            bench.notes.append(f"{title}: {rows} reviews and {blocks} resubmissions, each equal to the rival's")
        desk.drop()
    cpu, rival_cpu = (statistics.median(u.cpu for u in runs) for runs in (ours, theirs))
    wall, rival_wall = (statistics.median(u.wall for u in runs) for runs in (ours, theirs))
    ratio = cpu / rival_cpu
    ok = None if bar is None else ratio <= bar
    bench.row(f"{title}, CPU s", f"{cpu:.2f}", f"{rival_cpu:.2f}", f"{ratio:.2f} x", f"<= {bar} x" if bar else "", ok)
    ratios = [a.cpu / b.cpu for a, b in zip(ours, theirs)]
    bench.notes.append(
        f"{title}: CPU s of sluice {spread([u.cpu for u in ours])}, of the rival {spread([u.cpu for u in theirs])}, "
        f"ratio of the pairs {spread(ratios)}"
    )
    bench.row(f"{title}, wall s", f"{wall:.2f}", f"{rival_wall:.2f}", f"{wall / rival_wall:.2f} x")
    rss, rival_rss = (statistics.median(u.rss_mb for u in runs) for runs in (ours, theirs))
    bench.row(f"{title}, peak RSS MB", f"{rss:.0f}", f"{rival_rss:.0f}", f"{rss / rival_rss:.2f} x")


def count_syncs(bench):
    """How often a run of all messages waits for the disk, by strace where there is one."""
    if shutil.which("strace") is None:
        bench.notes.append("strace is not installed: the waits for the disk were not counted")
        return
    desk = Desk(bench, bench.data(MESSAGES, "simple"))
    trace = os.path.join(os.getcwd(), "trace.txt")
    try:
        desk.run("strace", "-f", "-y", "-e", "trace=fdatasync,fsync", "-o", trace)
    except Bad:
        bench.notes.append("strace may not trace here: the waits for the disk were not counted")
        return
    finally:
        desk.drop()
    with open(trace, encoding="utf-8", errors="replace") as lines:
        names = [line for line in lines if "sync(" in line]
    os.unlink(trace)
    parts = [(name, sum(f"/{name}>" in line for line in names)) for name in ("sluice.db", "sluice.db-wal", "records.db", "records.db-wal")]
    if dict(parts)["sluice.db-wal"] == 0 or dict(parts)["records.db-wal"] == 0:
        raise Bad("a log was never synced")
    bench.notes.append("waits for the disk in one run: " + ", ".join(f"{name} {count}" for name, count in parts))


def part_drops(bench):
    compare(bench, "simple", "1 M messages to review rows", 1.25)
    count_syncs(bench)


def part_public(bench):
    compare(bench, "public", "same, text ids (3EB0...)", None)


def sync_ms():
    """What waiting for this disk costs: the median of single pages, written and synced."""
    times = []
    with open("sync.probe", "wb", buffering=0) as file:
        for _ in range(200):
            file.write(os.urandom(4096))
            begin = time.perf_counter()
            os.fsync(file.fileno())
            times.append(1000 * (time.perf_counter() - begin))
    os.unlink("sync.probe")
    return statistics.median(times)


def documented_rate(bench, bridge, messages, sink):
    """Messages a second of the loop."""
    seen = json.loads(bench.rival("drop_documented", bridge, sink).out.splitlines()[-1])
    if seen["seen"] != messages or seen["drops"] != messages // 20:
        raise Bad(f"the documented loop saw {seen['seen']} messages and {seen['drops']} drops")
    return seen["seen"] / seen["wall"]


def row_documented(bench, what, rates, rival_rates):
    rate, rival = statistics.median(rates), statistics.median(rival_rates)
    title = f"messages a second (wall), documented loop, {what}"
    bench.row(title, f"{rate:,.0f}", f"{rival:,.0f}", f"{rate / rival:.0f} x", ">= 100 x", rate >= 100 * rival)
    ratios = [ours / theirs for ours, theirs in zip(rates, rival_rates)]
    bench.notes.append(f"documented loop, {what}: ratio of the pairs {min(ratios):.0f}-{max(ratios):.0f}")


def part_documented(bench):
    """On a SQLite file: a connection to look, a connection and a commit to write, for each drop."""
    small, bridge = bench.data(DOCUMENTED_MESSAGES, "simple"), bench.data(MESSAGES, "simple")
    sink = os.path.join(os.getcwd(), "documented.db")
    rates, rival_rates, syncs = [], [], []
    for _ in range(bench.pairs):
        syncs.append(sync_ms())
        rival_rates.append(documented_rate(bench, small, DOCUMENTED_MESSAGES, sink))
        desk = Desk(bench, bridge)
        rates.append(MESSAGES / desk.run().wall)
        desk.drop()
    row_documented(bench, "SQLite", rates, rival_rates)
    bench.row("a sync of this disk, ms", "", f"{statistics.median(syncs):.2f}", "", "")


class Postgres:
    """A server of the tests: TLS for the user app, none for the user plain; it does not wait for its disk."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-bench-server-")
        program = os.path.join(HERE, "..", "db", "postgres_server.py")
        self.process = subprocess.Popen([sys.executable, program, self.folder], cwd=os.path.join(HERE, "..", ".."),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = self.why = None
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            self.port = int(rest) if word == "postgres" else self.port
            self.why = line.strip() if word == "missing:" else self.why
            if word in ("ready", "missing:"):
                break

    def uri(self, user, mode):
        rest = f"&sslrootcert={self.folder}/ca.crt" if mode == "verify-full" else ""
        return f"postgresql://{user}:secret@localhost:{self.port}/appdb?sslmode={mode}{rest}"  # invented

    def sql(self, text):
        self.process.stdin.write(f"sql {text}\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != "ok":
            raise Bad(f"the server refused: {text}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def postgres_pair(bench, server, user, uri):
    """(messages a second of sluice, of the loop), both into tables that sluice made."""
    small, bridge = bench.data(DOCUMENTED_POSTGRES, "simple"), bench.data(MESSAGES, "simple")
    desk = Desk(bench, bridge, sink="kind: postgres\n    uri: env:DESK_URI")
    desk.migrate(DESK_URI=uri)
    rival = documented_rate(bench, small, DOCUMENTED_POSTGRES, uri)
    server.sql("TRUNCATE qa_photo_reviews")
    rate = MESSAGES / desk.run(DESK_URI=uri).wall
    if query(desk.store, "SELECT count(*) FROM outbox")[0][0] != 0:
        raise Bad("records wait in the outbox")
    delivered = query(desk.store, "SELECT sum(records), sum(delivered) FROM run")[0]
    if delivered != (MESSAGES // 20, MESSAGES // 20):
        raise Bad(f"{delivered[1]} of {delivered[0]} records were delivered")
    desk.drop()
    server.sql(f"DROP OWNED BY {user}; GRANT ALL ON SCHEMA public TO app, plain")
    return rate, rival


def part_postgres(bench):
    """On PostgreSQL, as the document has it; sluice writes to the same server."""
    if importlib.util.find_spec("psycopg2") is None:
        bench.notes.append("psycopg2 cannot be had here: the documented loop on PostgreSQL was not measured")
        return
    server = Postgres()
    try:
        if server.port is None:
            bench.notes.append(f"the documented loop on PostgreSQL was not measured: {server.why}")
            return
        server.sql("GRANT ALL ON SCHEMA public TO app, plain")
        ways = (("PostgreSQL over TLS", "app", "verify-full"), ("PostgreSQL without TLS", "plain", "disable"))
        pairs = {what: [] for what, _, _ in ways}
        for _ in range(min(bench.pairs, 3)):
            for what, user, mode in ways:
                pairs[what].append(postgres_pair(bench, server, user, server.uri(user, mode)))
        for what, runs in pairs.items():
            row_documented(bench, what, [a for a, _ in runs], [b for _, b in runs])
    finally:
        server.end()


def part_intake(bench):
    folder = os.path.join(os.getcwd(), "intake")
    for kind, bar in (("numbers", 500_000), ("texts", None)):
        runs = []
        for _ in range(min(bench.pairs, 5)):
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            search = ["search"] if kind == "numbers" else []
            runs.append(json.loads(measure([bench.intake, folder, kind, str(MESSAGES), *search]).out))
        shutil.rmtree(folder, ignore_errors=True)
        rate = statistics.median(r["messages"] / r["cpu"] for r in runs)
        name = {"numbers": "archive intake, numeric ids", "texts": "archive intake, text ids"}[kind]
        bench.row(f"{name}, messages a CPU s", f"{rate:,.0f}", "", "", f">= {bar:,}" if bar else "", rate >= bar if bar else None)
        if kind == "numbers":
            fill = statistics.median(r["messages"] / r["search_cpu"] for r in runs)
            bench.row("search index filled behind, messages a CPU s", f"{fill:,.0f}")


def first_sweep_ms(desk):
    """From fork to the end of the first look at the bridge, by the store's own record of it."""
    begin = time.time()
    desk.serve()
    desk.await_sql(desk.store, f"SELECT count(*) FROM sweep WHERE good_ms >= {int(begin * 1000)}", 1, 20)
    return query(desk.store, "SELECT good_ms FROM sweep")[0][0] - begin * 1000


def part_start(bench):
    bridge = bench.data(1000, "public")
    fresh, again = [], []
    for _ in range(STARTS):
        desk = Desk(bench, bridge)
        for times in (fresh, again):
            times.append(first_sweep_ms(desk))
            desk.stop()
        desk.drop()
    for name, times in (("new folder", fresh), ("folder with a store", again)):
        middle = statistics.median(times)
        bench.row(f"start to the end of the first look, {name}, ms", f"{middle:.0f}", "", "", "<= 100", middle <= 100)
        bench.notes.append(f"start, {name}: {min(times):.0f}-{max(times):.0f} ms")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def await_idle(pid, seconds):
    """Until five seconds take less than 0.1 s of CPU."""
    end = time.monotonic() + seconds
    before = cpu_ticks(pid)
    while time.monotonic() < end:
        time.sleep(5)
        now = cpu_ticks(pid)
        if now - before < os.sysconf("SC_CLK_TCK") / 10:
            return
        before = now
    raise Bad(f"serve was still busy after {seconds} s")


def part_idle(bench):
    desk = Desk(bench, bench.data(1000, "public"))
    desk.serve()
    time.sleep(5)
    rss = status_kib(desk.process.pid, "VmRSS:") / 1024
    bench.row("idle RSS after 5 s, MB", f"{rss:.1f}", "", "", "<= 10", rss <= 10)
    desk.stop()
    desk.drop()
    desk = Desk(bench, bench.data(MESSAGES, "simple"))
    desk.serve()
    try:
        desk.await_sql(desk.store, "SELECT max(id) FROM archive", MESSAGES, 120)
        await_idle(desk.process.pid, 300)
        time.sleep(12)
        peak = status_kib(desk.process.pid, "VmHWM:") / 1024
        rss = status_kib(desk.process.pid, "VmRSS:") / 1024
        bench.row("idle RSS after 1 M messages and indexing, MB", f"{rss:.1f}")
        bench.notes.append(f"serve peaked at {peak:.0f} MB while it took 1 M messages in")
        desk.stop()
    finally:
        desk.drop()


def part_latency(bench):
    bridge = os.path.join(os.getcwd(), "live.db")
    shutil.copyfile(bench.data(1000, "public"), bridge)
    writer = sqlite3.connect(bridge, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    desk = Desk(bench, bridge)
    desk.serve()
    desk.await_sql(desk.store, "SELECT count(*) FROM sweep", 1, 20)
    time.sleep(2)
    times = []
    try:
        for i in range(LATENCY_MESSAGES):
            number = f"DR9{i:07d}"
            writer.execute(
                "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me) VALUES(?,?,?,?,?,0)",
                (f"LIVE{i}", "120363418298130330@g.us", "Sipho", f"{number} is done", "2025-11-28 10:00:00+02:00"),
            )
            committed = time.monotonic()
            seen = desk.await_sql(
                desk.records, f"SELECT count(*) FROM qa_photo_reviews WHERE drop_number='{number}'", 1, 20
            )
            times.append((seen - committed) * 1000)
            time.sleep(0.05 + 0.037 * (i % 7))  # Not in step with the looks.
        desk.stop()
    finally:
        writer.close()
        desk.drop()
    middle = statistics.median(times)
    bench.row("bridge's commit to the row's commit, ms", f"{middle:.0f}", "", "", "< 1000", middle < 1000)
    bench.notes.append(f"latency: {min(times):.0f}-{max(times):.0f} ms")


def part_size(bench):
    size = os.path.getsize(bench.product) / 1e6
    bench.row("stripped binary, MB", f"{size:.2f}", "", "", "<= 5", size <= 5)


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith(("model name", "CPU part")):
                model = line.split(":", 1)[1].strip()
                break
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model}, {platform.machine()}, load {load:.1f}, Python {platform.python_version()}"


def table(bench):
    head = ("what", "sluice", "rival", "ratio", "bar", "")
    rows = [head, *bench.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    print()
    for row in rows:
        print("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip())
    print()
    for note in bench.notes:
        print(note)
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}, medians of {bench.pairs} runs in turns")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("product")
    parser.add_argument("intake")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", default=",".join(PARTS))
    arguments = parser.parse_args()
    bench = Bench(arguments)
    folder = os.path.join(os.environ["SLUICE_CACHE"], "bench")
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    for part in arguments.only.split(","):
        try:
            globals()[f"part_{part}"](bench)
        except (Bad, sqlite3.Error) as error:
            bench.bad += 1
            bench.rows.append((part, "FAILED", "", "", "", "MISSED"))
            print(f"FAILED {part}: {error}", flush=True)
    table(bench)
    sys.exit(1 if bench.bad else 0)


main()
