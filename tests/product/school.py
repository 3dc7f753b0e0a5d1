"""The school's profile whole: two groups of WhatsApp Web in a real browser, MongoDB over TLS with a password, Sheets over
TLS; killed, cut off, and given rosters that are wrong; at the end every document, cell and log row is what the oracle
below says, which was written without a look at the program.

    python3 school.py FOLDER        SLUICE names the binary; prints "missing: why" and ends with 77 where it cannot run
"""
import datetime
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whatsapp_web import REPO, Bad, Server, World

HOME = ZoneInfo("Asia/Jerusalem")
STUDENTS, SALES = "תלמידים", "Sales team"
NOW = "2026-11-01T08:00:00Z"
PRACTICE, QUESTION = ("תרגול", "practice"), ("שאלה", "question")
dice = random.Random(20)


# ---- The world ----

class Person:
    """A student. Half of them are contacts, and the page shows their names; of the others it shows the number."""

    def __init__(self, number):
        self.digits = f"97255000{number:04d}"
        self.name = f"תלמיד {number}" if number % 3 else f"Student {number}"
        self.contact = number % 2 == 0
        self.look = f"{self.digits[:3]} {self.digits[3:5]}-{self.digits[5:8]}-{self.digits[8:]}"
        self.cell = [self.digits, "0" + self.digits[3:], "+" + self.look, self.look][number % 4]
        self.lesson, self.teacher = str(1 + number % 5), ["נועה", "Ron"][number % 2]

    def member(self):
        return {"name": self.name, "phone": self.digits} if self.contact else {"phone": self.digits}

    def uniq(self):
        return hashlib.md5(f"{self.look}_{self.name}".encode()).hexdigest()


PEOPLE = [Person(n) for n in range(1, 13)]
STRANGER = {"name": "מישהו", "phone": "972550009999"}
HEADERS = ["notes", "phone_number", "name", "current_lesson", "teacher", "last_practice"]


def roster(people=PEOPLE):
    return [HEADERS] + [["=1+1", p.cell, p.name, p.lesson, p.teacher, ""] for p in people]


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def iso(at):
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def said(at, person=None):
    """A message of a student: what it says, and what it counts as."""
    text, what = dice.choice([("סיימתי תרגול היום", "p"), ("practice, and a question", "p"), ("יש לי שאלה", "m"), ("a question?", "m"),
                              ("בוקר טוב", ""), ("x" * 20000 + " practice", "p"), ("\u202eתרגול\u202c", "p")])
    if len(text) > 1000 and dice.random() < 0.8:
        text, what = "thanks", ""
    person = person or dice.choice(PEOPLE)
    return {"at": at, "person": person, "text": text, "what": what}


def lead(at, number):
    """A message of the sales team: the leads in it, and whether it is a near miss."""
    phone, name = f"055-{number:03d}-{number * 7 % 10000:04d}", dice.choice(["רות", "=HYPERLINK(1)", "Yael 'O", "דנה\u200f"])
    kind = dice.choice(["one", "one", "one", "two", "miss", "talk"])
    if kind == "one":
        return {"at": at, "text": f"מקור: פייסבוק\n* שם: {name}\nטלפון: {phone}\nמייל: a{number}@b.example", "leads": [(name, phone)], "miss": 0}
    if kind == "two":
        return {"at": at, "text": f"שם: {name}\nטלפון: {phone}\nשם: second {number}\nטלפון: 054{number:07d}",
                "leads": [(name, phone), (f"second {number}", f"054{number:07d}")], "miss": 0}
    if kind == "miss":
        return {"at": at, "text": "מקור: גוגל", "leads": [], "miss": 1}
    return {"at": at, "text": "בוקר טוב לכולם", "leads": [], "miss": 0}


def nights():
    """Days around the two nights of the year in which the clock is changed, and none in the hour that comes twice."""
    for begin in ("2026-03-26T18:00:00Z", "2026-10-24T16:00:00Z"):
        at = utc(begin)
        for _ in range(30):
            at += datetime.timedelta(minutes=dice.randrange(9, 50))
            if utc("2026-10-24T22:00:00Z") <= at < utc("2026-10-25T00:00:00Z"):
                at = utc("2026-10-25T00:10:00Z")
            yield at


# ---- The oracle ----

