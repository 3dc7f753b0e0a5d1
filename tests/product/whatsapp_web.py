"""WhatsApp Web read by the product: the look-alike (tests/wa-sim) in a real Chromium, the truth asked of the look-alike.

    python3 whatsapp_web.py FOLDER CASE...        SLUICE names the binary

Prints "ok CASE: what was seen" or "bad CASE: why"; "missing: why" when the machine has no browser. Ends with 1 when
a case was bad. Everything that it starts listens on 127.0.0.1 and ends with it.
"""
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SLUICE = os.environ["SLUICE"]
GROUP = "תלמידים"


class Bad(Exception):
    pass


class Server:
    """A program that prints its ports and "ready", and ends when its standard input does."""

    def __init__(self, words, folder):
        os.makedirs(folder, exist_ok=True)
        self.process = subprocess.Popen(words, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports, self.missing = {}, None
        for line in self.process.stdout:
            if line.strip() == "ready":
                break
            if line.startswith("missing:"):
                self.missing = line.strip()
            name, _, port = line.strip().partition(" ")
            if port.isdigit():
                self.ports[name] = int(port)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise Bad(f"{line}: {answer}")

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class World:
    def __init__(self, folder, grid=False):
        self.folder = folder
        words = [sys.executable, "tests/net/browser_server.py", os.path.join(folder, "browser")]
        self.browser = Server(words + (["grid"] if grid else []), os.path.join(folder, "browser"))
        self.page = Server([sys.executable, "tests/wa-sim/server.py", os.path.join(folder, "sim")], os.path.join(folder, "sim"))
        if self.browser.missing:
            print(self.browser.missing, flush=True)
            self.stop()
            sys.exit(77)
        self.driver = self.browser.ports.get("grid") or self.browser.ports["driver"]
        self.wa = self.page.ports["wa"]
        self.number = 0

    def stop(self):
        self.browser.stop()
        self.page.stop()

    # ---- The look-alike ----

    def ctl(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.wa}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def scenario(self, **more):
        made = {"seed": 7, "now": "2026-09-03T11:05:00Z", "paired": True, "fill": 60, "profile": "C", "locale": "he",
                "zone": "Asia/Jerusalem", "batch_size": [45, 60],
                "delays": {"blank": 10, "splash": 20, "chats": 20, "batch": [0, 20], "open": 10, "search": 20,
                           "hydrate": [2, 10]},
                "chats": [{"title": GROUP, "count": 300}]}
        made.update(more)
        self.ctl("PUT", "/ctl/scenario", made)

    def truth(self, chat=GROUP):
        return self.ctl("GET", "/ctl/truth?" + urllib.parse.urlencode({"chat": chat, "zone": "Asia/Jerusalem"}))

    def verdict(self, chats=(GROUP,), pace_ms=0):
        told = self.ctl("POST", "/ctl/verdict", {"chats": list(chats), "older": False, "takeover": False})
        if not told["read_only"]:
            raise Bad(f"it was not only read: {json.dumps(told['violations'], ensure_ascii=False)[:600]}")
        last, top = -1e9, 0
        for entry in self.ctl("GET", "/ctl/journal?type=scroll"):
            if entry["where"] != "messages" or entry.get("own"):
                continue  # The page holds its place by itself when rows come.
            if entry["top"] < top and 30 < entry["at"] - last < pace_ms:  # By the page's clock: the server hears later.
                raise Bad(f"two steps up within {entry['at'] - last} ms")
            last, top = entry["at"] if entry["top"] < top else last, entry["top"]

    # ---- The product ----

    def desk(self, chats=(GROUP,), **options):
        self.number += 1
        self.data = os.path.join(self.folder, f"desk{self.number}")
        os.makedirs(self.data)
        source = {"kind": "whatsapp-web", "webdriver": f"http://127.0.0.1:{self.driver}",
                  "page": f"http://127.0.0.1:{self.wa}/", "profile": os.path.join(self.data, "profile"), "headless": True,
                  "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                           "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
                  "lookback": "3650d", "zone": "Asia/Jerusalem", "pace": "0s", "poll": "1s"}
        if os.environ.get("CHROMIUM"):
            source["binary"] = os.environ["CHROMIUM"]
        source.update(options)
        pipeline = {"source": "web", "chats": list(chats) if chats != "all" else "all",
                    "ops": [{"kind": "write", "sink": "records", "target": "rows", "key": "{uid}",
                             "set": {"text": "{text}"}}]}
        with open(os.path.join(self.data, "sluice.yaml"), "w") as file:  # JSON is YAML.
            json.dump({"store": "data", "sources": {"web": source}, "sinks": {"records": {"kind": "sqlite"}},
                       "pipelines": {"copy": pipeline}}, file, ensure_ascii=False, indent=1)

    def sluice(self, *words, fine=(0,), wait=110, quiet=False):
        done = subprocess.run([SLUICE, *words], cwd=self.data, capture_output=True, text=True, timeout=wait)
        with open(os.path.join(self.data, "log"), "a") as file:
            file.write(f"$ sluice {' '.join(words)}\n{'' if quiet else done.stdout}{done.stderr}")
        if fine and done.returncode not in fine:
            raise Bad(f"sluice {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-900:]}")
        return done

    def begin(self, *words):
        log = open(os.path.join(self.data, "log"), "a")
        return subprocess.Popen([SLUICE, *words], cwd=self.data, stdout=log, stderr=log)

    def log(self):
        with open(os.path.join(self.data, "log")) as file:
            return file.read()

    def archive(self):
        """All rows, oldest first, with every revision."""
        done = self.sluice("export", "messages", "--revisions", "--json", quiet=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    folder, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    os.makedirs(folder, exist_ok=True)
    world = World(folder, grid=names[:1] == ["grid"])
    bad = False
    try:
        for name in names:
            began = time.monotonic()
            try:
                seen = CASES[name](world)
                print(f"ok {name}: {seen or 'as it should be'} ({time.monotonic() - began:.1f} s)", flush=True)
            except (Bad, subprocess.TimeoutExpired) as why:
                print(f"bad {name}: {why} ({time.monotonic() - began:.1f} s)", flush=True)
                bad = True
    finally:
        world.stop()
    sys.exit(1 if bad else 0)


# ---- Judging ----

def utc_minute(row):
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(row["epoch"]))


def expected(row):
    """What an archive that is the truth says of a message."""
    gone = row["kind"] in ("deleted", "waiting")
    media = [one["sha256"] for one in row["media"] or []] if row["kind"] in ("image", "image_caption", "album", "sticker") else []
    return {"id": row["id"], "kind": row["kind"], "text": "" if gone else row["text"], "sent": utc_minute(row), "files": media,
            "direction": "out" if row["from_me"] else "in", "sender": ""}


def kept(row):
    files = row.get("attachments") or []
    return {"id": row["id"] if isinstance(row["id"], str) else row["external_id"], "text": row["text"] or "",
            "sent": row["sent_at"][:16], "files": [one["sha256"] for one in files], "direction": row["direction"]}


def is_the_truth(world, chat=GROUP, chats=None, revisions=0):
    """Every message of the chat, once, in the page's order, as it is."""
    truth = [expected(row) for row in world.truth(chat) if row["kind"] not in ("system", "call")]
    rows = [row for row in world.archive() if row["chat"] == chat]
    latest, order = {}, []
    for row in rows:
        if row["external_id"] not in latest:
            order.append(row["external_id"])
        latest[row["external_id"]] = row
    more = len(rows) - len(order)
    if more > revisions:
        raise Bad(f"{more} revisions of messages of which {revisions} changed")
    missing = [(one["id"], one["kind"]) for one in truth if one["id"] not in latest]
    extra = set(order) - {one["id"] for one in truth}
    if missing or extra:
        raise Bad(f"{len(missing)} of {len(truth)} messages are missing ({missing[:3]}), {len(extra)} too many")
    for one in truth:
        have = kept(latest[one["id"]])
        wrong = [name for name in ("text", "sent", "files", "direction") if have[name] != one[name]]
        if wrong:
            raise Bad(f"{one['id']} ({one['kind']}): {wrong[0]} is {have[wrong[0]]!r} and should be {one[wrong[0]]!r}")
    return [one["id"] for one in truth] == order, len(truth)


def told(world, verb, *words):
    """What a verb prints with --json, when its schema says so, too."""
    text = world.sluice(verb, *words, "--json").stdout
    path = os.path.join(world.data, "told.json")
    with open(path, "w") as file:
        file.write(text)
    schema = os.path.join(REPO, "docs/reference/json", verb + ".schema.json")
    done = subprocess.run([sys.executable, os.path.join(REPO, "tests/product/schema.py"), schema, path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Bad(f"{verb} --json is not as its schema says: {done.stdout[-300:]}")
    return json.loads(text)


def gaps(world):
    return told(world, "gaps")


def no_gaps(world):
    if gaps(world):
        raise Bad(f"gaps are left: {gaps(world)}")


# ---- Cases ----

def generations(world):
    """A, B, C and rows of all three: the same archive, byte for byte, but for numbers and times of arrival."""
    archives = {}
    for profile in ("A", "B", "C", "rolling"):
        world.scenario(profile=profile, chats=[{"title": GROUP, "count": 400}])
        world.desk()
        world.sluice("run")
        ordered, count = is_the_truth(world)
        if not ordered:
            raise Bad(f"{profile}: the order is not the page's")
        world.verdict()
        if '"members"' not in json.dumps(world.archive()[-1]).replace("\\", ""):
            raise Bad(f"{profile}: nobody says who is in the group: {world.archive()[-1]}")
        archives[profile] = "\n".join(json.dumps({k: v for k, v in row.items() if k not in ("id", "archived_at")},
                                                 ensure_ascii=False) for row in world.archive())
    for profile, text in archives.items():
        if text != archives["C"]:
            mine, other = text.splitlines(), archives["C"].splitlines()
            at = next((i for i, pair in enumerate(zip(mine, other)) if pair[0] != pair[1]), "the end")
            raise Bad(f"{profile} differs from C at {at}: {mine[at][:300]} and {other[at][:300]}")
    return f"{count} messages in four generations"


def changes(world):
    """The page is of another generation in the middle of a reading, with messages that arrive meanwhile."""
    world.scenario(profile="A", chats=[{"title": GROUP, "count": 700}],
                   triggers=[{"on": "batch", "chat": GROUP, "n": 4, "do": [["POST", "/ctl/message", {"chat": GROUP, "burst": 5}]]}])
    world.desk(steps=8)
    world.sluice("run")
    world.ctl("POST", "/ctl/change", {"profile": "B"})
    world.ctl("POST", "/ctl/message", {"op": "add", "chat": GROUP, "text": "after B"})
    for _ in range(3):
        world.sluice("run")
    world.ctl("POST", "/ctl/change", {"profile": "C"})
    world.ctl("POST", "/ctl/message", {"op": "add", "chat": GROUP, "text": "after C"})
    for _ in range(2):
        world.sluice("run")
    no_gaps(world)
    _, count = is_the_truth(world)
    world.verdict()
    return f"{count} messages, nothing twice"


def scroll(world):
    """The page becomes another generation between two steps of one scroll: nothing twice, nothing lost."""
    change = ["POST", "/ctl/change", {"profile": "B"}]
    world.scenario(profile="A", chats=[{"title": GROUP, "count": 700}], triggers=[{"on": "batch", "chat": GROUP, "n": 5, "do": [change]}])
    world.desk()
    world.sluice("run", fine=(0, 2))
    world.sluice("run")
    no_gaps(world)
    _, count = is_the_truth(world)
    if world.ctl("GET", "/ctl/state")["profile"] != "B":
        raise Bad("the page did not change")
    world.verdict()
    return f"{count} messages"


def unknown(world):
    """A page that nobody knows: nothing is written, and it is said."""
    world.scenario(profile="X")
    world.desk(cold_boot="6s", warm_boot="6s")
    done = world.sluice("run", fine=(1, 2, 69, 75), wait=60)
    if world.archive():
        raise Bad("something was written")
    return done.stderr.strip().splitlines()[-1][-160:]


def kills(world):
    """5,000 messages; whoever takes part is killed at random moments; then the archive is the truth."""
    dice = random.Random(5)
    world.scenario(profile="B", chats=[{"title": GROUP, "count": 5000, "kinds": {"text": 90, "quoted": 4, "image": 1}}],
                   batch_size=[60, 60],
                   triggers=[{"on": "batch", "chat": GROUP, "n": 20, "do": [["POST", "/ctl/message", {"chat": GROUP, "burst": 3}]]}])
    world.desk()
    killed = []
    for victim in ("sluice", "browser", "driver"):
        run = world.begin("run")
        time.sleep(dice.uniform(4, 9))
        if run.poll() is None:
            killed.append(victim)
            if victim == "sluice":
                run.send_signal(signal.SIGKILL)
                run.wait()
                continue
            world.browser.ask("kill-browser" if victim == "browser" else "restart")
            time.sleep(dice.uniform(0.5, 2))
        if run.poll() is None:  # It goes on by itself; the next one is killed, too.
            run.send_signal(signal.SIGKILL)
        run.wait()
    began = time.monotonic()
    world.sluice("run", fine=(0, 2))
    took = time.monotonic() - began
    world.sluice("run")
    no_gaps(world)
    ordered, count = is_the_truth(world)
    world.verdict()
    return f"{count} messages; killed: {', '.join(killed)}; the last run took {took:.0f} s"


def limits(world):
    """What the limits leave out is a gap, which `gaps` lists and `backfill` closes; the pace is kept."""
    world.scenario(profile="C", chats=[{"title": GROUP, "count": 900}])
    world.desk(steps=3, pace="120ms", lookback="3650d", media=False)
    world.sluice("run")
    left = gaps(world)
    if len(left) != 1 or left[0]["why"] != "steps" or left[0]["chat"] != GROUP:
        raise Bad(f"the gap is not told: {left}")
    world.verdict(pace_ms=100)
    had = len(world.archive())
    if "limit of steps" not in world.sluice("gaps").stdout:
        raise Bad("the reason is not told in words")
    world.sluice("backfill", "web", "nobody", fine=(64,))
    filled = told(world, "backfill", "web", GROUP)
    if filled["messages"] < 100 or filled["partial"]:
        raise Bad(f"the backfill brought {filled}")
    world.sluice("run")
    no_gaps(world)
    count = len({row["external_id"] for row in world.archive()})
    truth = sum(row["kind"] not in ("system", "call") for row in world.truth())
    if count != truth or len(world.archive()) != truth:
        raise Bad(f"{count} of {truth} messages, in {len(world.archive())} rows")
    world.verdict(pace_ms=100)
    return f"{had} messages at first, {count} after the backfill"


def several(world):
    """Only configured chats are opened; edits and deletions are revisions; one chat's trouble is its own."""
    chats = [{"title": GROUP, "count": 80}, {"title": "Lessons", "count": 60}, {"title": "Lessons Team", "count": 60},
             {"title": "twice", "count": 5}, {"title": "twice", "count": 6}]
    world.scenario(chats=chats)
    world.desk(chats=[GROUP, "Lessons", "Lesons", "twice"], revisit="1ms")
    done = world.sluice("run", fine=(2,))
    for word in ('Lesons', 'Lessons', "1 more"):
        if word not in done.stderr:
            raise Bad(f"{word} is not said: {done.stderr[-500:]}")
    world.ctl("POST", "/ctl/message", {"op": "add", "chat": GROUP, "text": "new"})
    rows = [row for row in world.truth() if row["kind"] == "text"]
    world.ctl("POST", "/ctl/message", {"op": "edit", "chat": GROUP, "id": rows[-2]["id"], "text": "edited"})
    world.ctl("POST", "/ctl/message", {"op": "delete", "chat": GROUP, "id": rows[-3]["id"]})
    world.sluice("run", fine=(2,))
    is_the_truth(world, revisions=2)
    is_the_truth(world, chat="Lessons")
    seen = {row["chat"] for row in world.archive()}
    if seen != {GROUP, "Lessons"}:
        raise Bad(f"chats in the archive: {seen}")
    world.verdict(chats=[GROUP, "Lessons"])
    return "an edit and a deletion, two chats that cannot be read, two that are"


def everything(world):
    """`chats: all`: each chat with messages inside the lookback."""
    chats = [{"title": f"chat {i}", "count": 12 + i} for i in range(5)]
    world.scenario(now="real", chats=chats + [{"title": "old", "count": 9, "last": "2020-01-01T10:00:00Z"}], fill=0)
    world.desk(chats="all", lookback="30d")
    world.sluice("run")
    for chat in chats:
        is_the_truth(world, chat=chat["title"])
    if any(row["chat"] == "old" for row in world.archive()):
        raise Bad("a chat that is old was read")
    world.verdict(chats=[chat["title"] for chat in chats])
    return f"{len(chats)} chats"


def messages(world):
    """config/message-sync.yaml as it is handed out, with a browser: chats become rows, whatever happens to them."""
    dana = "Dana Example"
    chats = [{"title": GROUP, "count": 120}, {"title": dana, "group": False, "count": 60},
             {"title": "old", "count": 9, "last": "2020-01-01T10:00:00Z"}]
    world.scenario(now="real", fill=0, chats=chats)
    world.desk()
    with open(os.path.join(REPO, "config/message-sync.yaml")) as file:
        text = file.read()
    with open(os.path.join(world.data, "sluice.yaml")) as file:
        source = json.load(file)["sources"]["web"]
    more = {name: source[name] for name in ("page", "headless", "args", "pace", "poll", "zone", "binary") if name in source}
    at = "      profile: ${WHATSAPP_PROFILE_DIR:/data/whatsapp_profile}\n"
    if at not in text:
        raise Bad("config/message-sync.yaml is not what this test knows")
    lines = "".join(f"      {name}: {json.dumps(value)}\n" for name, value in more.items())
    with open(os.path.join(world.data, "sluice.yaml"), "w") as file:
        file.write(text.replace(at, at + lines))
    os.environ.update(WEBDRIVER_URL=source["webdriver"], WHATSAPP_PROFILE_DIR=source["profile"], SLUICE_DATA="data",
                      ATTACHMENTS_DIR=os.path.join(world.data, "attachments"), WHATSAPP_OWN_NUMBER="972550000001")
    for name in ("PG_URL", "WHATSAPP_DB_PATH", "WHATSAPP_AGENT_URL", "WHATSAPP_AGENT_COMMAND"):
        os.environ.pop(name, None)
    world.sluice("run")
    rows = synced(world, GROUP) + synced(world, dana)
    mine = [row for row in synced(world, dana) if row["is_outgoing"] and row["recipients_known"]]
    theirs = [row for row in synced(world, dana) if row["is_outgoing"] == 0]
    if not mine or any(json.loads(row["recipient_ids"]) != [dana] for row in mine):
        raise Bad(f"recipients of what was written to a person: {mine[:2]}")
    if not theirs or any(json.loads(row["recipient_ids"]) != ["972550000001"] for row in theirs):
        raise Bad(f"recipients of what a person wrote: {theirs[:2]}")
    if not all(json.loads(row["recipient_ids"]) for row in synced(world, GROUP)):
        raise Bad("a group's members are not its recipients")
    for file in query(world, "SELECT file_path, checksum FROM attachments"):
        with open(file["file_path"], "rb") as picture:
            if hashlib.sha256(picture.read()).hexdigest() != file["checksum"]:
                raise Bad(f"{file['file_path']} is another file")
    # Edited, deleted, new: the same rows, and nothing else.
    plain = [row for row in world.truth() if row["kind"] == "text"]
    world.ctl("POST", "/ctl/message", {"op": "add", "chat": GROUP, "text": "Kenny, dinner on Friday"})
    world.ctl("POST", "/ctl/message", {"op": "edit", "chat": GROUP, "id": plain[-2]["id"], "text": "ערוך"})
    world.ctl("POST", "/ctl/message", {"op": "delete", "chat": GROUP, "id": plain[-3]["id"]})
    world.sluice("run")
    after = {row["external_id"]: row for row in synced(world, GROUP)}
    if (after[plain[-2]["id"]]["edited"], after[plain[-3]["id"]]["deleted"]) != (1, 1):
        raise Bad("an edit or a deletion is not in the rows")
    asked = query(world, "SELECT message_id, status FROM proposals")
    if len(asked) != 1 or after[asked[0]["message_id"].split(":")[1]]["is_agent_channel"] != 1:
        raise Bad(f"what was said to the assistant: {asked}")
    newest = query(world, "SELECT last_seen_ts = (SELECT max(ts) FROM messages) AS ok FROM sync_state WHERE source='whatsapp'")
    if newest != [{"ok": 1}]:
        raise Bad(f"sync_state: {newest}")
    world.verdict(chats=[GROUP, dana])
    return f"{len(rows)} rows at first, {len(query(world, 'SELECT id FROM attachments'))} pictures"


def query(world, sql):
    db = sqlite3.connect(f"file:{world.data}/data/records.db?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in db.execute(sql)]
    finally:
        db.close()


def synced(world, chat):
    """The rows of a chat, each of them as the truth has it."""
    truth = {one["id"]: one for one in map(expected, [r for r in world.truth(chat) if r["kind"] not in ("system", "call")])}
    rows = query(world, f"SELECT * FROM messages WHERE thread_external_id = '{chat}'")
    if {row["external_id"] for row in rows} != set(truth) or len(rows) != len(truth):
        raise Bad(f"{chat}: {len(rows)} rows for {len(truth)} messages")
    for row in rows:
        one = truth[row["external_id"]]
        if (row["content_snippet"] or "", row["ts"][:16], row["is_outgoing"]) != (one["text"], one["sent"], int(one["direction"] == "out")):
            raise Bad(f"{chat}: {row} should be {one}")
    return rows


def grid(world):
    """The same through a Selenium Grid."""
    world.scenario(profile="C", chats=[{"title": GROUP, "count": 200}])
    world.desk()
    world.sluice("run")
    ordered, count = is_the_truth(world)
    world.verdict()
    if not ordered:
        raise Bad("the order is not the page's")
    return f"{count} messages"


def grid_kills(world):
    """5,000 messages through a Grid that is killed with its browser while they are read; then the archive is the truth."""
    dice = random.Random(11)
    world.scenario(profile="C", chats=[{"title": GROUP, "count": 5000, "kinds": {"text": 95, "quoted": 5}}], batch_size=[60, 60],
                   triggers=[{"on": "batch", "chat": GROUP, "n": 15, "do": [["POST", "/ctl/message", {"chat": GROUP, "burst": 3}]]}])
    world.desk()
    # A browser that is killed before it has kept its login has none: a first look ends in order.
    run = world.begin("run")
    until = time.monotonic() + 90
    while "session: ready" not in world.log() and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(2)
    run.send_signal(signal.SIGTERM)
    run.wait()
    killed = 0
    for _ in range(2):
        before = world.log().count("session: ready")
        run = world.begin("run")
        until = time.monotonic() + 60
        while world.log().count("session: ready") == before and run.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(dice.uniform(1, 5))
        killed += run.poll() is None
        world.browser.ask("restart")
        time.sleep(dice.uniform(0.5, 2))
        if run.poll() is None:  # It goes on by itself, or is killed as well.
            run.send_signal(signal.SIGKILL)
        run.wait()
    if killed == 0:
        raise Bad("nothing was read when the Grid was killed")
    world.sluice("run", fine=(0, 2))
    world.sluice("run")
    no_gaps(world)
    _, count = is_the_truth(world)
    world.verdict()
    return f"{count} messages; the Grid was killed {killed} times"


CASES = {one.__name__: one for one in (generations, changes, scroll, unknown, kills, limits, several, everything, messages, grid, grid_kills)}

if __name__ == "__main__":
    main()
