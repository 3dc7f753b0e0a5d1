"""postgres.py PRODUCT PROGRAM STAGE [--pairs N] [--rows N] [--only PART[,PART]]: the sink postgres against rivals and bars.

Prints a table and ends with 1 when a bar is missed or contents differ. A real server over verify-full; runs of
a rival and of sluice take turns, and medians are taken. CPU is that of the client's process.

Parts: upsert, drops, connect, read. docs/benchmarks.md explains them.
"""
import argparse
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import resource

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
PARTS = ["upsert", "drops", "connect", "read"]
COLUMNS = ["number", "who", "phone", "note", "amount", "total", "price", "done", "sent", "day", "list", "place"]
DROPS_MESSAGES = 20_000
DOCUMENTED_MESSAGES = 2_000
READ_ROWS = 1_000_000
CONNECTS = 100


class Bad(Exception):
    """A run that failed, or that did not do its work."""


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests/db/postgres_server.py"), folder], cwd=ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = None
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "missing:":
                raise Bad(line.strip())
            if word == "postgres":
                self.port = int(rest)
            if word == "ready":
                break
        if self.port is None:
            raise Bad("PostgreSQL did not start")
        self.ca = os.path.join(folder, "ca.crt")
        self.uri = "postgresql://app:secret@localhost:%d/appdb?sslmode=verify-full&sslrootcert=%s" % (self.port, self.ca)

    def end(self):
        self.process.stdin.close()
        self.process.wait(60)


def row(n, turn):
    """The same as make_body() of tests/bench/postgres.c."""
    return ("K%07d" % n, "דנה כהן %d" % (n % 5000), "0550%06d" % (n % 1000000),
            'line one\nround %d, "quoted" \\ {a,b}' % turn, n % 1000 + turn, n * 1000003, n % 777 + 0.25, n % 2 == 0,
            "2025-11-%02dT10:%02d:00.000Z" % (n % 28 + 1, n % 60), "2025-12-%02d" % (n % 28 + 1),
            '[%d,"א"]' % (n % 9), "street %d" % (n % 123))


def rival_upsert(uri, schema, rows, turn):
    """COPY into a temporary table and INSERT … SELECT … ON CONFLICT, in one transaction. In a process of its own."""
    import psycopg
    made = [row(n, turn) for n in range(rows)]
    names = ", ".join(COLUMNS)
    with psycopg.connect(uri) as connection:
        wall, usage = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        cursor = connection.cursor()
        cursor.execute('CREATE TEMP TABLE given ON COMMIT DROP AS SELECT %s FROM "%s".jobs WITH NO DATA' % (names, schema))
        with cursor.copy("COPY given (%s) FROM STDIN" % names) as copy:
            for one in made:
                copy.write_row(one)
        cursor.execute('INSERT INTO "%s".jobs (%s) SELECT %s FROM given ON CONFLICT (number) DO UPDATE SET %s' % (
            schema, names, names, ", ".join("%s = excluded.%s" % (c, c) for c in COLUMNS[1:])))
        connection.commit()
        wall, after = time.monotonic() - wall, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
    print(json.dumps({"rows": rows, "wall": wall, "cpu": cpu, "rss_mb": after.ru_maxrss / 1024}))


def answer(words, **options):
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Bad("%s: %s" % (os.path.basename(words[0]), (done.stderr or done.stdout).strip()[-300:]))
    return json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else {}