class Oracle:
    def __init__(self):
        self.rows = {}
        self.leads, self.misses, self.newest_lead = [], 0, None

    def adopt(self, document, person, after_p, after_m):
        self.rows[person.uniq()] = {"person": person, "kept": document, "after": (after_p, after_m), "p": None, "m": None, "lessons": {}}
        for one in document["lessons"]:
            self.rows[person.uniq()]["lessons"][one["lesson"]] = dict(one)

    def hear(self, one):
        if not one["what"]:
            return
        row = self.rows.setdefault(one["person"].uniq(), {"person": one["person"], "kept": None, "after": (None, None), "p": None, "m": None, "lessons": {}})
        practice = one["what"] == "p"
        if row["after"][0 if practice else 1] and one["at"] <= row["after"][0 if practice else 1]:
            return
        lesson = row["lessons"].setdefault(one["person"].lesson, {"lesson": one["person"].lesson, "teacher": one["person"].teacher,
                                           "practice_count": 0, "message_count": 0, "first_practice": None, "last_practice": None, "paid": False})
        lesson["teacher"] = one["person"].teacher
        if practice:
            lesson["practice_count"] += 1
            lesson["first_practice"] = lesson["first_practice"] or wall(one["at"])
            lesson["last_practice"] = wall(one["at"])
            row["p"] = one["at"]
        else:
            lesson["message_count"] += 1
            row["m"] = one["at"]

    def sell(self, one, mark):
        if mark and one["at"] <= mark:
            return
        self.misses += one["miss"]
        for name, phone in one["leads"]:
            self.leads.append((name.replace("\u200f", ""), phone, one["at"]))
            self.newest_lead = one["at"]


def wall(at):
    return at.astimezone(HOME).strftime("%H:%M, %d.%m.%Y")


def digits(phone):
    only = "".join(c for c in phone if c.isdigit())
    return "972" + only[1:] if only.startswith("0") else only


# ---- The school ----

