#!/bin/sh
# students: a school's group 7from a bridge's file and a roster from a CSV file, against an oracle that is
# written by itself; the roster 7changes, the process is killed, `paid` is set by hand, rules are replayed.
. "$(dirname "$0")/desk.inc"

cat > sluice.yaml <<'Y'
store: data
sources:
  group: {kind: whatsapp-bridge, path: messages.db, zone: Asia/Jerusalem}
  roster: {kind: csv, path: roster.csv, reference: true, key: row, settle: 0s}
sinks:
  records: {kind: sqlite}
  sheet: {kind: json, path: sheet.json}
pipelines:
  students:
    kind: students
    source: group
    chats: [School]
    practice_words: תרגול,practice
    message_words: שאלה,question
    sheet: sheet
Y

cat > world.py <<'P'
"""Makes the group 7and the roster, and says what has to come of them: written without a look at the program."""
import csv, hashlib, json, random, sqlite3, sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

HOME = ZoneInfo("Asia/Jerusalem")
what, seed = sys.argv[1], int(sys.argv[2])
dice = random.Random(seed)
people = [(f"055{i:07d}", f"תלמיד {i}" if i % 3 else f"Student {i}") for i in range(40)]


def look(phone): return f"972 {phone[1:3]}-{phone[3:6]}-{phone[6:]}"
def key(person): return hashlib.md5(f"{look(person[0])}_{person[1]}".encode()).hexdigest()
def wall(at): return at.astimezone(HOME).strftime("%H:%M, %d.%m.%Y")


def messages():
    at = datetime(2025, 10, 24, 20, 0, tzinfo=ZoneInfo("UTC"))  # The clock goes back on the 26th.
    for number in range(1, 601):
        at += timedelta(minutes=dice.randrange(0, 9))
        person = dice.choice(people)
        digits = "972" + person[0][1:]
        sender = dice.choice([digits, digits + "@s.whatsapp.net", f"+{digits[:3]} {digits[3:]}", person[0], person[1], f"\u202a+{look(person[0])}\u202c"])
        text = dice.choice(["סיימתי תרגול", "practice, and a question", "יש שאלה", "a question", "בוקר טוב", "PRACTICE"])
        yield number, at, person, sender, text


def roster(version):
    for i, person in enumerate(people):
        if version == 0 and i >= 35:
            continue  # Five come later.
        yield [i + 2, person[0], person[1], str(i % 4 + version * (i % 2)), "נועה" if i % 2 else "רון", ""]


if what == "group":
    db = sqlite3.connect("messages.db")
    db.execute("CREATE TABLE IF NOT EXISTS messages(id INTEGER PRIMARY KEY, sender TEXT, text TEXT, timestamp TEXT, chat TEXT)")
    upto = int(sys.argv[3])
    have = db.execute("SELECT coalesce(max(id),0) FROM messages").fetchone()[0]
    db.executemany("INSERT INTO messages VALUES(?,?,?,?,'School')", [(n, s, t, at.isoformat()) for n, at, p, s, t in messages() if have < n <= upto])
    db.commit()