def execute(uri, sql):
    import psycopg
    with psycopg.connect(uri, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def content(uri, schema):
    return execute(uri, "SELECT md5(string_agg(md5((%s)::text), '' ORDER BY number COLLATE \"C\")) FROM \"%s\".jobs" % (
        ", ".join(COLUMNS), schema))


class Table:
    def __init__(self):
        self.missed = 0

    def line(self, what, ours, theirs="", ratio="", bar="", ok=None):
        self.missed += ok is False
        print("| %s | %s | %s | %s | %s | %s |" % (what, ours, theirs, ratio, bar, "" if ok is None else "ok" if ok else "MISSED"),
              flush=True)


def middle(runs, field):
    return statistics.median(run[field] for run in runs)


def upsert(table, server, program, options):
    rows = options.rows
    ours = {kind: {1: [], 2: []} for kind in ("plain", "copy", "effects", "absolute")}
    theirs = {1: [], 2: []}
    for pair in range(options.pairs):
        schemas = {name: "%s_%d" % (name, pair) for name in ("rival", *ours)}
        for schema in schemas.values():
            answer([program, server.uri, server.ca, schema, "migrate"])
        for turn in (1, 2):
            theirs[turn].append(answer([sys.executable, __file__, "rival", server.uri, schemas["rival"], str(rows), str(turn)]))
            wanted = content(server.uri, schemas["rival"])
            for kind, runs in ours.items():
                runs[turn].append(answer([program, server.uri, server.ca, schemas[kind], kind, str(rows), str(turn)]))
                if content(server.uri, schemas[kind]) != wanted:
                    raise Bad("the contents differ: %s, round %d" % (kind, turn))
        for schema in schemas.values():
            execute(server.uri, 'DROP SCHEMA "%s" CASCADE' % schema)
    for turn, what in ((1, "new"), (2, "changed")):
        for kind, name in (("plain", "UNNEST alone"), ("copy", "COPY alone"), ("effects", "sink, effects with ledger"), ("absolute", "sink, absolute with ledger")):
            runs = ours[kind][turn]
            speed, rival = rows / middle(runs, "wall"), rows / middle(theirs[turn], "wall")
            table.line("%s %s rows x 12 columns, %s, rows/s" % (format(rows, ","), what, name), format(round(speed), ","),
                       format(round(rival), ","), "%.2f x" % (speed / rival), ">= 0.9 x", speed / rival >= 0.9)
            cpu, rival = middle(runs, "cpu"), middle(theirs[turn], "cpu")
            table.line("the same, client CPU s", "%.2f" % cpu, "%.2f" % rival, "%.2f x" % (cpu / rival), "<= 0.5 x", cpu / rival <= 0.5)


def drops(table, server, product, stage, options):
    """sluice with config/drops.yaml over all messages; the documented loop over a part, by its speed."""
    ours, theirs = [], []
    for pair in range(options.pairs):
        folder = tempfile.mkdtemp(prefix="sluice-bench-")
        try:
            shutil.copy(os.path.join(ROOT, "config/drops.yaml"), os.path.join(folder, "sluice.yaml"))
            with open(os.path.join(folder, "projects.yaml"), "w", encoding="utf-8") as file:
                file.write("projects:\n" + "".join('  - {name: P%d, enabled: true, group_jid: "12036300000000%04d@g.us", description: x}\n' % (
                    i, i) for i in range(1, 5)))
            fields = "(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP, is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid))"
            for name, count in (("few.db", DOCUMENTED_MESSAGES), ("many.db", DROPS_MESSAGES)):
                path = os.path.join(folder, name)
                subprocess.run([stage, "exec", path, "CREATE TABLE messages" + fields], check=True)
                subprocess.run([stage, "fill", path, "1", str(count), "4"], check=True)
            environment = dict(os.environ, NEON_DATABASE_URL=server.uri, WHATSAPP_DB_PATH=os.path.join(folder, "many.db"))
            def sluice(*words):
                done = subprocess.run([product, *words], cwd=folder, env=environment, capture_output=True, text=True)
                if done.returncode != 0:
                    raise Bad("sluice %s: %s" % (words[0], done.stderr[-300:]))
            sluice("migrate")
            one = answer([sys.executable, os.path.join(HERE, "rivals/drop_postgres.py"), os.path.join(folder, "few.db"), server.uri, "4"])
            theirs.append({"speed": one["drops"] / one["wall"], "drops": one["drops"]})
            execute(server.uri, "TRUNCATE qa_photo_reviews")
            wall = time.monotonic()
            sluice("run")
            wall = time.monotonic() - wall
            number = execute(server.uri, "SELECT count(*) FROM sluice_effects")
            blocks = execute(server.uri, "SELECT sum((length(comment) - length(replace(comment, 'PHOTOS UPDATED', ''))) / 14) FROM qa_photo_reviews")
            rows = execute(server.uri, "SELECT count(*) FROM qa_photo_reviews")
            if rows + blocks != number or number < DROPS_MESSAGES // 50:
                raise Bad("%d rows and %d blocks of %d drops" % (rows, blocks, number))
            ours.append({"speed": number / wall})
            execute(server.uri, "DROP TABLE qa_photo_reviews; DROP TABLE sluice_effects CASCADE; DROP TABLE sluice_seq")
        finally:
            shutil.rmtree(folder)
    speed, rival = middle(ours, "speed"), middle(theirs, "speed")
    table.line("drops/s over TLS, the documented loop", format(round(speed), ","), format(round(rival), ","), "%.0f x" % (speed / rival),
               ">= 20 x", speed / rival >= 20)


def connect(table, server, program, options):
    """One authority against the machine's whole bundle with ours among them."""
    bundle = os.path.join(server.folder, "bundle-bench.crt")
    system = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    if not os.path.exists(system):
        system = "/etc/ssl/certs/ca-certificates.crt"
    with open(bundle, "w", encoding="ascii") as out:
        for path in (system, server.ca):
            with open(path, encoding="ascii", errors="replace") as file:
                out.write(file.read())
    count = sum("BEGIN CERTIFICATE" in line for line in open(bundle, encoding="ascii"))
    plain = "postgresql://app:secret@localhost:%d/appdb?sslmode=verify-full" % server.port
    one, many = [], []
    for _ in range(options.pairs + 2):
        one.append(answer([program, plain, server.ca, "public", "connect", str(CONNECTS)]))
        many.append(answer([program, plain, bundle, "public", "connect", str(CONNECTS)]))
    # Wall time waits for the server and for whoever else works on the machine; the bundle costs CPU.
    ours, theirs = 1000 * middle(many, "wall") / CONNECTS, 1000 * middle(one, "wall") / CONNECTS
    table.line("connect with %d authorities / with one, ms" % count, "%.2f" % ours, "%.2f" % theirs, "%.2f x" % (ours / theirs))
    ours, theirs = 1000 * middle(many, "cpu") / CONNECTS, 1000 * middle(one, "cpu") / CONNECTS
    table.line("the same, client CPU ms", "%.2f" % ours, "%.2f" % theirs, "%.2f x" % (ours / theirs), "<= 1.10 x", ours / theirs <= 1.10)


def read(table, server, program, _options):
    answer([program, server.uri, server.ca, "reading", "migrate"])
    execute(server.uri, """INSERT INTO reading.jobs(number, who, phone, note, amount, total, price, done, sent, day, list, place)
        SELECT 'K'||n, 'who '||n, '0550'||n, repeat('x', 50), n, n, n + 0.5, true, now(), now(), '[1]', 'street' FROM generate_series(1, %d) n"""
            % READ_ROWS)
    one = answer([program, server.uri, server.ca, "reading", "read"])
    if one["rows"] != READ_ROWS:
        raise Bad("%d rows were read" % one["rows"])
    table.line("reading %s rows, peak RSS MB" % format(READ_ROWS, ","), "%.1f" % one["rss_mb"], "", "", "<= 40", one["rss_mb"] <= 40)
    table.line("the same, rows/s", format(round(one["rows"] / one["wall"]), ","))


def main():
    if sys.argv[1:2] == ["rival"]:
        rival_upsert(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("product")
    parser.add_argument("program")
    parser.add_argument("stage")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="sluice-bench-server-")
    server = None
    table = Table()
    try:
        server = Server(folder)
        print("| | sluice | rival | ratio | bar | |\n|---|---|---|---|---|---|")
        wanted = options.only.split(",")
        if "upsert" in wanted:
            upsert(table, server, options.program, options)
        if "drops" in wanted:
            drops(table, server, options.product, options.stage, options)
        if "connect" in wanted:
            connect(table, server, options.program, options)
        if "read" in wanted:
            read(table, server, options.program, options)
    except Bad as bad:
        print("bench-postgres: %s" % bad, file=sys.stderr)
        return 1
    finally:
        if server is not None:
            server.end()
        shutil.rmtree(folder, ignore_errors=True)
    print("load %.1f; %d bars missed" % (os.getloadavg()[0], table.missed))
    return 1 if table.missed else 0


sys.exit(main())