class School:
    def __init__(self, folder):
        self.world = World(os.path.join(folder, "web"))
        self.folder = folder
        self.mongo = Server([sys.executable, "tests/db/mongo_server.py", os.path.join(folder, "mongo")], os.path.join(folder, "mongo"))
        self.google = Server([sys.executable, "tests/google/sheets_server.py", os.path.join(folder, "google")], os.path.join(folder, "google"))
        self.mark = utc("2026-03-26T21:00:00Z")
        self.oracle = Oracle()
        self.past = []  # What was said before sluice came.
        self.runs = 0

    def stop(self):
        for one in (self.world, self.mongo, self.google):
            one.stop()

    def client(self):
        import pymongo
        return pymongo.MongoClient(self.uri(), serverSelectionTimeoutMS=20000)

    def uri(self):
        return (f"mongodb://any:secret@localhost:{self.mongo.ports['mongo']}/?authSource=admin&tls=true"  # invented
                f"&tlsCAFile={self.folder}/mongo/ca.crt")

    def google_says(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.google.ports['control']}/", timeout=30) as answer:
            return json.load(answer)

    def sheet(self, title, rows):
        self.google.ask("sheet " + json.dumps({"id": "S" if title == "main" else "L", "title": title, "rows": rows}))

    def begin(self):
        for at in nights():
            one = said(at)
            self.past.append({"at": iso(at), "author": one["person"].name if one["person"].contact else one["person"].digits, "text": one["text"]})
            self.oracle_later = getattr(self, "oracle_later", []) + [one]
        sold = [lead(at, n) for n, at in enumerate(nights())]
        self.past_sales = [{"at": iso(one["at"]), "author": "Dan", "text": one["text"]} for one in sold]
        self.world.scenario(now=NOW, fill=20, profile="C", chats=[
            {"title": STUDENTS, "members": [p.member() for p in PEOPLE] + [STRANGER], "messages": self.past},
            {"title": SALES, "members": [{"name": "Dan", "phone": "972550008888"}], "messages": self.past_sales}])
        # The old system left a document and a mark behind.
        person = PEOPLE[0]
        after = utc("2026-03-27T00:30:00Z")
        document = {"uniq_id": person.uniq(), "phone_number": person.look, "name": person.name, "current_lesson": person.lesson, "total_messages": 12,
                    "last_message_timedate": wall(after), "last_practice_timedate": wall(after), "created_at": "10:00, 01.01.2026", "updated_at": "10:00, 01.01.2026",
                    "lessons": [{"lesson": person.lesson, "teacher": "Old Teacher", "practice_count": 5, "first_practice": "10:30, 01.01.2026",
                                 "last_practice": wall(after), "paid": True, "message_count": 3}]}
        client = self.client()
        client.students_db.student_stats.insert_one(dict(document))
        client.sales_db.last_run_timestamp.insert_one({"identifier": "sales_leads_etl", "last_run_timestamp": self.mark.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "updated_at": "x"})
        client.close()
        self.oracle.adopt(document, person, after.replace(second=59), after.replace(second=59))
        for one in self.oracle_later:
            self.oracle.hear(one)
        for one in sold:
            self.oracle.sell(one, self.mark)
        self.sheet("main", roster())
        self.sheet("Sheet1", [["email", "name", "phone", "ours"]])
        self.configure()

    def configure(self):
        world = self.world
        world.desk(chats=[STUDENTS, SALES])
        with open(os.path.join(world.data, "sluice.yaml")) as file:
            source = json.load(file)["sources"]["web"]
        with open(os.path.join(REPO, "config/students-sales.yaml")) as file:
            text = file.read()
        more = {name: source[name] for name in ("page", "headless", "args", "pace", "poll", "zone", "binary") if name in source}
        profile = "      profile: ${WHATSAPP_PROFILE_DIR:/data/whatsapp_profile}\n"
        if text.count(profile) != 1 or text.count("credentials: file:") != 3:
            raise Bad("config/students-sales.yaml is not what this test knows")
        text = text.replace(profile, profile + "".join(f"      {name}: {json.dumps(value)}\n" for name, value in more.items()))
        api = f"api: https://localhost:{self.google.ports['google']}\n      authorities: {self.folder}/google/ca.crt\n      rate: 10000\n      "
        text = text.replace("credentials: file:", api + "credentials: file:").replace("      key: phone_number\n    else", "      key: phone_number\n      refresh: 1s\n    else")
        for sheet in ("SHEET_ID", "SALES_SHEET_ID"):
            text = text.replace(f"spreadsheet: ${{{sheet}}}\n      worksheets", f"spreadsheet: ${{{sheet}}}\n      settle: 1s\n      worksheets")
        with open(os.path.join(world.data, "sluice.yaml"), "w") as file:
            file.write(text)
        # The old system's .env, as it is.
        with open(os.path.join(world.data, ".env"), "w") as file:
            file.write(f'STUDENTS_GROUP="{STUDENTS}"\nSALES_TEAM_GROUP={SALES}\nMESSAGE_COUNT=400\nPRACTICE_WORDS={",".join(PRACTICE)}\nMESSAGE_WORDS={", ".join(QUESTION)},\n'
                       f"SHEET_ID=S\nSALES_SHEET_ID=L\nCREDENTIALS_FILE={self.folder}/google/credentials.json\nMONGO_HOST={self.uri()}\n"
                       f"STUDENTS_DB=students_db\nSALES_DB=sales_db\nLOGGER_DB=logger_db\n"
                       f"WEBDRIVER_URL={source['webdriver']}\nWHATSAPP_PROFILE_DIR={source['profile']}\n")
        os.chmod(os.path.join(world.data, ".env"), 0o644)
        os.environ["SLUICE_DATA"] = "data"

    # ---- What happens ----

    def talk(self, count):
        """More messages in both groups, in the minutes that follow."""
        for _ in range(count):
            self.clock = getattr(self, "clock", utc(NOW)) + datetime.timedelta(minutes=1)
            one = said(self.clock)
            author = one["person"].name if one["person"].contact else one["person"].digits
            self.world.ctl("POST", "/ctl/message", {"chat": STUDENTS, "at": iso(self.clock), "author": author, "text": one["text"]})
            self.oracle.hear(one)
            sold = lead(self.clock, dice.randrange(100, 900))
            self.world.ctl("POST", "/ctl/message", {"chat": SALES, "at": iso(self.clock), "author": "Dan", "text": sold["text"]})
            self.oracle.sell(sold, self.mark)
        if dice.random() < 0.5:
            self.world.ctl("POST", "/ctl/message", {"chat": STUDENTS, "at": iso(self.clock), "author": STRANGER["name"], "text": "practice"})

    def run(self, fine=(0,)):
        self.runs += 1
        return self.world.sluice("run", fine=fine)

    def killed(self):
        run = self.world.begin("run")
        time.sleep(dice.uniform(0.05, 2.2))
        alive = run.poll() is None
        if alive:
            run.send_signal(signal.SIGKILL)
        run.wait()
        return alive

    # ---- What must have come of it ----

    def judge(self, when):
        """What waits for its next try after an outage is there a moment later."""
        until = time.monotonic() + 60
        wrong = self.wrong()
        while wrong and time.monotonic() < until:
            time.sleep(2)
            self.world.sluice("run", fine=(0, 2))
            wrong = self.wrong()
        if wrong:
            raise Bad(f"{when}: {len(wrong)} wrong: {'; '.join(wrong[:3])}"[:1500])

    def wrong(self):
        client = self.client()
        wrong = list(self.wrong_students(client)) + list(self.wrong_sales(client)) + list(self.wrong_sheet())
        client.close()
        return wrong

    def wrong_students(self, client):
        found = {one["uniq_id"]: one for one in client.students_db.student_stats.find()}
        for uniq, row in self.oracle.rows.items():
            got = found.pop(uniq, None)
            if got is None:
                yield f"{row['person'].name} has no document"
                continue
            want = {"phone_number": row["person"].look, "name": row["person"].name, "current_lesson": row["person"].lesson}
            kept = row["kept"] or {}
            want["last_practice_timedate"] = wall(row["p"]) if row["p"] else kept.get("last_practice_timedate")
            want["last_message_timedate"] = wall(row["m"]) if row["m"] else kept.get("last_message_timedate")
            if kept:
                want["total_messages"], want["created_at"] = kept["total_messages"], kept["created_at"]
            for name, value in want.items():
                if got.get(name) != value:
                    yield f"{row['person'].name}: {name} is {got.get(name)!r}, not {value!r}"
            lessons = {one["lesson"]: one for one in got["lessons"]}
            for name, lesson in row["lessons"].items():
                have = {k: lessons.get(name, {}).get(k) for k in lesson}
                if have != lesson:
                    yield f"{row['person'].name}, lesson {name}: {have}, not {lesson}"
            if len(lessons) != len(got["lessons"]) or set(lessons) - set(row["lessons"]):
                yield f"{row['person'].name}: lessons {sorted(lessons)}"
        for one in found.values():
            if any(lesson["practice_count"] or lesson["message_count"] for lesson in one["lessons"]):
                yield f"nobody's document: {one['name']}"

    def wrong_sales(self, client):
        rows = self.table("L", "Sheet1")
        want = sorted((name, digits(phone)) for name, phone, _ in self.oracle.leads)
        have = sorted((row["name"], str(row["phone"])) for row in rows)
        if want != have:
            missing = [one for one in want if want.count(one) > have.count(one)]
            extra = [one for one in have if have.count(one) > want.count(one)]
            yield f"leads in the sheet: {len(have)} of {len(want)}; missing {missing[:3]}, too many {extra[:3]}"
        misses = client.sales_db.near_misses.count_documents({})
        if misses != self.oracle.misses:
            yield f"{misses} near misses of {self.oracle.misses}"
        marks = list(client.sales_db.last_run_timestamp.find())
        newest = self.oracle.newest_lead.strftime("%Y-%m-%dT%H:%M:00.000Z")
        if len(marks) != 1 or marks[0]["last_run_timestamp"] != newest:
            yield f"the mark is {[m['last_run_timestamp'] for m in marks]}, not {newest}"
        logged = list(client.logger_db.logger_stats.find())
        if sum(one["new_leads"] or 0 for one in logged if one["source"] == "sales_etl") != len(want):
            yield f"new_leads of all runs: {[one['new_leads'] for one in logged if one['source'] == 'sales_etl']} for {len(want)} leads"
        for one in logged:
            if not (isinstance(one["timestamp"], datetime.datetime) and isinstance(one["total_run_time"], float) and isinstance(one["success"], bool)
                    and isinstance(one["metadata"], dict) and one["log_level"] in ("info", "warning", "error")):
                yield f"a log row: {one}"
        for source in ("students_etl", "sales_etl"):
            if sum(one["source"] == source for one in logged) < self.runs:
                yield f"{source}: {sum(one['source'] == source for one in logged)} rows for {self.runs} runs"

    def wrong_sheet(self):
        rows = {digits(str(row["phone_number"])): row for row in self.table("S", "main")}
        for row in self.oracle.rows.values():
            want = row["p"].astimezone(HOME).strftime("%d/%m/%Y") if row["p"] else ""
            have = rows.get(row["person"].digits, {}).get("last_practice", "no row")
            if have != want and not (row["kept"] and not row["p"]):
                yield f"{row['person'].name}: last_practice is {have!r}, not {want!r}"
            if rows.get(row["person"].digits, {}).get("notes") not in ("=1+1", 2, "2", None):
                yield f"{row['person'].name}: the notes became {rows[row['person'].digits]['notes']!r}"

    def table(self, book, title):
        head, *rows = self.google_says()["sheets"][book][title] or [HEADERS]
        return [dict(zip(head, row + [""] * (len(head) - len(row)))) for row in rows if any(str(cell) != "" for cell in row)]