elif what == "roster":
    with open("roster.csv.new", "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["row", "phone_number", "name", "current_lesson", "teacher", "last_practice"])
        rows.writerows(roster(int(sys.argv[3])))
    import os
    os.replace("roster.csv.new", "roster.csv")
else:  # The oracle: the first 300 messages saw roster 7, the others roster 1.
    known = [{r[1]: r for r in roster(v)} for v in (0, 1)]
    students, late = {}, []
    def count(person, lesson, practice, at):
        row = students.setdefault(person, {"lessons": {}, "p": None, "m": None})
        one = row["lessons"].setdefault(lesson, {"practice_count": 0, "message_count": 0, "first_practice": None, "last_practice": None})
        if practice:
            one["practice_count"] += 1
            one["first_practice"] = one["first_practice"] or wall(at)
            one["last_practice"] = wall(at)
            row["p"] = max(row["p"] or at, at)
        else:
            one["message_count"] += 1
            row["m"] = max(row["m"] or at, at)
    def move():
        for person in list(students):
            lesson = known[1][person[0]][3]
            students[person]["lessons"].setdefault(lesson, {"practice_count": 0, "message_count": 0, "first_practice": None, "last_practice": None})
    moved = False
    for number, at, person, sender, text in messages():
        if number > 300 and not moved:
            move()
            for p, practice, t in late:
                count(p, known[1][p[0]][3], practice, t)
            moved = True
        practice = "תרגול" in text or "practice" in text
        if not practice and not ("שאלה" in text or "question" in text):
            continue
        version = 0 if number <= 300 else 1
        if person[0] not in known[version]:
            late.append((person, practice, at))
            continue
        count(person, known[version][person[0]][3], practice, at)
    db = sqlite3.connect("data/records.db")
    found = {r[0]: r for r in db.execute("SELECT uniq_id, phone_number, name, current_lesson, last_practice_timedate, last_message_timedate, lessons FROM student_stats")}
    bad = 0
    for person, row in students.items():
        lessons = {k: dict(v, lesson=k) for k, v in row["lessons"].items()}
        got = found.pop(key(person), None)
        if got is None:
            print("missing", key(person)); bad += 1; continue
        theirs = {l["lesson"]: {k: l[k] for k in ("lesson", "practice_count", "message_count", "first_practice", "last_practice")} for l in json.loads(got[6])}
        want = (look(person[0]), person[1], known[1][person[0]][3], row["p"] and wall(row["p"]), row["m"] and wall(row["m"]))
        if got[1:6] != want or theirs != lessons:
            print("differs", got, want, lessons); bad += 1
    if found:
        print("nobody's", found); bad += 1
    print("students", len(students), "bad", bad)
    sys.exit(bad > 0)
P
world() { python3 world.py "$@"; }
run() { "$SLUICE" run > out 2> err || fail "run: $(cat out err)"; }

world group 7 300
world roster 7 0
run
world roster 7 1
run
is "open warnings about strangers" "$(sqlite3 data/records.db "SELECT count(*) FROM student_warnings WHERE open AND kind='sender'")" 0
# A lesson is paid by hand; nothing that follows takes that away.
sqlite3 data/records.db "UPDATE student_stats SET lessons=json_set(lessons,'\$[0].paid',json('true'),'\$[0].note','by hand')"
paid=$(sqlite3 data/records.db "SELECT count(*) FROM student_stats WHERE json_extract(lessons,'\$[0].paid') AND json_extract(lessons,'\$[0].note')='by hand'")

# The rest arrives while the process is killed again and again.
world group 7 600
kills=0
for wait in 0.01 0.02 0.03 0.05 0.08 0.13; do
    "$SLUICE" run > out 2> err &
    sluice=$!
    sleep "$wait"
    kill -9 "$sluice" 2> /dev/null && kills=$((kills + 1))
    wait "$sluice" 2> /dev/null
done
sluice=''
run
world oracle 7 || fail "the rows are not those of the oracle"
is "lessons that are still paid" "$(sqlite3 data/records.db "SELECT count(*) FROM student_stats WHERE json_extract(lessons,'\$[0].paid') AND json_extract(lessons,'\$[0].note')='by hand'")" "$paid"
has "the sheet" "$(cat sheet.json data/sheet.json 2> /dev/null)" '"last_practice":"'

# Again, and a replay: nothing more.
sqlite3 data/records.db .dump > before
run
sqlite3 data/records.db .dump > after
cmp -s before after || fail "a run with nothing new changed a row"
"$SLUICE" replay students > out 2> err
has "a replay by the same rules" "$(cat out)" "no difference"

# Another word: the diff says what would change, and nothing is written.
sed -i 's/practice_words: תרגול,practice/practice_words: תרגול,practice,PRACTICE/' sluice.yaml
"$SLUICE" replay students > out 2> err
has "a replay by other rules" "$(cat out)" "lessons"
sqlite3 data/records.db .dump > after
cmp -s before after || fail "looking at a replay changed a row"
finish