def written(school):
    """How often each end was written to; the log of runs is one that each run adds to."""
    client = school.client()
    documents = sorted((str(one["_id"]), one["updated_at"]) for one in client.students_db.student_stats.find())
    client.close()
    return {name: count for name, count in school.google_says()["calls"].items() if name in ("append", "update", "put", "change")}, documents


def play(school):
    say = lambda text: print(text, flush=True)
    school.begin()
    school.world.sluice("check")
    say("migrate: " + school.world.sluice("migrate").stdout.strip().splitlines()[-1][:120])
    school.run()
    school.judge("after the first run")
    say(f"first run: {len(school.oracle.rows)} students, {len(school.oracle.leads)} leads")

    kills = 0
    for _ in range(8):
        school.talk(3)
        kills += school.killed()
    school.run()
    school.judge("after kills")
    say(f"{kills} kills")

    school.google.ask("stop")
    school.talk(4)
    school.run(fine=(2,))
    school.google.ask("start")
    school.talk(2)
    school.run()
    school.judge("after Google was away")
    school.mongo.ask("stop")
    school.talk(4)
    school.world.sluice("run", fine=(2,))
    school.mongo.ask("start")
    school.run()
    school.judge("after MongoDB was away")
    say("both were away")

    for name, rows in (("an empty roster", [HEADERS]), ("no rows at all", []), ("a renamed header", [[h.replace("name", "שם") for h in HEADERS]] + roster()[1:])):
        had = school.table("S", "main")
        school.sheet("main", rows)
        school.talk(2)
        time.sleep(1.1)
        done = school.run(fine=(0, 2))
        if "main" not in done.stderr and "roster" not in done.stderr:
            raise Bad(f"{name} is not said: {done.stderr[-400:]}")
        school.sheet("main", [HEADERS] + [[row[h] for h in HEADERS] for row in had])
        time.sleep(1.1)
        school.run(fine=(0, 2))
        school.run()
        school.judge(f"after {name}")
    say("rosters that were wrong")

    rows = school.table("S", "main")
    moved = [HEADERS] + [[row[h] for h in HEADERS] for row in rows[5:] + rows[:5]]
    school.sheet("main", moved)
    school.talk(3)
    time.sleep(1.1)
    school.run()
    school.judge("after rows moved")
    before = written(school)
    school.run()
    if written(school) != before:
        raise Bad(f"a run with nothing new wrote: {before}, then {written(school)}")
    school.world.verdict(chats=[STUDENTS, SALES])
    say(f"{school.runs} runs, {len(school.oracle.leads)} leads, nothing lost and nothing twice; WhatsApp was only read")


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    place = subprocess.run(["ci/tool", "secantus"], cwd=REPO, capture_output=True, text=True, check=False)
    if place.returncode != 0:
        print("missing: a server that speaks MongoDB's protocol")
        sys.exit(77)
    sys.path.insert(0, place.stdout.strip())
    school = School(folder)
    try:
        for server in (school.mongo, school.google):
            if server.missing:
                print(server.missing)
                sys.exit(77)
        play(school)
    except Bad as why:
        print(f"bad: {why}", flush=True)
        sys.exit(1)
    finally:
        school.stop()


if __name__ == "__main__":
    main()
